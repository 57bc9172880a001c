#include "proxy/rewrite.h"

#include "proxy/ascii.h"
#include "proxy/route_table.h"

namespace weft::proxy {

namespace {

using http::HeaderId;

template <typename Select>
void apply_levels(const MutationLevels& levels, http::HeaderMap& headers, const observe::RequestInfo& info,
                  Select select) {
  if (levels.weighted != nullptr) select(*levels.weighted).apply(headers, info);
  if (levels.config->most_specific_header_mutations_wins) {
    select(*levels.config).apply(headers, info);
    select(*levels.virtual_host).apply(headers, info);
    select(*levels.route).apply(headers, info);
  } else {
    select(*levels.route).apply(headers, info);
    select(*levels.virtual_host).apply(headers, info);
    select(*levels.config).apply(headers, info);
  }
}

/// The length of what a prefix rewrite replaces: what the path rule matched.
size_t matched_size(const RouteMatch& match, std::string_view path) {
  switch (match.kind) {
    case RouteMatch::Path::Prefix:
    case RouteMatch::Path::Exact:
    case RouteMatch::Path::PathSeparatedPrefix: return std::min(match.path.size(), path.size());
    case RouteMatch::Path::Regex:
    case RouteMatch::Path::Connect: return path.size();
  }
  return path.size();
}

/// The request's authority for a redirect: its port goes when a new one is set, or when it was the default of the
/// scheme left behind.
std::string_view redirect_host(const http::RequestHead& head, std::string_view new_scheme, bool has_new_port) {
  const std::string_view host = head.authority();
  if (host.empty()) return host;
  size_t end = 0;
  if (host[0] == '[') {
    end = host.rfind("]:");
    if (end != std::string_view::npos) ++end;
  } else {
    end = host.rfind(':');
  }
  if (end == std::string_view::npos) return host;
  const std::string_view port = host.substr(end);
  const std::string_view old_scheme = head.get(HeaderId::XForwardedProto);
  bool drops_port = has_new_port;
  if (new_scheme != old_scheme) {
    drops_port = drops_port || (equals_ignoring_case(old_scheme, "https") && port == ":443") ||
                 (equals_ignoring_case(old_scheme, "http") && port == ":80");
  }
  return drops_port ? host.substr(0, end) : host;
}

}  // namespace

void apply_request_mutations(const MutationLevels& levels, http::HeaderMap& headers, const observe::RequestInfo& info) {
  apply_levels(levels, headers, info,
               [](const auto& level) -> const HeaderMutations& { return level.request_headers; });
}

void apply_response_mutations(const MutationLevels& levels, http::HeaderMap& headers,
                              const observe::RequestInfo& info) {
  apply_levels(levels, headers, info,
               [](const auto& level) -> const HeaderMutations& { return level.response_headers; });
}

void finalize_request_headers(const MutationLevels& levels, http::RequestHead& head, const observe::RequestInfo& info,
                              bool keep_original) {
  apply_request_mutations(levels, head, info);
  const auto& action = std::get<RouteAction>(levels.route->action);
  if (const auto host = rewrite_host(action, levels.weighted, head)) {
    if (keep_original) head.set(HeaderId::XEnvoyOriginalHost, head.authority());
    set_authority(head, *host, action.append_x_forwarded_host);
  }
  std::string path;
  if (rewrite_path(levels.route->match, action.path_rewrite, head.path(), path)) {
    if (keep_original) head.set(HeaderId::XEnvoyOriginalPath, head.path());
    head.set(HeaderId::Path, path);
  }
}

std::optional<std::string> rewrite_host(const RouteAction& action, const WeightedCluster* weighted,
                                        const http::RequestHead& head) {
  std::string host;
  if (weighted != nullptr && !weighted->host_rewrite_literal.empty()) {
    host = weighted->host_rewrite_literal;
  } else if (!action.host_rewrite_literal.empty()) {
    host = action.host_rewrite_literal;
  } else if (!action.host_rewrite_header.empty()) {
    host = head.get(action.host_rewrite_header);
  } else if (action.host_rewrite_path_regex != nullptr) {
    host = action.host_rewrite_path_regex->replace_all(path_only(head.path()), action.host_rewrite_path_substitution);
  }
  if (host.empty()) return std::nullopt;
  return host;
}

void set_authority(http::RequestHead& head, std::string_view authority, bool append_forwarded_host) {
  const std::string old(head.authority());
  if (append_forwarded_host && !old.empty()) {
    const std::string_view forwarded = head.get(HeaderId::XForwardedHost);
    // A retry or a second rewrite must not list the same host again.
    const size_t comma = forwarded.rfind(',');
    const std::string_view last = trim(comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1));
    if (last != old) head.append("x-forwarded-host", old);
  }
  head.set(HeaderId::Authority, authority);
}

std::optional<std::string> tls_redirect_location(const VirtualHost& host, const http::RequestHead& head) {
  if (host.require_tls == VirtualHost::RequireTls::None) return std::nullopt;
  if (equals_ignoring_case(head.get(HeaderId::XForwardedProto), "https")) return std::nullopt;
  if (host.require_tls == VirtualHost::RequireTls::ExternalOnly && head.get(HeaderId::XEnvoyInternal) == "true")
    return std::nullopt;
  std::string location = "https://";
  location += head.authority();
  location += head.path();
  return location;
}

bool rewrite_path(const RouteMatch& match, const PathRewrite& rewrite, std::string_view path_and_query,
                  std::string& out) {
  const std::string_view path = path_only(path_and_query);
  std::string result;
  if (rewrite.has_prefix && !rewrite.prefix.empty()) {
    result = rewrite.prefix;
    result += path_and_query.substr(matched_size(match, path));
  } else if (rewrite.regex != nullptr) {
    result = rewrite.regex->replace_all(path, rewrite.substitution);
    result += path_and_query.substr(path.size());
  }
  if (result.empty()) return false;
  out = std::move(result);
  return true;
}

std::string redirect_location(const RouteMatch& match, const RedirectAction& action, const http::RequestHead& head) {
  const std::string_view scheme = !action.scheme_redirect.empty() ? std::string_view(action.scheme_redirect)
                                  : action.https_redirect         ? std::string_view("https")
                                                                  : head.scheme();
  std::string location(scheme);
  location += "://";
  location += !action.host_redirect.empty() ? std::string_view(action.host_redirect)
                                            : redirect_host(head, scheme, action.port_redirect != 0);
  if (action.port_redirect != 0) location += ":" + std::to_string(action.port_redirect);

  // A query in path_redirect replaces the request's and is never stripped.
  const std::string_view request_path = head.path();
  const bool has_own_query = action.path_redirect.find('?') != std::string::npos;
  std::string path;
  if (!action.path_redirect.empty()) {
    path = action.path_redirect;
    if (const size_t query = request_path.find('?'); !has_own_query && query != std::string_view::npos)
      path += request_path.substr(query);
  } else if (!rewrite_path(match, action.path_rewrite, request_path, path)) {
    path = request_path;
  }
  if (!path.starts_with('/')) path.insert(path.begin(), '/');
  if (action.strip_query && !has_own_query) path.resize(std::min(path.size(), path.find('?')));
  return location + path;
}

}  // namespace weft::proxy
