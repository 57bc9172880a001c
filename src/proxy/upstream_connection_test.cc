// The limits of upstream connections, on the assembled proxy: how long they may take, live, rest and serve.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

class UpstreamConnections : public WithProxy {
 protected:
  void begin() {
    route_to_upstream();
    start();
  }
  int64_t up(const std::string& name) { return stat("cluster.up." + name); }
  void expect_ok() { EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200")); }
};

TEST_F(UpstreamConnections, AreGivenFiveSecondsToComeUnlessToldOtherwise) {
  begin();
  world.partition("proxy", "upstream0");
  const base::Duration by_default = time_of(kGet);
  EXPECT_GE(by_default, seconds(5));
  EXPECT_LT(by_default, seconds(6));
  EXPECT_EQ(up("upstream_cx_connect_timeout"), 1);
  EXPECT_EQ(up("upstream_cx_connect_fail"), 1);
  EXPECT_EQ(up("upstream_rq_pending_failure_eject"), 1);
}

TEST_F(UpstreamConnections, HaveTheConfiguredTimeToCome) {
  cluster.connect_timeout = milliseconds(250);
  begin();
  world.partition("proxy", "upstream0");
  const base::MonoTime begin_at = world.now();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_LT(world.now() - begin_at, milliseconds(300));
}

TEST_F(UpstreamConnections, RestAnHourUnlessToldOtherwise) {
  begin();
  expect_ok();
  world.run_for(seconds(3590));
  EXPECT_EQ(up("upstream_cx_active"), 1);
  world.run_for(seconds(20));
  EXPECT_EQ(up("upstream_cx_active"), 0);
  EXPECT_EQ(up("upstream_cx_idle_timeout"), 1);
}

TEST_F(UpstreamConnections, RestTheConfiguredTimeFromTheLastAnswer) {
  cluster.idle_timeout = seconds(10);
  begin();
  expect_ok();
  world.run_for(seconds(8));
  expect_ok();
  world.run_for(seconds(8));
  EXPECT_EQ(up("upstream_cx_active"), 1);
  EXPECT_EQ(up("upstream_cx_total"), 1);
  world.run_for(seconds(3));
  EXPECT_EQ(up("upstream_cx_active"), 0);
}

TEST_F(UpstreamConnections, RestForEverWithoutIdleTimeout) {
  cluster.idle_timeout.reset();
  begin();
  expect_ok();
  world.run_for(seconds(100000));
  EXPECT_EQ(up("upstream_cx_active"), 1);
}

TEST_F(UpstreamConnections, EndAtTheirMaximumAgeWhenTheirRequestIsOver) {
  cluster.max_connection_duration = seconds(10);
  begin();
  expect_ok();
  world.run_for(seconds(9));
  upstream_answer = kSilence;
  action.timeout = seconds(100);
  const auto slow = send(kGet);
  world.run_for(seconds(2));
  EXPECT_EQ(up("upstream_cx_max_duration_reached"), 1);
  EXPECT_EQ(up("upstream_cx_active"), 1) << "its request is not cut";
  upstream_answer = kOk;
  expect_ok();
  EXPECT_EQ(up("upstream_cx_total"), 2) << "but nothing new comes on it";
}

TEST_F(UpstreamConnections, ServeNoMoreThanTheirMaximumOfRequests) {
  cluster.max_requests_per_connection = 2;
  begin();
  for (int i = 0; i < 5; ++i) expect_ok();
  EXPECT_EQ(up("upstream_cx_total"), 3);
  EXPECT_EQ(up("upstream_cx_max_requests"), 2);
}

TEST_F(UpstreamConnections, MayAnswerOnlySoManyHeaders) {
  cluster.h1.headers_count_max = 2;
  begin();
  expect_ok();
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: 1\r\nb: 2\r\n\r\n";
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502")) << answer;
}

TEST_F(UpstreamConnections, EachAttemptsStreamHasAMaximumDuration) {
  cluster.max_stream_duration = seconds(2);
  RetryPolicy policy;
  policy.retry_on = kRetryReset;
  policy.num_retries = 1;
  action.retry_policy = std::make_shared<RetryPolicy>(policy);
  upstream_answer = kSilence;
  begin();
  const base::MonoTime begin_at = world.now();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 504")) << answer;
  EXPECT_TRUE(answer.ends_with("upstream max stream duration reached")) << answer;
  EXPECT_GE(world.now() - begin_at, seconds(4)) << "two attempts of 2 s each";
  EXPECT_LT(world.now() - begin_at, seconds(5));
  EXPECT_EQ(up("upstream_rq_max_duration_reached"), 2);
  EXPECT_EQ(up("upstream_rq_504"), 0) << "Envoy does not charge it";
  EXPECT_EQ(up("upstream_rq_retry"), 1);
}

TEST_F(UpstreamConnections, ATooLongStreamOfAnIncompleteRequestIs408) {
  cluster.max_stream_duration = seconds(2);
  upstream_answer = kSilence;
  begin();
  const auto half = send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n", "hello");
  EXPECT_TRUE(world.run_until([&] { return half->is_over(); }, seconds(5)));
  EXPECT_TRUE(half->answer().starts_with("HTTP/1.1 408")) << half->answer();
}

TEST_F(UpstreamConnections, AResponseThatTakesTooLongIsCut) {
  cluster.max_stream_duration = seconds(2);
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
  begin();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.ends_with("half")) << answer;
  EXPECT_EQ(up("upstream_rq_max_duration_reached"), 1);
}

