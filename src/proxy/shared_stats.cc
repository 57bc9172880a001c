#include "proxy/shared_stats.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "proxy/stats.h"

namespace weft::proxy {

namespace {

using observe::StatKind;

enum class BreakerStat : uint16_t {
  cx_open,
  cx_pool_open,
  rq_pending_open,
  rq_open,
  rq_retry_open,
  remaining_cx,
  remaining_cx_pools,
  remaining_pending,
  remaining_rq,
  remaining_retries
};
constexpr observe::StatTable::Row kBreakerRows[] = {{"cx_open", StatKind::Gauge},
                                                    {"cx_pool_open", StatKind::Gauge},
                                                    {"rq_pending_open", StatKind::Gauge},
                                                    {"rq_open", StatKind::Gauge},
                                                    {"rq_retry_open", StatKind::Gauge},
                                                    {"remaining_cx", StatKind::Gauge},
                                                    {"remaining_cx_pools", StatKind::Gauge},
                                                    {"remaining_pending", StatKind::Gauge},
                                                    {"remaining_rq", StatKind::Gauge},
                                                    {"remaining_retries", StatKind::Gauge}};
constexpr size_t kAlwaysShown = static_cast<size_t>(BreakerStat::remaining_cx);
constexpr observe::StatTable kBreakerStats{kBreakerRows, kAlwaysShown};
constexpr observe::StatTable kTrackedBreakerStats{kBreakerRows, std::size(kBreakerRows)};  ///< with track_remaining

enum class OutlierStat : uint16_t {
  ejections_active,
  ejections_overflow,
  ejections_enforced_total,
  ejections_total,
  ejections_consecutive_5xx,
  ejections_success_rate,
  detected,                             ///< the first of kEjectionKinds rows
  enforced = detected + kEjectionKinds  ///< likewise
};
constexpr observe::StatTable::Row kOutlierRows[] = {
    {"ejections_active", StatKind::Gauge},
    {"ejections_overflow", StatKind::Counter},
    {"ejections_enforced_total", StatKind::Counter},
    {"ejections_total", StatKind::Counter},
    {"ejections_consecutive_5xx", StatKind::Counter},
    {"ejections_success_rate", StatKind::Counter},
    {"ejections_detected_consecutive_5xx", StatKind::Counter},
    {"ejections_detected_consecutive_gateway_failure", StatKind::Counter},
    {"ejections_detected_consecutive_local_origin_failure", StatKind::Counter},
    {"ejections_detected_success_rate", StatKind::Counter},
    {"ejections_detected_local_origin_success_rate", StatKind::Counter},
    {"ejections_detected_failure_percentage", StatKind::Counter},
    {"ejections_detected_local_origin_failure_percentage", StatKind::Counter},
    {"ejections_enforced_consecutive_5xx", StatKind::Counter},
    {"ejections_enforced_consecutive_gateway_failure", StatKind::Counter},
    {"ejections_enforced_consecutive_local_origin_failure", StatKind::Counter},
    {"ejections_enforced_success_rate", StatKind::Counter},
    {"ejections_enforced_local_origin_success_rate", StatKind::Counter},
    {"ejections_enforced_failure_percentage", StatKind::Counter},
    {"ejections_enforced_local_origin_failure_percentage", StatKind::Counter}};
static_assert(std::size(kOutlierRows) == static_cast<size_t>(OutlierStat::enforced) + kEjectionKinds);
constexpr observe::StatTable kOutlierStats{kOutlierRows, std::size(kOutlierRows)};

}  // namespace

SharedStats::SharedStats(observe::Registry& registry, unsigned main_index, std::string_view stat_name,
                         const ClusterState& cluster)
    : registry_(registry), cluster_(cluster) {
  const std::string name(stat_name);
  const auto group = [&](const std::string& part, const observe::StatTable& table) {
    return &registry.group({"cluster." + name + "." + part, "cluster." + part, {{"envoy.cluster_name", name}}}, table,
                           main_index);
  };
  const auto table_of = [](const CircuitBreaker& breaker) -> const observe::StatTable& {
    return breaker.tracks_remaining() ? kTrackedBreakerStats : kBreakerStats;
  };
  breakers_[0] = group("circuit_breakers.default.", table_of(cluster.breaker(false)));
  breakers_[1] = group("circuit_breakers.high.", table_of(cluster.breaker(true)));
  if (cluster.outlier() != nullptr) outlier_ = group("outlier_detection.", kOutlierStats);
  membership_ =
      &registry.group({"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}}, kClusterStats, main_index);
  registry.add_source(*this);
}

SharedStats::~SharedStats() {
  registry_.remove_source(*this);
  registry_.release(*membership_);
  for (observe::StatGroup* group : breakers_) registry_.release(*group);
  if (outlier_ != nullptr) registry_.release(*outlier_);
}

void SharedStats::publish() {
  membership_->gauge(ClusterStat::membership_total).set(static_cast<int64_t>(cluster_.host_count()));
  const auto count = [&](HostHealth health) { return static_cast<int64_t>(cluster_.host_count(health)); };
  membership_->gauge(ClusterStat::membership_healthy).set(count(HostHealth::Healthy));
  membership_->gauge(ClusterStat::membership_degraded).set(count(HostHealth::Degraded));
  membership_->gauge(ClusterStat::membership_excluded).set(0);  // of PENDING hosts, which only discovery makes
  publish_breaker(*breakers_[0], cluster_.breaker(false));
  publish_breaker(*breakers_[1], cluster_.breaker(true));
  if (outlier_ != nullptr) publish_outlier(cluster_.outlier()->counters());
}

void SharedStats::publish_breaker(observe::StatGroup& group, const CircuitBreaker& breaker) {
  const auto set = [&](BreakerStat stat, uint64_t value) { group.gauge(stat).set(static_cast<int64_t>(value)); };
  const auto set_open = [&](BreakerStat stat, const BreakerResource& resource, bool is_open) {
    if (resource.is_used()) set(stat, is_open);
  };
  set_open(BreakerStat::cx_open, breaker.connections(), breaker.connections().is_open());
  set_open(BreakerStat::cx_pool_open, breaker.connection_pools(), breaker.connection_pools().is_open());
  set_open(BreakerStat::rq_pending_open, breaker.pending_requests(), breaker.pending_requests().is_open());
  set_open(BreakerStat::rq_open, breaker.requests(), breaker.requests().is_open());
  set_open(BreakerStat::rq_retry_open, breaker.retry_places(), breaker.is_retries_open());
  if (!breaker.tracks_remaining()) return;
  set(BreakerStat::remaining_cx, breaker.connections().remaining());
  // A gauge holds 63 bits, one of them the sign; without max_connection_pools there is no limit.
  set(BreakerStat::remaining_cx_pools, std::min<uint64_t>(breaker.connection_pools().remaining(), INT64_MAX / 2));
  set(BreakerStat::remaining_pending, breaker.pending_requests().remaining());
  set(BreakerStat::remaining_rq, breaker.requests().remaining());
  set(BreakerStat::remaining_retries, breaker.retries_remaining());
}

void SharedStats::publish_outlier(const OutlierCounters& counters) {
  outlier_->gauge(OutlierStat::ejections_active).set(static_cast<int64_t>(counters.ejections_active.value()));
  const auto raise = [&](size_t row, const base::SharedCount& count) {
    observe::Counter& counter = outlier_->counter(row);
    counter.add(count.value() - counter.value());
  };
  const auto row_of = [](OutlierStat stat) { return static_cast<size_t>(stat); };
  raise(row_of(OutlierStat::ejections_overflow), counters.ejections_overflow);
  raise(row_of(OutlierStat::ejections_enforced_total), counters.ejections_enforced_total);
  raise(row_of(OutlierStat::ejections_total), counters.ejections_total);
  raise(row_of(OutlierStat::ejections_consecutive_5xx), counters.ejections_consecutive_5xx);
  raise(row_of(OutlierStat::ejections_success_rate), counters.ejections_success_rate);
  for (size_t kind = 0; kind < kEjectionKinds; ++kind) {
    raise(row_of(OutlierStat::detected) + kind, counters.detected[kind]);
    raise(row_of(OutlierStat::enforced) + kind, counters.enforced[kind]);
  }
}

}  // namespace weft::proxy
