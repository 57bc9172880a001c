#include <fmt/format.h>

#include <limits>

#include "xds/translation.h"

namespace weft::xds {

namespace {

using proxy::RouteAction;
using proxy::RouteMatch;

// ---- matches ------------------------------------------------------------------------------------------------------

proxy::QueryMatcher translate_query_matcher(const View& view) {
  proxy::QueryMatcher matcher;
  matcher.name = view.text("name");
  matcher.is_presence = true;
  if (const View string = view.message("string_match")) {
    matcher.is_presence = false;
    matcher.string = translate_string_matcher(string);
  } else if (view.has("present_match")) {
    matcher.present = view.flag("present_match");
  }
  return matcher;
}

RouteMatch translate_match(const View& view) {
  RouteMatch match;
  if (view.has("prefix")) {
    match.path = view.text("prefix");
  } else if (view.has("path")) {
    match.kind = RouteMatch::Path::Exact;
    match.path = view.text("path");
  } else if (view.has("path_separated_prefix")) {
    match.kind = RouteMatch::Path::PathSeparatedPrefix;
    match.path = view.text("path_separated_prefix");
  } else if (const View regex = view.message("safe_regex")) {
    match.kind = RouteMatch::Path::Regex;
    match.path = regex.text("regex");
    match.regex = translate_regex(regex);
  } else if (view.has("connect_matcher")) {
    match.kind = RouteMatch::Path::Connect;
  }
  match.case_sensitive = flag_or(view, "case_sensitive", true);
  match.headers = translate_header_matchers(view, "headers");
  for (const View& query : view.messages("query_parameters")) match.query.push_back(translate_query_matcher(query));
  match.is_grpc = view.has("grpc");
  if (const View fraction = view.message("runtime_fraction"))
    match.runtime_fraction = translate_runtime_fraction(fraction);
  if (const View tls = view.message("tls_context")) {
    match.tls_presented = tls.wrapped_flag("presented");
    match.tls_validated = tls.wrapped_flag("validated");
  }
  return match;
}

// ---- rewrites -----------------------------------------------------------------------------------------------------

void translate_path_rewrite(const View& view, proxy::PathRewrite& rewrite) {
  const std::string prefix = view.text("prefix_rewrite");
  rewrite.prefix = prefix;
  rewrite.has_prefix = !prefix.empty();
  const View regex = view.message("regex_rewrite");
  if (!regex) return;
  if (rewrite.has_prefix) view.fault("regex_rewrite", "only one of prefix_rewrite and regex_rewrite may be set");
  Substitution substitution = translate_substitution(regex);
  rewrite.regex = std::move(substitution.regex);
  rewrite.substitution = std::move(substitution.text);
}

void translate_host_rewrite(const View& view, RouteAction& action) {
  action.host_rewrite_literal = view.text("host_rewrite_literal");
  action.auto_host_rewrite = flag_or(view, "auto_host_rewrite", false);
  action.host_rewrite_header = lower_case(view.text("host_rewrite_header"));
  if (const View regex = view.message("host_rewrite_path_regex")) {
    Substitution substitution = translate_substitution(regex);
    action.host_rewrite_path_regex = std::move(substitution.regex);
    action.host_rewrite_path_substitution = std::move(substitution.text);
  }
  action.append_x_forwarded_host = view.flag("append_x_forwarded_host");
}

// ---- clusters -----------------------------------------------------------------------------------------------------

/// The run and what of the route configuration its routes need.
struct RouteScope {
  Translation& run;
  bool validates_clusters = true;
  uint32_t body_bytes_max = 4096;

