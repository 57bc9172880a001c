#include "base/slice.h"

#include <gtest/gtest.h>

namespace weft::base {
namespace {

TEST(SliceTest, TheLastSliceGivesTheBlockBack) {
  BlockPool pool;
  Slice a = Slice::copy_of(pool, "hello");
  Slice b = a.share(1, 3);
  a.reset();
  EXPECT_EQ(pool.live_blocks(), 1u);
  EXPECT_EQ(b.view(), "ell");
  b.reset();
  EXPECT_EQ(pool.live_blocks(), 0u);
}

TEST(SliceTest, AReleasedBlockIsUsedAgain) {
  BlockPool pool;
  Slice a = Slice::copy_of(pool, "x");
  const char* place = a.data();
  a.reset();
  EXPECT_EQ(Slice::copy_of(pool, "y").data(), place);
}

TEST(SliceTest, BytesAboveTheLargeSizeFitOneBlock) {
  BlockPool pool;
  const std::string big(100000, 'b');
  EXPECT_EQ(Slice::copy_of(pool, big).view(), big);
}

TEST(ChainTest, KeepsOrderThroughGrowthSlidingAndSplitting) {
  BlockPool pool;
  Chain chain;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string piece = std::to_string(i) + ",";
    chain.append(Slice::copy_of(pool, piece));
    expected += piece;
    if (i % 3 == 0) {
      chain.remove_prefix(2);
      expected.erase(0, 2);
    }
  }
  EXPECT_EQ(chain.to_string(), expected);
  Chain head = chain.split_front(100);
  EXPECT_EQ(head.to_string() + chain.to_string(), expected);
  EXPECT_EQ(head.size(), 100u);
}

TEST(ChainTest, AMovedChainLeavesNothingBehind) {
  BlockPool pool;
  for (int n : {1, 2, 5}) {
    Chain a;
    for (int i = 0; i < n; ++i) a.append(Slice::copy_of(pool, "abc"));
    Chain b = std::move(a);
    EXPECT_EQ(b.size(), 3u * n);
    EXPECT_TRUE(a.is_empty());
    a.append(Slice::copy_of(pool, "again"));
    EXPECT_EQ(a.to_string(), "again");
    b.append(std::move(a));
    EXPECT_EQ(b.size(), 3u * n + 5);
  }
  EXPECT_EQ(pool.live_blocks(), 0u);
}

TEST(ChainTest, SharedChainsOutliveTheOriginal) {
  BlockPool pool;
  Chain copy;
  {
    Chain chain;
    chain.append_copy(pool, std::string(40000, 'q'));
    copy = chain.share();
  }
  EXPECT_EQ(copy.to_string(), std::string(40000, 'q'));
}

TEST(ChainTest, MovesKeepBytesAndLeaveAnEmptyChainThatCanBeUsedAgain) {
  BlockPool pool;
  for (int slices = 0; slices <= 5; ++slices) {
    for (int taken = 0; taken <= slices; ++taken) {
      Chain from;
      std::string expected;
      for (int i = 0; i < slices; ++i) {
        from.append(Slice::copy_of(pool, std::string(3, static_cast<char>('a' + i))));
        if (i >= taken) expected += std::string(3, static_cast<char>('a' + i));
      }
      for (int i = 0; i < taken; ++i) from.pop_front();
      Chain to;
      to.append(Slice::copy_of(pool, "dropped by the assignment"));
      to = std::move(from);
      EXPECT_EQ(to.to_string(), expected);
      EXPECT_TRUE(from.is_empty());
      from.append(Slice::copy_of(pool, "again"));
      from.append(std::move(to));
      EXPECT_EQ(from.to_string(), "again" + expected);
      EXPECT_TRUE(to.is_empty());
    }
  }
  EXPECT_EQ(pool.live_blocks(), 0u);
}

}  // namespace
}  // namespace weft::base
