#include "net/testing/tls_certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/assert.h"
#include "net/tls_certificate.h"
#include "net/tls_openssl.h"

namespace weft::net {
namespace {

EvpPkeyPtr make_key(TestKey key) {
  switch (key) {
    case TestKey::EcP256: return EvpPkeyPtr(EVP_EC_gen("P-256"));
    case TestKey::EcP384: return EvpPkeyPtr(EVP_EC_gen("P-384"));
    case TestKey::Rsa2048: return EvpPkeyPtr(EVP_RSA_gen(2048));
    case TestKey::Rsa1024: return EvpPkeyPtr(EVP_RSA_gen(1024));
  }
  return nullptr;
}

std::string key_pem(EVP_PKEY* key) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return bio_text(out.get());
}

X509Ptr read_certificate(const std::string& pem) {
  BioPtr in = bio_of(pem);
  return X509Ptr(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

EvpPkeyPtr read_key(const std::string& pem) {
  BioPtr in = bio_of(pem);
  return EvpPkeyPtr(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
}

void set_name(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Weft"), -1, -1, 0);
  if (common_name.empty()) return;
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
}

void set_times(X509& certificate, base::WallTime from, base::WallTime to) {
  ASN1_TIME_set(X509_getm_notBefore(&certificate), to_time_t(from));
  ASN1_TIME_set(X509_getm_notAfter(&certificate), to_time_t(to));
}

void add_extension(X509& certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  WEFT_ASSERT(extension != nullptr);
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void push_name(GENERAL_NAMES& names, int type, int asn1_type, const std::string& bytes) {
  ASN1_STRING* text = ASN1_STRING_type_new(asn1_type);
  ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, text);
  sk_GENERAL_NAME_push(&names, name);
}

void push_other_name(GENERAL_NAMES& names, const std::string& oid, const std::string& text) {
  ASN1_UTF8STRING* string = ASN1_UTF8STRING_new();
  ASN1_STRING_set(string, text.data(), static_cast<int>(text.size()));
  ASN1_TYPE* value = ASN1_TYPE_new();
  ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string);
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_othername(name, OBJ_txt2obj(oid.c_str(), 1), value);
  sk_GENERAL_NAME_push(&names, name);
}

// Built by hand, because OpenSSL's text form cannot hold NUL.
void add_names(X509& certificate, const TestLeaf& leaf) {
  const GeneralNamesPtr names(GENERAL_NAMES_new());
  for (const auto& uri : leaf.uris) push_name(*names, GEN_URI, V_ASN1_IA5STRING, uri);
  for (const auto& dns : leaf.dns) push_name(*names, GEN_DNS, V_ASN1_IA5STRING, dns);
  for (const auto& email : leaf.emails) push_name(*names, GEN_EMAIL, V_ASN1_IA5STRING, email);
  for (const auto& ip : leaf.ips) push_name(*names, GEN_IPADD, V_ASN1_OCTET_STRING, ip);
  for (const auto& [oid, text] : leaf.other_names) push_other_name(*names, oid, text);
  if (sk_GENERAL_NAME_num(names.get()) > 0)
    X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT);
}

X509Ptr blank(int serial, const std::string& common_name, EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  set_name(X509_get_subject_name(certificate.get()), common_name);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

}  // namespace

struct TestAuthority::Keys {
  EvpPkeyPtr key;
  X509Ptr certificate;
};

TestAuthority::TestAuthority(const std::string& name, TestKey key) : keys_(std::make_unique<Keys>()) {
  start_openssl();
  keys_->key = make_key(key);
  keys_->certificate = blank(1000, name, keys_->key.get());
  X509& self = *keys_->certificate;
  X509_set_issuer_name(&self, X509_get_subject_name(&self));
  set_times(self, kTestNow - base::seconds(3650LL * 86400), kTestNow + base::seconds(3650LL * 86400));
  add_extension(self, &self, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(self, &self, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self, &self, NID_subject_key_identifier, "hash");
  WEFT_ASSERT(X509_sign(&self, keys_->key.get(), EVP_sha256()) > 0);
  pem_ = pem_of(self);
}

TestAuthority::TestAuthority(const std::string& name, TestAuthority& parent) : keys_(std::make_unique<Keys>()) {
  TestLeaf leaf;
  leaf.common_name = name;
  leaf.is_ca = true;
  leaf.key_usage = "keyCertSign,cRLSign";
  leaf.not_after = kTestNow + base::seconds(3650LL * 86400);
  const TlsCertificate made = parent.issue(leaf);
  keys_->key = read_key(made.key_pem);
  keys_->certificate = read_certificate(made.chain_pem);
  pem_ = pem_of(*keys_->certificate);
  chain_pem_ = pem_ + parent.chain_pem_;
}

TestAuthority::~TestAuthority() = default;

TlsCertificate TestAuthority::issue(const TestLeaf& leaf) {
  const EvpPkeyPtr key = make_key(leaf.key);
  const X509Ptr certificate = blank(next_serial_++, leaf.common_name, key.get());
  X509& x509 = *certificate;
  X509_set_issuer_name(&x509, X509_get_subject_name(keys_->certificate.get()));
  set_times(x509, leaf.not_before, leaf.not_after);
  add_extension(x509, keys_->certificate.get(), NID_basic_constraints,
                leaf.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!leaf.key_usage.empty())
    add_extension(x509, keys_->certificate.get(), NID_key_usage, "critical," + leaf.key_usage);
  add_extension(x509, keys_->certificate.get(), NID_subject_key_identifier, "hash");
  add_extension(x509, keys_->certificate.get(), NID_authority_key_identifier, "keyid");
  if (leaf.is_must_staple) add_extension(x509, keys_->certificate.get(), NID_tlsfeature, "status_request");
  add_names(x509, leaf);
  WEFT_ASSERT(X509_sign(&x509, keys_->key.get(), EVP_sha256()) > 0);
  TlsCertificate out;
  out.chain_pem = pem_of(x509) + chain_pem_;
  out.key_pem = key_pem(key.get());
  return out;
}

std::string TestAuthority::crl(const std::vector<int>& revoked_serials) {
  const std::unique_ptr<X509_CRL, OpensslFree<X509_CRL_free>> crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), 1);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(keys_->certificate.get()));
  const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> from(
      ASN1_TIME_set(nullptr, to_time_t(kTestNow) - 3600));
  const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> to(
      ASN1_TIME_set(nullptr, to_time_t(kTestNow) + 30 * 86400));
  X509_CRL_set1_lastUpdate(crl.get(), from.get());
  X509_CRL_set1_nextUpdate(crl.get(), to.get());
  for (const int serial : revoked_serials) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    const std::unique_ptr<ASN1_INTEGER, OpensslFree<ASN1_INTEGER_free>> number(ASN1_INTEGER_new());
    ASN1_INTEGER_set(number.get(), serial);
    X509_REVOKED_set_serialNumber(revoked, number.get());
    X509_REVOKED_set_revocationDate(revoked, from.get());
    X509_CRL_add0_revoked(crl.get(), revoked);
  }
  X509_CRL_sort(crl.get());
  WEFT_ASSERT(X509_CRL_sign(crl.get(), keys_->key.get(), EVP_sha256()) > 0);
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(out.get(), crl.get());
  return bio_text(out.get());
}

