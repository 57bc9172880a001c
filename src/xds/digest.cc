#include "xds/digest.h"

#include <xxhash.h>

namespace weft::xds {

uint64_t digest(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace weft::xds
