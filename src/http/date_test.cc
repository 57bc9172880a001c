#include "http/date.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

TEST(DateCacheTest, FormatsTheSecondItIsGiven) {
  DateCache cache;
  const auto at = [](int64_t seconds) { return base::WallTime(base::seconds(seconds)); };
  EXPECT_EQ(cache.format(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.format(at(784111777) + base::milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.format(at(784111778)), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(cache.format(at(1709164800)), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_EQ(cache.format(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace weft::http
