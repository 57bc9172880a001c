// What a server's handshake asks of its context: the certificate for the name, the OCSP staple, the protocol, and
// the tickets that resume sessions. Source: Envoy's DefaultTlsCertificateSelector and ServerContextImpl; RFC 5077.
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "net/tls_context_parts.h"
#include "net/tls_openssl_session.h"

namespace weft::net {
namespace {

using Parts = TlsContext::Parts;
using Candidates = std::vector<const LoadedCertificate*>;

// ---- the certificate ----

// One certificate of each key type may be a candidate: OpenSSL then takes what the client can verify, ECDSA first.
void add_candidate(Candidates& candidates, const LoadedCertificate& certificate) {
  for (const LoadedCertificate* other : candidates)
    if (other->key_type == certificate.key_type) return;
  candidates.push_back(&certificate);
}

Candidates named(const std::vector<const LoadedCertificate*>& certificates, std::string_view name) {
  Candidates out;
  for (const LoadedCertificate* certificate : certificates) {
    const auto& names = certificate->server_names;
    if (std::find(names.begin(), names.end(), name) != names.end()) add_candidate(out, *certificate);
  }
  return out;
}

Candidates select(const Parts& parts, const std::vector<const LoadedCertificate*>& usable, const std::string& sni) {
  if (usable.empty()) return {};
  if (!sni.empty()) {
    if (Candidates exact = named(usable, sni); !exact.empty()) return exact;
    const size_t dot = sni.find('.', 1);
    if (dot != std::string::npos && dot + 1 < sni.size()) {
      // Wildcards are kept as ".example.com".
      if (Candidates wildcard = named(usable, std::string_view(sni).substr(dot)); !wildcard.empty()) return wildcard;
    }
    if (!parts.scans_all_on_sni_mismatch) return {usable.front()};
  }
  Candidates all;
  for (const LoadedCertificate* certificate : usable) add_candidate(all, *certificate);
  return all;
}

// Whether policy and the staple at hand allow this certificate for a client that asks for staples.
bool may_be_shown(const Parts& parts, const LoadedCertificate& certificate, base::WallTime now) {
  if (certificate.has_valid_staple(now)) return true;
  if (certificate.is_must_staple || parts.ocsp_policy == OcspStaplePolicy::Must) return false;
  return parts.ocsp_policy == OcspStaplePolicy::Lenient || certificate.ocsp_staple.empty();
}

int choose_certificate(SSL* ssl, void*) {
  OpensslSession& session = OpensslSession::of(ssl);
  const Parts& parts = session.parts();
  const bool wants_staple = SSL_get_tlsext_status_type(ssl) == TLSEXT_STATUSTYPE_ocsp;
  if (wants_staple) session.count(TlsEvent::OcspStapleRequests);
  std::vector<const LoadedCertificate*> usable;
  for (const LoadedCertificate& certificate : parts.certificates)
    if (!wants_staple || may_be_shown(parts, certificate, session.now())) usable.push_back(&certificate);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const Candidates chosen = select(parts, usable, to_lower(name != nullptr ? name : ""));
  if (chosen.empty()) {
    session.count(TlsEvent::OcspStapleFailed);
    return 0;
  }
  SSL_certs_clear(ssl);
  for (const LoadedCertificate* certificate : chosen)
    if (SSL_use_cert_and_key(ssl, certificate->leaf.get(), certificate->key.get(), certificate->chain.get(), 1) != 1)
      return 0;
  return 1;
}

int staple(SSL* ssl, void*) {
  OpensslSession& session = OpensslSession::of(ssl);
  const X509* shown = SSL_get_certificate(ssl);
  for (const LoadedCertificate& certificate : session.parts().certificates) {
    if (certificate.leaf.get() != shown || !certificate.has_valid_staple(session.now())) continue;
    const std::string& response = certificate.ocsp_staple;
    auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(response.data(), response.size()));
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()));  // OpenSSL frees it
    session.count(TlsEvent::OcspStapleResponses);
    return SSL_TLSEXT_ERR_OK;
  }
  session.count(TlsEvent::OcspStapleOmitted);
  return SSL_TLSEXT_ERR_NOACK;
}

// ---- names ----

// The server's order decides; without a common protocol the handshake goes on without ALPN, as Envoy's.
int choose_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                void*) {
  const std::string& ours = OpensslSession::of(ssl).parts().alpn_wire;
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned>(ours.size()), in, in_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int acknowledge_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

// ---- tickets ----

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  char digest[] = "sha256";
  auto* secret = const_cast<unsigned char*>(key.hmac.data());
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, key.hmac.size()),
                               OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

