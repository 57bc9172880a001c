// Purpose: the only source of randomness of ordinary code. A loop owns one, seeded from the system
//          in real backends and from the scenario's seed in simulation.
// Thread:  the owning loop's.   Source: xoshiro256** 1.0 (Blackman, Vigna), seeded by splitmix64.
#pragma once

#include <array>
#include <cstdint>

namespace weft::base {

/// A fast, seedable generator; not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0.
  uint64_t below(uint64_t bound);
  /// Uniform in [0, 1).
  double unit();

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace weft::base
