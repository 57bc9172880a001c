// Purpose: sessions kept for resumption: a client's by peer, and of TLS 1.2 a server's by session id. Bounded; ages
//          by the loop's clock, where OpenSSL's own cache asks the system's. Private to net's tls_* files.
// Thread:  one.   Owner: the TLS context.
#pragma once

#include <deque>
#include <list>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "net/tls_openssl.h"

namespace weft::net {

class TlsSessionStore {
 public:
  /// Keeps the `per_key` youngest sessions of a key, and the `keys_max` youngest keys.
  TlsSessionStore(size_t per_key, size_t keys_max) : per_key_(per_key), keys_max_(keys_max) {}

  void add(const std::string& key, SslSessionPtr session, base::WallTime now);
  /// The youngest session of `key` that is not older than its own timeout, or null. A TLS 1.3 session is handed out
  /// once (RFC 8446 §C.4); an older one stays until newer ones displace it.
  SslSessionPtr find(const std::string& key, base::WallTime now);
  void erase(const std::string& key);
  size_t key_count() const { return keys_.size(); }

 private:
  struct Kept {
    SslSessionPtr session;
    base::WallTime since;
  };
  struct Entry {
    std::deque<Kept> sessions;             // youngest first
    std::list<std::string>::iterator age;  // its place in by_age_
  };
  size_t per_key_, keys_max_;
  std::unordered_map<std::string, Entry> keys_;
  std::list<std::string> by_age_;  // oldest first
};

/// The moment OpenSSL believes it is: its session code compares with the system's clock only.
time_t openssl_now();

}  // namespace weft::net
