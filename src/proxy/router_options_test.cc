// The router filter's options and the statistics that calls charge, on the assembled proxy.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n";
constexpr char kUnavailable[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

class RouterOptions : public WithProxy {
 protected:
  void begin() {
    route_to_upstream();
    start();
  }
  void retry(uint32_t times) {
    RetryPolicy policy;
    policy.retry_on = kRetry5xx;
    policy.num_retries = times;
    action.retry_policy = std::make_shared<RetryPolicy>(policy);
  }
  void trust_everybody() {
    hcm.use_remote_address = true;
    hcm.internal_addresses = {*net::AddressRange::parse("127.0.0.0", 8)};
  }
  int64_t up(const std::string& name) { return stat("cluster.up." + name); }
};

TEST_F(RouterOptions, ResponsesCountAsInternalOrExternal) {
  begin();
  call(kGet);
  EXPECT_EQ(up("upstream_rq_200"), 1);
  EXPECT_EQ(up("external.upstream_rq_200"), 1);
  EXPECT_EQ(up("external.upstream_rq_completed"), 1);
  EXPECT_EQ(up("internal.upstream_rq_completed"), 0);
  EXPECT_EQ(up("upstream_rq_completed"), 1);
}

// As in Envoy: what is retried counts under "retry." only.
TEST_F(RouterOptions, RetriedResponsesCountApart) {
  retry(1);
  answer_by_script = [&](size_t, const std::string&) {
    return upstream_requests == 1 ? kUnavailable : "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  };
  begin();
  call(kGet);
  EXPECT_EQ(up("retry.upstream_rq_503"), 1);
  EXPECT_EQ(up("retry.upstream_rq_completed"), 1);
  EXPECT_EQ(up("upstream_rq_503"), 0);
  EXPECT_EQ(up("external.upstream_rq_503"), 0);
  EXPECT_EQ(up("upstream_rq_completed"), 1);
}

TEST_F(RouterOptions, FailuresAnsweredHereCountWithTheirStatus) {
  upstream_answer = kReset;
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 503"));
  EXPECT_EQ(up("upstream_rq_503"), 1);
  EXPECT_EQ(up("upstream_rq_completed"), 1);
}

TEST_F(RouterOptions, ATimeoutCountsWithItsStatus) {
  upstream_answer = kSilence;
  action.timeout = base::seconds(1);
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 504"));
  EXPECT_EQ(up("upstream_rq_504"), 1);
  EXPECT_EQ(up("upstream_rq_timeout"), 1);
}

TEST_F(RouterOptions, WithoutDynamicStatsNoResponseIsCounted) {
  hcm.router.dynamic_stats = false;
  begin();
  call(kGet);
  EXPECT_EQ(up("upstream_rq_total"), 1);
  EXPECT_EQ(up("upstream_rq_completed"), 0);
  EXPECT_EQ(up("upstream_rq_200"), 0);
}

TEST_F(RouterOptions, CodesOfGrpcRequestsAreLeftOutWhereAsked) {
  hcm.router.suppress_grpc_request_failure_code_stats = true;
  upstream_answer = kUnavailable;
  begin();
  call("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n");
  EXPECT_EQ(up("upstream_rq_completed"), 1);
  EXPECT_EQ(up("upstream_rq_503"), 0);
  call(kGet);
  EXPECT_EQ(up("upstream_rq_503"), 1);
}

TEST_F(RouterOptions, AnAlternativeNameCountsBesideTheClusters) {
  trust_everybody();
  begin();
  call("GET / HTTP/1.1\r\nhost: a\r\nx-envoy-upstream-alt-stat-name: other\r\n");
  EXPECT_EQ(up("other.upstream_rq_200"), 1);
  EXPECT_EQ(up("other.internal.upstream_rq_completed"), 1);
  EXPECT_EQ(up("upstream_rq_200"), 1);
  EXPECT_EQ(upstream_head.find("alt-stat-name"), std::string::npos);
}

TEST_F(RouterOptions, AStrangerNamesNoStatistics) {
  hcm.use_remote_address = true;
  begin();
  call("GET / HTTP/1.1\r\nhost: a\r\nx-envoy-upstream-alt-stat-name: other\r\n");
  EXPECT_EQ(up("upstream_rq_200"), 1);
  EXPECT_EQ(up("other.upstream_rq_200"), 0);
}

TEST_F(RouterOptions, VirtualClustersAndRoutesCountApart) {
  VirtualHost& host = routes.virtual_hosts[0];
  host.name = "shop";
  HeaderMatcher post;
  post.name = ":method";
  post.kind = HeaderMatcher::Kind::String;
  post.string.value = "POST";
  host.virtual_clusters = {{"posts", {post}}, {"other", {}}};
  log("%VIRTUAL_CLUSTER_NAME%\n");
  retry(1);
  upstream_answer = kUnavailable;
  route_to_upstream();
  host.routes[0].stat_prefix = "all";
  start();
  call("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n");
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  call(kGet);
  const std::string posts = "vhost.shop.vcluster.posts.";
  EXPECT_EQ(stat(posts + "upstream_rq_total"), 2);
  EXPECT_EQ(stat(posts + "upstream_rq_503"), 1);
  EXPECT_EQ(stat(posts + "upstream_rq_retry"), 1);
  EXPECT_EQ(stat(posts + "upstream_rq_retry_limit_exceeded"), 1);
  EXPECT_EQ(stat("vhost.shop.vcluster.other.upstream_rq_200"), 1);
  EXPECT_EQ(stat("vhost.shop.route.all.upstream_rq_total"), 3);
  EXPECT_EQ(stat("vhost.shop.route.all.upstream_rq_completed"), 2);
  EXPECT_EQ(logged(), "posts\nother\n");
}

TEST_F(RouterOptions, EachAttemptHasALineInTheUpstreamLog) {
  hcm.router.upstream_logs = {
      log_of("%ACCESS_LOG_TYPE% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_HOST% %BYTES_RECEIVED% "
             "%RESP(x-from)% %REQ(:path)%\n")};
  retry(2);
  answer_by_script = [&](size_t, const std::string&) {
    return upstream_requests == 1   ? std::string(kUnavailable)
           : upstream_requests == 2 ? std::string(kReset)
                                    : "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-from: me\r\n\r\nabc";
  };
  begin();
  call("GET /p HTTP/1.1\r\nhost: a\r\n");
  EXPECT_EQ(logged(),
            "UpstreamEnd 503 - 127.0.0.1:20000 0 - /p\n"
            "UpstreamEnd 0 UC 127.0.0.1:20000 0 - /p\n"
            "UpstreamEnd 200 - 127.0.0.1:20000 3 me /p\n");
}

TEST_F(RouterOptions, TheUpstreamLogHasLinesBeforeTheEndWhereAsked) {
  hcm.router.upstream_logs = {log_of("%ACCESS_LOG_TYPE% %DURATION%\n")};
  hcm.router.flush_upstream_log_on_upstream_stream = true;
  hcm.router.upstream_log_flush_interval = base::seconds(1);
  action.timeout = base::milliseconds(2500);
  upstream_answer = kSilence;
  begin();
  call(kGet);
  EXPECT_TRUE(logged().starts_with("UpstreamPoolReady ")) << logged();
  EXPECT_NE(logged().find("\nUpstreamPeriodic 1000\nUpstreamPeriodic 2000\nUpstreamEnd 250"), std::string::npos)
      << logged();
}

// A gRPC failure is often head and trailers in one read: then the retry words look at the trailers' status.
TEST_F(RouterOptions, AGrpcHeadWaitsForTrailersOfTheSameRead) {
  RetryPolicy policy;
  policy.retry_on = parse_retry_on("unavailable");
  policy.num_retries = 1;
  action.retry_policy = std::make_shared<RetryPolicy>(policy);
  cluster.h1.enable_trailers = hcm.h1.enable_trailers = true;
  const std::string head = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n";
  answer_by_script = [&, head](size_t, const std::string&) {
    return head + (upstream_requests == 1 ? "0\r\ngrpc-status: 14\r\n\r\n" : "0\r\ngrpc-status: 0\r\n\r\n");
  };
  begin();
  const std::string answer = call(
      "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ncontent-type: application/grpc\r\n"
      "content-length: 0\r\n");
  EXPECT_EQ(upstream_requests, 2);
  EXPECT_NE(answer.find("grpc-status: 0"), std::string::npos) << answer;
  EXPECT_EQ(up("upstream_rq_retry_success"), 1);
}

TEST_F(RouterOptions, AGrpcHeadDoesNotWaitForAnotherRead) {
  RetryPolicy policy;
  policy.retry_on = parse_retry_on("unavailable");
  policy.num_retries = 1;
  action.retry_policy = std::make_shared<RetryPolicy>(policy);
  cluster.h1.enable_trailers = hcm.h1.enable_trailers = true;
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n";
  upstream_answer_later = "0\r\ngrpc-status: 14\r\n\r\n";
  begin();
  const std::string answer = call(
      "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ncontent-type: application/grpc\r\n"
      "content-length: 0\r\n");
  EXPECT_EQ(upstream_requests, 1);
  EXPECT_NE(answer.find("grpc-status: 14"), std::string::npos) << answer;
}

TEST_F(RouterOptions, StrictlyCheckedHeadersAreTheRoutersBusiness) {
  trust_everybody();
  hcm.router.strict_check_headers = {"x-envoy-max-retries"};
  log("%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n");
  begin();
  const std::string answer = call("GET / HTTP/1.1\r\nhost: a\r\nx-envoy-max-retries: many\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
  EXPECT_EQ(logged(), "IH request_headers_failed_strict_check\n");
}

TEST_F(RouterOptions, SuppressedEnvoyHeadersIncludeTheOverloadedOne) {
  hcm.router.suppress_envoy_headers = true;
  cluster.breakers[0].requests_max = 0;
  begin();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_EQ(answer.find("x-envoy-overloaded"), std::string::npos) << answer;
}

}  // namespace
}  // namespace weft::proxy
