#include "proxy/outlier.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::proxy {
namespace {

using Kind = AttemptOutcome::Kind;
using base::milliseconds;
using base::seconds;

class Outliers : public ::testing::Test {
 protected:
  Outliers() {
    config_.max_ejection_percent = 50;
    for (uint16_t i = 0; i < 4; ++i) {
      hosts_.push_back(std::make_shared<Host>(net::Address::v4(0x0a000001u + i, 80), "", 1, 0));
    }
    configure();
  }
  void configure() { detector_ = std::make_unique<OutlierDetector>(config_); }
  base::MonoTime now() const { return base::MonoTime() + now_; }
  bool report(size_t host, AttemptOutcome outcome, uint64_t random = 0) {
    return detector_->report(*hosts_[host], outcome, hosts_.size(), now(), random);
  }
  bool report(size_t host, uint16_t status, int times = 1, uint64_t random = 0) {
    bool was_ejected = false;
    for (int i = 0; i < times; ++i) was_ejected = report(host, {Kind::Response, status}, random) || was_ejected;
    return was_ejected;
  }
  size_t sweep_after(base::Duration time) {
    now_ += time;
    return detector_->sweep(hosts_, now());
  }
  const OutlierCounters& counters() { return detector_->counters(); }

  OutlierConfig config_;
  std::vector<std::shared_ptr<Host>> hosts_;
  std::unique_ptr<OutlierDetector> detector_;
  base::Duration now_ = seconds(1000);
};

TEST_F(Outliers, ConsecutiveServerErrorsEject) {
  EXPECT_FALSE(report(0, 500, 4));
  EXPECT_TRUE(hosts_[0]->is_usable());
  EXPECT_TRUE(report(0, 500));
  EXPECT_TRUE(hosts_[0]->is_ejected());
  EXPECT_FALSE(hosts_[0]->is_usable());
  EXPECT_EQ(counters().ejections_active.value(), 1u);
  EXPECT_EQ(counters().ejections_total.value(), 1u);
  EXPECT_EQ(counters().ejections_enforced_total.value(), 1u);
  EXPECT_EQ(counters().ejections_enforced_consecutive_5xx.value(), 1u);
  EXPECT_EQ(counters().ejections_detected_consecutive_5xx.value(), 1u);
  EXPECT_FALSE(report(0, 500, 10)) << "an ejected host is not ejected again";
  EXPECT_EQ(counters().ejections_active.value(), 1u);
}

TEST_F(Outliers, ASuccessBeginsTheRunAgain) {
  report(0, 500, 4);
  report(0, 404);
  EXPECT_FALSE(report(0, 500, 4));
  EXPECT_TRUE(report(0, 500));
}

TEST_F(Outliers, FailuresWithoutResponseCountAsGatewayErrorsUnlessSplit) {
  config_.consecutive_5xx = 3;
  configure();
  EXPECT_FALSE(report(0, {Kind::ConnectFailed}));
  EXPECT_FALSE(report(0, {Kind::Reset}));
  EXPECT_TRUE(report(0, {Kind::Timeout}));
  EXPECT_EQ(counters().ejections_detected_consecutive_gateway_failure.value(), 0u);
}

TEST_F(Outliers, GatewayFailuresAreDetectedButByDefaultNotEnforced) {
  config_.consecutive_5xx = 100;
  configure();
  EXPECT_FALSE(report(0, 503, 4));
  report(0, 500);
  EXPECT_FALSE(report(0, 503, 4)) << "a 500 ends the run";
  EXPECT_FALSE(report(0, 503));
  EXPECT_EQ(counters().ejections_detected_consecutive_gateway_failure.value(), 1u);
  EXPECT_EQ(counters().ejections_enforced_total.value(), 0u);
  config_.enforcing_consecutive_gateway_failure = 100;
  configure();
  EXPECT_TRUE(report(1, 502, 5));
  EXPECT_EQ(counters().ejections_enforced_consecutive_gateway_failure.value(), 1u);
}

TEST_F(Outliers, SplitErrorsCountLocalOriginApart) {
  config_.split_external_local_origin_errors = true;
  config_.consecutive_local_origin_failure = 3;
  configure();
  report(0, {Kind::ConnectFailed});
  report(0, {Kind::Timeout});
  report(0, {Kind::Connected});
  report(0, {Kind::ConnectFailed});
  report(0, {Kind::Reset});
  report(0, 500, 4);
  EXPECT_FALSE(report(0, {Kind::ConnectFailed})) << "an answer ends the run too";
  EXPECT_FALSE(report(0, {Kind::ConnectFailed}));
  EXPECT_TRUE(report(0, {Kind::ConnectFailed}));
  EXPECT_EQ(counters().ejections_enforced_consecutive_local_origin_failure.value(), 1u);
  EXPECT_EQ(counters().ejections_detected_consecutive_5xx.value(), 0u);
}

TEST_F(Outliers, EnforcementIsAShareOfTheDetections) {
  config_.enforcing_consecutive_5xx = 30;
  configure();
  EXPECT_FALSE(report(0, 500, 5, 30));
  EXPECT_EQ(counters().ejections_detected_consecutive_5xx.value(), 1u);
  EXPECT_EQ(counters().ejections_total.value(), 1u);
  EXPECT_TRUE(report(0, 500, 5, 29));
}

TEST_F(Outliers, NoMoreThanTheMaximumShareIsEjected) {
  EXPECT_TRUE(report(0, 500, 5));
  EXPECT_TRUE(report(1, 500, 5));
  EXPECT_FALSE(report(2, 500, 5)) << "three of four would be above 50 %";
  EXPECT_EQ(counters().ejections_overflow.value(), 1u);
  config_.max_ejection_percent = 10;
  configure();
  EXPECT_FALSE(report(3, 500, 5)) << "one of four is above 10 %";
  config_.always_eject_one_host = true;
  configure();
  EXPECT_TRUE(report(3, 500, 5));
}

TEST_F(Outliers, AHostComesBackAfterItsTimeWithFreshCounts) {
  report(0, 500, 5);
  EXPECT_EQ(sweep_after(seconds(29)), 0u);
  EXPECT_EQ(sweep_after(seconds(1)), 1u);
  EXPECT_TRUE(hosts_[0]->is_usable());
  EXPECT_EQ(counters().ejections_active.value(), 0u);
  EXPECT_FALSE(report(0, 500, 4));
}

TEST_F(Outliers, EachEjectionLastsLongerUpToTheMaximum) {
  config_.max_ejection_time = seconds(70);
  configure();
  for (const int64_t expected : {30, 60, 70, 70}) {
    ASSERT_TRUE(report(0, 500, 5));
    EXPECT_EQ(sweep_after(seconds(expected) - milliseconds(1)), 0u) << expected;
    EXPECT_EQ(sweep_after(milliseconds(1)), 1u) << expected;
  }
}

TEST_F(Outliers, QuietIntervalsShortenTheNextEjection) {
  report(0, 500, 5);
  sweep_after(seconds(30));
  report(0, 500, 5);
  sweep_after(seconds(60));
  EXPECT_EQ(hosts_[0]->outlier.multiplier.value(), 2u);
  sweep_after(seconds(9));
  EXPECT_EQ(hosts_[0]->outlier.multiplier.value(), 2u) << "less than an interval since it came back";
  sweep_after(seconds(1));
  EXPECT_EQ(hosts_[0]->outlier.multiplier.value(), 1u);
  for (int i = 0; i < 5; ++i) sweep_after(seconds(10));
  EXPECT_EQ(hosts_[0]->outlier.multiplier.value(), 0u);
}

TEST_F(Outliers, JitterLengthensAnEjection) {
  config_.max_ejection_time_jitter = seconds(5);
  configure();
  report(0, 500, 5, 100 * 4000);  // 4000 ms of at most 5000
  EXPECT_EQ(sweep_after(milliseconds(33999)), 0u);
  EXPECT_EQ(sweep_after(milliseconds(1)), 1u);
}

TEST_F(Outliers, AHostThatLeavesNoLongerCounts) {
  report(0, 500, 5);
  detector_->forget(*hosts_[0]);
  detector_->forget(*hosts_[1]);
  EXPECT_EQ(counters().ejections_active.value(), 0u);
}

TEST_F(Outliers, AThresholdOfZeroTurnsADetectorOff) {
  config_.consecutive_5xx = 0;
  configure();
  EXPECT_FALSE(report(0, 500, 20));
}

}  // namespace
}  // namespace weft::proxy
