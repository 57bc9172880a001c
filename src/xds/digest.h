// Purpose: a 64-bit hash of serialised configuration, by which live state finds that nothing changed.
// Thread:  any.   Cost: O(bytes).
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::xds {

/// xxHash's XXH3, seeded with `seed`, so that parts can be chained. Not for use against an adversary.
uint64_t digest(std::string_view bytes, uint64_t seed = 0);

}  // namespace weft::xds
