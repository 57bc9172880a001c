// grpc_peer server ADDRESS [--instance NAME]
// grpc_peer client ADDRESS unary|client-stream|server-stream|bidi|seen [--text T] [--count N] [--delay-ms N]
//           [--fail-code N] [--fail-first N] [--deadline-ms N] [--size N] [--cancel-after N] [--authority NAME]
//           [--metadata KEY=VALUE]
#include <iostream>

#include "peer.h"

int main(int argument_count, char** arguments) {
  const int first_option = argument_count > 1 && std::string(arguments[1]) == "client" ? 4 : 3;
  if (argument_count < first_option) {
    std::cerr << "usage: grpc_peer server ADDRESS | client ADDRESS METHOD, see main.cc\n";
    return 2;
  }
  peer::Options options;
  for (int i = first_option; i + 1 < argument_count; i += 2) options[arguments[i]] = arguments[i + 1];
  if (first_option == 3) return peer::run_server(arguments[2], options);
  return peer::run_client(arguments[2], arguments[3], options);
}
