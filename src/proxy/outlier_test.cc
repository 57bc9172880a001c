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
    use_hosts(4);
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
  bool sweep_after(base::Duration time) {
    now_ += time;
    return detector_->sweep(hosts_, now(), random_);
  }
  /// `good` and `bad` answers of `host`, the good ones last so that no run of failures builds up.
  void answers(size_t host, int good, int bad) {
    for (int i = 0; i < bad; ++i) {
      report(host, 500);
      report(host, 200);
    }
    for (int i = bad; i < good; ++i) report(host, 200);
  }
  void use_hosts(uint16_t count) {
    hosts_.clear();
    for (uint16_t i = 0; i < count; ++i)
      hosts_.push_back(std::make_shared<Host>(net::Address::v4(0x0a000001u + i, 80), "", 1, 0));
  }
  uint64_t detected(Ejection kind) { return counters().detected[static_cast<size_t>(kind)].value(); }
  uint64_t enforced(Ejection kind) { return counters().enforced[static_cast<size_t>(kind)].value(); }
  const OutlierCounters& counters() { return detector_->counters(); }

  OutlierConfig config_;
  std::vector<std::shared_ptr<Host>> hosts_;
  std::unique_ptr<OutlierDetector> detector_;
  base::Duration now_ = seconds(1000);
  base::Random random_{1};
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
  EXPECT_EQ(enforced(Ejection::Consecutive5xx), 1u);
  EXPECT_EQ(detected(Ejection::Consecutive5xx), 1u);
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
  EXPECT_FALSE(report(0, {Kind::Reset}));
  EXPECT_FALSE(report(0, {Kind::Reset}));
  EXPECT_TRUE(report(0, {Kind::Timeout, 504}));
  EXPECT_EQ(detected(Ejection::ConsecutiveGatewayFailure), 0u);
}

TEST_F(Outliers, GatewayFailuresAreDetectedButByDefaultNotEnforced) {
  config_.consecutive_5xx = 100;
  configure();
  EXPECT_FALSE(report(0, 503, 4));
  report(0, 500);
  EXPECT_FALSE(report(0, 503, 4)) << "a 500 ends the run";
  EXPECT_FALSE(report(0, 503));
  EXPECT_EQ(detected(Ejection::ConsecutiveGatewayFailure), 1u);
  EXPECT_EQ(counters().ejections_enforced_total.value(), 0u);
  config_.enforcing_consecutive_gateway_failure = 100;
  configure();
  EXPECT_TRUE(report(1, 502, 5));
  EXPECT_EQ(enforced(Ejection::ConsecutiveGatewayFailure), 1u);
}

TEST_F(Outliers, SplitErrorsCountLocalOriginApart) {
  config_.split_external_local_origin_errors = true;
  config_.consecutive_local_origin_failure = 3;
  configure();
  report(0, {Kind::Reset});
  report(0, {Kind::Timeout});
  report(0, {Kind::Connected});
  report(0, {Kind::Reset});
  report(0, {Kind::Reset});
  report(0, 500, 4);
  EXPECT_TRUE(report(0, {Kind::Reset})) << "answers are of another origin";
  EXPECT_EQ(enforced(Ejection::ConsecutiveLocalOriginFailure), 1u);
  EXPECT_EQ(detected(Ejection::Consecutive5xx), 0u);
}

TEST_F(Outliers, EnforcementIsAShareOfTheDetections) {
  config_.enforcing_consecutive_5xx = 30;
  configure();
  EXPECT_FALSE(report(0, 500, 5, 30));
  EXPECT_EQ(detected(Ejection::Consecutive5xx), 1u);
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
  EXPECT_FALSE(sweep_after(seconds(29)));
  EXPECT_TRUE(sweep_after(seconds(1)));
  EXPECT_TRUE(hosts_[0]->is_usable());
  EXPECT_EQ(counters().ejections_active.value(), 0u);
  EXPECT_FALSE(report(0, 500, 4));
}

