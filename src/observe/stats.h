// Purpose: counters, gauges and histograms that cost one plain add on the worker, and are summed over the workers when
//          somebody asks (registry.h). Names, tags and buckets are Envoy's.
// Thread:  one worker writes a group; any thread may read (relaxed loads; values may be a moment old).
// Owner:   the registry owns groups; workers borrow one with Registry::group and give it back with Registry::release.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::observe {

class HistogramCounts;

/// A count that one thread writes. Adding is a plain load, add and store.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// A level that one thread moves; the sum over the workers is the level of the process.
class Gauge {
 public:
  void add(int64_t n = 1) { store(value() + n); }
  void subtract(int64_t n = 1) { add(-n); }
  void set(int64_t n) { store(n); }
  int64_t value() const { return bits_.load(std::memory_order_relaxed) >> 1; }
  /// Whether it was ever written: a level that fell back to 0 is still "used" (/stats?usedonly).
  bool is_used() const { return (bits_.load(std::memory_order_relaxed) & 1) != 0; }

 private:
  void store(int64_t n) { bits_.store(n * 2 | 1, std::memory_order_relaxed); }
  std::atomic<int64_t> bits_{0};  ///< twice the level, and one when written
};

/// Log-linear buckets of two significant digits, made on the first record (one page of 90 or 100 counts a decade).
/// Units: as recorded (ms for times, bytes for sizes).   Source: circllhist, as Envoy's histograms.
class Histogram {
 public:
  Histogram() = default;
  ~Histogram();
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  void record(uint64_t value);
  bool is_used() const { return buckets_.load(std::memory_order_acquire) != nullptr; }
  /// Adds what was recorded so far to `sum`. Thread: any.
  void add_to(HistogramCounts& sum) const;

 private:
  struct Buckets;
  std::atomic<Buckets*> buckets_{nullptr};
};

/// One counter a response code and one a class ("…200", "…2xx"): array lookups, made on first use. Codes outside
/// 100..999 are not counted.
class StatusCounters {
 public:
  StatusCounters() = default;
  ~StatusCounters();
  StatusCounters(const StatusCounters&) = delete;
  StatusCounters& operator=(const StatusCounters&) = delete;
  void count(uint16_t status);
  /// A response whose code is not told: it counts among those completed only.
  void count_without_code();
  uint64_t code(uint16_t status) const;          ///< of one code, 100..999; else 0
  uint64_t code_class(uint16_t hundreds) const;  ///< of 1..9 ("2xx" is 2); 0: those without a code; else 0

 private:
  struct Pages;
  Pages& pages();
  std::atomic<Pages*> pages_{nullptr};
};

/// `Status` is a family: its row is the names' beginning ("upstream_rq_"), and what appears is upstream_rq_200, _2xx
/// and upstream_rq_completed, their sum.
enum class StatKind : uint8_t { Counter, Gauge, Histogram, Status };

/// The statistics of one kind of thing, in one table: X-macro lists give the enum and the names.
struct StatTable {
  struct Row {
    std::string_view name;  ///< "upstream_rq_total"; may contain dots
    StatKind kind;
  };
  const Row* rows;
  size_t count;
};

struct Tag {
  std::string name;  ///< "envoy.cluster_name"
  std::string value;
};

/// Where a group's statistics appear: "cluster.web." and its tags. The tag's value is cut out of Prometheus names.
struct StatScope {
  std::string prefix;           ///< with the trailing dot: "cluster.web."
  std::string tag_free_prefix;  ///< "cluster." — what Prometheus sees
  std::vector<Tag> tags;
};

/// One worker's statistics of one scope; index by the enum of its table. Cost: 8 bytes a row and 40 for the group; a
/// histogram or a status family takes its pages on first use.
class StatGroup {
 public:
  explicit StatGroup(const StatTable& table);
  ~StatGroup();
  StatGroup(const StatGroup&) = delete;
  StatGroup& operator=(const StatGroup&) = delete;

  template <typename Index>
  Counter& counter(Index i) {
    return cells_[static_cast<size_t>(i)].counter;
  }
  template <typename Index>
  Gauge& gauge(Index i) {
    return cells_[static_cast<size_t>(i)].gauge;
  }
  template <typename Index>
  Histogram& histogram(Index i) {
    return cells_[static_cast<size_t>(i)].histogram;
  }
  /// A response-code family (StatKind::Status): `group.status(ClusterStat::UpstreamRq).count(503)`.
  template <typename Index>
  StatusCounters& status(Index i) {
    return cells_[static_cast<size_t>(i)].status;
  }

  /// A counter whose name comes at run time (cipher and version names): "ssl.ciphers.TLS_AES_128_GCM_SHA256". Hashes;
  /// not for every request. At most base::kDynamicStatsMax a group: further names share "dynamic_stats_overflow".
  Counter& dynamic(std::string_view name);

  const StatTable& table() const { return table_; }

 private:
  friend class Registry;
  friend struct GroupReader;
  struct Dynamic;
  union Cell {
    Counter counter;
    Gauge gauge;
    Histogram histogram;
    StatusCounters status;
    Cell() : counter() {}
    ~Cell() {}
  };
  static_assert(sizeof(std::atomic<uint64_t>) == 8);

  const StatTable& table_;
  std::unique_ptr<Cell[]> cells_;
  std::atomic<Dynamic*> dynamic_{nullptr};
  void* home_ = nullptr;  ///< the registry's scope
};

}  // namespace weft::observe
