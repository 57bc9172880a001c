#include "proxy/upstream_name.h"

#include "proxy/ascii.h"
#include "proxy/rewrite.h"

namespace weft::proxy {

std::string_view name_of_authority(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
  }
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(':') == colon;
  return has_port ? authority.substr(0, colon) : authority;
}

bool is_ip_literal(std::string_view name) { return net::Address::parse(name, 0).has_value(); }

std::string upstream_tls_name(const ClusterConfig& cluster, const RouteAction& action, const WeightedCluster* weighted,
                              const http::RequestHead& request) {
  if (!cluster.auto_sni && !cluster.auto_san_validation) return {};
  if (!cluster.auto_sni_header.empty()) {
    if (const std::string_view named = request.get(cluster.auto_sni_header); !named.empty())
      return to_lower(name_of_authority(named));
  }
  const auto rewritten = rewrite_host(action, weighted, request);
  return to_lower(name_of_authority(rewritten ? std::string_view(*rewritten) : request.authority()));
}

}  // namespace weft::proxy
