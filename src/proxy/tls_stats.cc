#include "proxy/tls_stats.h"

#include <string>

namespace weft::proxy {

void TlsStats::on_tls_event(net::TlsEvent event) {
  std::string name = "ssl.";
  group_->dynamic(name.append(net::to_string(event))).add();
}

void TlsStats::on_tls_handshake(std::string_view version, std::string_view cipher, std::string_view curve) {
  const auto count = [&](std::string_view kind, std::string_view value) {
    if (value.empty()) return;
    std::string name = "ssl.";
    group_->dynamic(name.append(kind).append(".").append(value)).add();
  };
  count("versions", version);
  count("ciphers", cipher);
  count("curves", curve);
}

}  // namespace weft::proxy
