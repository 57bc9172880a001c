// Purpose: finds the heads of DATA and CONTINUATION frames in the bytes a peer sends, because nghttp2 drops DATA on
//          streams it has forgotten and CONTINUATION of header blocks it ignores without a word: the one is a breach to
//          answer, both are floods to count.
// Thread:  the owning worker's.   Owner: one HTTP/2 session.   Source: RFC 9113 §4.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::http {

class H2FrameScanner {
 public:
  /// `skip`: bytes before the first frame (the client's preface).
  explicit H2FrameScanner(size_t skip) : skip_(skip) {}

  struct Head {
    uint32_t length = 0;
    uint8_t type = 0;
    uint8_t flags = 0;
    uint32_t stream = 0;
  };

  /// Passes over `bytes` until the head of a DATA or CONTINUATION frame is complete; returns how many bytes that took,
  /// its last one included. `is_found` false: all of `bytes` was passed over.
  size_t scan(std::string_view bytes, bool& is_found);
  const Head& head() const { return head_; }

 private:
  static constexpr size_t kHeadBytes = 9;

  void parse();

  size_t skip_;  ///< bytes left until the next head
  size_t head_size_ = 0;
  uint8_t buffer_[kHeadBytes];
  Head head_;
};

}  // namespace weft::http
