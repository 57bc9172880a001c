// RAND_METHOD is deprecated in favour of providers; it is what reaches every caller, libssl's included, in 3.0.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/testing/tls_random.h"

#include <openssl/rand.h>

#include <cstring>
#include <utility>

#include "net/tls_openssl.h"

namespace weft::net {
namespace {

// OpenSSL's callbacks carry no argument: the one place that must remember.
DeterministicTlsRandom*& installed() {
  static DeterministicTlsRandom* current = nullptr;
  return current;
}

int fill_bytes(unsigned char* to, int size) {
  installed()->fill(to, size);
  return 1;
}
int take_seed(const void*, int) { return 1; }
int take_entropy(const void*, int, double) { return 1; }
int report_ready() { return 1; }

const RAND_METHOD kMethod = {take_seed, fill_bytes, nullptr, take_entropy, fill_bytes, report_ready};

}  // namespace

DeterministicTlsRandom::DeterministicTlsRandom(uint64_t seed)
    : random_(seed), outer_(std::exchange(installed(), this)) {
  start_openssl();
  RAND_set_rand_method(&kMethod);
}

DeterministicTlsRandom::~DeterministicTlsRandom() {
  installed() = outer_;
  RAND_set_rand_method(outer_ != nullptr ? &kMethod : RAND_OpenSSL());
}

void DeterministicTlsRandom::fill(unsigned char* to, int size) {
  while (size > 0) {
    const uint64_t word = random_.next();
    const int n = size < 8 ? size : 8;
    std::memcpy(to, &word, static_cast<size_t>(n));
    to += n;
    size -= n;
  }
}

}  // namespace weft::net
