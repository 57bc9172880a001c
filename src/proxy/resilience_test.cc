// Retries, timeouts, breakers and ejection on the assembled proxy: the decisions have their own tests, here they meet.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
constexpr char kUnavailable[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

class Resilience : public WithProxy {
 protected:
  void retry(uint32_t on, uint32_t times) {
    policy_.retry_on = on;
    policy_.num_retries = times;
    action.retry_policy = std::make_shared<RetryPolicy>(policy_);
  }
  void begin(size_t upstreams = 1) {
    route_to_upstream(upstreams);
    start();
  }
  /// The first `count` requests get `bad`, all others 200.
  void fail_first(int count, std::string bad) {
    answer_by_script = [this, count, bad](size_t, const std::string&) {
      return upstream_requests <= count ? bad : std::string(kOk);
    };
  }
  int64_t up(const std::string& name) { return stat("cluster.up." + name); }

  RetryPolicy policy_;
};

TEST_F(Resilience, ABadAnswerIsRetriedAndTheGoodOneGoesDown) {
  retry(kRetry5xx, 3);
  fail_first(2, kUnavailable);
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(upstream_requests, 3);
  EXPECT_EQ(up("upstream_rq_retry"), 2);
  EXPECT_EQ(up("upstream_rq_retry_success"), 1);
  EXPECT_EQ(up("upstream_rq_retry_backoff_exponential"), 2);
}

TEST_F(Resilience, WhenRetriesAreUsedUpTheLastAnswerGoesDown) {
  retry(kRetry5xx, 2);
  upstream_answer = kUnavailable;
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 503"));
  EXPECT_EQ(upstream_requests, 3);
  EXPECT_EQ(up("upstream_rq_retry_limit_exceeded"), 1);
}

TEST_F(Resilience, ARetrySendsTheBodyAgain) {
  retry(kRetry5xx, 1);
  fail_first(1, kUnavailable);
  begin();
  const auto made = send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n", "hello");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(upstream_bytes.ends_with("hello")) << upstream_bytes;
}

TEST_F(Resilience, ABrokenConnectionIsRetriedByItsWord) {
  retry(kRetryReset, 1);
  fail_first(1, kReset);
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(upstream_requests, 2);
}

TEST_F(Resilience, WithoutPolicyABrokenConnectionIsA503) {
  fail_first(1, kReset);
  begin();
  const std::string answer = call("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_EQ(upstream_requests, 1);
}

TEST_F(Resilience, AReusedConnectionThatGaveNothingIsTriedAgainForFree) {
  fail_first(0, "");
  answer_by_script = [this](size_t, const std::string&) { return std::string(upstream_requests == 2 ? kClose : kOk); };
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200")) << "the second request met a connection that closed";
  EXPECT_EQ(upstream_requests, 3);
  EXPECT_EQ(up("upstream_rq_retry"), 0);
}

TEST_F(Resilience, ARequestThatIsNotIdempotentIsNotTriedAgainForFree) {
  answer_by_script = [this](size_t, const std::string&) { return std::string(upstream_requests == 2 ? kClose : kOk); };
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(call("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n").starts_with("HTTP/1.1 503"));
  EXPECT_EQ(upstream_requests, 2);
}

TEST_F(Resilience, TheRouteTimeoutCutsASilentUpstream) {
  action.timeout = seconds(2);
  upstream_answer = kSilence;
  begin();
  const base::MonoTime begin_at = world.now();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 504")) << answer;
  EXPECT_TRUE(answer.ends_with("upstream request timeout")) << answer;
  EXPECT_GE(world.now() - begin_at, seconds(2));
  EXPECT_LT(world.now() - begin_at, seconds(3));
  EXPECT_EQ(up("upstream_rq_timeout"), 1);
}

TEST_F(Resilience, ATryThatTakesTooLongIsRetriedWithinTheWhole) {
  policy_.per_try_timeout = seconds(1);
  retry(kRetry5xx, 5);
  action.timeout = milliseconds(2500);
  upstream_answer = kSilence;
  begin();
  const base::MonoTime begin_at = world.now();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 504"));
  EXPECT_EQ(upstream_requests, 3);
  EXPECT_LT(world.now() - begin_at, seconds(3)) << "retries never outlive the route timeout";
  EXPECT_EQ(up("upstream_rq_per_try_timeout"), 2);
}

TEST_F(Resilience, EachAttemptTellsTheTimeThatIsLeft) {
  policy_.per_try_timeout = seconds(4);
  retry(kRetry5xx, 1);
  action.timeout = seconds(5);
  std::vector<int64_t> told;
  answer_by_script = [&](size_t, const std::string& head) {
    const size_t at = head.find("x-envoy-expected-rq-timeout-ms: ");
    told.push_back(at == head.npos ? -1 : std::stoll(head.substr(at + 32)));
    return std::string(upstream_requests == 1 ? kSilence : kOk);
  };
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], 4000);
  EXPECT_LE(told[1], 1000);
  EXPECT_GE(told[1], 900);
}

