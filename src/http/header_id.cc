#include "http/header_id.h"

#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

namespace weft::http {
namespace {

constexpr int kTableBits = 11;
constexpr size_t kTableSize = size_t{1} << kTableBits;
static_assert(kHeaderIdCount <= 256, "the table below holds ids in one byte");

template <size_t kBytes>
constexpr uint64_t load(const char* from) {
  uint64_t word = 0;
  if (!std::is_constant_evaluated()) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(&word, from, kBytes);
    return word;
  }
  for (size_t i = 0; i < kBytes; ++i) word |= static_cast<uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  return word;
}

// Covers every character of a name, by overlapping words, so that any two names can be told apart.
constexpr uint64_t slot_of(std::string_view name, uint64_t seed) {
  const char* p = name.data();
  const size_t n = name.size();
  uint64_t hash = n * seed;
  if (n < 4) {
    hash ^= load<1>(p) | load<1>(p + n / 2) << 8 | load<1>(p + n - 1) << 16;
  } else if (n < 8) {
    hash ^= load<4>(p) | load<4>(p + n - 4) << 32;
  } else {
    for (size_t i = 0; i + 8 < n; i += 8) {
      hash = (hash ^ load<8>(p + i)) * seed;
      hash ^= hash >> 32;
    }
    hash ^= load<8>(p + n - 8);
  }
  hash *= seed;
  hash ^= hash >> 32;
  return (hash * seed) >> (64 - kTableBits);
}

constexpr bool is_perfect(uint64_t seed) {
  std::array<bool, kTableSize> taken{};
  for (size_t i = 1; i < kHeaderIdCount; ++i) {
    bool& slot = taken[slot_of(kHeaderNames[i], seed)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

// 0 when no seed was found, which stops the build below.
constexpr uint64_t find_seed() {
  uint64_t seed = 0x9e3779b97f4a7c15;
  for (int tries = 0; tries < 400; ++tries) {
    if (is_perfect(seed)) return seed;
    seed = (seed * 6364136223846793005 + 1442695040888963407) | 1;
  }
  return 0;
}

constexpr uint64_t kSeed = find_seed();
static_assert(kSeed != 0, "no seed keeps the names apart: raise kTableBits");

constexpr std::array<uint8_t, kTableSize> make_table() {
  std::array<uint8_t, kTableSize> table{};
  for (size_t i = 1; i < kHeaderIdCount; ++i) table[slot_of(kHeaderNames[i], kSeed)] = static_cast<uint8_t>(i);
  return table;
}

constexpr std::array<uint8_t, kTableSize> kTable = make_table();

}  // namespace

HeaderId header_id(std::string_view lower_case_name) {
  if (lower_case_name.empty()) return HeaderId::Unknown;
  const uint8_t i = kTable[slot_of(lower_case_name, kSeed)];
  return kHeaderNames[i] == lower_case_name ? static_cast<HeaderId>(i) : HeaderId::Unknown;
}

}  // namespace weft::http
