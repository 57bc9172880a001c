// Purpose: the fault filter: makes requests wait or fail and responses trickle, for a share of the traffic, so that
// callers can
//          be tried out. Flags DI and FI, details fault_filter_abort.
// Thread:  a filter is its exchange's; the factory is shared by the workers.
// Owner:   the snapshot owns the factory, by shared_ptr; exchanges own filters.
// Source:  Envoy's FaultFilter (envoy.extensions.filters.http.fault.v3.HTTPFault).
#pragma once

#include <memory>

#include "base/shared_count.h"
#include "observe/stats.h"
#include "proxy/fault_config.h"
#include "proxy/filter.h"

namespace weft::proxy {

/// Statistics under http.<stat_prefix>.fault. Beside them, dynamic: <downstream cluster>.aborts_injected and
/// .delays_injected.
enum class FaultStat : uint16_t {
  aborts_injected,
  active_faults,
  delays_injected,
  faults_overflow,
  response_rl_injected
};

class FaultFilterFactory final : public FilterFactory {
 public:
  explicit FaultFilterFactory(std::shared_ptr<const FaultConfig> config) : config_(std::move(config)) {}

  std::unique_ptr<Filter> make() const override;
  std::string_view type_url() const override {
    return "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
  }
  const observe::StatTable* stat_table() const override;
  std::string_view stat_prefix() const override { return "fault."; }

  const FaultConfig& config() const { return *config_; }
  /// Requests with a fault at work now, in all workers: what max_active_faults bounds.
  base::SharedCount& active_faults() const { return active_faults_; }

 private:
  const std::shared_ptr<const FaultConfig> config_;
  mutable base::SharedCount active_faults_;
};

}  // namespace weft::proxy
