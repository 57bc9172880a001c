// Purpose: the `date` header, formatted once a second.
// Thread:  one worker.   Owner: whoever sends responses.   Source: RFC 9110 §5.6.7.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace weft::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT". The view lives until the next call.
/// Cost: O(1), one comparison while the second is the same.
class DateCache {
 public:
  std::string_view format(base::WallTime now);

 private:
  static constexpr size_t kBytes = 29;
  int64_t second_ = INT64_MIN;
  std::array<char, kBytes> text_{};
};

}  // namespace weft::http
