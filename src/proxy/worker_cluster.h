// Purpose: one worker's half of a cluster: its balancer, its pools, its counters.
// Thread:  the owning worker's.   Owner: Worker.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/connection.h"
#include "net/tls_context.h"
#include "observe/stats.h"
#include "proxy/balancer.h"
#include "proxy/cluster_state.h"
#include "proxy/codec_stats.h"
#include "proxy/pool.h"
#include "proxy/tls_stats.h"

namespace weft::proxy {

class Worker;

class WorkerCluster {
 public:
  WorkerCluster(Worker& worker, ClusterState& state);
  ~WorkerCluster();

  const ClusterConfig& config() const { return *config_; }
  const std::string& name() const { return config_->name; }
  ClusterState& state() { return state_; }
  net::Loop& loop();
  observe::StatGroup& stats() { return *stats_; }
  CircuitBreaker& breaker(bool is_high_priority) { return state_.breaker(is_high_priority); }
  CodecStats& codec_stats(bool is_h2);
  /// Of "cluster.<name>.<alt_name>."; null above base::kAltStatNamesMax names.
  observe::StatGroup* alt_stats(std::string_view alt_name);
  uint64_t next_connection_id();

  void set_hosts(std::shared_ptr<const HostSet> hosts);
  /// Takes hosts that were ejected out of the balancer, with their connections, and those that came back in.
  void follow_health();
  /// The host of the next attempt, or null. `tried`: hosts of earlier attempts to avoid, `attempts_max` picks long.
  Host* choose_host(std::span<Host* const> tried, uint32_t attempts_max);
  /// The pool for a request, made where there is none; null where max_connection_pools leaves no room for another.
  HostPool* pool(Host& host, const PoolKind& kind);
  /// TLS for a connection of a pool; null for plaintext.
  std::unique_ptr<net::TlsSession> new_tls_session(const PoolKind& kind);
  bool uses_tls() const { return config_->tls != nullptr; }
  /// An outcome of an attempt; an ejection is seen by all workers at their next pick, and each is told to act on it.
  void report(Host& host, const AttemptOutcome& outcome);

  /// Lets a pool without connections and waiting requests go at the end of the turn; does nothing while it has some.
  void on_pool_empty(HostPool& pool);
  void drain();
  void close();
  size_t connection_count() const;

 private:
  struct PoolKey {
    const Host* host;
    PoolKind kind;
    bool operator==(const PoolKey&) const = default;
  };
  struct PoolKeyHash {
    size_t operator()(const PoolKey& k) const {
      const size_t of_name = k.kind.tls_name.empty() ? 0 : std::hash<std::string>()(k.kind.tls_name);
      return (reinterpret_cast<size_t>(k.host) >> 4) * 8 + k.kind.is_tcp * 4 + k.kind.is_high_priority * 2 +
             k.kind.is_h2 + of_name;
    }
  };
  void refresh_balancer();
  bool free_one_pool(const Host& host, bool is_high_priority);
  std::vector<HostPool*> all_pools() const;

  Worker& worker_;
  ClusterState& state_;
  std::shared_ptr<const ClusterConfig> config_;
  observe::StatGroup* stats_;
  std::unique_ptr<CodecStats> h1_stats_, h2_stats_;
  std::map<std::string, observe::StatGroup*, std::less<>> alt_stats_;
  std::shared_ptr<const HostSet> hosts_;
  Balancer balancer_;
  uint64_t seen_epoch_ = 0;
  uint64_t panic_picks_seen_ = 0;
  std::shared_ptr<net::TlsContext> tls_;
  TlsStats tls_stats_;
  std::unordered_map<PoolKey, std::unique_ptr<HostPool>, PoolKeyHash> pools_;
  mutable base::IntrusiveList<HostPool>
      by_age_;  ///< all of them: what is done to many must not follow hashes of pointers
  std::vector<std::unique_ptr<HostPool>> leaving_;  ///< no request finds them; until their last connection is gone
};

}  // namespace weft::proxy
