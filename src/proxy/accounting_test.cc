// What an exchange leaves behind, as Envoy 1.40 does it: statistics, response flags and details, the words of local
// replies.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
constexpr char kUnavailable[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

class Accounting : public WithProxy {
 protected:
  void retry(uint32_t on, uint32_t times = 1) {
    policy_.retry_on = on;
    policy_.num_retries = times;
    action.retry_policy = std::make_shared<RetryPolicy>(policy_);
  }
  /// Responses tell the flags and details of their log line.
  void begin(size_t upstreams = 1, bool is_routed = true) {
    if (is_routed) route_to_upstream(upstreams);
    for (const auto& [name, value] : {std::pair("x-flags", "%RESPONSE_FLAGS%"),
                                      {"x-details", "%RESPONSE_CODE_DETAILS%"},
                                      {"x-why", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"},
                                      {"x-cluster", "%UPSTREAM_CLUSTER%"}}) {
      routes.response_headers.adds.push_back({.name = name, .value = observe::Format::parse_text(value).value()});
    }
    start();
  }
  int64_t up(const std::string& name) { return stat("cluster.up." + name); }
  int64_t in(const std::string& name) { return stat("http.test." + name); }

  RetryPolicy policy_;
};

testing::AssertionResult has_line(const std::string& answer, const std::string& line) {
  if (answer.find("\r\n" + line + "\r\n") != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << line << "\" in\n" << answer;
}

TEST_F(Accounting, AnAnswerIsCountedByCodeClassAndOrigin) {
  begin();
  call(kGet);
  for (const char* name : {"upstream_rq_200", "upstream_rq_2xx", "upstream_rq_completed", "external.upstream_rq_200",
                           "external.upstream_rq_2xx", "external.upstream_rq_completed"})
    EXPECT_EQ(up(name), 1) << name;
  EXPECT_EQ(in("rq_total"), 1);
}

TEST_F(Accounting, AnAnswerThatIsRetriedCountsAsSuchOnly) {
  retry(kRetry5xx);
  answer_by_script = [this](size_t, const std::string&) { return upstream_requests == 1 ? kUnavailable : kOk; };
  begin();
  call(kGet);
  EXPECT_EQ(up("retry.upstream_rq_503"), 1);
  EXPECT_EQ(up("retry.upstream_rq_completed"), 1);
  EXPECT_EQ(up("upstream_rq_503") + up("external.upstream_rq_503"), 0);
  EXPECT_EQ(up("upstream_rq_completed"), 1);
  EXPECT_EQ(up("upstream_rq_tx_reset"), 0) << "there is no stream to reset in HTTP/1";
}

TEST_F(Accounting, WhatTheProxyAnswersForAClusterIsChargedToIt) {
  upstream_answer = kClose;
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 503"));
  EXPECT_EQ(up("upstream_rq_503"), 1);
  EXPECT_EQ(up("external.upstream_rq_5xx"), 1);
  EXPECT_EQ(up("upstream_rq_completed"), 1);
  EXPECT_EQ(up("upstream_cx_destroy_remote_with_active_rq"), 1);
  EXPECT_EQ(up("upstream_cx_destroy_with_active_rq"), 1);
}

TEST_F(Accounting, ARouteTimeoutIsChargedToTheClusterAndCutsTheConnectionHere) {
  action.timeout = seconds(1);
  upstream_answer = kSilence;
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 504"));
  EXPECT_EQ(up("upstream_rq_504"), 1);
  EXPECT_EQ(up("upstream_cx_destroy_local_with_active_rq"), 1);
  EXPECT_EQ(up("upstream_cx_destroy_remote"), 0);
}

TEST_F(Accounting, WithoutAHostTheClusterIsChargedToo) {
  begin(0);
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nno healthy upstream")) << answer;
  EXPECT_TRUE(has_line(answer, "x-flags: UH"));
  EXPECT_EQ(up("upstream_rq_503"), 1);
}

TEST_F(Accounting, ARefusedConnectionIsToldInEnvoysWordsAndItsReasonOnlyToTheLog) {
  route_to_upstream();
  auto nowhere = std::make_shared<EndpointSet>();
  nowhere->endpoints.emplace_back().address = net::Address::v4(0x7f000001, 9);
  cluster.endpoints = nowhere;
  begin(0, false);
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.ends_with("before headers. reset reason: remote connection failure")) << answer;
  EXPECT_NE(answer.find(
                "x-details: upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_"),
            std::string::npos)
      << answer;
  EXPECT_EQ(up("upstream_rq_503"), 1);
  EXPECT_EQ(up("upstream_rq_pending_failure_eject"), 1);
}

TEST_F(Accounting, ABrokenResponseIsAProtocolErrorAndItsReasonForTheLog) {
  upstream_answer = "nonsense\r\n\r\n";
  begin();
  const std::string answer = call(kGet);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502")) << answer;
  EXPECT_TRUE(answer.ends_with("before headers. reset reason: protocol error")) << answer;
  EXPECT_TRUE(has_line(answer, "x-details: upstream_reset_before_response_started{protocol_error}"));
  EXPECT_TRUE(has_line(answer, "x-why: http1.codec_error"));
  EXPECT_TRUE(has_line(answer, "x-flags: UPE"));
  EXPECT_EQ(up("upstream_rq_502"), 1);
}

TEST_F(Accounting, FlagsComeInTheOrderInWhichTheyWereSet) {
  retry(kRetryReset);
  upstream_answer = kReset;
  begin();
  EXPECT_TRUE(has_line(call(kGet), "x-flags: URX,UC"));
}

TEST_F(Accounting, ARetryThatTheBreakerForbidsIsAnOverflow) {
  retry(kRetry5xx);
  cluster.breakers[0].retries_max = 0;
  upstream_answer = kUnavailable;
  begin();
  EXPECT_TRUE(has_line(call(kGet), "x-flags: UO"));
}

TEST_F(Accounting, AttemptsAreToldOnLocalRepliesToo) {
  retry(kRetryReset);
  upstream_answer = kReset;
  routes.virtual_hosts[0].include_attempt_count_in_response = true;
  begin();
  EXPECT_TRUE(has_line(call(kGet), "x-envoy-attempt-count: 2"));
}

TEST_F(Accounting, BytesAreCountedWhileTheConnectionLives) {
  begin();
  const auto made = send_raw(std::string(kGet) + "\r\n");
  EXPECT_TRUE(world.run_until([&] { return made->answer().ends_with("ok"); }, seconds(5)));
  EXPECT_FALSE(made->is_over());
  EXPECT_EQ(in("downstream_cx_rx_bytes_total"), static_cast<int64_t>(std::string_view(kGet).size() + 2));
  EXPECT_EQ(in("downstream_cx_tx_bytes_total"), static_cast<int64_t>(made->answer().size()));
  EXPECT_EQ(up("upstream_cx_rx_bytes_total"), static_cast<int64_t>(std::string_view(kOk).size()));
  EXPECT_GT(up("upstream_cx_tx_bytes_total"), 0);
}

TEST_F(Accounting, AMalformedRequestIsAnsweredAndCountedAsOthers) {
  begin();
  const auto made = send_raw("GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
  for (const char* line : {"content-type: text/plain", "content-length: 11", "connection: close", "server: envoy"})
    EXPECT_TRUE(has_line(made->answer(), line));
  EXPECT_NE(made->answer().find("\r\ndate: "), std::string::npos);
  EXPECT_TRUE(made->answer().ends_with("\r\n\r\nBad Request"));
  EXPECT_EQ(in("downstream_cx_protocol_error"), 1);
  EXPECT_EQ(in("downstream_rq_http1_total"), 1);
  EXPECT_EQ(in("downstream_rq_4xx"), 1);
}

TEST_F(Accounting, AMalformedBodyIsAnsweredAndCountedAsOthers) {
  upstream_answer = kSilence;
  begin();
  const auto made = send_raw("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 400")) << made->answer();
  EXPECT_EQ(in("downstream_rq_4xx"), 1);
  EXPECT_EQ(in("downstream_rq_completed"), 1);
}

TEST_F(Accounting, A100IsAResponseToo) {
  begin();
  const auto made = send_raw("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n");
  EXPECT_TRUE(world.run_until([&] { return made->answer().starts_with("HTTP/1.1 100"); }, seconds(5)))
      << made->answer();
  EXPECT_EQ(upstream_head.find("expect"), std::string::npos);
  EXPECT_EQ(in("downstream_rq_1xx"), 1);
}

TEST_F(Accounting, AProxyInFrontSaysWhatTheSchemeIs) {
  Route& route = routes.virtual_hosts[0].routes.emplace_back();
  route.match.path = "/";
  route.action = RedirectAction{.host_redirect = "b", .status = 301};
  start();
  EXPECT_TRUE(has_line(call("GET /x HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: https\r\n"), "location: https://b/x"));
}

TEST_F(Accounting, AnAnswerBeforeTheRequestIsCompleteIsCounted) {
  upstream_answer = "HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
  begin();
  const auto made = send_raw("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf");
  EXPECT_TRUE(world.run_until([&] { return made->answer().starts_with("HTTP/1.1 413"); }, seconds(5)));
  EXPECT_EQ(made->answer().find("x-envoy-upstream-service-time"), std::string::npos)
      << "its time counts from the request's end";
  EXPECT_EQ(in("downstream_rq_response_before_rq_complete"), 1);
}

TEST_F(Accounting, ARequestWithTrailersIsCompleteLikeOthers) {
  hcm.h1.enable_trailers = cluster.h1.enable_trailers = true;
  upstream_answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
  begin();
  const auto made = send_raw("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n\r\n");
  EXPECT_TRUE(world.run_until([&] { return up("upstream_cx_destroy") == 1; }, seconds(5)));
  EXPECT_TRUE(upstream_bytes.ends_with("x-sum: 1\r\n\r\n")) << upstream_bytes;
  EXPECT_EQ(up("upstream_cx_destroy_with_active_rq"), 0);
}

TEST_F(Accounting, AListenerCountsWhatItsConnectionManagersAnswer) {
  begin();
  call(kGet);
  const auto made = send_raw("GET / HTTP/1.1\r\nbad header\r\n\r\n");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
  EXPECT_EQ(stat("listener.127.0.0.1_10000.http.test.downstream_rq_2xx"), 1);
  EXPECT_EQ(stat("listener.127.0.0.1_10000.http.test.downstream_rq_4xx"), 1);
  EXPECT_EQ(stat("listener.127.0.0.1_10000.http.test.downstream_rq_completed"), 2);
}

TEST_F(Accounting, AConnectionCountsFromItsAcceptEvenIfItNeverSpeaks) {
  begin();
  const auto silent = send_raw("");
  world.run_for(milliseconds(100));
  EXPECT_EQ(in("downstream_cx_total"), 1);
  EXPECT_EQ(in("downstream_cx_active"), 1);
  silent->connection->close(false);
  world.run_for(milliseconds(100));
  EXPECT_EQ(in("downstream_cx_active"), 0);
  EXPECT_EQ(in("downstream_cx_destroy_remote"), 1);
  EXPECT_EQ(in("downstream_cx_destroy_active_rq"), 0);
}

TEST_F(Accounting, AConnectionThatGoesDuringARequestSaysSo) {
  upstream_answer = kSilence;
  begin();
  const auto made = send(kGet);
  EXPECT_TRUE(world.run_until([&] { return upstream_requests == 1; }, seconds(5)));
  made->connection->close(false);
  EXPECT_TRUE(world.run_until([&] { return in("downstream_cx_destroy") == 1; }, seconds(5)));
  EXPECT_EQ(in("downstream_cx_destroy_active_rq"), 1);
  EXPECT_EQ(in("downstream_cx_destroy_remote_active_rq"), 1);
}

TEST_F(Accounting, AConnectionThatHasServedItsRequestsIsNotDrainedByTheServer) {
  hcm.max_requests_per_connection = 1;
  begin();
  EXPECT_TRUE(has_line(call("GET / HTTP/1.1\r\nhost: a\r\n"), "connection: close"));
  EXPECT_EQ(in("downstream_cx_max_requests_reached"), 1);
  EXPECT_EQ(in("downstream_cx_drain_close"), 0);
}

TEST_F(Accounting, AnAnswerMadeHereTellsTheClusterItWasFor) {
  begin();
  const std::string answer =
      call("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403")) << answer;
  EXPECT_TRUE(has_line(answer, "x-cluster: up"));
}

TEST_F(Accounting, TheProcessTellsItsClustersAndListeners) {
  begin();
  EXPECT_EQ(stat("cluster_manager.active_clusters"), 1);
  EXPECT_EQ(stat("listener_manager.total_listeners_active"), 1);
  EXPECT_EQ(stat("listener_manager.workers_started"), 1);
}

TEST_F(Accounting, AMissingHostIsNoBreachOfTheProtocol) {
  begin();
  const auto made = send_raw("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 400")) << made->answer();
  EXPECT_EQ(in("downstream_cx_protocol_error"), 0);
}

