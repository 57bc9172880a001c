#include "net/tls_openssl_session.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "net/tls_certificate.h"
#include "net/tls_context_parts.h"

namespace weft::net {
namespace {

constexpr size_t kRecordBytesMax = 16 * 1024;

// ---- the BIO ----

int read_bio(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  const size_t n = static_cast<OpensslSession*>(BIO_get_data(bio))->read_cipher(to, static_cast<size_t>(size));
  if (n > 0) return static_cast<int>(n);
  BIO_set_retry_read(bio);
  return -1;
}

int write_bio(BIO* bio, const char* from, int size) {
  static_cast<OpensslSession*>(BIO_get_data(bio))->write_cipher(from, static_cast<size_t>(size));
  return size;
}

long control_bio(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_bio_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft chain");
  BIO_meth_set_read(method, read_bio);
  BIO_meth_set_write(method, write_bio);
  BIO_meth_set_ctrl(method, control_bio);
  return method;
}

BIO* new_bio(OpensslSession* session) {
  static const BIO_METHOD* const method = make_bio_method();  // once a process; never written again
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, session);
  BIO_set_init(bio, 1);
  return bio;
}

// What another call left behind would be taken for this one's. Looking is cheaper than clearing.
void clear_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

bool is_ip_literal(const std::string& name) {
  unsigned char ip[16];
  return inet_pton(AF_INET, name.c_str(), ip) == 1 || inet_pton(AF_INET6, name.c_str(), ip) == 1;
}

/// Calls `visit` with the leaf and each of `others` behind it. A client's list of the peer's chain begins with the
/// leaf, a server's does not.
template <typename Visit>
void for_each_of_chain(X509& leaf, STACK_OF(X509) * others, Visit visit) {
  visit(leaf);
  for (int i = 0; i < sk_X509_num(others); ++i) {
    X509* certificate = sk_X509_value(others, i);
    if (i > 0 || X509_cmp(&leaf, certificate) != 0) visit(*certificate);
  }
}

// A server's resumed session holds the leaf only; its ticket, the rest (tls_server.cc).
X509StackPtr chain_of_ticket(SSL_SESSION* session) {
  void* data = nullptr;
  size_t size = 0;
  SSL_SESSION_get0_ticket_appdata(session, &data, &size);
  constexpr size_t kTimeBytes = sizeof(int64_t);
  if (size <= kTimeBytes) return nullptr;
  return certificates_of_der({static_cast<const char*>(data) + kTimeBytes, size - kTimeBytes});
}

// Envoy's spelling.
std::string_view curve_name(SSL* ssl) {
  if (SSL_get_session(ssl) == nullptr) return "";  // OpenSSL would look into it
  const int id = static_cast<int>(SSL_get_negotiated_group(ssl));
  switch (id) {
    case NID_X9_62_prime256v1: return "P-256";
    case NID_secp384r1: return "P-384";
    case NID_secp521r1: return "P-521";
    default: break;
  }
  const char* name = id != 0 ? OBJ_nid2sn(id) : nullptr;
  return name != nullptr ? name : "";
}

/// The algorithm of the peer's signature in the handshake, as TLS and Envoy name it; "" where it made none.
std::string_view signature_algorithm_name(SSL* ssl) {
  struct Name {
    int type, hash;
    std::string_view name;
  };
  static constexpr Name kNames[] = {{EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256"},
                                    {EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384"},
                                    {EVP_PKEY_EC, NID_sha512, "ecdsa_secp521r1_sha512"},
                                    {EVP_PKEY_EC, NID_sha1, "ecdsa_sha1"},
                                    {EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_rsae_sha256"},
                                    {EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_rsae_sha384"},
                                    {EVP_PKEY_RSA_PSS, NID_sha512, "rsa_pss_rsae_sha512"},
                                    {EVP_PKEY_RSA, NID_sha256, "rsa_pkcs1_sha256"},
                                    {EVP_PKEY_RSA, NID_sha384, "rsa_pkcs1_sha384"},
                                    {EVP_PKEY_RSA, NID_sha512, "rsa_pkcs1_sha512"},
                                    {EVP_PKEY_RSA, NID_sha1, "rsa_pkcs1_sha1"},
                                    {EVP_PKEY_ED25519, NID_undef, "ed25519"}};
  int type = NID_undef, hash = NID_undef;
  if (SSL_get_peer_signature_type_nid(ssl, &type) != 1) return {};
  SSL_get_peer_signature_nid(ssl, &hash);
  for (const Name& name : kNames) {
    if (name.type == type && (name.hash == hash || name.hash == NID_undef)) return name.name;
  }
  return {};
}

}  // namespace

OpensslSession::OpensslSession(std::shared_ptr<TlsContext> context, TlsContext::Parts& parts,
                               TlsEnvironment environment, ServerSessionOptions options)
    : context_(std::move(context)),
      parts_(parts),
      environment_(environment),
      rules_(std::move(options.rules)),
      tickets_(std::move(options.tickets)),
      observer_(options.observer) {
  open(rules_);
  SSL_set_accept_state(ssl_.get());
  if (!parts_.has_stateless_resumption || tickets_ == nullptr) {
    SSL_set_options(ssl_.get(), SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl_.get(), 0);  // else TLS 1.3 would send stateful ones
  }
  const std::string& id = parts_.session_id_context(rules_);
  SSL_set_session_id_context(ssl_.get(), reinterpret_cast<const unsigned char*>(id.data()),
                             static_cast<unsigned>(id.size()));
}

OpensslSession::OpensslSession(std::shared_ptr<TlsContext> context, TlsContext::Parts& parts,
                               TlsEnvironment environment, ClientSessionOptions options)
    : context_(std::move(context)),
      parts_(parts),
      environment_(environment),
      rules_(std::move(options.rules)),
      observer_(options.observer),
      sni_(options.sni) {
  open(rules_);
  SSL_set_connect_state(ssl_.get());
  if (!sni_.empty() && !is_ip_literal(sni_)) SSL_set_tlsext_host_name(ssl_.get(), sni_.c_str());
  if (!options.alpn.empty()) {
    const std::string wire = alpn_wire_of(options.alpn);
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  offer_session();
}

void OpensslSession::open(const std::shared_ptr<const PeerRules>& rules) {
  ssl_.reset(SSL_new(parts_.ssl_ctx.get()));
  WEFT_ASSERT(ssl_ != nullptr && rules != nullptr);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_verify(ssl_.get(), parts_.verifier.verify_mode(*rules), nullptr);
  BIO* bio = new_bio(this);
  SSL_set_bio(ssl_.get(), bio, bio);
}

OpensslSession::~OpensslSession() {
  // A connection that is cut may still be resumed: OpenSSL forgets sessions that were not closed in order.
  if (is_established()) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  flush_block();
}

OpensslSession& OpensslSession::of(const SSL* ssl) { return *static_cast<OpensslSession*>(SSL_get_app_data(ssl)); }

// ---- TlsSession ----

base::Status OpensslSession::start() {
  if (parts_.role == TlsRole::Server) return {};
  return handshake();
}

base::Status OpensslSession::receive(base::Slice ciphertext, base::Chain& plaintext) {
  if (state_ == State::Failed) return error_;
  if (has_received_close_) return {};  // what follows close_notify is ignored (RFC 8446 §6.1)
  in_.append(std::move(ciphertext));
  if (state_ == State::Handshaking) {
    if (auto status = handshake(); !status) return status;
    if (!is_established()) return {};
  }
  return read_plaintext(plaintext);
}

base::Status OpensslSession::send(base::Chain plaintext) {
  if (state_ == State::Failed) return error_;
  if (is_shut_down_) return {};
  if (state_ == State::Established) return encrypt(std::move(plaintext));
  if (early_plaintext_ == nullptr) early_plaintext_ = std::make_unique<base::Chain>();
  early_plaintext_->append(std::move(plaintext));
  return {};
}

void OpensslSession::shutdown() {
  if (is_shut_down_) return;
  is_shut_down_ = true;
  if (is_established()) send_close();  // else when the handshake is done
}

void OpensslSession::send_close() {
  SSL_shutdown(ssl_.get());
  clear_errors();
}

void OpensslSession::take_output(base::Chain& out) {
  flush_block();
  out.append(std::move(out_));
}

std::string_view OpensslSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

// ---- handshake ----

base::Status OpensslSession::handshake() {
  clear_errors();
  const int result = SSL_do_handshake(ssl_.get());
  if (abuse_ != nullptr) return fail(abuse_);
  if (result == 1) return on_handshake_done();
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return {};
  return fail();
}

base::Status OpensslSession::on_handshake_done() {
  const bool is_resumed = SSL_session_reused(ssl_.get()) == 1;
  X509* peer = SSL_get0_peer_certificate(ssl_.get());
  if (is_resumed) {
    // The certificate was verified when the session began; whether it still suits is asked again.
    const VerifyOutcome outcome = parts_.verifier.verify_resumed(peer, *rules_, sni_, now());
    is_peer_validated_ = outcome.is_validated;
    if (!outcome.is_accepted()) {
      verify_failure_ = outcome.failure;
      out_.clear();
      return fail(outcome.detail);
    }
  }
  if (auto status = check_key_usage(); !status) return status;
  state_ = State::Established;
  count(TlsEvent::Handshake);
  if (is_resumed) count(TlsEvent::SessionReused);
  if (peer == nullptr) count(TlsEvent::NoCertificate);
  if (observer_ != nullptr)
    observer_->on_tls_handshake({.version = SSL_get_version(ssl_.get()),
                                 .cipher = SSL_get_cipher_name(ssl_.get()),
                                 .curve = curve_name(ssl_.get()),
                                 .signature_algorithm = signature_algorithm_name(ssl_.get())});
  const std::unique_ptr<base::Chain> waiting = std::move(early_plaintext_);
  if (waiting != nullptr)
    if (auto status = encrypt(std::move(*waiting)); !status) return status;
  if (is_shut_down_) send_close();
  return {};
}

// UpstreamTlsContext.enforce_rsa_key_usage: an RSA certificate that names its usages must name the one it is used for.
base::Status OpensslSession::check_key_usage() {
  X509* peer = SSL_get0_peer_certificate(ssl_.get());
  if (parts_.role != TlsRole::Client || peer == nullptr) return {};
  if (EVP_PKEY_get_base_id(X509_get0_pubkey(peer)) != EVP_PKEY_RSA) return {};
  if ((X509_get_extension_flags(peer) & EXFLAG_KUSAGE) == 0) return {};
  const bool is_key_transport = SSL_CIPHER_get_kx_nid(SSL_get_current_cipher(ssl_.get())) == NID_kx_rsa;
  const uint32_t needed = is_key_transport ? KU_KEY_ENCIPHERMENT : KU_DIGITAL_SIGNATURE;
  if ((X509_get_key_usage(peer) & needed) != 0) return {};
  count(TlsEvent::WasKeyUsageInvalid);
  if (parts_.enforces_rsa_key_usage) return fail("KEY_USAGE_BIT_INCORRECT");
  return {};
}

int OpensslSession::on_verify(X509_STORE_CTX& chain) {
  VerifyOutcome outcome = parts_.verifier.verify(chain, *rules_, sni_, now());
  is_peer_validated_ = outcome.is_validated;
  verify_failure_ = outcome.failure;
  verify_detail_ = std::move(outcome.detail);
  X509_STORE_CTX_set_error(&chain, outcome.is_accepted() ? X509_V_OK : outcome.x509_error);
  return outcome.is_accepted() ? 1 : 0;
}

// Limits on what a peer may ask for after the handshake, where each byte of it costs us many.
void OpensslSession::on_message(bool is_sent, int content_type, const unsigned char* bytes, size_t size) {
  if (is_sent || content_type != SSL3_RT_HANDSHAKE || size == 0 || !is_established()) return;
  switch (bytes[0]) {
    case SSL3_MT_KEY_UPDATE: {
      const int64_t second = to_time_t(now());
      if (second != key_update_second_) key_updates_ = 0;
      key_update_second_ = second;
      if (++key_updates_ <= base::kTlsKeyUpdatesPerSecondMax) return;
      if (abuse_ == nullptr) count(TlsEvent::KeyUpdateFlood);
      abuse_ = "TOO_MANY_KEY_UPDATES";
      return;
    }
    case SSL3_MT_NEWSESSION_TICKET:
      if (++tickets_received_ > base::kTlsTicketsReceivedMax) abuse_ = "TOO_MANY_SESSION_TICKETS";
      return;
    case SSL3_MT_CLIENT_HELLO:
    case SSL3_MT_HELLO_REQUEST:
      if (parts_.role == TlsRole::Server || !parts_.allows_renegotiation) abuse_ = "NO_RENEGOTIATION";
      return;
    default: return;
  }
}

// ---- records ----

base::Status OpensslSession::read_plaintext(base::Chain& plaintext) {
  clear_errors();
  base::Block* block = nullptr;
  size_t used = 0;
  const auto deliver = [&] {
    if (block != nullptr)
      plaintext.append(base::Slice::adopt(std::exchange(block, nullptr), 0, std::exchange(used, 0)));
  };
  int result = 1;
  while (result == 1 && !has_received_close_) {
    if (in_.is_empty() && SSL_pending(ssl_.get()) == 0) break;  // saves the call that would say WANT_READ
    // No more comes out than went in.
    if (block == nullptr)
      block = environment_.blocks->allocate(std::min<size_t>(in_.size() + undelivered_, base::BlockPool::kLargeBytes));
    size_t n = 0;
    result = SSL_read_ex(ssl_.get(), block->data() + used, block->capacity - used, &n);
    if (result == 1) {
      undelivered_ = static_cast<size_t>(SSL_pending(ssl_.get()));
      used += n;
      if (used == block->capacity) deliver();
    }
  }
  deliver();
  if (abuse_ != nullptr) return fail(abuse_);
  release_buffers();
  if (result == 1) return {};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {};
    case SSL_ERROR_ZERO_RETURN:
      has_received_close_ = true;
      in_.clear();
      return {};
    default: return fail();
  }
}

base::Status OpensslSession::encrypt(base::Chain plaintext) {
  clear_errors();
  while (!plaintext.is_empty()) {
    if (plaintext.slice_count() == 1 || plaintext.front().size() >= kRecordBytesMax) {
      const base::Slice slice = plaintext.pop_front();
      if (auto status = write_plaintext(slice.view()); !status) return status;
      continue;
    }
    // Small slices share a record: a head and its body are one.
    const size_t size = std::min<size_t>(plaintext.size(), base::BlockPool::kLargeBytes);
    base::Block* gathered = environment_.blocks->allocate(size);
    size_t used = 0;
    while (used < size) {
      base::Slice& front = plaintext.front();
      const size_t n = std::min(front.size(), size - used);
      std::memcpy(gathered->data() + used, front.data(), n);
      used += n;
      plaintext.remove_prefix(n);
    }
    const base::Slice record = base::Slice::adopt(gathered, 0, size);
    if (auto status = write_plaintext(record.view()); !status) return status;
  }
  return {};
}

base::Status OpensslSession::write_plaintext(std::string_view bytes) {
  size_t written = 0;
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1) return {};
  return fail();
}

size_t OpensslSession::read_cipher(char* to, size_t size) {
  if (abuse_ != nullptr) return 0;  // reads no further
  size_t n = 0;
  while (n < size && !in_.is_empty()) {
    const base::Slice& front = in_.front();
    const size_t part = std::min(size - n, front.size());
    std::memcpy(to + n, front.data(), part);
    follow_records(front.view().substr(0, part));
    in_.remove_prefix(part);
    n += part;
  }
  undelivered_ += n;
  return n;
}

// Where the records that OpenSSL has taken end: header_bytes_ and record_bytes_ are 0 between two.
void OpensslSession::follow_records(std::string_view bytes) {
  while (!bytes.empty()) {
    if (header_bytes_ < 5) {
      if (header_bytes_ >= 3)
        record_bytes_ = static_cast<uint16_t>(record_bytes_ << 8 | static_cast<uint8_t>(bytes[0]));
      ++header_bytes_;
      bytes.remove_prefix(1);
    } else {
      const size_t n = std::min<size_t>(bytes.size(), record_bytes_);
      record_bytes_ = static_cast<uint16_t>(record_bytes_ - n);
      bytes.remove_prefix(n);
    }
    if (header_bytes_ == 5 && record_bytes_ == 0) header_bytes_ = 0;
  }
}

// SSL_MODE_RELEASE_BUFFERS leaves a buffer of 16 KiB behind after handshake messages, tickets among them. Freeing it
// inside a record would lose the record's header.
void OpensslSession::release_buffers() {
  if (in_.is_empty() && header_bytes_ == 0 && SSL_pending(ssl_.get()) == 0) SSL_free_buffers(ssl_.get());
}

void OpensslSession::write_cipher(const char* from, size_t size) {
  while (size > 0) {
    if (block_ == nullptr) block_ = environment_.blocks->allocate(std::min<size_t>(size, base::BlockPool::kLargeBytes));
    const size_t n = std::min<size_t>(size, block_->capacity - block_used_);
    std::memcpy(block_->data() + block_used_, from, n);
    block_used_ += static_cast<uint32_t>(n);
    from += n;
    size -= n;
    if (block_used_ == block_->capacity) flush_block();
  }
}

void OpensslSession::flush_block() {
  if (block_ == nullptr) return;
  out_.append(base::Slice::adopt(std::exchange(block_, nullptr), 0, std::exchange(block_used_, 0)));
}

base::Error OpensslSession::fail(std::string reason) {
  const unsigned long last = ERR_peek_last_error();
  const bool is_no_certificate =
      ERR_GET_LIB(last) == ERR_LIB_SSL && ERR_GET_REASON(last) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  std::string text = take_openssl_errors();
  if (!reason.empty()) text = "TLS_error:|" + reason;
  if (text.empty()) text = "TLS_error:|unknown";
  if (reason.empty() && verify_failure_ != VerifyOutcome::Failure::None) text += ':' + verify_detail_;
  if (is_no_certificate) text += ":peer did not provide required client certificate";
  text += ":TLS_error_end";
  switch (verify_failure_) {
    case VerifyOutcome::Failure::Chain: count(TlsEvent::FailVerifyError); break;
    case VerifyOutcome::Failure::San: count(TlsEvent::FailVerifySan); break;
    case VerifyOutcome::Failure::Hash: count(TlsEvent::FailVerifyCertHash); break;
    case VerifyOutcome::Failure::None:
      count(is_no_certificate ? TlsEvent::FailVerifyNoCert : TlsEvent::ConnectionError);
      break;
  }
  state_ = State::Failed;
  in_.clear();
  early_plaintext_.reset();
  const base::Side side = parts_.role == TlsRole::Server ? base::Side::Downstream : base::Side::Upstream;
  error_ = base::Error(base::ErrorCode::Tls, std::move(text), side);
  return error_;
}

// ---- resumption, client side ----

std::string OpensslSession::session_key() const {
  std::string key = rules_->session_scope;
  key += '\0';
  key += sni_;
  return key;
}

void OpensslSession::offer_session() {
  SslSessionPtr session = parts_.sessions.find(session_key(), now());
  if (session == nullptr) return;
  X509* peer = SSL_SESSION_get0_peer(session.get());
  if (!parts_.verifier.verify_resumed(peer, *rules_, sni_, now()).is_accepted()) return;
  // Reported as new: the age on the wire then depends on no clock. It matters for early data only, which is off.
  SSL_SESSION_set_time(session.get(), openssl_now());
  SSL_set_session(ssl_.get(), session.get());
}

void OpensslSession::keep_session(SslSessionPtr session) {
  if (parts_.role == TlsRole::Client) return parts_.sessions.add(session_key(), std::move(session), now());
  unsigned size = 0;
  const unsigned char* id = SSL_SESSION_get_id(session.get(), &size);
  if (size == 0 || SSL_SESSION_get_protocol_version(session.get()) >= TLS1_3_VERSION) return;
  parts_.sessions.add(std::string(reinterpret_cast<const char*>(id), size), std::move(session), now());
}

// ---- what is known of it ----

const TlsInfo& OpensslSession::info() {
  if (info_ != nullptr && is_info_final_) return *info_;
  is_info_final_ = state_ != State::Handshaking;
  auto info = std::make_unique<TlsInfo>();
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  info->server_name = to_lower(name != nullptr ? name : "");
  info->alpn = alpn();
  info->version = SSL_get_version(ssl_.get());
  if (SSL_get_current_cipher(ssl_.get()) != nullptr) info->cipher = SSL_get_cipher_name(ssl_.get());
  if (const SSL_SESSION* session = SSL_get_session(ssl_.get()); session != nullptr) {
    unsigned size = 0;
    const unsigned char* id = SSL_SESSION_get_id(session, &size);
    info->session_id = to_hex({reinterpret_cast<const char*>(id), size});
  }
  info->is_resumed = SSL_session_reused(ssl_.get()) == 1;
  info->is_peer_validated = is_peer_validated_;
  if (X509* own = SSL_get_certificate(ssl_.get()); own != nullptr) {
    info->local_subject = subject_of(*own);
    for (SubjectAltName& san : subject_alt_names(*own)) {
      switch (san.type) {
        case SanType::Uri: info->local_uri_sans.push_back(std::move(san.text)); break;
        case SanType::Dns: info->local_dns_sans.push_back(std::move(san.text)); break;
        case SanType::IpAddress: info->local_ip_sans.push_back(std::move(san.text)); break;
        case SanType::Email: info->local_email_sans.push_back(std::move(san.text)); break;
        case SanType::OtherName: info->local_other_name_sans.push_back(std::move(san.text)); break;
        default: break;
      }
    }
  }
  info->group = curve_name(ssl_.get());
  info_ = std::move(info);
  if (X509* peer = SSL_get0_peer_certificate(ssl_.get()); peer != nullptr) fill_peer(*peer);
  return *info_;
}

void OpensslSession::fill_peer(X509& peer) {
  TlsInfo& info = *info_;
  info.has_peer_certificate = true;
  info.peer_subject = subject_of(peer);
  info.peer_issuer = issuer_of(peer);
  info.peer_serial = serial_of(peer);
  info.peer_certificate_sha256 = to_hex(sha256_of(peer));
  info.peer_certificate_pem = pem_of(peer);
  const X509StackPtr kept = info.is_resumed ? chain_of_ticket(SSL_get_session(ssl_.get())) : nullptr;
  for_each_of_chain(peer, kept != nullptr ? kept.get() : SSL_get_peer_cert_chain(ssl_.get()), [&](X509& certificate) {
    info.peer_chain_pem += pem_of(certificate);
    info.peer_chain_serials.push_back(serial_of(certificate));
    info.peer_chain_sha256s.push_back(to_hex(sha256_of(certificate)));
    info.peer_chain_sha1s.push_back(to_hex(sha1_of(certificate)));
  });
  // Leaf first, then who signed it.
  const STACK_OF(X509)* verified = info.is_peer_validated ? SSL_get0_verified_chain(ssl_.get()) : nullptr;
  if (verified != nullptr && sk_X509_num(verified) > 1) {
    X509& issuer = *sk_X509_value(verified, 1);
    info.peer_issuer_serial = serial_of(issuer);
    info.peer_issuer_sha256 = to_hex(sha256_of(issuer));
  }
  info.peer_not_before = to_rfc3339(not_before_of(peer));
  info.peer_not_after = to_rfc3339(not_after_of(peer));
  for (SubjectAltName& san : subject_alt_names(peer)) {
    if (san.has_nul) continue;  // a reader that stops at NUL would see another name
    switch (san.type) {
      case SanType::Uri: info.peer_uri_sans.push_back(std::move(san.text)); break;
      case SanType::Dns: info.peer_dns_sans.push_back(std::move(san.text)); break;
      case SanType::IpAddress: info.peer_ip_sans.push_back(std::move(san.text)); break;
      case SanType::Email: info.peer_email_sans.push_back(std::move(san.text)); break;
      case SanType::OtherName: info.peer_other_name_sans.push_back(std::move(san.text)); break;
      default: break;
    }
  }
}

}  // namespace weft::net
