// Purpose: small bootstraps for tests: one listener, one route, one cluster, and what a test adds to each.
// Thread:  any (values).
#pragma once

#include <string>

#include "xds/load.h"

namespace weft::xds {

/// Fields in YAML's flow style, to be put into the message of that name ("idle_timeout: 5s, via: x").
struct Pieces {
  std::string bootstrap, static_resources, listener, filter_chain, hcm, route_config, virtual_host, route, cluster,
      endpoint;
  std::string domains = "['*']";
  std::string match = "prefix: /";
  std::string action = "route: {cluster: service}";
  std::string cluster_type = "type: STATIC";
  std::string http_filters =
      "[{name: router, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]";
};

/// The YAML text.
std::string bootstrap_of(const Pieces& pieces);
/// Loads it.
Loaded load(const Pieces& pieces);
/// Every fault, one a line, without file and position.
std::string faults_of(const Pieces& pieces);

/// The one of each that `load` made. Precondition: no faults.
const proxy::ListenerConfig& listener_of(const Loaded& loaded);
const proxy::HcmConfig& hcm_of(const Loaded& loaded);
const proxy::Route& route_of(const Loaded& loaded);
const proxy::ClusterConfig& cluster_of(const Loaded& loaded);

}  // namespace weft::xds
