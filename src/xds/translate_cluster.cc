#include <fmt/format.h>

#include <google/protobuf/message.h>
#include <cmath>

#include "net/tls_config.h"
#include "xds/digest.h"
#include "xds/reader.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

using proxy::ClusterConfig;

constexpr std::string_view kHttpProtocolOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
constexpr std::string_view kRawBuffer = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
constexpr std::string_view kUpstreamTls = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
constexpr std::string_view kRoundRobin = "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin";
constexpr std::string_view kLeastRequest = "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest";
constexpr std::string_view kRandom = "envoy.extensions.load_balancing_policies.random.v3.Random";

// ---- balancing ----------------------------------------------------------------------------------------------------

/// Of the old and the new spelling.
void translate_slow_start(const View& view, ClusterConfig& cluster) {
  const View slow = view.message("slow_start_config");
  if (!slow) return;
  cluster.slow_start.window = duration_or(slow, "slow_start_window", {});
  if (const View aggression = slow.message("aggression")) {
    cluster.slow_start.aggression = translate_runtime_real(aggression);
    if (cluster.slow_start.aggression <= 0)
      aggression.fault("default_value", fmt::format("{}: must be above 0", cluster.slow_start.aggression));
  }
  if (const View share = slow.message("min_weight_percent"))
    cluster.slow_start.min_weight_share = share.real("value") / 100;
}

void translate_least_request(const View& view, ClusterConfig& cluster) {
  cluster.least_request_choices = number_or(view, "choice_count", 2);
  if (const View bias = view.message("active_request_bias")) {
    cluster.least_request_bias = translate_runtime_real(bias);
    if (cluster.least_request_bias < 0)
      bias.fault("default_value", fmt::format("{}: must be at least 0", cluster.least_request_bias));
  }
  translate_slow_start(view, cluster);
}

/// The first policy of the list that is implemented counts; the others are for other proxies.
void translate_policies(const View& view, ClusterConfig& cluster) {
  bool is_chosen = false;
  for (const View& policy : view.messages("policies")) {
    const View extension = policy.message("typed_extension_config");
    extension.accept("name", kNameless);
    const View payload = required_payload(extension, "typed_config");
    if (is_chosen) payload.accept_all();
    if (is_chosen || !payload) continue;
    is_chosen = true;
    if (payload.type() == kRoundRobin) {
      cluster.balance = ClusterConfig::Balance::RoundRobin;
      translate_slow_start(payload, cluster);
    } else if (payload.type() == kRandom) {
      cluster.balance = ClusterConfig::Balance::Random;
    } else if (payload.type() == kLeastRequest) {
      cluster.balance = ClusterConfig::Balance::LeastRequest;
      translate_least_request(payload, cluster);
      const bool scans = flag_or(payload, "enable_full_scan", false);
      cluster.least_request_full_scan = payload.choice("selection_method") == "FULL_SCAN" || scans;
    } else {
      is_chosen = false;
      refuse_type(payload, "RoundRobin, LeastRequest and Random are");
    }
  }
  if (!view.has("policies")) view.absent("policies", "is required: at least one policy");
}

void translate_balance(const View& view, ClusterConfig& cluster) {
  const std::string policy = view.choice("lb_policy");
  if (policy == "LEAST_REQUEST") cluster.balance = ClusterConfig::Balance::LeastRequest;
  if (policy == "RANDOM") cluster.balance = ClusterConfig::Balance::Random;
  const bool is_typed = policy == "LOAD_BALANCING_POLICY_CONFIG";
  if (is_typed && !view.has("load_balancing_policy"))
    view.absent("load_balancing_policy", "is required with LOAD_BALANCING_POLICY_CONFIG");
  if (policy != "ROUND_ROBIN" && policy != "LEAST_REQUEST" && policy != "RANDOM" && !is_typed) {
    view.fault("lb_policy",
               fmt::format("{}: not implemented by Weft; ROUND_ROBIN, LEAST_REQUEST and RANDOM are", policy));
  }
  // Each counts with its own policy only.
  if (const View least = view.message("least_request_lb_config")) translate_least_request(least, cluster);
  if (policy != "LEAST_REQUEST") cluster.slow_start = {};
  if (const View round = view.message("round_robin_lb_config")) translate_slow_start(round, cluster);
  if (policy != "LEAST_REQUEST" && policy != "ROUND_ROBIN") cluster.slow_start = {};
  if (const View policies = view.message("load_balancing_policy")) translate_policies(policies, cluster);
  if (const View common = view.message("common_lb_config")) {
    if (const View panic = common.message("healthy_panic_threshold"))
      cluster.healthy_panic_threshold = std::round(panic.real("value"));  // a whole percentage in Envoy
    cluster.close_connections_on_host_set_change = common.flag("close_connections_on_host_set_change");
    common.accept("ignore_new_hosts_until_first_hc", "without active health checks there is no first one to wait for");
    common.accept("update_merge_window", "Weft applies every endpoint change at once");
  }
}

