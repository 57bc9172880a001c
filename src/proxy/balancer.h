// Purpose: picks the endpoint of an attempt: round robin, least request or random, with weights, priorities, panic and
//          avoidance of hosts already tried.
// Thread:  one worker; each worker has its own, uncoordinated (as in Envoy). Reads the hosts' shared counts.
// Owner:   the worker's cluster; rebuilt by `update` whenever hosts, health or ejections change.
// Source:  Envoy's EdfLoadBalancerBase, LeastRequestLoadBalancer and LoadBalancerBase (priorities, panic).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "proxy/cluster_config.h"
#include "proxy/host.h"

namespace weft::proxy {

struct BalancerOptions {
  ClusterConfig::Balance policy = ClusterConfig::Balance::RoundRobin;
  uint32_t least_request_choices = 2;
  double least_request_bias = 1.0;
  double panic_threshold_percent = 50.0;  ///< 0: never panics
  bool least_request_full_scan = false;
  ClusterConfig::SlowStart slow_start{};
  uint32_t overprovisioning_percent = 140;
  bool weighs_health_of_priorities = false;

  static BalancerOptions of(const ClusterConfig& cluster) {
    return {cluster.balance,
            cluster.least_request_choices,
            cluster.least_request_bias,
            cluster.healthy_panic_threshold,
            cluster.least_request_full_scan,
            cluster.slow_start,
            cluster.overprovisioning_percent,
            cluster.weighs_health_of_priorities};
  }
};

/// What one pick depends on.
struct PickContext {
  base::Random& random;
  std::span<Host* const> avoid = {};  ///< hosts of earlier attempts (retry_host_predicate previous_hosts)
  uint32_t attempts_max = 1;          ///< picks before one of `avoid` is accepted (host_selection_retry_max_attempts)
  base::MonoTime now{};               ///< for slow start
};

/// An earliest-deadline-first queue over weights: host i comes up in proportion to its weight. O(log n).
/// Source: Envoy's EdfScheduler; "Start-time Fair Queueing".
class WeightedQueue {
 public:
  void clear();
  void add(uint32_t item, double weight);
  bool is_empty() const { return heap_.empty(); }
  /// Takes the next item and puts it back with the weight that `weight(item)` says now.
  template <typename Weight>
  uint32_t next(Weight weight) {
    const Entry entry = pop();
    time_ = entry.deadline;
    push(Entry{time_ + 1.0 / weight(entry.item), order_++, entry.item});
    return entry.item;
  }

 private:
  struct Entry {
    double deadline;
    uint64_t order;
    uint32_t item;
    bool is_before(const Entry& other) const {
      return deadline != other.deadline ? deadline < other.deadline : order < other.order;
    }
  };
  Entry pop();
  void push(Entry entry);

  std::vector<Entry> heap_;
  double time_ = 0;
  uint64_t order_ = 0;
};

class Balancer {
 public:
  explicit Balancer(const BalancerOptions& options) : options_(options) {}

  /// Takes the hosts as they are now. Call when the endpoint set changes, and when a host is ejected or comes back
  /// (a pick never returns a host that was not usable at the last update, outside panic). `random`: the start offset.
  void update(std::span<const std::shared_ptr<Host>> hosts, base::Random& random, base::MonoTime now = {});

  /// The host of the next attempt; null when there is none (503, flag UH). O(1), O(log n) where weights differ.
  Host* pick(const PickContext& context);

  /// Whether some priority that takes traffic is in panic (lb_healthy_panic counts such picks).
  bool is_in_panic() const { return is_in_panic_; }
  uint64_t panic_picks() const { return panic_picks_; }
  size_t host_count() const { return hosts_.size(); }
  size_t usable_count() const { return usable_; }

 private:
  /// Hosts that are picked from by the policy.
  struct Group {
    std::vector<Host*> hosts;
    uint32_t load_percent = 0;      ///< share of the picks
    bool has_equal_weights = true;  ///< and had no newcomers at the last update
    WeightedQueue queue;
    size_t next = 0;  ///< round robin without weights
  };
  struct Priority {
    Group healthy;   ///< in panic all hosts
    Group degraded;  ///< takes what the healthy ones of all priorities cannot
    bool is_in_panic = false;
  };
  /// A host as it was when the update began: other workers eject meanwhile.
  enum class Standing : uint8_t { Usable, Degraded, Out };
  /// How much of a priority may take traffic, percent, with the surplus that overprovisioning grants.
  struct Availability {
    uint32_t healthy = 0, degraded = 0;
  };
  void rebuild_priorities(base::Random& random, base::MonoTime now);
  std::vector<Availability> measure_availability();
  void find_panic(uint32_t total_availability);
  void share_load(std::span<const Availability> availability);
  void share_load_by_size();
  void fill(Group& group, base::Random& random, base::MonoTime now);
  Priority* choose(base::Random& random, Group*& group);
  Host* pick_in(Group& group, const PickContext& context);
  Host* pick_least(Group& group, base::Random& random);
  Host* pick_least_of_all(Group& group, base::Random& random);
  double weight_of(const Host& host, base::MonoTime now) const;
  /// The share of its weight that a host takes at `now`.
  double slow_start_share(const Host& host, base::MonoTime now) const;
  bool has_newcomers(base::MonoTime now) const;

  const BalancerOptions options_;
  std::vector<std::shared_ptr<Host>> hosts_;
  std::vector<Standing> standings_;  ///< in the order of hosts_
  std::vector<Priority> priorities_;
  size_t usable_ = 0;
  base::MonoTime last_added_{};
  uint64_t panic_picks_ = 0;
  bool is_in_panic_ = false;
};

}  // namespace weft::proxy