TEST_F(Accounting, RedirectsCountAsDirectResponses) {
  Route& route = routes.virtual_hosts[0].routes.emplace_back();
  route.match.path = "/";
  route.action = RedirectAction{.status = 301};
  start();
  call(kGet);
  EXPECT_EQ(in("rq_direct_response"), 1);
  EXPECT_EQ(in("rq_total"), 1);
  EXPECT_EQ(in("rq_redirect"), 0);
}

TEST_F(Accounting, ADirectResponseThatCreatedSomethingSaysWhere) {
  Route& route = routes.virtual_hosts[0].routes.emplace_back();
  route.match.path = "/";
  route.action = DirectResponse{.status = 201, .body = "made"};
  start();
  EXPECT_TRUE(has_line(call("GET /x?y HTTP/1.1\r\nhost: a\r\n"), "location: http://a/x?y"));
}

TEST_F(Accounting, AGrpcCallThatRanTooLongHearsDeadlineExceeded) {
  hcm.max_stream_duration = seconds(1);
  upstream_answer = kSilence;
  begin();
  const std::string answer =
      call("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n");
  EXPECT_TRUE(has_line(answer, "grpc-status: 4"));
  EXPECT_TRUE(has_line(answer, "x-flags: -"));
}

}  // namespace
}  // namespace weft::proxy
