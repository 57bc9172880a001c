// The parser must survive any bytes, answer a prefix of a complete hello with NeedMore, and change its mind never.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/limits.h"
#include "net/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weft::net::ClientHelloState;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = weft::net::parse_client_hello(bytes);
  if (whole.state == ClientHelloState::NeedMore) WEFT_ASSERT(size < weft::base::kClientHelloBytesMax);
  // A few prefixes: what is decided early stays decided.
  for (size_t cut = size / 2, n = 0; cut > 0 && n < 8; cut /= 2, ++n) {
    const auto part = weft::net::parse_client_hello(bytes.substr(0, cut));
    if (part.state == ClientHelloState::NeedMore) continue;
    WEFT_ASSERT(part.state == whole.state);
    WEFT_ASSERT(part.hello.server_name == whole.hello.server_name && part.hello.alpn == whole.hello.alpn);
  }
  return 0;
}
