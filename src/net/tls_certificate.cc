#include "net/tls_certificate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>

namespace weft::net {
namespace {

base::Error bad(const std::string& field, const std::string& source, const std::string& what) {
  return {base::ErrorCode::InvalidArgument, fmt::format("{} ({}): {}", field, source, what)};
}

std::string asn1_text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string utf8_text(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return out;
}

std::string object_text(const ASN1_OBJECT* object) {
  char text[256];
  const int size = OBJ_obj2txt(text, sizeof(text), object, 1);
  return size > 0 && size < static_cast<int>(sizeof(text)) ? std::string(text, static_cast<size_t>(size))
                                                           : std::string();
}

std::string integer_text(const ASN1_INTEGER* value) {
  BIGNUM* number = ASN1_INTEGER_to_BN(value, nullptr);
  char* digits = number != nullptr ? BN_bn2dec(number) : nullptr;
  std::string out = digits != nullptr ? digits : "";
  OPENSSL_free(digits);
  BN_free(number);
  return out;
}

// As SubjectAltNameMatcher documents for OTHER_NAME.
std::string other_name_text(const ASN1_TYPE* value) {
  switch (value->type) {
    case V_ASN1_NULL: return {};
    case V_ASN1_BOOLEAN: return value->value.boolean != 0 ? "true" : "false";
    case V_ASN1_INTEGER:
    case V_ASN1_ENUMERATED: return integer_text(value->value.integer);
    case V_ASN1_OBJECT: return object_text(value->value.object);
    case V_ASN1_BMPSTRING:
    case V_ASN1_UNIVERSALSTRING: return utf8_text(value->value.asn1_string);
    default: return asn1_text(value->value.asn1_string);
  }
}

std::string ip_text(const ASN1_OCTET_STRING* ip) {
  const int size = ASN1_STRING_length(ip);
  char text[INET6_ADDRSTRLEN];
  if (size != 4 && size != 16) return {};
  const char* out = inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip), text, sizeof(text));
  return out != nullptr ? out : "";
}

std::string name_text(X509_NAME* name) {
  BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  return bio_text(out.get());
}

base::WallTime wall_time(const ASN1_TIME* time) {
  // Days since the epoch by difference: mktime and its time zones stay out of it.
  const std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) == 0) return {};
  // A WallTime of nanoseconds ends in 2262; certificates "without end" say 9999.
  constexpr int64_t kSecondsMax = INT64_MAX / 1'000'000'000;
  return base::WallTime(base::seconds(std::clamp<int64_t>(int64_t{days} * 86400 + seconds, -kSecondsMax, kSecondsMax)));
}

std::string digest_of(X509& certificate, const EVP_MD* algorithm) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(&certificate, algorithm, digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

int password_callback(char* buffer, int size, int, void* user) {
  const auto& password = *static_cast<const std::string*>(user);
  if (password.size() > static_cast<size_t>(size)) return -1;
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

base::Status load_chain(const TlsCertificate& from, const std::string& field, LoadedCertificate& into) {
  auto bundle = parse_pem_bundle(from.chain_pem, fmt::format("{}.certificate_chain ({})", field, from.source));
  if (!bundle) return bundle.error();
  if (bundle->certificates.empty()) return bad(field + ".certificate_chain", from.source, "holds no certificate");
  into.leaf = std::move(bundle->certificates.front());
  into.chain.reset(sk_X509_new_null());
  for (size_t i = 1; i < bundle->certificates.size(); ++i)
    sk_X509_push(into.chain.get(), bundle->certificates[i].release());
  // OpenSSL 3 would say only "unsupported".
  if (from.key_pem.find("-----BEGIN ") == std::string::npos)
    return bad(field + ".private_key", from.source, "no PEM block found (no start line)");
  BioPtr key = bio_of(from.key_pem);
  std::string password = from.password;
  into.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, password_callback, &password));
  if (into.key == nullptr) return bad(field + ".private_key", from.source, take_openssl_reason());
  return {};
}

