// Purpose: what a TLS context is made of, as plain content: PEM bytes that were read already, never file names.
//          The fields are those of Envoy's CommonTlsContext, Downstream- and UpstreamTlsContext.
// Thread:  any (values).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace weft::net {

enum class TlsRole : uint8_t { Server, Client };

/// `Auto` is TLS 1.2 as minimum; as maximum TLS 1.3 for servers and TLS 1.2 for clients (Envoy's defaults).
enum class TlsVersion : uint8_t { Auto, Tls1_0, Tls1_1, Tls1_2, Tls1_3 };

enum class OcspStaplePolicy : uint8_t { Lenient, Strict, Must };

/// A certificate with its key. Either `chain_pem` and `key_pem`, or `pkcs12` (DER).
struct TlsCertificate {
  std::string chain_pem;  ///< leaf first, then intermediates
  std::string key_pem;
  std::string pkcs12;
  std::string password;             ///< of the key or the PKCS#12 bundle; may be empty
  std::string ocsp_staple;          ///< DER; empty: none
  std::string source = "<inline>";  ///< where it came from, for messages and /certs
};

/// The bundle that signs the identities of one SPIFFE trust domain.
struct SpiffeTrustDomain {
  std::string name;        ///< "example.org", without "spiffe://"
  std::string bundle_pem;  ///< certificates, and CRLs if any
  std::string source = "<inline>";
};

/// A pattern that the caller compiled (the proxy: RE2), for matchers of kind Regex.
class SanPattern {
 public:
  virtual ~SanPattern() = default;
  virtual bool matches(std::string_view name) const = 0;  ///< the whole of `name`. Thread: any
};

enum class SanType : uint8_t { Any, Email, Dns, Uri, IpAddress, OtherName };

/// One rule for a subject alternative name. A name that contains NUL matches none (CVE-2026-47778).
struct SanMatcher {
  enum class Kind : uint8_t { Exact, Prefix, Suffix, Contains, Regex };

  SanType type = SanType::Any;  ///< Any: Envoy's deprecated match_subject_alt_names and verify_subject_alt_name
  Kind kind = Kind::Exact;      ///< Exact on a DNS name follows wildcard rules (RFC 6125 §6.4.3)
  std::string value;            ///< for Regex, its text (names the matcher in hashes and messages)
  bool ignore_case = false;
  std::string oid;                            ///< for OtherName: its type, dotted
  std::shared_ptr<const SanPattern> pattern;  ///< for Regex
};

/// Who the peer must be. Kept apart from the context, so that clusters that differ only here share one.
struct PeerRules {
  std::vector<SanMatcher> san_matchers;  ///< any one suffices; empty: every name is accepted
  bool auto_sni_san_validation = false;  ///< client: a DNS name must match the SNI sent, instead of `san_matchers`
  /// Client: besides, some name must be this one (DNS names by wildcard rules, others exactly); empty: none need be.
  /// Not heeded by the SPIFFE validator, whose certificates have no such names.
  std::string required_name;
  /// Sessions are resumed only within one scope: the listener and filter chain, or the cluster.
  std::string session_scope;

  /// True where the rules of SPIFFE X.509-SVID hold: a URI matcher begins with "spiffe://".
  bool expects_spiffe() const;
};

/// The content of a TLS context.
struct TlsContextConfig {
  // ---- both roles ----
  std::vector<TlsCertificate> certificates;  ///< client: at most one
  std::vector<std::string> alpn;             ///< most preferred first; empty: no ALPN
  TlsVersion min_version = TlsVersion::Auto;
  TlsVersion max_version = TlsVersion::Auto;
  std::vector<std::string> cipher_suites;         ///< TLS 1.2 and below; Envoy's "[A|B]" groups are understood
  std::vector<std::string> ecdh_curves;           ///< "X25519", "P-256"
  std::vector<std::string> signature_algorithms;  ///< "ecdsa_secp256r1_sha256"

  // ---- how the peer is verified ----
  std::string trusted_ca_pem;  ///< certificates and CRLs; empty: the chain is not verified
  std::string trusted_ca_source = "<inline>";
  std::string crl_pem;
  std::string crl_source = "<inline>";
  bool only_verify_leaf_cert_crl = false;
  std::vector<std::string> verify_certificate_hash;  ///< SHA-256 of the DER, hex, with or without colons
  std::vector<std::string> verify_certificate_spki;  ///< SHA-256 of the public key's DER, base64
  bool allow_expired_certificate = false;
  bool accept_untrusted = false;                        ///< trust_chain_verification: ACCEPT_UNTRUSTED
  std::optional<uint32_t> max_verify_depth;             ///< certificates above the leaf, the trust anchor included
  std::vector<SpiffeTrustDomain> spiffe_trust_domains;  ///< not empty: the SPIFFE validator decides

  // ---- server ----
  bool require_client_certificate = false;
  bool prefer_client_ciphers = false;
  bool disable_stateless_session_resumption = false;
  bool disable_stateful_session_resumption = false;
  std::optional<base::Duration> session_timeout;  ///< whole seconds
  OcspStaplePolicy ocsp_staple_policy = OcspStaplePolicy::Lenient;
  bool full_scan_certs_on_sni_mismatch = false;

  // ---- client ----
  bool allow_renegotiation = false;
  uint32_t max_session_keys = 1;  ///< sessions kept for resumption per scope and SNI; 0: none
  bool enforce_rsa_key_usage = false;

  /// Not part of the context and of its hash: what sessions are given along with it.
  PeerRules peer;
  /// Keys of Envoy's session_ticket_keys, 80 bytes each; empty: the process makes and rotates its own. Not hashed
  /// either.
  std::vector<std::string> session_ticket_keys;

  /// SHA-256 over every field but the last two, hex: equal content, equal hash.
  std::string content_hash(TlsRole role) const;
};

/// The rules of a configuration, kept alive with it.
inline std::shared_ptr<const PeerRules> peer_rules_of(std::shared_ptr<const TlsContextConfig> config) {
  const PeerRules* rules = &config->peer;
  return {std::move(config), rules};
}

}  // namespace weft::net
