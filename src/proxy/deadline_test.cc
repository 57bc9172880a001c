#include "proxy/deadline.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

using base::Duration;
using base::milliseconds;
using base::seconds;

class Deadlines : public WithHeads {
 protected:
  Deadlines() {
    input_.action = &action_;
    input_.policy = &policy_;
    input_.is_trusted = true;
  }
  RequestTimeouts resolve(Lines lines = {}) {
    head_ = request(lines);
    return resolve_timeouts(input_, head_);
  }
  RequestTimeouts resolve_grpc(std::string_view timeout) {
    return timeout.empty() ? resolve({{"content-type", "application/grpc"}})
                           : resolve({{"content-type", "application/grpc"}, {"grpc-timeout", timeout}});
  }
  std::string sent(const RequestTimeouts& timeouts, std::string_view header, AttemptTime time = {}) {
    set_attempt_headers(timeouts, time, head_);
    return std::string(head_.find(header).value_or("none"));
  }

  RouteAction action_;
  RetryPolicy policy_;
  TimeoutInput input_{};
  http::RequestHead head_{pool_};
};

TEST_F(Deadlines, TheRouteTimeoutIsFifteenSecondsUnlessSet) {
  EXPECT_EQ(resolve().global, seconds(15));
  action_.timeout = seconds(3);
  EXPECT_EQ(resolve().global, seconds(3));
  action_.timeout = Duration::zero();
  EXPECT_EQ(resolve().global, Duration::zero());
  EXPECT_EQ(sent(resolve(), "x-envoy-expected-rq-timeout-ms"), "none") << "no limit is never sent as 0";
}

TEST_F(Deadlines, InternalCallersSetTimeoutsByHeadersThatAreConsumed) {
  const auto timeouts =
      resolve({{"x-envoy-upstream-rq-timeout-ms", "20000"}, {"x-envoy-upstream-rq-per-try-timeout-ms", "500"}});
  EXPECT_EQ(timeouts.global, seconds(20));
  EXPECT_EQ(timeouts.per_try, milliseconds(500));
  EXPECT_EQ(head_.size(), 0u);
  EXPECT_EQ(resolve({{"x-envoy-upstream-rq-timeout-ms", "soon"}}).global, seconds(15));
  EXPECT_EQ(head_.size(), 0u);
}

TEST_F(Deadlines, InternalCallersBoundTheUpstreamHalfByAHeaderThatIsConsumed) {
  EXPECT_EQ(resolve({{"x-envoy-upstream-stream-duration-ms", "300"}}).upstream_stream, milliseconds(300));
  EXPECT_EQ(head_.size(), 0u);
  EXPECT_EQ(resolve().upstream_stream, std::nullopt);
}

TEST_F(Deadlines, TheAnswerToATimeoutMayBeNoContent) {
  EXPECT_EQ(resolve().status, 504);
  EXPECT_EQ(resolve({{"x-envoy-upstream-rq-timeout-alt-response", "1"}}).status, 204);
  EXPECT_EQ(head_.size(), 0u);
}

TEST_F(Deadlines, APerTryTimeoutThatIsNotBelowTheWholeIsIgnored) {
  policy_.per_try_timeout = seconds(15);
  EXPECT_EQ(resolve().per_try, Duration::zero());
  policy_.per_try_timeout = seconds(14);
  EXPECT_EQ(resolve().per_try, seconds(14));
  action_.timeout = Duration::zero();
  policy_.per_try_timeout = seconds(60);
  EXPECT_EQ(resolve().per_try, seconds(60));
  policy_.per_try_idle_timeout = seconds(2);
  EXPECT_EQ(resolve().per_try_idle, seconds(2));
}

TEST_F(Deadlines, AnExpectedTimeoutCountsOnlyWhereSwitchedOnAndTrustedAndOnlyShortens) {
  const Lines lines = {{"x-envoy-expected-rq-timeout-ms", "4000"}};
  EXPECT_EQ(resolve(lines).global, seconds(15));
  input_.respect_expected_rq_timeout = true;
  EXPECT_EQ(resolve(lines).global, seconds(4));
  EXPECT_EQ(resolve({{"x-envoy-expected-rq-timeout-ms", "60000"}}).global, seconds(15));
  action_.timeout = Duration::zero();
  EXPECT_EQ(resolve({{"x-envoy-expected-rq-timeout-ms", "60000"}}).global, seconds(60)) << "shorter than no limit";
  EXPECT_EQ(resolve({{"x-envoy-expected-rq-timeout-ms", "60000"}, {"x-envoy-upstream-rq-timeout-ms", "1000"}}).global,
            seconds(1));
  input_.is_trusted = false;
  action_.timeout = seconds(15);
  EXPECT_EQ(resolve(lines).global, seconds(15));
}

