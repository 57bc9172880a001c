// Purpose: nghttp2's small allocations from free lists: a request costs it about twenty, most of them of a few sizes
//          and freed in the same turn.
// Thread:  the owning worker's.   Owner: one HTTP/2 session; outlives its nghttp2_session.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>

namespace weft::http {

class H2Memory {
 public:
  H2Memory();
  ~H2Memory();
  H2Memory(const H2Memory&) = delete;
  H2Memory& operator=(const H2Memory&) = delete;

  /// For nghttp2_session_*_new3; alignment is that of malloc.
  nghttp2_mem* hooks() { return &hooks_; }
  size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Piece {
    size_t size_class;  ///< index of the free list, or kClasses: plain heap
    Piece* next;        ///< while free; also keeps what follows aligned to 16
    void* payload() { return this + 1; }
  };
  static_assert(sizeof(Piece) == 16);

  static constexpr size_t kClassBytes = 64;
  static constexpr size_t kClasses = 8;
  /// Bytes kept for reuse; what a connection that was busy once holds on to.
  static constexpr size_t kKeptBytesMax = 16 * 1024;

  void* allocate(size_t size);
  void release(void* payload);
  void* reallocate(void* payload, size_t size);

  nghttp2_mem hooks_;
  std::array<Piece*, kClasses> free_{};
  size_t kept_bytes_ = 0;
};

}  // namespace weft::http
