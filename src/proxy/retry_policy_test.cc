#include "proxy/retry_policy.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

using Kind = RetryDecision::Kind;

class Retries : public WithHeads {
 protected:
  RetryState state(Lines request_lines = {}) {
    auto head = request(request_lines);
    return RetryState(&policy_, head, breaker_);
  }
  Kind after_status(uint16_t status, Lines lines = {}, Lines request_lines = {}) {
    auto retries = state(request_lines);
    return retries.on_response(response(status, lines), nullptr, {}, 0).kind;
  }
  Kind after_reset(ResetReason reason, bool sent_request = true) {
    auto retries = state();
    return retries.on_reset(reason, sent_request, 0).kind;
  }

  RetryPolicy policy_;
  BreakerThresholds thresholds_{.retries_max = 100};
  CircuitBreaker breaker_{thresholds_};
};

TEST_F(Retries, WordsBecomeBits) {
  std::string unknown;
  EXPECT_EQ(parse_retry_on("5xx, reset,,cancelled", &unknown), kRetry5xx | kRetryReset | kRetryGrpcCancelled);
  EXPECT_EQ(unknown, "");
  EXPECT_EQ(parse_retry_on("5xx,often,never", &unknown), kRetry5xx);
  EXPECT_EQ(unknown, "often");
}

TEST_F(Retries, StatusWordsTakeTheirStatuses) {
  policy_.retry_on = kRetry5xx;
  EXPECT_EQ(after_status(500), Kind::Retry);
  EXPECT_EQ(after_status(599), Kind::Retry);
  EXPECT_EQ(after_status(499), Kind::NoRetry);
  policy_.retry_on = kRetryGatewayError;
  EXPECT_EQ(after_status(500), Kind::NoRetry);
  EXPECT_EQ(after_status(502), Kind::Retry);
  EXPECT_EQ(after_status(504), Kind::Retry);
  policy_.retry_on = kRetryRetriable4xx;
  EXPECT_EQ(after_status(409), Kind::Retry);
  EXPECT_EQ(after_status(404), Kind::NoRetry);
  policy_.retry_on = kRetryRetriableStatusCodes;
  policy_.retriable_status_codes = {418};
  EXPECT_EQ(after_status(418), Kind::Retry);
  EXPECT_EQ(after_status(503), Kind::NoRetry);
}

TEST_F(Retries, RetriableHeadersLookAtTheResponse) {
  policy_.retry_on = kRetryRetriableHeaders;
  policy_.retriable_headers.push_back({.name = "x-again"});
  EXPECT_EQ(after_status(200, {{"x-again", "1"}}), Kind::Retry);
  EXPECT_EQ(after_status(200), Kind::NoRetry);
}

TEST_F(Retries, RetriableRequestHeadersLimitTheWholePolicy) {
  policy_.retry_on = kRetry5xx;
  policy_.retriable_request_headers.push_back({.name = "x-may-retry"});
  EXPECT_EQ(after_status(500), Kind::NoRetry);
  EXPECT_EQ(after_status(500, {}, {{"x-may-retry", ""}}), Kind::Retry);
}

TEST_F(Retries, ARateLimitedAnswerOfAnEnvoyIsRetriedOnlyWhereAsked) {
  policy_.retry_on = kRetry5xx;
  EXPECT_EQ(after_status(503, {{"x-envoy-ratelimited", "true"}}), Kind::NoRetry);
  policy_.retry_on = kRetryEnvoyRateLimited;
  EXPECT_EQ(after_status(429, {{"x-envoy-ratelimited", "true"}}), Kind::Retry);
  EXPECT_EQ(after_status(429), Kind::NoRetry);
}

TEST_F(Retries, AnUpstreamsOverloadDoesNotStopARetry) {
  policy_.retry_on = kRetry5xx;
  EXPECT_EQ(after_status(503, {{"x-envoy-overloaded", "true"}}), Kind::Retry);
}

