#include "proxy/retry_policy.h"

#include <algorithm>

#include "proxy/ascii.h"

namespace weft::proxy {

namespace {

using http::HeaderId;

struct Word {
  std::string_view name;
  uint32_t bit;
};
constexpr Word kWords[] = {
    {"5xx", kRetry5xx},
    {"gateway-error", kRetryGatewayError},
    {"reset", kRetryReset},
    {"reset-before-request", kRetryResetBeforeRequest},
    {"connect-failure", kRetryConnectFailure},
    {"envoy-ratelimited", kRetryEnvoyRateLimited},
    {"retriable-4xx", kRetryRetriable4xx},
    {"refused-stream", kRetryRefusedStream},
    {"retriable-status-codes", kRetryRetriableStatusCodes},
    {"retriable-headers", kRetryRetriableHeaders},
    {"http3-post-connect-failure", kRetryHttp3PostConnectFailure},
    {"cancelled", kRetryGrpcCancelled},
    {"deadline-exceeded", kRetryGrpcDeadlineExceeded},
    {"internal", kRetryGrpcInternal},
    {"resource-exhausted", kRetryGrpcResourceExhausted},
    {"unavailable", kRetryGrpcUnavailable},
};

/// Envoy's defaults where headers alone ask for retries.
constexpr base::Duration kBackOffBase = base::milliseconds(25);
constexpr base::Duration kBackOffMax = base::milliseconds(250);

constexpr uint32_t kGrpcWords = kRetryGrpcCancelled | kRetryGrpcDeadlineExceeded | kRetryGrpcInternal |
                                kRetryGrpcResourceExhausted | kRetryGrpcUnavailable;

uint32_t bit_of(uint64_t grpc_status) {
  switch (grpc_status) {
    case 1: return kRetryGrpcCancelled;
    case 4: return kRetryGrpcDeadlineExceeded;
    case 8: return kRetryGrpcResourceExhausted;
    case 13: return kRetryGrpcInternal;
    case 14: return kRetryGrpcUnavailable;
    default: return 0;
  }
}

void remove_retry_headers(http::RequestHead& head) {
  for (const HeaderId id : {HeaderId::XEnvoyRetryOn, HeaderId::XEnvoyRetryGrpcOn, HeaderId::XEnvoyMaxRetries,
                            HeaderId::XEnvoyHedgeOnPerTryTimeout, HeaderId::XEnvoyRetriableHeaderNames,
                            HeaderId::XEnvoyRetriableStatusCodes, HeaderId::XEnvoyUpstreamRqPerTryTimeoutMs}) {
    if (head.has(id)) head.remove(id);
  }
}

/// Envoy reads HTTP words from x-envoy-retry-on only, gRPC ones from x-envoy-retry-grpc-on only; a policy holds both.
uint32_t words_of(const http::RequestHead& head) {
  uint32_t bits = 0;
  if (const auto words = head.find(HeaderId::XEnvoyRetryOn)) bits |= parse_retry_on(*words) & ~kGrpcWords;
  if (const auto words = head.find(HeaderId::XEnvoyRetryGrpcOn)) bits |= parse_retry_on(*words) & kGrpcWords;
  return bits;
}

bool any_matches(const std::vector<HeaderMatcher>& matchers, const http::HeaderMap& headers) {
  return std::any_of(matchers.begin(), matchers.end(), [&](const HeaderMatcher& m) { return m.matches(headers); });
}

}  // namespace

uint32_t parse_retry_on(std::string_view words, std::string* unknown) {
  uint32_t bits = 0;
  for_each_part(words, ',', [&](std::string_view word) {
    const auto* known =
        std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& w) { return w.name == word; });
    if (known != std::end(kWords)) bits |= known->bit;
    else if (unknown != nullptr && unknown->empty()) *unknown = word;
    return true;
  });
  return bits;
}