// ---- resilience ---------------------------------------------------------------------------------------------------

void translate_breakers(const View& view, ClusterConfig& cluster) {
  bool is_given[2] = {}, is_given_per_host[2] = {};
  for (const View& thresholds : view.messages("thresholds")) {
    const size_t priority = thresholds.choice("priority") == "HIGH" ? 1 : 0;
    if (is_given[priority]) {
      thresholds.fault("priority", "given twice: the first thresholds of a priority count");
      thresholds.accept_all();
      continue;
    }
    is_given[priority] = true;
    proxy::BreakerThresholds& breaker = cluster.breakers[priority];
    breaker.connections_max = number_or(thresholds, "max_connections", breaker.connections_max);
    breaker.pending_requests_max = number_or(thresholds, "max_pending_requests", breaker.pending_requests_max);
    breaker.requests_max = number_or(thresholds, "max_requests", breaker.requests_max);
    breaker.retries_max = number_or(thresholds, "max_retries", breaker.retries_max);
    breaker.track_remaining = thresholds.flag("track_remaining");
    breaker.connection_pools_max = thresholds.wrapped_number("max_connection_pools").value_or(UINT64_MAX);
    if (const View budget = thresholds.message("retry_budget")) {
      breaker.has_retry_budget = true;
      if (const View percent = budget.message("budget_percent")) breaker.retry_budget_percent = percent.real("value");
      breaker.retry_budget_min_concurrency =
          number_or(budget, "min_retry_concurrency", breaker.retry_budget_min_concurrency);
    }
  }
  for (const View& thresholds : view.messages("per_host_thresholds")) {
    const size_t priority = thresholds.choice("priority") == "HIGH" ? 1 : 0;
    if (is_given_per_host[priority])
      thresholds.fault("priority", "given twice: the first thresholds of a priority count");
    is_given_per_host[priority] = true;
    cluster.breakers[priority].connections_per_host_max =
        thresholds.wrapped_number("max_connections").value_or(UINT64_MAX);
  }
}

void translate_outlier(const View& view, ClusterConfig& cluster) {
  if (!view) return;
  proxy::OutlierConfig config;
  const auto read = [&](std::string_view field, uint32_t& value) { value = number_or(view, field, value); };
  read("consecutive_5xx", config.consecutive_5xx);
  read("enforcing_consecutive_5xx", config.enforcing_consecutive_5xx);
  read("consecutive_gateway_failure", config.consecutive_gateway_failure);
  read("enforcing_consecutive_gateway_failure", config.enforcing_consecutive_gateway_failure);
  read("max_ejection_percent", config.max_ejection_percent);
  read("consecutive_local_origin_failure", config.consecutive_local_origin_failure);
  read("enforcing_consecutive_local_origin_failure", config.enforcing_consecutive_local_origin_failure);
  read("success_rate_minimum_hosts", config.success_rate_minimum_hosts);
  read("success_rate_request_volume", config.success_rate_request_volume);
  read("success_rate_stdev_factor", config.success_rate_stdev_factor);
  read("enforcing_success_rate", config.enforcing_success_rate);
  read("enforcing_local_origin_success_rate", config.enforcing_local_origin_success_rate);
  read("failure_percentage_threshold", config.failure_percentage_threshold);
  read("failure_percentage_minimum_hosts", config.failure_percentage_minimum_hosts);
  read("failure_percentage_request_volume", config.failure_percentage_request_volume);
  read("enforcing_failure_percentage", config.enforcing_failure_percentage);
  read("enforcing_failure_percentage_local_origin", config.enforcing_failure_percentage_local_origin);
  config.interval = duration_or(view, "interval", config.interval);
  config.base_ejection_time = duration_or(view, "base_ejection_time", config.base_ejection_time);
  // Envoy: the larger of 300 s and the base time, unless given.
  config.max_ejection_time =
      duration_or(view, "max_ejection_time", std::max(config.max_ejection_time, config.base_ejection_time));
  if (config.max_ejection_time < config.base_ejection_time)
    view.fault("max_ejection_time", "must be at least base_ejection_time");
  config.max_ejection_time_jitter = duration_or(view, "max_ejection_time_jitter", {});
  config.split_external_local_origin_errors = view.flag("split_external_local_origin_errors");
  view.accept("successful_active_health_check_uneject_host",
              "without active health checks there is none that could bring a host back");
  config.always_eject_one_host = flag_or(view, "always_eject_one_host", false);
  cluster.outlier = config;
}

