// Purpose: outlier detection of one cluster: which answers count against a host, when it is ejected, for how long, and
//          when it comes back. Pure decisions over the hosts' shared counts; time and randomness are passed in.
// Thread:  any for `report`; `sweep` and the averages from one thread, each configured interval.
// Owner:   the process, keyed by cluster and configuration hash.
// Source:  Envoy's DetectorImpl (outlier_detection_impl.cc); envoy/config/cluster/v3/outlier_detection.proto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/shared_count.h"
#include "base/time.h"
#include "proxy/cluster_config.h"
#include "proxy/host.h"

namespace weft::proxy {

/// What became of an attempt, seen from the host.
struct AttemptOutcome {
  enum class Kind : uint8_t {
    Response,   ///< an answer came; `status` says which (for gRPC calls the status that grpc-status maps to)
    Connected,  ///< an attempt got its connection; a success of local origin (counts only with split errors)
    Timeout,    ///< no answer in time: local origin; else `status`, which is what the client is told
    Reset,      ///< no connection, or the stream ended early: local origin, as in Envoy; else a 503
  };
  Kind kind = Kind::Response;
  uint16_t status = 0;
};

/// Why a host is ejected.
enum class Ejection : uint8_t {
  Consecutive5xx,
  ConsecutiveGatewayFailure,
  ConsecutiveLocalOriginFailure,
  SuccessRate,
  LocalOriginSuccessRate,
  FailurePercentage,
  LocalOriginFailurePercentage,
};
constexpr size_t kEjectionKinds = 7;

/// Process-wide counters under cluster.<name>.outlier_detection. *Detected* counts what met a detector's threshold,
/// *enforced* what was then ejected.
struct OutlierCounters {
  base::SharedCount ejections_active;                        ///< gauge
  std::array<base::SharedCount, kHostHealths> ejections_of;  ///< of those, hosts of each health by their assignment
  base::SharedCount ejections_overflow, ejections_enforced_total;
  std::array<base::SharedCount, kEjectionKinds> detected, enforced;
  // Deprecated in Envoy, which still shows them.
  base::SharedCount ejections_total;            ///< consecutive 5xx and success rate that were not overflow
  base::SharedCount ejections_consecutive_5xx;  ///< detected
  base::SharedCount ejections_success_rate;     ///< detected, of either origin
};

/// The mean success rate of a cluster's hosts in the last interval, and the rate below which a host is an outlier.
/// Percent; both -1 where too few hosts had enough answers.
struct SuccessRates {
  double average = -1, threshold = -1;
};

/// mean - factor × standard deviation (of the population). `rates` must not be empty.
SuccessRates success_rate_threshold(std::span<const double> rates, double stdev_factor);

class OutlierDetector {
 public:
  explicit OutlierDetector(const OutlierConfig& config) : config_(config) {}

  /// Counts `outcome` against or for `host`. `hosts`: how many the cluster has now (the base of max_ejection_percent).
  /// `random`: one draw, for enforcement percentages and jitter. True: the host has just been ejected, so balancers
  /// must be told.
  bool report(Host& host, const AttemptOutcome& outcome, size_t hosts, base::MonoTime now, uint64_t random);

  /// Ends an interval: brings hosts back whose time is over, ejects those whose answers were much worse than the
  /// others', and lets multipliers of quiet hosts fall. True: some host was ejected or came back.
  bool sweep(std::span<const std::shared_ptr<Host>> hosts, base::MonoTime now, base::Random& random);

  /// An ejected host has left the cluster: it no longer counts as ejected.
  void forget(Host& host);

  const OutlierConfig& config() const { return config_; }
  const OutlierCounters& counters() const { return counters_; }
  /// Of the last sweep.
  const SuccessRates& external_rates() const { return external_; }
  const SuccessRates& local_origin_rates() const { return local_origin_; }

 private:
  /// A host with answers in the interval that a sweep ends.
  struct Rated {
    Host* host;
    double rate;
    uint64_t volume;
  };
  /// What is judged apart with split errors.
  struct Origin {
    Ejection success_rate, failure_percentage;
    HostTally HostOutlier::*tally;
    SuccessRates& rates;
  };
  bool count_status(Host& host, uint16_t status, size_t hosts, base::MonoTime now, uint64_t random);
  bool count_local_origin(Host& host, bool is_failure, size_t hosts, base::MonoTime now, uint64_t random);
  bool detect_run(Host& host, Ejection kind, size_t hosts, base::MonoTime now, uint64_t random);
  bool detect(Host& host, Ejection kind, size_t hosts, base::MonoTime now, uint64_t random);
  bool eject(Host& host, Ejection kind, base::MonoTime now, uint64_t random);
  bool return_if_over(Host& host, base::MonoTime now);
  bool judge(Origin origin, std::span<const std::shared_ptr<Host>> hosts, base::MonoTime now, base::Random& random);
  uint32_t enforcing_percent(Ejection kind) const;

  const OutlierConfig config_;
  OutlierCounters counters_;
  SuccessRates external_, local_origin_;
};

}  // namespace weft::proxy
