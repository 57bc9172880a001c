#include "proxy/tls_view.h"

namespace weft::proxy {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ',';
    out += part;
  }
  return out;
}

}  // namespace

std::string url_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() * 3 / 2);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

TlsView::TlsView(const net::TlsInfo& info)
    : info_(info),
      uri_sans_(join(info.peer_uri_sans)),
      dns_sans_(join(info.peer_dns_sans)),
      ip_sans_(join(info.peer_ip_sans)),
      email_sans_(join(info.peer_email_sans)),
      other_name_sans_(join(info.peer_other_name_sans)),
      certificate_(url_encode(info.peer_certificate_pem)),
      local_uri_sans_(join(info.local_uri_sans)),
      local_dns_sans_(join(info.local_dns_sans)),
      local_ip_sans_(join(info.local_ip_sans)),
      local_email_sans_(join(info.local_email_sans)),
      local_other_name_sans_(join(info.local_other_name_sans)),
      chain_serials_(join(info.peer_chain_serials)),
      chain_sha256s_(join(info.peer_chain_sha256s)),
      chain_sha1s_(join(info.peer_chain_sha1s)) {
  end_.version = info_.version;
  end_.cipher = info_.cipher;
  end_.session_id = info_.session_id;
  end_.server_name = info_.server_name;
  end_.peer_subject = info_.peer_subject;
  end_.peer_issuer = info_.peer_issuer;
  end_.peer_serial = info_.peer_serial;
  end_.peer_fingerprint_256 = info_.peer_certificate_sha256;
  end_.peer_certificate_url_encoded = certificate_;
  end_.peer_uri_san = uri_sans_;
  end_.peer_dns_san = dns_sans_;
  end_.peer_ip_san = ip_sans_;
  end_.peer_email_san = email_sans_;
  end_.peer_not_before = info_.peer_not_before;
  end_.peer_not_after = info_.peer_not_after;
  end_.local_subject = info_.local_subject;
  end_.local_uri_san = local_uri_sans_;
  end_.local_dns_san = local_dns_sans_;
  end_.local_ip_san = local_ip_sans_;
  end_.local_email_san = local_email_sans_;
  end_.local_other_name_san = local_other_name_sans_;
  end_.peer_other_name_san = other_name_sans_;
  // The chain begins with the leaf.
  if (!info_.peer_chain_sha1s.empty()) end_.peer_fingerprint_1 = info_.peer_chain_sha1s.front();
  end_.peer_chain_serials = chain_serials_;
  end_.peer_chain_fingerprints_256 = chain_sha256s_;
  end_.peer_chain_fingerprints_1 = chain_sha1s_;
  end_.peer_issuer_serial = info_.peer_issuer_serial;
  end_.peer_issuer_fingerprint_256 = info_.peer_issuer_sha256;
  end_.group = info_.group;
}

}  // namespace weft::proxy
