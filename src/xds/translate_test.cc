// What Envoy accepts and refuses between the fields, and its defaults; each refusal with its path.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/tls_config.h"
#include "xds/testing/bootstrap.h"

namespace weft::xds {
namespace {

constexpr const char* kListener = "static_resources.listeners[0]";
const std::string kHcm = std::string(kListener) + ".filter_chains[0].filters[0].typed_config";
const std::string kHost = kHcm + ".route_config.virtual_hosts[0]";
const std::string kRoute = kHost + ".routes[0]";
const std::string kCluster = "static_resources.clusters[0]";

std::string line(const std::string& text) { return text + "\n"; }

// ---- defaults -----------------------------------------------------------------------------------------------------

TEST(Translate, has_envoys_defaults_for_a_connection_manager) {
  const Loaded loaded = load({});
  ASSERT_EQ(loaded.faults.to_string(), "");
  const proxy::HcmConfig& hcm = hcm_of(loaded);
  EXPECT_EQ(hcm.stream_idle_timeout, base::seconds(300));
  EXPECT_EQ(hcm.idle_timeout, base::seconds(3600));
  EXPECT_EQ(hcm.request_timeout.count(), 0);
  EXPECT_EQ(hcm.drain_timeout, base::seconds(5));
  EXPECT_EQ(hcm.delayed_close_timeout, base::seconds(1));
  EXPECT_EQ(hcm.server_name, "envoy");
  EXPECT_TRUE(hcm.generate_request_id);
  EXPECT_FALSE(hcm.use_remote_address);
  EXPECT_FALSE(hcm.normalize_path);
  EXPECT_EQ(hcm.h1.head_bytes_max, 60u * 1024);
  EXPECT_EQ(hcm.h2.concurrent_streams_max, 1024u);
  EXPECT_EQ(listener_of(loaded).listener_filters_timeout, base::seconds(15));
  EXPECT_EQ(listener_of(loaded).buffer_bytes, 1024u * 1024);
  EXPECT_TRUE(listener_of(loaded).enable_reuse_port);
}

TEST(Translate, has_envoys_defaults_for_a_cluster) {
  Pieces pieces;
  pieces.cluster_type = "alt_stat_name: x";  // no type at all is STATIC
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  const proxy::ClusterConfig& cluster = cluster_of(loaded);
  EXPECT_EQ(cluster.discovery, proxy::ClusterConfig::Discovery::Static);
  EXPECT_EQ(cluster.connect_timeout, base::seconds(5));
  EXPECT_EQ(cluster.protocol, proxy::ClusterConfig::Protocol::Http1);
  EXPECT_EQ(cluster.breakers[0].retries_max, 3u);
  EXPECT_EQ(cluster.healthy_panic_threshold, 50.0);
  EXPECT_FALSE(cluster.outlier.has_value());
  EXPECT_EQ(cluster.dns_refresh_rate, base::seconds(5));
}

TEST(Translate, takes_zero_durations_for_no_limit_where_envoy_does) {
  Pieces pieces;
  pieces.hcm = "common_http_protocol_options: {idle_timeout: 0s}";
  pieces.cluster =
      "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
      "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, common_http_protocol_options: {idle_timeout: 0s}, "
      "explicit_http_config: {http2_protocol_options: {}}}}";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_FALSE(hcm_of(loaded).idle_timeout.has_value());
  EXPECT_FALSE(cluster_of(loaded).idle_timeout.has_value());
  EXPECT_EQ(cluster_of(loaded).protocol, proxy::ClusterConfig::Protocol::Http2);
}

TEST(Translate, gives_the_codecs_the_buffer_limits_of_their_connections) {
  Pieces pieces;
  pieces.listener = "per_connection_buffer_limit_bytes: 4096";
  pieces.cluster = "per_connection_buffer_limit_bytes: 8192";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_EQ(hcm_of(loaded).h1.buffer_bytes, 4096u);
  EXPECT_EQ(hcm_of(loaded).h2.buffer_bytes, 4096u);
  EXPECT_EQ(cluster_of(loaded).h1.buffer_bytes, 8192u);
  EXPECT_EQ(cluster_of(loaded).h2.buffer_bytes, 8192u);
}

TEST(Translate, gives_outlier_detection_and_back_off_their_derived_defaults) {
  Pieces pieces;
  pieces.cluster = "outlier_detection: {base_ejection_time: 400s}";
  pieces.action =
      "route: {cluster: service, retry_policy: {retry_on: '5xx, nonsense,reset', retry_back_off: {base_interval: 0.1s}}}";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_EQ(cluster_of(loaded).outlier->max_ejection_time, base::seconds(400));
  EXPECT_EQ(cluster_of(loaded).outlier->enforcing_success_rate, 100u);
  EXPECT_EQ(cluster_of(loaded).outlier->enforcing_failure_percentage, 0u);
  const auto& policy = *std::get<proxy::RouteAction>(route_of(loaded).action).retry_policy;
  EXPECT_EQ(policy.back_off_max, base::seconds(1));
  EXPECT_EQ(policy.retry_on, proxy::kRetry5xx | proxy::kRetryReset);
  EXPECT_EQ(policy.num_retries, 1u);
}

TEST(Translate, reads_the_limits_of_clusters_per_priority_and_host) {
  Pieces pieces;
  pieces.cluster =
      "circuit_breakers: {thresholds: [{max_connections: 5, max_connection_pools: 2}, {priority: HIGH, max_requests: 0}], "
      "per_host_thresholds: [{max_connections: 4}, {priority: HIGH, max_connections: 3}]}, "
      "upstream_connection_options: {tcp_keepalive: {keepalive_probes: 3, keepalive_time: 70, keepalive_interval: 10}}, "
      "upstream_bind_config: {source_address: {address: 127.0.0.9, port_value: 0}}";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  const proxy::ClusterConfig& cluster = cluster_of(loaded);
  EXPECT_EQ(cluster.breakers[0].connections_max, 5u);
  EXPECT_EQ(cluster.breakers[0].connection_pools_max, 2u);
  EXPECT_EQ(cluster.breakers[0].connections_per_host_max, 4u);
  EXPECT_EQ(cluster.breakers[1].connection_pools_max, UINT64_MAX);
  EXPECT_EQ(cluster.breakers[1].requests_max, 0u);
  EXPECT_EQ(cluster.breakers[1].connections_per_host_max, 3u);
  ASSERT_TRUE(cluster.tcp_keepalive.has_value());
  EXPECT_EQ(cluster.tcp_keepalive->probes, 3u);
  EXPECT_EQ(cluster.tcp_keepalive->idle_s, 70u);
  EXPECT_EQ(cluster.tcp_keepalive->interval_s, 10u);
  EXPECT_EQ(cluster.bind_to.ip(), "127.0.0.9");
  EXPECT_EQ(cluster.connect_timeout, base::seconds(5));
  EXPECT_EQ(cluster.idle_timeout, base::seconds(3600));
}

TEST(Translate, understands_the_old_spellings) {
  Pieces pieces;
  pieces.bootstrap =
      "admin: {access_log_path: /dev/null, address: {socket_address: {address: 127.0.0.1, port_value: 0}}}";
  pieces.cluster =
      "http2_protocol_options: {}, max_requests_per_connection: 7, common_http_protocol_options: {idle_timeout: 9s}";
  pieces.match = "prefix: /, headers: [{name: A, exact_match: b}]";
  pieces.route = "request_headers_to_add: [{header: {key: X, value: v}, append: false}]";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_EQ(loaded.snapshot->admin.access_logs.at(0).path, "/dev/null");
  EXPECT_EQ(cluster_of(loaded).protocol, proxy::ClusterConfig::Protocol::Http2);
  EXPECT_EQ(cluster_of(loaded).max_requests_per_connection, 7u);
  EXPECT_EQ(cluster_of(loaded).idle_timeout, base::seconds(9));
  EXPECT_EQ(route_of(loaded).match.headers.at(0).name, "a");
  EXPECT_EQ(route_of(loaded).request_headers.adds.at(0).action, proxy::HeaderAdd::Action::OverwriteIfExistsOrAdd);
}

TEST(Translate, finds_extensions_by_type_whatever_they_are_called) {
  Pieces pieces;
  pieces.http_filters =
      "[{name: http-router, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]";
  EXPECT_EQ(faults_of(pieces), "");
}

TEST(Translate, reads_metadata_wherever_a_format_can_ask_for_it) {
  const auto metadata = [](std::string_view value) {
    return fmt::format("metadata: {{filter_metadata: {{ns: {{key: {}}}}}, typed_filter_metadata: {{}}}}", value);
  };
  Pieces pieces;
  pieces.listener = metadata("listener");
  pieces.filter_chain = metadata("chain");
  pieces.virtual_host = metadata("host");
  pieces.route = metadata("route");
  pieces.cluster = metadata("cluster");
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  const auto value = [](const std::shared_ptr<const observe::Metadata>& of) { return of->find("ns:key")->text; };
  EXPECT_EQ(value(listener_of(loaded).metadata), "listener");
  EXPECT_EQ(value(listener_of(loaded).filter_chains[0].metadata), "chain");
  EXPECT_EQ(value(hcm_of(loaded).routes->config().virtual_hosts[0].metadata), "host");
  EXPECT_EQ(value(route_of(loaded).metadata), "route");
  EXPECT_EQ(value(cluster_of(loaded).metadata), "cluster");
  EXPECT_EQ(cluster_of(loaded).endpoints->endpoints[0].metadata, nullptr);
}

TEST(Translate, hashes_a_cluster_without_its_endpoints) {
  Pieces one, two, three;
  two.endpoint = "hostname: other";
  three.cluster = "connect_timeout: 9s";
  EXPECT_EQ(cluster_of(load(one)).hash, cluster_of(load(two)).hash);
  EXPECT_NE(cluster_of(load(one)).hash, cluster_of(load(three)).hash);
  EXPECT_EQ(listener_of(load(one)).hash, listener_of(load(three)).hash);
}

// ---- refusals -----------------------------------------------------------------------------------------------------

struct Refusal {
  const char* name;
  Pieces pieces;
  std::string faults;

