// Purpose: the data plane of one process: listen sockets, shared cluster state, workers, DNS, drain; what `weft proxy`
//          runs and what the simulation runs with other loops.
// Thread:  the main loop's, except where marked.
// Owner:   whoever made the loops; destroyed after they have stopped.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/shared_count.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "observe/access_log.h"
#include "observe/registry.h"
#include "proxy/cluster_discovery.h"
#include "proxy/cluster_state.h"
#include "proxy/listener_state.h"
#include "proxy/shared_stats.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "proxy/worker_listener.h"

namespace weft::proxy {

/// The parts of the world a server stands on. All outlive it.
struct ServerParts {
  net::Loop* main = nullptr;
  std::vector<net::Loop*> workers;
  net::Resolver* resolver = nullptr;  ///< null: STRICT_DNS clusters stay empty
  /// Where clusters ask different name servers: who asks which; else `resolver` asks for all of them.
  base::Delegate<net::Resolver*(const net::ResolverOptions&)> resolver_for;
  observe::Registry* registry = nullptr;
  observe::AccessLogs* access_logs = nullptr;  ///< null: nothing is logged
  std::string machine_ip = "127.0.0.1";        ///< what x-forwarded-for says of loopback clients
  uint32_t version = 0;                        ///< of the program, for server.version
};

class Server final : private WorkerHost, private DiscoveryHandler, private observe::StatSource {
 public:
  enum class State : uint8_t { PreInitializing, Initializing, Live, Draining };

  explicit Server(const ServerParts& parts);
  ~Server();

  /// Builds TLS contexts once to prove them, binds every listener, starts DNS and, when clusters are warm, the workers.
  /// Errors: an address in use, a bad certificate — nothing runs then.
  base::Status start(std::shared_ptr<const Snapshot> snapshot);
  /// Stops accepting (after the backlog), finishes what is under way, then calls `done` — at once when nothing is, at
  /// the latest after `limit`, when the rest is closed.
  void drain(base::Duration limit, base::Task done);
  /// Ends every connection of one worker at once. Thread: that worker's; its loop must make one more turn.
  void close_connections(size_t worker);
  /// /drain_listeners: refuses new connections at once and closes those that exist when they are idle; `graceful`: goes
  /// on accepting, with `connection: close` on every response, and stops after the drain time unless `skip_exit`.
  /// `inbound_only`: those with traffic_direction INBOUND.
  void drain_listeners(bool graceful, bool skip_exit, bool inbound_only);
  /// Told on the main loop whenever `state` changes.
  void set_state_handler(base::Delegate<void()> handler) { on_state_ = handler; }
  /// New connections of these listeners use this TLS content from now on. Errors: as TlsContext::make; or NotFound.
  base::Status replace_tls(std::string_view listener, std::string_view filter_chain,
                           std::shared_ptr<const net::TlsContextConfig> config);

  State state() const { return static_cast<State>(state_.value()); }                ///< Thread: any
  void set_health_failed(bool failed) { health_failed_.exchange(failed ? 1 : 0); }  ///< Thread: any
  bool is_health_failed() const { return health_failed_.value() != 0; }             ///< Thread: any
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  base::MonoTime started_at() const { return started_at_; }

  /// Live cluster and listener state, for admin. The vectors do not change after `start`.
  const std::vector<std::unique_ptr<ClusterState>>& clusters() const { return clusters_; }
  const std::vector<std::unique_ptr<ListenerState>>& listeners() const { return listeners_; }
  Worker& worker(size_t i) { return *workers_[i]; }

 private:
  // WorkerHost
  observe::Registry& registry() override { return *parts_.registry; }
  size_t worker_count() const override { return parts_.workers.size(); }
  net::Loop& worker_loop(size_t worker) override { return *parts_.workers[worker]; }
  void take_on_worker(size_t worker, ListenerState& state, net::AcceptedSocket socket) override;
  observe::AccessLogs* access_logs() override { return parts_.access_logs; }
  std::string_view machine_ip() const override { return parts_.machine_ip; }
  void on_health_changed(ClusterState& cluster) override;
  bool closes_connections(bool is_inbound) const override {
    const auto drained = static_cast<Drained>(closes_after_responses_.value());
    return is_health_failed() || drained == Drained::All || (is_inbound && drained == Drained::Inbound);
  }
  void on_worker_idle(size_t worker) override;
  // DiscoveryHandler
  void on_endpoints(ClusterState& cluster, const EndpointSet& endpoints) override;
  void on_warm() override;
  // observe::StatSource. Thread: any
  void publish() override;

  unsigned main_index() const {
    return static_cast<unsigned>(parts_.workers.size());
  }  ///< the main thread's own groups
  base::Status prove_tls();
  base::Status prove_logs() const;
  void set_state(State state);
  void on_second();
  void on_sweep();
  void arm_sweep();
  void stop_listeners();
  void stop_accepting_on(size_t worker, bool inbound_only);
  void on_flush();
  void rotate_tickets();
  void on_drain_limit();
  void finish_drain();
  template <typename Visit>
  static void for_each_chain(const ListenerConfig& config, Visit visit) {
    for (const FilterChainConfig& chain : config.filter_chains) visit(chain);
    if (config.default_filter_chain) visit(*config.default_filter_chain);
  }
  /// Runs `call` on every worker for its half of `state`.
  template <typename Call>
  void post_to_listener(ListenerState& state, Call call) {
    for (size_t i = 0; i < workers_.size(); ++i) {
      parts_.workers[i]->post([worker = workers_[i].get(), &state, call]() mutable {
        if (WorkerListener* listener = worker->find_listener(state)) call(*listener);
      });
    }
  }

  const ServerParts parts_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::unique_ptr<ClusterState>> clusters_;
  std::vector<std::unique_ptr<ListenerState>> listeners_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<ClusterDiscovery> discovery_;
  observe::StatGroup* stats_ = nullptr;
  observe::StatGroup* cluster_manager_stats_ = nullptr;
  observe::StatGroup* listener_manager_stats_ = nullptr;
  std::vector<std::unique_ptr<SharedStats>> shared_stats_;  ///< in the order of clusters_
  std::vector<observe::StatGroup*> cluster_stats_;          ///< the main thread's, in the order of clusters_
  base::SharedCount state_;                                 ///< a State; SharedCount because the admin thread reads it
  base::SharedCount health_failed_;
  base::MonoTime started_at_{};
  std::optional<base::WallTime> first_expiry_;  ///< of all certificates
  net::Timer second_timer_, sweep_timer_, drain_timer_, flush_timer_, listener_drain_timer_, ticket_timer_;
  std::vector<bool> is_worker_idle_;
  base::Task on_drained_;
  base::Delegate<void()> on_state_;
  enum class Drained : uint8_t { None, Inbound, All };
  base::SharedCount closes_after_responses_;  ///< a Drained: which listeners /drain_listeners drains
  bool has_started_workers_ = false;
};

}  // namespace weft::proxy
