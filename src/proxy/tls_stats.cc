#include "proxy/tls_stats.h"

#include <string>

namespace weft::proxy {
namespace {

constexpr observe::StatTable::Row kRows[] = {{"ssl.handshake", observe::StatKind::Counter},
                                             {"ssl.session_reused", observe::StatKind::Counter},
                                             {"ssl.connection_error", observe::StatKind::Counter},
                                             {"ssl.no_certificate", observe::StatKind::Counter},
                                             {"ssl.fail_verify_no_cert", observe::StatKind::Counter},
                                             {"ssl.fail_verify_error", observe::StatKind::Counter},
                                             {"ssl.fail_verify_san", observe::StatKind::Counter},
                                             {"ssl.fail_verify_cert_hash", observe::StatKind::Counter},
                                             {"ssl.ocsp_staple_requests", observe::StatKind::Counter},
                                             {"ssl.ocsp_staple_responses", observe::StatKind::Counter},
                                             {"ssl.ocsp_staple_omitted", observe::StatKind::Counter},
                                             {"ssl.ocsp_staple_failed", observe::StatKind::Counter},
                                             {"ssl.was_key_usage_invalid", observe::StatKind::Counter},
                                             {"ssl.key_update_flood", observe::StatKind::Counter}};
static_assert(std::size(kRows) == net::kTlsEventCount);

}  // namespace

const observe::StatTable kTlsStats{kRows, std::size(kRows)};

void TlsStats::on_tls_event(net::TlsEvent event) { group_->counter(event).add(); }

void TlsStats::on_tls_handshake(const net::TlsAgreement& agreement) {
  const auto count = [&](std::string_view kind, std::string_view value) {
    if (value.empty()) return;
    std::string name = "ssl.";
    group_->dynamic(name.append(kind).append(".").append(value)).add();
  };
  count("versions", agreement.version);
  count("ciphers", agreement.cipher);
  count("curves", agreement.curve);
  count("sigalgs", agreement.signature_algorithm);
}

}  // namespace weft::proxy
