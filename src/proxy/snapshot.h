// Purpose: the whole configuration of a data plane at one version: a small table of immutable parts, each shared
//          unchanged between versions.
// Thread:  any (immutable).   Owner: the process; each worker holds one shared_ptr a version.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/cluster_config.h"
#include "proxy/listener_config.h"

namespace weft::proxy {

struct AdminConfig {
  bool is_enabled = false;
  net::Address address;
  std::vector<AccessLogConfig> access_logs;
};

struct NodeInfo {
  std::string id, cluster, zone;
};

/// One version of the configuration.
struct Snapshot {
  uint64_t version = 0;
  NodeInfo node;
  AdminConfig admin;
  std::vector<std::shared_ptr<const ListenerConfig>> listeners;
  std::vector<std::shared_ptr<const ClusterConfig>> clusters;  ///< in the order of the bootstrap
  base::Duration stats_flush_interval = base::seconds(5);
};

}  // namespace weft::proxy
