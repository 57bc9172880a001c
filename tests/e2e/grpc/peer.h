// Purpose: the two halves of grpc_peer, a gRPC program that the end-to-end tests send through Weft.
#pragma once

#include <map>
#include <string>

namespace peer {

/// What `--name value` pairs of the command line ask for; absent numbers are 0.
using Options = std::map<std::string, std::string>;

inline std::string text_of(const Options& options, const std::string& name, const std::string& otherwise = "") {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

inline int number_of(const Options& options, const std::string& name) { return std::stoi(text_of(options, name, "0")); }

/// Serves Echo on `address` ("127.0.0.1:0" picks a port), prints "listening PORT", and runs until killed.
int run_server(const std::string& address, const Options& options);

/// Makes one call and prints what came of it as one line of JSON. Returns 0 whatever the call's status.
int run_client(const std::string& address, const std::string& method, const Options& options);

}  // namespace peer
