#include "observe/stats.h"

#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "observe/histogram.h"
#include "observe/stats_dynamic.h"

namespace weft::observe {

// One page holds the bins 0..99, each further one a decade: a latency histogram touches two or three of them.
struct Histogram::Buckets {
  static constexpr size_t kPages = 19;
  static constexpr size_t kPageBins = 100;
  struct Page {
    Counter counts[kPageBins];
  };
  std::atomic<Page*> pages[kPages] = {};
  Counter sum;

  ~Buckets() {
    for (auto& page : pages) delete page.load(std::memory_order_relaxed);
  }
  static size_t page_of(size_t bin) { return bin < 100 ? 0 : 1 + (bin - 100) / 90; }
  static size_t first_of(size_t page) { return page == 0 ? 0 : 100 + (page - 1) * 90; }
};

Histogram::~Histogram() { delete buckets_.load(std::memory_order_relaxed); }

void Histogram::record(uint64_t value) {
  Buckets* buckets = buckets_.load(std::memory_order_relaxed);
  if (buckets == nullptr) {
    buckets = new Buckets;
    buckets_.store(buckets, std::memory_order_release);
  }
  size_t bin = HistogramCounts::bin_of(value);
  size_t number = Buckets::page_of(bin);
  Buckets::Page* page = buckets->pages[number].load(std::memory_order_relaxed);
  if (page == nullptr) {
    page = new Buckets::Page;
    buckets->pages[number].store(page, std::memory_order_release);
  }
  page->counts[bin - Buckets::first_of(number)].add();
  buckets->sum.add(value);
}

void Histogram::add_to(HistogramCounts& sum) const {
  const Buckets* buckets = buckets_.load(std::memory_order_acquire);
  if (buckets == nullptr) return;
  for (size_t number = 0; number < Buckets::kPages; ++number) {
    const Buckets::Page* page = buckets->pages[number].load(std::memory_order_acquire);
    if (page == nullptr) continue;
    for (size_t i = 0; i < Buckets::kPageBins; ++i) sum.add(Buckets::first_of(number) + i, page->counts[i].value());
  }
  sum.add_sum(buckets->sum.value());
}

// Half a class a page: nearly all codes in use are x00..x49.
struct StatusCounters::Pages {
  static constexpr size_t kPageCodes = 50;
  struct Page {
    Counter codes[kPageCodes];
  };
  Counter classes[10];  ///< [0]: without a code
  std::atomic<Page*> pages[900 / kPageCodes] = {};

  ~Pages() {
    for (auto& page : pages) delete page.load(std::memory_order_relaxed);
  }
};

StatusCounters::~StatusCounters() { delete pages_.load(std::memory_order_relaxed); }

StatusCounters::Pages& StatusCounters::pages() {
  Pages* pages = pages_.load(std::memory_order_relaxed);
  if (pages == nullptr) {
    pages = new Pages;
    pages_.store(pages, std::memory_order_release);
  }
  return *pages;
}

void StatusCounters::count_without_code() { pages().classes[0].add(); }

void StatusCounters::count(uint16_t status) {
  if (status < 100 || status > 999) return;
  Pages* const pages = &this->pages();
  pages->classes[status / 100].add();
  std::atomic<Pages::Page*>& slot = pages->pages[(status - 100) / Pages::kPageCodes];
  Pages::Page* page = slot.load(std::memory_order_relaxed);
  if (page == nullptr) {
    page = new Pages::Page;
    slot.store(page, std::memory_order_release);
  }
  page->codes[(status - 100) % Pages::kPageCodes].add();
}

uint64_t StatusCounters::code(uint16_t status) const {
  const Pages* pages = pages_.load(std::memory_order_acquire);
  if (pages == nullptr || status < 100 || status > 999) return 0;
  const Pages::Page* page = pages->pages[(status - 100) / Pages::kPageCodes].load(std::memory_order_acquire);
  return page == nullptr ? 0 : page->codes[(status - 100) % Pages::kPageCodes].value();
}

uint64_t StatusCounters::code_class(uint16_t hundreds) const {
  const Pages* pages = pages_.load(std::memory_order_acquire);
  return pages == nullptr || hundreds > 9 ? 0 : pages->classes[hundreds].value();
}

StatGroup::StatGroup(const StatTable& table) : table_(table), cells_(std::make_unique<Cell[]>(table.count)) {
  static_assert(sizeof(Cell) == 8, "a row costs 8 bytes");
  for (size_t i = 0; i < table.count; ++i) {
    switch (table.rows[i].kind) {
      case StatKind::Counter: break;
      case StatKind::Gauge: new (&cells_[i].gauge) Gauge; break;
      case StatKind::Histogram: new (&cells_[i].histogram) Histogram; break;
      case StatKind::Status: new (&cells_[i].status) StatusCounters; break;
    }
  }
}

StatGroup::~StatGroup() {
  for (size_t i = 0; i < table_.count; ++i) {
    if (table_.rows[i].kind == StatKind::Histogram) cells_[i].histogram.~Histogram();
    if (table_.rows[i].kind == StatKind::Status) cells_[i].status.~StatusCounters();
  }
  delete dynamic_.load(std::memory_order_relaxed);
}

Counter& StatGroup::dynamic(std::string_view name) {
  Dynamic* dynamic = dynamic_.load(std::memory_order_relaxed);
  if (dynamic == nullptr) {
    dynamic = new Dynamic;
    dynamic_.store(dynamic, std::memory_order_release);
  }
  return dynamic->find_or_add(name);
}

Counter& StatGroup::Dynamic::find_or_add(std::string_view name) {
  if (auto found = index.find(name); found != index.end()) return found->second->counter;
  if (index.size() >= base::kDynamicStatsMax) return overflow;
  auto* node = new Node{std::string(name), {}, first.load(std::memory_order_relaxed)};
  index.emplace(node->name, node);
  first.store(node, std::memory_order_release);  // readers see the node only when it is whole
  return node->counter;
}

StatGroup::Dynamic::~Dynamic() {
  for (Node* node = first.load(std::memory_order_relaxed); node != nullptr;) delete std::exchange(node, node->next);
}

}  // namespace weft::observe
