// Purpose: the process's statistics: makes the workers' groups, sums them when somebody asks, and forgets scopes that
//          nobody uses any more.
// Thread:  any; a mutex is held while a group is made or given back and while all values are read (a scrape of 1,000
//          clusters: tens of milliseconds, felt only by a configuration change in that moment, never by a request).
// Owner:   the process; outlives all workers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "observe/histogram.h"
#include "observe/stats.h"

namespace weft::observe {

enum class SampleType : uint8_t { Counter, Gauge, Histogram, Text };

/// One statistic summed over the workers at one moment.
struct StatSample {
  std::string name;           ///< "cluster.web.upstream_rq_200"
  std::string tag_free_name;  ///< "cluster.upstream_rq"
  std::vector<Tag> tags;      ///< response code before those of the scope, as Envoy extracts them
  SampleType type = SampleType::Counter;
  bool is_used = false;             ///< ever written
  uint64_t count = 0;               ///< Counter
  int64_t level = 0;                ///< Gauge
  std::string text;                 ///< Text
  HistogramCounts total, interval;  ///< Histogram; the interval is the one that the last flush() closed
};

/// Decides by full name; for the admin's `filter=` expression, which needs a regular expression library.
class StatNameFilter {
 public:
  virtual bool matches(std::string_view name) const = 0;

 protected:
  ~StatNameFilter() = default;
};

struct StatQuery {
  const StatNameFilter* filter = nullptr;  ///< null: all
  bool used_only = false;
  bool counters = true, gauges = true, histograms = true, texts = true;
};

/// Counters and gauges that are kept elsewhere (in shared counts of the process) and come to their group when somebody
/// asks.
class StatSource {
 public:
  /// Brings the groups up to date. Called on the reading thread under the registry's lock: it may write only groups, or
  /// rows of them, that nothing else writes, and may not call the registry.
  virtual void publish() = 0;

 protected:
  ~StatSource() = default;
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// The group of a scope and table that `worker` writes (any number; the main thread takes one of its own). Asked
  /// again with the same three it answers the same group; each answer needs a `release`. `table` must be static.
  StatGroup& group(const StatScope& scope, const StatTable& table, unsigned worker);
  /// Gives one borrow back. A group keeps counting in the sums until every group of its scope is given back; then the
  /// scope and its values disappear.
  void release(StatGroup& group);

  /// `source` is asked before each reading of counters or gauges until it is removed.
  void add_source(StatSource& source);
  void remove_source(StatSource& source);

  /// A statistic that is a text ("control_plane.identifier").
  void set_text(std::string_view name, std::string_view value);

  /// Ends the interval of every histogram; called every stats_flush_interval (5 s by default).
  void flush();
  /// Counters count from 0 again, as seen by readers; gauges and histograms stay, as in Envoy.
  void reset_counters();

  /// All statistics that the query takes, sorted by name.
  std::vector<StatSample> read(const StatQuery& query = {}) const;
  /// The sum of one counter or gauge by its full name; 0 when there is none. For tests and runtime decisions off the
  /// hot path: cost is that of `read`.
  int64_t value(std::string_view name) const;

 private:
  friend struct GroupReader;
  struct Scope;
  struct Interval {
    HistogramCounts at_flush, last;
  };
  void visit(const StatQuery& query, std::vector<StatSample>& samples) const;

  mutable std::mutex mutex_;
  std::vector<StatSource*> sources_;
  std::map<std::string, std::unique_ptr<Scope>, std::less<>> scopes_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::map<std::string, Interval, std::less<>> intervals_;        ///< of histograms with values, by full name
  std::map<std::string, uint64_t, std::less<>> counter_offsets_;  ///< values at the last reset_counters()
};

}  // namespace weft::observe