TEST_F(Retries, GrpcWordsReadTheStatusInHeadersAndInTrailersOfTheSameRead) {
  const std::pair<uint32_t, std::string_view> kCases[] = {{kRetryGrpcCancelled, "1"},
                                                          {kRetryGrpcDeadlineExceeded, "4"},
                                                          {kRetryGrpcResourceExhausted, "8"},
                                                          {kRetryGrpcInternal, "13"},
                                                          {kRetryGrpcUnavailable, "14"}};
  for (const auto& [bit, status] : kCases) {
    policy_.retry_on = bit;
    EXPECT_EQ(after_status(200, {{"grpc-status", status}}), Kind::Retry) << status;
    EXPECT_EQ(after_status(200, {{"grpc-status", "2"}}), Kind::NoRetry);
    auto in_trailers = state();
    const auto trailers = request({{"grpc-status", status}});
    EXPECT_EQ(in_trailers.on_response(response(200), &trailers, {}, 0).kind, Kind::Retry) << status;
  }
  policy_.retry_on = kRetryGrpcUnavailable;
  EXPECT_EQ(after_status(200, {{"grpc-status", "fourteen"}}), Kind::NoRetry);
  auto headers_first = state();
  const auto trailers = request({{"grpc-status", "14"}});
  EXPECT_EQ(headers_first.on_response(response(200, {{"grpc-status", "0"}}), &trailers, {}, 0).kind, Kind::NoRetry);
}

TEST_F(Retries, ResetsAreRetriedByTheirWords) {
  const ResetReason kAll[] = {ResetReason::ConnectionFailure, ResetReason::ConnectionTermination,
                              ResetReason::RemoteReset,       ResetReason::RemoteRefusedStream,
                              ResetReason::LocalReset,        ResetReason::ProtocolError};
  for (const uint32_t any : {kRetryReset, kRetry5xx, kRetryGatewayError}) {
    policy_.retry_on = any;
    for (const ResetReason reason : kAll) EXPECT_EQ(after_reset(reason), Kind::Retry);
    EXPECT_EQ(after_reset(ResetReason::Overflow), Kind::NoRetry) << "the proxy's own overflow is never retried";
  }
  policy_.retry_on = kRetryRefusedStream;
  EXPECT_EQ(after_reset(ResetReason::RemoteRefusedStream), Kind::Retry);
  EXPECT_EQ(after_reset(ResetReason::RemoteReset), Kind::NoRetry);
  policy_.retry_on = kRetryConnectFailure;
  EXPECT_EQ(after_reset(ResetReason::ConnectionFailure), Kind::Retry);
  EXPECT_EQ(after_reset(ResetReason::ConnectionTermination), Kind::NoRetry);
  policy_.retry_on = kRetryResetBeforeRequest;
  EXPECT_EQ(after_reset(ResetReason::RemoteReset, false), Kind::Retry);
  EXPECT_EQ(after_reset(ResetReason::RemoteReset, true), Kind::NoRetry);
  policy_.retry_on = kRetryRetriable4xx;
  EXPECT_EQ(after_reset(ResetReason::RemoteReset), Kind::NoRetry);
}

TEST_F(Retries, RequestHeadersAskForRetriesAndAreConsumed) {
  auto head = request({{"x-envoy-retry-on", "retriable-status-codes,retriable-headers,cancelled"},
                       {"x-envoy-retry-grpc-on", "unavailable,5xx"},
                       {"x-envoy-max-retries", "2"},
                       {"x-envoy-retriable-status-codes", "418, 419"},
                       {"x-envoy-retriable-header-names", "X-Again"},
                       {"x-envoy-hedge-on-per-try-timeout", "true"},
                       {"x-envoy-upstream-rq-per-try-timeout-ms", "5"}});
  RetryState retries(nullptr, head, breaker_);
  EXPECT_EQ(head.size(), 0u);
  EXPECT_EQ(retries.retries_left(), 2u);
  EXPECT_EQ(retries.on_response(response(500), nullptr, {}, 0).kind, Kind::NoRetry) << "5xx is no gRPC word";
  EXPECT_EQ(retries.on_response(response(200, {{"grpc-status", "1"}}), nullptr, {}, 0).kind, Kind::NoRetry)
      << "cancelled is no HTTP word";
  EXPECT_EQ(retries.on_response(response(419), nullptr, {}, 0).kind, Kind::Retry);
  EXPECT_EQ(retries.on_response(response(200, {{"x-again", ""}}), nullptr, {}, 0).kind, Kind::Retry);
  EXPECT_EQ(retries.on_response(response(200, {{"grpc-status", "14"}}), nullptr, {}, 0).kind,
            Kind::NoRetryLimitExceeded);
}

TEST_F(Retries, WithoutPolicyAndHeadersNothingIsEnabled) {
  auto head = request({{"x-envoy-max-retries", "5"}});
  RetryState retries(nullptr, head, breaker_);
  EXPECT_FALSE(retries.is_enabled());
  EXPECT_EQ(retries.on_reset(ResetReason::RemoteReset, false, 0).kind, Kind::NoRetry);
}