TEST_F(Resilience, TheUpstreamsRetryAfterIsWaitedFor) {
  policy_.reset_headers = {{.name = "retry-after"}};
  retry(kRetry5xx, 1);
  fail_first(1, "HTTP/1.1 503 x\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n");
  begin();
  EXPECT_GE(time_of(kGet), seconds(3));
  EXPECT_EQ(up("upstream_rq_retry_backoff_ratelimited"), 1);
}

TEST_F(Resilience, RequestsAboveTheBreakerFailFast) {
  cluster.breakers[0].requests_max = 1;
  cluster.breakers[0].track_remaining = true;
  upstream_answer = kSilence;
  begin();
  EXPECT_EQ(up("circuit_breakers.default.remaining_rq"), 1);
  EXPECT_EQ(up("circuit_breakers.high.remaining_rq"), 0) << "not tracked there";
  const auto first = send(kGet);
  world.run_for(milliseconds(10));
  EXPECT_EQ(up("circuit_breakers.default.rq_open"), 1) << "gauges are of now";
  EXPECT_EQ(up("circuit_breakers.default.remaining_rq"), 0);
  const base::MonoTime begin_at = world.now();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("x-envoy-overloaded: true"), std::string::npos) << answer;
  EXPECT_LT(world.now() - begin_at, milliseconds(100));
  EXPECT_EQ(upstream_requests, 1);
}

TEST_F(Resilience, RequestsAboveThePendingLimitFailFast) {
  cluster.breakers[0].connections_max = 1;
  cluster.breakers[0].pending_requests_max = 1;
  upstream_answer = kSilence;
  begin();
  const auto first = send(kGet);
  world.run_for(milliseconds(100));
  const auto second = send(kGet);
  world.run_for(milliseconds(100));
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("x-envoy-overloaded: true"), std::string::npos) << answer;
  EXPECT_EQ(up("upstream_rq_pending_overflow"), 1);
  EXPECT_EQ(upstream_requests, 1);
}

