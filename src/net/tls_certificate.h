// Purpose: X.509 certificates read from PEM, and what is asked of them: names, serials, times, hashes.
//          Private to net's tls_* files.
// Thread:  any; a loaded certificate is immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls_config.h"
#include "net/tls_openssl.h"

namespace weft::net {

/// One subject alternative name, decoded. `has_nul`: the text holds a NUL byte, so it must match nothing.
struct SubjectAltName {
  SanType type = SanType::Any;
  std::string text;  ///< IP addresses as literals; OtherName by its ASN.1 type as Envoy writes it
  std::string oid;   ///< of an OtherName
  bool has_nul = false;
};
std::vector<SubjectAltName> subject_alt_names(X509& certificate);
/// Numbers and dots that can stand for something, as in 1.3.6.1.4.1.311.20.2.3.
bool is_object_identifier(const std::string& text);

/// Every certificate and CRL of a PEM text. Errors: InvalidArgument, with `field` in front, when a block
/// does not parse or when there is none of either.
struct PemBundle {
  std::vector<X509Ptr> certificates;
  std::vector<std::unique_ptr<X509_CRL, OpensslFree<X509_CRL_free>>> crls;
};
base::Result<PemBundle> parse_pem_bundle(std::string_view pem, const std::string& field);

/// A certificate of ours, ready to be shown.
struct LoadedCertificate {
  X509Ptr leaf;
  X509StackPtr chain;  ///< intermediates
  EvpPkeyPtr key;
  int key_type = 0;  ///< EVP_PKEY_RSA, EVP_PKEY_EC, …
  std::string source;
  std::string ocsp_staple;                     ///< DER; empty: none
  std::optional<base::WallTime> ocsp_expires;  ///< nextUpdate, if the response names one
  bool is_must_staple = false;
  std::vector<std::string> server_names;  ///< DNS SANs, else the CN; lower case; "*.x" becomes ".x"

  bool has_valid_staple(base::WallTime now) const {
    return !ocsp_staple.empty() && (!ocsp_expires || now < *ocsp_expires);
  }
};
/// Errors: InvalidArgument; the message begins with `field` and names the source and OpenSSL's reason.
base::Result<LoadedCertificate> load_certificate(const TlsCertificate& from, const std::string& field);

std::string subject_of(X509& certificate);  ///< RFC 2253
std::string issuer_of(X509& certificate);   ///< RFC 2253
std::string serial_of(X509& certificate);   ///< lower-case hex
std::string pem_of(X509& certificate);
std::string der_of(const STACK_OF(X509) * certificates);  ///< one behind the other; null: none
X509StackPtr certificates_of_der(std::string_view der);   ///< until the first that does not parse
std::string sha256_of(X509& certificate);                 ///< of the DER, 32 raw bytes
std::string sha1_of(X509& certificate);                   ///< of the DER, 20 raw bytes
std::string spki_sha256_of(X509& certificate);            ///< of the public key's DER, 32 raw bytes
base::WallTime not_before_of(X509& certificate);
base::WallTime not_after_of(X509& certificate);

std::string to_hex(std::string_view bytes);   ///< lower case
std::string to_lower(std::string_view text);  ///< ASCII
std::string to_rfc3339(base::WallTime time);  ///< "2026-11-22T10:00:00.000Z"

}  // namespace weft::net
