// Purpose: what a route does to a request on its way upstream and to the response on its way back: header changes of
// all
//          levels in Envoy's order, host and path rewrites; and the redirect that a virtual host's require_tls asks
//          for.
// Thread:  any (pure functions over one exchange's messages).
// Source:  Envoy's RouteEntryImplBase::finalizeRequestHeaders and its neighbours.
#pragma once

#include <optional>
#include <string>

#include "http/message.h"
#include "proxy/route_config.h"

namespace weft::proxy {

/// The levels whose header changes apply to one exchange. `config` and `virtual_host` are required, `weighted` may be
/// null.
struct MutationLevels {
  const RouteConfig* config;
  const VirtualHost* virtual_host;
  const Route* route;
  const WeightedCluster* weighted = nullptr;
};

/// Applies request header changes: weighted cluster first, then route, virtual host, route configuration (the later
/// wins); with most_specific_header_mutations_wins the last three in the opposite order.
void apply_request_mutations(const MutationLevels& levels, http::HeaderMap& headers, const observe::RequestInfo& info);
/// The same for response headers.
void apply_response_mutations(const MutationLevels& levels, http::HeaderMap& headers, const observe::RequestInfo& info);

/// Everything that happens to the head before it is sent upstream: header changes, then host, then path.
/// `keep_original`: whether x-envoy-original-path (and -host) tell what was there (off with suppress_envoy_headers).
/// The route must have a RouteAction.
void finalize_request_headers(const MutationLevels& levels, http::RequestHead& head, const observe::RequestInfo& info,
                              bool keep_original);

/// The authority that goes upstream, or nullopt where it stays. auto_host_rewrite needs the endpoint: see
/// set_authority.
std::optional<std::string> rewrite_host(const RouteAction& action, const WeightedCluster* weighted,
                                        const http::RequestHead& head);
/// Replaces :authority; the old one is appended to x-forwarded-host when `append_forwarded_host`.
void set_authority(http::RequestHead& head, std::string_view authority, bool append_forwarded_host);

/// The `location` of the 301 that `host.require_tls` asks for; nullopt: the request may pass. Looks at
/// x-forwarded-proto and x-envoy-internal as the connection manager left them.
std::optional<std::string> tls_redirect_location(const VirtualHost& host, const http::RequestHead& head);

}  // namespace weft::proxy
