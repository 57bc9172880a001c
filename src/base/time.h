// Purpose: the three time types of Weft. Code above `net/` never reads a clock: time is passed in or
//          asked of `net::Loop`, so that simulation can own it.
// Thread:  any (values).
#pragma once

#include <chrono>
#include <cstdint>

namespace weft::base {

/// A span of time; nanosecond resolution, may be negative.
using Duration = std::chrono::nanoseconds;

/// A point on the loop's monotonic clock. The origin means nothing; only differences do.
struct MonoClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;

/// A point in civil time (UTC), for logs, certificates and `date` headers.
using WallTime = std::chrono::sys_time<Duration>;

constexpr Duration milliseconds(int64_t n) { return std::chrono::milliseconds(n); }
constexpr Duration seconds(int64_t n) { return std::chrono::seconds(n); }

/// Whole milliseconds, rounded down. Units: ms.
constexpr int64_t to_milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace weft::base
