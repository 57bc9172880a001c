#include "observe/registry.h"

#include <algorithm>

#include "base/assert.h"
#include "observe/stats_dynamic.h"

namespace weft::observe {

struct Registry::Scope {
  struct Slot {
    unsigned worker;
    unsigned borrows;
    std::unique_ptr<StatGroup> group;
  };
  struct Table {
    const StatTable* table;
    std::vector<Slot> slots;
  };
  StatScope scope;
  std::vector<Table> tables;
  unsigned borrows = 0;
};

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "…_rq_2xx" is "…_rq_xx" with a tag, "…_rq_503" is "…_rq" with one; so are counters of fixed rows that are named so.
void extract_response_code(std::string& name, std::vector<Tag>& tags) {
  size_t at = name.rfind("_rq_");
  if (at == std::string::npos || name.size() != at + 7) return;
  std::string last = name.substr(at + 4);
  if (is_digit(last[0]) && last[1] == 'x' && last[2] == 'x') {
    tags.push_back({"envoy.response_code_class", last.substr(0, 1)});
    name.erase(at + 4, 1);
  } else if (is_digit(last[0]) && is_digit(last[1]) && is_digit(last[2])) {
    tags.push_back({"envoy.response_code", last});
    name.erase(at + 3);
  }
}

// "listener….ssl.ciphers.X", "cluster….ssl.ciphers.X" and their like carry X as a tag.
void extract_tls_name(std::string& name, std::vector<Tag>& tags) {
  struct Rule {
    std::string_view part;
    std::string_view tag;
  };
  static constexpr Rule kRules[] = {{"ssl.ciphers.", "envoy.ssl_cipher"},
                                    {"ssl.versions.", "envoy.ssl_version"},
                                    {"ssl.curves.", "envoy.ssl_curve"},
                                    {"ssl.sigalgs.", "envoy.ssl_sigalg"}};
  for (const Rule& rule : kRules) {
    size_t at = name.find(rule.part);
    if (at == std::string::npos || (at != 0 && name[at - 1] != '.')) continue;
    tags.push_back({std::string(rule.tag), name.substr(at + rule.part.size())});
    name.erase(at + rule.part.size() - 1);
    return;
  }
}

}  // namespace

/// Reads one scope: sums each row over the workers' groups and hands the samples on.
struct GroupReader {
  const Registry& registry;
  const StatQuery& query;
  std::vector<StatSample>& samples;

  bool is_wanted(std::string_view name) const { return query.filter == nullptr || query.filter->matches(name); }

  StatSample make(const StatScope& scope, const std::string& row, SampleType type) const {
    StatSample sample;
    sample.name = scope.prefix + row;
    sample.tag_free_name = scope.tag_free_prefix + row;
    sample.type = type;
    extract_response_code(sample.tag_free_name, sample.tags);
    extract_tls_name(sample.tag_free_name, sample.tags);
    sample.tags.insert(sample.tags.end(), scope.tags.begin(), scope.tags.end());
    return sample;
  }

  void add_counter(const StatScope& scope, const std::string& row, uint64_t count) {
    if (!query.counters || (query.used_only && count == 0) || !is_wanted(scope.prefix + row)) return;
    StatSample sample = make(scope, row, SampleType::Counter);
    auto offset = registry.counter_offsets_.find(sample.name);
    sample.count = offset == registry.counter_offsets_.end() ? count : count - std::min(count, offset->second);
    sample.is_used = count != 0;
    samples.push_back(std::move(sample));
  }

  void add_gauge(const StatScope& scope, const std::string& row, int64_t level, bool is_used) {
    if (!query.gauges || (query.used_only && !is_used) || !is_wanted(scope.prefix + row)) return;
    StatSample sample = make(scope, row, SampleType::Gauge);
    sample.level = level;
    sample.is_used = is_used;
    samples.push_back(std::move(sample));
  }