// ---- protocols ----------------------------------------------------------------------------------------------------

void translate_common_http(const View& common, ClusterConfig& cluster) {
  if (!common) return;
  cluster.h1.headers_count_max = cluster.h2.headers_count_max =
      number_or(common, "max_headers_count", static_cast<uint32_t>(cluster.h1.headers_count_max));
  common.choice(
      "headers_with_underscores_action");  // about clients' requests; in a cluster it has no effect, as in Envoy
  if (const auto idle = common.duration("idle_timeout"))
    cluster.idle_timeout = idle->count() > 0 ? std::optional(*idle) : std::nullopt;
  cluster.max_connection_duration = common.duration("max_connection_duration");
  cluster.max_stream_duration = common.duration("max_stream_duration");
  cluster.max_requests_per_connection =
      number_or(common, "max_requests_per_connection", cluster.max_requests_per_connection);
}

void translate_request_names(const View& view, ClusterConfig& cluster) {
  if (!view) return;
  cluster.auto_sni = view.flag("auto_sni");
  cluster.auto_san_validation = view.flag("auto_san_validation");
  cluster.auto_sni_header = lower_case(view.text("override_auto_sni_header"));
  if (!cluster.auto_san_validation || !cluster.tls) return;
  if (!cluster.tls->spiffe_trust_domains.empty())
    view.fault("auto_san_validation", "the SPIFFE validator knows no names of requests");
  else if (cluster.tls->trusted_ca_pem.empty())
    view.fault("auto_san_validation", "names are worth nothing without trusted_ca: anyone can sign them");
}

void translate_protocol_pair(const View& view, ClusterConfig& cluster) {
  translate_h1_options(view.message("http_protocol_options"), cluster.h1);
  translate_h2_options(view.message("http2_protocol_options"), cluster.h2);
}

void translate_protocol_options(const View& view, ClusterConfig& cluster) {
  using Protocol = ClusterConfig::Protocol;
  translate_common_http(view.message("common_http_protocol_options"), cluster);
  translate_request_names(view.message("upstream_http_protocol_options"), cluster);
  if (const View explicit_config = view.message("explicit_http_config")) {
    cluster.protocol = explicit_config.has("http2_protocol_options") ? Protocol::Http2 : Protocol::Http1;
    translate_protocol_pair(explicit_config, cluster);
  } else if (const View downstream = view.message("use_downstream_protocol_config")) {
    cluster.protocol = Protocol::Downstream;
    translate_protocol_pair(downstream, cluster);
  } else if (const View automatic = view.message("auto_config")) {
    cluster.protocol = Protocol::Auto;
    translate_protocol_pair(automatic, cluster);
    if (!cluster.tls) view.fault("auto_config", "the protocol is chosen by ALPN, so the cluster needs TLS");
  }
}

/// The spellings from before typed_extension_protocol_options, which many files still have.
void translate_old_protocol_options(const View& view, ClusterConfig& cluster) {
  translate_common_http(view.message("common_http_protocol_options"), cluster);
  translate_request_names(view.message("upstream_http_protocol_options"), cluster);
  if (view.has("http2_protocol_options")) cluster.protocol = ClusterConfig::Protocol::Http2;
  if (view.choice("protocol_selection") == "USE_DOWNSTREAM_PROTOCOL")
    cluster.protocol = ClusterConfig::Protocol::Downstream;
  translate_protocol_pair(view, cluster);
  cluster.max_requests_per_connection =
      number_or(view, "max_requests_per_connection", cluster.max_requests_per_connection);
}

