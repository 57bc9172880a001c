// Purpose: what the connection manager decides about a request's target and upgrade before it is routed.
// Thread:  any (pure functions).
// Source:  Envoy's ConnectionManagerUtility::maybeNormalizePath, FilterManager::createFilterChain.
#pragma once

#include "http/message.h"
#include "http/path.h"
#include "proxy/listener_config.h"
#include "proxy/route_config.h"

namespace weft::proxy {

/// Normalises :path in place as the connection manager is configured. Reject (a fragment too): answer 400. Redirect:
/// answer 307 to the path as it is now (path_with_escaped_slashes_action UNESCAPE_AND_REDIRECT).
http::PathVerdict normalize_request_path(http::RequestHead& head, const HcmConfig& config);

/// Whether a request that asks for an upgrade or CONNECT tunnel may have it; true for all other requests.
/// The route's own upgrade_configs win over the connection manager's.
bool is_upgrade_allowed(const HcmConfig& config, const Route* route, const http::RequestHead& head);

/// Whether the request's payload goes to the cluster as plain TCP (upgrade_configs with connect_config): a CONNECT, or
/// with allow_post a POST.
bool is_terminated_here(const RouteAction& action, const http::RequestHead& head);

}  // namespace weft::proxy
