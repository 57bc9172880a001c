// Purpose: decides whether a failed or unwelcome attempt is tried again, when, and what is counted for it.
// Thread:  one worker.   Owner: the exchange, by value; borrows the route's policy, which the exchange's snapshot
// keeps. Source:  Envoy's RetryStateImpl; envoy/config/route/v3/route_components.proto, RetryPolicy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "proxy/breaker.h"
#include "proxy/route_config.h"

namespace weft::proxy {

/// The bits of `retry_on` words, HTTP and gRPC ones; `unknown` (may be null) gets the first word that is neither.
uint32_t parse_retry_on(std::string_view words, std::string* unknown = nullptr);

/// How an attempt ended without response headers.
enum class ResetReason : uint8_t {
  ConnectionFailure,      ///< no connection came to be (refused, timed out, TLS failed)
  ConnectionTermination,  ///< an established connection broke
  RemoteReset,
  RemoteRefusedStream,  ///< REFUSED_STREAM, or above a GOAWAY's last stream
  LocalReset,           ///< this side gave up; a per-try timeout too
  ProtocolError,
  Overflow,  ///< this proxy's own breaker; never retried
};

/// What to do, and what to count: each `counter` is a statistic of the cluster (and of the virtual cluster), "" for
/// none.
struct RetryDecision {
  enum class Kind : uint8_t {
    NoRetry,               ///< the policy does not ask for it: this result goes downstream
    Retry,                 ///< after `back_off`; a place among the breaker's retries has been taken
    NoRetryLimitExceeded,  ///< it would, but all retries are used: flag URX
    NoOverflow,            ///< it would, but max_retries are running
    NoBudget,              ///< it would, but the retry budget is used up
  };
  Kind kind = Kind::NoRetry;
  base::Duration back_off{};
  std::string_view counter;  ///< upstream_rq_retry, upstream_rq_retry_limit_exceeded, upstream_rq_retry_overflow
  std::string_view back_off_counter;  ///< upstream_rq_retry_backoff_exponential or …_ratelimited
  bool is_success_of_retry =
      false;  ///< count upstream_rq_retry_success: an earlier retry led to this accepted response
};

/// The retries of one request. Holds a place among the breaker's retries from a Retry until its attempt has its own
/// decision, or `finish`.
class RetryState {
 public:
  /// Reads x-envoy-retry-on and its siblings (those of untrusted clients are gone by now) and removes them from `head`.
  /// `policy` null: none configured. `breaker` outlives the state.
  RetryState(const RetryPolicy* policy, http::RequestHead& head, CircuitBreaker& breaker);
  ~RetryState() { finish(); }
  RetryState(const RetryState&) = delete;
  RetryState& operator=(const RetryState&) = delete;

  /// Whether any result can lead to a retry; if not, no request body need be kept.
  bool is_enabled() const { return retry_on_ != 0; }

  /// A response head came. `trailers`: those already in the same read, else null (nothing is held back to wait for
  /// them).
  RetryDecision on_response(const http::ResponseHead& head, const http::HeaderMap* trailers, base::WallTime now,
                            uint64_t random);
  /// The attempt ended before a response head. `sent_request`: any byte of it was given to the kernel.
  RetryDecision on_reset(ResetReason reason, bool sent_request, uint64_t random);
  /// per_try_timeout or per_try_idle_timeout fired: as a reset from this side.
  RetryDecision on_per_try_timeout(bool sent_request, uint64_t random) {
    return on_reset(ResetReason::LocalReset, sent_request, random);
  }

  /// Gives a held place back. The exchange is over.
  void finish();

  uint32_t retries_left() const { return retries_left_; }
  uint32_t retries_made() const { return retries_made_; }
  bool avoids_previous_hosts() const { return policy_ != nullptr && policy_->avoid_previous_hosts; }
  uint32_t host_attempts_max() const { return policy_ == nullptr ? 1 : policy_->host_selection_retry_max_attempts; }

 private:
  bool wants_response_retry(const http::ResponseHead& head, const http::HeaderMap* trailers) const;
  bool wants_reset_retry(ResetReason reason, bool sent_request) const;
  RetryDecision decide(bool wants_retry, std::optional<base::Duration> told_back_off, uint64_t random);
  std::optional<base::Duration> back_off_from(const http::ResponseHead& head, base::WallTime now) const;

  const RetryPolicy* policy_;
  CircuitBreaker& breaker_;
  uint32_t retry_on_ = 0;
  uint32_t retries_left_ = 0;
  uint32_t retries_made_ = 0;
  bool holds_place_ = false;
  std::vector<uint16_t> extra_status_codes_;  ///< of the request's headers
  std::vector<std::string> extra_header_names_;
};

/// A random wait in [0, (2^retry − 1) · base), capped at `max`. `retry` counts from 1.
base::Duration exponential_back_off(base::Duration base, base::Duration max, uint32_t retry, uint64_t random);
/// A wait of at least `told` and less than 1.5 · `told`, so that those told the same time do not return together.
base::Duration told_back_off(base::Duration told, uint64_t random);

/// An attempt that failed with its connection.
struct ConnectionFailure {
  bool is_reused = false;           ///< the connection had carried a request before this one
  bool has_received_bytes = false;  ///< of this response
  bool has_sent_bytes = false;      ///< of this request
  bool is_idempotent = false;       ///< see is_idempotent_method
  bool is_unprocessed = false;      ///< the peer says so (RFC 9113 §6.8)
  bool is_body_complete = true;     ///< every body byte sent so far can be sent again
  bool was_used = false;            ///< the free retry of this exchange is spent
};
/// Whether the one free retry applies: the peer had closed the reused connection before it saw the request (RFC 9112
/// §9.3.1), or its GOAWAY and the request crossed. It takes no place among the retries and needs no policy.
bool is_free_retry(const ConnectionFailure& failure);
/// GET HEAD OPTIONS TRACE PUT DELETE (RFC 9110 §9.2.2).
bool is_idempotent_method(std::string_view method);

}  // namespace weft::proxy
