#include "admin/heap.h"

#include <gtest/gtest.h>

#include <memory>

namespace weft::admin {
namespace {

TEST(Heap, TheTotalsBehindAllArenasCount) {
  const HeapUse use = heap_use_of(
      "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n<total type=\"fast\" count=\"1\" size=\"7\"/>\n"
      "<total type=\"rest\" count=\"1\" size=\"9\"/>\n<system type=\"current\" size=\"11\"/>\n</heap>\n"
      "<total type=\"fast\" count=\"2\" size=\"48\"/>\n<total type=\"rest\" count=\"3\" size=\"1000\"/>\n"
      "<total type=\"mmap\" count=\"1\" size=\"4096\"/>\n<system type=\"current\" size=\"135168\"/>\n</malloc>\n");
  EXPECT_EQ(use.held, 135168u + 4096u);
  EXPECT_EQ(use.free, 1048u);
  EXPECT_EQ(use.allocated(), 135168u + 4096u - 1048u);
}

TEST(Heap, WhatIsNoSuchTextCountsAsNothing) {
  EXPECT_EQ(heap_use_of("").allocated(), 0u);
  EXPECT_EQ(heap_use_of("<total type=\"rest\"").allocated(), 0u);
}

TEST(Heap, WhatIsAllocatedIsSeen) {
  if (heap_use().held == 0) GTEST_SKIP() << "a sanitizer's malloc gives no account";
  const uint64_t before = heap_use().allocated();
  const auto block = std::make_unique<char[]>(8 * 1024 * 1024);
  EXPECT_GE(heap_use().allocated(), before + 8 * 1024 * 1024);
  EXPECT_GT(resident_bytes(), 0u);
}

TEST(Heap, ItIsAStatisticOfTheMomentOfReading) {
  observe::Registry registry;
  EXPECT_EQ(registry.value("server.memory_physical_size"), 0);
  const HeapStats stats(registry, 0);
  EXPECT_GT(registry.value("server.memory_physical_size"), 0);
  if (heap_use().held == 0) GTEST_SKIP() << "a sanitizer's malloc gives no account";
  const int64_t before = registry.value("server.memory_allocated");
  const auto block = std::make_unique<char[]>(8 * 1024 * 1024);
  EXPECT_GE(registry.value("server.memory_allocated"), before + 8 * 1024 * 1024);
  EXPECT_GE(registry.value("server.memory_heap_size"), registry.value("server.memory_allocated"));
}

}  // namespace
}  // namespace weft::admin