  friend void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }
};

Pieces with(std::string Pieces::*part, std::string text) {
  Pieces pieces;
  pieces.*part = std::move(text);
  return pieces;
}

class TranslateRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(TranslateRefuses, with_path_value_and_rule) { EXPECT_EQ(faults_of(GetParam().pieces), GetParam().faults); }

const std::string kTls =
    "transport_socket: {name: tls, typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.";
const std::string kCertificates =
    "tls_certificates: [{certificate_chain: {filename: examples/envoy/certificates/server.pem}, private_key: {filename: examples/envoy/certificates/server.key}}]";
constexpr const char* kSecondListener =
    "{name: b, address: {socket_address: {address: 127.0.0.1, port_value: 10000}}, filter_chains: [{filters: []}]}";

const Refusal kRefusals[] = {
    {"unknown_cluster", with(&Pieces::action, "route: {cluster: nope}"),
     line(kRoute + ".route.cluster: \"nope\": no such cluster")},
    {"unknown_weighted_cluster",
     with(&Pieces::action, "route: {weighted_clusters: {clusters: [{name: nope, weight: 1}]}}"),
     line(kRoute + ".route.weighted_clusters.clusters[0].name: \"nope\": no such cluster")},
    {"weights_that_sum_to_zero",
     with(&Pieces::action, "route: {weighted_clusters: {clusters: [{name: service, weight: 0}]}}"),
     line(kRoute + ".route.weighted_clusters.clusters: the sum of the weights must be more than 0")},
    {"duplicate_domains", with(&Pieces::domains, "[A.com, a.COM]"),
     line(kHost + ".domains[1]: \"a.COM\": virtual host \"all\" has this domain already")},
    {"two_rewrites",
     with(&Pieces::action,
          "route: {cluster: service, prefix_rewrite: /a, regex_rewrite: {pattern: {regex: a}, substitution: b}}"),
     line(kRoute + ".route.regex_rewrite: only one of prefix_rewrite and regex_rewrite may be set")},
    {"a_bad_regex", with(&Pieces::match, "safe_regex: {regex: 'a('}"),
     line(kRoute + ".match.safe_regex.regex: regex 'a(': missing ): a(")},
    {"a_substitution_without_its_group",
     with(&Pieces::action, "route: {cluster: service, regex_rewrite: {pattern: {regex: a}, substitution: '\\1'}}"),
     line(
         kRoute +
         ".route.regex_rewrite.substitution: substitution '\\1': Rewrite schema requests 1 matches, but the regexp only has 0 parenthesized subexpressions.")},
    {"changes_of_host", with(&Pieces::route, "request_headers_to_add: [{header: {key: Host, value: a}}]"),
     line(kRoute + ".request_headers_to_add[0].header.key: \"host\": pseudo-headers and host may not be changed here")},
    {"removal_of_a_pseudo_header", with(&Pieces::route, "request_headers_to_remove: [':path']"),
     line(kRoute + ".request_headers_to_remove[0]: \":path\": pseudo-headers and host may not be removed")},
    {"append_and_append_action",
     with(&Pieces::route,
          "request_headers_to_add: [{header: {key: a, value: b}, append: true, append_action: ADD_IF_ABSENT}]"),
     line(kRoute + ".request_headers_to_add[0].append: only one of append and append_action may be set")},
    {"a_back_off_above_its_maximum",
     with(&Pieces::action,
          "route: {cluster: service, retry_policy: {retry_back_off: {base_interval: 1s, max_interval: 0.5s}}}"),
     line(kRoute + ".route.retry_policy.retry_back_off.max_interval: must be at least base_interval")},
    {"hedging", with(&Pieces::action, "route: {cluster: service, hedge_policy: {hedge_on_per_try_timeout: true}}"),
     line(kRoute + ".route.hedge_policy: not implemented by Weft")},
    {"a_large_direct_response",
     with(&Pieces::action, "direct_response: {status: 200, body: {inline_string: '" + std::string(4097, 'x') + "'}}"),
     line(kRoute + ".direct_response.body: 4097 bytes: must be at most 4096 (max_direct_response_body_size_bytes)")},
    {"a_body_file_that_is_not_there",
     with(&Pieces::action, "direct_response: {status: 200, body: {filename: /no/such}}"),
     line(kRoute + ".direct_response.body.filename: \"/no/such\": No such file or directory")},
    {"connect_config_for_another_upgrade",
     with(&Pieces::action,
          "route: {cluster: service, upgrade_configs: [{upgrade_type: websocket, connect_config: {}}]}"),
     line(kRoute + ".route.upgrade_configs[0].connect_config: only for the upgrade type CONNECT, not \"websocket\"")},
    {"no_router", with(&Pieces::http_filters, "[]"), line(kHcm + ".http_filters: must end with the router")},
    {"an_unknown_filter",
     with(&Pieces::http_filters,
          "[{name: lua, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}}]"),
     line(
         kHcm +
         ".http_filters[0].typed_config.@type: \"type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua\": this type is not implemented by Weft")},
    {"rds", with(&Pieces::bootstrap, "dynamic_resources: {}"), line("dynamic_resources: not implemented by Weft")},
    {"tracing", with(&Pieces::hcm, "tracing: {}"), line(kHcm + ".tracing: not implemented by Weft")},
    {"http3", with(&Pieces::hcm, "codec_type: HTTP3"), line(kHcm + ".codec_type: HTTP3: not implemented by Weft")},
    {"an_overload_manager", with(&Pieces::bootstrap, "overload_manager: {}"),
     line("overload_manager: not implemented by Weft")},
    {"what_is_below_a_refused_field",
     with(&Pieces::bootstrap,
          "overload_manager: {resource_monitors: [{name: '', typed_config: {'@type': type.googleapis.com/a.Heap}}]}"),
     line("overload_manager: not implemented by Weft")},
    {"runtime_values",
     with(
         &Pieces::bootstrap,
         "layered_runtime: {layers: [{name: a, static_layer: {upstream.healthy_panic_threshold: 1}}, {name: b, admin_layer: {}}]}"),
     line(
         "layered_runtime.layers[0].static_layer: \"upstream.healthy_panic_threshold\": runtime values are not implemented by Weft")},
    {"a_negative_duration", with(&Pieces::hcm, "stream_idle_timeout: -1s"),
     line(kHcm + ".stream_idle_timeout: -1s: must not be negative")},
    {"a_negative_duration_with_a_rule", with(&Pieces::cluster, "dns_refresh_rate: -1s"),
     line("static_resources.clusters[0].dns_refresh_rate: -1s: must be more than 0.001s")},
    {"two_admin_layers",
     with(&Pieces::bootstrap, "layered_runtime: {layers: [{name: a, admin_layer: {}}, {name: b, admin_layer: {}}]}"),
     line("layered_runtime.layers[1].admin_layer: there is one already")},
    {"two_layers_of_one_name",
     with(&Pieces::bootstrap, "layered_runtime: {layers: [{name: a, static_layer: {}}, {name: a, static_layer: {}}]}"),
     line("layered_runtime.layers[1].name: another layer has this name")},
    {"a_partial_wildcard", with(&Pieces::filter_chain, "filter_chain_match: {server_names: ['a*.example.com']}"),
     line(
         std::string(kListener) +
         ".filter_chains[0].filter_chain_match.server_names[0]: \"a*.example.com\": a wildcard must be the whole first label, as \"*.example.com\"")},
    {"another_listener_filter",
     with(
         &Pieces::listener,
         "listener_filters: [{name: a, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]"),
     line(
         std::string(kListener) +
         ".listener_filters[0].typed_config.@type: \"envoy.extensions.filters.http.router.v3.Router\": not implemented by Weft here; the TLS inspector is")},
    {"udp",
     with(&Pieces::listener,
          "additional_addresses: [{address: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: 1}}}]"),
     line(std::string(kListener) +
          ".additional_addresses[0].address.socket_address.protocol: not implemented by Weft")},
    {"a_tls_minimum_above_the_maximum",
     with(
         &Pieces::filter_chain,
         kTls +
             "DownstreamTlsContext, common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_2}, " +
             kCertificates + "}}}"),
     line(
         std::string(kListener) +
         ".filter_chains[0].transport_socket.typed_config.common_tls_context.tls_params.tls_maximum_protocol_version: must be at least tls_minimum_protocol_version")},
    {"a_server_without_certificate",
     with(&Pieces::filter_chain, kTls + "DownstreamTlsContext, common_tls_context: {}}}"),
     line(
         std::string(kListener) +
         ".filter_chains[0].transport_socket.typed_config.common_tls_context: a server needs at least one of tls_certificates")},
    {"names_without_a_trust_anchor",
     with(
         &Pieces::cluster,
         kTls +
             "UpstreamTlsContext, common_tls_context: {validation_context: {match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a}}]}}}}"),
     line(
         kCluster +
         ".transport_socket.typed_config.common_tls_context.validation_context.match_typed_subject_alt_names: names are worth nothing without trusted_ca: anyone can sign them")},
    {"an_empty_trust_anchor",
     with(&Pieces::cluster,
          kTls + "UpstreamTlsContext, common_tls_context: {validation_context: {trusted_ca: {inline_string: \"\"}}}}}"),
     line(kCluster +
          ".transport_socket.typed_config.common_tls_context.validation_context.trusted_ca: <inline>: is empty")},
    {"a_revocation_list_without_a_trust_anchor",
     with(&Pieces::cluster,
          kTls + "UpstreamTlsContext, common_tls_context: {validation_context: {crl: {inline_string: x}}}}}"),
     line(
         kCluster +
         ".transport_socket.typed_config.common_tls_context.validation_context.crl: needs trusted_ca: without it no chain is looked at")},
    {"expired_certificates_without_a_trust_anchor",
     with(&Pieces::cluster,
          kTls + "UpstreamTlsContext, common_tls_context: {validation_context: {allow_expired_certificate: true}}}}"),
     line(
         kCluster +
         ".transport_socket.typed_config.common_tls_context.validation_context.allow_expired_certificate: needs trusted_ca: without it no chain is looked at")},
    {"sds",
     with(
         &Pieces::cluster,
         kTls +
             "UpstreamTlsContext, common_tls_context: {tls_certificate_sds_secret_configs: [{name: a, sds_config: {ads: {}}}]}}}"),
     line(
         kCluster +
         ".transport_socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs[0].sds_config: not implemented by Weft")},
    {"endpoint_discovery", with(&Pieces::cluster_type, "type: EDS"),
     line(kCluster + ".type: EDS: not implemented by Weft; STATIC and STRICT_DNS are")},
    {"thresholds_of_one_priority",
     with(&Pieces::cluster, "circuit_breakers: {thresholds: [{max_requests: 1}, {retry_budget: {}}]}"),
     line(kCluster +
          ".circuit_breakers.thresholds[1].priority: given twice: the first thresholds of a priority count")},
    {"ring_hash", with(&Pieces::cluster, "lb_policy: RING_HASH"),
     line(kCluster + ".lb_policy: RING_HASH: not implemented by Weft; ROUND_ROBIN, LEAST_REQUEST and RANDOM are")},
    {"health_checks", with(&Pieces::cluster, "health_checks: [{}]"),
     line(kCluster + ".health_checks: not implemented by Weft")},
    {"names_of_requests_that_anyone_can_sign",
     with(&Pieces::cluster, kTls + "UpstreamTlsContext}}, typed_extension_protocol_options: "
                                   "{envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
                                   "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, "
                                   "upstream_http_protocol_options: {auto_san_validation: true}, explicit_http_config: "
                                   "{http_protocol_options: {}}}}"),
     line(kCluster +
          ".typed_extension_protocol_options[\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\"].upstream_http_"
          "protocol_options.auto_san_validation: names are worth nothing without trusted_ca: anyone can sign them")},
    {"a_policy_list_without_policies", with(&Pieces::cluster, "load_balancing_policy: {}"),
     line(kCluster + ".load_balancing_policy.policies: is required: at least one policy")},
    {"locality_weights", with(&Pieces::cluster, "common_lb_config: {locality_weighted_lb_config: {}}"),
     line(kCluster + ".common_lb_config.locality_weighted_lb_config: not implemented by Weft")},
    {"outlier_monitors", with(&Pieces::cluster, "outlier_detection: {monitors: [{name: a}]}"),
     line(kCluster + ".outlier_detection.monitors: not implemented by Weft")},
    {"protocols_by_alpn_without_tls",
     with(&Pieces::cluster,
          "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
          "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, auto_config: {}}}"),
     line(
         kCluster +
         ".typed_extension_protocol_options[\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\"].auto_config: the protocol is chosen by ALPN, so the cluster needs TLS")},
    {"a_log_operator_that_does_not_exist",
     with(
         &Pieces::hcm,
         "access_log: [{name: a, typed_config: {'@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog, log_format: {text_format: '%NOPE%'}}}]"),
     line(kHcm + ".access_log[0].typed_config.log_format.text_format: column 1: %NOPE%: unknown operator")},
};

INSTANTIATE_TEST_SUITE_P(Everything, TranslateRefuses, testing::ValuesIn(kRefusals),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Translate, reads_balancing_policies_of_both_spellings) {
  constexpr const char* kType = "'@type': type.googleapis.com/envoy.extensions.load_balancing_policies.";
  const auto policy = [&](const std::string& typed) {
    return with(
        &Pieces::cluster,
        "load_balancing_policy: {policies: [{typed_extension_config: {name: a, typed_config: {" + typed + "}}}]}");
  };
  const auto config = [](const Pieces& pieces) {
    const Loaded loaded = load(pieces);
    EXPECT_EQ(loaded.faults.to_string(), "");
    return cluster_of(loaded);
  };
  using Balance = proxy::ClusterConfig::Balance;
  const auto old =
      config(with(&Pieces::cluster,
                  "lb_policy: ROUND_ROBIN, round_robin_lb_config: {slow_start_config: {slow_start_window: "
                  "60s, min_weight_percent: {value: 20}, aggression: {default_value: 2, runtime_key: a}}}, "
                  "common_lb_config: {healthy_panic_threshold: {value: 33.4}}"));
  EXPECT_EQ(old.slow_start.window, base::seconds(60));
  EXPECT_DOUBLE_EQ(old.slow_start.min_weight_share, 0.2);
  EXPECT_DOUBLE_EQ(old.slow_start.aggression, 2.0);
  EXPECT_DOUBLE_EQ(old.healthy_panic_threshold, 33);
  const auto least =
      config(policy(std::string(kType) + "least_request.v3.LeastRequest, choice_count: 4, selection_method: FULL_SCAN, "
                                         "slow_start_config: {slow_start_window: 5s}"));
  EXPECT_EQ(least.balance, Balance::LeastRequest);
  EXPECT_EQ(least.least_request_choices, 4u);
  EXPECT_TRUE(least.least_request_full_scan);
  EXPECT_EQ(least.slow_start.window, base::seconds(5));
  const auto round = config(policy(std::string(kType) + "round_robin.v3.RoundRobin"));
  EXPECT_EQ(round.balance, Balance::RoundRobin);
  EXPECT_EQ(round.slow_start.window, base::Duration::zero());
  EXPECT_DOUBLE_EQ(round.healthy_panic_threshold, 50);
}

TEST(Translate, says_once_that_a_kind_of_cluster_with_names_is_not_there) {
  const std::string text =
      "{static_resources: {clusters: [{name: a, type: LOGICAL_DNS, load_assignment: {cluster_name: a, endpoints: [{"
      "lb_endpoints: [{endpoint: {address: {socket_address: {address: localhost, port_value: 80}}}}]}]}}]}}";
  EXPECT_EQ(
      load_bootstrap_text(text, "f").faults.to_string(),
      "f:1:42: static_resources.clusters[0].type: LOGICAL_DNS: not implemented by Weft; STATIC and STRICT_DNS are\n");
}

TEST(Translate, refuses_two_listeners_on_one_address_and_two_clusters_of_one_name) {
  const std::string text = "{static_resources: {listeners: [" + std::string(kSecondListener) + ", " + kSecondListener +
                           "], clusters: [{name: a}, {name: a}]}}";
  const std::string faults = load_bootstrap_text(text, "f").faults.to_string();
  EXPECT_NE(
      faults.find("static_resources.listeners[1].address: 127.0.0.1:10000: listener \"b\" has this address already"),
      std::string::npos)
      << faults;
  EXPECT_NE(faults.find("static_resources.clusters[1].name: \"a\": another cluster has this name"), std::string::npos)
      << faults;
}

TEST(Translate, accepts_what_envoy_accepts) {
  Pieces pieces;
  pieces.route_config = "validate_clusters: false";
  pieces.action = "route: {cluster: later}";
  EXPECT_EQ(faults_of(pieces), "") << "unknown clusters, where validation is off";
  EXPECT_EQ(
      faults_of(with(
          &Pieces::bootstrap,
          "layered_runtime: {layers: [{name: a, admin_layer: {}}]}, node: {id: a, cluster: b, metadata: {k: v}, locality: {zone: z, region: r}}")),
      "");
  EXPECT_EQ(faults_of(with(&Pieces::bootstrap, "stats_config: {use_all_default_tags: true}, stats_flush_interval: 1s")),
            "");
}

TEST(Translate, uses_secrets_of_the_bootstrap_by_name) {
  Pieces pieces;
  pieces.static_resources =
      "secrets: [{name: unused, generic_secret: {}}, {name: own, tls_certificate: {certificate_chain: {filename: examples/envoy/certificates/server.pem}, "
      "private_key: {filename: examples/envoy/certificates/server.key}}}]";
  pieces.filter_chain =
      kTls + "DownstreamTlsContext, common_tls_context: {tls_certificate_sds_secret_configs: [{name: own}]}}}";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_EQ(listener_of(loaded).filter_chains[0].tls->certificates.at(0).source,
            "examples/envoy/certificates/server.pem");
}

TEST(Translate, judges_the_parts_of_a_combined_validation_context_together) {
  Pieces pieces;
  pieces.static_resources =
      "secrets: [{name: roots, validation_context: {trusted_ca: {filename: examples/envoy/certificates/ca.pem}}}]";
  pieces.cluster = kTls +
                   "UpstreamTlsContext, common_tls_context: {combined_validation_context: {"
                   "default_validation_context: {match_typed_subject_alt_names: [{san_type: DNS, matcher: "
                   "{exact: a}}]}, validation_context_sds_secret_config: {name: roots}}}}}";
  EXPECT_EQ(faults_of(pieces), "") << "names in one part, the anchor in the other";
}

}  // namespace
}  // namespace weft::xds