// The upstream takes nothing any more: what the system's buffers do not take waits in the proxy, up to the limit.
TEST_F(UpstreamConnections, HoldNoMoreThanTheirBuffer) {
  cluster.buffer_bytes = 16 * 1024;
  begin();
  expect_ok();
  world.partition("proxy", "upstream0");
  const auto slow = send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 400000\r\n", std::string(400'000, 'x'));
  world.run_for(seconds(2));
  EXPECT_GE(up("upstream_flow_control_backed_up_total"), 1);
}

TEST_F(UpstreamConnections, HoldAMebibyteUnlessToldOtherwise) {
  begin();
  expect_ok();
  world.partition("proxy", "upstream0");
  const auto slow = send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 400000\r\n", std::string(400'000, 'x'));
  world.run_for(seconds(2));
  EXPECT_EQ(up("upstream_flow_control_backed_up_total"), 0);
}

TEST_F(UpstreamConnections, ComeFromTheConfiguredAddress) {
  cluster.bind_to = *net::Address::parse("127.0.0.77", 0);
  begin();
  expect_ok();
  EXPECT_EQ(upstream_peers, std::vector<std::string>{"127.0.0.77"});
}

TEST_F(UpstreamConnections, AreMadeAheadOfNeedByThePreconnectRatio) {
  cluster.preconnect_ratio = 2.0;
  upstream_answer = kSilence;
  begin();
  const auto first = send(kGet);
  world.run_for(milliseconds(100));
  EXPECT_EQ(up("upstream_cx_active"), 2) << "one for the request, one for the next";
  const auto second = send(kGet);
  world.run_for(milliseconds(100));
  EXPECT_EQ(up("upstream_cx_active"), 4);
}

// ------------------------------------------------------------------ limits of the breaker

TEST_F(UpstreamConnections, WithoutRoomToWaitOnlyReadyConnectionsServe) {
  cluster.breakers[0].pending_requests_max = 0;
  begin();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("x-envoy-overloaded: true"), answer.npos);
  EXPECT_EQ(up("upstream_rq_pending_overflow"), 1);
  EXPECT_EQ(up("upstream_cx_total"), 0);
}

TEST_F(UpstreamConnections, ALimitOfNoRequestsRefusesThemAll) {
  cluster.breakers[0].requests_max = 0;
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 503"));
  EXPECT_EQ(up("upstream_rq_active_overflow"), 1);
  EXPECT_EQ(upstream_requests, 0);
}

TEST_F(UpstreamConnections, AreLimitedForEachHost) {
  cluster.breakers[0].connections_per_host_max = 1;
  upstream_answer = kSilence;
  begin();
  const auto first = send(kGet);
  const auto second = send(kGet);
  world.run_for(milliseconds(100));
  EXPECT_EQ(up("upstream_cx_active"), 1);
  EXPECT_GE(up("upstream_cx_overflow"), 1);
  EXPECT_EQ(up("upstream_rq_pending_active"), 1);
}

TEST_F(UpstreamConnections, RetriesKeepToTheirBudget) {
  RetryPolicy policy;
  policy.retry_on = kRetry5xx;
  policy.num_retries = 1;
  policy.back_off_base = policy.back_off_max = seconds(5);
  action.retry_policy = std::make_shared<RetryPolicy>(policy);
  cluster.breakers[0].retries_max = 0;
  cluster.breakers[0].has_retry_budget = true;
  cluster.breakers[0].retry_budget_min_concurrency = 1;
  cluster.breakers[0].retry_budget_percent = 50;
  answer_by_script = [this](size_t, const std::string&) {
    return std::string(upstream_requests <= 4 ? "HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n" : kOk);
  };
  begin();
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(send(kGet));
  world.run_for(seconds(10));
  EXPECT_GE(up("upstream_rq_retry"), 1);
  EXPECT_LE(up("upstream_rq_retry"), 2) << "half of four, or the one that is always allowed";
  EXPECT_EQ(up("upstream_rq_retry") + up("upstream_rq_retry_overflow"), 4);
}

}  // namespace
}  // namespace weft::proxy
