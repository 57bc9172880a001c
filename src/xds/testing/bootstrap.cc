#include "xds/testing/bootstrap.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace weft::xds {

namespace {

std::string more(const std::string& fields) { return fields.empty() ? std::string() : ", " + fields; }

}  // namespace

std::string bootstrap_of(const Pieces& p) {
  const std::string route = fmt::format("{{match: {{{}}}, {}{}}}", p.match, p.action, more(p.route));
  const std::string routes = fmt::format("{{virtual_hosts: [{{name: all, domains: {}, routes: [{}]{}}}]{}}}", p.domains,
                                         route, more(p.virtual_host), more(p.route_config));
  const std::string hcm = fmt::format(
      "{{'@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: test, "
      "route_config: {}, http_filters: {}{}}}",
      routes, p.http_filters, more(p.hcm));
  const std::string listener = fmt::format(
      "{{name: test, address: {{socket_address: {{address: 127.0.0.1, port_value: 10000}}}}, filter_chains: [{{filters: [{{name: hcm, typed_config: {}}}]{}}}]{}}}",
      hcm, more(p.filter_chain), more(p.listener));
  const std::string cluster = fmt::format(
      "{{name: service, {}, load_assignment: {{cluster_name: service, endpoints: [{{lb_endpoints: [{{endpoint: {{address: "
      "{{socket_address: {{address: 127.0.0.1, port_value: 8080}}}}{}}}}}]}}]}}{}}}",
      p.cluster_type, more(p.endpoint), more(p.cluster));
  return fmt::format("{{static_resources: {{listeners: [{}], clusters: [{}]{}}}{}}}", listener, cluster,
                     more(p.static_resources), more(p.bootstrap));
}

Loaded load(const Pieces& pieces) { return load_bootstrap_text(bootstrap_of(pieces), "test.yaml"); }

std::string faults_of(const Pieces& pieces) {
  std::string lines;
  const Loaded loaded = load(pieces);
  for (const Fault& fault : loaded.faults.list())
    lines += (fault.path.empty() ? fault.message : fault.path + ": " + fault.message) + "\n";
  return lines;
}

const proxy::ListenerConfig& listener_of(const Loaded& loaded) {
  WEFT_ASSERT(loaded.snapshot != nullptr);
  return *loaded.snapshot->listeners.front();
}

const proxy::HcmConfig& hcm_of(const Loaded& loaded) { return *listener_of(loaded).filter_chains.front().hcm; }

const proxy::Route& route_of(const Loaded& loaded) {
  return hcm_of(loaded).routes->config().virtual_hosts.front().routes.front();
}

const proxy::ClusterConfig& cluster_of(const Loaded& loaded) {
  WEFT_ASSERT(loaded.snapshot != nullptr);
  return *loaded.snapshot->clusters.front();
}

}  // namespace weft::xds
