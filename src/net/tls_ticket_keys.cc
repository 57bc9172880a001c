#include "net/tls_ticket_keys.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/limits.h"

namespace weft::net {
namespace {

constexpr size_t kKeyBytes = sizeof(TicketKeys::Key);
static_assert(kKeyBytes == 80);

TicketKeys::Key random_key() {
  TicketKeys::Key key;
  unsigned char bytes[kKeyBytes];
  WEFT_ASSERT(RAND_priv_bytes(bytes, kKeyBytes) == 1);
  std::memcpy(&key, bytes, kKeyBytes);
  return key;
}

}  // namespace

base::Result<std::shared_ptr<const TicketKeys>> TicketKeys::from_given(const std::vector<std::string>& keys) {
  if (keys.empty())
    return base::Error(base::ErrorCode::InvalidArgument, "session_ticket_keys.keys: must hold one or more");
  auto out = std::make_shared<TicketKeys>();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].size() != kKeyBytes)
      return base::Error(base::ErrorCode::InvalidArgument,
                         fmt::format("session_ticket_keys.keys[{}]: {} bytes, must be 80", i, keys[i].size()));
    std::memcpy(&out->keys_.emplace_back(), keys[i].data(), kKeyBytes);
  }
  return std::shared_ptr<const TicketKeys>(std::move(out));
}

std::shared_ptr<const TicketKeys> TicketKeys::generate() {
  auto out = std::make_shared<TicketKeys>();
  out->keys_.push_back(random_key());
  return out;
}

std::shared_ptr<const TicketKeys> TicketKeys::rotated() const {
  auto out = std::make_shared<TicketKeys>();
  out->keys_.push_back(random_key());
  const size_t kept = std::min(keys_.size(), base::kTlsTicketKeysMax - 1);
  out->keys_.insert(out->keys_.end(), keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(kept));
  return out;
}

}  // namespace weft::net
