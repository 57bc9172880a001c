#include "proxy/breaker.h"

#include <algorithm>

namespace weft::proxy {

CircuitBreaker::CircuitBreaker(const BreakerThresholds& thresholds)
    : thresholds_(thresholds),
      pools_(thresholds.connection_pools_max),
      connections_(thresholds.connections_max),
      pending_(thresholds.pending_requests_max),
      requests_(thresholds.requests_max),
      retries_(thresholds.retries_max) {}

uint64_t CircuitBreaker::retries_limit() const {
  if (!thresholds_.has_retry_budget) return thresholds_.retries_max;
  const double live = static_cast<double>(requests_.count() + pending_.count());
  const auto share = static_cast<uint64_t>(thresholds_.retry_budget_percent / 100.0 * live);
  return std::max<uint64_t>(share, thresholds_.retry_budget_min_concurrency);
}

uint64_t CircuitBreaker::retries_remaining() const {
  if (thresholds_.has_retry_budget) return 0;
  const uint64_t limit = retries_limit();
  return retries() >= limit ? 0 : limit - retries();
}

}  // namespace weft::proxy