  void add_histogram(const StatScope& scope, const std::string& row, HistogramCounts total) {
    if (!query.histograms) return;
    // As with Envoy, response times appear with the first response; Prometheus spends 22 lines on each.
    if (total.is_empty() && (query.used_only || row.ends_with("upstream_rq_time"))) return;
    if (!is_wanted(scope.prefix + row)) return;
    StatSample sample = make(scope, row, SampleType::Histogram);
    sample.is_used = !total.is_empty();
    auto interval = registry.intervals_.find(sample.name);
    if (interval != registry.intervals_.end()) sample.interval = interval->second.last;
    sample.total = std::move(total);
    samples.push_back(std::move(sample));
  }

  template <typename Slots>
  void add_status(const StatScope& scope, const std::string& row, const Slots& slots, size_t i) {
    uint64_t completed = 0;
    for (const auto& slot : slots) completed += slot.group->cells_[i].status.code_class(0);
    for (uint16_t hundreds = 1; hundreds <= 9; ++hundreds) {
      uint64_t in_class = 0;
      for (const auto& slot : slots) in_class += slot.group->cells_[i].status.code_class(hundreds);
      if (in_class == 0) continue;
      completed += in_class;
      add_counter(scope, row + std::to_string(hundreds) + "xx", in_class);
      for (uint16_t code = hundreds * 100; code < hundreds * 100 + 100; ++code) {
        uint64_t count = 0;
        for (const auto& slot : slots) count += slot.group->cells_[i].status.code(code);
        if (count != 0) add_counter(scope, row + std::to_string(code), count);
      }
    }
    // As with Envoy, what splits a family ("external.upstream_rq_") appears with its first response.
    if (completed != 0 || row.find('.') == std::string::npos) add_counter(scope, row + "completed", completed);
  }

  template <typename Slots>
  void add_dynamic(const StatScope& scope, const Slots& slots) {
    std::map<std::string, uint64_t> sums;
    for (const auto& slot : slots) {
      const auto* dynamic = slot.group->dynamic_.load(std::memory_order_acquire);
      if (dynamic == nullptr) continue;
      for (const auto* node = dynamic->first.load(std::memory_order_acquire); node != nullptr; node = node->next) {
        sums[node->name] += node->counter.value();
      }
      if (dynamic->overflow.value() != 0) sums["dynamic_stats_overflow"] += dynamic->overflow.value();
    }
    for (const auto& [name, count] : sums) add_counter(scope, name, count);
  }

  template <typename Slots>
  void add_row(const StatScope& scope, const StatTable::Row& row, const Slots& slots, size_t i) {
    std::string name(row.name);
    switch (row.kind) {
      case StatKind::Counter: {
        uint64_t count = 0;
        for (const auto& slot : slots) count += slot.group->cells_[i].counter.value();
        return add_counter(scope, name, count);
      }
      case StatKind::Gauge: {
        int64_t level = 0;
        bool is_used = false;
        for (const auto& slot : slots) {
          level += slot.group->cells_[i].gauge.value();
          is_used |= slot.group->cells_[i].gauge.is_used();
        }
        return add_gauge(scope, name, level, is_used);
      }
      case StatKind::Histogram: {
        HistogramCounts total;
        for (const auto& slot : slots) slot.group->cells_[i].histogram.add_to(total);
        return add_histogram(scope, name, std::move(total));
      }
      case StatKind::Status: return add_status(scope, name, slots, i);
    }
  }
};

Registry::Registry() = default;
Registry::~Registry() = default;

StatGroup& Registry::group(const StatScope& scope, const StatTable& table, unsigned worker) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<Scope>& entry = scopes_[scope.prefix];
  if (entry == nullptr) {
    entry = std::make_unique<Scope>();
    entry->scope = scope;
  }
  auto of_table =
      std::find_if(entry->tables.begin(), entry->tables.end(), [&](const auto& t) { return t.table == &table; });
  if (of_table == entry->tables.end()) of_table = entry->tables.insert(of_table, {&table, {}});
  auto slot =
      std::find_if(of_table->slots.begin(), of_table->slots.end(), [&](const auto& s) { return s.worker == worker; });
  if (slot == of_table->slots.end()) {
    slot = of_table->slots.insert(slot, {worker, 0, std::make_unique<StatGroup>(table)});
    slot->group->home_ = entry.get();
  }
  ++slot->borrows;
  ++entry->borrows;
  return *slot->group;
}

