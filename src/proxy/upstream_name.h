// Purpose: by which name an upstream is addressed and must show itself in TLS, where that follows from the request.
// Thread:  any (pure).
// Source:  Envoy's router (auto_sni, auto_san_validation, override_auto_sni_header), Http::Utility::parseAuthority.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "proxy/cluster_config.h"

namespace weft::proxy {

/// The request's name for `cluster`: its header for that, where the request has it, else the authority as the route
/// rewrites it; in lower case, without port and brackets. Empty where the cluster asks for neither SNI nor validation
/// by request. Call before the route's header changes are applied.
std::string upstream_tls_name(const ClusterConfig& cluster, const RouteAction& action, const WeightedCluster* weighted,
                              const http::RequestHead& request);

/// An authority without port, and without the brackets of an IPv6 address.
std::string_view name_of_authority(std::string_view authority);
bool is_ip_literal(std::string_view name);

}  // namespace weft::proxy
