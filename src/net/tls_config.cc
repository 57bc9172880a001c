#include "net/tls_config.h"

#include "net/tls_certificate.h"
#include "net/tls_context_parts.h"

namespace weft::net {
namespace {

/// SHA-256 over fields; each text goes in behind its length, so that no two contents run together.
class FieldHash {
 public:
  FieldHash() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

  FieldHash& add(std::string_view text) {
    number(text.size());
    EVP_DigestUpdate(context_.get(), text.data(), text.size());
    return *this;
  }
  FieldHash& number(uint64_t value) {
    EVP_DigestUpdate(context_.get(), &value, sizeof(value));
    return *this;
  }
  FieldHash& list(const std::vector<std::string>& texts) {
    number(texts.size());
    for (const std::string& text : texts) add(text);
    return *this;
  }
  std::string bytes() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    return {reinterpret_cast<const char*>(digest), size};
  }

 private:
  EvpMdCtxPtr context_;
};

void add_verification(FieldHash& hash, const TlsContextConfig& c) {
  hash.add(c.trusted_ca_pem).add(c.trusted_ca_source).add(c.crl_pem).add(c.crl_source);
  hash.list(c.verify_certificate_hash).list(c.verify_certificate_spki);
  hash.number(c.only_verify_leaf_cert_crl).number(c.allow_expired_certificate).number(c.accept_untrusted);
  hash.number(c.max_verify_depth ? *c.max_verify_depth + 1 : 0).number(c.spiffe_trust_domains.size());
  for (const SpiffeTrustDomain& domain : c.spiffe_trust_domains)
    hash.add(domain.name).add(domain.bundle_pem).add(domain.source);
  hash.number(c.require_client_certificate);
}

}  // namespace

std::string TlsContextConfig::content_hash(TlsRole role) const {
  FieldHash hash;
  hash.number(static_cast<uint64_t>(role)).number(certificates.size());
  for (const TlsCertificate& c : certificates)
    hash.add(c.chain_pem).add(c.key_pem).add(c.pkcs12).add(c.password).add(c.ocsp_staple).add(c.source);
  hash.list(alpn).number(static_cast<uint64_t>(min_version)).number(static_cast<uint64_t>(max_version));
  hash.list(cipher_suites).list(ecdh_curves).list(signature_algorithms);
  add_verification(hash, *this);
  hash.number(prefer_client_ciphers)
      .number(disable_stateless_session_resumption)
      .number(disable_stateful_session_resumption);
  hash.number(session_timeout ? static_cast<uint64_t>(session_timeout->count()) + 1 : 0);
  hash.number(static_cast<uint64_t>(ocsp_staple_policy)).number(full_scan_certs_on_sni_mismatch);
  hash.number(allow_renegotiation).number(max_session_keys).number(enforce_rsa_key_usage);
  return to_hex(hash.bytes());
}

const std::string& TlsContext::Parts::session_id_context(const std::shared_ptr<const PeerRules>& rules) {
  if (last_rules_ == rules) return last_id_;
  FieldHash hash;
  hash.add(content_hash)
      .add(rules->session_scope)
      .number(rules->auto_sni_san_validation)
      .number(rules->san_matchers.size());
  for (const SanMatcher& matcher : rules->san_matchers)
    hash.number(static_cast<uint64_t>(matcher.type))
        .number(static_cast<uint64_t>(matcher.kind))
        .add(matcher.value)
        .number(matcher.ignore_case)
        .add(matcher.oid);
  last_rules_ = rules;
  last_id_ = hash.bytes();
  return last_id_;
}

}  // namespace weft::net
