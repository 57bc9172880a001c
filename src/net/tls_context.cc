#include "net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>

#include "base/limits.h"
#include "net/tls_context_parts.h"
#include "net/tls_openssl_session.h"

namespace weft::net {
namespace {

using Parts = TlsContext::Parts;

// Envoy's default lists for builds without FIPS, server and client alike.
constexpr std::string_view kDefaultCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr std::string_view kDefaultCurves = "X25519:P-256";

base::Error bad(const std::string& what) { return {base::ErrorCode::InvalidArgument, what}; }

std::string join(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ":")); }

int wire_version(TlsVersion version, int when_auto) {
  switch (version) {
    case TlsVersion::Auto: return when_auto;
    case TlsVersion::Tls1_0: return TLS1_VERSION;
    case TlsVersion::Tls1_1: return TLS1_1_VERSION;
    case TlsVersion::Tls1_2: return TLS1_2_VERSION;
    case TlsVersion::Tls1_3: return TLS1_3_VERSION;
  }
  return when_auto;
}

base::Status set_versions(SSL_CTX& context, const TlsContextConfig& config, TlsRole role) {
  const int lowest = wire_version(config.min_version, TLS1_2_VERSION);
  const int highest = wire_version(config.max_version, role == TlsRole::Server ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (lowest > highest) return bad("tls_params: tls_minimum_protocol_version is above tls_maximum_protocol_version");
  SSL_CTX_set_min_proto_version(&context, lowest);
  SSL_CTX_set_max_proto_version(&context, highest);
  // The old versions sign with SHA-1, which OpenSSL's higher levels refuse; who asks for them gets them.
  if (lowest < TLS1_2_VERSION) SSL_CTX_set_security_level(&context, 0);
  return {};
}

// Without the suites of OpenSSL that do not encrypt or do not say who is at the other end; BoringSSL has none.
std::string protecting(const std::string& list) { return list + ":!eNULL:!aNULL"; }

// Envoy's "[A|B]" is a group of equals, for clients without AES hardware to choose from; OpenSSL has no groups, but
// moves ChaCha20 up for such clients.
base::Status set_ciphers(SSL_CTX& context, const std::vector<std::string>& suites) {
  if (suites.empty()) {
    SSL_CTX_set_options(&context, SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_cipher_list(&context, std::string(kDefaultCiphers).c_str());
    return {};
  }
  std::vector<std::string> names, rejected;
  for (const std::string& suite : suites) {
    std::string name;
    const auto add = [&] {
      if (name.empty()) return;
      const char* known = OPENSSL_cipher_name(name.c_str());  // from the IANA name
      names.emplace_back(name.starts_with("TLS_") && known != nullptr ? known : name);
      name.clear();
    };
    for (const char c : suite) {
      if (c == '[' || c == ']' || c == '|' || c == ':') {
        add();
        if (c == '|') SSL_CTX_set_options(&context, SSL_OP_PRIORITIZE_CHACHA);
      } else {
        name += c;
      }
    }
    add();
  }
  for (const std::string& name : names) {
    if (name.starts_with('-') || name.starts_with('!')) continue;
    if (SSL_CTX_set_cipher_list(&context, protecting(name).c_str()) != 1) rejected.push_back(name);
  }
  ERR_clear_error();
  if (!rejected.empty() || names.empty() || SSL_CTX_set_cipher_list(&context, protecting(join(names)).c_str()) != 1)
    return bad(
        fmt::format("tls_params.cipher_suites: failed to initialize cipher suites {}; rejected when tried "
                    "individually: {}",
                    join(suites), fmt::join(rejected, ", ")));
  return {};
}

base::Status set_algorithms(SSL_CTX& context, const TlsContextConfig& config) {
  const std::string curves = config.ecdh_curves.empty() ? std::string(kDefaultCurves) : join(config.ecdh_curves);
  if (SSL_CTX_set1_groups_list(&context, curves.c_str()) != 1) {
    ERR_clear_error();
    return bad("tls_params.ecdh_curves: failed to initialize ECDH curves " + curves);
  }
  if (config.signature_algorithms.empty()) return {};
  const std::string algorithms = join(config.signature_algorithms);
  if (SSL_CTX_set1_sigalgs_list(&context, algorithms.c_str()) != 1 ||
      SSL_CTX_set1_client_sigalgs_list(&context, algorithms.c_str()) != 1) {
    ERR_clear_error();
    return bad("tls_params.signature_algorithms: failed to initialize signature algorithms " + algorithms);
  }
  return {};
}

base::Status load_certificates(Parts& parts, const TlsContextConfig& config) {
  if (parts.role == TlsRole::Server && config.certificates.empty())
    return bad("tls_certificates: a server needs one or more");
  if (parts.role == TlsRole::Client && config.certificates.size() > 1)
    return bad("tls_certificates: a client shows one at most");
  for (size_t i = 0; i < config.certificates.size(); ++i) {
    const std::string field = fmt::format("tls_certificates[{}]", i);
    auto certificate = load_certificate(config.certificates[i], field);
    if (!certificate) return certificate.error();
    if (certificate->ocsp_staple.empty() && certificate->is_must_staple && parts.role == TlsRole::Server)
      return bad(field + ".ocsp_staple: OCSP response is required for must-staple certificate");
    if (certificate->ocsp_staple.empty() && config.ocsp_staple_policy == OcspStaplePolicy::Must)
      return bad(field + ".ocsp_staple: required by ocsp_staple_policy MUST_STAPLE");
    parts.certificates.push_back(std::move(*certificate));
  }
  if (parts.certificates.empty()) return {};
  const LoadedCertificate& first = parts.certificates.front();
  if (SSL_CTX_use_cert_and_key(parts.ssl_ctx.get(), first.leaf.get(), first.key.get(), first.chain.get(), 1) != 1)
    return bad("tls_certificates[0] (" + first.source + "): " + take_openssl_reason());
  return {};
}

void set_options(Parts& parts, const TlsContextConfig& config) {
  SSL_CTX& context = *parts.ssl_ctx;
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_cert_list(&context, base::kTlsPeerChainBytesMax);
  if (!config.allow_renegotiation || parts.role == TlsRole::Server)
    SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION);
  if (!config.prefer_client_ciphers) SSL_CTX_set_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_timeout(&context, parts.session_seconds);
  // OpenSSL's own caches read the system's clock; sessions are kept by ours.
  const bool keeps =
      parts.role == TlsRole::Client ? config.max_session_keys > 0 : !config.disable_stateful_session_resumption;
  const long side = parts.role == TlsRole::Client ? SSL_SESS_CACHE_CLIENT : SSL_SESS_CACHE_SERVER;
  SSL_CTX_set_session_cache_mode(&context, keeps ? side | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
  parts.sessions = parts.role == TlsRole::Client ? TlsSessionStore(config.max_session_keys, base::kTlsSessionPeersMax)
                                                 : TlsSessionStore(keeps ? 1 : 0, base::kTlsServerSessionsMax);
}

base::Status set_alpn(Parts& parts, const TlsContextConfig& config) {
  for (const std::string& name : config.alpn)
    if (name.empty() || name.size() > 255) return bad("alpn_protocols: a name has 1 to 255 bytes");
  parts.alpn_wire = alpn_wire_of(config.alpn);
  if (parts.role == TlsRole::Client && !parts.alpn_wire.empty())
    SSL_CTX_set_alpn_protos(parts.ssl_ctx.get(), reinterpret_cast<const unsigned char*>(parts.alpn_wire.data()),
                            static_cast<unsigned>(parts.alpn_wire.size()));
  return {};
}

int verify_peer(X509_STORE_CTX* chain, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return OpensslSession::of(ssl).on_verify(*chain);
}

void on_message(int is_sent, int, int content_type, const void* bytes, size_t size, SSL* ssl, void*) {
  OpensslSession::of(ssl).on_message(is_sent == 1, content_type, static_cast<const unsigned char*>(bytes), size);
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  OpensslSession::of(ssl).keep_session(SslSessionPtr(session));
  return 1;  // the reference is ours
}

void install_common_callbacks(SSL_CTX& context) {
  SSL_CTX_set_cert_verify_callback(&context, verify_peer, nullptr);
  SSL_CTX_set_msg_callback(&context, on_message);
  SSL_CTX_sess_set_new_cb(&context, on_new_session);
}

CertificateInfo describe(X509& certificate, const std::string& source, base::WallTime now) {
  CertificateInfo info;
  info.path = source;
  info.serial_number = serial_of(certificate);
  for (SubjectAltName& san : subject_alt_names(certificate)) {
    if (san.type == SanType::Dns) info.dns_sans.push_back(std::move(san.text));
    else if (san.type == SanType::Uri) info.uri_sans.push_back(std::move(san.text));
    else if (san.type == SanType::IpAddress) info.ip_sans.push_back(std::move(san.text));
  }
  const base::WallTime end = not_after_of(certificate);
  if (end > now)
    info.days_until_expiration = static_cast<uint64_t>(std::chrono::floor<std::chrono::days>(end - now).count());
  // As protobuf's JSON writes a Timestamp of whole seconds.
  const auto without_fraction = [](const std::string& time) { return time.substr(0, time.find('.')) + 'Z'; };
  info.valid_from = without_fraction(to_rfc3339(not_before_of(certificate)));
  info.expiration_time = without_fraction(to_rfc3339(end));
  return info;
}

}  // namespace

std::string alpn_wire_of(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) {
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

base::Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsContextConfig& config, TlsRole role) {
  start_openssl();
  ERR_clear_error();
  auto parts = std::make_unique<Parts>();
  parts->role = role;
  parts->content_hash = config.content_hash(role);
  parts->ssl_ctx.reset(SSL_CTX_new(TLS_method()));
  if (parts->ssl_ctx == nullptr) return bad("TLS context: " + take_openssl_reason());
  parts->ocsp_policy = config.ocsp_staple_policy;
  parts->scans_all_on_sni_mismatch = config.full_scan_certs_on_sni_mismatch;
  parts->has_stateless_resumption = !config.disable_stateless_session_resumption;
  parts->enforces_rsa_key_usage = config.enforce_rsa_key_usage;
  parts->allows_renegotiation = config.allow_renegotiation;
  parts->session_seconds = config.session_timeout
                               ? std::chrono::duration_cast<std::chrono::seconds>(*config.session_timeout).count()
                               : base::kTlsSessionSeconds;
  auto status = set_versions(*parts->ssl_ctx, config, role);
  if (status) status = set_ciphers(*parts->ssl_ctx, config.cipher_suites);
  if (status) status = set_algorithms(*parts->ssl_ctx, config);
  if (status) status = load_certificates(*parts, config);
  if (status) status = set_alpn(*parts, config);
  if (status && !config.session_ticket_keys.empty())
    if (auto keys = TicketKeys::from_given(config.session_ticket_keys); !keys) status = keys.error();
  if (!status) return status.error();
  auto verifier = PeerVerifier::make(config, role);
  if (!verifier) return verifier.error();
  if (config.peer.auto_sni_san_validation && config.trusted_ca_pem.empty())
    return bad("auto_sni_san_validation: configured without a trusted CA");
  parts->verifier = std::move(*verifier);
  parts->verifier.configure(*parts->ssl_ctx);
  set_options(*parts, config);
  install_common_callbacks(*parts->ssl_ctx);
  if (role == TlsRole::Server) install_server_callbacks(*parts->ssl_ctx, *parts);
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(parts)));
}

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::~TlsContext() = default;

