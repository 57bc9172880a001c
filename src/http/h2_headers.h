// Purpose: header lines between our messages and nghttp2's: what HTTP/2 forbids is dropped on the way out, what it
//          splits or spells differently is joined on the way in.
// Thread:  the owning worker's.   Source: RFC 9113 §8.2, §8.3; RFC 8441 (extended CONNECT).
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "http/connection.h"
#include "http/message.h"

namespace weft::http {

/// Header lines for one nghttp2_submit_* call, which copies the values; nothing outlives that call.
using H2Lines = std::vector<nghttp2_nv>;

/// Pseudo-headers first, then the rest without connection-level headers. An HTTP/1.1 upgrade becomes an extended
/// CONNECT; `host` stands in for a missing :authority and is dropped otherwise.
void append_request_lines(H2Lines& lines, const RequestHead& head);
/// `status_text` is three digits. Connection-level headers are dropped.
void append_response_lines(H2Lines& lines, const ResponseHead& head, std::string_view status_text);
/// Without pseudo-headers, connection-level headers, framing headers.
void append_trailer_lines(H2Lines& lines, const HeaderMap& trailers);

/// Whether a content-length, if there is one, has no leading zeros. nghttp2 has seen that it is a number and true; what
/// one reader takes for ten may be eight to the next.
bool has_plain_length(const HeaderMap& head);

/// Names and values.
size_t bytes_of(const H2Lines& lines);

/// Puts the lines of one header block into a map, within limits. One a session: blocks never interleave.
class H2BlockReader {
 public:
  enum class Verdict : uint8_t {
    Ok,
    Overflow,    ///< a limit was passed; nothing is stored any more, the block is still read for an answer
    Flood,       ///< twice a limit: not worth an answer
    Underscore,  ///< a name with '_' where the configuration rejects it
  };

  explicit H2BlockReader(const H2Options& options, CodecCounters& counters) : options_(options), counters_(counters) {}

  void begin(HeaderMap& into);
  /// Every line counts against the limits, decoded: cookie crumbs, dropped hosts and dropped underscores too.
  /// `is_name_static`: the name's address always means the same name (nghttp2's static table).
  Verdict add(std::string_view name, std::string_view value, bool is_name_static = false);
  /// Joins the cookie crumbs. With `is_request`, `host` becomes :authority, or goes where that is present.
  void finish(bool is_request);
  bool has_overflown() const { return has_overflown_; }
  /// Names and values of the block, decoded.
  size_t bytes() const { return bytes_; }

 private:
  struct KnownName {
    const char* address = nullptr;
    HeaderId id = HeaderId::Unknown;
  };

  HeaderId id_of_static(std::string_view name);

  const H2Options& options_;
  CodecCounters& counters_;
  std::array<KnownName, 64> known_names_{};  ///< direct-mapped by address
  HeaderMap* into_ = nullptr;
  std::string cookie_;
  size_t bytes_ = 0;
  size_t count_ = 0;
  bool has_overflown_ = false;
};

}  // namespace weft::http
