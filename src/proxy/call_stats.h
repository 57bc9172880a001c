// Purpose: which statistics one call's responses and retries count in: those of its cluster, of the name that
//          x-envoy-upstream-alt-stat-name gives, of its virtual cluster, and of its route's stat_prefix.
// Thread:  the owning worker's.   Owner: UpstreamCall.
// Source:  Envoy's CodeStatsImpl (chargeResponseStat, chargeBasicResponseStat, chargeResponseTiming).
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"
#include "http/message.h"
#include "observe/stats.h"
#include "proxy/listener_config.h"
#include "proxy/route_table.h"

namespace weft::proxy {

class Worker;
class WorkerCluster;

// X(kind, name), as in stats.h: what virtual clusters and routes with a stat_prefix count.
#define WEFT_VHOST_STATS(X)              \
  X(C, upstream_rq_retry)                \
  X(C, upstream_rq_retry_limit_exceeded) \
  X(C, upstream_rq_retry_overflow)       \
  X(C, upstream_rq_retry_success)        \
  X(C, upstream_rq_timeout)              \
  X(C, upstream_rq_total)                \
  X(H, upstream_rq_time)
#define WEFT_VHOST_STAT_ENUM(kind, name) name,
enum class VhostStat : uint16_t { WEFT_VHOST_STATS(WEFT_VHOST_STAT_ENUM) upstream_rq_, kCount };
#undef WEFT_VHOST_STAT_ENUM
extern const observe::StatTable kVhostStats;

/// What responses under an alternative name count: the part of a cluster's own statistics that CodeStats writes.
enum class AltStat : uint16_t {
  upstream_rq_time,
  internal_upstream_rq_time,
  external_upstream_rq_time,
  upstream_rq_,
  internal_upstream_rq_,
  external_upstream_rq_,
  kCount
};
extern const observe::StatTable kAltStats;

class CallStats {
 public:
  /// `virtual_cluster`: see find_virtual_cluster. `head`: as the connection manager left it, whose
  /// x-envoy-upstream-alt-stat-name is taken away.
  CallStats(Worker& worker, WorkerCluster& cluster, const RouteMatchResult& match,
            const VirtualCluster* virtual_cluster, const RouterConfig& router, http::RequestHead& head);

  /// A response that goes downstream, or a failure that is answered with `status` in its place.
  void response(uint16_t status);
  /// A response that another attempt replaces.
  void retried_response(uint16_t status);
  /// From the end of the request to the end of the response.
  void time(base::Duration elapsed);
  /// One of upstream_rq_retry …, upstream_rq_total: what virtual cluster and route have besides the cluster's own.
  void count(VhostStat stat);

 private:
  observe::StatGroup& cluster_;
  observe::StatGroup* alt_ = nullptr;
  std::array<observe::StatGroup*, 2> scopes_{};  ///< virtual cluster, route; null: none
  bool emits_, excludes_codes_, is_internal_;
};

/// The virtual cluster of a request: the first whose matchers all match, else the one of all others; null where the
/// virtual host has none.
const VirtualCluster* find_virtual_cluster(const VirtualHost& host, const http::RequestHead& head);

}  // namespace weft::proxy
