#include "proxy/stats.h"

namespace weft::proxy {
namespace {

using observe::StatKind;

#define WEFT_STAT_KIND_C StatKind::Counter
#define WEFT_STAT_KIND_G StatKind::Gauge
#define WEFT_STAT_KIND_H StatKind::Histogram
#define WEFT_STAT_ROW(kind, name) {#name, WEFT_STAT_KIND_##kind},

constexpr observe::StatTable::Row kClusterRows[] = {WEFT_CLUSTER_STATS(WEFT_STAT_ROW){"upstream_rq_", StatKind::Status},
                                                    {"internal.upstream_rq_", StatKind::Status},
                                                    {"external.upstream_rq_", StatKind::Status},
                                                    {"retry.upstream_rq_", StatKind::Status},
                                                    {"internal.upstream_rq_time", StatKind::Histogram},
                                                    {"external.upstream_rq_time", StatKind::Histogram}};
static_assert(std::size(kClusterRows) == static_cast<size_t>(ClusterStat::kCount));
constexpr observe::StatTable::Row kHttpRows[] = {WEFT_HTTP_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kListenerRows[] = {WEFT_LISTENER_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kListenerHttpRows[] = {WEFT_LISTENER_HTTP_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kClusterManagerRows[] = {WEFT_CLUSTER_MANAGER_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kListenerManagerRows[] = {WEFT_LISTENER_MANAGER_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kTlsInspectorRows[] = {WEFT_TLS_INSPECTOR_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kListenerWorkerRows[] = {WEFT_LISTENER_WORKER_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kServerRows[] = {WEFT_SERVER_STATS(WEFT_STAT_ROW)};

}  // namespace

const observe::StatTable kClusterStats{kClusterRows, std::size(kClusterRows)};
const observe::StatTable kHttpStats{kHttpRows, std::size(kHttpRows)};
const observe::StatTable kListenerStats{kListenerRows, std::size(kListenerRows)};
const observe::StatTable kListenerHttpStats{kListenerHttpRows, std::size(kListenerHttpRows)};
const observe::StatTable kClusterManagerStats{kClusterManagerRows, std::size(kClusterManagerRows)};
const observe::StatTable kListenerManagerStats{kListenerManagerRows, std::size(kListenerManagerRows)};
const observe::StatTable kTlsInspectorStats{kTlsInspectorRows, std::size(kTlsInspectorRows)};
const observe::StatTable kListenerWorkerStats{kListenerWorkerRows, std::size(kListenerWorkerRows)};
const observe::StatTable kServerStats{kServerRows, std::size(kServerRows)};

void count_downstream_status(observe::StatGroup& manager, observe::StatGroup* of_listener, uint16_t status) {
  const unsigned hundreds = status / 100;
  const bool has_class = hundreds >= 1 && hundreds <= 5;
  manager.counter(HttpStat::downstream_rq_completed).add();
  if (has_class) manager.counter(static_cast<size_t>(HttpStat::downstream_rq_1xx) + hundreds - 1).add();
  if (of_listener == nullptr) return;
  of_listener->counter(ListenerHttpStat::downstream_rq_completed).add();
  if (has_class) of_listener->counter(hundreds - 1).add();
}

}  // namespace weft::proxy
