// Purpose: turns the names of STRICT_DNS clusters into endpoints, again and again, at the rates the cluster asks for.
// Thread:  the main loop's.   Owner: Server.
// Source:  Envoy's StrictDnsClusterImpl: refresh by rate or TTL, back-off after failures, old answers kept on failure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/resolver.h"
#include "observe/stats.h"
#include "proxy/cluster_state.h"

namespace weft::proxy {

/// Told when a cluster's endpoints are other than before, and when all clusters have had their first answer.
class DiscoveryHandler {
 public:
  virtual void on_endpoints(ClusterState& cluster, const EndpointSet& endpoints) = 0;
  virtual void on_warm() = 0;

 protected:
  ~DiscoveryHandler() = default;
};

class ClusterDiscovery {
 public:
  ClusterDiscovery(net::Loop& loop, DiscoveryHandler& handler);
  ~ClusterDiscovery();

  /// Begins to resolve `cluster`; counts go to `stats` (update_attempt, update_success, update_failure,
  /// update_no_rebuild). `resolver`: null leaves its names without addresses.
  void add(ClusterState& cluster, observe::StatGroup& stats, net::Resolver* resolver);
  /// All clusters are added: `on_warm` follows, in a later turn, when each that waits has had the answer to one of its
  /// names, or a failure.
  void start();

 private:
  class Names;
  class Target;
  void on_first_answer();
  void warm();

  net::Loop& loop_;
  DiscoveryHandler& handler_;
  std::vector<std::unique_ptr<Names>> clusters_;
  size_t waiting_ = 0;
  bool is_started_ = false;
  net::Deferred warm_;
};

}  // namespace weft::proxy
