// Purpose: the circuit breaker of one cluster and priority: how many connections, waiting requests, requests and
//          retries the whole process may have open at once, with Envoy's thresholds, gauges and retry budget.
// Thread:  any (relaxed shared counts; a limit may be passed by as many as race for the last place, as in Envoy).
// Owner:   the process, keyed by cluster and configuration hash; workers borrow.
// Source:  Envoy's ResourceManagerImpl; envoy/config/cluster/v3/circuit_breaker.proto.
#pragma once

#include <cstdint>

#include "base/shared_count.h"
#include "proxy/cluster_config.h"

namespace weft::proxy {

/// One threshold. A place taken is given back exactly once.
class BreakerResource {
 public:
  explicit BreakerResource(uint64_t limit) : limit_(limit) {}

  /// Takes a place; false when all are taken (the caller answers 503 with flag UO, or does not retry).
  bool try_take() { return try_take(limit_); }
  /// The same under a limit of this moment.
  bool try_take(uint64_t limit) {
    if (!count_.try_take(limit)) return false;
    mark_used();
    return true;
  }
  /// Takes a place whatever the limit is (Envoy opens one connection even where max_connections is 0).
  void take() {
    count_.add();
    mark_used();
  }
  void give_back() { count_.subtract(); }
  uint64_t count() const { return count_.value(); }
  uint64_t limit() const { return limit_; }
  /// The breaker's state for the *_open gauges: no place is left. As in Envoy a limit of 0 shows once a place was
  /// taken.
  bool is_open() const { return is_open(limit_); }
  bool is_open(uint64_t limit) const { return count() > 0 && count() >= limit; }
  uint64_t remaining() const { return count() >= limit_ ? 0 : limit_ - count(); }
  /// Whether a place was ever taken: Envoy lists a breaker's gauge as used from then on.
  bool is_used() const { return is_used_.value() != 0; }

 private:
  // Written once: a store for every request would take the line from the other workers.
  void mark_used() {
    if (!is_used()) is_used_.exchange(1);
  }

  base::SharedCount count_;
  base::SharedCount is_used_;  ///< 0 or 1
  const uint64_t limit_;
};

class CircuitBreaker {
 public:
  explicit CircuitBreaker(const BreakerThresholds& thresholds);

  BreakerResource& connection_pools() { return pools_; }
  const BreakerResource& connection_pools() const { return pools_; }
  BreakerResource& connections() { return connections_; }
  BreakerResource& pending_requests() { return pending_; }
  BreakerResource& requests() { return requests_; }
  const BreakerResource& connections() const { return connections_; }
  const BreakerResource& pending_requests() const { return pending_; }
  const BreakerResource& requests() const { return requests_; }

  /// One place among the retries; limited by max_retries or, where configured, by the retry budget.
  bool try_take_retry() { return retries_.try_take(retries_limit()); }
  void give_back_retry() { retries_.give_back(); }
  uint64_t retries() const { return retries_.count(); }
  bool has_retry_budget() const { return thresholds_.has_retry_budget; }
  /// max_retries; with a budget max(min_retry_concurrency, percent of active and pending requests).
  uint64_t retries_limit() const;

  const BreakerResource& retry_places() const { return retries_; }  ///< their limit is retries_limit()
  bool is_retries_open() const { return retries_.is_open(retries_limit()); }
  bool tracks_remaining() const { return thresholds_.track_remaining; }  ///< whether remaining_* are published; else 0
  /// remaining_retries; Envoy keeps it 0 under a budget.
  uint64_t retries_remaining() const;

 private:
  BreakerThresholds thresholds_;
  BreakerResource pools_, connections_, pending_, requests_, retries_;
};

}  // namespace weft::proxy