void translate_protocols(const View& view, ClusterConfig& cluster) {
  constexpr std::string_view kOld[] = {"upstream_http_protocol_options", "common_http_protocol_options",
                                       "http_protocol_options", "http2_protocol_options", "protocol_selection"};
  bool is_typed = false;
  for (const auto& [name, payload] : view.map("typed_extension_protocol_options")) {
    if (!payload) continue;
    if (payload.type() != kHttpProtocolOptions) {
      refuse_type(payload, "HttpProtocolOptions is");
      continue;
    }
    if (name != kHttpProtocolOptions) {
      payload.fault(fmt::format("must stand under the key \"{}\"", kHttpProtocolOptions));
      continue;
    }
    is_typed = true;
    cluster.max_requests_per_connection = number_or(view, "max_requests_per_connection", 0);
    translate_protocol_options(payload, cluster);
  }
  if (!is_typed) return translate_old_protocol_options(view, cluster);
  for (std::string_view field : kOld) {
    if (view.has(field)) view.fault(field, "may not be given beside typed_extension_protocol_options");
  }
}

// ---- connections --------------------------------------------------------------------------------------------------

void translate_transport_socket(const View& view, Translation& run, ClusterConfig& cluster) {
  const View socket = view.message("transport_socket");
  if (!socket) return;
  socket.accept("name", kNameless);
  const View payload = required_payload(socket, "typed_config");
  if (!payload || payload.type() == kRawBuffer) return;
  if (payload.type() != kUpstreamTls) return refuse_type(payload, "UpstreamTlsContext and RawBuffer are");
  translate_upstream_tls(payload, run, cluster);
}

void translate_connections(const View& view, ClusterConfig& cluster) {
  cluster.connect_timeout = duration_or(view, "connect_timeout", base::seconds(5));
  cluster.buffer_bytes = number_or(view, "per_connection_buffer_limit_bytes", cluster.buffer_bytes);
  cluster.h1.buffer_bytes = cluster.h2.buffer_bytes = cluster.buffer_bytes;
  if (const View keepalive = view.message("upstream_connection_options").message("tcp_keepalive")) {
    auto& values = cluster.tcp_keepalive.emplace();
    values.probes = number_or(keepalive, "keepalive_probes", 0);
    values.idle_s = number_or(keepalive, "keepalive_time", 0);
    values.interval_s = number_or(keepalive, "keepalive_interval", 0);
  }
  if (const View bind = view.message("upstream_bind_config")) {
    const View source = bind.message("source_address");
    const auto place = source ? translate_socket_address(source) : std::nullopt;
    const auto address =
        place ? net::Address::parse(place->host, place->port) : base::Result<net::Address>(net::Address());
    if (address) cluster.bind_to = *address;
    else source.fault("address", fmt::format("{}: must be an IP address", in_quotes(place->host)));
  }
  cluster.close_connections_on_host_health_failure = view.flag("close_connections_on_host_health_failure");
  view.accept("ignore_health_on_host_removal", "without active health checks hosts leave as soon as discovery says so");
  if (const View preconnect = view.message("preconnect_policy"))
    cluster.preconnect_ratio = preconnect.wrapped_real("per_upstream_preconnect_ratio").value_or(1.0);
}

/// Live state survives while this is equal, so endpoints are not part of it.
uint64_t hash_without_endpoints(const View& view) {
  const google::protobuf::Message& message = *view.raw();
  const std::unique_ptr<google::protobuf::Message> copy(message.New());
  copy->CopyFrom(message);
  copy->GetReflection()->ClearField(copy.get(), copy->GetDescriptor()->FindFieldByName("load_assignment"));
  return digest(serialize(*copy));
}

}  // namespace

std::shared_ptr<const ClusterConfig> translate_cluster(const View& view, Translation& run) {
  auto cluster = std::make_shared<ClusterConfig>();
  cluster->name = view.text("name");
  cluster->alt_stat_name = view.text("alt_stat_name");
  translate_discovery(view, run, *cluster);
  translate_balance(view, *cluster);
  translate_connections(view, *cluster);
  translate_breakers(view.message("circuit_breakers"), *cluster);
  translate_outlier(view.message("outlier_detection"), *cluster);
  translate_transport_socket(view, run, *cluster);
  translate_protocols(view, *cluster);
  cluster->metadata = translate_metadata(view);
  cluster->hash = hash_without_endpoints(view);
  return cluster;
}

}  // namespace weft::xds