TEST_F(Resilience, AHostThatKeepsFailingIsEjectedAndComesBack) {
  cluster.outlier.emplace().max_ejection_percent = 50;
  answer_by_script = [](size_t upstream, const std::string&) {
    return std::string(upstream == 0 ? kUnavailable : kOk);
  };
  begin(2);
  for (int i = 0; i < 10; ++i) call(kGet);
  EXPECT_EQ(requests_by_upstream[0], 5);
  EXPECT_EQ(up("outlier_detection.ejections_active"), 1);
  EXPECT_EQ(up("membership_healthy"), 1);
  EXPECT_EQ(up("membership_total"), 2);
  EXPECT_EQ(up("outlier_detection.ejections_enforced_consecutive_5xx"), 1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(requests_by_upstream[0], 5);
  world.run_for(seconds(45));
  for (int i = 0; i < 4; ++i) call(kGet);
  EXPECT_EQ(requests_by_upstream[0], 7) << "30 s later it takes its share again";
  EXPECT_EQ(up("outlier_detection.ejections_active"), 0);
  EXPECT_EQ(up("membership_healthy"), 2);
}

TEST_F(Resilience, AHostWhoseAnswersAreMuchWorseThanTheOthersIsEjected) {
  auto& outlier = cluster.outlier.emplace();
  outlier.max_ejection_percent = 50;
  outlier.success_rate_request_volume = 10;
  int at_first = 0;
  answer_by_script = [&](size_t upstream, const std::string&) {
    return std::string(upstream == 0 && ++at_first % 2 == 0 ? kUnavailable : kOk);
  };
  begin(5);
  for (int i = 0; i < 50; ++i) call(kGet);
  EXPECT_EQ(requests_by_upstream[0], 10) << "never five failures in a row";
  world.run_for(seconds(10));
  EXPECT_EQ(up("outlier_detection.ejections_enforced_success_rate"), 1);
  world.run_for(milliseconds(10));
  EXPECT_EQ(up("upstream_cx_active"), 4) << "the ejected host's connection went without another request";
  EXPECT_EQ(up("outlier_detection.ejections_detected_success_rate"), 1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(requests_by_upstream[0], 10);
}

TEST_F(Resilience, MembershipIsCountedByHealth) {
  auto& outlier = cluster.outlier.emplace();
  outlier.max_ejection_percent = 100;
  outlier.consecutive_5xx = 1;
  upstream_answer = kUnavailable;
  route_to_upstream(4);
  auto endpoints = std::make_shared<EndpointSet>(*cluster.endpoints);
  endpoints->endpoints[2].health = HostHealth::Degraded;
  endpoints->endpoints[3].health = HostHealth::Unhealthy;
  cluster.endpoints = std::move(endpoints);
  start();
  EXPECT_EQ(up("membership_total"), 4);
  EXPECT_EQ(up("membership_healthy"), 2);
  EXPECT_EQ(up("membership_degraded"), 1);
  for (int i = 0; i < 20; ++i) call(kGet);
  EXPECT_EQ(up("outlier_detection.ejections_active"), 4) << "in panic all are tried";
  EXPECT_EQ(up("membership_healthy"), 0);
  EXPECT_EQ(up("membership_degraded"), 0);
}

TEST_F(Resilience, WhereMostHostsAreEjectedAllAreUsed) {
  auto& outlier = cluster.outlier.emplace();
  outlier.max_ejection_percent = 100;
  outlier.consecutive_5xx = 1;
  answer_by_script = [](size_t upstream, const std::string&) {
    return std::string(upstream == 2 ? kOk : kUnavailable);
  };
  begin(3);
  for (int i = 0; i < 3; ++i) call(kGet);
  EXPECT_EQ(up("outlier_detection.ejections_active"), 2);
  EXPECT_EQ(up("lb_healthy_panic"), 0);
  const auto before = requests_by_upstream;
  for (int i = 0; i < 6; ++i) call(kGet);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(requests_by_upstream[i] - before[i], 2) << i;
  EXPECT_EQ(up("lb_healthy_panic"), 6) << "a third of the hosts is below the threshold of 50 %";
}

TEST_F(Resilience, AnEjectedHostLosesItsIdleConnections) {
  auto& outlier = cluster.outlier.emplace();
  outlier.max_ejection_percent = 50;
  answer_by_script = [](size_t upstream, const std::string&) {
    return std::string(upstream == 0 ? kUnavailable : kOk);
  };
  begin(2);
  for (int i = 0; i < 2; ++i) call(kGet);
  EXPECT_EQ(up("upstream_cx_active"), 2);
  for (int i = 0; i < 8; ++i) call(kGet);
  EXPECT_EQ(up("outlier_detection.ejections_active"), 1);
  world.run_for(milliseconds(10));
  EXPECT_EQ(up("upstream_cx_active"), 1);
}

TEST_F(Resilience, SplitErrorsKeepFailuresToConnectApartFromAnswers) {
  auto& outlier = cluster.outlier.emplace();
  outlier.max_ejection_percent = 50;
  outlier.split_external_local_origin_errors = true;
  outlier.consecutive_local_origin_failure = 3;
  outlier.enforcing_consecutive_5xx = 0;
  upstream_answer = kUnavailable;
  route_to_upstream();
  auto endpoints = std::make_shared<EndpointSet>(*cluster.endpoints);
  endpoints->endpoints.emplace_back().address = net::Address::v4(0x7f000001, 1);  // nobody listens
  cluster.endpoints = std::move(endpoints);
  start();
  for (int i = 0; i < 6; ++i) call(kGet);
  EXPECT_EQ(upstream_requests, 3);
  EXPECT_EQ(up("outlier_detection.ejections_enforced_consecutive_local_origin_failure"), 1);
  EXPECT_EQ(up("outlier_detection.ejections_detected_consecutive_5xx"), 0);
  for (int i = 0; i < 3; ++i) call(kGet);
  EXPECT_EQ(upstream_requests, 6) << "the other one is out";
  EXPECT_EQ(up("outlier_detection.ejections_detected_consecutive_5xx"), 1);
  EXPECT_EQ(up("outlier_detection.ejections_active"), 1);
}

TEST_F(Resilience, ARetryAvoidsTheHostThatFailed) {
  policy_.avoid_previous_hosts = true;
  policy_.host_selection_retry_max_attempts = 5;
  retry(kRetry5xx, 1);
  cluster.balance = ClusterConfig::Balance::Random;
  answer_by_script = [](size_t upstream, const std::string&) {
    return std::string(upstream == 0 ? kUnavailable : kOk);
  };
  begin(2);
  int good = 0;
  for (int i = 0; i < 20; ++i) good += call(kGet).starts_with("HTTP/1.1 200") ? 1 : 0;
  EXPECT_GE(good, 19);
}

TEST_F(Resilience, AnswersAreCountedAsInternalOnlyForInternalCallers) {
  begin();
  call(kGet);
  EXPECT_EQ(up("external.upstream_rq_200"), 1);
  EXPECT_EQ(up("internal.upstream_rq_200"), 0);
}

TEST_F(Resilience, TheUpstreamConnectionIsUsedAgain) {
  begin();
  for (int i = 0; i < 5; ++i) call(kGet);
  EXPECT_EQ(up("upstream_rq_total"), 5);
  EXPECT_EQ(up("upstream_cx_total"), 1);
}

TEST_F(Resilience, TheSchemeMayFollowTheUpstreamsTransport) {
  cluster.h1.send_fully_qualified_url = true;
  hcm.scheme_overwrite = "https";
  hcm.scheme_matches_upstream = true;
  begin();
  call(kGet);
  EXPECT_TRUE(upstream_head.starts_with("GET http://a/ HTTP/1.1")) << upstream_head;
}

TEST_F(Resilience, RetriesTogetherAreBoundedByTheBreaker) {
  retry(kRetry5xx, 1);
  policy_.back_off_base = policy_.back_off_max = seconds(5);
  action.retry_policy = std::make_shared<RetryPolicy>(policy_);
  cluster.breakers[0].retries_max = 2;
  fail_first(5, kUnavailable);
  begin();
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(send(kGet));
  world.run_for(seconds(10));
  EXPECT_EQ(up("upstream_rq_retry"), 2);
  EXPECT_EQ(up("upstream_rq_retry_overflow"), 3);
  EXPECT_EQ(upstream_requests, 7);
}

}  // namespace
}  // namespace weft::proxy