std::string TestAuthority::ocsp(const TlsCertificate& certificate, base::WallTime next_update) {
  const X509Ptr leaf = read_certificate(certificate.chain_pem);
  const OcspBasicPtr basic(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, OpensslFree<OCSP_CERTID_free>> id(
      OCSP_cert_to_id(EVP_sha1(), leaf.get(), keys_->certificate.get()));
  const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> from(
      ASN1_GENERALIZEDTIME_set(nullptr, to_time_t(kTestNow) - 3600));
  const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> to(
      ASN1_GENERALIZEDTIME_set(nullptr, to_time_t(next_update)));
  OCSP_basic_add1_status(basic.get(), id.get(), V_OCSP_CERTSTATUS_GOOD, 0, nullptr, from.get(), to.get());
  WEFT_ASSERT(OCSP_basic_sign(basic.get(), keys_->certificate.get(), keys_->key.get(), EVP_sha256(), nullptr, 0) == 1);
  const OcspResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string encrypt_key_pem(const std::string& pem, const std::string& password) {
  const EvpPkeyPtr key = read_key(pem);
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password.data(),
                                static_cast<int>(password.size()), nullptr, nullptr);
  return bio_text(out.get());
}

std::string to_pkcs12(const TlsCertificate& certificate, const std::string& password) {
  const EvpPkeyPtr key = read_key(certificate.key_pem);
  const X509Ptr leaf = read_certificate(certificate.chain_pem);
  const Pkcs12Ptr bundle(PKCS12_create(password.c_str(), "test", key.get(), leaf.get(), nullptr, 0, 0, 0, 0, 0));
  BioPtr out(BIO_new(BIO_s_mem()));
  i2d_PKCS12_bio(out.get(), bundle.get());
  return bio_text(out.get());
}

std::string certificate_hash_of(const TlsCertificate& certificate) {
  return to_hex(sha256_of(*read_certificate(certificate.chain_pem)));
}

std::string spki_hash_of(const TlsCertificate& certificate) {
  const std::string hash = spki_sha256_of(*read_certificate(certificate.chain_pem));
  std::string out(45, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(hash.data()),
                  static_cast<int>(hash.size()));
  out.resize(44);
  return out;
}

}  // namespace weft::net
