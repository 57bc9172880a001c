// Purpose: finds the end of an HTTP/1 body and strips its framing: content-length, chunks, or the end of the
// connection. Thread:  one worker.   Owner: H1Parser.   Source: RFC 9112 §6 and §7.1.
#pragma once

#include <cstdint>

#include "base/slice.h"
#include "http/h1_head.h"

namespace weft::http {

/// Turns received slices into body slices, without copying.
/// Errors: every failure is malformed framing: 400.   Cost: O(1) per slice, O(bytes) for chunk-size lines.
class H1BodyReader {
 public:
  enum class Event : uint8_t {
    NeedMore,
    Data,      ///< `out` holds body bytes; `is_complete()` tells whether they were the last (content-length only)
    Trailers,  ///< the last chunk was read: trailer lines, or the empty line, follow
    Failed,
  };

  void start(H1Framing framing, uint64_t content_length);
  /// Takes bytes from the front of `in`.
  Event next(base::Slice& in, base::Slice& out);
  bool is_complete() const { return state_ == State::Complete; }

 private:
  enum class State : uint8_t {
    Complete,
    Length,
    UntilClose,
    SizeFirst,
    Size,
    Blank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf
  };

  Event read_framing(base::Slice& in);
  bool read_framing_byte(char c);
  bool read_size_digit(char c);
  bool end_size_line();
  Event take_data(base::Slice& in, base::Slice& out);

  uint64_t left_ = 0;  ///< bytes of the body or chunk still to come
  uint32_t extension_bytes_ = 0;
  uint8_t size_digits_ = 0;
  State state_ = State::Complete;
};

}  // namespace weft::http
