// Purpose: assertions for bugs; always on, because a proxy that goes on after a broken invariant is
//          worse than one that stops. Nothing a peer or a configuration can send may trip one.
// Thread:  any.
#pragma once

namespace weft::base {

/// Prints the failed condition and its place to stderr and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace weft::base

#define WEFT_ASSERT(condition)                                     \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      ::weft::base::assert_failed(#condition, __FILE__, __LINE__); \
  } while (false)
