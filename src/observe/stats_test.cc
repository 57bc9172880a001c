#include "observe/stats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/limits.h"
#include "observe/histogram.h"

namespace weft::observe {
namespace {

enum class Stat { Total, Active, Time, Rq };
constexpr StatTable::Row kRows[] = {{"total", StatKind::Counter},
                                    {"active", StatKind::Gauge},
                                    {"time", StatKind::Histogram},
                                    {"rq_", StatKind::Status}};
constexpr StatTable kTable = {kRows, 4};

HistogramCounts counts_of(std::initializer_list<uint64_t> values) {
  Histogram histogram;
  for (uint64_t value : values) histogram.record(value);
  HistogramCounts counts;
  histogram.add_to(counts);
  return counts;
}

TEST(Stats, CellsOfAGroupAreIndexedByTheTable) {
  StatGroup group(kTable);
  group.counter(Stat::Total).add();
  group.counter(Stat::Total).add(4);
  group.gauge(Stat::Active).add(3);
  group.gauge(Stat::Active).subtract();
  group.histogram(Stat::Time).record(7);
  group.status(Stat::Rq).count(503);
  EXPECT_EQ(group.counter(Stat::Total).value(), 5u);
  EXPECT_EQ(group.gauge(Stat::Active).value(), 2);
  EXPECT_TRUE(group.histogram(Stat::Time).is_used());
  EXPECT_EQ(group.status(Stat::Rq).code(503), 1u);
}

TEST(Stats, AGaugeMayFallBelowZeroAndRemembersThatItWasWritten) {
  Gauge gauge;
  EXPECT_FALSE(gauge.is_used());
  gauge.subtract(3);
  EXPECT_EQ(gauge.value(), -3);
  gauge.set(0);
  EXPECT_EQ(gauge.value(), 0);
  EXPECT_TRUE(gauge.is_used());
}

TEST(Stats, StatusCountersCountTheCodeAndItsClass) {
  StatusCounters counters;
  counters.count(200);
  counters.count(204);
  counters.count(599);
  counters.count(999);
  counters.count(99);
  counters.count(1000);
  EXPECT_EQ(counters.code(200), 1u);
  EXPECT_EQ(counters.code(204), 1u);
  EXPECT_EQ(counters.code(205), 0u);
  EXPECT_EQ(counters.code(599), 1u);
  EXPECT_EQ(counters.code(999), 1u);
  EXPECT_EQ(counters.code_class(2), 2u);
  EXPECT_EQ(counters.code_class(5), 1u);
  EXPECT_EQ(counters.code_class(0), 0u);
}

TEST(Stats, DynamicCountersAreFoundAgainAndBounded) {
  StatGroup group(kTable);
  Counter& first = group.dynamic("ssl.versions.TLSv1.3");
  first.add();
  EXPECT_EQ(&group.dynamic("ssl.versions.TLSv1.3"), &first);
  for (size_t i = 1; i < base::kDynamicStatsMax; ++i) group.dynamic("name" + std::to_string(i)).add();
  Counter& overflow = group.dynamic("one too many");
  EXPECT_EQ(&group.dynamic("another"), &overflow);
  EXPECT_NE(&group.dynamic("name1"), &overflow);
}

TEST(Histogram, BinsAreExactBelowAHundredAndKeepTwoDigitsAbove) {
  EXPECT_EQ(HistogramCounts::lower_of(HistogramCounts::bin_of(0)), 0);
  EXPECT_EQ(HistogramCounts::lower_of(HistogramCounts::bin_of(99)), 99);
  EXPECT_EQ(HistogramCounts::lower_of(HistogramCounts::bin_of(100)), 100);
  EXPECT_EQ(HistogramCounts::lower_of(HistogramCounts::bin_of(129)), 120);
  EXPECT_EQ(HistogramCounts::width_of(HistogramCounts::bin_of(129)), 10);
  EXPECT_EQ(HistogramCounts::lower_of(HistogramCounts::bin_of(98765)), 98000);
  EXPECT_LT(HistogramCounts::bin_of(UINT64_MAX), HistogramCounts::kBins);
  for (uint64_t value = 1; value < 1'000'000; value = value * 3 / 2 + 1) {
    size_t bin = HistogramCounts::bin_of(value);
    EXPECT_LE(HistogramCounts::lower_of(bin), static_cast<double>(value));
    EXPECT_GT(HistogramCounts::lower_of(bin) + HistogramCounts::width_of(bin), static_cast<double>(value));
  }
}

TEST(Histogram, QuantilesInterpolateWithinABin) {
  auto one = counts_of({1});
  EXPECT_DOUBLE_EQ(one.quantiles()[0], 1);
  EXPECT_DOUBLE_EQ(one.quantiles()[2], 1.05);
  EXPECT_DOUBLE_EQ(one.quantiles()[9], 1.1);
  auto two = counts_of({10, 20});
  EXPECT_DOUBLE_EQ(two.quantiles()[2], 11);
  EXPECT_DOUBLE_EQ(two.quantiles()[3], 20.5);
  EXPECT_TRUE(std::isnan(HistogramCounts().quantiles()[0]));
}

TEST(Histogram, BucketsCountValuesAtOrBelowTheirBound) {
  auto counts = counts_of({0, 1, 5, 6, 1000, 5'000'000});
  auto cumulative = counts.cumulative_buckets();
  EXPECT_EQ(cumulative[0], 1u);   // 0.5
  EXPECT_EQ(cumulative[1], 2u);   // 1
  EXPECT_EQ(cumulative[2], 3u);   // 5
  EXPECT_EQ(cumulative[3], 4u);   // 10
  EXPECT_EQ(cumulative[18], 5u);  // 3600000
  EXPECT_EQ(counts.disjoint_buckets()[2], 1u);
  EXPECT_EQ(counts.count(), 6u);
  EXPECT_EQ(counts.sum(), 5'001'012u);
}

TEST(Histogram, AnIntervalIsTheDifferenceOfTwoStates) {
  Histogram histogram;
  histogram.record(3);
  HistogramCounts earlier;
  histogram.add_to(earlier);
  histogram.record(3);
  histogram.record(40);
  HistogramCounts later;
  histogram.add_to(later);
  auto interval = later.since(earlier);
  EXPECT_EQ(interval.count(), 2u);
  EXPECT_EQ(interval.sum(), 43u);
}

}  // namespace
}  // namespace weft::observe
