// Purpose: decides which faults a request gets, and how fast its response may flow; pure, so that tests need no clock.
// Thread:  any (pure); a ResponseLimiter belongs to one exchange.
// Source:  Envoy's FaultFilter, Filters::Common::Fault and StreamRateLimiter.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "http/message.h"
#include "proxy/fault_config.h"

namespace weft::proxy {

/// Whether the request is one that `config` speaks of: its cluster, calling node and headers. `cluster`: where it goes,
/// "" unknown.
bool is_fault_target(const FaultConfig& config, const http::RequestHead& head, std::string_view cluster);

/// How long the request waits first; zero: not at all.
base::Duration plan_delay(const FaultConfig& config, const http::RequestHead& head, base::Random& random);

/// The answer in place of the upstream's.
struct FaultAbort {
  std::optional<uint16_t> http_status;  ///< exactly one is set
  std::optional<uint32_t> grpc_status;
};
std::optional<FaultAbort> plan_abort(const FaultConfig& config, const http::RequestHead& head, base::Random& random);

/// Bytes per second that the response body may flow at; 0: no limit.
uint64_t plan_response_rate(const FaultConfig& config, const http::RequestHead& head, base::Random& random);

/// Lets a body pass in slices of a sixteenth of a second. What is not used is saved up, for at most a second.
class ResponseLimiter {
 public:
  ResponseLimiter(uint64_t bytes_per_second, base::MonoTime now);
  /// How many of `wanted` bytes may pass now.
  size_t take(size_t wanted, base::MonoTime now);
  /// The time until the next slice.
  base::Duration wait(base::MonoTime now) const;

 private:
  const uint64_t slice_bytes_;
  uint64_t bytes_;  ///< that may pass
  base::MonoTime filled_at_;
};

}  // namespace weft::proxy
