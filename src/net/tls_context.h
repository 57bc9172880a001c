// Purpose: makes TLS sessions. A context is built once from content and shared by every connection of a worker
//          whose content is equal; what differs per connection (SNI, expected names, ticket keys) goes to the session.
// Thread:  `make` any; the rest the owning worker's (it keeps sessions for resumption).
// Owner:   shared_ptr: the snapshot's listeners and clusters, and every session made from it. To replace a
//          certificate, make a new context and use it for new sessions; those that exist keep the old one alive.
// Source:  Envoy's ContextImpl, OpenSSL 3.0.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/delegate.h"
#include "base/result.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/loop.h"
#include "net/tls_config.h"
#include "net/tls_session.h"
#include "net/tls_ticket_keys.h"

namespace weft::net {

/// What a session needs of its loop: the time for verification and tickets, and memory.
struct TlsEnvironment {
  base::BlockPool* blocks;
  base::Delegate<base::WallTime()> wall_now;

  TlsEnvironment(Loop& loop)
      : blocks(&loop.blocks()), wall_now(base::Delegate<base::WallTime()>::bind<&Loop::wall_now>(loop)) {}
  TlsEnvironment(base::BlockPool& pool, base::Delegate<base::WallTime()> clock) : blocks(&pool), wall_now(clock) {}
};

/// What happens in sessions, by the names of Envoy's "ssl." counters.
enum class TlsEvent : uint8_t {
  Handshake,
  SessionReused,
  ConnectionError,
  NoCertificate,
  FailVerifyNoCert,
  FailVerifyError,
  FailVerifySan,
  FailVerifyCertHash,
  OcspStapleRequests,
  OcspStapleResponses,
  OcspStapleOmitted,
  OcspStapleFailed,
  WasKeyUsageInvalid,
  KeyUpdateFlood,
};
inline constexpr size_t kTlsEventCount = static_cast<size_t>(TlsEvent::KeyUpdateFlood) + 1;
std::string_view to_string(TlsEvent event);  ///< "fail_verify_san"

/// What a handshake agreed on, by Envoy's names; "" where there is none.
struct TlsAgreement {
  std::string_view version;              ///< "TLSv1.3"
  std::string_view cipher;               ///< "TLS_AES_128_GCM_SHA256"
  std::string_view curve;                ///< "X25519"
  std::string_view signature_algorithm;  ///< of the peer's certificate ("ecdsa_secp256r1_sha256")
};

/// Who counts. Outlives the sessions it is given to.
class TlsObserver {
 public:
  virtual void on_tls_event(TlsEvent event) = 0;
  virtual void on_tls_handshake(const TlsAgreement& agreement) = 0;  ///< once a handshake

 protected:
  ~TlsObserver() = default;
};

/// Counts in plain numbers.
struct TlsCounters final : TlsObserver {
  uint64_t events[kTlsEventCount] = {};
  std::unordered_map<std::string, uint64_t> versions, ciphers, curves, signature_algorithms;

  uint64_t operator[](TlsEvent event) const { return events[static_cast<size_t>(event)]; }
  void on_tls_event(TlsEvent event) override { ++events[static_cast<size_t>(event)]; }
  void on_tls_handshake(const TlsAgreement& agreement) override;
};

struct ServerSessionOptions {
  std::shared_ptr<const PeerRules> rules;     ///< never null; its session_scope keeps tickets apart
  std::shared_ptr<const TicketKeys> tickets;  ///< null: no tickets
  TlsObserver* observer = nullptr;
};

struct ClientSessionOptions {
  /// Never null; its session_scope is the cluster. Where a name comes with the request (auto_san_validation), it is the
  /// required_name of a copy.
  std::shared_ptr<const PeerRules> rules;
  std::string_view sni;           ///< "" sends none (also where it is an IP literal)
  std::vector<std::string> alpn;  ///< replaces the context's, where not empty
  TlsObserver* observer = nullptr;
};

/// A certificate as /certs shows it.
struct CertificateInfo {
  std::string path;  ///< the source, or "<inline>"
  std::string serial_number;
  std::vector<std::string> dns_sans, uri_sans, ip_sans;
  uint64_t days_until_expiration = 0;  ///< 0 once expired
  std::string valid_from, expiration_time;
};

class TlsContext : public std::enable_shared_from_this<TlsContext> {
 public:
  /// Errors: InvalidArgument; the message names the field, where the content came from and OpenSSL's reason:
  /// "tls_certificates[0].private_key (key.pem): key values mismatch".   Cost: milliseconds; a system CA bundle, 20 ms.
  static base::Result<std::shared_ptr<TlsContext>> make(const TlsContextConfig& config, TlsRole role);
  ~TlsContext();

  std::unique_ptr<TlsSession> new_server_session(TlsEnvironment environment, ServerSessionOptions options);
  std::unique_ptr<TlsSession> new_client_session(TlsEnvironment environment, ClientSessionOptions options);

  TlsRole role() const;
  const std::string& content_hash() const;
  std::vector<CertificateInfo> certificates(base::WallTime now) const;  ///< ours
  std::vector<CertificateInfo> authorities(base::WallTime now) const;   ///< the peer's trust anchors
  /// When the first of the certificates that Envoy watches expires: our leaves, the first of trusted_ca, all of a
  /// SPIFFE validator's bundles. None: there are none.
  std::optional<base::WallTime> first_expiry() const;

  struct Parts;  ///< private to net's tls_* files

 private:
  explicit TlsContext(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Shares contexts of equal content. Thread: one (each worker has its own).
class TlsContextCache {
 public:
  /// The context of this content, made where there is none yet. Errors: as TlsContext::make.
  base::Result<std::shared_ptr<TlsContext>> get(const TlsContextConfig& config, TlsRole role);
  /// Contexts that someone still uses.
  size_t size() const;

 private:
  std::unordered_map<std::string, std::weak_ptr<TlsContext>> contexts_;
};

}  // namespace weft::net
