#include "proxy/request_id.h"

#include <array>
#include <cstring>
#include <string>

namespace weft::proxy {

namespace {

constexpr size_t kUuidSize = 36;
constexpr size_t kTraceIndex = 14;
constexpr char kNotTraced = '4';

// Each byte as two digits. Digit by digit a request id took 3 % of a request's instructions.
constexpr std::array<std::array<char, 2>, 256> kHexBytes = [] {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = {kHex[i >> 4], kHex[i & 15]};
  return table;
}();

}  // namespace

RequestId make_request_id(base::Random& random) {
  uint64_t bits[2] = {random.next(), random.next()};
  bits[0] = (bits[0] & ~0xf000ull) | 0x4000ull;        // version 4
  bits[1] = (bits[1] & ~(3ull << 62)) | (2ull << 62);  // RFC variant
  RequestId id;
  char* to = id.text.data();
  for (size_t byte = 0; byte < 16; ++byte) {
    if (byte == 4 || byte == 6 || byte == 8 || byte == 10) *to++ = '-';
    std::memcpy(to, kHexBytes[(bits[byte / 8] >> (56 - 8 * (byte % 8))) & 0xff].data(), 2);
    to += 2;
  }
  return id;
}

void set_request_id(http::RequestHead& head, const HcmConfig& config, bool is_edge, base::Random& random) {
  if (!config.generate_request_id) return;
  const auto present = head.find(http::HeaderId::XRequestId);
  if (present && !is_edge) return;
  if (present && config.preserve_external_request_id) {
    if (present->size() != kUuidSize || (*present)[kTraceIndex] == kNotTraced) return;
    std::string id(*present);
    id[kTraceIndex] = kNotTraced;
    head.set(http::HeaderId::XRequestId, id);
    return;
  }
  head.set(http::HeaderId::XRequestId, make_request_id(random).view());
}

}  // namespace weft::proxy
