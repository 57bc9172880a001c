// Purpose: publishes what a cluster counts per process (breakers, ejections, usable hosts) as statistics under Envoy's
// names. Thread:  the main one; `publish` that of a reader of the registry. Owner: Server, one a cluster; gives its
// groups back when it goes.
#pragma once

#include <string_view>

#include "observe/registry.h"
#include "proxy/cluster_state.h"

namespace weft::proxy {

class SharedStats final : private observe::StatSource {
 public:
  /// `stat_name`: the cluster's, as in "cluster.<stat_name>.". `cluster` and `registry` outlive this.
  SharedStats(observe::Registry& registry, unsigned main_index, std::string_view stat_name,
              const ClusterState& cluster);
  ~SharedStats();
  SharedStats(const SharedStats&) = delete;
  SharedStats& operator=(const SharedStats&) = delete;

 private:
  void publish() override;
  void publish_breaker(observe::StatGroup& group, const CircuitBreaker& breaker);
  void publish_outlier(const OutlierCounters& counters);

  observe::Registry& registry_;
  const ClusterState& cluster_;
  observe::StatGroup* breakers_[2];        ///< default, high
  observe::StatGroup* membership_;         ///< the cluster's own
  observe::StatGroup* outlier_ = nullptr;  ///< null: no outlier detection
};

}  // namespace weft::proxy
