#include "proxy/deadline.h"

#include <algorithm>

#include "proxy/ascii.h"

namespace weft::proxy {

namespace {

using base::Duration;
using http::HeaderId;

constexpr Duration kRouteTimeoutDefault = base::seconds(15);
constexpr uint64_t kGrpcTimeoutValueMax = 99999999;
/// Longer than any request lives, and far from overflow when multiplied to nanoseconds. Units: ms.
constexpr uint64_t kTimeoutMsMax = uint64_t{1} << 40;

std::optional<Duration> milliseconds_in(const http::RequestHead& head, HeaderId id) {
  const auto text = head.find(id);
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
  if (*of_route->grpc_timeout_header_max != Duration::zero()) timeout = std::min(timeout, *of_route->grpc_timeout_header_max);
  if (of_route->grpc_timeout_header_offset) timeout = std::max(Duration::zero(), timeout - *of_route->grpc_timeout_header_offset);
  return limit ? std::min(*limit, timeout) : timeout;
}

}  // namespace

RequestTimeouts resolve_timeouts(const TimeoutInput& input, http::RequestHead& head) {
  const RouteAction& action = *input.action;
  const bool is_grpc = is_grpc_content_type(head.get(HeaderId::ContentType));
  std::optional<Duration> grpc_timeout;
  if (const auto text = head.find(HeaderId::GrpcTimeout); text && input.is_trusted) grpc_timeout = parse_grpc_timeout(*text);

  RequestTimeouts timeouts;
  const bool uses_older_grpc = is_grpc && action.max_grpc_timeout && !action.max_stream_duration;
  if (uses_older_grpc) {
    timeouts.global = older_grpc_timeout(action, grpc_timeout);
  } else if (!action.max_stream_duration) {
    timeouts.global = action.timeout.value_or(kRouteTimeoutDefault);
  }
  timeouts.stream = stream_limit(input, grpc_timeout);
  timeouts.sends_grpc_timeout =
      is_grpc && (uses_older_grpc || (action.max_stream_duration && action.max_stream_duration->grpc_timeout_header_max));

  if (const auto asked = milliseconds_in(head, HeaderId::XEnvoyUpstreamRqTimeoutMs)) timeouts.global = *asked;
  if (head.has(HeaderId::XEnvoyUpstreamRqTimeoutMs)) head.remove(HeaderId::XEnvoyUpstreamRqTimeoutMs);
  const bool has_expected = input.respect_expected_rq_timeout && input.is_trusted && head.has(HeaderId::XEnvoyExpectedRqTimeoutMs);
  if (has_expected) {
    if (const auto expected = milliseconds_in(head, HeaderId::XEnvoyExpectedRqTimeoutMs)) timeouts.global = shorter(timeouts.global, *expected);
  }
  timeouts.sends_expected = !input.suppress_envoy_headers || has_expected;

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
    if (left) head.set(HeaderId::XEnvoyExpectedRqTimeoutMs, std::to_string(base::to_milliseconds(*left)));
    else if (head.has(HeaderId::XEnvoyExpectedRqTimeoutMs)) head.remove(HeaderId::XEnvoyExpectedRqTimeoutMs);
  }
  if (timeouts.sends_grpc_timeout) {
    if (left) head.set(HeaderId::GrpcTimeout, format_grpc_timeout(*left));
    else if (head.has(HeaderId::GrpcTimeout)) head.remove(HeaderId::GrpcTimeout);
  }
}

std::optional<Duration> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  const auto up_to_ms = [&](uint64_t per_ms) { return base::milliseconds(static_cast<int64_t>((value + per_ms - 1) / per_ms)); };
  const auto of_seconds = [&](uint64_t seconds) {
    return base::milliseconds(static_cast<int64_t>(std::min(value * seconds * 1000, kTimeoutMsMax)));
  };
  switch (text.back()) {
    case 'H': return of_seconds(3600);
    case 'M': return of_seconds(60);
    case 'S': return of_seconds(1);
    case 'm': return up_to_ms(1);
    case 'u': return up_to_ms(1000);
    case 'n': return up_to_ms(1000000);
    default: return std::nullopt;
  }
}

std::string format_grpc_timeout(Duration timeout) {
  auto value = static_cast<uint64_t>(std::max<int64_t>(0, base::to_milliseconds(timeout)));
  char unit = 'm';
  constexpr struct {
    char unit;
    uint64_t of_previous;
  } kCoarser[] = {{'S', 1000}, {'M', 60}, {'H', 60}};
  for (const auto& next : kCoarser) {
    if (value <= kGrpcTimeoutValueMax) break;
    value /= next.of_previous;
    unit = next.unit;
  }
  return std::to_string(std::min(value, kGrpcTimeoutValueMax)) + unit;
}

bool is_grpc_content_type(std::string_view content_type) {
  constexpr std::string_view kGrpc = "application/grpc";
  return content_type.starts_with(kGrpc) && (content_type.size() == kGrpc.size() || content_type[kGrpc.size()] == '+');
}

}  // namespace weft::proxy
