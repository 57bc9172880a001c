// Purpose: certificates for tests, made at run time: authorities, leaves with any names and times, CRLs, OCSP.
// Thread:  one.   Owner: the test.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "net/tls_config.h"

namespace weft::net {

/// 2026-06-01T00:00:00Z: the "now" of tests; certificates are valid from a day before it to 30 days after, unless told.
inline constexpr base::WallTime kTestNow{base::seconds(1780272000)};

enum class TestKey : uint8_t { EcP256, EcP384, Rsa2048, Rsa1024 };

struct TestLeaf {
  std::string common_name = "test";
  std::vector<std::string> dns, uris, emails;                    ///< may hold NUL
  std::vector<std::string> ips;                                  ///< raw bytes, 4 or 16
  std::vector<std::pair<std::string, std::string>> other_names;  ///< OID, UTF-8 text
  base::WallTime not_before = kTestNow - base::seconds(86400);
  base::WallTime not_after = kTestNow + base::seconds(30 * 86400);
  TestKey key = TestKey::EcP256;
  bool is_ca = false;
  bool is_must_staple = false;
  std::string key_usage = "digitalSignature";  ///< OpenSSL's words; "" leaves the extension out
};

/// An authority that signs. Ends the test process where OpenSSL refuses: tests are wrong then.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name, TestKey key = TestKey::EcP256);
  /// An intermediate below `parent`.
  TestAuthority(const std::string& name, TestAuthority& parent);
  ~TestAuthority();

  /// A leaf and its key; the chain holds the intermediates up to, and without, the root.
  TlsCertificate issue(const TestLeaf& leaf);
  const std::string& pem() const { return pem_; }
  /// A CRL of these serials (as TestAuthority gave them: 1, 2, … in order of issue).
  std::string crl(const std::vector<int>& revoked_serials);
  /// A "good" OCSP response for the leaf of `certificate`, valid until `next_update`.
  std::string ocsp(const TlsCertificate& certificate, base::WallTime next_update);

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::string pem_, chain_pem_;
  int next_serial_ = 1;
};

/// The same key behind a password.
std::string encrypt_key_pem(const std::string& key_pem, const std::string& password);
/// Certificate and key as PKCS#12.
std::string to_pkcs12(const TlsCertificate& certificate, const std::string& password);
/// SHA-256 of the leaf, hex; and of its public key, base64 — the forms that Envoy's fields take.
std::string certificate_hash_of(const TlsCertificate& certificate);
std::string spki_hash_of(const TlsCertificate& certificate);

}  // namespace weft::net
