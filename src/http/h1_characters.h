// Purpose: the character classes of HTTP/1.1 and the scans that find where one ends, 16 bytes at a time.
// Thread:  any (constants, pure functions).   Source: RFC 9110 §5.5 and §5.6.2, RFC 9112 §3.2.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::http {

/// For a tchar the character itself, in lower case; 0 for anything else.
inline constexpr std::array<char, 256> kTokenLower = [] {
  std::array<char, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = static_cast<char>(c);
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = static_cast<char>(c);
  for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = c;
  }
  return table;
}();

inline bool is_token_character(char c) { return kTokenLower[static_cast<unsigned char>(c)] != 0; }
inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// May stand in a field value: all but control characters; a tab may, DEL may not.
inline bool is_value_character(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 0x20 && u != 0x7f) || u == '\t';
}

/// May stand in a request target: visible ASCII but '#', which never goes over the wire.
inline bool is_target_character(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u > 0x20 && u < 0x7f && u != '#';
}

/// Copies a header name in lower case to `lower` (room for `kRoom` bytes, a multiple of 16) if it is made of letters,
/// digits and dashes and a colon follows it within that room and 16 bytes before `end`. Returns its length, else 0.
template <size_t kRoom>
inline size_t copy_plain_name([[maybe_unused]] const char* p, [[maybe_unused]] const char* end,
                              [[maybe_unused]] char (&lower)[kRoom]) {
  static_assert(kRoom % 16 == 0);
#if defined(__SSE2__)
  const __m128i case_bit = _mm_set1_epi8(0x20), colon = _mm_set1_epi8(':'), dash = _mm_set1_epi8('-');
  const __m128i before_a = _mm_set1_epi8('a' - 1), after_z = _mm_set1_epi8('z' + 1);
  const __m128i before_0 = _mm_set1_epi8('0' - 1), after_9 = _mm_set1_epi8('9' + 1);
  for (size_t n = 0; n < kRoom && end - p >= static_cast<ptrdiff_t>(n + 16); n += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + n));
    // With the case bit a letter is lower case, a digit or dash is itself; only letters land in a..z.
    const __m128i low = _mm_or_si128(v, case_bit);
    const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, before_a), _mm_cmplt_epi8(low, after_z));
    const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, before_0), _mm_cmplt_epi8(v, after_9));
    const __m128i plain = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(v, dash));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(lower + n), low);
    const auto other = static_cast<unsigned>(_mm_movemask_epi8(plain)) ^ 0xffffu;
    if (other == 0) continue;
    const auto first = static_cast<unsigned>(__builtin_ctz(other));
    const auto colons = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, colon)));
    return (colons >> first & 1) != 0 ? n + first : 0;
  }
#endif
  return 0;
}

/// First byte in [p, end) that may not stand in a field value; `end` when all may.
inline const char* find_value_end(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
  for (; end - p >= 16; p += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, last_control), v);
    const __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), control), _mm_cmpeq_epi8(v, del));
    const int mask = _mm_movemask_epi8(bad);
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (p < end && is_value_character(*p)) ++p;
  return p;
}

/// First byte in [p, end) that may not stand in a request target; `end` when all may.
inline const char* find_target_end(const char* p, const char* end) {
#if defined(__SSE2__)
  // Signed comparison: bytes from 0x80 are negative and so below the space too.
  const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7f), hash = _mm_set1_epi8('#');
  for (; end - p >= 16; p += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i good = _mm_cmpgt_epi8(v, space);
    const __m128i bad = _mm_or_si128(_mm_cmpeq_epi8(v, del), _mm_cmpeq_epi8(v, hash));
    const int mask = _mm_movemask_epi8(_mm_andnot_si128(bad, good)) ^ 0xffff;
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (p < end && is_target_character(*p)) ++p;
  return p;
}

}  // namespace weft::http