TEST_F(Retries, TheLimitIsReportedOnceAllRetriesAreUsed) {
  policy_.retry_on = kRetry5xx;
  policy_.num_retries = 2;
  auto retries = state();
  EXPECT_EQ(retries.on_response(response(500), nullptr, {}, 0).counter, "upstream_rq_retry");
  EXPECT_EQ(retries.on_per_try_timeout(true, 0).kind, Kind::Retry);
  const auto last = retries.on_response(response(500), nullptr, {}, 0);
  EXPECT_EQ(last.kind, Kind::NoRetryLimitExceeded);
  EXPECT_EQ(last.counter, "upstream_rq_retry_limit_exceeded");
  EXPECT_EQ(retries.retries_made(), 2u);
}

TEST_F(Retries, AnAcceptedResponseAfterARetryIsASuccess) {
  policy_.retry_on = kRetry5xx;
  auto retries = state();
  EXPECT_FALSE(retries.on_response(response(500), nullptr, {}, 0).is_success_of_retry);
  const auto good = retries.on_response(response(200), nullptr, {}, 0);
  EXPECT_EQ(good.kind, Kind::NoRetry);
  EXPECT_TRUE(good.is_success_of_retry);
  auto first = state();
  EXPECT_FALSE(first.on_response(response(200), nullptr, {}, 0).is_success_of_retry);
}

TEST_F(Retries, APlaceIsHeldFromTheDecisionToTheAttemptsEnd) {
  policy_.retry_on = kRetry5xx;
  policy_.num_retries = 5;
  {
    auto retries = state();
    retries.on_response(response(500), nullptr, {}, 0);
    EXPECT_EQ(breaker_.retries(), 1u);
    retries.on_response(response(500), nullptr, {}, 0);
    EXPECT_EQ(breaker_.retries(), 1u);
    retries.on_response(response(200), nullptr, {}, 0);
    EXPECT_EQ(breaker_.retries(), 0u);
    retries.on_response(response(500), nullptr, {}, 0);
    EXPECT_EQ(breaker_.retries(), 1u);
  }
  EXPECT_EQ(breaker_.retries(), 0u) << "an exchange that ends gives its place back";
}

TEST_F(Retries, RunningRetriesAreBoundedByTheBreaker) {
  policy_.retry_on = kRetry5xx;
  CircuitBreaker narrow(BreakerThresholds{.retries_max = 1});
  auto head = request({});
  RetryState first(&policy_, head, narrow), second(&policy_, head, narrow);
  EXPECT_EQ(first.on_response(response(500), nullptr, {}, 0).kind, Kind::Retry);
  const auto refused = second.on_response(response(500), nullptr, {}, 0);
  EXPECT_EQ(refused.kind, Kind::NoOverflow);
  EXPECT_EQ(refused.counter, "upstream_rq_retry_overflow");
}

TEST_F(Retries, ABudgetTakesThePlaceOfMaxRetries) {
  policy_.retry_on = kRetry5xx;
  CircuitBreaker budget(BreakerThresholds{
      .retries_max = 0, .has_retry_budget = true, .retry_budget_percent = 20.0, .retry_budget_min_concurrency = 1});
  auto head = request({});
  RetryState first(&policy_, head, budget), second(&policy_, head, budget), third(&policy_, head, budget);
  EXPECT_EQ(first.on_response(response(500), nullptr, {}, 0).kind, Kind::Retry) << "the floor";
  EXPECT_EQ(second.on_response(response(500), nullptr, {}, 0).kind, Kind::NoBudget);
  for (int i = 0; i < 10; ++i) budget.requests().take();
  EXPECT_EQ(third.on_response(response(500), nullptr, {}, 0).kind, Kind::Retry)
      << "20 % of ten active requests are two";
}

