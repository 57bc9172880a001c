// Purpose: the fault filter's configuration as typed data, for the whole connection manager or one route.
// Thread:  any (immutable).   Owner: the snapshot.
// Source:  envoy/extensions/filters/http/fault/v3/fault.proto; envoy/extensions/filters/common/fault/v3/fault.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "proxy/route_config.h"

namespace weft::proxy {

/// envoy.extensions.filters.http.fault.v3.HTTPFault.
struct FaultConfig {
  struct Delay {
    std::optional<base::Duration> fixed;  ///< absent: header_delay, by x-envoy-fault-delay-request (ms)
    Fraction percentage{0, 100};
  };
  struct Abort {
    std::optional<uint16_t>
        http_status;  ///< both absent: header_abort, by x-envoy-fault-abort-request or -grpc-request
    std::optional<uint32_t> grpc_status;
    Fraction percentage{0, 100};
  };
  struct RateLimit {
    std::optional<uint64_t> fixed_kbps;  ///< KiB per second; absent: header_limit, by x-envoy-fault-throughput-response
    Fraction percentage{0, 100};
  };
  std::optional<Delay> delay;
  std::optional<Abort> abort;
  std::optional<RateLimit> response_rate_limit;
  std::string upstream_cluster;  ///< empty: any
  std::vector<HeaderMatcher> headers;
  std::vector<std::string> downstream_nodes;  ///< empty: any; else x-envoy-downstream-service-node must be one of them
  std::optional<uint32_t> max_active_faults;  ///< absent: no limit
  bool disable_downstream_cluster_stats = false;
};

}  // namespace weft::proxy
