// Purpose: the keys that encrypt session tickets. They belong to the process: one rotated set per listener, TLS
//          context and client-CA set, given to every worker by message, else resumption fails at random.
// Thread:  any (immutable; rotation makes a new set).   Owner: shared_ptr, one copy a worker and version.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::net {

class TicketKeys {
 public:
  /// The layout of Envoy's 80 bytes: 16 name, 32 HMAC-SHA-256, 32 AES-256-CBC.
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> hmac, aes;
  };

  /// Keys from the configuration; the first encrypts, all decrypt. Errors: InvalidArgument (none, or not 80 bytes).
  static base::Result<std::shared_ptr<const TicketKeys>> from_given(const std::vector<std::string>& keys);
  /// One new random key.
  static std::shared_ptr<const TicketKeys> generate();
  /// A new key in front of the youngest of these; at most base::kTlsTicketKeysMax in all, so that tickets live
  /// that many rotations. Source: RFC 5077 §5.5.
  std::shared_ptr<const TicketKeys> rotated() const;

  const Key& current() const { return keys_.front(); }
  const std::vector<Key>& all() const { return keys_; }

 private:
  std::vector<Key> keys_;
};

}  // namespace weft::net
