// Purpose: the timeouts of a request: what route, policy and trusted headers say together, and what each attempt tells
// the
//          next hop.
// Thread:  any (pure functions over one request's head).   Owner: the exchange keeps the result.
// Source:  Envoy's FilterUtility::finalTimeout and setTimeoutHeaders, ConnectionManagerImpl's refreshDurationTimeout.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "http/message.h"
#include "proxy/route_config.h"

namespace weft::proxy {

struct TimeoutInput {
  const RouteAction* action;
  const RetryPolicy* policy = nullptr;  ///< the effective one; null: none
  std::optional<base::Duration> hcm_max_stream_duration;
  bool respect_expected_rq_timeout = false;
  bool suppress_envoy_headers = false;
  /// Whether deadlines in the request's headers count. False: grpc-timeout and x-envoy-expected-rq-timeout-ms are not
  /// read.
  bool is_trusted = false;
};

/// Zero means "no limit" for the first three.
struct RequestTimeouts {
  base::Duration global{};   ///< from the end of the request; covers all attempts. Over: 504, flag UT
  base::Duration per_try{};  ///< of one attempt; ignored (0) where not below `global`
  base::Duration per_try_idle{};
  /// x-envoy-upstream-stream-duration-ms: a trusted caller's max_stream_duration, in the place of the cluster's.
  std::optional<base::Duration> upstream_stream;
  std::optional<base::Duration> stream;  ///< from the start of the request. Over: 504, flag DT. 0: it is over already
  uint16_t status =
      504;  ///< of the answer when time is up; 204 where x-envoy-upstream-rq-timeout-alt-response asks for it
  bool sends_expected = false;      ///< attempts carry x-envoy-expected-rq-timeout-ms
  bool sends_grpc_timeout = false;  ///< attempts carry a rewritten grpc-timeout
};

/// Where an attempt stands in its request.
struct AttemptTime {
  base::Duration since_start{};     ///< of the request
  base::Duration since_complete{};  ///< since its last byte came; 0 while it is coming
};

/// Envoy's precedence, with one rule of ours: a deadline from a header only ever shortens what the configuration
/// allows. Consumes x-envoy-upstream-rq-timeout-ms, …-rq-per-try-timeout-ms and …-rq-timeout-alt-response.
RequestTimeouts resolve_timeouts(const TimeoutInput& input, http::RequestHead& head);

/// Time left for one attempt: the per-try timeout, or what remains of the global and stream limits, whichever is least.
/// At least 1 ms (0 would mean "no limit"); nullopt: no limit.
std::optional<base::Duration> remaining_for_attempt(const RequestTimeouts& timeouts, const AttemptTime& time);
/// Writes the remainder into x-envoy-expected-rq-timeout-ms and grpc-timeout, where the request sends them. Call before
/// each attempt.
void set_attempt_headers(const RequestTimeouts& timeouts, const AttemptTime& time, http::RequestHead& head);

}  // namespace weft::proxy
