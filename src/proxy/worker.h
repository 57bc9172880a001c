// Purpose: everything one core serves requests with: its loop, its listeners, its half of every cluster, its counters.
// Thread:  its own, except where marked; other threads reach it through `loop().post`.
// Owner:   Server.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/object_pool.h"
#include "http/date.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "observe/access_log.h"
#include "observe/registry.h"
#include "proxy/exchange.h"
#include "proxy/header_view.h"
#include "proxy/request_headers.h"
#include "proxy/snapshot.h"

namespace weft::proxy {

class ClusterState;
struct HostSet;
class ListenerState;
class WorkerCluster;
class WorkerListener;

/// A name as it may stand in a statistic's name: ':' becomes '_'.
std::string stat_name(std::string_view name);

/// What a worker asks of the process. Implemented by Server.
class WorkerHost {
 public:
  virtual observe::Registry& registry() = 0;          ///< Thread: any
  virtual size_t worker_count() const = 0;            ///< Thread: any
  virtual net::Loop& worker_loop(size_t worker) = 0;  ///< Thread: any (for post)
  virtual void take_on_worker(size_t worker, ListenerState& state,
                              net::AcceptedSocket socket) = 0;  ///< Thread: that worker's
  virtual void on_health_changed(ClusterState& cluster) = 0;    ///< tell all workers. Thread: any
  /// Whether every response shall close its connection: /healthcheck/fail, or /drain_listeners of that direction.
  /// Thread: any
  virtual bool closes_connections(bool is_inbound) const = 0;
  virtual observe::AccessLogs* access_logs() = 0;   ///< null: nothing is logged. Thread: any
  virtual std::string_view machine_ip() const = 0;  ///< for x-forwarded-for. Thread: any
  virtual void on_worker_idle(size_t worker) = 0;   ///< a draining worker has no connection left. Thread: that worker's

 protected:
  ~WorkerHost() = default;
};

class Worker {
 public:
  Worker(net::Loop& loop, size_t index, WorkerHost& host);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Takes the configuration: clusters first, then listeners start to accept.
  void start(std::shared_ptr<const Snapshot> snapshot, const std::vector<std::unique_ptr<ClusterState>>& clusters,
             const std::vector<std::unique_ptr<ListenerState>>& listeners,
             const std::vector<std::shared_ptr<const HostSet>>& hosts);
  void set_hosts(std::string_view cluster, std::shared_ptr<const HostSet> hosts);
  /// Hosts of `cluster` were ejected or came back.
  void follow_health(const ClusterState& cluster);
  void take(ListenerState& state, net::AcceptedSocket socket);
  /// Of all listeners, or of those with traffic_direction INBOUND.
  void stop_accepting(bool inbound_only = false);
  /// Finishes what is under way; WorkerHost::on_worker_idle follows.
  void drain();
  /// Ends every connection now.
  void close();

  net::Loop& loop() { return loop_; }
  size_t index() const { return index_; }
  size_t worker_count() const { return host_.worker_count(); }
  bool is_draining() const { return is_draining_; }
  base::ObjectPool& exchange_pool() { return exchange_pool_; }
  base::ObjectPool& call_pool() { return call_pool_; }
  uint64_t next_connection_id() { return (next_connection_id_ += worker_count()); }
  uint64_t next_stream_id() { return loop_.random().next(); }
  /// This machine's own address; stands for loopback clients in x-forwarded-for.
  std::string_view machine_ip() const { return host_.machine_ip(); }
  const NodeInfo& node_info() const { return snapshot_->node; }
  /// The `date` header's value now; formatted once a second.
  std::string_view date() { return date_.format(loop_.wall_now()); }
  /// Whether responses shall close their connections (drain, /healthcheck/fail).
  bool closes_connections(bool is_inbound) const { return is_draining_ || host_.closes_connections(is_inbound); }

  WorkerCluster* find_cluster(std::string_view name);
  /// Of "vhost.<host>.<kind>.<name>.", kind "vcluster" or "route"; `key` is that part of the snapshot.
  observe::StatGroup& vhost_stats(const void* key, std::string_view host, std::string_view kind, std::string_view name);
  observe::StatGroup& stat_group(const observe::StatScope& scope, const observe::StatTable& table);
  base::Result<std::shared_ptr<net::TlsContext>> tls_context(const net::TlsContextConfig& config, net::TlsRole role) {
    return tls_contexts_.get(config, role);
  }
  WorkerHost& host() { return host_; }

  void hand_over(size_t worker, ListenerState& state, net::AcceptedSocket socket);
  void on_connection_gone();
  void write_access_logs(const std::vector<AccessLogConfig>& logs, const observe::RequestInfo& info, uint64_t random);
  /// Writes a warning at most once a second.
  void warn_rarely(std::string_view text);
  WorkerListener* find_listener(const ListenerState& state);
  size_t connection_count() const;

 private:
  void check_idle();
  void on_drain_notice();
  void open_logs(const std::vector<AccessLogConfig>& logs);

  net::Loop& loop_;
  const size_t index_;
  WorkerHost& host_;
  base::ObjectPool exchange_pool_, call_pool_;
  std::shared_ptr<const Snapshot> snapshot_;
  net::TlsContextCache tls_contexts_;
  std::vector<observe::StatGroup*> groups_;
  std::unordered_map<const void*, observe::StatGroup*> vhost_stats_;
  std::unordered_map<std::string_view, std::unique_ptr<WorkerCluster>> clusters_;
  std::vector<std::pair<ListenerState*, std::unique_ptr<WorkerListener>>> listeners_;
  uint64_t next_connection_id_;
  net::Timer drain_notice_;
  bool is_draining_ = false;
  http::DateCache date_;
  std::unordered_map<const AccessLogConfig*, observe::AccessLogWriter*> log_writers_;
  base::MonoTime last_warning_{};
};

}  // namespace weft::proxy
