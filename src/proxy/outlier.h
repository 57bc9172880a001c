// Purpose: consecutive-error outlier detection of one cluster: which answers count against a host, when it is ejected,
// for
//          how long, and when it comes back. Pure decisions over the hosts' shared counts; time and randomness are
//          passed in.
// Thread:  any for `report`; `sweep` from one thread, each configured interval.
// Owner:   the process, keyed by cluster and configuration hash.
// Source:  Envoy's DetectorImpl (outlier_detection_impl.cc); envoy/config/cluster/v3/outlier_detection.proto.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/shared_count.h"
#include "base/time.h"
#include "proxy/cluster_config.h"
#include "proxy/host.h"

namespace weft::proxy {

/// What became of an attempt, seen from the host.
struct AttemptOutcome {
  enum class Kind : uint8_t {
    Response,       ///< an answer came; `status` says which (for gRPC calls the status that grpc-status maps to)
    Connected,      ///< a connection was established; ends a run of local failures (only with split errors)
    ConnectFailed,  ///< no connection: local origin; else a 503
    Timeout,        ///< no answer in time: local origin; else a 504
    Reset,          ///< the stream ended before a response: local origin, as in Envoy; else a 503
  };
  Kind kind = Kind::Response;
  uint16_t status = 0;
};

/// Process-wide counters under cluster.<name>.outlier_detection.
struct OutlierCounters {
  base::SharedCount ejections_active;  ///< gauge
  base::SharedCount ejections_total;   ///< deprecated: consecutive 5xx, enforced or not
  base::SharedCount ejections_overflow, ejections_enforced_total;
  base::SharedCount ejections_enforced_consecutive_5xx, ejections_detected_consecutive_5xx;
  base::SharedCount ejections_enforced_consecutive_gateway_failure, ejections_detected_consecutive_gateway_failure;
  base::SharedCount ejections_enforced_consecutive_local_origin_failure,
      ejections_detected_consecutive_local_origin_failure;
};

class OutlierDetector {
 public:
  explicit OutlierDetector(const OutlierConfig& config) : config_(config) {}

  /// Counts `outcome` against or for `host`. `hosts`: how many the cluster has now (the base of max_ejection_percent).
  /// `random`: one draw, for enforcement percentages and jitter. True: the host has just been ejected, so balancers
  /// must be told and, where configured, its connections closed.
  bool report(Host& host, const AttemptOutcome& outcome, size_t hosts, base::MonoTime now, uint64_t random);

  /// Brings hosts back whose time is over and lets multipliers of quiet hosts fall. Returns how many came back.
  size_t sweep(std::span<const std::shared_ptr<Host>> hosts, base::MonoTime now);

  /// An ejected host has left the cluster: it no longer counts as ejected.
  void forget(Host& host);

  const OutlierConfig& config() const { return config_; }
  const OutlierCounters& counters() const { return counters_; }

 private:
  enum class Detector : uint8_t { Consecutive5xx, GatewayFailure, LocalOrigin };
  bool count_status(Host& host, uint16_t status, size_t hosts, base::MonoTime now, uint64_t random);
  bool count_local_origin(Host& host, bool is_failure, size_t hosts, base::MonoTime now, uint64_t random);
  bool detect(Host& host, Detector detector, size_t hosts, base::MonoTime now, uint64_t random);
  bool eject(Host& host, Detector detector, size_t hosts, base::MonoTime now, uint64_t random);
  uint32_t enforcing_percent(Detector detector) const;

  const OutlierConfig config_;
  OutlierCounters counters_;
};

}  // namespace weft::proxy
