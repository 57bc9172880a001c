#include "proxy/outlier.h"

#include <algorithm>

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

bool OutlierDetector::report(Host& host, const AttemptOutcome& outcome, size_t hosts, base::MonoTime now,
                             uint64_t random) {
  const bool is_split = config_.split_external_local_origin_errors;
  switch (outcome.kind) {
    case AttemptOutcome::Kind::Response:
      if (is_split) count_local_origin(host, false, hosts, now, random);
      return count_status(host, outcome.status, hosts, now, random);
    case AttemptOutcome::Kind::Connected: return is_split && count_local_origin(host, false, hosts, now, random);
    case AttemptOutcome::Kind::ConnectFailed:
    case AttemptOutcome::Kind::Reset:
      return is_split ? count_local_origin(host, true, hosts, now, random)
                      : count_status(host, 503, hosts, now, random);
    case AttemptOutcome::Kind::Timeout:
      return is_split ? count_local_origin(host, true, hosts, now, random)
                      : count_status(host, 504, hosts, now, random);
  }
  return false;
}

bool OutlierDetector::count_status(Host& host, uint16_t status, size_t hosts, base::MonoTime now, uint64_t random) {
  HostOutlier& state = host.outlier;
  if (status < 500 || status > 599) {
    reset(state.consecutive_5xx);
    reset(state.consecutive_gateway_failure);
    return false;
  }
  bool is_ejected = false;
  if (status >= 502 && status <= 504) {
    state.consecutive_gateway_failure.add();
    is_ejected = detect(host, Detector::GatewayFailure, hosts, now, random);
  } else {
    reset(state.consecutive_gateway_failure);
  }
  state.consecutive_5xx.add();
  return detect(host, Detector::Consecutive5xx, hosts, now, random) || is_ejected;
}

bool OutlierDetector::count_local_origin(Host& host, bool is_failure, size_t hosts, base::MonoTime now,
                                         uint64_t random) {
  if (!is_failure) {
    reset(host.outlier.consecutive_local_origin_failure);
    return false;
  }
  host.outlier.consecutive_local_origin_failure.add();
  return detect(host, Detector::LocalOrigin, hosts, now, random);
}

bool OutlierDetector::detect(Host& host, Detector detector, size_t hosts, base::MonoTime now, uint64_t random) {
  HostOutlier& state = host.outlier;
  base::SharedCount* run = nullptr;
  base::SharedCount* detected = nullptr;
  uint64_t threshold = 0;
  switch (detector) {
    case Detector::Consecutive5xx:
      run = &state.consecutive_5xx;
      detected = &counters_.ejections_detected_consecutive_5xx;
      threshold = config_.consecutive_5xx;
      break;
    case Detector::GatewayFailure:
      run = &state.consecutive_gateway_failure;
      detected = &counters_.ejections_detected_consecutive_gateway_failure;
      threshold = config_.consecutive_gateway_failure;
      break;
    case Detector::LocalOrigin:
      run = &state.consecutive_local_origin_failure;
      detected = &counters_.ejections_detected_consecutive_local_origin_failure;
      threshold = config_.consecutive_local_origin_failure;
      break;
  }
  if (threshold == 0 || run->value() < threshold || host.is_ejected()) return false;
  // Of several workers that see the threshold reached, the one that takes the run away acts.
  if (run->exchange(0) == 0) return false;
  detected->add();
  return eject(host, detector, hosts, now, random);
}

uint32_t OutlierDetector::enforcing_percent(Detector detector) const {
  switch (detector) {
    case Detector::Consecutive5xx: return config_.enforcing_consecutive_5xx;
    case Detector::GatewayFailure: return config_.enforcing_consecutive_gateway_failure;
    case Detector::LocalOrigin: return config_.enforcing_consecutive_local_origin_failure;
  }
  return 0;
}

bool OutlierDetector::eject(Host& host, Detector detector, size_t hosts, base::MonoTime now, uint64_t random) {
  // The share of ejected hosts, this one included, may not pass max_ejection_percent.
  uint64_t ejected_max = hosts * std::min(100u, config_.max_ejection_percent) / 100;
  if (config_.always_eject_one_host) ejected_max = std::max<uint64_t>(ejected_max, 1);
  if (counters_.ejections_active.value() >= ejected_max) {
    counters_.ejections_overflow.add();
    return false;
  }
  if (detector == Detector::Consecutive5xx) counters_.ejections_total.add();
  if (random % 100 >= enforcing_percent(detector)) return false;
  if (!counters_.ejections_active.try_take(ejected_max)) {
    counters_.ejections_overflow.add();
    return false;
  }
  HostOutlier& state = host.outlier;
  state.ejected_at.exchange(to_count(now));
  const auto jitter_max = static_cast<uint64_t>(base::to_milliseconds(config_.max_ejection_time_jitter));
  state.jitter.exchange(
      static_cast<uint64_t>(base::milliseconds(static_cast<int64_t>(random / 100 % (jitter_max + 1))).count()));
  if (state.is_ejected.exchange(1) != 0) {  // another worker was faster
    counters_.ejections_active.subtract();
    return false;
  }
  if (config_.base_ejection_time * static_cast<int64_t>(state.multiplier.value()) <
      config_.max_ejection_time + config_.base_ejection_time) {
    state.multiplier.add();
  }
  state.ejections.add();
  counters_.ejections_enforced_total.add();
  switch (detector) {
    case Detector::Consecutive5xx: counters_.ejections_enforced_consecutive_5xx.add(); break;
    case Detector::GatewayFailure: counters_.ejections_enforced_consecutive_gateway_failure.add(); break;
    case Detector::LocalOrigin: counters_.ejections_enforced_consecutive_local_origin_failure.add(); break;
  }
  return true;
}

size_t OutlierDetector::sweep(std::span<const std::shared_ptr<Host>> hosts, base::MonoTime now) {
  size_t returned = 0;
  for (const auto& host : hosts) {
    HostOutlier& state = host->outlier;
    if (host->is_ejected()) {
      const base::Duration term = std::min(config_.base_ejection_time * static_cast<int64_t>(state.multiplier.value()),
                                           config_.max_ejection_time);
      if (term + base::Duration(static_cast<int64_t>(state.jitter.value())) > since(now, state.ejected_at)) continue;
      state.consecutive_5xx.exchange(0);
      state.consecutive_gateway_failure.exchange(0);
      state.consecutive_local_origin_failure.exchange(0);
      state.unejected_at.exchange(to_count(now));
      state.is_ejected.exchange(0);
      counters_.ejections_active.subtract();
      ++returned;
    } else if (state.ejections.value() != 0 && state.multiplier.value() != 0 &&
               since(now, state.unejected_at) >= config_.interval) {
      state.multiplier.subtract();
    }
  }
  return returned;
}

void OutlierDetector::forget(Host& host) {
  if (host.outlier.is_ejected.exchange(0) != 0) counters_.ejections_active.subtract();
}

}  // namespace weft::proxy
