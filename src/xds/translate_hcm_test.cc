// The connection manager, its router and its logs: what becomes of each field, and what is refused by its path.
#include <gtest/gtest.h>

#include "xds/testing/bootstrap.h"

namespace weft::xds {
namespace {

const std::string kHcm = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config";
const std::string kRouterType = "'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const std::string kFaultType = "'@type': type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const std::string kStdout =
    "{name: a, typed_config: {'@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}";

Pieces with_hcm(const std::string& fields) {
  Pieces pieces;
  pieces.hcm = fields;
  return pieces;
}
Pieces with_router(const std::string& fields) {
  Pieces pieces;
  pieces.http_filters = "[{name: router, typed_config: {" + kRouterType + ", " + fields + "}}]";
  return pieces;
}
/// A fault filter in front of the router, and what the route says of it.
Pieces with_route_filter(const std::string& config) {
  Pieces pieces;
  pieces.http_filters = "[{name: fault, disabled: true, typed_config: {" + kFaultType +
                        "}}, {name: router, typed_config: {" + kRouterType + "}}]";
  pieces.route = "typed_per_filter_config: {fault: {" + config + "}}";
  return pieces;
}

TEST(TranslateHcm, the_router_has_all_its_options) {
  const Loaded loaded = load(with_router(
      "dynamic_stats: false, suppress_envoy_headers: true, suppress_grpc_request_failure_code_stats: true, "
      "respect_expected_rq_timeout: true, strict_check_headers: [x-envoy-max-retries], upstream_log: [" +
      kStdout +
      "], upstream_log_options: {flush_upstream_log_on_upstream_stream: true, upstream_log_flush_interval: 2s}"));
  ASSERT_EQ(loaded.faults.to_string(), "");
  const proxy::RouterConfig& router = hcm_of(loaded).router;
  EXPECT_FALSE(router.dynamic_stats);
  EXPECT_TRUE(router.suppress_envoy_headers && router.suppress_grpc_request_failure_code_stats &&
              router.respect_expected_rq_timeout && router.flush_upstream_log_on_upstream_stream);
  EXPECT_EQ(router.strict_check_headers, std::vector<std::string>{"x-envoy-max-retries"});
  EXPECT_EQ(router.upstream_logs.size(), 1u);
  EXPECT_EQ(router.upstream_log_flush_interval, base::seconds(2));
  EXPECT_TRUE(hcm_of(load({})).router.dynamic_stats) << "Envoy's default";
}

TEST(TranslateHcm, the_router_has_no_spans_and_no_upstream_filters) {
  EXPECT_EQ(faults_of(with_router("start_child_span: true")),
            kHcm + ".http_filters[0].typed_config.start_child_span: not implemented by Weft\n");
  EXPECT_EQ(faults_of(with_router("upstream_http_filters: [{name: a}]")),
            kHcm + ".http_filters[0].typed_config.upstream_http_filters: not implemented by Weft\n");
}

TEST(TranslateHcm, log_options_have_one_spelling_at_a_time) {
  const Loaded old = load(with_hcm("access_log_flush_interval: 3s, flush_access_log_on_new_request: true"));
  ASSERT_EQ(old.faults.to_string(), "");
  EXPECT_EQ(hcm_of(old).access_log_flush_interval, base::seconds(3));
  EXPECT_TRUE(hcm_of(old).flush_access_log_on_new_request);
  const Loaded now = load(with_hcm(
      "access_log_options: {access_log_flush_interval: 4s, flush_log_on_tunnel_successfully_established: true}"));
  ASSERT_EQ(now.faults.to_string(), "");
  EXPECT_EQ(hcm_of(now).access_log_flush_interval, base::seconds(4));
  EXPECT_TRUE(hcm_of(now).flush_log_on_tunnel_successfully_established);
  EXPECT_EQ(
      faults_of(with_hcm("access_log_flush_interval: 3s, access_log_options: {}")),
      kHcm + ".access_log_flush_interval: only one of access_log_flush_interval and access_log_options may be set\n");
}

TEST(TranslateHcm, a_local_reply_has_mappers_and_formats) {
  const Loaded loaded = load(with_hcm(
      "local_reply_config: {mappers: [{filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 503, "
      "runtime_key: a}}}}, status_code: 500, body: {inline_string: sorry}, headers_to_add: [{header: {key: X-A, value: b}}], "
      "body_format_override: {text_format_source: {inline_string: '%LOCAL_REPLY_BODY%!'}, content_type: text/html}}], "
      "body_format: {json_format: {a: b}}}"));
  ASSERT_EQ(loaded.faults.to_string(), "");
  const proxy::LocalReplyConfig& replies = hcm_of(loaded).local_reply;
  ASSERT_EQ(replies.mappers.size(), 1u);
  const proxy::ReplyMapper& mapper = replies.mappers[0];
  EXPECT_EQ(mapper.status, 500);
  EXPECT_EQ(mapper.body, "sorry");
  EXPECT_EQ(mapper.headers.at(0).name, "x-a");
  EXPECT_EQ(mapper.format->content_type, "text/html");
  EXPECT_EQ(replies.format.content_type, "application/json");
  observe::RequestInfo info;
  EXPECT_FALSE(mapper.filter->is_logged(info, 0));
  info.response_code = 503;
  EXPECT_TRUE(mapper.filter->is_logged(info, 0));
}

TEST(TranslateHcm, a_local_reply_is_checked_like_everything_else) {
  EXPECT_EQ(faults_of(with_hcm("local_reply_config: {body_format: {text_format_source: {inline_string: '%NOPE%'}}}")),
            kHcm + ".local_reply_config.body_format.text_format_source: column 1: %NOPE%: unknown operator\n");
}

TEST(TranslateHcm, the_proxy_can_name_itself) {
  Pieces pieces = with_hcm("add_user_agent: true, append_x_forwarded_port: true");
  pieces.bootstrap = "node: {id: shop-1, cluster: shop}";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_EQ(hcm_of(loaded).user_agent, "shop");
  EXPECT_EQ(hcm_of(loaded).node_id, "shop-1");
  EXPECT_TRUE(hcm_of(loaded).append_x_forwarded_port);
}

TEST(TranslateHcm, what_it_does_not_do_is_refused) {
  for (const char* field :
       {"append_local_overload: true", "tracing: {}", "proxy_status_config: {}",
        "original_ip_detection_extensions: [{name: a}]", "early_header_mutation_extensions: [{name: a}]"}) {
    const std::string name = std::string(field).substr(0, std::string_view(field).find(':'));
    EXPECT_EQ(faults_of(with_hcm(field)).substr(0, kHcm.size() + 1 + name.size()), kHcm + "." + name);
  }
}

TEST(TranslateHcm, filters_of_logs_that_have_one_answer_here) {
  const Loaded loaded = load(with_hcm(
      "access_log: [{name: a, filter: {traceable_filter: {}}, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}, {name: a, filter: {metadata_filter: {}}, "
      "typed_config: {'@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]"));
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_FALSE(hcm_of(loaded).access_logs[0].filter->is_logged({}, 0)) << "nothing is traced";
  EXPECT_TRUE(hcm_of(loaded).access_logs[1].filter->is_logged({}, 0)) << "no key is ever found, which is enough";
}

TEST(TranslateHcm, a_route_turns_filters_on_and_off) {
  const std::string wrapper = "'@type': type.googleapis.com/envoy.config.route.v3.FilterConfig";
  const Loaded off = load(with_route_filter(wrapper + ", disabled: true"));
  ASSERT_EQ(off.faults.to_string(), "");
  EXPECT_TRUE(hcm_of(off).filters[0].is_disabled);
  EXPECT_TRUE(route_of(off).filter_config.at("fault").is_disabled);
  const Loaded on = load(with_route_filter(wrapper + ", config: {" + kFaultType + "}"));
  ASSERT_EQ(on.faults.to_string(), "");
  EXPECT_FALSE(route_of(on).filter_config.at("fault").is_disabled);
  EXPECT_NE(route_of(on).filter_config.at("fault").config, nullptr);
  const Loaded bare = load(with_route_filter(wrapper + ", config: {}"));
  ASSERT_EQ(bare.faults.to_string(), "");
  EXPECT_EQ(route_of(bare).filter_config.at("fault").config, nullptr);
  const std::string path = kHcm + ".route_config.virtual_hosts[0].routes[0].typed_per_filter_config[\"fault\"]";
  EXPECT_EQ(faults_of(with_route_filter(wrapper)), path + ".config: must be there unless the filter is disabled\n");
}

TEST(TranslateHcm, a_listener_knows_its_direction_and_how_much_it_accepts_at_a_time) {
  Pieces pieces;
  pieces.listener = "traffic_direction: INBOUND, max_connections_to_accept_per_socket_event: 3";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  EXPECT_TRUE(listener_of(loaded).is_inbound);
  EXPECT_EQ(listener_of(loaded).accepts_per_event_max, 3u);
  EXPECT_FALSE(listener_of(load({})).is_inbound);
}

TEST(TranslateHcm, virtual_clusters_end_with_the_one_of_all_others) {
  Pieces pieces;
  pieces.virtual_host = "virtual_clusters: [{name: posts, headers: [{name: ':method', string_match: {exact: POST}}]}]";
  const Loaded loaded = load(pieces);
  ASSERT_EQ(loaded.faults.to_string(), "");
  const auto& clusters = hcm_of(loaded).routes->config().virtual_hosts[0].virtual_clusters;
  ASSERT_EQ(clusters.size(), 2u);
  EXPECT_EQ(clusters[0].name, "posts");
  EXPECT_EQ(clusters[1].name, "other");
  pieces.virtual_host = "virtual_clusters: [{name: posts}]";
  EXPECT_EQ(
      faults_of(pieces),
      kHcm +
          ".route_config.virtual_hosts[0].virtual_clusters[0].headers: virtual clusters must have header matchers\n");
}

}  // namespace
}  // namespace weft::xds