TEST_F(Outliers, EachEjectionLastsLongerUpToTheMaximum) {
  config_.max_ejection_time = seconds(70);
  configure();
  for (const int64_t expected : {30, 60, 70, 70}) {
    ASSERT_TRUE(report(0, 500, 5));
    EXPECT_FALSE(sweep_after(seconds(expected) - milliseconds(1))) << expected;
    EXPECT_TRUE(sweep_after(milliseconds(1))) << expected;
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
  EXPECT_FALSE(sweep_after(milliseconds(33999)));
  EXPECT_TRUE(sweep_after(milliseconds(1)));
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

TEST_F(Outliers, ATimeoutCountsAsTheStatusThatTheClientIsTold) {
  config_.consecutive_5xx = 1;
  configure();
  EXPECT_FALSE(report(0, {Kind::Timeout, 204})) << "upstream_rq_timeout_alt_response";
  EXPECT_TRUE(report(0, {Kind::Timeout, 504}));
}

// ------------------------------------------------------------------ success rate

// Rates 50, 100, 100, 100, 100: mean 450 / 5 = 90; variance (40² + 4 × 10²) / 5 = 400; deviation 20.
TEST(SuccessRates, AreJudgedByMeanAndDeviation) {
  const double rates[] = {50, 100, 100, 100, 100};
  EXPECT_DOUBLE_EQ(success_rate_threshold(rates, 1.9).average, 90);
  EXPECT_DOUBLE_EQ(success_rate_threshold(rates, 1.9).threshold, 52);
  EXPECT_DOUBLE_EQ(success_rate_threshold(rates, 2.5).threshold, 40);
  const double alike[] = {80, 80};
  EXPECT_DOUBLE_EQ(success_rate_threshold(alike, 1.9).threshold, 80);
}

class SuccessRateEjection : public Outliers {
 protected:
  SuccessRateEjection() { use_hosts(5); }
  void one_bad_interval(int bad_of_100 = 50) {
    answers(0, 100 - bad_of_100, bad_of_100);
    for (size_t i = 1; i < 5; ++i) answers(i, 100, 0);
  }
};

TEST_F(SuccessRateEjection, IsOnByDefault) {
  one_bad_interval();
  EXPECT_TRUE(sweep_after(seconds(10)));
  EXPECT_TRUE(hosts_[0]->is_ejected());
  EXPECT_EQ(counters().ejections_active.value(), 1u);
  EXPECT_EQ(detected(Ejection::SuccessRate), 1u);
  EXPECT_EQ(enforced(Ejection::SuccessRate), 1u);
  EXPECT_EQ(counters().ejections_success_rate.value(), 1u);
  EXPECT_EQ(counters().ejections_total.value(), 1u);
  EXPECT_EQ(counters().ejections_enforced_total.value(), 1u);
  EXPECT_DOUBLE_EQ(detector_->external_rates().average, 90);
  EXPECT_DOUBLE_EQ(detector_->external_rates().threshold, 52);
  EXPECT_DOUBLE_EQ(hosts_[0]->outlier.external.success_rate, 50);
  EXPECT_DOUBLE_EQ(hosts_[1]->outlier.external.success_rate, 100);
  EXPECT_DOUBLE_EQ(detector_->local_origin_rates().average, -1);
}

TEST_F(SuccessRateEjection, JudgesEachIntervalApart) {
  one_bad_interval();
  sweep_after(seconds(10));
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_DOUBLE_EQ(detector_->external_rates().average, -1) << "nobody answered in this one";
  EXPECT_DOUBLE_EQ(hosts_[1]->outlier.external.success_rate, -1);
  EXPECT_EQ(detected(Ejection::SuccessRate), 1u);
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_TRUE(sweep_after(seconds(10))) << "30 s have passed";
  EXPECT_FALSE(hosts_[0]->is_ejected());
}

TEST_F(SuccessRateEjection, NeedsEnoughHostsWithEnoughAnswers) {
  answers(0, 50, 50);
  for (size_t i = 1; i < 4; ++i) answers(i, 100, 0);
  answers(4, 99, 0);
  EXPECT_FALSE(sweep_after(seconds(10))) << "four hosts of five have their 100 answers";
  EXPECT_DOUBLE_EQ(hosts_[4]->outlier.external.success_rate, 100) << "enough for the failure percentage (50)";
  config_.success_rate_minimum_hosts = 4;
  config_.success_rate_stdev_factor = 1000;
  configure();
  answers(0, 50, 50);
  for (size_t i = 1; i < 4; ++i) answers(i, 100, 0);
  answers(4, 49, 0);
  EXPECT_TRUE(sweep_after(seconds(10)));
  // Four rates: mean 87.5, deviation sqrt((37.5² + 3 × 12.5²) / 4) = 21.65.
  EXPECT_NEAR(detector_->external_rates().threshold, 87.5 - 21.6506, 0.001);
  EXPECT_DOUBLE_EQ(hosts_[4]->outlier.external.success_rate, -1);
}

TEST_F(SuccessRateEjection, AnEjectedHostIsNotPartOfTheMean) {
  report(0, 500, 5);
  ASSERT_TRUE(hosts_[0]->is_ejected());
  one_bad_interval();
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_DOUBLE_EQ(hosts_[0]->outlier.external.success_rate, -1);
  EXPECT_DOUBLE_EQ(detector_->external_rates().average, -1) << "four hosts are left";
}

TEST_F(SuccessRateEjection, MayBeDetectedWithoutBeingEnforced) {
  config_.enforcing_success_rate = 0;
  configure();
  one_bad_interval();
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_EQ(detected(Ejection::SuccessRate), 1u);
  EXPECT_EQ(enforced(Ejection::SuccessRate), 0u);
}

TEST_F(SuccessRateEjection, StaysBelowTheShareThatMayBeEjected) {
  config_.max_ejection_percent = 10;
  configure();
  one_bad_interval();
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_EQ(counters().ejections_overflow.value(), 1u);
  EXPECT_EQ(counters().ejections_total.value(), 0u);
}

TEST_F(SuccessRateEjection, JudgesLocalOriginApartWhereErrorsAreSplit) {
  config_.split_external_local_origin_errors = true;
  config_.consecutive_local_origin_failure = 1000;
  configure();
  for (size_t i = 0; i < 5; ++i) {
    for (int n = 0; n < 100; ++n) report(i, {i == 0 && n < 50 ? Kind::Reset : Kind::Connected});
    answers(i, 100, 0);
  }
  EXPECT_TRUE(sweep_after(seconds(10)));
  EXPECT_TRUE(hosts_[0]->is_ejected());
  EXPECT_EQ(enforced(Ejection::LocalOriginSuccessRate), 1u);
  EXPECT_EQ(enforced(Ejection::SuccessRate), 0u);
  EXPECT_EQ(counters().ejections_success_rate.value(), 1u);
  EXPECT_EQ(counters().ejections_total.value(), 0u);
  EXPECT_DOUBLE_EQ(hosts_[0]->outlier.local_origin.success_rate, 50);
  EXPECT_DOUBLE_EQ(hosts_[0]->outlier.external.success_rate, 100);
  EXPECT_DOUBLE_EQ(detector_->local_origin_rates().threshold, 52);
  EXPECT_DOUBLE_EQ(detector_->external_rates().threshold, 100);
}

// ------------------------------------------------------------------ failure percentage

TEST_F(SuccessRateEjection, FailurePercentageIsDetectedAndByDefaultNotEnforced) {
  config_.enforcing_success_rate = 0;
  configure();
  for (size_t i = 0; i < 5; ++i) answers(i, 50, 0);
  for (int n = 0; n < 6; ++n) {
    report(1, 500, 4);
    report(1, 200);
  }
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_EQ(detected(Ejection::FailurePercentage), 0u) << "24 of 80 failed";
  for (size_t i = 0; i < 5; ++i) answers(i, i == 0 ? 15 : 50, 0);
  config_.consecutive_5xx = 1000;
  configure();
  report(0, 500, 85);
  EXPECT_FALSE(sweep_after(seconds(10)));
  EXPECT_EQ(detected(Ejection::FailurePercentage), 1u) << "85 of 100 failed, which is the threshold";
  EXPECT_EQ(enforced(Ejection::FailurePercentage), 0u);
}

TEST_F(SuccessRateEjection, FailurePercentageEjectsWhereItIsEnforced) {
  config_.enforcing_failure_percentage = 100;
  config_.failure_percentage_threshold = 40;
  config_.failure_percentage_request_volume = 10;
  configure();
  for (size_t i = 0; i < 3; ++i) answers(i, 10, 0);
  answers(3, 12, 8);
  answers(4, 5, 4);
  EXPECT_FALSE(sweep_after(seconds(10))) << "of five hosts one has 9 answers";
  config_.failure_percentage_minimum_hosts = 4;
  configure();
  for (size_t i = 0; i < 3; ++i) answers(i, 10, 0);
  answers(3, 12, 8);
  answers(4, 5, 4);
  EXPECT_TRUE(sweep_after(seconds(10)));
  EXPECT_TRUE(hosts_[3]->is_ejected()) << "8 of 20 is 40 %";
  EXPECT_FALSE(hosts_[4]->is_ejected());
  EXPECT_EQ(enforced(Ejection::FailurePercentage), 1u);
  EXPECT_EQ(counters().ejections_total.value(), 0u) << "the old total does not know it";
}

TEST_F(SuccessRateEjection, AHostThatBothDetectorsWantIsEjectedOnce) {
  config_.enforcing_failure_percentage = 100;
  config_.failure_percentage_threshold = 50;
  configure();
  one_bad_interval();
  EXPECT_TRUE(sweep_after(seconds(10)));
  EXPECT_EQ(counters().ejections_active.value(), 1u);
  EXPECT_EQ(counters().ejections_enforced_total.value(), 1u);
  EXPECT_EQ(detected(Ejection::FailurePercentage), 1u);
  EXPECT_EQ(enforced(Ejection::FailurePercentage), 0u);
}

TEST_F(SuccessRateEjection, LocalOriginFailurePercentageHasItsOwnSwitch) {
  config_.split_external_local_origin_errors = true;
  config_.consecutive_local_origin_failure = 1000;
  config_.enforcing_local_origin_success_rate = 0;
  config_.enforcing_failure_percentage_local_origin = 100;
  configure();
  for (size_t i = 0; i < 5; ++i) {
    for (int n = 0; n < 50; ++n) report(i, {i == 0 ? Kind::Timeout : Kind::Connected});
  }
  EXPECT_TRUE(sweep_after(seconds(10)));
  EXPECT_TRUE(hosts_[0]->is_ejected());
  EXPECT_EQ(enforced(Ejection::LocalOriginFailurePercentage), 1u);
  EXPECT_EQ(detected(Ejection::LocalOriginSuccessRate), 0u) << "50 answers are too few for it";
}

}  // namespace
}  // namespace weft::proxy
