// Purpose: what the process keeps of one cluster and all workers share: hosts with their counts, breakers, ejection.
// Thread:  `update_endpoints`, `sweep` and `hosts` the main thread; breakers, the detector and the epoch any.
// Owner:   Server, keyed by cluster name and configuration hash; survives snapshot changes while both stay.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/shared_count.h"
#include "proxy/breaker.h"
#include "proxy/cluster_config.h"
#include "proxy/host.h"
#include "proxy/outlier.h"

namespace weft::proxy {

/// The hosts of a cluster at one moment. Immutable; a worker holds one copy.
struct HostSet {
  std::vector<std::shared_ptr<Host>> hosts;
};

class ClusterState {
 public:
  explicit ClusterState(std::shared_ptr<const ClusterConfig> config);

  const std::shared_ptr<const ClusterConfig>& config() const { return config_; }
  CircuitBreaker& breaker(bool is_high_priority) { return is_high_priority ? high_ : default_; }
  const CircuitBreaker& breaker(bool is_high_priority) const { return is_high_priority ? high_ : default_; }
  OutlierDetector* outlier() { return outlier_.get(); }
  const OutlierDetector* outlier() const { return outlier_.get(); }

  /// Hosts keep their counts while their address stays; new ones are added `now`. Returns false when nothing changed.
  bool update_endpoints(const EndpointSet& endpoints, base::MonoTime now);
  const std::shared_ptr<const HostSet>& hosts() const { return hosts_; }

  /// Tells the detector what became of an attempt. True: the host was ejected by it.
  bool report(Host& host, const AttemptOutcome& outcome, base::MonoTime now, uint64_t random);
  /// Ends an interval of the detector: hosts come back and are ejected. True: some host's health changed.
  bool sweep(base::MonoTime now, base::Random& random);
  /// Rises whenever some host's health changed, so that workers rebuild their balancers.
  uint64_t health_epoch() const { return health_epoch_.value(); }
  size_t host_count() const { return host_count_.value(); }
  /// Hosts of this health that are not ejected.   Thread: any
  size_t host_count(HostHealth health) const;

  base::MonoTime next_sweep{};  ///< main thread

 private:
  std::shared_ptr<const ClusterConfig> config_;
  CircuitBreaker default_, high_;
  std::unique_ptr<OutlierDetector> outlier_;
  std::shared_ptr<const HostSet> hosts_;
  base::SharedCount health_epoch_, host_count_;
  std::array<base::SharedCount, kHostHealths> host_counts_;  ///< by their assignment
};

}  // namespace weft::proxy
