// Purpose: what the connection manager does to heads at its border: who the client is and whether it is trusted, which
//          headers it may set, which ones the proxy adds; and the same for responses on their way out.
// Thread:  any (pure functions over one exchange's heads; randomness and time are passed in).
// Source:  Envoy's ConnectionManagerUtility (conn_manager_utility.cc) and FilterUtility::StrictHeaderChecker.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "http/message.h"
#include "net/address.h"
#include "net/tls_session.h"
#include "proxy/listener_config.h"

namespace weft::proxy {

/// What is known of the downstream connection.
struct DownstreamPeer {
  const net::Address& remote;  ///< the direct peer
  const net::Address& local;
  std::string_view machine_ip;        ///< this machine's own address: stands for a loopback peer in x-forwarded-for
  const net::TlsInfo* tls = nullptr;  ///< null: plaintext
};

struct RequestOrigin {
  net::Address remote;       ///< the client as far as it can be trusted: %DOWNSTREAM_REMOTE_ADDRESS%
  bool is_internal = false;  ///< x-envoy-internal was set; its x-envoy-* control headers were kept
  bool is_edge = false;      ///< this proxy is the first one the request meets
};

/// The host as routes see it: trailing dot and port removed where configured.
void normalize_host(http::RequestHead& head, const HcmConfig& config, uint16_t local_port);

/// False: a header named in `connection` may not be named there (the client tries to hide where it comes from), or
/// there are ten or more: answer 400. True: the named headers are gone, `te` says "trailers" or is gone. HTTP/1 only.
bool remove_connection_named_headers(http::RequestHead& head);

/// Everything Envoy's mutateRequestHeaders does, in its order: hop-by-hop headers, referer, x-forwarded-*, :scheme,
/// trust, via, x-request-id, x-forwarded-client-cert. Call after path and host are normalised and before routing.
/// `internal_only_headers`: the route configuration's.
RequestOrigin mutate_request_headers(http::RequestHead& head, const HcmConfig& config,
                                     const std::vector<std::string>& internal_only_headers, const DownstreamPeer& peer,
                                     base::Random& random);

/// Response headers on their way downstream: date where absent, server, hop-by-hop headers, via, x-request-id where
/// asked. `date`: see http::DateCache.
void mutate_response_headers(http::ResponseHead& response, const http::RequestHead& request, const HcmConfig& config,
                             std::string_view date);

/// The first of the router's strict_check_headers that is set and malformed; answer 400 with flag IH. nullopt: all are
/// fine.
struct InvalidHeader {
  std::string name, value;
};
std::optional<InvalidHeader> find_invalid_header(const std::vector<std::string>& strict_check_headers,
                                                 const http::RequestHead& head);

}  // namespace weft::proxy