base::Status load_pkcs12(const TlsCertificate& from, const std::string& field, LoadedCertificate& into) {
  BioPtr bytes = bio_of(from.pkcs12);
  Pkcs12Ptr bundle(d2i_PKCS12_bio(bytes.get(), nullptr));
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* chain = nullptr;
  if (bundle == nullptr || PKCS12_parse(bundle.get(), from.password.c_str(), &key, &leaf, &chain) != 1)
    return bad(field + ".pkcs12", from.source, take_openssl_reason());
  into.key.reset(key);
  into.leaf.reset(leaf);
  into.chain.reset(chain != nullptr ? chain : sk_X509_new_null());
  if (key == nullptr || leaf == nullptr)
    return bad(field + ".pkcs12", from.source, "holds no certificate with its key");
  return {};
}

// Envoy's limits on keys: BoringSSL takes P-256, P-384 and P-521, and RSA from 2048 bits.
base::Status check_key(const std::string& field, const LoadedCertificate& certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate.leaf.get());
  if (key == nullptr) return bad(field + ".certificate_chain", certificate.source, take_openssl_reason());
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < 2048)
    return bad(field + ".certificate_chain", certificate.source, "RSA keys must have 2048 bits or more");
  if (X509_check_private_key(certificate.leaf.get(), certificate.key.get()) != 1)
    return bad(field + ".private_key", certificate.source, take_openssl_reason());
  return {};
}

base::Status load_ocsp(const TlsCertificate& from, const std::string& field, LoadedCertificate& into) {
  into.is_must_staple = X509_get_ext_by_NID(into.leaf.get(), NID_tlsfeature, -1) >= 0;
  if (from.ocsp_staple.empty()) return {};
  const std::string place = field + ".ocsp_staple";
  const auto* der = reinterpret_cast<const unsigned char*>(from.ocsp_staple.data());
  OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &der, static_cast<long>(from.ocsp_staple.size())));
  if (response == nullptr) return bad(place, from.source, take_openssl_reason());
  if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return bad(place, from.source, "OCSP response was unsuccessful");
  OcspBasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (basic == nullptr || OCSP_resp_count(basic.get()) != 1)
    return bad(place, from.source, "OCSP response must be for exactly one certificate");
  OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), 0);
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single)));
  if (serial == nullptr || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(into.leaf.get())) != 0)
    return bad(place, from.source, "OCSP response does not match its TLS certificate");
  ASN1_GENERALIZEDTIME* next = nullptr;
  OCSP_single_get0_status(single, nullptr, nullptr, nullptr, &next);
  if (next != nullptr) into.ocsp_expires = wall_time(next);
  into.ocsp_staple = from.ocsp_staple;
  return {};
}

// RFC 6125 §6.4.4: the common name counts only where there is no SAN extension at all.
std::vector<std::string> server_names_of(X509& leaf) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    std::string lower = to_lower(name);
    names.push_back(lower.starts_with("*.") ? lower.substr(1) : lower);
  };
  if (X509_get_ext_by_NID(&leaf, NID_subject_alt_name, -1) >= 0) {
    for (const SubjectAltName& san : subject_alt_names(leaf))
      if (san.type == SanType::Dns && !san.has_nul) add(san.text);
    return names;
  }
  X509_NAME* subject = X509_get_subject_name(&leaf);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return names;
  const std::string name = asn1_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (!name.empty() && name.find('\0') == std::string::npos) add(name);
  return names;
}

SubjectAltName decode(const GENERAL_NAME& name) {
  SubjectAltName san;
  switch (name.type) {
    case GEN_EMAIL: san = {SanType::Email, asn1_text(name.d.rfc822Name), {}, false}; break;
    case GEN_DNS: san = {SanType::Dns, asn1_text(name.d.dNSName), {}, false}; break;
    case GEN_URI: san = {SanType::Uri, asn1_text(name.d.uniformResourceIdentifier), {}, false}; break;
    case GEN_IPADD: san = {SanType::IpAddress, ip_text(name.d.iPAddress), {}, false}; break;
    case GEN_OTHERNAME:
      san.type = SanType::OtherName;
      san.oid = object_text(name.d.otherName->type_id);
      if (name.d.otherName->value != nullptr) san.text = other_name_text(name.d.otherName->value);
      break;
    default: break;  // directory names, X.400 and registered ids: nothing matches them
  }
  san.has_nul = san.text.find('\0') != std::string::npos;
  return san;
}

}  // namespace

