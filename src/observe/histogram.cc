#include "observe/histogram.h"

#include <cmath>
#include <limits>

namespace weft::observe {
namespace {

constexpr size_t kUnitBins = 100;
constexpr size_t kDecadeBins = 90;

double power_of_ten(size_t n) {
  double power = 1;
  for (size_t i = 0; i < n; ++i) power *= 10;
  return power;
}

}  // namespace

size_t HistogramCounts::bin_of(uint64_t value) {
  if (value < kUnitBins) return value;
  size_t decade = 0;
  while (value >= 1000) {
    value /= 10;
    ++decade;
  }
  return kUnitBins + decade * kDecadeBins + (value / 10 - 10);
}

double HistogramCounts::lower_of(size_t bin) {
  if (bin < kUnitBins) return static_cast<double>(bin);
  size_t decade = (bin - kUnitBins) / kDecadeBins;
  return static_cast<double>((bin - kUnitBins) % kDecadeBins + 10) * power_of_ten(decade + 1);
}

double HistogramCounts::width_of(size_t bin) {
  if (bin == 0) return 0;
  if (bin < 10) return 0.1;
  if (bin < kUnitBins) return 1;
  return power_of_ten((bin - kUnitBins) / kDecadeBins + 1);
}

void HistogramCounts::add(size_t bin, uint64_t count) {
  if (count == 0) return;
  counts_[bin] += count;
  count_ += count;
}

HistogramCounts HistogramCounts::since(const HistogramCounts& earlier) const {
  HistogramCounts difference;
  for (const auto& [bin, count] : counts_) {
    auto before = earlier.counts_.find(bin);
    uint64_t old_count = before == earlier.counts_.end() ? 0 : before->second;
    if (count > old_count) difference.add(bin, count - old_count);
  }
  difference.sum_ = sum_ > earlier.sum_ ? sum_ - earlier.sum_ : 0;
  return difference;
}

std::vector<HistogramCounts::Bin> HistogramCounts::bins() const {
  std::vector<Bin> result;
  result.reserve(counts_.size());
  for (const auto& [bin, count] : counts_) result.push_back({lower_of(bin), width_of(bin), count});
  return result;
}

std::array<double, kQuantiles.size()> HistogramCounts::quantiles() const {
  std::array<double, kQuantiles.size()> result;
  result.fill(std::numeric_limits<double>::quiet_NaN());
  if (is_empty()) return result;
  auto bin = counts_.begin();
  double below = 0;
  double through = static_cast<double>(bin->second);
  for (size_t i = 0; i < kQuantiles.size(); ++i) {
    double rank = kQuantiles[i] * static_cast<double>(count_);
    while (through < rank && std::next(bin) != counts_.end()) {
      ++bin;
      below = through;
      through += static_cast<double>(bin->second);
    }
    result[i] = lower_of(bin->first) + (rank - below) / (through - below) * width_of(bin->first);
  }
  return result;
}

std::array<uint64_t, kBucketBounds.size()> HistogramCounts::cumulative_buckets() const {
  std::array<uint64_t, kBucketBounds.size()> result;
  auto bin = counts_.begin();
  uint64_t running = 0;
  for (size_t i = 0; i < kBucketBounds.size(); ++i) {
    // Values are whole numbers: the largest one in a bin is its upper edge less one, or the bin's only value.
    auto largest = [](size_t b) { return b < kUnitBins ? lower_of(b) : lower_of(b) + width_of(b) - 1; };
    for (; bin != counts_.end() && largest(bin->first) <= kBucketBounds[i]; ++bin) running += bin->second;
    result[i] = running;
  }
  return result;
}

std::array<uint64_t, kBucketBounds.size()> HistogramCounts::disjoint_buckets() const {
  auto result = cumulative_buckets();
  for (size_t i = result.size() - 1; i > 0; --i) result[i] -= result[i - 1];
  return result;
}

}  // namespace weft::observe
