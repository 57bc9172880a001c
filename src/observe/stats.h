// Purpose: counters, gauges and histograms that cost one plain add on the worker, and are summed over the workers when
//          somebody asks. Names, tags and buckets are Envoy's.
// Thread:  one worker writes a group; any thread may read (relaxed loads; values may be a moment old).
// Owner:   the registry owns groups; workers borrow. A group that is retired keeps its counts until the registry forgets the scope.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace weft::observe {

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
  void add(int64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(int64_t n = 1) { add(-n); }
  void set(int64_t n) { value_.store(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// Log-linear buckets (two significant digits), made on the first record. Units: as recorded (ms for times).
class Histogram {
 public:
  Histogram() = default;
  ~Histogram();
  void record(uint64_t value);

 private:
  friend class Registry;
  struct Buckets;
  std::atomic<Buckets*> buckets_{nullptr};
};

enum class StatKind : uint8_t { Counter, Gauge, Histogram };

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
  std::string name;   ///< "envoy.cluster_name"
  std::string value;
};

/// Where a group's statistics appear: "cluster.web." and its tags. The tag's value is cut out of Prometheus names.
struct StatScope {
  std::string prefix;          ///< with the trailing dot: "cluster.web."
  std::string tag_free_prefix; ///< "cluster." — what Prometheus sees
  std::vector<Tag> tags;
};

/// One worker's statistics of one scope; index by the enum of its table.
class StatGroup {
 public:
  template <typename Index>
  Counter& counter(Index i) { return cells_[static_cast<size_t>(i)].counter; }
  template <typename Index>
  Gauge& gauge(Index i) { return cells_[static_cast<size_t>(i)].gauge; }
  template <typename Index>
  Histogram& histogram(Index i) { return *cells_[static_cast<size_t>(i)].histogram; }
  /// Counts statistics whose last name part comes at run time (response codes, cipher names): "upstream_rq_503".
  /// Bounded (base::limits) and found in O(1); `name` is copied on first use.
  Counter& dynamic(std::string_view name);
  /// "…_2xx" and "…_200" of `prefix` ("upstream_rq_", "external.upstream_rq_"): array lookups, no hashing.
  void count_status(std::string_view prefix, uint16_t status);

 private:
  friend class Registry;
  union Cell {
    Counter counter;
    Gauge gauge;
    Histogram* histogram;
    Cell() : counter() {}
    ~Cell() {}
  };
  std::unique_ptr<Cell[]> cells_;
  // The observe module's author completes this section.
};

}  // namespace weft::observe
