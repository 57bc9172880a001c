#include "proxy/request_id.h"

#include <string>

namespace weft::proxy {

namespace {

constexpr size_t kUuidSize = 36;
constexpr size_t kTraceIndex = 14;
constexpr char kNotTraced = '4';

}  // namespace

RequestId make_request_id(base::Random& random) {
  constexpr char kHex[] = "0123456789abcdef";
  uint64_t bits[2] = {random.next(), random.next()};
  bits[0] = (bits[0] & ~0xf000ull) | 0x4000ull;        // version 4
  bits[1] = (bits[1] & ~(3ull << 62)) | (2ull << 62);  // RFC variant
  RequestId id;
  id.text.fill('-');
  size_t at = 0;
  for (size_t digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) ++at;
    const uint64_t word = bits[digit / 16];
    id.text[at++] = kHex[(word >> (60 - 4 * (digit % 16))) & 0xf];
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
