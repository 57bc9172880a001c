#include "net/tls_verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/tls_certificate.h"

namespace weft::net {
namespace {

constexpr std::string_view kSpiffeScheme = "spiffe://";

VerifyOutcome refuse(VerifyOutcome::Failure failure, int x509_error, std::string detail) {
  return {failure, false, x509_error, "verify cert failed: " + std::move(detail)};
}

std::string names_for_log(X509& leaf) {
  std::string out;
  for (const SubjectAltName& san : subject_alt_names(leaf)) {
    if (!out.empty()) out += ", ";
    for (const char c : san.text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out;
}

std::string_view trust_domain_of(std::string_view id) {
  if (!id.starts_with(kSpiffeScheme)) return {};
  id.remove_prefix(kSpiffeScheme.size());
  return id.substr(0, id.find('/'));
}

// A prefix "spiffe://example.org" must not admit "spiffe://example.org.evil/…".
bool is_other_trust_domain(const SanMatcher& matcher, std::string_view id) {
  if (matcher.kind != SanMatcher::Kind::Exact && matcher.kind != SanMatcher::Kind::Prefix) return false;
  const std::string_view expected = trust_domain_of(matcher.value);
  return !expected.empty() && expected != trust_domain_of(id);
}

bool text_matches(const SanMatcher& matcher, std::string_view text) {
  if (matcher.kind == SanMatcher::Kind::Regex) return matcher.pattern != nullptr && matcher.pattern->matches(text);
  std::string folded_text, folded_value;
  std::string_view value = matcher.value;
  if (matcher.ignore_case) {
    text = folded_text = to_lower(text);
    value = folded_value = to_lower(value);
  }
  switch (matcher.kind) {
    case SanMatcher::Kind::Exact: return text == value;
    case SanMatcher::Kind::Prefix: return text.starts_with(value);
    case SanMatcher::Kind::Suffix: return text.ends_with(value);
    case SanMatcher::Kind::Contains: return text.find(value) != std::string_view::npos;
    case SanMatcher::Kind::Regex: break;
  }
  return false;
}

// X509-SVID §4–5: exactly one URI SAN, a leaf that may sign neither certificates nor revocation lists.
std::string spiffe_leaf_fault(X509& leaf) {
  if ((X509_get_extension_flags(&leaf) & EXFLAG_CA) != 0) return "SPIFFE: the leaf is a CA";
  const bool has_usage = (X509_get_extension_flags(&leaf) & EXFLAG_KUSAGE) != 0;
  if (has_usage && (X509_get_key_usage(&leaf) & (KU_CRL_SIGN | KU_KEY_CERT_SIGN)) != 0)
    return "SPIFFE: the leaf may sign certificates or CRLs";
  size_t uris = 0;
  for (const SubjectAltName& san : subject_alt_names(leaf)) {
    if (san.has_nul) return "SPIFFE: NUL in a subject alternative name";
    if (san.type != SanType::Uri) continue;
    ++uris;
    if (trust_domain_of(san.text).empty()) return "SPIFFE: the URI SAN is not a SPIFFE ID";
  }
  return uris == 1 ? "" : fmt::format("SPIFFE: {} URI SANs, must be one", uris);
}

std::string spiffe_id_of(X509& leaf) {
  for (SubjectAltName& san : subject_alt_names(leaf))
    if (san.type == SanType::Uri) return std::move(san.text);
  return {};
}

bool label_matches(std::string_view label, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (pattern.find('*', star + 1) != std::string_view::npos) return false;
  return pattern.size() <= label.size() + 1 && label.starts_with(pattern.substr(0, star)) &&
         label.ends_with(pattern.substr(star + 1));
}

std::string from_hex(std::string_view text) {
  std::string out;
  int high = -1;
  for (const char c : text) {
    if (c == ':' && text.size() == 95) continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return {};
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return high < 0 ? out : std::string();
}

std::string from_base64(const std::string& text) {
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return {};
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

}  // namespace

bool PeerRules::expects_spiffe() const {
  return std::any_of(san_matchers.begin(), san_matchers.end(), [](const SanMatcher& matcher) {
    return (matcher.type == SanType::Uri || matcher.type == SanType::Any) && matcher.value.starts_with(kSpiffeScheme);
  });
}

bool dns_name_matches(std::string_view name, std::string_view pattern) {
  const std::string n = to_lower(name), p = to_lower(pattern);
  if (n == p) return true;
  const size_t name_dot = n.find('.'), pattern_dot = p.find('.');
  if (name_dot == std::string::npos || pattern_dot == std::string::npos) return false;
  const std::string_view pattern_label = std::string_view(p).substr(0, pattern_dot);
  const std::string_view pattern_rest = std::string_view(p).substr(pattern_dot);
  if (pattern_label.find('*') == std::string_view::npos || pattern_rest.find('*') != std::string_view::npos)
    return false;
  if (pattern_label.starts_with("xn--")) return false;  // an A-label holds no wildcard (RFC 6125 §7.2)
  return std::string_view(n).substr(name_dot) == pattern_rest &&
         label_matches(std::string_view(n).substr(0, name_dot), pattern_label);
}

bool san_matches(const SanMatcher& matcher, const SubjectAltName& san) {
  if (san.has_nul) return false;
  if (matcher.type == SanType::Any ? san.type == SanType::OtherName : matcher.type != san.type) return false;
  if (san.type == SanType::OtherName && (matcher.oid.empty() || matcher.oid != san.oid)) return false;
  if (san.type == SanType::Uri && is_other_trust_domain(matcher, san.text)) return false;
  if (san.type == SanType::Dns && matcher.kind == SanMatcher::Kind::Exact)
    return dns_name_matches(matcher.value, san.text);
  return text_matches(matcher, san.text);
}

base::Result<PeerVerifier> PeerVerifier::make(const TlsContextConfig& config, TlsRole role) {
  PeerVerifier out;
  out.role_ = role;
  out.is_time_ignored_ = config.allow_expired_certificate;
  out.accepts_untrusted_ = config.accept_untrusted;
  out.requires_certificate_ = config.require_client_certificate;
  out.checks_leaf_crl_only_ = config.only_verify_leaf_cert_crl;
  // The field counts the trust anchor, OpenSSL does not.
  if (config.max_verify_depth) out.depth_ = std::max(0, static_cast<int>(*config.max_verify_depth) - 1);
  if (auto status = out.load_stores(config); !status) return status.error();
  for (const SanMatcher& matcher : config.peer.san_matchers) {
    if (matcher.type == SanType::OtherName && !is_object_identifier(matcher.oid))
      return base::Error(base::ErrorCode::InvalidArgument,
                         "match_typed_subject_alt_names: oid " + matcher.oid + ": is not an object identifier");
  }
  for (const std::string& hash : config.verify_certificate_hash) {
    out.certificate_hashes_.push_back(from_hex(hash));
    if (out.certificate_hashes_.back().size() != 32)
      return base::Error(base::ErrorCode::InvalidArgument,
                         "verify_certificate_hash: invalid hex-encoded SHA-256 " + hash);
  }
  for (const std::string& hash : config.verify_certificate_spki) {
    out.spki_hashes_.push_back(from_base64(hash));
    if (out.spki_hashes_.back().size() != 32)
      return base::Error(base::ErrorCode::InvalidArgument,
                         "verify_certificate_spki: invalid base64-encoded SHA-256 " + hash);
  }
  const bool can_verify = out.has_anchors_ || out.has_pins() || out.is_spiffe_validator() || out.accepts_untrusted_;
  if (role == TlsRole::Server && config.require_client_certificate && !can_verify)
    return base::Error(base::ErrorCode::InvalidArgument,
                       "require_client_certificate: needs validation_context.trusted_ca, a pinned hash or a custom "
                       "validator, else every certificate would do");
  return out;
}

base::Status PeerVerifier::add_authorities(X509_STORE& store, std::string_view pem, const std::string& field,
                                           const std::string& source, bool needs_certificate) {
  auto bundle = parse_pem_bundle(pem, fmt::format("{} ({})", field, source));
  if (!bundle) return bundle.error();
  if (needs_certificate && bundle->certificates.empty())
    return base::Error(base::ErrorCode::InvalidArgument, fmt::format("{} ({}): holds no certificate", field, source));
  X509_STORE_set_flags(&store, X509_V_FLAG_PARTIAL_CHAIN | (is_time_ignored_ ? X509_V_FLAG_NO_CHECK_TIME : 0));
  if (needs_certificate) {
    for (X509Ptr& certificate : bundle->certificates) {
      X509_STORE_add_cert(&store, certificate.get());
      authorities_.emplace_back(std::move(certificate), source);
    }
  }
  for (auto& crl : bundle->crls) X509_STORE_add_crl(&store, crl.get());
  if (!bundle->crls.empty())
    X509_STORE_set_flags(&store, X509_V_FLAG_CRL_CHECK | (checks_leaf_crl_only_ ? 0 : X509_V_FLAG_CRL_CHECK_ALL));
  return {};
}

base::Status PeerVerifier::load_stores(const TlsContextConfig& config) {
  for (const SpiffeTrustDomain& domain : config.spiffe_trust_domains) {
    X509StorePtr store(X509_STORE_new());
    const std::string field = fmt::format("trust_domains[{}].trust_bundle", domain.name);
    if (auto status = add_authorities(*store, domain.bundle_pem, field, domain.source, true); !status) return status;
    if (!trust_domains_.emplace(domain.name, std::move(store)).second)
      return base::Error(base::ErrorCode::InvalidArgument,
                         "trust_domains: multiple trust bundles are given for one trust domain, " + domain.name);
  }
  store_.reset(X509_STORE_new());
  if (is_spiffe_validator()) return {};
  if (!config.trusted_ca_pem.empty()) {
    auto status = add_authorities(*store_, config.trusted_ca_pem, "trusted_ca", config.trusted_ca_source, true);
    if (!status) return status;
    has_anchors_ = true;
  }
  if (config.crl_pem.empty()) return {};
  return add_authorities(*store_, config.crl_pem, "crl", config.crl_source, false);
}

int PeerVerifier::verify_mode(const PeerRules& rules) const {
  if (accepts_untrusted_) return SSL_VERIFY_PEER;
  const bool must_match = !rules.san_matchers.empty() || !rules.required_name.empty() || has_pins() ||
                          is_spiffe_validator() || requires_certificate_;
  if (must_match) return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  return has_anchors_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
}

void PeerVerifier::configure(SSL_CTX& context) const {
  SSL_CTX_set1_cert_store(&context, store_.get());
  if (depth_ >= 0) SSL_CTX_set_verify_depth(&context, depth_);
  if (role_ != TlsRole::Server) return;
  X509NameStackPtr names(
      sk_X509_NAME_new([](const X509_NAME* const* a, const X509_NAME* const* b) { return X509_NAME_cmp(*a, *b); }));
  for (const auto& [certificate, source] : authorities_) {
    X509_NAME* name = X509_get_subject_name(certificate.get());
    if (sk_X509_NAME_find(names.get(), name) >= 0) continue;
    sk_X509_NAME_push(names.get(), X509_NAME_dup(name));
  }
  SSL_CTX_set_client_CA_list(&context, names.release());
}

VerifyOutcome PeerVerifier::verify(X509_STORE_CTX& chain, const PeerRules& rules, std::string_view sni,
                                   base::WallTime now) const {
  X509* leaf = X509_STORE_CTX_get0_cert(&chain);
  VerifyOutcome outcome;
  if (is_spiffe_validator()) {
    outcome = verify_spiffe_chain(chain, now);
  } else if (has_anchors_) {
    outcome = verify_anchored(chain, now);
  }
  if (outcome.is_accepted()) {
    const bool was_anchored = outcome.is_validated;
    outcome = verify_leaf(*leaf, rules, sni, now);
    // Without a trust anchor something else must have vouched for the certificate.
    if (outcome.is_accepted() && !outcome.is_validated && !was_anchored && verify_mode(rules) != SSL_VERIFY_NONE)
      outcome = refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_CERT_UNTRUSTED, "nothing to verify it against");
    else if (outcome.is_accepted()) outcome.is_validated |= was_anchored;
  }
  // The detail and the lacking mark stay; the failure does not.
  if (accepts_untrusted_) outcome.failure = VerifyOutcome::Failure::None;
  return outcome;
}

VerifyOutcome PeerVerifier::verify_resumed(X509* leaf, const PeerRules& rules, std::string_view sni,
                                           base::WallTime now) const {
  const int mode = verify_mode(rules);
  if (mode == SSL_VERIFY_NONE) return {};
  if (leaf == nullptr) {
    if ((mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) == 0 && role_ == TlsRole::Server) return {};
    return refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_UNSPECIFIED, "the resumed session holds no certificate");
  }
  VerifyOutcome outcome;
  if (!is_time_ignored_ && (now < not_before_of(*leaf) || now > not_after_of(*leaf))) {
    outcome = refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_CERT_HAS_EXPIRED,
                     "certificate of the resumed session has expired");
  } else if (is_spiffe_validator() && !trust_domains_.contains(trust_domain_of(spiffe_id_of(*leaf)))) {
    outcome = refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_CERT_UNTRUSTED, "no trust bundle store");
  } else {
    outcome = verify_leaf(*leaf, rules, sni, now);
    outcome.is_validated |= outcome.is_accepted() && (has_anchors_ || is_spiffe_validator());
  }
  if (accepts_untrusted_) outcome.failure = VerifyOutcome::Failure::None;
  return outcome;
}

VerifyOutcome PeerVerifier::verify_anchored(X509_STORE_CTX& chain, base::WallTime now) const {
  if (!is_time_ignored_) X509_STORE_CTX_set_time(&chain, 0, to_time_t(now));  // it would outweigh NO_CHECK_TIME
  if (X509_verify_cert(&chain) == 1) return {VerifyOutcome::Failure::None, true, X509_V_OK, {}};
  const int error = X509_STORE_CTX_get_error(&chain);
  return refuse(VerifyOutcome::Failure::Chain, error,
                fmt::format("X509_verify_cert: certificate verification error at depth {}: {}",
                            X509_STORE_CTX_get_error_depth(&chain), X509_verify_cert_error_string(error)));
}

// Each trust domain is verified against its own bundle, so that none can mint an identity of another.
VerifyOutcome PeerVerifier::verify_spiffe_chain(X509_STORE_CTX& chain, base::WallTime now) const {
  X509* leaf = X509_STORE_CTX_get0_cert(&chain);
  if (std::string fault = spiffe_leaf_fault(*leaf); !fault.empty())
    return refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_INVALID_PURPOSE, "cert precheck: " + fault);
  const auto bundle = trust_domains_.find(trust_domain_of(spiffe_id_of(*leaf)));
  if (bundle == trust_domains_.end())
    return refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_CERT_UNTRUSTED, "no trust bundle store");
  const X509StoreCtxPtr own(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(own.get(), bundle->second.get(), leaf, X509_STORE_CTX_get0_untrusted(&chain)) != 1)
    return refuse(VerifyOutcome::Failure::Chain, X509_V_ERR_OUT_OF_MEM, "init and setup X509_STORE_CTX");
  X509_STORE_CTX_set_default(own.get(), role_ == TlsRole::Server ? "ssl_client" : "ssl_server");
  if (depth_ >= 0) X509_STORE_CTX_set_depth(own.get(), depth_);
  return verify_anchored(*own, now);
}

