#include "net/tls_describe.h"

#include "net/tls_certificate.h"

namespace weft::net {

std::vector<CertificateDescription> describe_certificates(std::string_view pem) {
  std::vector<CertificateDescription> result;
  base::Result<PemBundle> bundle = parse_pem_bundle(pem, "certificate");
  if (!bundle) return result;
  for (const X509Ptr& certificate : bundle->certificates) {
    CertificateDescription description;
    description.serial = serial_of(*certificate);
    description.not_before = not_before_of(*certificate);
    description.not_after = not_after_of(*certificate);
    for (SubjectAltName& name : subject_alt_names(*certificate)) {
      if (name.type == SanType::Dns) description.dns_names.push_back(std::move(name.text));
      else if (name.type == SanType::Uri) description.uris.push_back(std::move(name.text));
      else if (name.type == SanType::IpAddress) description.ip_addresses.push_back(std::move(name.text));
    }
    result.push_back(std::move(description));
  }
  return result;
}

}  // namespace weft::net
