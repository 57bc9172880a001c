#include "proxy/deadline.h"

#include <algorithm>

#include "http/grpc.h"
#include "proxy/ascii.h"

namespace weft::proxy {

namespace {

using base::Duration;
using http::HeaderId;

constexpr Duration kRouteTimeoutDefault = base::seconds(15);
/// Longer than any request lives, and far from overflow when multiplied to nanoseconds. Units: ms.
constexpr uint64_t kTimeoutMsMax = uint64_t{1} << 40;

std::optional<Duration> milliseconds_in(const http::RequestHead& head, HeaderId name) {
  const auto text = head.find(name);
  if (!text) return std::nullopt;
  const auto number = parse_uint64(*text);
  if (!number) return std::nullopt;
  return base::milliseconds(static_cast<int64_t>(std::min(*number, kTimeoutMsMax)));
}

/// The lesser of two limits of which zero means none.
Duration shorter(Duration a, Duration b) {
  if (a == Duration::zero()) return b;
  if (b == Duration::zero()) return a;
  return std::min(a, b);
}

/// RouteAction.max_grpc_timeout, the older switch: 0 as maximum means "as the client says".
Duration older_grpc_timeout(const RouteAction& action, std::optional<Duration> asked) {
  Duration timeout = asked.value_or(Duration::zero());
  if (action.grpc_timeout_offset && *action.grpc_timeout_offset < timeout) timeout -= *action.grpc_timeout_offset;
  return shorter(timeout, *action.max_grpc_timeout);
}

std::optional<Duration> stream_limit(const TimeoutInput& input, std::optional<Duration> grpc_timeout) {
  const auto& of_route = input.action->max_stream_duration;
  std::optional<Duration> limit = input.hcm_max_stream_duration;
  if (of_route && of_route->max_stream_duration) limit = of_route->max_stream_duration;
  if (limit == Duration::zero()) limit.reset();
  if (!grpc_timeout || !of_route || !of_route->grpc_timeout_header_max) return limit;

  Duration timeout = *grpc_timeout;
  if (*of_route->grpc_timeout_header_max != Duration::zero())
    timeout = std::min(timeout, *of_route->grpc_timeout_header_max);
  if (of_route->grpc_timeout_header_offset)
    timeout = std::max(Duration::zero(), timeout - *of_route->grpc_timeout_header_offset);
  return limit ? std::min(*limit, timeout) : timeout;
}

}  // namespace

RequestTimeouts resolve_timeouts(const TimeoutInput& input, http::RequestHead& head) {
  const RouteAction& action = *input.action;
  const bool is_grpc = http::is_grpc(head);
  std::optional<Duration> grpc_timeout;
  if (const auto text = head.find(HeaderId::GrpcTimeout); text && input.is_trusted)
    grpc_timeout = http::parse_grpc_timeout(*text, base::milliseconds(kTimeoutMsMax));

  RequestTimeouts timeouts;
  const bool uses_older_grpc = is_grpc && action.max_grpc_timeout && !action.max_stream_duration;
  if (uses_older_grpc) {
    timeouts.global = older_grpc_timeout(action, grpc_timeout);
  } else if (!action.max_stream_duration) {
    timeouts.global = action.timeout.value_or(kRouteTimeoutDefault);
  }
  timeouts.stream = stream_limit(input, grpc_timeout);
  timeouts.sends_grpc_timeout =
      is_grpc &&
      (uses_older_grpc || (action.max_stream_duration && action.max_stream_duration->grpc_timeout_header_max));

  if (const auto asked = milliseconds_in(head, HeaderId::XEnvoyUpstreamRqTimeoutMs)) timeouts.global = *asked;
  if (head.has(HeaderId::XEnvoyUpstreamRqTimeoutMs)) head.remove(HeaderId::XEnvoyUpstreamRqTimeoutMs);
  const bool has_expected =
      input.respect_expected_rq_timeout && input.is_trusted && head.has(HeaderId::XEnvoyExpectedRqTimeoutMs);
  if (has_expected) {
    if (const auto expected = milliseconds_in(head, HeaderId::XEnvoyExpectedRqTimeoutMs))
      timeouts.global = shorter(timeouts.global, *expected);
  }
  timeouts.sends_expected = !input.suppress_envoy_headers || has_expected;

  if (head.has(HeaderId::XEnvoyUpstreamRqTimeoutAltResponse)) {
    timeouts.status = 204;
    head.remove(HeaderId::XEnvoyUpstreamRqTimeoutAltResponse);
  }

  timeouts.upstream_stream = milliseconds_in(head, HeaderId::XEnvoyUpstreamStreamDurationMs);
  if (head.has(HeaderId::XEnvoyUpstreamStreamDurationMs)) head.remove(HeaderId::XEnvoyUpstreamStreamDurationMs);

  if (input.policy != nullptr) {
    timeouts.per_try = input.policy->per_try_timeout.value_or(Duration::zero());
    timeouts.per_try_idle = input.policy->per_try_idle_timeout.value_or(Duration::zero());
  }
  if (const auto asked = milliseconds_in(head, HeaderId::XEnvoyUpstreamRqPerTryTimeoutMs)) timeouts.per_try = *asked;
  if (head.has(HeaderId::XEnvoyUpstreamRqPerTryTimeoutMs)) head.remove(HeaderId::XEnvoyUpstreamRqPerTryTimeoutMs);
  if (timeouts.global != Duration::zero() && timeouts.per_try >= timeouts.global) timeouts.per_try = Duration::zero();
  return timeouts;
}

std::optional<Duration> remaining_for_attempt(const RequestTimeouts& timeouts, const AttemptTime& time) {
  std::optional<Duration> left;
  const auto limit = [&](Duration by) { left = std::min(left.value_or(by), by); };
  if (timeouts.per_try != Duration::zero()) limit(timeouts.per_try);
  if (timeouts.global != Duration::zero()) limit(timeouts.global - time.since_complete);
  if (timeouts.stream) limit(*timeouts.stream - time.since_start);
  if (left) left = std::max(*left, base::milliseconds(1));
  return left;
}

void set_attempt_headers(const RequestTimeouts& timeouts, const AttemptTime& time, http::RequestHead& head) {
  const auto left = remaining_for_attempt(timeouts, time);
  if (timeouts.sends_expected) {
    if (left)
      head.set(HeaderId::XEnvoyExpectedRqTimeoutMs,
               std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*left).count()));
    else if (head.has(HeaderId::XEnvoyExpectedRqTimeoutMs)) head.remove(HeaderId::XEnvoyExpectedRqTimeoutMs);
  }
  if (timeouts.sends_grpc_timeout) {
    if (left) head.set(HeaderId::GrpcTimeout, http::format_grpc_timeout(*left).view());
    else if (head.has(HeaderId::GrpcTimeout)) head.remove(HeaderId::GrpcTimeout);
  }
}

}  // namespace weft::proxy