RetryState::RetryState(const RetryPolicy* policy, http::RequestHead& head, CircuitBreaker& breaker)
    : policy_(policy), breaker_(breaker) {
  if (policy != nullptr) {
    retry_on_ = policy->retry_on;
    retries_left_ = policy->num_retries;
  } else {
    retries_left_ = base::kRetriesDefault;
  }
  retry_on_ |= words_of(head);
  if (policy != nullptr && !policy->retriable_request_headers.empty() &&
      !any_matches(policy->retriable_request_headers, head))
    retry_on_ = 0;
  if (retry_on_ != 0) {
    if (const auto text = head.find(HeaderId::XEnvoyMaxRetries))
      retries_left_ = parse_number<uint32_t>(*text).value_or(retries_left_);
    if (const auto list = head.find(HeaderId::XEnvoyRetriableStatusCodes)) {
      for_each_part(*list, ',', [&](std::string_view code) {
        if (const auto number = parse_number<uint16_t>(code)) extra_status_codes_.push_back(*number);
        return true;
      });
    }
    if (const auto list = head.find(HeaderId::XEnvoyRetriableHeaderNames)) {
      for_each_part(*list, ',', [&](std::string_view name) {
        extra_header_names_.push_back(to_lower(name));
        return true;
      });
    }
  }
  remove_retry_headers(head);
}

bool RetryState::wants_response_retry(const http::ResponseHead& head, const http::HeaderMap* trailers) const {
  // An Envoy upstream says that its rate limit refused the request: retried only where asked for, whatever the status.
  if (head.has(HeaderId::XEnvoyRateLimited)) return (retry_on_ & kRetryEnvoyRateLimited) != 0;

  const uint16_t status = head.status;
  if ((retry_on_ & kRetry5xx) != 0 && status >= 500 && status <= 599) return true;
  if ((retry_on_ & kRetryGatewayError) != 0 && status >= 502 && status <= 504) return true;
  if ((retry_on_ & kRetryRetriable4xx) != 0 && status == 409) return true;
  if ((retry_on_ & kRetryRetriableStatusCodes) != 0) {
    const auto holds = [&](const std::vector<uint16_t>& codes) {
      return std::find(codes.begin(), codes.end(), status) != codes.end();
    };
    if ((policy_ != nullptr && holds(policy_->retriable_status_codes)) || holds(extra_status_codes_)) return true;
  }
  if ((retry_on_ & kRetryRetriableHeaders) != 0) {
    if (policy_ != nullptr && any_matches(policy_->retriable_headers, head)) return true;
    for (const std::string& name : extra_header_names_) {
      if (head.find(name)) return true;
    }
  }
  if ((retry_on_ & kGrpcWords) != 0) {
    std::optional<std::string_view> text = head.find(HeaderId::GrpcStatus);
    if (!text && trailers != nullptr) text = trailers->find(HeaderId::GrpcStatus);
    if (text) {
      const auto grpc_status = parse_uint64(*text);
      if (grpc_status && (retry_on_ & bit_of(*grpc_status)) != 0) return true;
    }
  }
  return false;
}

bool RetryState::wants_reset_retry(ResetReason reason, bool sent_request) const {
  if (reason == ResetReason::Overflow) return false;
  if ((retry_on_ & kRetryResetBeforeRequest) != 0 && !sent_request) return true;
  // Without a response a reset would become a 503, so the 5xx words mean it too.
  if ((retry_on_ & (kRetryReset | kRetry5xx | kRetryGatewayError)) != 0) return true;
  if ((retry_on_ & kRetryRefusedStream) != 0 && reason == ResetReason::RemoteRefusedStream) return true;
  return (retry_on_ & kRetryConnectFailure) != 0 && reason == ResetReason::ConnectionFailure;
}

