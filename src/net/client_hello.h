// Purpose: reads the first message of a TLS connection before any TLS state exists, so that the filter chain can be
//          chosen by server name and protocol. Does no I/O, keeps nothing between calls.
// Thread:  any.   Source: RFC 8446 §4.1.2 and §5.1, RFC 6066 §3, RFC 7301; Envoy's tls_inspector.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::net {

/// What the filter chain is chosen by.
struct ClientHello {
  std::string server_name;         ///< lower case; "" where none was sent
  std::vector<std::string> alpn;   ///< in the client's order
  std::vector<uint16_t> versions;  ///< offered; 0x0304 is TLS 1.3
};

enum class ClientHelloState : uint8_t {
  NeedMore,  ///< a prefix of a ClientHello so far
  NotTls,    ///< something else, malformed, or larger than base::kClientHelloBytesMax
  Complete,
};

struct ClientHelloResult {
  ClientHelloState state = ClientHelloState::NeedMore;
  ClientHello hello;  ///< where Complete
};

/// Reads everything received so far, from its first byte; bytes behind the ClientHello are ignored.
/// Cost: O(records) until it is complete, then O(bytes).
ClientHelloResult parse_client_hello(std::string_view received);

}  // namespace weft::net
