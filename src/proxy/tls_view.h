// Purpose: the TLS facts of one connection in the form that logs and XFCC read: joined and escaped once.
// Thread:  the owning worker's.   Owner: the connection.
#pragma once

#include <string>

#include "net/tls_session.h"
#include "observe/request_info.h"

namespace weft::proxy {

/// Holds the strings that an observe::TlsEnd points to: a log line may be written after the connection has gone.
class TlsView {
 public:
  explicit TlsView(const net::TlsInfo& info);
  TlsView(const TlsView&) = delete;
  TlsView& operator=(const TlsView&) = delete;
  const observe::TlsEnd& end() const { return end_; }

 private:
  const net::TlsInfo info_;
  std::string uri_sans_, dns_sans_, ip_sans_, email_sans_, other_name_sans_, certificate_;
  std::string local_uri_sans_, local_dns_sans_, local_ip_sans_, local_email_sans_, local_other_name_sans_;
  std::string chain_serials_, chain_sha256s_, chain_sha1s_;
  observe::TlsEnd end_;
};

/// RFC 3986 percent-encoding of everything but unreserved characters.
std::string url_encode(std::string_view text);

}  // namespace weft::proxy