TEST_F(Deadlines, EachAttemptSendsTheRemainder) {
  policy_.per_try_timeout = seconds(6);
  const auto timeouts = resolve();
  constexpr std::string_view kHeader = "x-envoy-expected-rq-timeout-ms";
  EXPECT_EQ(sent(timeouts, kHeader), "6000");
  EXPECT_EQ(sent(timeouts, kHeader, {.since_start = seconds(9), .since_complete = seconds(8)}), "6000");
  EXPECT_EQ(sent(timeouts, kHeader, {.since_start = seconds(13), .since_complete = seconds(12)}), "3000");
  EXPECT_EQ(sent(timeouts, kHeader, {.since_start = seconds(20), .since_complete = seconds(20)}), "1")
      << "0 would mean no limit";
}

TEST_F(Deadlines, SuppressedEnvoyHeadersAreNotSentUnlessTheDeadlineCameThatWay) {
  input_.suppress_envoy_headers = true;
  EXPECT_EQ(sent(resolve(), "x-envoy-expected-rq-timeout-ms"), "none");
  input_.respect_expected_rq_timeout = true;
  EXPECT_EQ(sent(resolve({{"x-envoy-expected-rq-timeout-ms", "4000"}}), "x-envoy-expected-rq-timeout-ms",
                 {.since_complete = seconds(1)}),
            "3000");
}

TEST_F(Deadlines, GrpcTimeoutCountsOnlyWhereTheRouteSaysSo) {
  const auto timeouts = resolve_grpc("2S");
  EXPECT_EQ(timeouts.global, seconds(15));
  EXPECT_FALSE(timeouts.stream);
  EXPECT_EQ(sent(timeouts, "grpc-timeout"), "2S") << "passed on as it came";
}

TEST_F(Deadlines, GrpcTimeoutHeaderMaxTurnsItIntoTheStreamsLimit) {
  action_.max_stream_duration.emplace().grpc_timeout_header_max = seconds(10);
  auto timeouts = resolve_grpc("2S");
  EXPECT_EQ(timeouts.global, Duration::zero()) << "the newer timeouts replace the route timeout";
  EXPECT_EQ(timeouts.stream, seconds(2));
  EXPECT_EQ(sent(timeouts, "grpc-timeout", {.since_start = milliseconds(500)}), "1500m");
  EXPECT_EQ(resolve_grpc("1H").stream, seconds(10));
  EXPECT_EQ(resolve_grpc("").stream, std::nullopt);
  action_.max_stream_duration->grpc_timeout_header_max = Duration::zero();
  EXPECT_EQ(resolve_grpc("1H").stream, seconds(3600)) << "0: no maximum";
  action_.max_stream_duration->max_stream_duration = seconds(30);
  EXPECT_EQ(resolve_grpc("1H").stream, seconds(30)) << "a deadline only shortens";
  action_.max_stream_duration->grpc_timeout_header_offset = milliseconds(100);
  EXPECT_EQ(resolve_grpc("1S").stream, milliseconds(900));
  EXPECT_EQ(resolve_grpc("50m").stream, Duration::zero()) << "over before it began";
}

TEST_F(Deadlines, AnUntrustedGrpcTimeoutIsNotReadAndReplaced) {
  input_.is_trusted = false;
  action_.max_stream_duration.emplace().grpc_timeout_header_max = seconds(10);
  action_.max_stream_duration->max_stream_duration = seconds(5);
  const auto timeouts = resolve_grpc("1S");
  EXPECT_EQ(timeouts.stream, seconds(5));
  EXPECT_EQ(sent(timeouts, "grpc-timeout"), "5000m");
}

TEST_F(Deadlines, StreamDurationComesFromTheRouteElseTheConnectionManager) {
  input_.hcm_max_stream_duration = seconds(60);
  EXPECT_EQ(resolve().stream, seconds(60));
  action_.max_stream_duration.emplace().max_stream_duration = seconds(5);
  EXPECT_EQ(resolve().stream, seconds(5));
  action_.max_stream_duration->max_stream_duration = Duration::zero();
  EXPECT_EQ(resolve().stream, std::nullopt) << "0 on the route: none";
}

TEST_F(Deadlines, TheOlderMaxGrpcTimeoutReplacesTheRouteTimeoutOfGrpcCalls) {
  action_.max_grpc_timeout = seconds(10);
  EXPECT_EQ(resolve().global, seconds(15)) << "not gRPC";
  EXPECT_EQ(resolve_grpc("2S").global, seconds(2));
  EXPECT_EQ(resolve_grpc("20S").global, seconds(10));
  EXPECT_EQ(resolve_grpc("").global, seconds(10));
  action_.grpc_timeout_offset = milliseconds(500);
  EXPECT_EQ(resolve_grpc("2S").global, milliseconds(1500));
  EXPECT_EQ(resolve_grpc("100m").global, milliseconds(100)) << "an offset never makes it 0";
  policy_.per_try_timeout = seconds(1);
  EXPECT_EQ(sent(resolve_grpc("2S"), "grpc-timeout"), "1000m");
  action_.max_grpc_timeout = Duration::zero();
  EXPECT_EQ(resolve_grpc("").global, Duration::zero());
}

}  // namespace
}  // namespace weft::proxy
