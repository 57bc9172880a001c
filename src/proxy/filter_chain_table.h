// Purpose: which filter chain takes a connection: Envoy's order of criteria, most specific first.
// Thread:  any (immutable after construction).   Owner: a worker's listener.
// Source:  envoy FilterChainManagerImpl: destination port, destination IP, server name, transport protocol,
//          application protocols, directly connected source IP, source type, source IP, source port.
#pragma once

#include <string_view>
#include <vector>

#include "proxy/listener_config.h"

namespace weft::proxy {

/// What is known of a connection when its chain is chosen.
struct ConnectionFacts {
  const net::Address* local = nullptr;
  const net::Address* remote = nullptr;
  std::string_view server_name;  ///< lower case; empty without tls_inspector or SNI
  std::string_view transport_protocol = "raw_buffer";
  std::vector<std::string> application_protocols;
};

class FilterChainTable {
 public:
  explicit FilterChainTable(const ListenerConfig& config);
  /// The chain, the default chain, or null.
  const FilterChainConfig* find(const ConnectionFacts& facts) const;

 private:
  std::vector<const FilterChainConfig*> chains_;
  const FilterChainConfig* default_ = nullptr;
};

}  // namespace weft::proxy
