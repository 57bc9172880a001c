#include "proxy/outlier.h"

#include <algorithm>
#include <cmath>

namespace weft::proxy {

namespace {

/// The request path writes a shared line only where something changes.
void reset(base::SharedCount& count) {
  if (count.value() != 0) count.exchange(0);
}

uint64_t to_count(base::MonoTime time) { return static_cast<uint64_t>(time.time_since_epoch().count()); }
base::Duration since(base::MonoTime now, const base::SharedCount& then) {
  return now.time_since_epoch() - base::Duration(static_cast<int64_t>(then.value()));
}

}  // namespace

SuccessRates success_rate_threshold(std::span<const double> rates, double stdev_factor) {
  const auto count = static_cast<double>(rates.size());
  double sum = 0, squares = 0;
  for (const double rate : rates) sum += rate;
  const double average = sum / count;
  for (const double rate : rates) squares += (rate - average) * (rate - average);
  return {average, average - stdev_factor * std::sqrt(squares / count)};
}

// ------------------------------------------------------------------ one answer

bool OutlierDetector::report(Host& host, const AttemptOutcome& outcome, size_t hosts, base::MonoTime now,
                             uint64_t random) {
  const bool is_split = config_.split_external_local_origin_errors;
  switch (outcome.kind) {
    case AttemptOutcome::Kind::Response: return count_status(host, outcome.status, hosts, now, random);
    case AttemptOutcome::Kind::Connected: return is_split && count_local_origin(host, false, hosts, now, random);
    case AttemptOutcome::Kind::Reset:
      return is_split ? count_local_origin(host, true, hosts, now, random)
                      : count_status(host, 503, hosts, now, random);
    case AttemptOutcome::Kind::Timeout:
      return is_split ? count_local_origin(host, true, hosts, now, random)
                      : count_status(host, outcome.status, hosts, now, random);
  }
  return false;
}

bool OutlierDetector::count_status(Host& host, uint16_t status, size_t hosts, base::MonoTime now, uint64_t random) {
  HostOutlier& state = host.outlier;
  if (status < 500 || status > 599) {
    state.external.successes.add();
    reset(state.consecutive_5xx);
    reset(state.consecutive_gateway_failure);
    return false;
  }
  state.external.failures.add();
  bool is_ejected = false;
  if (status >= 502 && status <= 504) {
    state.consecutive_gateway_failure.add();
    is_ejected = detect_run(host, Ejection::ConsecutiveGatewayFailure, hosts, now, random);
  } else {
    reset(state.consecutive_gateway_failure);
  }
  state.consecutive_5xx.add();
  return detect_run(host, Ejection::Consecutive5xx, hosts, now, random) || is_ejected;
}

bool OutlierDetector::count_local_origin(Host& host, bool is_failure, size_t hosts, base::MonoTime now,
                                         uint64_t random) {
  if (!is_failure) {
    host.outlier.local_origin.successes.add();
    reset(host.outlier.consecutive_local_origin_failure);
    return false;
  }
  host.outlier.local_origin.failures.add();
  host.outlier.consecutive_local_origin_failure.add();
  return detect_run(host, Ejection::ConsecutiveLocalOriginFailure, hosts, now, random);
}

bool OutlierDetector::detect_run(Host& host, Ejection kind, size_t hosts, base::MonoTime now, uint64_t random) {
  HostOutlier& state = host.outlier;
  base::SharedCount* run = &state.consecutive_5xx;
  uint64_t threshold = config_.consecutive_5xx;
  if (kind == Ejection::ConsecutiveGatewayFailure) {
    run = &state.consecutive_gateway_failure;
    threshold = config_.consecutive_gateway_failure;
  } else if (kind == Ejection::ConsecutiveLocalOriginFailure) {
    run = &state.consecutive_local_origin_failure;
    threshold = config_.consecutive_local_origin_failure;
  }
  if (threshold == 0 || run->value() < threshold || host.is_ejected()) return false;
  // Of several workers that see the threshold reached, the one that takes the run away acts.
  if (run->exchange(0) == 0) return false;
  return detect(host, kind, hosts, now, random);
}

// ------------------------------------------------------------------ ejection

uint32_t OutlierDetector::enforcing_percent(Ejection kind) const {
  switch (kind) {
    case Ejection::Consecutive5xx: return config_.enforcing_consecutive_5xx;
    case Ejection::ConsecutiveGatewayFailure: return config_.enforcing_consecutive_gateway_failure;
    case Ejection::ConsecutiveLocalOriginFailure: return config_.enforcing_consecutive_local_origin_failure;
    case Ejection::SuccessRate: return config_.enforcing_success_rate;
    case Ejection::LocalOriginSuccessRate: return config_.enforcing_local_origin_success_rate;
    case Ejection::FailurePercentage: return config_.enforcing_failure_percentage;
    case Ejection::LocalOriginFailurePercentage: return config_.enforcing_failure_percentage_local_origin;
  }
  return 0;
}

bool OutlierDetector::detect(Host& host, Ejection kind, size_t hosts, base::MonoTime now, uint64_t random) {
  counters_.detected[static_cast<size_t>(kind)].add();
  const bool is_success_rate = kind == Ejection::SuccessRate || kind == Ejection::LocalOriginSuccessRate;
  if (kind == Ejection::Consecutive5xx) counters_.ejections_consecutive_5xx.add();
  if (is_success_rate) counters_.ejections_success_rate.add();
  if (host.is_ejected()) return false;
  // The share of ejected hosts, this one included, may not pass max_ejection_percent.
  uint64_t ejected_max = hosts * std::min(100u, config_.max_ejection_percent) / 100;
  if (config_.always_eject_one_host) ejected_max = std::max<uint64_t>(ejected_max, 1);
  if (counters_.ejections_active.value() >= ejected_max) {
    counters_.ejections_overflow.add();
    return false;
  }
  if (kind == Ejection::Consecutive5xx || kind == Ejection::SuccessRate) counters_.ejections_total.add();
  if (random % 100 >= enforcing_percent(kind)) return false;
  if (!counters_.ejections_active.try_take(ejected_max)) {
    counters_.ejections_overflow.add();
    return false;
  }
  return eject(host, kind, now, random);
}

bool OutlierDetector::eject(Host& host, Ejection kind, base::MonoTime now, uint64_t random) {
  HostOutlier& state = host.outlier;
  state.ejected_at.exchange(to_count(now));
  const auto jitter_max = static_cast<uint64_t>(base::to_milliseconds(config_.max_ejection_time_jitter));
  state.jitter.exchange(
      static_cast<uint64_t>(base::milliseconds(static_cast<int64_t>(random / 100 % (jitter_max + 1))).count()));
  if (state.is_ejected.exchange(1) != 0) {  // another worker was faster
    counters_.ejections_active.subtract();
    return false;
  }
  counters_.ejections_of[static_cast<size_t>(host.health)].add();
  if (config_.base_ejection_time * static_cast<int64_t>(state.multiplier.value()) <
      config_.max_ejection_time + config_.base_ejection_time) {
    state.multiplier.add();
  }
  counters_.ejections_enforced_total.add();
  counters_.enforced[static_cast<size_t>(kind)].add();
  return true;
}

void OutlierDetector::forget(Host& host) {
  if (host.outlier.is_ejected.exchange(0) == 0) return;
  counters_.ejections_active.subtract();
  counters_.ejections_of[static_cast<size_t>(host.health)].subtract();
}

// ------------------------------------------------------------------ one interval

bool OutlierDetector::return_if_over(Host& host, base::MonoTime now) {
  HostOutlier& state = host.outlier;
  if (!host.is_ejected()) return false;
  const base::Duration term =
      std::min(config_.base_ejection_time * static_cast<int64_t>(state.multiplier.value()), config_.max_ejection_time);
  if (term + base::Duration(static_cast<int64_t>(state.jitter.value())) > since(now, state.ejected_at)) return false;
  state.consecutive_5xx.exchange(0);
  state.consecutive_gateway_failure.exchange(0);
  state.consecutive_local_origin_failure.exchange(0);
  state.unejected_at.exchange(to_count(now));
  state.returns.add();
  forget(host);
  return true;
}

bool OutlierDetector::judge(Origin origin, std::span<const std::shared_ptr<Host>> hosts, base::MonoTime now,
                            base::Random& random) {
  const bool has_few_hosts =
      hosts.size() < config_.success_rate_minimum_hosts && hosts.size() < config_.failure_percentage_minimum_hosts;
  const uint64_t volume_min = std::min(config_.success_rate_request_volume, config_.failure_percentage_request_volume);
  origin.rates = {};
  std::vector<Rated> rated;
  std::vector<double> rates;
  size_t hosts_for_failure_percentage = 0;
  for (const auto& host : hosts) {
    HostTally& tally = host->outlier.*origin.tally;
    const uint64_t successes = tally.successes.exchange(0), volume = successes + tally.failures.exchange(0);
    tally.success_rate = -1;
    if (has_few_hosts || volume == 0 || host->is_ejected()) continue;
    const double rate = 100.0 * static_cast<double>(successes) / static_cast<double>(volume);
    if (volume >= volume_min) tally.success_rate = rate;
    if (volume >= config_.success_rate_request_volume) rates.push_back(rate);
    if (volume >= config_.failure_percentage_request_volume) ++hosts_for_failure_percentage;
    rated.push_back({host.get(), rate, volume});
  }
  bool is_changed = false;
  const auto eject_where = [&](Ejection kind, uint64_t volume_needed, auto is_outlier) {
    for (const Rated& r : rated) {
      if (r.volume >= volume_needed && is_outlier(r.rate))
        is_changed = detect(*r.host, kind, hosts.size(), now, random.next()) || is_changed;
    }
  };
  if (!rates.empty() && rates.size() >= config_.success_rate_minimum_hosts) {
    origin.rates = success_rate_threshold(rates, config_.success_rate_stdev_factor / 1000.0);
    eject_where(origin.success_rate, config_.success_rate_request_volume,
                [&](double rate) { return rate < origin.rates.threshold; });
  }
  if (hosts_for_failure_percentage > 0 && hosts_for_failure_percentage >= config_.failure_percentage_minimum_hosts) {
    eject_where(origin.failure_percentage, config_.failure_percentage_request_volume,
                [&](double rate) { return 100.0 - rate >= config_.failure_percentage_threshold; });
  }
  return is_changed;
}

bool OutlierDetector::sweep(std::span<const std::shared_ptr<Host>> hosts, base::MonoTime now, base::Random& random) {
  bool is_changed = false;
  for (const auto& host : hosts) is_changed = return_if_over(*host, now) || is_changed;
  const Origin external = {Ejection::SuccessRate, Ejection::FailurePercentage, &HostOutlier::external, external_};
  const Origin local = {Ejection::LocalOriginSuccessRate, Ejection::LocalOriginFailurePercentage,
                        &HostOutlier::local_origin, local_origin_};
  is_changed = judge(external, hosts, now, random) || is_changed;
  is_changed = judge(local, hosts, now, random) || is_changed;
  for (const auto& host : hosts) {
    HostOutlier& state = host->outlier;
    const bool is_quiet =
        !host->is_ejected() && state.returns.value() != 0 && since(now, state.unejected_at) >= config_.interval;
    if (is_quiet && state.multiplier.value() != 0) state.multiplier.subtract();
  }
  return is_changed;
}

}  // namespace weft::proxy
