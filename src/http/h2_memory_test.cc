#include "http/h2_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace weft::http {
namespace {

void* take(H2Memory& memory, size_t size) { return memory.hooks()->malloc(size, memory.hooks()->mem_user_data); }
void give(H2Memory& memory, void* payload) { memory.hooks()->free(payload, memory.hooks()->mem_user_data); }

TEST(H2Memory, ReusesWhatWasGivenBack) {
  H2Memory memory;
  void* first = take(memory, 100);
  give(memory, first);
  EXPECT_EQ(memory.kept_bytes(), 128u);
  EXPECT_EQ(take(memory, 65), first);
  EXPECT_EQ(memory.kept_bytes(), 0u);
  give(memory, first);
  auto* zeroed = static_cast<unsigned char*>(memory.hooks()->calloc(4, 30, memory.hooks()->mem_user_data));
  EXPECT_EQ(zeroed, first);
  for (int i = 0; i < 120; ++i) EXPECT_EQ(zeroed[i], 0);
  give(memory, zeroed);
  give(memory, nullptr);
}

TEST(H2Memory, KeepsABoundedAmount) {
  H2Memory memory;
  std::vector<void*> pieces;
  for (int i = 0; i < 1000; ++i) pieces.push_back(take(memory, 200));
  for (void* piece : pieces) give(memory, piece);
  EXPECT_LE(memory.kept_bytes(), 16u * 1024);
  EXPECT_GT(memory.kept_bytes(), 15u * 1024);
}

TEST(H2Memory, KeepsContentsWhenGrowing) {
  H2Memory memory;
  char* text = static_cast<char*>(take(memory, 10));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(text) % 16, 0u);
  std::memcpy(text, "123456789", 10);
  for (const size_t size : {60u, 64u, 65u, 500u, 513u, 100000u}) {
    text = static_cast<char*>(memory.hooks()->realloc(text, size, memory.hooks()->mem_user_data));
    EXPECT_STREQ(text, "123456789");
  }
  give(memory, text);
}

}  // namespace
}  // namespace weft::http
