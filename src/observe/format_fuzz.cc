// A format string and a header value, both hostile: parsing never crashes, and what is written as a line holds no line
// break of the value's.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "observe/format.h"

namespace {

class OneHeader final : public weft::observe::HeaderLookup {
 public:
  explicit OneHeader(std::string_view value) : value_(value) {}
  std::optional<std::string_view> find(std::string_view) const override { return value_; }
  size_t bytes() const override { return value_.size(); }

 private:
  std::string_view value_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weft::observe::Format;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  size_t cut = std::min(input.find('\n'), input.size());
  std::string_view format = input.substr(0, cut);
  OneHeader headers(input.substr(std::min(cut + 1, input.size())));
  weft::observe::RequestInfo info;
  info.request_headers = info.response_headers = info.response_trailers = &headers;
  info.requested_server_name = headers.find("").value();
  info.downstream_remote_address = headers.find("").value();
  weft::observe::TlsEnd tls;
  tls.peer_not_before = headers.find("").value();
  info.downstream_tls = &tls;

  if (auto text = Format::parse_text(format)) {
    std::string line, header;
    (*text)->append(line, info);
    WEFT_ASSERT(line.find('\n') == std::string::npos);
    (*text)->append_header_value(header, info);
    WEFT_ASSERT(header.find_first_of("\r\n") == std::string::npos || (*text)->is_literal());
  }
  if (auto json = Format::parse_json(format)) {
    std::string line;
    (*json)->append(line, info);
    WEFT_ASSERT(line.find('\n') == line.size() - 1);
  }
  return 0;
}
