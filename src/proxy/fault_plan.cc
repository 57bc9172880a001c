#include "proxy/fault_plan.h"

#include <algorithm>

#include "proxy/ascii.h"

namespace weft::proxy {

namespace {

using http::HeaderId;

constexpr uint64_t kSlicesPerSecond = 16;
constexpr base::Duration kSlice = base::seconds(1) / kSlicesPerSecond;

bool is_drawn(const Fraction& fraction, base::Random& random) {
  return fraction.numerator != 0 && random.below(std::max(1u, fraction.denominator)) < fraction.numerator;
}

/// A header may lower the configured share, never raise it.
Fraction share_of(Fraction configured, const http::RequestHead& head, HeaderId header) {
  const auto text = head.find(header);
  if (!text) return configured;
  const auto asked = parse_number<uint32_t>(*text);
  if (asked) configured.numerator = std::min(configured.numerator, *asked);
  return configured;
}

}  // namespace

bool is_fault_target(const FaultConfig& config, const http::RequestHead& head, std::string_view cluster) {
  if (!config.upstream_cluster.empty() && config.upstream_cluster != cluster) return false;
  if (!config.downstream_nodes.empty()) {
    const auto node = head.find(HeaderId::XEnvoyDownstreamServiceNode);
    if (!node || std::find(config.downstream_nodes.begin(), config.downstream_nodes.end(), *node) ==
                     config.downstream_nodes.end())
      return false;
  }
  return std::all_of(config.headers.begin(), config.headers.end(),
                     [&](const HeaderMatcher& matcher) { return matcher.matches(head); });
}

base::Duration plan_delay(const FaultConfig& config, const http::RequestHead& head, base::Random& random) {
  if (!config.delay) return {};
  if (config.delay->fixed)
    return is_drawn(config.delay->percentage, random) ? *config.delay->fixed : base::Duration::zero();
  constexpr uint64_t kDelayMsMax = uint64_t{1} << 31;
  const auto text = head.find(HeaderId::XEnvoyFaultDelayRequest);
  const auto asked = text ? parse_uint64(*text) : std::nullopt;
  if (!asked ||
      !is_drawn(share_of(config.delay->percentage, head, HeaderId::XEnvoyFaultDelayRequestPercentage), random))
    return {};
  return base::milliseconds(static_cast<int64_t>(std::min(*asked, kDelayMsMax)));
}

std::optional<FaultAbort> plan_abort(const FaultConfig& config, const http::RequestHead& head, base::Random& random) {
  if (!config.abort) return std::nullopt;
  FaultAbort abort{config.abort->http_status, config.abort->grpc_status};
  Fraction share = config.abort->percentage;
  if (!abort.http_status && !abort.grpc_status) {
    share = share_of(share, head, HeaderId::XEnvoyFaultAbortRequestPercentage);
    if (const auto text = head.find(HeaderId::XEnvoyFaultAbortRequest)) {
      const auto status = parse_number<uint16_t>(*text);
      if (status && *status >= 200 && *status < 600) abort.http_status = *status;
    }
    if (!abort.http_status) {
      if (const auto text = head.find(HeaderId::XEnvoyFaultAbortGrpcRequest))
        abort.grpc_status = parse_number<uint32_t>(*text);
    }
    if (!abort.http_status && !abort.grpc_status) return std::nullopt;
  }
  if (!is_drawn(share, random)) return std::nullopt;
  return abort;
}

uint64_t plan_response_rate(const FaultConfig& config, const http::RequestHead& head, base::Random& random) {
  if (!config.response_rate_limit) return 0;
  constexpr uint64_t kKilobytesMax = uint64_t{1} << 40;
  std::optional<uint64_t> kilobytes = config.response_rate_limit->fixed_kbps;
  Fraction share = config.response_rate_limit->percentage;
  if (!kilobytes) {
    const auto text = head.find(HeaderId::XEnvoyFaultThroughputResponse);
    kilobytes = text ? parse_uint64(*text) : std::nullopt;
    share = share_of(share, head, HeaderId::XEnvoyFaultThroughputResponsePercentage);
  }
  if (kilobytes.value_or(0) == 0 || !is_drawn(share, random)) return 0;
  return std::min(*kilobytes, kKilobytesMax) * 1024;
}

ResponseLimiter::ResponseLimiter(uint64_t bytes_per_second, base::MonoTime now)
    : slice_bytes_(std::max<uint64_t>(1, bytes_per_second / kSlicesPerSecond)), bytes_(slice_bytes_), filled_at_(now) {}

size_t ResponseLimiter::take(size_t wanted, base::MonoTime now) {
  const auto slices = static_cast<uint64_t>(std::max<int64_t>(0, (now - filled_at_) / kSlice));
  if (slices > 0) {
    bytes_ = std::min(bytes_ + std::min(slices, kSlicesPerSecond) * slice_bytes_, kSlicesPerSecond * slice_bytes_);
    filled_at_ += static_cast<int64_t>(slices) * kSlice;
  }
  const size_t taken = static_cast<size_t>(std::min<uint64_t>(wanted, bytes_));
  bytes_ -= taken;
  return taken;
}

base::Duration ResponseLimiter::wait(base::MonoTime now) const {
  return std::max(base::Duration(1), filled_at_ + kSlice - now);
}

}  // namespace weft::proxy
