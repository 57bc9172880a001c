// Purpose: the counts of a histogram summed over workers, and what is read from them: quantiles, buckets, sum.
// Thread:  any (values).
// Source:  circllhist's log-linear bins and quantile rule; Envoy's quantiles and bucket bounds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace weft::observe {

/// Envoy's quantiles of /stats.
inline constexpr std::array<double, 10> kQuantiles = {0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1};
/// Envoy's default bucket bounds of Prometheus and /stats?histogram_buckets.
inline constexpr std::array<double, 19> kBucketBounds = {
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000};

/// Bins: 0, 1 … 99 one each (the bin of v below 10 is [v, v + 0.1)), then 90 a decade, [10, 11) × 10^n.
class HistogramCounts {
 public:
  struct Bin {
    double lower;
    double width;
    uint64_t count;
  };
  static constexpr size_t kBins = 100 + 90 * 18;

  /// The bin of a value: O(1), at most 18 comparisons.
  static size_t bin_of(uint64_t value);
  static double lower_of(size_t bin);
  static double width_of(size_t bin);

  void add(size_t bin, uint64_t count);
  void add_sum(uint64_t sum) { sum_ += sum; }
  /// What came since `earlier`, which must be an earlier state of the same histogram.
  HistogramCounts since(const HistogramCounts& earlier) const;

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  bool is_empty() const { return count_ == 0; }
  std::vector<Bin> bins() const;  ///< those that hold something, ascending
  /// One value for each of kQuantiles, interpolated within bins; NaN when empty.
  std::array<double, kQuantiles.size()> quantiles() const;
  /// Values at or below each of kBucketBounds. A bin that a bound cuts counts above it.
  std::array<uint64_t, kBucketBounds.size()> cumulative_buckets() const;
  std::array<uint64_t, kBucketBounds.size()> disjoint_buckets() const;

 private:
  std::map<size_t, uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
};

}  // namespace weft::observe
