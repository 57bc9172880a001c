#include "observe/registry.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <thread>

#include "base/limits.h"
#include "observe/stats_render.h"

namespace weft::observe {
namespace {

enum class Stat { Total, Active, Time, Rq };
constexpr StatTable::Row kRows[] = {{"upstream_rq_total", StatKind::Counter},
                                    {"upstream_rq_active", StatKind::Gauge},
                                    {"upstream_rq_time", StatKind::Histogram},
                                    {"upstream_rq_", StatKind::Status}};
constexpr StatTable kTable = {kRows, 4};

StatScope cluster(const std::string& name) {
  return {"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}};
}

struct Containing final : StatNameFilter {
  explicit Containing(std::string_view part) : part_(part) {}
  bool matches(std::string_view name) const override { return name.find(part_) != std::string_view::npos; }
  std::string_view part_;
};

TEST(Registry, AsksSourcesBeforeEachReading) {
  struct Elsewhere final : StatSource {
    explicit Elsewhere(StatGroup& its_group) : group(its_group) {}
    void publish() override { group.gauge(Stat::Active).set(++asked); }
    StatGroup& group;
    int asked = 0;
  };
  Registry registry;
  Elsewhere source(registry.group(cluster("web"), kTable, 0));
  registry.add_source(source);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_active"), 1);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_active"), 2);
  registry.flush();
  EXPECT_EQ(source.asked, 2) << "the end of an interval is of histograms only";
  registry.remove_source(source);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_active"), 2);
}

TEST(Registry, SumsTheGroupsOfAllWorkers) {
  Registry registry;
  StatGroup& first = registry.group(cluster("web"), kTable, 0);
  StatGroup& second = registry.group(cluster("web"), kTable, 1);
  EXPECT_NE(&first, &second);
  EXPECT_EQ(&registry.group(cluster("web"), kTable, 1), &second);
  first.counter(Stat::Total).add(2);
  second.counter(Stat::Total).add(3);
  first.gauge(Stat::Active).add(4);
  second.gauge(Stat::Active).subtract(1);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_total"), 5);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_active"), 3);
  EXPECT_EQ(registry.value("cluster.web.nothing"), 0);
}

TEST(Registry, ForgetsAScopeWhenItsLastGroupIsGivenBack) {
  Registry registry;
  StatGroup& first = registry.group(cluster("web"), kTable, 0);
  StatGroup& second = registry.group(cluster("web"), kTable, 1);
  StatGroup& other = registry.group(cluster("web2"), kTable, 0);
  first.counter(Stat::Total).add(7);
  registry.release(first);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_total"), 7) << "a sum never falls while the scope is in use";
  registry.release(second);
  EXPECT_EQ(registry.read().size(), 3u) << "only web2 is left";
  registry.release(other);
  EXPECT_TRUE(registry.read().empty());
}

TEST(Registry, ShowsResponseCodesAndClassesThatCameAndNoOthers) {
  Registry registry;
  registry.group(cluster("web"), kTable, 0).status(Stat::Rq).count(503);
  registry.group(cluster("web"), kTable, 1).status(Stat::Rq).count(503);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_503"), 2);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_5xx"), 2);
  Containing filter("upstream_rq_2");
  StatQuery query;
  query.filter = &filter;
  EXPECT_TRUE(registry.read(query).empty());
}

TEST(Registry, ShowsDynamicCountersAndTheirOverflow) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  for (size_t i = 0; i < base::kDynamicStatsMax + 5; ++i) group.dynamic("ssl.ciphers.c" + std::to_string(i)).add();
  EXPECT_EQ(registry.value("cluster.web.ssl.ciphers.c0"), 1);
  EXPECT_EQ(registry.value("cluster.web.dynamic_stats_overflow"), 5);
}

TEST(Registry, QueriesByUseNameAndType) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  group.counter(Stat::Total).add();
  registry.set_text("control_plane.identifier", "cp-1");
  StatQuery used;
  used.used_only = true;
  EXPECT_EQ(stats_text(registry.read(used)), "control_plane.identifier: \"cp-1\"\ncluster.web.upstream_rq_total: 1\n");
  StatQuery gauges;
  gauges.counters = gauges.histograms = gauges.texts = false;
  EXPECT_EQ(stats_text(registry.read(gauges)), "cluster.web.upstream_rq_active: 0\n");
}

TEST(Registry, ResettingCountersLeavesGaugesAndHistograms) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  group.counter(Stat::Total).add(5);
  group.status(Stat::Rq).count(200);
  group.gauge(Stat::Active).add(2);
  registry.reset_counters();
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_total"), 0);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_200"), 0);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_active"), 2);
  group.counter(Stat::Total).add(3);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_total"), 3);
  registry.reset_counters();
  group.counter(Stat::Total).add(1);
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_total"), 1) << "a second reset counts from the true value";
}

