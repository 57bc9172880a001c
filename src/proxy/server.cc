#include "proxy/server.h"

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "proxy/stats.h"
#include "proxy/worker_cluster.h"
#include "proxy/worker_listener.h"

namespace weft::proxy {
namespace {

constexpr base::Duration kTicketRotation = std::chrono::hours(12);
// Envoy's --drain-time-s default, for /drain_listeners?graceful.
constexpr base::Duration kListenerDrainTime = base::seconds(600);
// What Envoy shows where there is no certificate: no alert on "soon" may fire.
constexpr int64_t kNoExpiryDays = UINT32_MAX;

/// As envoy.admin.v3.ServerInfo.State; a server that fails its health checks shows as draining.
int64_t number_of(Server::State state, bool is_health_failed) {
  switch (state) {
    case Server::State::Live: return is_health_failed ? 1 : 0;
    case Server::State::Draining: return 1;
    case Server::State::PreInitializing: return 2;
    case Server::State::Initializing: break;
  }
  return 3;
}

}  // namespace

Server::Server(const ServerParts& parts)
    : parts_(parts),
      second_timer_(net::Timer::Callback::bind<&Server::on_second>(*this)),
      sweep_timer_(net::Timer::Callback::bind<&Server::on_sweep>(*this)),
      drain_timer_(net::Timer::Callback::bind<&Server::on_drain_limit>(*this)),
      flush_timer_(net::Timer::Callback::bind<&Server::on_flush>(*this)),
      listener_drain_timer_(net::Timer::Callback::bind<&Server::stop_listeners>(*this)),
      ticket_timer_(net::Timer::Callback::bind<&Server::rotate_tickets>(*this)),
      is_worker_idle_(parts.workers.size(), false) {
  stats_ = &parts_.registry->group({"server.", "server.", {}}, kServerStats, main_index());
  stats_->gauge(ServerStat::concurrency).set(static_cast<int64_t>(parts_.workers.size()));
  stats_->gauge(ServerStat::version).set(parts_.version);
  cluster_manager_stats_ =
      &parts_.registry->group({"cluster_manager.", "cluster_manager.", {}}, kClusterManagerStats, main_index());
  listener_manager_stats_ =
      &parts_.registry->group({"listener_manager.", "listener_manager.", {}}, kListenerManagerStats, main_index());
}

Server::~Server() {
  parts_.registry->remove_source(*this);
  discovery_.reset();
  workers_.clear();
  shared_stats_.clear();
  for (observe::StatGroup* group : cluster_stats_) parts_.registry->release(*group);
  for (observe::StatGroup* group : {stats_, cluster_manager_stats_, listener_manager_stats_})
    parts_.registry->release(*group);
}

base::Status Server::start(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  started_at_ = parts_.main->now();
  if (base::Status proved = prove_tls(); !proved) return proved;
  if (base::Status opened = prove_logs(); !opened) return opened;
  for (const auto& config : snapshot_->listeners) {
    auto listener = std::make_unique<ListenerState>(config, parts_.workers.size());
    if (config->bind_to_port) {
      if (base::Status bound = listener->bind(*parts_.main); !bound) return bound;
    }
    if (base::Status made = listener->make_tickets(); !made) return made;
    listeners_.push_back(std::move(listener));
  }
  set_state(State::Initializing);
  discovery_.reset(new ClusterDiscovery(*parts_.main, *this));
  for (const auto& config : snapshot_->clusters) {
    clusters_.push_back(std::make_unique<ClusterState>(config));
    if (config->outlier) clusters_.back()->next_sweep = started_at_ + config->outlier->interval;
    const std::string name = stat_name(config->alt_stat_name.empty() ? config->name : config->alt_stat_name);
    cluster_stats_.push_back(&parts_.registry->group(
        {"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}}, kClusterStats, main_index()));
    shared_stats_.push_back(std::make_unique<SharedStats>(*parts_.registry, main_index(), name, *clusters_.back()));
    net::Resolver* resolver = parts_.resolver_for ? parts_.resolver_for(config->dns) : parts_.resolver;
    discovery_->add(*clusters_.back(), *cluster_stats_.back(), resolver);
  }
  cluster_manager_stats_->counter(ClusterManagerStat::cluster_added).add(clusters_.size());
  cluster_manager_stats_->gauge(ClusterManagerStat::active_clusters).set(static_cast<int64_t>(clusters_.size()));
  listener_manager_stats_->counter(ListenerManagerStat::listener_added).add(listeners_.size());
  discovery_->start();
  parts_.main->arm(flush_timer_, snapshot_->stats_flush_interval);
  parts_.main->arm(ticket_timer_, kTicketRotation);
  on_second();
  parts_.registry->add_source(*this);
  arm_sweep();
  return {};
}

// A worker makes its contexts on first use; that they can be made is shown here, once, before anything listens.
base::Status Server::prove_tls() {
  const auto prove = [this](const std::string& where, const std::shared_ptr<const net::TlsContextConfig>& config,
                            net::TlsRole role) -> base::Status {
    if (config == nullptr) return {};
    auto made = net::TlsContext::make(*config, role);
    if (made) {
      if (const auto end = (*made)->first_expiry()) first_expiry_ = std::min(first_expiry_.value_or(*end), *end);
      return {};
    }
    base::Error error = made.error();
    error.message = where + ": " + error.message;
    return error;
  };
  for (const auto& cluster : snapshot_->clusters) {
    if (base::Status s = prove("cluster " + cluster->name, cluster->tls, net::TlsRole::Client); !s) return s;
  }
  for (const auto& listener : snapshot_->listeners) {
    for (const FilterChainConfig& chain : listener->filter_chains) {
      if (base::Status s = prove("listener " + listener->name, chain.tls, net::TlsRole::Server); !s) return s;
    }
    if (!listener->default_filter_chain) continue;
    if (base::Status s = prove("listener " + listener->name, listener->default_filter_chain->tls, net::TlsRole::Server);
        !s)
      return s;
  }
  return {};
}

base::Status Server::prove_logs() const {
  base::Status result;
  if (parts_.access_logs == nullptr) return result;
  for (const auto& listener : snapshot_->listeners) {
    for_each_access_log(*listener, [&](const std::vector<AccessLogConfig>& logs) {
      for (const AccessLogConfig& log : logs) {
        auto writer = parts_.access_logs->writer(log.sink, log.path, main_index());
        if (!writer && result) result = writer.error();
      }
    });
  }
  return result;
}

void Server::on_endpoints(ClusterState& cluster, const EndpointSet& endpoints) {
  if (!cluster.update_endpoints(endpoints, parts_.main->now())) return;
  const auto at = std::find_if(clusters_.begin(), clusters_.end(), [&](const auto& c) { return c.get() == &cluster; });
  cluster_stats_[static_cast<size_t>(at - clusters_.begin())]->counter(ClusterStat::membership_change).add();
  if (!has_started_workers_) return;
  for (size_t i = 0; i < workers_.size(); ++i) {
    parts_.workers[i]->post([worker = workers_[i].get(), name = cluster.config()->name, hosts = cluster.hosts()] {
      worker->set_hosts(name, hosts);
    });
  }
}

void Server::on_warm() {
  if (has_started_workers_) return;
  has_started_workers_ = true;
  std::vector<std::shared_ptr<const HostSet>> hosts;
  for (const auto& cluster : clusters_) hosts.push_back(cluster->hosts());
  for (size_t i = 0; i < parts_.workers.size(); ++i) {
    workers_.emplace_back(new Worker(*parts_.workers[i], i, *this));
    Worker* worker = workers_.back().get();
    parts_.workers[i]->post([this, worker, hosts] { worker->start(snapshot_, clusters_, listeners_, hosts); });
  }
  if (state() == State::Initializing) set_state(State::Live);
  // Envoy creates a listener on each worker, and counts each.
  observe::StatGroup& manager = *listener_manager_stats_;
  manager.counter(ListenerManagerStat::listener_create_success).add(listeners_.size() * parts_.workers.size());
  manager.gauge(ListenerManagerStat::total_listeners_active).set(static_cast<int64_t>(listeners_.size()));
  manager.gauge(ListenerManagerStat::workers_started).set(1);
}

void Server::on_health_changed(ClusterState& cluster) {
  for (size_t i = 0; i < workers_.size(); ++i)
    parts_.workers[i]->post([worker = workers_[i].get(), &cluster] { worker->follow_health(cluster); });
}

// Each detector has its own interval.
void Server::on_sweep() {
  const base::MonoTime now = parts_.main->now();
  for (const auto& cluster : clusters_) {
    if (cluster->outlier() == nullptr || now < cluster->next_sweep) continue;
    cluster->next_sweep = now + cluster->outlier()->config().interval;
    if (cluster->sweep(now, parts_.main->random())) on_health_changed(*cluster);
  }
  arm_sweep();
}

void Server::arm_sweep() {
  std::optional<base::MonoTime> next;
  for (const auto& cluster : clusters_) {
    if (cluster->outlier() != nullptr) next = std::min(next.value_or(cluster->next_sweep), cluster->next_sweep);
  }
  if (next) parts_.main->arm(sweep_timer_, *next - parts_.main->now());
}

// What changes with time alone.
void Server::on_second() {
  stats_->gauge(ServerStat::uptime).set((parts_.main->now() - started_at_) / base::seconds(1));
  int64_t days = kNoExpiryDays;
  if (first_expiry_) days = std::max<int64_t>((*first_expiry_ - parts_.main->wall_now()) / std::chrono::hours(24), 0);
  stats_->gauge(ServerStat::days_until_first_cert_expiring).set(days);
  parts_.main->arm(second_timer_, base::seconds(1));
}

// Whoever reads sees the state that /ready tells in the same moment.
void Server::publish() {
  const int64_t shown = number_of(state(), is_health_failed());
  stats_->gauge(ServerStat::live).set(shown == 0);
  stats_->gauge(ServerStat::state).set(shown);
  uint64_t connections = 0;
  for (const auto& listener : listeners_) {
    for (size_t i = 0; i < worker_count(); ++i) connections += listener->count(i).value();
  }
  stats_->gauge(ServerStat::total_connections).set(static_cast<int64_t>(connections));
}

void Server::on_flush() {
  parts_.registry->flush();
  parts_.main->arm(flush_timer_, snapshot_->stats_flush_interval);
}

void Server::rotate_tickets() {
  for (const auto& listener : listeners_) {
    listener->rotate_tickets();
    for_each_chain(*listener->config(), [&](const FilterChainConfig& chain) {
      if (chain.tls == nullptr) return;
      post_to_listener(
          *listener, [&chain, keys = listener->tickets(chain)](WorkerListener& l) { l.replace_tickets(chain, keys); });
    });
  }
  parts_.main->arm(ticket_timer_, kTicketRotation);
}

base::Status Server::replace_tls(std::string_view listener_name, std::string_view chain_name,
                                 std::shared_ptr<const net::TlsContextConfig> config) {
  if (auto made = net::TlsContext::make(*config, net::TlsRole::Server); !made) return made.error();
  bool is_found = false;
  for (const auto& listener : listeners_) {
    if (listener->config()->name != listener_name) continue;
    for_each_chain(*listener->config(), [&](const FilterChainConfig& chain) {
      if (chain.tls == nullptr || chain.name != chain_name) return;
      is_found = true;
      post_to_listener(*listener, [&chain, config](WorkerListener& l) {
        // Proved above; making it again on the worker cannot fail for another reason than memory.
        if (base::Status s = l.replace_tls(chain, config); !s)
          base::log(base::LogLevel::Error, "replace_tls: {}", s.error().message);
      });
    });
  }
  if (is_found) return {};
  return base::Error(base::ErrorCode::NotFound, "no filter chain '" + std::string(chain_name) +
                                                    "' with TLS in listener '" + std::string(listener_name) + "'");
}

void Server::set_state(State state) {
  state_.exchange(static_cast<uint64_t>(state));
  if (on_state_) on_state_();
}

void Server::drain_listeners(bool graceful, bool skip_exit, bool inbound_only) {
  if (!inbound_only || closes_after_responses_.value() == 0)
    closes_after_responses_.exchange(static_cast<uint64_t>(inbound_only ? Drained::Inbound : Drained::All));
  if (graceful) {
    if (!skip_exit) parts_.main->arm(listener_drain_timer_, kListenerDrainTime);
    return;
  }
  stop_listeners();
}

void Server::stop_listeners() {
  const bool inbound_only = static_cast<Drained>(closes_after_responses_.value()) == Drained::Inbound;
  for (size_t i = 0; i < workers_.size(); ++i)
    parts_.workers[i]->post([this, i, inbound_only] { stop_accepting_on(i, inbound_only); });
}

// On the worker; the sockets are the process's and close when all workers have let go of them.
void Server::stop_accepting_on(size_t worker, bool inbound_only) {
  workers_[worker]->stop_accepting(inbound_only);
  parts_.main->post([this, worker, inbound_only] {
    for (const auto& listener : listeners_) {
      if (!inbound_only || listener->config()->is_inbound) listener->note_stopped(worker);
    }
  });
}

void Server::drain(base::Duration limit, base::Task done) {
  if (state() == State::Draining) return;
  set_state(State::Draining);
  on_drained_ = std::move(done);
  if (workers_.empty()) return finish_drain();
  parts_.main->arm(drain_timer_, limit);
  for (size_t i = 0; i < workers_.size(); ++i)
    parts_.workers[i]->post([this, i] {
      stop_accepting_on(i, false);
      workers_[i]->drain();
    });
}

void Server::on_worker_idle(size_t worker) {
  parts_.main->post([this, worker] {
    is_worker_idle_[worker] = true;
    if (std::find(is_worker_idle_.begin(), is_worker_idle_.end(), false) == is_worker_idle_.end()) finish_drain();
  });
}

// What is still open is closed on its worker; the drain is over when the last worker says so.
void Server::on_drain_limit() {
  for (size_t i = 0; i < workers_.size(); ++i)
    parts_.workers[i]->post([worker = workers_[i].get()] { worker->close(); });
}

void Server::close_connections(size_t worker) {
  if (worker < workers_.size()) workers_[worker]->close();
}

void Server::finish_drain() {
  drain_timer_.cancel();
  if (on_drained_) std::exchange(on_drained_, base::Task())();
}

void Server::take_on_worker(size_t worker, ListenerState& state, net::AcceptedSocket socket) {
  workers_[worker]->take(state, std::move(socket));
}

}  // namespace weft::proxy
