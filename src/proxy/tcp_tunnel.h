// Purpose: the upstream end of a CONNECT that terminates here (connect_config): plain TCP dressed as an HTTP connection
// of one
//          stream, so that pools, breakers, timeouts and logs treat it as any other.
// Thread:  the owning worker's.   Owner: the pool, like the codecs'.
// Source:  Envoy's TcpUpstream; RFC 9110 §9.3.6.
#pragma once

#include <memory>

#include "http/connection.h"

namespace weft::proxy {

/// The stream answers its request head with 200 and then passes bytes both ways; the head itself is not sent. Serves
/// one stream.
std::unique_ptr<http::ClientConnection> make_tcp_tunnel(std::unique_ptr<net::Connection> transport, size_t buffer_bytes,
                                                        http::ClientConnectionHandler& handler);

}  // namespace weft::proxy