TEST(Registry, AHistogramShowsItsLastIntervalAndItsTotal) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  EXPECT_EQ(stats_text(registry.read()).find("upstream_rq_time"), std::string::npos)
      << "response times appear with the first response";
  group.histogram(Stat::Time).record(1);
  EXPECT_NE(stats_text(registry.read()).find("cluster.web.upstream_rq_time: P0(nan,1) P25(nan,1.025) P50(nan,1.05)"),
            std::string::npos);
  registry.flush();
  group.histogram(Stat::Time).record(20);
  registry.flush();
  EXPECT_NE(stats_text(registry.read()).find("upstream_rq_time: P0(20,1) "), std::string::npos);
  EXPECT_NE(stats_text(registry.read()).find(" P99.5(20.995,"), std::string::npos);
  registry.flush();
  EXPECT_NE(stats_text(registry.read()).find("upstream_rq_time: P0(nan,1) "), std::string::npos);
}

TEST(StatsRender, HistogramViewsInText) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  group.histogram(Stat::Time).record(7);
  group.histogram(Stat::Time).record(300);
  StatQuery query;
  query.counters = query.gauges = false;
  auto samples = registry.read(query);
  EXPECT_TRUE(stats_text(samples, HistogramView::Cumulative)
                  .starts_with("cluster.web.upstream_rq_time: B0.5(0,0) B1(0,0) B5(0,0) B10(0,1) B25(0,1)"));
  EXPECT_NE(stats_text(samples, HistogramView::Cumulative).find("B500(0,2)"), std::string::npos);
  EXPECT_NE(stats_text(samples, HistogramView::Disjoint).find("B10(0,1) B25(0,0)"), std::string::npos);
  EXPECT_TRUE(
      stats_text(samples, HistogramView::Detailed)
          .starts_with("cluster.web.upstream_rq_time:\n  totals=7,0.1:1, 300,10:1\n  intervals=\n  summary=P0(nan,7)"));
}

TEST(StatsRender, JsonHoldsValuesThenHistograms) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  group.counter(Stat::Total).add();
  group.histogram(Stat::Time).record(2);
  StatQuery used;
  used.used_only = true;
  auto samples = registry.read(used);
  std::string json = stats_json(samples);
  EXPECT_TRUE(
      json.starts_with("{\"stats\":[{\"name\":\"cluster.web.upstream_rq_total\",\"value\":1},{\"histograms\":{"
                       "\"supported_quantiles\":[0,25,50,75,90,95,99,99.5,99.9,100],\"computed_quantiles\":[{"
                       "\"name\":\"cluster.web.upstream_rq_time\",\"values\":[{\"cumulative\":2,\"interval\":null},"))
      << json;
  EXPECT_TRUE(json.ends_with("]}]}}]}")) << json;
  EXPECT_NE(stats_json(samples, HistogramView::Disjoint).find("{\"upper_bound\":5,\"interval\":0,\"cumulative\":1}"),
            std::string::npos);
  EXPECT_NE(
      stats_json(samples, HistogramView::Detailed).find("\"totals\":[{\"lower_bound\":2,\"width\":0.1,\"count\":1}]"),
      std::string::npos);
  EXPECT_EQ(stats_json({}), "{\"stats\":[]}");
}

TEST(StatsRender, PrometheusHasEnvoysNamesTypesAndLabels) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  group.counter(Stat::Total).add(2);
  group.status(Stat::Rq).count(200);
  group.gauge(Stat::Active).add(1);
  group.dynamic("ssl.versions.TLSv1.3").add();
  registry.group(cluster("api"), kTable, 0).counter(Stat::Total).add(9);
  StatQuery used;
  used.used_only = true;
  EXPECT_EQ(stats_prometheus(registry.read(used)),
            "# TYPE envoy_cluster_ssl_versions counter\n"
            "envoy_cluster_ssl_versions{envoy_ssl_version=\"TLSv1.3\",envoy_cluster_name=\"web\"} 1\n"
            "# TYPE envoy_cluster_upstream_rq counter\n"
            "envoy_cluster_upstream_rq{envoy_response_code=\"200\",envoy_cluster_name=\"web\"} 1\n"
            "# TYPE envoy_cluster_upstream_rq_completed counter\n"
            "envoy_cluster_upstream_rq_completed{envoy_cluster_name=\"web\"} 1\n"
            "# TYPE envoy_cluster_upstream_rq_total counter\n"
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"api\"} 9\n"
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"web\"} 2\n"
            "# TYPE envoy_cluster_upstream_rq_xx counter\n"
            "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\",envoy_cluster_name=\"web\"} 1\n"
            "# TYPE envoy_cluster_upstream_rq_active gauge\n"
            "envoy_cluster_upstream_rq_active{envoy_cluster_name=\"web\"} 1\n");
}

