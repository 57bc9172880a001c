// Purpose: what a person asks of loaded certificates: names, serials, times. For the admin's /certs.
// Thread:  any (function).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace weft::net {

struct CertificateDescription {
  std::string serial;  ///< lower-case hex
  std::vector<std::string> dns_names, uris, ip_addresses;
  base::WallTime not_before, not_after;
};

/// The certificates of a PEM text, in order; none where it holds none or is broken.
std::vector<CertificateDescription> describe_certificates(std::string_view pem);

}  // namespace weft::net
