#include "proxy/call_stats.h"

#include <algorithm>

#include "http/grpc.h"
#include "proxy/stats.h"
#include "proxy/worker.h"
#include "proxy/worker_cluster.h"

namespace weft::proxy {

using http::HeaderId;

namespace {

using observe::StatKind;

#define WEFT_VHOST_KIND_C StatKind::Counter
#define WEFT_VHOST_KIND_H StatKind::Histogram
#define WEFT_VHOST_ROW(kind, name) {#name, WEFT_VHOST_KIND_##kind},
constexpr observe::StatTable::Row kVhostRows[] = {WEFT_VHOST_STATS(WEFT_VHOST_ROW){"upstream_rq_", StatKind::Status}};
static_assert(std::size(kVhostRows) == static_cast<size_t>(VhostStat::kCount));

constexpr observe::StatTable::Row kAltRows[] = {
    {"upstream_rq_time", StatKind::Histogram},          {"internal.upstream_rq_time", StatKind::Histogram},
    {"external.upstream_rq_time", StatKind::Histogram}, {"upstream_rq_", StatKind::Status},
    {"internal.upstream_rq_", StatKind::Status},        {"external.upstream_rq_", StatKind::Status}};
static_assert(std::size(kAltRows) == static_cast<size_t>(AltStat::kCount));

void charge(observe::StatusCounters& family, uint16_t status, bool with_code) {
  if (with_code) family.count(status);
  else family.count_without_code();
}

/// One name's part of a response: all, and internal or external apart.
template <typename Stat>
void charge(observe::StatGroup& group, uint16_t status, bool is_internal, bool with_code) {
  charge(group.status(Stat::upstream_rq_), status, with_code);
  charge(group.status(is_internal ? Stat::internal_upstream_rq_ : Stat::external_upstream_rq_), status, with_code);
}

template <typename Stat>
void charge_time(observe::StatGroup& group, uint64_t milliseconds, bool is_internal) {
  group.histogram(Stat::upstream_rq_time).record(milliseconds);
  group.histogram(is_internal ? Stat::internal_upstream_rq_time : Stat::external_upstream_rq_time).record(milliseconds);
}

}  // namespace

const observe::StatTable kVhostStats{kVhostRows, std::size(kVhostRows)};
const observe::StatTable kAltStats{kAltRows, std::size(kAltRows)};

const VirtualCluster* find_virtual_cluster(const VirtualHost& host, const http::RequestHead& head) {
  for (const VirtualCluster& cluster : host.virtual_clusters) {
    if (std::all_of(cluster.headers.begin(), cluster.headers.end(),
                    [&](const HeaderMatcher& matcher) { return matcher.matches(head); }))
      return &cluster;
  }
  return nullptr;
}

CallStats::CallStats(Worker& worker, WorkerCluster& cluster, const RouteMatchResult& match,
                     const VirtualCluster* virtual_cluster, const RouterConfig& router, http::RequestHead& head)
    : cluster_(cluster.stats()),
      emits_(router.dynamic_stats),
      excludes_codes_(router.suppress_grpc_request_failure_code_stats &&
                      http::is_grpc_content_type(head.get(HeaderId::ContentType))),
      is_internal_(head.get(HeaderId::XEnvoyInternal) == "true") {
  if (const auto name = head.find(HeaderId::XEnvoyUpstreamAltStatName)) {
    if (!name->empty() && emits_) alt_ = cluster.alt_stats(*name);
    head.remove(HeaderId::XEnvoyUpstreamAltStatName);
  }
  const std::string& host = match.virtual_host->name;
  if (virtual_cluster != nullptr)
    scopes_[0] = &worker.vhost_stats(virtual_cluster, host, "vcluster", virtual_cluster->name);
  if (!match.route->stat_prefix.empty())
    scopes_[1] = &worker.vhost_stats(match.route, host, "route", match.route->stat_prefix);
}

void CallStats::response(uint16_t status) {
  if (!emits_) return;
  charge<ClusterStat>(cluster_, status, is_internal_, !excludes_codes_);
  if (alt_ != nullptr) charge<AltStat>(*alt_, status, is_internal_, !excludes_codes_);
  for (observe::StatGroup* scope : scopes_) {
    if (scope != nullptr) charge(scope->status(VhostStat::upstream_rq_), status, !excludes_codes_);
  }
}

void CallStats::retried_response(uint16_t status) {
  charge(cluster_.status(ClusterStat::retry_upstream_rq_), status, !excludes_codes_);
}

void CallStats::time(base::Duration elapsed) {
  if (!emits_) return;
  const auto milliseconds = static_cast<uint64_t>(base::to_milliseconds(elapsed));
  charge_time<ClusterStat>(cluster_, milliseconds, is_internal_);
  if (alt_ != nullptr) charge_time<AltStat>(*alt_, milliseconds, is_internal_);
  for (observe::StatGroup* scope : scopes_) {
    if (scope != nullptr) scope->histogram(VhostStat::upstream_rq_time).record(milliseconds);
  }
}

void CallStats::count(VhostStat stat) {
  for (observe::StatGroup* scope : scopes_) {
    if (scope != nullptr) scope->counter(stat).add();
  }
}

}  // namespace weft::proxy
