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
constexpr observe::StatTable::Row kListenerWorkerRows[] = {WEFT_LISTENER_WORKER_STATS(WEFT_STAT_ROW)};
constexpr observe::StatTable::Row kServerRows[] = {WEFT_SERVER_STATS(WEFT_STAT_ROW)};

}  // namespace

const observe::StatTable kClusterStats{kClusterRows, std::size(kClusterRows)};
const observe::StatTable kHttpStats{kHttpRows, std::size(kHttpRows)};
const observe::StatTable kListenerStats{kListenerRows, std::size(kListenerRows)};
const observe::StatTable kListenerWorkerStats{kListenerWorkerRows, std::size(kListenerWorkerRows)};
const observe::StatTable kServerStats{kServerRows, std::size(kServerRows)};

}  // namespace weft::proxy