TEST(StatsRender, PrometheusHistogramsAreCumulative) {
  Registry registry;
  StatGroup& group = registry.group({"server.", "server.", {}}, kTable, 0);
  group.histogram(Stat::Time).record(7);
  StatQuery used;
  used.used_only = true;
  std::string text = stats_prometheus(registry.read(used));
  EXPECT_TRUE(
      text.starts_with("# TYPE envoy_server_upstream_rq_time histogram\n"
                       "envoy_server_upstream_rq_time_bucket{le=\"0.5\"} 0\n"))
      << text;
  EXPECT_NE(text.find("_bucket{le=\"10\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("_bucket{le=\"3600000\"} 1\n"), std::string::npos);
  EXPECT_TRUE(
      text.ends_with("envoy_server_upstream_rq_time_bucket{le=\"+Inf\"} 1\n"
                     "envoy_server_upstream_rq_time_sum{} 7\n"
                     "envoy_server_upstream_rq_time_count{} 1\n"))
      << text;
}

TEST(StatsRender, PrometheusSummariesAreOfTheLastInterval) {
  Registry registry;
  StatGroup& group = registry.group({"server.", "server.", {}}, kTable, 0);
  group.histogram(Stat::Time).record(7);
  StatQuery used;
  used.used_only = true;
  const auto text = [&] { return stats_prometheus(registry.read(used), false, PrometheusHistograms::Summaries); };
  EXPECT_TRUE(
      text().starts_with("# TYPE envoy_server_upstream_rq_time summary\n"
                         "envoy_server_upstream_rq_time{quantile=\"0\"} NaN\n"))
      << text();
  registry.flush();
  EXPECT_TRUE(
      text().starts_with("# TYPE envoy_server_upstream_rq_time summary\n"
                         "envoy_server_upstream_rq_time{quantile=\"0\"} 7\n"
                         "envoy_server_upstream_rq_time{quantile=\"0.25\"} 7.025"))
      << text();
  EXPECT_TRUE(text().ends_with("envoy_server_upstream_rq_time_sum{} 7\nenvoy_server_upstream_rq_time_count{} 1\n"))
      << text();
  registry.flush();
  EXPECT_TRUE(text().ends_with("envoy_server_upstream_rq_time_count{} 0\n")) << text();
}

TEST(StatsRender, HostileNamesCannotInjectLinesOrLabels) {
  Registry registry;
  std::string name = "a\"\\\n<script>";
  registry.group(cluster(name), kTable, 0).counter(Stat::Total).add();
  StatQuery used;
  used.used_only = true;
  auto samples = registry.read(used);
  EXPECT_EQ(stats_text(samples), "cluster.a\"\\\\n<script>.upstream_rq_total: 1\n");
  EXPECT_EQ(stats_prometheus(samples),
            "# TYPE envoy_cluster_upstream_rq_total counter\n"
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\\\"\\\\\\n<script>\"} 1\n");
  EXPECT_EQ(stats_json(samples),
            "{\"stats\":[{\"name\":\"cluster.a\\\"\\\\\\n<script>.upstream_rq_total\",\"value\":1}]}");
}

TEST(Registry, CanBeReadWhileAWorkerCounts) {
  Registry registry;
  StatGroup& group = registry.group(cluster("web"), kTable, 0);
  std::thread worker([&group] {
    for (int i = 0; i < 20000; ++i) {
      group.counter(Stat::Total).add();
      group.histogram(Stat::Time).record(static_cast<uint64_t>(i));
      group.status(Stat::Rq).count(static_cast<uint16_t>(100 + i % 500));
      group.dynamic("name" + std::to_string(i % 300)).add();
    }
  });
  int64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    int64_t now = registry.value("cluster.web.upstream_rq_total");
    EXPECT_GE(now, last);
    last = now;
    registry.flush();
  }
  worker.join();
  EXPECT_EQ(registry.value("cluster.web.upstream_rq_total"), 20000);
}

// The budget of one cluster's statistics on one worker: 8 bytes a row, and the scope once for the process.
TEST(Registry, AClusterOfAHundredRowsTakesLessThanTwoKilobytesUnused) {
  std::vector<StatTable::Row> rows(100, {"upstream_rq_total", StatKind::Counter});
  rows[7] = {"upstream_rq_time", StatKind::Histogram};
  rows[8] = {"upstream_rq_", StatKind::Status};
  const StatTable table = {rows.data(), rows.size()};
  Registry registry;
  size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 1000; ++i) registry.group(cluster("service-" + std::to_string(i)), table, 0);
  size_t taken = mallinfo2().uordblks - before;
  if (taken == 0) GTEST_SKIP() << "this allocator does not report its use";
  EXPECT_LT(taken, 1000u * 2048);
}

}  // namespace
}  // namespace weft::observe
