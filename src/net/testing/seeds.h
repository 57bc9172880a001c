// Purpose: runs a scenario under many seeds; a failure names its seed and the command that repeats it alone.
// Thread:  one.
#pragma once

#include <cstdint>
#include <functional>

namespace weft::net::testing {

/// Calls `scenario` with the seeds 1 to `count` until one fails. With WEFT_SEED=<n> in the environment: only with that.
void for_each_seed(uint64_t count, const std::function<void(uint64_t seed)>& scenario);

}  // namespace weft::net::testing