bool is_object_identifier(const std::string& text) {
  ASN1_OBJECT* object = OBJ_txt2obj(text.c_str(), 1);
  ASN1_OBJECT_free(object);
  ERR_clear_error();
  return object != nullptr;
}

std::vector<SubjectAltName> subject_alt_names(X509& certificate) {
  std::vector<SubjectAltName> out;
  const GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    SubjectAltName san = decode(*sk_GENERAL_NAME_value(names.get(), i));
    if (san.type != SanType::Any) out.push_back(std::move(san));
  }
  return out;
}

base::Result<PemBundle> parse_pem_bundle(std::string_view pem, const std::string& field) {
  const auto fail = [&](const std::string& what) {
    return base::Error(base::ErrorCode::InvalidArgument, field + ": " + what);
  };
  BioPtr bytes = bio_of(pem);
  X509InfoStackPtr items(PEM_X509_INFO_read_bio(bytes.get(), nullptr, nullptr, nullptr));
  if (items == nullptr) return fail(take_openssl_reason());
  PemBundle out;
  for (int i = 0; i < sk_X509_INFO_num(items.get()); ++i) {
    X509_INFO* item = sk_X509_INFO_value(items.get(), i);
    if (item->x509 != nullptr) out.certificates.emplace_back(std::exchange(item->x509, nullptr));
    if (item->crl != nullptr) out.crls.emplace_back(std::exchange(item->crl, nullptr));
  }
  if (out.certificates.empty() && out.crls.empty()) return fail("no PEM block found (no start line)");
  return out;
}

base::Result<LoadedCertificate> load_certificate(const TlsCertificate& from, const std::string& field) {
  LoadedCertificate out;
  out.source = from.source;
  if (!from.pkcs12.empty() && (!from.chain_pem.empty() || !from.key_pem.empty()))
    return bad(field, from.source, "pkcs12 excludes certificate_chain and private_key");
  auto status = from.pkcs12.empty() ? load_chain(from, field, out) : load_pkcs12(from, field, out);
  if (status) status = check_key(field, out);
  if (status) status = load_ocsp(from, field, out);
  if (!status) return status.error();
  out.key_type = EVP_PKEY_get_base_id(out.key.get());
  out.server_names = server_names_of(*out.leaf);
  return out;
}

std::string subject_of(X509& certificate) { return name_text(X509_get_subject_name(&certificate)); }
std::string issuer_of(X509& certificate) { return name_text(X509_get_issuer_name(&certificate)); }

std::string serial_of(X509& certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr);
  char* hex = number != nullptr ? BN_bn2hex(number) : nullptr;
  std::string out = hex != nullptr ? to_lower(hex) : "";
  OPENSSL_free(hex);
  BN_free(number);
  return out;
}

std::string pem_of(X509& certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), &certificate);
  return bio_text(out.get());
}

std::string der_of(const STACK_OF(X509) * certificates) {
  std::string out;
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(certificates, i), &der);
    if (size > 0) out.append(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
  }
  return out;
}

X509StackPtr certificates_of_der(std::string_view der) {
  X509StackPtr out(sk_X509_new_null());
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = at + der.size();
  while (at < end) {
    X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(end - at));
    if (certificate == nullptr) break;
    sk_X509_push(out.get(), certificate);
  }
  return out;
}

std::string sha256_of(X509& certificate) { return digest_of(certificate, EVP_sha256()); }
std::string sha1_of(X509& certificate) { return digest_of(certificate, EVP_sha1()); }

std::string spki_sha256_of(X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size < 0) return {};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_size = 0;
  EVP_Digest(der, static_cast<size_t>(size), digest, &digest_size, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return {reinterpret_cast<const char*>(digest), digest_size};
}

base::WallTime not_before_of(X509& certificate) { return wall_time(X509_get0_notBefore(&certificate)); }
base::WallTime not_after_of(X509& certificate) { return wall_time(X509_get0_notAfter(&certificate)); }

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const unsigned char c : bytes) {
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string to_rfc3339(base::WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - days));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace weft::net
