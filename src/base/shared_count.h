// Purpose: a count that Envoy keeps per process (circuit breakers, active requests of a host, ejected
//          hosts, connection limits) and so the workers share. The only atomic read-modify-write
//          allowed on the request path.
// Thread:  any.   Owner: live state keyed by cluster or address; workers borrow or share it.
#pragma once

#include <atomic>
#include <cstdint>

namespace weft::base {

/// A relaxed process-wide count on a cache line of its own.
class alignas(64) SharedCount {
 public:
  uint64_t value() const { return count_.load(std::memory_order_relaxed); }
  void add(uint64_t n = 1) { count_.fetch_add(n, std::memory_order_relaxed); }
  void subtract(uint64_t n = 1) { count_.fetch_sub(n, std::memory_order_relaxed); }

  /// Takes one place if fewer than `limit` are taken; false leaves the count as it was.
  bool try_take(uint64_t limit) {
    if (count_.fetch_add(1, std::memory_order_relaxed) < limit) return true;
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }

  /// Sets the value; returns the one before (also for flags: 0 or 1).
  uint64_t exchange(uint64_t n) { return count_.exchange(n, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> count_{0};
};

}  // namespace weft::base
