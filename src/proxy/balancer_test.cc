#include "proxy/balancer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace weft::proxy {
namespace {

using Balance = ClusterConfig::Balance;

class Balancing : public ::testing::Test {
 protected:
  std::shared_ptr<Host>& add(uint32_t weight = 1, uint32_t priority = 0, HostHealth health = HostHealth::Healthy) {
    const auto index = static_cast<uint32_t>(hosts_.size());
    return hosts_.emplace_back(
        std::make_shared<Host>(net::Address::v4(0x0a000001u + index, 80), "", weight, priority, health));
  }
  void add_many(size_t count, uint32_t priority = 0) {
    for (size_t i = 0; i < count; ++i) add(1, priority);
  }
  Balancer& make(Balance policy, double bias = 1.0, double panic = 50.0) {
    balancer_ = std::make_unique<Balancer>(BalancerOptions{policy, 2, bias, panic});
    balancer_->update(hosts_, random_);
    return *balancer_;
  }
  void eject(size_t index) { hosts_[index]->outlier.is_ejected.exchange(1); }
  size_t index_of(const Host* host) const {
    for (size_t i = 0; i < hosts_.size(); ++i) {
      if (hosts_[i].get() == host) return i;
    }
    return SIZE_MAX;
  }
  std::vector<int> picks(int count) {
    std::vector<int> counts(hosts_.size());
    for (int i = 0; i < count; ++i) ++counts.at(index_of(balancer_->pick({random_})));
    return counts;
  }

  base::Random random_{7};
  std::vector<std::shared_ptr<Host>> hosts_;
  std::unique_ptr<Balancer> balancer_;
};

TEST_F(Balancing, WithoutHostsThereIsNone) {
  EXPECT_EQ(make(Balance::RoundRobin).pick({random_}), nullptr);
  EXPECT_FALSE(balancer_->is_in_panic());
}

TEST_F(Balancing, RoundRobinTakesEachInTurnFromARandomStart) {
  add_many(4);
  make(Balance::RoundRobin);
  EXPECT_EQ(picks(8), (std::vector<int>{2, 2, 2, 2}));
  const size_t first = index_of(balancer_->pick({random_}));
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(index_of(balancer_->pick({random_})), (first + i) % 4);
  std::map<size_t, int> starts;
  for (int i = 0; i < 200; ++i) ++starts[index_of(make(Balance::RoundRobin).pick({random_}))];
  EXPECT_EQ(starts.size(), 4u) << "workers must not all begin at the same host";
}

TEST_F(Balancing, WeightedRoundRobinFollowsTheWeightsAndMixes) {
  add(1);
  add(2);
  add(5);
  make(Balance::RoundRobin);
  EXPECT_EQ(picks(80), (std::vector<int>{10, 20, 50}));
  int longest_run = 0, run = 0;
  for (int i = 0; i < 80; ++i) {
    run = index_of(balancer_->pick({random_})) == 2 ? run + 1 : 0;
    longest_run = std::max(longest_run, run);
  }
  EXPECT_LE(longest_run, 4);
}

TEST_F(Balancing, LeastRequestAvoidsTheBusier) {
  add_many(2);
  make(Balance::LeastRequest);
  hosts_[0]->rq_active.add(10);
  const auto counts = picks(1000);
  EXPECT_NEAR(counts[0], 250, 60) << "only where both draws fall on it";
  EXPECT_NEAR(counts[1], 750, 60);
}

TEST_F(Balancing, LeastRequestWithWeightsDividesByTheLoad) {
  add(1);
  add(3);
  make(Balance::LeastRequest);
  const auto idle = picks(400);
  EXPECT_NEAR(idle[1], 300, 5);
  hosts_[1]->rq_active.add(5);
  make(Balance::LeastRequest);
  const auto busy = picks(300);  // 1/1 against 3/6
  EXPECT_NEAR(busy[0], 200, 5);
  make(Balance::LeastRequest, 0.0);
  EXPECT_NEAR(picks(400)[1], 300, 5) << "a bias of 0 leaves the weights alone";
}

TEST_F(Balancing, AFullScanFindsTheLeastLoadedAndIsFairAmongThem) {
  add_many(5);
  BalancerOptions options{Balance::LeastRequest};
  options.least_request_full_scan = true;
  balancer_ = std::make_unique<Balancer>(options);
  balancer_->update(hosts_, random_);
  for (size_t i = 0; i < 3; ++i) hosts_[i]->rq_active.add(1);
  const auto counts = picks(1000);
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 0);
  EXPECT_NEAR(counts[3], 500, 80);
}

// ------------------------------------------------------------------ slow start

