// Purpose: decides whether a peer's certificate is accepted: chain, revocation, names, pinned hashes, SPIFFE.
//          Private to net's tls_* files.
// Thread:  any; immutable once made.   Source: Envoy's default and SPIFFE validators; SPIFFE X509-SVID §4–5.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/tls_config.h"
#include "net/tls_openssl.h"

namespace weft::net {

struct SubjectAltName;

/// What the verification found. `detail` is Envoy's text ("verify cert failed: SAN matcher, …").
struct VerifyOutcome {
  enum class Failure : uint8_t { None, Chain, San, Hash };
  Failure failure = Failure::None;
  bool is_validated = false;  ///< some rule was checked and held (false for ACCEPT_UNTRUSTED's strangers)
  int x509_error = X509_V_OK;
  std::string detail;

  bool is_accepted() const { return failure == Failure::None; }
};

class PeerVerifier {
 public:
  /// Errors: InvalidArgument naming the field (a bundle that does not parse, a hash of the wrong form).
  static base::Result<PeerVerifier> make(const TlsContextConfig& config, TlsRole role);

  /// SSL_VERIFY_* for a connection under `rules`.
  int verify_mode(const PeerRules& rules) const;
  /// Lends the trust anchors and the depth to `context`, and a server's list of acceptable CAs.
  void configure(SSL_CTX& context) const;

  /// The whole verification of the chain in `chain`, at `now`. `sni`: the name sent, for auto_sni_san_validation.
  VerifyOutcome verify(X509_STORE_CTX& chain, const PeerRules& rules, std::string_view sni, base::WallTime now) const;
  /// What is checked again when a session is resumed: validity, names and pins of the leaf it holds.
  VerifyOutcome verify_resumed(X509* leaf, const PeerRules& rules, std::string_view sni, base::WallTime now) const;

  /// The trust anchors, in the order given; for /certs.
  const std::vector<std::pair<X509Ptr, std::string>>& authorities() const { return authorities_; }
  bool is_spiffe_validator() const { return !trust_domains_.empty(); }

 private:
  bool has_pins() const { return !certificate_hashes_.empty() || !spki_hashes_.empty(); }
  base::Status add_authorities(X509_STORE& store, std::string_view pem, const std::string& field,
                               const std::string& source, bool needs_certificate);
  base::Status load_stores(const TlsContextConfig& config);
  VerifyOutcome verify_anchored(X509_STORE_CTX& chain, base::WallTime now) const;
  VerifyOutcome verify_spiffe_chain(X509_STORE_CTX& chain, base::WallTime now) const;
  VerifyOutcome verify_leaf(X509& leaf, const PeerRules& rules, std::string_view sni, base::WallTime now) const;
  bool is_pinned(X509& leaf) const;

  TlsRole role_ = TlsRole::Server;
  bool has_anchors_ = false;
  bool is_time_ignored_ = false;
  bool accepts_untrusted_ = false;
  bool requires_certificate_ = false;
  bool checks_leaf_crl_only_ = false;
  int depth_ = -1;
  X509StorePtr store_;
  std::map<std::string, X509StorePtr, std::less<>> trust_domains_;
  std::vector<std::pair<X509Ptr, std::string>> authorities_;
  std::vector<std::string> certificate_hashes_, spki_hashes_;
};

/// RFC 6125 §6.4.3 as Envoy reads it: case-insensitive; `pattern` may have one '*' in its leftmost label.
bool dns_name_matches(std::string_view name, std::string_view pattern);
bool san_matches(const SanMatcher& matcher, const SubjectAltName& san);

}  // namespace weft::net