// Returns what tlsext_ticket_key_evp_cb documents: 1 use, 2 use and renew, 0 unknown key, -1 error.
int crypt_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                 int encrypts) {
  const TicketKeys* keys = OpensslSession::of(ssl).tickets();
  if (keys == nullptr) return 0;
  if (encrypts == 1) {
    const TicketKeys::Key& key = keys->current();
    std::memcpy(name, key.name.data(), key.name.size());
    const bool done = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
                      EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes.data(), iv) == 1 &&
                      set_mac_key(mac, key);
    return done ? 1 : -1;
  }
  for (const TicketKeys::Key& key : keys->all()) {
    if (CRYPTO_memcmp(name, key.name.data(), key.name.size()) != 0) continue;
    const bool done =
        set_mac_key(mac, key) && EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes.data(), iv) == 1;
    if (!done) return -1;
    return &key == &keys->current() ? 1 : 2;
  }
  return 0;
}

// The ticket carries when the peer was last verified in full, so that renewals do not prolong it for ever, and behind
// that what OpenSSL leaves out: the certificates above the leaf.
int on_ticket_made(SSL* ssl, void*) {
  SSL_SESSION* ticket = SSL_get_session(ssl);
  const int64_t now = to_time_t(OpensslSession::of(ssl).now());
  void* old = nullptr;
  size_t size = 0;
  SSL_SESSION_get0_ticket_appdata(ticket, &old, &size);
  if (size < sizeof(now)) {
    std::string data(reinterpret_cast<const char*>(&now), sizeof(now));
    const std::string chain = der_of(SSL_get_peer_cert_chain(ssl));
    if (chain.size() <= base::kTlsTicketChainBytesMax) data += chain;
    SSL_SESSION_set1_ticket_appdata(ticket, data.data(), data.size());
  }
  SSL_SESSION_set_time(ticket, now);
  return 1;
}

bool is_acceptable(OpensslSession& session, SSL_SESSION* ticket, const std::string& id_context) {
  unsigned id_size = 0;
  const unsigned char* id = SSL_SESSION_get0_id_context(ticket, &id_size);
  if (std::string_view(reinterpret_cast<const char*>(id), id_size) != id_context) return false;
  void* appdata = nullptr;
  size_t size = 0;
  int64_t since = 0;
  SSL_SESSION_get0_ticket_appdata(ticket, &appdata, &size);
  if (size < sizeof(since)) return false;
  std::memcpy(&since, appdata, sizeof(since));
  const int64_t age = to_time_t(session.now()) - since;
  if (age < 0 || age > session.parts().session_seconds) return false;
  return session.parts()
      .verifier.verify_resumed(SSL_SESSION_get0_peer(ticket), session.rules(), {}, session.now())
      .is_accepted();
}

// A ticket that no longer suits is as good as none: the full handshake decides.
SSL_TICKET_RETURN on_ticket_opened(SSL* ssl, SSL_SESSION* ticket, const unsigned char*, size_t,
                                   SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  OpensslSession& session = OpensslSession::of(ssl);
  if (!is_acceptable(session, ticket, session.id_context())) return SSL_TICKET_RETURN_IGNORE_RENEW;
  SSL_SESSION_set_time(ticket, openssl_now());  // its age was judged above, by the loop's clock
  // A TLS 1.3 client uses a ticket once, so it needs another.
  const bool renews = status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) >= TLS1_3_VERSION;
  return renews ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

// ---- TLS 1.2 without tickets ----

SSL_SESSION* find_session(SSL* ssl, const unsigned char* id, int size, int* copies) {
  OpensslSession& session = OpensslSession::of(ssl);
  *copies = 0;  // our reference becomes OpenSSL's
  const std::string key(reinterpret_cast<const char*>(id), static_cast<size_t>(size));
  SslSessionPtr found = session.parts().sessions.find(key, session.now());
  if (found == nullptr) return nullptr;
  X509* peer = SSL_SESSION_get0_peer(found.get());
  if (!session.parts().verifier.verify_resumed(peer, session.rules(), {}, session.now()).is_accepted()) return nullptr;
  SSL_SESSION_set_time(found.get(), openssl_now());
  return found.release();
}

}  // namespace

void install_server_callbacks(SSL_CTX& context, Parts& parts) {
  const bool has_staples =
      parts.ocsp_policy != OcspStaplePolicy::Lenient ||
      std::any_of(parts.certificates.begin(), parts.certificates.end(), [](const LoadedCertificate& certificate) {
        return !certificate.ocsp_staple.empty() || certificate.is_must_staple;
      });
  if (parts.certificates.size() > 1 || has_staples) SSL_CTX_set_cert_cb(&context, choose_certificate, nullptr);
  if (has_staples) SSL_CTX_set_tlsext_status_cb(&context, staple);
  if (!parts.alpn_wire.empty()) SSL_CTX_set_alpn_select_cb(&context, choose_alpn, nullptr);
  SSL_CTX_set_tlsext_servername_callback(&context, acknowledge_name);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, crypt_ticket);
  SSL_CTX_set_session_ticket_cb(&context, on_ticket_made, on_ticket_opened, nullptr);
  SSL_CTX_sess_set_get_cb(&context, find_session);
}

}  // namespace weft::net
