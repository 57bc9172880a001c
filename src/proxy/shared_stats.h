// Purpose: publishes what a cluster counts per process (breakers, ejections) as statistics under Envoy's names.
// Thread:  the main one.   Owner: Server, one a cluster; gives its groups back when it goes.
#pragma once

#include <string_view>

#include "observe/registry.h"
#include "proxy/cluster_state.h"

namespace weft::proxy {

class SharedStats {
 public:
  /// `stat_name`: the cluster's, as in "cluster.<stat_name>.". `cluster` and `registry` outlive this.
  SharedStats(observe::Registry& registry, unsigned main_index, std::string_view stat_name,
              const ClusterState& cluster);
  ~SharedStats();
  SharedStats(const SharedStats&) = delete;
  SharedStats& operator=(const SharedStats&) = delete;

  /// Brings the statistics up to the counts as they are now.
  void publish();

 private:
  void publish_breaker(observe::StatGroup& group, const CircuitBreaker& breaker);
  void publish_outlier(const OutlierCounters& counters);

  observe::Registry& registry_;
  const ClusterState& cluster_;
  observe::StatGroup* breakers_[2];        ///< default, high
  observe::StatGroup* outlier_ = nullptr;  ///< null: no outlier detection
};

}  // namespace weft::proxy
