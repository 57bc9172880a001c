#include "proxy/fault_plan.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

class FaultPlans : public WithHeads {
 protected:
  base::Duration delay(Lines lines = {}) { return plan_delay(config_, get("a.com", "/", lines), random_); }
  std::string abort(Lines lines = {}) {
    const auto planned = plan_abort(config_, get("a.com", "/", lines), random_);
    if (!planned) return "none";
    return planned->http_status ? std::to_string(*planned->http_status)
                                : "grpc " + std::to_string(*planned->grpc_status);
  }
  uint64_t rate(Lines lines = {}) { return plan_response_rate(config_, get("a.com", "/", lines), random_); }
  bool is_target(std::string_view cluster, Lines lines = {}) {
    return is_fault_target(config_, get("a.com", "/", lines), cluster);
  }
  template <typename Plan>
  int share_of_thousand(Plan plan) {
    int hits = 0;
    for (int i = 0; i < 1000; ++i) hits += plan() ? 1 : 0;
    return hits;
  }

  FaultConfig config_;
  base::Random random_{3};
};

constexpr Fraction kAlways{100, 100};

TEST_F(FaultPlans, NothingConfiguredInjectsNothing) {
  EXPECT_TRUE(is_target("any"));
  EXPECT_EQ(delay({{"x-envoy-fault-delay-request", "5"}}), base::Duration::zero());
  EXPECT_EQ(abort({{"x-envoy-fault-abort-request", "503"}}), "none");
  EXPECT_EQ(rate({{"x-envoy-fault-throughput-response", "5"}}), 0u);
}

TEST_F(FaultPlans, ClusterNodeAndHeadersNarrowTheTarget) {
  config_.upstream_cluster = "web";
  EXPECT_TRUE(is_target("web"));
  EXPECT_FALSE(is_target("other"));
  EXPECT_FALSE(is_target(""));
  config_.upstream_cluster.clear();
  config_.downstream_nodes = {"n1", "n2"};
  EXPECT_TRUE(is_target("web", {{"x-envoy-downstream-service-node", "n2"}}));
  EXPECT_FALSE(is_target("web", {{"x-envoy-downstream-service-node", "n3"}}));
  EXPECT_FALSE(is_target("web"));
  config_.downstream_nodes.clear();
  config_.headers.push_back({.name = "x-a"});
  config_.headers.push_back({.name = "x-b"});
  EXPECT_FALSE(is_target("web", {{"x-a", "1"}}));
  EXPECT_TRUE(is_target("web", {{"x-a", "1"}, {"x-b", "1"}}));
}

TEST_F(FaultPlans, AFixedDelayFollowsItsPercentageOnly) {
  config_.delay = FaultConfig::Delay{.fixed = seconds(2), .percentage = kAlways};
  EXPECT_EQ(delay({{"x-envoy-fault-delay-request-percentage", "0"}}), seconds(2));
  config_.delay->percentage = {250, 10000};
  EXPECT_NEAR(share_of_thousand([&] { return delay() != base::Duration::zero(); }), 25, 20);
  config_.delay->percentage = {0, 100};
  EXPECT_EQ(delay(), base::Duration::zero());
}

TEST_F(FaultPlans, AHeaderDelayComesFromTheRequestWhichMayLowerTheShare) {
  config_.delay = FaultConfig::Delay{.percentage = kAlways};
  EXPECT_EQ(delay({{"x-envoy-fault-delay-request", "1500"}}), milliseconds(1500));
  EXPECT_EQ(delay({{"x-envoy-fault-delay-request", "long"}}), base::Duration::zero());
  EXPECT_EQ(delay(), base::Duration::zero());
  EXPECT_EQ(delay({{"x-envoy-fault-delay-request", "5"}, {"x-envoy-fault-delay-request-percentage", "0"}}),
            base::Duration::zero());
  config_.delay->percentage = {30, 100};
  EXPECT_NEAR(share_of_thousand([&] {
                return delay({{"x-envoy-fault-delay-request", "5"},
                              {"x-envoy-fault-delay-request-percentage", "100"}}) != base::Duration::zero();
              }),
              300, 60)
      << "a header never raises it";
}

TEST_F(FaultPlans, AbortsAreHttpOrGrpcFixedOrAsked) {
  config_.abort = FaultConfig::Abort{.http_status = 503, .percentage = kAlways};
  EXPECT_EQ(abort(), "503");
  config_.abort = FaultConfig::Abort{.grpc_status = 14, .percentage = kAlways};
  EXPECT_EQ(abort(), "grpc 14");
  config_.abort = FaultConfig::Abort{.percentage = kAlways};
  EXPECT_EQ(abort(), "none");
  EXPECT_EQ(abort({{"x-envoy-fault-abort-request", "418"}}), "418");
  EXPECT_EQ(abort({{"x-envoy-fault-abort-grpc-request", "5"}}), "grpc 5");
  EXPECT_EQ(abort({{"x-envoy-fault-abort-request", "418"}, {"x-envoy-fault-abort-grpc-request", "5"}}), "418");
  for (const std::string_view bad : {"199", "600", "99999", "x"})
    EXPECT_EQ(abort({{"x-envoy-fault-abort-request", bad}}), "none") << bad;
  EXPECT_EQ(abort({{"x-envoy-fault-abort-request", "418"}, {"x-envoy-fault-abort-request-percentage", "0"}}), "none");
}

TEST_F(FaultPlans, ResponseRatesAreKibibytesPerSecond) {
  config_.response_rate_limit = FaultConfig::RateLimit{.fixed_kbps = 8, .percentage = kAlways};
  EXPECT_EQ(rate(), 8192u);
  config_.response_rate_limit = FaultConfig::RateLimit{.percentage = kAlways};
  EXPECT_EQ(rate(), 0u);
  EXPECT_EQ(rate({{"x-envoy-fault-throughput-response", "2"}}), 2048u);
  EXPECT_EQ(rate({{"x-envoy-fault-throughput-response", "0"}}), 0u);
  EXPECT_EQ(rate({{"x-envoy-fault-throughput-response", "2"}, {"x-envoy-fault-throughput-response-percentage", "0"}}),
            0u);
}

TEST(ResponseLimiter, PassesASixteenthOfTheRateEachSixteenthOfASecond) {
  const base::MonoTime start{};
  ResponseLimiter limiter(16000, start);
  EXPECT_EQ(limiter.take(5000, start), 1000u);
  EXPECT_EQ(limiter.take(5000, start + milliseconds(62)), 0u);
  EXPECT_EQ(limiter.wait(start + milliseconds(62)), std::chrono::microseconds(500));
  EXPECT_EQ(limiter.take(300, start + milliseconds(63)), 300u);
  EXPECT_EQ(limiter.take(5000, start + milliseconds(63)), 700u);
  size_t passed = 2000;
  base::MonoTime now = start + milliseconds(63);
  while (passed < 34000) {
    now += limiter.wait(now);
    passed += limiter.take(100000, now);
  }
  EXPECT_EQ(passed, 34000u);
  EXPECT_NEAR(static_cast<double>(base::to_milliseconds(now - start)), 2062.0, 1.0);
}

TEST(ResponseLimiter, SavesUpAtMostASecondAndAlwaysMoves) {
  const base::MonoTime start{};
  ResponseLimiter limiter(16000, start);
  EXPECT_EQ(limiter.take(100000, start + seconds(100)), 16000u);
  ResponseLimiter slow(3, start);
  EXPECT_EQ(slow.take(10, start), 1u);
  EXPECT_EQ(slow.take(10, start + milliseconds(63)), 1u);
}

}  // namespace
}  // namespace weft::proxy
