#include "net/tls_session_store.h"

#include <algorithm>

namespace weft::net {
namespace {

// The server's hint bounds ours (RFC 8446 §4.6.1, RFC 5077 §3.3).
base::Duration lifetime_of(const SSL_SESSION& session) {
  const int64_t ours = SSL_SESSION_get_timeout(&session);
  const auto hint = static_cast<int64_t>(SSL_SESSION_get_ticket_lifetime_hint(&session));
  return base::seconds(hint > 0 ? std::min(ours, hint) : ours);
}

}  // namespace

void TlsSessionStore::add(const std::string& key, SslSessionPtr session, base::WallTime now) {
  if (per_key_ == 0 || keys_max_ == 0) return;
  auto [at, is_new] = keys_.try_emplace(key);
  if (is_new) {
    at->second.age = by_age_.insert(by_age_.end(), key);
  } else {
    by_age_.splice(by_age_.end(), by_age_, at->second.age);
  }
  at->second.sessions.push_front({std::move(session), now});
  if (at->second.sessions.size() > per_key_) at->second.sessions.pop_back();
  if (keys_.size() > keys_max_) erase(std::string(by_age_.front()));
}

SslSessionPtr TlsSessionStore::find(const std::string& key, base::WallTime now) {
  const auto at = keys_.find(key);
  if (at == keys_.end()) return nullptr;
  auto& sessions = at->second.sessions;
  while (!sessions.empty()) {
    Kept& youngest = sessions.front();
    const base::Duration lifetime = lifetime_of(*youngest.session);
    const bool is_fresh = now < youngest.since + lifetime && SSL_SESSION_is_resumable(youngest.session.get()) == 1;
    const bool is_single_use = SSL_SESSION_get_protocol_version(youngest.session.get()) >= TLS1_3_VERSION;
    if (is_fresh && !is_single_use) {
      SSL_SESSION_up_ref(youngest.session.get());
      return SslSessionPtr(youngest.session.get());
    }
    SslSessionPtr taken = std::move(youngest.session);
    sessions.pop_front();
    if (is_fresh) {
      if (sessions.empty()) erase(key);
      return taken;
    }
  }
  erase(key);
  return nullptr;
}

void TlsSessionStore::erase(const std::string& key) {
  const auto at = keys_.find(key);
  if (at == keys_.end()) return;
  const auto age = at->second.age;  // `key` may live there: it goes last
  keys_.erase(at);
  by_age_.erase(age);
}

time_t openssl_now() {
  const SslSessionPtr fresh(SSL_SESSION_new());
  return SSL_SESSION_get_time(fresh.get());
}

}  // namespace weft::net
