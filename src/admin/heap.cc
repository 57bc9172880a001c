#include "admin/heap.h"

#include <malloc.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace weft::admin {
namespace {

// The `size` of the last element that begins so: the totals stand behind all arenas.
uint64_t last_size(std::string_view xml, std::string_view element) {
  const size_t at = xml.rfind(element);
  if (at == std::string_view::npos) return 0;
  const std::string_view rest = xml.substr(at);
  constexpr std::string_view kSize = " size=\"";
  const size_t size = rest.substr(0, rest.find('>')).find(kSize);
  if (size == std::string_view::npos) return 0;
  uint64_t bytes = 0;
  std::from_chars(rest.data() + size + kSize.size(), rest.data() + rest.size(), bytes);
  return bytes;
}

enum class HeapStat : uint16_t { memory_allocated, memory_heap_size, memory_physical_size };
constexpr observe::StatTable::Row kHeapRows[] = {{"memory_allocated", observe::StatKind::Gauge},
                                                 {"memory_heap_size", observe::StatKind::Gauge},
                                                 {"memory_physical_size", observe::StatKind::Gauge}};
constexpr observe::StatTable kHeapStats = {kHeapRows, std::size(kHeapRows)};

}  // namespace

HeapUse heap_use_of(std::string_view xml) {
  HeapUse use;
  use.held = last_size(xml, "<system type=\"current\"") + last_size(xml, "<total type=\"mmap\"");
  use.free = last_size(xml, "<total type=\"fast\"") + last_size(xml, "<total type=\"rest\"");
  return use;
}

uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long total = 0, resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

HeapUse heap_use() {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  if (file == nullptr) return {};
  malloc_info(0, file);
  std::fclose(file);
  const HeapUse use = heap_use_of({text, size});
  std::free(text);
  return use;
}

HeapStats::HeapStats(observe::Registry& registry, unsigned writer)
    : registry_(registry), group_(registry.group({"server.", "server.", {}}, kHeapStats, writer)) {
  registry_.add_source(*this);
}

HeapStats::~HeapStats() {
  registry_.remove_source(*this);
  registry_.release(group_);
}

void HeapStats::publish() {
  const HeapUse use = heap_use();
  group_.gauge(HeapStat::memory_allocated).set(static_cast<int64_t>(use.allocated()));
  group_.gauge(HeapStat::memory_heap_size).set(static_cast<int64_t>(use.held));
  group_.gauge(HeapStat::memory_physical_size).set(static_cast<int64_t>(resident_bytes()));
}

}  // namespace weft::admin
