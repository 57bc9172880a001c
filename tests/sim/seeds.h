// Purpose: runs a scenario under many seeds, each twice, and says how to repeat one that fails.
// Thread:  the test's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace weft::sim {

/// What a run comes to. Only Mesh::conclude makes one, so that no scenario ends without the invariants.
class Conclusion {
 public:
  /// Of all that was delivered, logged and counted.
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  friend class Mesh;
  explicit Conclusion(uint64_t trace_hash) : trace_hash_(trace_hash) {}
  uint64_t trace_hash_;
};

using Scenario = std::function<Conclusion(uint64_t seed)>;

/// Runs `scenario` with the seeds 1 to `count`, each twice on heaps that differ: both traces must be equal. The first
/// seed that fails is reported with the command that repeats it, and ends the test. OpenSSL's randomness follows the
/// seed too. Environment: WEFT_SIM_SEED=<n> runs one seed only; WEFT_SIM_HASHES=1 prints each seed's hash;
/// WEFT_SIM_TRACE=<file> appends the trace of each run.
void for_each_seed(unsigned count, const Scenario& scenario);

/// The command that repeats `seed` of the running test, from the present directory.
std::string how_to_repeat(uint64_t seed);

}  // namespace weft::sim