  void check_cluster(const View& view, std::string_view field, const std::string& name) const {
    if (validates_clusters && !name.empty() && !run.cluster_names.contains(name))
      view.fault(field, fmt::format("{}: no such cluster", in_quotes(name)));
  }
};

proxy::WeightedCluster translate_weighted_cluster(const View& view, const RouteScope& scope) {
  proxy::WeightedCluster cluster;
  cluster.cluster = view.text("name");
  cluster.cluster_header = lower_case(view.text("cluster_header"));
  if (cluster.cluster.empty() && cluster.cluster_header.empty())
    view.absent("name", "one of name, cluster_header is required");
  if (!cluster.cluster.empty() && !cluster.cluster_header.empty())
    view.fault("cluster_header", "only one of name and cluster_header may be set");
  scope.check_cluster(view, "name", cluster.cluster);
  cluster.weight = number_or(view, "weight", 0);
  cluster.request_headers = translate_mutations(view, "request");
  cluster.response_headers = translate_mutations(view, "response");
  cluster.host_rewrite_literal = view.text("host_rewrite_literal");
  cluster.filter_config = translate_per_filter_config(view);
  return cluster;
}

void translate_weighted_clusters(const View& view, const RouteScope& scope, RouteAction& action) {
  uint64_t total = 0;
  for (const View& cluster : view.messages("clusters")) {
    action.weighted.push_back(translate_weighted_cluster(cluster, scope));
    total += action.weighted.back().weight;
  }
  if (total == 0) view.absent("clusters", "the sum of the weights must be more than 0");
  if (total > std::numeric_limits<uint32_t>::max())
    view.fault("clusters", fmt::format("the sum of the weights, {}, must be at most {}", total,
                                       std::numeric_limits<uint32_t>::max()));
  const auto given = view.wrapped_number("total_weight");
  if (given && *given != total)
    view.fault("total_weight", fmt::format("{}: the sum of the weights is {}", *given, total));
  action.weighted_total = static_cast<uint32_t>(total);
  action.weighted_random_header = lower_case(view.text("header_name"));
  view.accept("runtime_key_prefix", kNoRuntime);
}

void translate_destination(const View& view, const RouteScope& scope, RouteAction& action) {
  action.cluster = view.text("cluster");
  scope.check_cluster(view, "cluster", action.cluster);
  action.cluster_header = lower_case(view.text("cluster_header"));
  if (const View weighted = view.message("weighted_clusters")) translate_weighted_clusters(weighted, scope, action);
  const std::string not_found = view.choice("cluster_not_found_response_code");
  action.cluster_not_found_status = not_found == "NOT_FOUND" ? 404 : not_found == "INTERNAL_SERVER_ERROR" ? 500 : 503;
}

// ---- actions ------------------------------------------------------------------------------------------------------

void translate_upgrades(const View& view, RouteAction& action) {
  for (const View& upgrade : view.messages("upgrade_configs")) {
    proxy::UpgradePolicy policy;
    policy.type = lower_case(upgrade.text("upgrade_type"));
    policy.enabled = flag_or(upgrade, "enabled", true);
    if (const View connect = upgrade.message("connect_config")) {
      policy.connect_terminates = true;
      policy.connect_allow_post = connect.flag("allow_post");
      if (policy.type != "connect")
        upgrade.fault("connect_config",
                      fmt::format("only for the upgrade type CONNECT, not {}", in_quotes(policy.type)));
    }
    for (const proxy::UpgradePolicy& other : action.upgrades) {
      if (other.type == policy.type)
        upgrade.fault("upgrade_type", fmt::format("{}: given twice", in_quotes(policy.type)));
    }
    action.upgrades.push_back(std::move(policy));
  }
}

RouteAction translate_route_action(const View& view, const RouteScope& scope) {
  RouteAction action;
  translate_destination(view, scope, action);
  translate_path_rewrite(view, action.path_rewrite);
  translate_host_rewrite(view, action);
  translate_upgrades(view, action);
  action.timeout = view.duration("timeout");
  action.idle_timeout = view.duration("idle_timeout");
  action.max_grpc_timeout = view.duration("max_grpc_timeout");
  action.grpc_timeout_offset = view.duration("grpc_timeout_offset");
  if (const View limits = view.message("max_stream_duration")) {
    action.max_stream_duration.emplace();
    action.max_stream_duration->max_stream_duration = limits.duration("max_stream_duration");
    action.max_stream_duration->grpc_timeout_header_max = limits.duration("grpc_timeout_header_max");
    action.max_stream_duration->grpc_timeout_header_offset = limits.duration("grpc_timeout_header_offset");
  }
  if (const View policy = view.message("retry_policy")) action.retry_policy = translate_retry_policy(policy);
  action.is_high_priority = view.choice("priority") == "HIGH";
  return action;
}

proxy::RedirectAction translate_redirect(const View& view) {
  proxy::RedirectAction action;
  action.https_redirect = view.flag("https_redirect");
  action.scheme_redirect = view.text("scheme_redirect");
  action.host_redirect = view.text("host_redirect");
  action.path_redirect = view.text("path_redirect");
  action.port_redirect = static_cast<uint32_t>(view.number("port_redirect"));
  constexpr uint32_t kPortMax = 65535;
  if (action.port_redirect > kPortMax)
    view.fault("port_redirect", fmt::format("{}: must be at most {}", action.port_redirect, kPortMax));
  translate_path_rewrite(view, action.path_rewrite);
  static const std::map<std::string, uint16_t> kStatus = {{"MOVED_PERMANENTLY", 301},
                                                          {"FOUND", 302},
                                                          {"SEE_OTHER", 303},
                                                          {"TEMPORARY_REDIRECT", 307},
                                                          {"PERMANENT_REDIRECT", 308}};
  if (const auto found = kStatus.find(view.choice("response_code")); found != kStatus.end())
    action.status = found->second;
  action.strip_query = view.flag("strip_query");
  return action;
}

proxy::DirectResponse translate_direct_response(const View& view, const RouteScope& scope) {
  proxy::DirectResponse response;
  response.status = static_cast<uint16_t>(view.number("status"));
  if (auto body = translate_data(view, "body")) {
    if (body->bytes.size() > scope.body_bytes_max) {
      view.fault("body", fmt::format("{} bytes: must be at most {} (max_direct_response_body_size_bytes)",
                                     body->bytes.size(), scope.body_bytes_max));
    }
    response.body = std::move(body->bytes);
  }
  return response;
}

std::optional<uint64_t> buffer_limit(const View& view) { return view.wrapped_number("per_request_buffer_limit_bytes"); }

proxy::Route translate_route(const View& view, const RouteScope& scope) {
  proxy::Route route;
  route.name = view.text("name");
  route.match = translate_match(view.message("match"));
  if (const View action = view.message("route")) {
    route.action = translate_route_action(action, scope);
  } else if (const View redirect = view.message("redirect")) {
    route.action = translate_redirect(redirect);
  } else if (const View response = view.message("direct_response")) {
    route.action = translate_direct_response(response, scope);
  }
  route.request_headers = translate_mutations(view, "request");
  route.response_headers = translate_mutations(view, "response");
  route.body_buffer_bytes_max = buffer_limit(view);
  route.stat_prefix = view.text("stat_prefix");
  route.filter_config = translate_per_filter_config(view);
  route.metadata = translate_metadata(view);
  return route;
}

proxy::VirtualHost translate_virtual_host(const View& view, const RouteScope& scope) {
  proxy::VirtualHost host;
  host.name = view.text("name");
  host.domains = view.texts("domains");
  for (const View& route : view.messages("routes")) host.routes.push_back(translate_route(route, scope));
  using RequireTls = proxy::VirtualHost::RequireTls;
  const std::string tls = view.choice("require_tls");
  host.require_tls = tls == "ALL"             ? RequireTls::All
                     : tls == "EXTERNAL_ONLY" ? RequireTls::ExternalOnly
                                              : RequireTls::None;
  host.request_headers = translate_mutations(view, "request");
  host.response_headers = translate_mutations(view, "response");
  if (const View policy = view.message("retry_policy")) host.retry_policy = translate_retry_policy(policy);
  host.body_buffer_bytes_max = buffer_limit(view);
  host.include_attempt_count_in_request = view.flag("include_request_attempt_count");
  host.include_attempt_count_in_response = view.flag("include_attempt_count_in_response");
  host.include_is_timeout_retry_header = view.flag("include_is_timeout_retry_header");
  for (const View& cluster : view.messages("virtual_clusters")) {
    if (!cluster.has("headers")) cluster.absent("headers", "virtual clusters must have header matchers");
    host.virtual_clusters.push_back({cluster.text("name"), translate_header_matchers(cluster, "headers")});
  }
  if (!host.virtual_clusters.empty()) host.virtual_clusters.push_back({"other", {}});
  host.filter_config = translate_per_filter_config(view);
  host.metadata = translate_metadata(view);
  return host;
}

/// Domains are compared without regard to case.
void check_domains(const std::vector<View>& hosts) {
  std::map<std::string, std::string> owners;
  for (const View& host : hosts) {
    const std::vector<std::string> domains = host.texts("domains");
    for (size_t i = 0; i < domains.size(); ++i) {
      const auto [owner, is_first] = owners.emplace(lower_case(domains[i]), host.text("name"));
      if (is_first) continue;
      host.fault(fmt::format("domains[{}]", i), fmt::format("{}: virtual host {} has this domain already",
                                                            in_quotes(domains[i]), in_quotes(owner->second)));
    }
  }
}

/// Compiles, with the table's own faults, which begin with a path below the route configuration.
std::shared_ptr<const proxy::RouteTable> compile(const View& view, proxy::RouteConfig config) {
  auto table = proxy::RouteTable::compile(std::move(config));
  if (table) return *table;
  const std::string& message = table.error().message;
  const size_t colon = message.find(": ");
  if (message.starts_with("virtual_hosts[") && colon != std::string::npos) {
    view.fault(message.substr(0, colon), message.substr(colon + 2));
  } else {
    view.fault(message);
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<const proxy::RouteTable> translate_routes(const View& view, Translation& run) {
  const size_t faults_before = view.fault_count();
  proxy::RouteConfig config;
  config.name = view.text("name");
  config.validate_clusters = view.wrapped_flag("validate_clusters");
  config.direct_response_body_bytes_max =
      number_or(view, "max_direct_response_body_size_bytes", config.direct_response_body_bytes_max);
  const RouteScope scope{run, config.validate_clusters.value_or(true), config.direct_response_body_bytes_max};
  const std::vector<View> hosts = view.messages("virtual_hosts");
  for (const View& host : hosts) config.virtual_hosts.push_back(translate_virtual_host(host, scope));
  config.request_headers = translate_mutations(view, "request");
  config.response_headers = translate_mutations(view, "response");
  for (const std::string& name : view.texts("internal_only_headers"))
    config.internal_only_headers.push_back(lower_case(name));
  config.most_specific_header_mutations_wins = view.flag("most_specific_header_mutations_wins");
  config.ignore_port_in_host_matching = view.flag("ignore_port_in_host_matching");
  config.ignore_path_parameters_in_path_matching = view.flag("ignore_path_parameters_in_path_matching");
  config.filter_config = translate_per_filter_config(view);
  view.accept("metadata", kMetadata);
  check_domains(hosts);
  return view.fault_count() == faults_before ? compile(view, std::move(config)) : nullptr;
}

}  // namespace weft::xds