std::unique_ptr<TlsSession> TlsContext::new_server_session(TlsEnvironment environment, ServerSessionOptions options) {
  WEFT_ASSERT(role() == TlsRole::Server);
  return std::make_unique<OpensslSession>(shared_from_this(), *parts_, environment, std::move(options));
}

std::unique_ptr<TlsSession> TlsContext::new_client_session(TlsEnvironment environment, ClientSessionOptions options) {
  WEFT_ASSERT(role() == TlsRole::Client);
  return std::make_unique<OpensslSession>(shared_from_this(), *parts_, environment, std::move(options));
}

TlsRole TlsContext::role() const { return parts_->role; }
const std::string& TlsContext::content_hash() const { return parts_->content_hash; }

std::vector<CertificateInfo> TlsContext::certificates(base::WallTime now) const {
  std::vector<CertificateInfo> out;
  for (const LoadedCertificate& certificate : parts_->certificates)
    out.push_back(describe(*certificate.leaf, certificate.source, now));
  return out;
}

std::vector<CertificateInfo> TlsContext::authorities(base::WallTime now) const {
  std::vector<CertificateInfo> out;
  for (const auto& [certificate, source] : parts_->verifier.authorities())
    out.push_back(describe(*certificate, source, now));
  return out;
}

std::optional<base::WallTime> TlsContext::first_expiry() const {
  std::optional<base::WallTime> first;
  const auto note = [&](X509& certificate) {
    const base::WallTime end = not_after_of(certificate);
    first = std::min(first.value_or(end), end);
  };
  for (const LoadedCertificate& certificate : parts_->certificates) note(*certificate.leaf);
  for (const auto& [certificate, source] : parts_->verifier.authorities()) {
    note(*certificate);
    // A bundle of the world's authorities holds some that nobody misses.
    if (!parts_->verifier.is_spiffe_validator()) break;
  }
  return first;
}