void Registry::release(StatGroup& group) {
  std::lock_guard lock(mutex_);
  auto* entry = static_cast<Scope*>(group.home_);
  WEFT_ASSERT(entry->borrows > 0);
  if (--entry->borrows > 0) return;
  const std::string prefix = entry->scope.prefix;
  for (auto it = intervals_.lower_bound(prefix); it != intervals_.end() && it->first.starts_with(prefix);)
    it = intervals_.erase(it);
  scopes_.erase(prefix);
}

void Registry::add_source(StatSource& source) {
  std::lock_guard lock(mutex_);
  sources_.push_back(&source);
}

void Registry::remove_source(StatSource& source) {
  std::lock_guard lock(mutex_);
  std::erase(sources_, &source);
}

void Registry::set_text(std::string_view name, std::string_view value) {
  std::lock_guard lock(mutex_);
  texts_.insert_or_assign(std::string(name), std::string(value));
}

void Registry::flush() {
  std::lock_guard lock(mutex_);
  std::vector<StatSample> samples;
  StatQuery histograms_only;
  histograms_only.counters = histograms_only.gauges = histograms_only.texts = false;
  histograms_only.used_only = true;
  visit(histograms_only, samples);
  for (StatSample& sample : samples) {
    Interval& interval = intervals_[sample.name];
    interval.last = sample.total.since(interval.at_flush);
    interval.at_flush = std::move(sample.total);
  }
}

void Registry::reset_counters() {
  std::lock_guard lock(mutex_);
  std::vector<StatSample> samples;
  StatQuery counters_only;
  counters_only.gauges = counters_only.histograms = counters_only.texts = false;
  counters_only.used_only = true;
  counter_offsets_.clear();
  visit(counters_only, samples);
  for (const StatSample& sample : samples) counter_offsets_[sample.name] = sample.count;
}

void Registry::visit(const StatQuery& query, std::vector<StatSample>& samples) const {
  if (query.counters || query.gauges) {
    for (StatSource* source : sources_) source->publish();
  }
  GroupReader reader{*this, query, samples};
  for (const auto& [prefix, entry] : scopes_) {
    for (const auto& of_table : entry->tables) {
      for (size_t i = 0; i < of_table.table->count; ++i) {
        reader.add_row(entry->scope, of_table.table->rows[i], of_table.slots, i);
      }
      reader.add_dynamic(entry->scope, of_table.slots);
    }
  }
  if (!query.texts) return;
  for (const auto& [name, text] : texts_) {
    if (!reader.is_wanted(name)) continue;
    StatSample sample;
    sample.name = sample.tag_free_name = name;
    sample.type = SampleType::Text;
    sample.is_used = true;
    sample.text = text;
    samples.push_back(std::move(sample));
  }
}

std::vector<StatSample> Registry::read(const StatQuery& query) const {
  std::vector<StatSample> samples;
  {
    std::lock_guard lock(mutex_);
    visit(query, samples);
  }
  std::sort(samples.begin(), samples.end(), [](const StatSample& a, const StatSample& b) { return a.name < b.name; });
  return samples;
}

int64_t Registry::value(std::string_view name) const {
  struct Exactly final : StatNameFilter {
    explicit Exactly(std::string_view wanted) : wanted_(wanted) {}
    bool matches(std::string_view candidate) const override { return candidate == wanted_; }
    std::string_view wanted_;
  } filter(name);
  StatQuery query;
  query.filter = &filter;
  query.histograms = query.texts = false;
  for (const StatSample& sample : read(query)) {
    return sample.type == SampleType::Gauge ? sample.level : static_cast<int64_t>(sample.count);
  }
  return 0;
}

}  // namespace weft::observe