VerifyOutcome PeerVerifier::verify_leaf(X509& leaf, const PeerRules& rules, std::string_view sni,
                                        base::WallTime now) const {
  const std::vector<SubjectAltName> names = subject_alt_names(leaf);
  VerifyOutcome outcome;
  if (rules.expects_spiffe()) {
    std::string fault = spiffe_leaf_fault(leaf);
    if (fault.empty() && !is_time_ignored_ && (now < not_before_of(leaf) || now > not_after_of(leaf)))
      fault = "SPIFFE: the leaf is expired or not yet valid";
    if (!fault.empty()) return refuse(VerifyOutcome::Failure::San, X509_V_ERR_INVALID_PURPOSE, std::move(fault));
  }
  if (!rules.required_name.empty() && !is_spiffe_validator()) {
    const SanMatcher required{SanType::Any, SanMatcher::Kind::Exact, rules.required_name, false, {}, nullptr};
    if (std::none_of(names.begin(), names.end(), [&](const auto& san) { return san_matches(required, san); }))
      return refuse(VerifyOutcome::Failure::San, X509_V_ERR_HOSTNAME_MISMATCH, "verify SAN list");
    outcome.is_validated = true;
  }
  const bool by_sni = rules.auto_sni_san_validation && !sni.empty();
  if (by_sni || !rules.san_matchers.empty()) {
    const SanMatcher sni_matcher{SanType::Dns, SanMatcher::Kind::Exact, std::string(sni), false, {}, nullptr};
    const auto matches = [&](const SubjectAltName& san) {
      if (by_sni) return san_matches(sni_matcher, san);
      // The SPIFFE validator matches URIs only.
      if (is_spiffe_validator() && san.type != SanType::Uri) return false;
      return std::any_of(rules.san_matchers.begin(), rules.san_matchers.end(),
                         [&](const SanMatcher& matcher) { return san_matches(matcher, san); });
    };
    if (std::none_of(names.begin(), names.end(), matches))
      return refuse(VerifyOutcome::Failure::San, X509_V_ERR_HOSTNAME_MISMATCH,
                    fmt::format("SAN matcher, certificate SANs are [{}]", names_for_log(leaf)));
    outcome.is_validated = true;
  }
  if (has_pins()) {
    if (!is_pinned(leaf)) return refuse(VerifyOutcome::Failure::Hash, X509_V_ERR_CERT_REJECTED, "cert hash and spki");
    outcome.is_validated = true;
  }
  return outcome;
}

bool PeerVerifier::is_pinned(X509& leaf) const {
  const auto has = [](const std::vector<std::string>& hashes, const std::string& hash) {
    return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
  };
  return (!certificate_hashes_.empty() && has(certificate_hashes_, sha256_of(leaf))) ||
         (!spki_hashes_.empty() && has(spki_hashes_, spki_sha256_of(leaf)));
}

}  // namespace weft::net
