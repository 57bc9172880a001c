// Purpose: one worker's half of a cluster: its balancer, its pools, its counters.
// Thread:  the owning worker's.   Owner: Worker.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

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
  uint64_t next_connection_id();

  void set_hosts(std::shared_ptr<const HostSet> hosts);
  /// The host of the next attempt, or null. `tried`: hosts of earlier attempts to avoid, `attempts_max` picks long.
  Host* choose_host(std::span<Host* const> tried, uint32_t attempts_max);
  /// `protocol` matters only where the cluster follows the downstream protocol.
  /// `is_tcp`: for CONNECTs that end here.
  HostPool& pool(Host& host, bool is_high_priority, bool is_h2, bool is_tcp = false);
  /// TLS towards `host`; null for plaintext, or (with `failure` set) where the context cannot be made.
  std::unique_ptr<net::TlsSession> new_tls_session(const Host& host, bool is_h2);
  bool uses_tls() const { return config_->tls != nullptr; }
  /// An outcome of an attempt; ejection follows at once, for all workers.
  void report(Host& host, const AttemptOutcome& outcome);

  void on_pool_empty(HostPool& pool);
  void drain();
  void close();
  size_t connection_count() const;

 private:
  struct PoolKey {
    const Host* host;
    bool is_high, is_h2, is_tcp;
    bool operator==(const PoolKey&) const = default;
  };
  struct PoolKeyHash {
    size_t operator()(const PoolKey& k) const {
      return (reinterpret_cast<size_t>(k.host) >> 4) * 8 + k.is_tcp * 4 + k.is_high * 2 + k.is_h2;
    }
  };
  void refresh_balancer();

  Worker& worker_;
  ClusterState& state_;
  std::shared_ptr<const ClusterConfig> config_;
  observe::StatGroup* stats_;
  std::unique_ptr<CodecStats> h1_stats_, h2_stats_;
  std::shared_ptr<const HostSet> hosts_;
  Balancer balancer_;
  uint64_t seen_epoch_ = 0;
  uint64_t panic_picks_seen_ = 0;
  std::shared_ptr<net::TlsContext> tls_;
  TlsStats tls_stats_;
  std::unordered_map<PoolKey, std::unique_ptr<HostPool>, PoolKeyHash> pools_;
};

}  // namespace weft::proxy