class SlowStart : public Balancing {
 protected:
  static base::MonoTime at(int64_t seconds) { return base::MonoTime() + base::seconds(seconds); }
  void add_at(int64_t seconds, uint32_t weight = 1) {
    const auto index = static_cast<uint32_t>(hosts_.size());
    hosts_.push_back(std::make_shared<Host>(net::Address::v4(0x0a000001u + index, 80), "", weight, 0,
                                            HostHealth::Healthy, at(seconds)));
  }
  void make_slow(Balance policy, int64_t now) {
    options.policy = policy;
    balancer_ = std::make_unique<Balancer>(options);
    balancer_->update(hosts_, random_, at(now));
  }
  std::vector<int> picks_at(int64_t now, int count) {
    std::vector<int> counts(hosts_.size());
    for (int i = 0; i < count; ++i) ++counts.at(index_of(balancer_->pick({.random = random_, .now = at(now)})));
    return counts;
  }
  BalancerOptions options{.slow_start = {.window = base::seconds(100)}};
};

// Ages 1000 s and 50 of 100 s: weights 1 and 0.5.
TEST_F(SlowStart, ANewHostTakesAShareThatGrowsWithItsAge) {
  add_at(0);
  add_at(1000);
  make_slow(Balance::RoundRobin, 1050);
  EXPECT_NEAR(picks_at(1050, 300)[1], 100, 3);
  make_slow(Balance::RoundRobin, 1101);
  EXPECT_EQ(picks_at(1101, 300)[1], 150) << "the window is over";
}

TEST_F(SlowStart, TheShareHasALeastValue) {
  add_at(0);
  add_at(1000);
  make_slow(Balance::RoundRobin, 1000);
  EXPECT_NEAR(picks_at(1000, 1100)[1], 100, 3) << "1 to 0.1";
  options.slow_start.min_weight_share = 0.5;
  make_slow(Balance::RoundRobin, 1000);
  EXPECT_NEAR(picks_at(1000, 300)[1], 100, 3);
}

// 0.25 ^ (1 / 2) = 0.5.
TEST_F(SlowStart, AggressionBendsTheCurve) {
  add_at(0);
  add_at(1000);
  options.slow_start.aggression = 2.0;
  make_slow(Balance::RoundRobin, 1025);
  EXPECT_NEAR(picks_at(1025, 300)[1], 100, 3);
}

TEST_F(SlowStart, WorksWithWeightsAndLeastRequest) {
  add_at(0, 1);
  add_at(1000, 4);
  make_slow(Balance::LeastRequest, 1050);  // 1 to 4 × 0.5
  EXPECT_NEAR(picks_at(1050, 300)[1], 200, 3);
}

TEST_F(SlowStart, AmongHostsOfOneAgeAllAreEqual) {
  add_at(1000);
  add_at(1000);
  make_slow(Balance::RoundRobin, 1010);
  EXPECT_EQ(picks_at(1010, 100)[1], 50);
}

TEST_F(Balancing, RandomReachesAllEvenly) {
  add_many(4);
  make(Balance::Random);
  for (const int count : picks(4000)) EXPECT_NEAR(count, 1000, 150);
}

TEST_F(Balancing, EjectedAndUnhealthyHostsAreSkipped) {
  add_many(4);
  add(1, 0, HostHealth::Unhealthy);
  eject(1);
  for (const Balance policy : {Balance::RoundRobin, Balance::LeastRequest, Balance::Random}) {
    make(policy);
    const auto counts = picks(100);
    EXPECT_EQ(counts[1], 0);
    EXPECT_EQ(counts[4], 0);
  }
  EXPECT_EQ(balancer_->usable_count(), 3u);
  EXPECT_EQ(balancer_->host_count(), 5u);
}

TEST_F(Balancing, BelowThePanicThresholdAllHostsAreTaken) {
  add_many(4);
  eject(0);
  eject(1);
  make(Balance::RoundRobin);
  EXPECT_FALSE(balancer_->is_in_panic()) << "half is not below half";
  eject(2);
  make(Balance::RoundRobin);
  EXPECT_TRUE(balancer_->is_in_panic());
  EXPECT_EQ(picks(8), (std::vector<int>{2, 2, 2, 2}));
  EXPECT_EQ(balancer_->panic_picks(), 8u);
}

TEST_F(Balancing, WithoutPanicThereMayBeNoHost) {
  add_many(2);
  eject(0);
  make(Balance::RoundRobin, 1.0, 0.0);
  EXPECT_EQ(picks(4), (std::vector<int>{0, 4}));
  eject(1);
  make(Balance::RoundRobin, 1.0, 0.0);
  EXPECT_EQ(balancer_->pick({random_}), nullptr);
}

TEST_F(Balancing, APriorityKeepsAllTrafficWhileItsHealthCoversIt) {
  add_many(10, 0);
  add_many(10, 1);
  for (size_t i = 0; i < 2; ++i) eject(i);  // 80 % × 1.4 ≥ 100 %
  make(Balance::RoundRobin);
  auto counts = picks(100);
  EXPECT_EQ(std::accumulate(counts.begin() + 10, counts.end(), 0), 0);
  for (size_t i = 2; i < 5; ++i) eject(i);  // 50 % × 1.4 = 70 %
  make(Balance::RoundRobin);
  counts = picks(2000);
  EXPECT_NEAR(std::accumulate(counts.begin() + 10, counts.end(), 0), 600, 100);
  EXPECT_FALSE(balancer_->is_in_panic());
}

