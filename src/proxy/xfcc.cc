#include "proxy/xfcc.h"

namespace weft::proxy {

namespace {

/// Adds "key=value", quoted where the value could be taken for more than one element.
void add_pair(std::string& element, std::string_view key, std::string_view value) {
  if (!element.empty()) element += ';';
  element += key;
  element += '=';
  if (value.find_first_of(",;=\"") == std::string_view::npos) {
    element += value;
    return;
  }
  element += '"';
  for (const char c : value) {
    if (c == '"') element += '\\';
    element += c;
  }
  element += '"';
}

void add_quoted(std::string& element, std::string_view key, std::string_view value) {
  if (!element.empty()) element += ';';
  element += key;
  element += "=\"";
  for (size_t i = 0; i < value.size(); ++i) {
    const bool is_escaped = i > 0 && value[i - 1] == '\\';  // RFC 2253 already writes \"
    if (value[i] == '"' && !is_escaped) element += '\\';
    element += value[i];
  }
  element += '"';
}

}  // namespace

std::string url_encode_pem(std::string_view pem) {
  std::string out;
  out.reserve(pem.size() + pem.size() / 8);
  for (const char c : pem) {
    switch (c) {
      case '\n': out += "%0A"; break;
      case ' ': out += "%20"; break;
      case '+': out += "%2B"; break;
      case '/': out += "%2F"; break;
      case '=': out += "%3D"; break;
      default: out += c;
    }
  }
  return out;
}

std::string client_cert_element(const HcmConfig& config, const net::TlsInfo& tls) {
  std::string element;
  for (const std::string& uri : tls.local_uri_sans) add_pair(element, "By", uri);
  if (!tls.peer_certificate_sha256.empty()) add_pair(element, "Hash", tls.peer_certificate_sha256);
  if (config.xfcc_subject) add_quoted(element, "Subject", tls.peer_subject);
  if (config.xfcc_cert && !tls.peer_certificate_pem.empty())
    add_quoted(element, "Cert", url_encode_pem(tls.peer_certificate_pem));
  if (config.xfcc_chain && !tls.peer_chain_pem.empty())
    add_quoted(element, "Chain", url_encode_pem(tls.peer_chain_pem));
  if (config.xfcc_uri) {
    if (tls.peer_uri_sans.empty()) add_pair(element, "URI", "");
    for (const std::string& uri : tls.peer_uri_sans) add_pair(element, "URI", uri);
  }
  if (config.xfcc_dns) {
    for (const std::string& name : tls.peer_dns_sans) add_pair(element, "DNS", name);
  }
  return element;
}

void set_forwarded_client_cert(http::RequestHead& head, const HcmConfig& config, const net::TlsInfo* tls) {
  using Mode = HcmConfig::Xfcc;
  constexpr auto kHeader = http::HeaderId::XForwardedClientCert;
  if (config.xfcc == Mode::AlwaysForwardOnly) return;
  if (config.xfcc == Mode::Sanitize || tls == nullptr || !tls->has_peer_certificate) {
    if (head.has(kHeader)) head.remove(kHeader);
    return;
  }
  if (config.xfcc == Mode::ForwardOnly) return;
  const std::string element = client_cert_element(config, *tls);
  if (config.xfcc == Mode::SanitizeSet || !head.has(kHeader)) head.set(kHeader, element);
  else head.append(http::header_name(kHeader), element);
}

}  // namespace weft::proxy
