#include "proxy/breaker.h"

#include <gtest/gtest.h>

namespace weft::proxy {
namespace {

TEST(CircuitBreaker, EachResourceHasItsOwnLimitAndGauge) {
  CircuitBreaker breaker(
      {.connections_max = 1, .pending_requests_max = 2, .requests_max = 3, .retries_max = 1, .track_remaining = true});
  EXPECT_TRUE(breaker.connections().try_take());
  EXPECT_FALSE(breaker.connections().try_take());
  EXPECT_TRUE(breaker.connections().is_open());
  EXPECT_EQ(breaker.connections().count(), 1u) << "a refused place is not counted";
  EXPECT_TRUE(breaker.pending_requests().try_take());
  EXPECT_FALSE(breaker.pending_requests().is_open());
  EXPECT_EQ(breaker.pending_requests().remaining(), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.requests().try_take());
  EXPECT_TRUE(breaker.requests().is_open());
  breaker.requests().give_back();
  EXPECT_FALSE(breaker.requests().is_open());
  EXPECT_TRUE(breaker.requests().try_take());
  EXPECT_TRUE(breaker.try_take_retry());
  EXPECT_TRUE(breaker.is_retries_open());
  EXPECT_FALSE(breaker.try_take_retry());
  EXPECT_EQ(breaker.retries_remaining(), 0u);
  breaker.give_back_retry();
  EXPECT_EQ(breaker.retries_remaining(), 1u);
}

TEST(CircuitBreaker, ALimitOfZeroRefusesAllButWhatIsTakenAnyway) {
  CircuitBreaker breaker({.connections_max = 0});
  EXPECT_FALSE(breaker.connections().try_take());
  breaker.connections().take();
  EXPECT_EQ(breaker.connections().count(), 1u);
  EXPECT_EQ(breaker.connections().remaining(), 0u);
}

TEST(CircuitBreaker, TheRetryBudgetFollowsActiveAndPendingRequestsAboveItsFloor) {
  CircuitBreaker breaker(
      {.retries_max = 1, .has_retry_budget = true, .retry_budget_percent = 25.0, .retry_budget_min_concurrency = 2});
  EXPECT_EQ(breaker.retries_limit(), 2u);
  for (int i = 0; i < 6; ++i) breaker.requests().take();
  for (int i = 0; i < 6; ++i) breaker.pending_requests().take();
  EXPECT_EQ(breaker.retries_limit(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.try_take_retry());
  EXPECT_FALSE(breaker.try_take_retry());
  EXPECT_EQ(breaker.retries_remaining(), 0u) << "not tracked under a budget";
}

}  // namespace
}  // namespace weft::proxy
