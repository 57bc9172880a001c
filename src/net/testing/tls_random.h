// Purpose: makes OpenSSL's randomness a function of a seed, so that a simulated handshake has the same wire bytes
//          in every run. For simulation only: what it makes is no secret.
// Thread:  OpenSSL has one generator a process; all TLS must happen on the thread that installed this one.
// Owner:   the scenario; the generator before comes back when it goes. They nest.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace weft::net {

class DeterministicTlsRandom {
 public:
  explicit DeterministicTlsRandom(uint64_t seed);
  ~DeterministicTlsRandom();
  DeterministicTlsRandom(const DeterministicTlsRandom&) = delete;
  DeterministicTlsRandom& operator=(const DeterministicTlsRandom&) = delete;

  /// Fills `to`; for the generator's callback.
  void fill(unsigned char* to, int size);

 private:
  base::Random random_;
  DeterministicTlsRandom* outer_;
};

}  // namespace weft::net
