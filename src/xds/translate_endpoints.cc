// Where a cluster's endpoints come from: its load assignment, and how names in it are resolved.
#include <fmt/format.h>

#include "xds/translation.h"

namespace weft::xds {

namespace {

using proxy::ClusterConfig;

// ---- endpoints ----------------------------------------------------------------------------------------------------

bool translate_host(const View& endpoint, ClusterConfig::Discovery discovery, proxy::EndpointConfig& config) {
  const View address = endpoint.message("address");
  if (!address) {
    endpoint.absent("address", "is required");
    return false;
  }
  config.hostname = endpoint.text("hostname");
  if (discovery == ClusterConfig::Discovery::Static) {
    const View socket = address.message("socket_address");
    const auto place = socket ? translate_socket_address(socket) : std::nullopt;
    if (place && !place->host.empty() && !net::Address::parse(place->host, 0)) {
      socket.fault("address", fmt::format("{}: must be an IP address; a cluster of type STRICT_DNS takes names",
                                          in_quotes(place->host)));
      return false;
    }
    const auto parsed = translate_address(address);
    if (parsed) config.address = *parsed;
    return parsed.has_value();
  }
  const View socket = address.message("socket_address");
  if (!socket) {
    address.fault("must be a socket_address in a cluster of type STRICT_DNS");
    return false;
  }
  const auto place = translate_socket_address(socket);
  if (!place) return false;
  config.dns_name = place->host;
  config.dns_port = place->port;
  if (config.hostname.empty()) config.hostname = place->host;
  return true;
}

/// `config`: what the endpoints of its locality share.
void translate_endpoint(const View& view, proxy::EndpointConfig config, ClusterConfig::Discovery discovery,
                        proxy::EndpointSet& set) {
  config.weight = number_or(view, "load_balancing_weight", 1);
  const std::string health = view.choice("health_status");
  config.health = health == "UNKNOWN" || health == "HEALTHY" ? proxy::HostHealth::Healthy
                  : health == "DEGRADED"                     ? proxy::HostHealth::Degraded
                                                             : proxy::HostHealth::Unhealthy;
  config.metadata = translate_metadata(view);
  const View endpoint = view.message("endpoint");
  if (!endpoint) return view.absent("endpoint", "is required");
  if (translate_host(endpoint, discovery, config)) set.endpoints.push_back(std::move(config));
}

std::shared_ptr<const proxy::EndpointSet> translate_endpoints(const View& assignment, ClusterConfig& cluster) {
  auto set = std::make_shared<proxy::EndpointSet>();
  assignment.accept("cluster_name", "only endpoint discovery needs it");
  if (const View policy = assignment.message("policy")) {
    cluster.overprovisioning_percent = number_or(policy, "overprovisioning_factor", cluster.overprovisioning_percent);
    cluster.weighs_health_of_priorities = policy.flag("weighted_priority_health");
  }
  for (const View& locality : assignment.messages("endpoints")) {
    proxy::EndpointConfig shared;
    if (const View place = locality.message("locality")) {
      shared.locality = std::make_shared<proxy::Locality>(
          proxy::Locality{place.text("region"), place.text("zone"), place.text("sub_zone")});
    }
    locality.accept("load_balancing_weight", "localities are weighted only where locality_weighted_lb_config says so");
    locality.accept("metadata", kMetadata);
    shared.priority = static_cast<uint32_t>(locality.number("priority"));
    for (const View& endpoint : locality.messages("lb_endpoints"))
      translate_endpoint(endpoint, shared, cluster.discovery, *set);
  }
  return set;
}

}  // namespace

// ---- discovery ----------------------------------------------------------------------------------------------------

void translate_discovery(const View& view, const Translation& run, ClusterConfig& cluster) {
  const std::string type = view.choice("type");
  // A type that Weft does not have may take names as well: one fault says what is wrong.
  if (type != "STATIC") cluster.discovery = ClusterConfig::Discovery::StrictDns;
  if (type != "STRICT_DNS" && type != "STATIC")
    view.fault("type", fmt::format("{}: not implemented by Weft; STATIC and STRICT_DNS are", type));

  using Family = ClusterConfig::DnsFamily;
  static const std::map<std::string, Family> kFamilies = {{"AUTO", Family::Auto},
                                                          {"V4_ONLY", Family::V4Only},
                                                          {"V6_ONLY", Family::V6Only},
                                                          {"V4_PREFERRED", Family::V4Preferred},
                                                          {"ALL", Family::All}};
  if (const auto found = kFamilies.find(view.choice("dns_lookup_family")); found != kFamilies.end())
    cluster.dns_family = found->second;
  cluster.dns_refresh_rate = duration_or(view, "dns_refresh_rate", base::seconds(5));
  if (const View failure = view.message("dns_failure_refresh_rate")) {
    constexpr int kFactor = 10;
    auto& back_off = cluster.dns_failure_back_off.emplace();
    back_off.base = duration_or(failure, "base_interval", cluster.dns_refresh_rate);
    back_off.max = duration_or(failure, "max_interval", kFactor * back_off.base);
    if (back_off.max < back_off.base) failure.fault("max_interval", "must be at least base_interval");
  }
  cluster.respect_dns_ttl = view.flag("respect_dns_ttl");
  cluster.wait_for_warm_on_init = flag_or(view, "wait_for_warm_on_init", true);
  net::ResolverOptions& dns = cluster.dns = run.dns;
  if (view.flag("use_tcp_for_dns_lookups")) dns.use_tcp = true;
  if (view.has("dns_resolvers")) dns.servers.clear();
  for (const View& address : view.messages("dns_resolvers")) {
    if (const auto parsed = translate_address(address)) dns.servers.push_back(*parsed);
  }
  translate_dns_resolution(view, dns);
  cluster.endpoints = translate_endpoints(view.message("load_assignment"), cluster);
}

void translate_dns_resolution(const View& view, net::ResolverOptions& dns) {
  constexpr std::string_view kCares = "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig";
  const auto read = [&](const View& resolution) {
    if (resolution.has("resolvers")) dns.servers.clear();
    for (const View& address : resolution.messages("resolvers")) {
      if (const auto parsed = translate_address(address)) dns.servers.push_back(*parsed);
    }
    const View options = resolution.message("dns_resolver_options");
    if (options.flag("use_tcp_for_dns_lookups")) dns.use_tcp = true;
    if (options.flag("no_default_search_domain")) dns.use_search_domains = false;
  };
  if (const View resolution = view.message("dns_resolution_config")) read(resolution);
  const View extension = view.message("typed_dns_resolver_config");
  if (!extension) return;
  extension.accept("name", kNameless);
  const View payload = required_payload(extension, "typed_config");
  if (!payload) return;
  if (payload.type() != kCares) return refuse_type(payload, "CaresDnsResolverConfig is");
  payload.accept("udp_max_queries", "how many queries share a UDP socket changes no answer");
  read(payload);
}

}  // namespace weft::xds