base::Result<std::shared_ptr<TlsContext>> TlsContextCache::get(const TlsContextConfig& config, TlsRole role) {
  const std::string hash = config.content_hash(role);
  if (const auto at = contexts_.find(hash); at != contexts_.end())
    if (auto existing = at->second.lock(); existing != nullptr) return existing;
  auto made = TlsContext::make(config, role);
  if (!made) return made.error();
  std::erase_if(contexts_, [](const auto& entry) { return entry.second.expired(); });
  contexts_[hash] = *made;
  return *made;
}

size_t TlsContextCache::size() const {
  return static_cast<size_t>(
      std::count_if(contexts_.begin(), contexts_.end(), [](const auto& entry) { return !entry.second.expired(); }));
}

void TlsCounters::on_tls_handshake(const TlsAgreement& agreement) {
  ++versions[std::string(agreement.version)];
  ++ciphers[std::string(agreement.cipher)];
  if (!agreement.curve.empty()) ++curves[std::string(agreement.curve)];
  if (!agreement.signature_algorithm.empty()) ++signature_algorithms[std::string(agreement.signature_algorithm)];
}

std::string_view to_string(TlsEvent event) {
  static constexpr std::string_view kNames[kTlsEventCount] = {"handshake",
                                                              "session_reused",
                                                              "connection_error",
                                                              "no_certificate",
                                                              "fail_verify_no_cert",
                                                              "fail_verify_error",
                                                              "fail_verify_san",
                                                              "fail_verify_cert_hash",
                                                              "ocsp_staple_requests",
                                                              "ocsp_staple_responses",
                                                              "ocsp_staple_omitted",
                                                              "ocsp_staple_failed",
                                                              "was_key_usage_invalid",
                                                              "key_update_flood"};
  return kNames[static_cast<size_t>(event)];
}

}  // namespace weft::net