TEST_F(Balancing, APriorityWithoutUsableHostsLosesItsTraffic) {
  add_many(2, 0);
  add_many(2, 1);
  eject(0);
  eject(1);
  make(Balance::RoundRobin);
  EXPECT_EQ(picks(10), (std::vector<int>{0, 0, 5, 5}));
  EXPECT_FALSE(balancer_->is_in_panic()) << "the other priority makes up for it";
}

TEST_F(Balancing, InTotalPanicThePrioritiesShareByHostCount) {
  add_many(3, 0);
  add_many(1, 1);
  for (size_t i = 0; i < 4; ++i) eject(i);
  make(Balance::Random);
  EXPECT_TRUE(balancer_->is_in_panic());
  EXPECT_NEAR(picks(4000)[3], 1000, 150);
}

// 4 of 10 healthy: 40 % × 1.4 = 56 %; 3 of 10 degraded: 42 %; 98 % in all, so 57 and 42 of 100, and one for the first.
TEST_F(Balancing, DegradedHostsTakeWhatTheHealthyOnesCannot) {
  add_many(4);
  for (int i = 0; i < 3; ++i) add(1, 0, HostHealth::Degraded);
  for (int i = 0; i < 3; ++i) add(1, 0, HostHealth::Unhealthy);
  make(Balance::RoundRobin);
  const auto counts = picks(10000);
  EXPECT_NEAR(std::accumulate(counts.begin() + 4, counts.begin() + 7, 0), 4200, 200);
  EXPECT_EQ(std::accumulate(counts.begin() + 7, counts.end(), 0), 0);
  EXPECT_FALSE(balancer_->is_in_panic()) << "seven of ten can take traffic";
}

TEST_F(Balancing, DegradedHostsRestWhileTheHealthyOnesSuffice) {
  add_many(8);
  for (int i = 0; i < 2; ++i) add(1, 0, HostHealth::Degraded);
  make(Balance::RoundRobin);
  const auto counts = picks(100);
  EXPECT_EQ(counts[8] + counts[9], 0);
}

TEST_F(Balancing, HealthyHostsOfALaterPriorityComeBeforeDegradedOnes) {
  add(1, 0, HostHealth::Degraded);
  add(1, 1);
  make(Balance::RoundRobin);
  EXPECT_EQ(picks(10), (std::vector<int>{0, 10}));
  eject(1);
  make(Balance::RoundRobin);
  EXPECT_EQ(picks(10), (std::vector<int>{10, 0})) << "it is all there is";
}

TEST_F(Balancing, TheOverprovisioningFactorSaysWhenTrafficSpillsOver) {
  add_many(10, 0);
  add_many(10, 1);
  for (size_t i = 0; i < 2; ++i) eject(i);
  BalancerOptions options;
  options.overprovisioning_percent = 100;
  balancer_ = std::make_unique<Balancer>(options);
  balancer_->update(hosts_, random_);
  const auto counts = picks(2000);
  EXPECT_NEAR(std::accumulate(counts.begin() + 10, counts.end(), 0), 400, 80) << "80 % of the hosts take 80 %";
}

// 3 of 4 by weight: 75 % × 1.4 > 100 %; by number 1 of 2: 70 %.
TEST_F(Balancing, TheHealthOfAPriorityMayBeWeighed) {
  add(3, 0);
  add(1, 0);
  add(1, 1);
  eject(1);
  BalancerOptions options;
  options.weighs_health_of_priorities = true;
  balancer_ = std::make_unique<Balancer>(options);
  balancer_->update(hosts_, random_);
  EXPECT_EQ(picks(1000)[2], 0);
  make(Balance::RoundRobin);
  EXPECT_NEAR(picks(1000)[2], 300, 60);
}

TEST_F(Balancing, HostsOfEarlierAttemptsAreAvoidedAFewTimes) {
  add_many(3);
  make(Balance::RoundRobin);
  Host* const first = balancer_->pick({random_});
  Host* const avoid[] = {hosts_[0].get(), hosts_[1].get()};
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(balancer_->pick({.random = random_, .avoid = avoid, .attempts_max = 3}), hosts_[2].get());
  }
  Host* const all[] = {hosts_[0].get(), hosts_[1].get(), hosts_[2].get()};
  EXPECT_NE(balancer_->pick({.random = random_, .avoid = all, .attempts_max = 5}), nullptr)
      << "at last one is taken anyway";
  EXPECT_NE(first, nullptr);
}

}  // namespace
}  // namespace weft::proxy
