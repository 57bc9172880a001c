// Purpose: the live state of one endpoint address of one cluster, shared by the workers: load, totals and ejection.
// Thread:  any for the shared counts; everything else is set at construction.
// Owner:   the process, by shared_ptr, keyed by cluster and address; it survives snapshot changes while the address
// stays.
#pragma once

#include <memory>
#include <string>

#include "base/shared_count.h"
#include "base/time.h"
#include "net/address.h"
#include "observe/metadata.h"
#include "proxy/cluster_config.h"

namespace weft::proxy {

/// Answers of the interval under way, and what share of the last one's was good.
struct HostTally {
  base::SharedCount successes, failures;
  double success_rate = -1;  ///< percent; -1: too few answers, or not computed.   Thread: the main one
};

/// What outlier detection remembers of a host. Consecutive counts begin again at the first success.
struct HostOutlier {
  base::SharedCount consecutive_5xx, consecutive_gateway_failure, consecutive_local_origin_failure;
  HostTally external, local_origin;
  base::SharedCount is_ejected;  ///< 0 or 1
  base::SharedCount ejected_at;  ///< MonoTime, ns since the clock's origin
  base::SharedCount jitter;      ///< of the current ejection, ns
  base::SharedCount multiplier;  ///< of base_ejection_time for the current ejection; falls by one each quiet interval
  base::SharedCount returns, unejected_at;  ///< how often its time was over, and when last
};

struct Host : std::enable_shared_from_this<Host> {
  Host(net::Address host_address, std::string name, uint32_t host_weight, uint32_t host_priority,
       HostHealth host_health = HostHealth::Healthy, base::MonoTime added = {})
      : address(std::move(host_address)),
        address_text(address.to_string()),
        hostname(std::move(name)),
        weight(host_weight),
        priority(host_priority),
        health(host_health),
        added_at(added) {}

  const net::Address address;
  const std::string address_text;  ///< "127.0.0.1:80"
  const std::string hostname;      ///< for auto_host_rewrite and /clusters
  const uint32_t weight;
  const uint32_t priority;
  const HostHealth health;
  const base::MonoTime added_at;  ///< to the cluster; slow start counts from here
  // Set before others know the host; null: none.
  std::shared_ptr<const Locality> locality;
  std::shared_ptr<const observe::Metadata> metadata;

  // /clusters and the balancer read these.
  base::SharedCount rq_active, rq_pending_active, rq_total, rq_success, rq_error, rq_timeout;
  base::SharedCount cx_active, cx_total, cx_connect_fail;
  HostOutlier outlier;

  bool is_ejected() const { return outlier.is_ejected.value() != 0; }
  /// Whether a balancer takes this host outside panic mode.
  bool is_usable() const { return health == HostHealth::Healthy && !is_ejected(); }
  /// Whether it takes what the usable hosts cannot.
  bool is_degraded() const { return health == HostHealth::Degraded && !is_ejected(); }
};

}  // namespace weft::proxy
