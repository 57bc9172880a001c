#include "http/h2_frame_scanner.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace weft::http {

size_t H2FrameScanner::scan(std::string_view bytes, bool& is_found) {
  is_found = false;
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t skipped = std::min(skip_, bytes.size() - at);
    at += skipped;
    skip_ -= skipped;
    const size_t copied = std::min(kHeadBytes - head_size_, bytes.size() - at);
    std::memcpy(buffer_ + head_size_, bytes.data() + at, copied);
    at += copied;
    head_size_ += copied;
    if (head_size_ < kHeadBytes) break;
    parse();
    if (head_.type == NGHTTP2_DATA || head_.type == NGHTTP2_CONTINUATION) {
      is_found = true;
      break;
    }
  }
  return at;
}

void H2FrameScanner::parse() {
  head_size_ = 0;
  head_.length = static_cast<uint32_t>(buffer_[0]) << 16 | static_cast<uint32_t>(buffer_[1]) << 8 | buffer_[2];
  head_.type = buffer_[3];
  head_.flags = buffer_[4];
  head_.stream = (static_cast<uint32_t>(buffer_[5]) << 24 | static_cast<uint32_t>(buffer_[6]) << 16 |
                  static_cast<uint32_t>(buffer_[7]) << 8 | buffer_[8]) &
                 0x7fffffff;
  skip_ = head_.length;
}

}  // namespace weft::http
