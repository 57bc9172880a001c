// Purpose: what the process's heap holds, for /memory and as statistics.
// Thread:  any.
#pragma once

#include <cstdint>
#include <string_view>

#include "observe/registry.h"

namespace weft::admin {

/// Units: bytes, over all arenas.
struct HeapUse {
  uint64_t held = 0;  ///< from the system
  uint64_t free = 0;  ///< of it, not handed out
  uint64_t allocated() const { return held > free ? held - free : 0; }
};

/// Asks malloc. Cost: milliseconds on a large heap.   Source: malloc_info(3); mallinfo2 sees the main arena only, which
/// workers do not use.
HeapUse heap_use();

/// Reads what malloc_info writes. Absent parts count as 0.
HeapUse heap_use_of(std::string_view malloc_info_xml);

/// Resident set size. Units: bytes.   Source: /proc/self/statm.
uint64_t resident_bytes();

/// The same as server.memory_allocated, memory_heap_size and memory_physical_size, of the moment of reading.
class HeapStats final : private observe::StatSource {
 public:
  /// `writer`: the number by which the registry knows the group; nothing else writes it. `registry` outlives this.
  HeapStats(observe::Registry& registry, unsigned writer);
  ~HeapStats();
  HeapStats(const HeapStats&) = delete;
  HeapStats& operator=(const HeapStats&) = delete;

 private:
  void publish() override;

  observe::Registry& registry_;
  observe::StatGroup& group_;
};

}  // namespace weft::admin
