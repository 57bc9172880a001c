// Purpose: the bootstraps of simulated proxies, as text: what a user would write, with what the invariants need to know
//          of it beside.
// Thread:  any (values).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/testing/tls_certificates.h"
#include "net/tls_config.h"

namespace weft::sim {

/// One listener, one route to one cluster "up". The `…_extra` strings are YAML in flow style that goes into the message
/// named, without braces: "stream_idle_timeout: 5s".
struct BootstrapParts {
  std::string listen_ip = "10.0.0.1";
  uint16_t listen_port = 8080;
  std::string stat_prefix = "sim";
  std::vector<std::string> upstreams = {"10.0.0.11"};  ///< addresses, or names where `is_dns`
  uint16_t upstream_port = 80;
  bool is_dns = false;
  bool upstream_h2 = false;
  base::Duration timeout = base::seconds(15);  ///< of the route; 0: none
  std::string retry_on;                        ///< empty: no retry policy
  unsigned retries = 1;
  std::string retry_extra, route_extra, thresholds, cluster_extra, hcm_extra, router_extra, listener_extra;
  std::string downstream_tls, upstream_tls;  ///< contents of the TLS contexts; empty: plaintext
};

/// The bootstrap. Its access log goes to "sim" and has `kLogFormat` as format; attempts are told to upstreams where
/// `tells_attempts`.
std::string make_bootstrap(const BootstrapParts& parts, bool tells_attempts = true);

/// id, status, flags, attempts, ms of the exchange, ms of the request (or "-"), details.
inline constexpr char kLogFormat[] =
    "%REQ(x-sim-id)% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %DURATION% %REQUEST_DURATION% "
    "%RESPONSE_CODE_DETAILS%";

/// The identities of a mesh: one authority, a leaf for each name, valid from a day before the world begins.
/// Make it in the scenario, where randomness is seeded already.
class Identities {
 public:
  net::TlsCertificate issue(const std::string& name, base::Duration lifetime = std::chrono::hours(24));

  /// DownstreamTlsContext of a proxy that wants a client certificate of ours; `extra` as above.
  std::string server_context(const net::TlsCertificate& own, bool wants_client = true,
                             const std::string& extra = "") const;
  /// UpstreamTlsContext of a proxy that shows `own` and expects `peer`.
  std::string client_context(const net::TlsCertificate& own, const std::string& peer,
                             const std::string& extra = "max_session_keys: 4") const;
  /// The simulated client's own: it trusts our authority and expects `peer`. `own` may be null.
  std::shared_ptr<net::TlsContextConfig> client_config(const std::string& peer, const net::TlsCertificate* own) const;
  static std::string uri_of(const std::string& name) { return "spiffe://sim.example/" + name; }

 private:
  net::TestAuthority authority_{"sim"};
};

}  // namespace weft::sim
