// Purpose: what the admin pages need from the running proxy, and nothing more.
// Thread:  every method is called on the admin thread; the implementation posts to its own loops.
// Owner:   the process; outlives the AdminServer.
// Source:  Envoy's admin interface.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weft::admin {

/// envoy.admin.v3.ServerInfo.State, with its numbers.
enum class ServerState : uint8_t { Live, Draining, PreInitializing, Initializing };

/// Circuit breakers of one priority.
struct BreakerLimits {
  uint64_t connections_max = 0, pending_requests_max = 0, requests_max = 0, retries_max = 0;
};

struct HostStatus {
  std::string address;   ///< "127.0.0.1:80", "[::1]:80" or a unix path
  std::string hostname;  ///< the name it was resolved from; may be empty
  uint64_t cx_active = 0, cx_connect_fail = 0, cx_total = 0;
  uint64_t rq_active = 0, rq_pending_active = 0, rq_error = 0, rq_success = 0, rq_timeout = 0, rq_total = 0;
  bool failed_active_health_check = false, failed_outlier_check = false, pending_active_health_check = false;
  bool is_unhealthy = false, is_degraded = false;  ///< by the endpoint's configured health_status
  uint32_t weight = 1, priority = 0;
  std::string region, zone, sub_zone;
  bool is_canary = false;
  double success_rate = -1, local_origin_success_rate = -1;  ///< percent, of the last interval; -1: not known
};

struct ClusterStatus {
  std::string name;
  std::string observability_name;  ///< alt_stat_name, else the name
  bool added_via_api = false;
  bool has_outlier_detection = false;
  double success_rate_average = -1, success_rate_threshold = -1;  ///< percent; -1: not known
  double local_origin_success_rate_average = -1, local_origin_success_rate_threshold = -1;
  BreakerLimits default_priority, high_priority;
  std::vector<HostStatus> hosts;
};

struct ListenerStatus {
  std::string name;
  std::vector<std::string> addresses;  ///< as bound, with the ports the system chose
};

struct DrainRequest {
  bool is_graceful = false;  ///< go on accepting during the drain time
  bool inbound_only = false;
  bool skip_exit = false;  ///< with is_graceful: do not close the listeners at the end
};

class AdminBackend {
 public:
  using ClustersDone = std::function<void(std::vector<ClusterStatus>)>;
  using ListenersDone = std::function<void(std::vector<ListenerStatus>)>;

  /// Gathers the clusters, in the order of the configuration, and calls `done` once, on any thread, now or later.
  virtual void gather_clusters(ClustersDone done) = 0;
  virtual void gather_listeners(ListenersDone done) = 0;

  /// From now on answer health checks with failure (and `connection: close`), or no longer.
  virtual void set_health_check_failing(bool is_failing) = 0;
  virtual void drain_listeners(const DrainRequest& request) = 0;
  virtual void quit() = 0;
  /// Opens log files again after they were moved.
  virtual void reopen_logs() = 0;

 protected:
  ~AdminBackend() = default;
};

}  // namespace weft::admin
