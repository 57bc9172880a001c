// Purpose: the inside of a TLS context, shared by the files that build it and run its sessions. Private to net.
// Thread:  the owning worker's.   Owner: TlsContext.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/tls_certificate.h"
#include "net/tls_context.h"
#include "net/tls_openssl.h"
#include "net/tls_session_store.h"
#include "net/tls_verify.h"

namespace weft::net {

struct TlsContext::Parts {
  TlsRole role = TlsRole::Server;
  std::string content_hash;
  SslCtxPtr ssl_ctx;
  std::vector<LoadedCertificate> certificates;
  PeerVerifier verifier;
  std::string alpn_wire;  ///< length-prefixed names
  OcspStaplePolicy ocsp_policy = OcspStaplePolicy::Lenient;
  bool scans_all_on_sni_mismatch = false;
  bool has_stateless_resumption = true;
  bool enforces_rsa_key_usage = false;
  bool allows_renegotiation = false;
  int64_t session_seconds = 0;
  TlsSessionStore sessions{0, 0};

  /// Who may resume whose session: the hash of context, peer rules and scope (CVE-2025-23419).
  const std::string& session_id_context(const std::shared_ptr<const PeerRules>& rules);

 private:
  std::shared_ptr<const PeerRules> last_rules_;
  std::string last_id_;
};

/// "h2", "http/1.1" → "\2h2\10http/1.1".
std::string alpn_wire_of(const std::vector<std::string>& names);

/// Installs what a server's handshake asks: certificate by SNI, OCSP staple, ALPN, tickets (tls_server.cc).
void install_server_callbacks(SSL_CTX& context, TlsContext::Parts& parts);
}  // namespace weft::net