std::optional<base::Duration> RetryState::back_off_from(const http::ResponseHead& head, base::WallTime now) const {
  if (policy_ == nullptr) return std::nullopt;
  for (const ResetHeader& header : policy_->reset_headers) {
    const auto text = head.find(header.name);
    if (!text) continue;
    const auto number = parse_uint64(*text);
    if (!number || *number > static_cast<uint64_t>(INT32_MAX) * 16) continue;
    base::Duration interval = base::seconds(static_cast<int64_t>(*number));
    if (header.is_unix_timestamp) {
      interval = interval - now.time_since_epoch();
      if (interval <= base::Duration::zero()) continue;
    }
    if (interval <= policy_->reset_max_interval && interval > base::milliseconds(1)) return interval;
  }
  return std::nullopt;
}

RetryDecision RetryState::on_response(const http::ResponseHead& head, const http::HeaderMap* trailers,
                                      base::WallTime now, uint64_t random) {
  const bool wants = retry_on_ != 0 && wants_response_retry(head, trailers);
  return decide(wants, wants ? back_off_from(head, now) : std::nullopt, random);
}

RetryDecision RetryState::on_reset(ResetReason reason, bool sent_request, uint64_t random) {
  return decide(retry_on_ != 0 && wants_reset_retry(reason, sent_request), std::nullopt, random);
}

RetryDecision RetryState::decide(bool wants_retry, std::optional<base::Duration> told, uint64_t random) {
  RetryDecision decision;
  decision.is_success_of_retry = holds_place_ && !wants_retry;
  finish();
  if (!wants_retry) return decision;
  if (retries_left_ == 0) {
    decision.kind = RetryDecision::Kind::NoRetryLimitExceeded;
    decision.counter = "upstream_rq_retry_limit_exceeded";
    return decision;
  }
  --retries_left_;
  if (!breaker_.try_take_retry()) {
    decision.kind = breaker_.has_retry_budget() ? RetryDecision::Kind::NoBudget : RetryDecision::Kind::NoOverflow;
    decision.counter = "upstream_rq_retry_overflow";
    return decision;
  }
  holds_place_ = true;
  ++retries_made_;
  decision.kind = RetryDecision::Kind::Retry;
  decision.counter = "upstream_rq_retry";
  if (told) {
    decision.back_off = told_back_off(*told, random);
    decision.back_off_counter = "upstream_rq_retry_backoff_ratelimited";
  } else {
    const base::Duration back_off_base = policy_ != nullptr ? policy_->back_off_base : kBackOffBase;
    const base::Duration back_off_max = policy_ != nullptr ? policy_->back_off_max : kBackOffMax;
    decision.back_off = exponential_back_off(back_off_base, back_off_max, retries_made_, random);
    decision.back_off_counter = "upstream_rq_retry_backoff_exponential";
  }
  return decision;
}

void RetryState::finish() {
  if (!holds_place_) return;
  holds_place_ = false;
  breaker_.give_back_retry();
}

base::Duration exponential_back_off(base::Duration base, base::Duration max, uint32_t retry, uint64_t random) {
  // 2^20 times any base is above any cap.
  const int64_t factor = (int64_t{1} << std::min(retry, 20u)) - 1;
  const int64_t range = std::min(base.count() > INT64_MAX / factor ? max.count() : base.count() * factor, max.count());
  return range <= 0 ? base::Duration::zero()
                    : base::Duration(static_cast<int64_t>(random % static_cast<uint64_t>(range)));
}

base::Duration told_back_off(base::Duration told, uint64_t random) {
  const int64_t half = told.count() / 2;
  return half <= 0 ? told : told + base::Duration(static_cast<int64_t>(random % static_cast<uint64_t>(half)));
}

bool is_free_retry(const ConnectionFailure& failure) {
  if (failure.was_used || failure.has_received_bytes || !failure.is_body_complete) return false;
  if (failure.is_unprocessed) return true;
  return failure.is_reused && (failure.is_idempotent || !failure.has_sent_bytes);
}

bool is_idempotent_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" ||
         method == "TRACE";
}

}  // namespace weft::proxy