TEST_F(Retries, BackOffGrowsExponentiallyUpToItsCap) {
  const auto base = base::milliseconds(25), cap = base::milliseconds(250);
  const auto longest = [&](uint32_t retry) {  // the largest wait that a draw can give
    base::Duration most{};
    for (uint64_t random = 0; random < 1000; ++random)
      most = std::max(most, exponential_back_off(base, cap, retry, random * 250'000 + 249'999));
    return most;
  };
  EXPECT_LT(longest(1), base::milliseconds(25));
  EXPECT_GE(longest(1), base::milliseconds(24));
  EXPECT_LT(longest(2), base::milliseconds(75));
  EXPECT_GE(longest(2), base::milliseconds(74));
  EXPECT_LT(longest(3), base::milliseconds(175));
  EXPECT_GE(longest(3), base::milliseconds(174));
  EXPECT_LT(longest(4), cap);
  EXPECT_GE(longest(4), base::milliseconds(249));
  EXPECT_LT(longest(60), cap);
  EXPECT_EQ(exponential_back_off(base, cap, 1, 0), base::Duration::zero());
}

class ToldBackOff : public Retries {
 protected:
  ToldBackOff() {
    policy_.retry_on = kRetry5xx;
    policy_.reset_headers = {{.name = "retry-after"}, {.name = "x-ratelimit-reset", .is_unix_timestamp = true}};
  }
  RetryDecision after(Lines lines) {
    auto retries = state();
    return retries.on_response(response(503, lines), nullptr, base::WallTime(base::seconds(1000)), 7);
  }
};

TEST_F(ToldBackOff, TheUpstreamsOwnTimeIsKept) {
  const auto seconds = after({{"retry-after", "4"}});
  EXPECT_EQ(seconds.back_off_counter, "upstream_rq_retry_backoff_ratelimited");
  EXPECT_EQ(seconds.back_off, base::seconds(4) + base::Duration(7));
  EXPECT_EQ(after({{"x-ratelimit-reset", "1010"}}).back_off, base::seconds(10) + base::Duration(7));
  EXPECT_LT(told_back_off(base::seconds(4), UINT64_MAX), base::seconds(6));
}

TEST_F(ToldBackOff, WhatIsTooLongPastOrMalformedGivesTheExponentialOne) {
  for (const std::string_view value : {"301", "0", "-1", "soon", "99999999999999999999", ""}) {
    EXPECT_EQ(after({{"retry-after", value}}).back_off_counter, "upstream_rq_retry_backoff_exponential") << value;
  }
  EXPECT_EQ(after({{"x-ratelimit-reset", "999"}}).back_off_counter, "upstream_rq_retry_backoff_exponential");
  EXPECT_EQ(after({{"retry-after", "301"}, {"x-ratelimit-reset", "1001"}}).back_off_counter,
            "upstream_rq_retry_backoff_ratelimited")
      << "the next header of the list counts";
}

TEST(FreeRetry, OnlyWhereAReusedConnectionGaveNothingBack) {
  const ConnectionFailure idempotent{.is_reused = true, .has_sent_bytes = true, .is_idempotent = true};
  EXPECT_TRUE(is_free_retry(idempotent));
  EXPECT_TRUE(is_free_retry({.is_reused = true, .has_sent_bytes = false, .is_idempotent = false}));
  EXPECT_FALSE(is_free_retry({.is_reused = true, .has_sent_bytes = true, .is_idempotent = false}));
  const auto with = [&](auto change) {
    ConnectionFailure failure = idempotent;
    change(failure);
    return is_free_retry(failure);
  };
  EXPECT_FALSE(with([](auto& f) { f.is_reused = false; }));
  EXPECT_FALSE(with([](auto& f) { f.has_received_bytes = true; }));
  EXPECT_FALSE(with([](auto& f) { f.is_body_complete = false; }));
  EXPECT_FALSE(with([](auto& f) { f.was_used = true; }));
}

TEST(FreeRetry, WhateverThePeerSaysItDidNotProcess) {
  const ConnectionFailure unprocessed{.has_sent_bytes = true, .is_unprocessed = true};
  EXPECT_TRUE(is_free_retry(unprocessed)) << "neither reused nor idempotent";
  const auto with = [&](auto change) {
    ConnectionFailure failure = unprocessed;
    change(failure);
    return is_free_retry(failure);
  };
  EXPECT_FALSE(with([](auto& f) { f.has_received_bytes = true; }));
  EXPECT_FALSE(with([](auto& f) { f.is_body_complete = false; }));
  EXPECT_FALSE(with([](auto& f) { f.was_used = true; }));
}

TEST(FreeRetry, IdempotentMethodsAreThoseOfTheRfc) {
  for (const std::string_view method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
    EXPECT_TRUE(is_idempotent_method(method));
  for (const std::string_view method : {"POST", "PATCH", "CONNECT", "get"}) EXPECT_FALSE(is_idempotent_method(method));
}

}  // namespace
}  // namespace weft::proxy
