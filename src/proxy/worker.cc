#include "proxy/worker.h"

#include "base/limits.h"
#include "base/log.h"
#include "observe/access_log_filter.h"
#include "proxy/call_stats.h"
#include "proxy/cluster_state.h"
#include "proxy/http_connection.h"
#include "proxy/listener_state.h"
#include "proxy/worker_cluster.h"
#include "proxy/worker_listener.h"

namespace weft::proxy {

std::string stat_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c == ':') c = '_';
  }
  return out;
}

Worker::Worker(net::Loop& loop, size_t index, WorkerHost& host)
    : loop_(loop),
      index_(index),
      host_(host),
      next_connection_id_(index),
      drain_notice_(net::Timer::Callback::bind<&Worker::on_drain_notice>(*this)) {}

Worker::~Worker() {
  listeners_.clear();
  clusters_.clear();
  for (observe::StatGroup* group : groups_) host_.registry().release(*group);
}

void Worker::start(std::shared_ptr<const Snapshot> snapshot, const std::vector<std::unique_ptr<ClusterState>>& clusters,
                   const std::vector<std::unique_ptr<ListenerState>>& listeners,
                   const std::vector<std::shared_ptr<const HostSet>>& hosts) {
  snapshot_ = std::move(snapshot);
  for (size_t i = 0; i < clusters.size(); ++i) {
    auto cluster = std::make_unique<WorkerCluster>(*this, *clusters[i]);
    cluster->set_hosts(hosts[i]);
    const std::string_view name = cluster->name();
    clusters_.emplace(name, std::move(cluster));
  }
  for (const auto& state : listeners) {
    for_each_access_log(*state->config(), [&](const std::vector<AccessLogConfig>& logs) { open_logs(logs); });
    listeners_.emplace_back(state.get(), std::make_unique<WorkerListener>(*this, *state, state->sockets(index_)));
    listeners_.back().second->start();
  }
}

void Worker::set_hosts(std::string_view cluster, std::shared_ptr<const HostSet> hosts) {
  if (WorkerCluster* found = find_cluster(cluster)) found->set_hosts(std::move(hosts));
}

void Worker::follow_health(const ClusterState& cluster) {
  if (WorkerCluster* found = find_cluster(cluster.config()->name)) found->follow_health();
}

WorkerCluster* Worker::find_cluster(std::string_view name) {
  const auto it = clusters_.find(name);
  return it != clusters_.end() ? it->second.get() : nullptr;
}

WorkerListener* Worker::find_listener(const ListenerState& state) {
  for (const auto& [key, listener] : listeners_) {
    if (key == &state) return listener.get();
  }
  return nullptr;
}

observe::StatGroup& Worker::stat_group(const observe::StatScope& scope, const observe::StatTable& table) {
  groups_.push_back(&host_.registry().group(scope, table, static_cast<unsigned>(index_)));
  return *groups_.back();
}

observe::StatGroup& Worker::vhost_stats(const void* key, std::string_view host, std::string_view kind,
                                        std::string_view name) {
  observe::StatGroup*& group = vhost_stats_[key];
  if (group == nullptr) {
    const std::string of_host = stat_name(host), of_kind(kind), own = stat_name(name);
    group = &stat_group(
        {"vhost." + of_host + "." + of_kind + "." + own + ".",
         "vhost." + of_kind + ".",
         {{"envoy.virtual_host", of_host}, {kind == "route" ? "envoy.route" : "envoy.virtual_cluster", own}}},
        kVhostStats);
  }
  return *group;
}

void Worker::take(ListenerState& state, net::AcceptedSocket socket) {
  WorkerListener* listener = find_listener(state);
  if (listener == nullptr) return loop_.discard(std::move(socket));
  listener->take(std::move(socket));
}

void Worker::hand_over(size_t worker, ListenerState& state, net::AcceptedSocket socket) {
  host_.worker_loop(worker).post([&host = host_, worker, &state, socket = std::move(socket)]() mutable {
    host.take_on_worker(worker, state, std::move(socket));
  });
}

void Worker::stop_accepting(bool inbound_only) {
  for (const auto& [state, listener] : listeners_) {
    if (!inbound_only || listener->config().is_inbound) listener->stop_accepting();
  }
}

void Worker::drain() {
  is_draining_ = true;
  stop_accepting();
  for (const auto& [state, listener] : listeners_) listener->drain_connections();
  loop_.arm(drain_notice_, base::kDrainNotice);
  check_idle();
}

// Who has not come as far as a request by now is not waited for.
void Worker::on_drain_notice() {
  for (const auto& [state, listener] : listeners_) listener->close_incoming();
}

void Worker::close() {
  for (const auto& [state, listener] : listeners_) listener->close_connections();
  for (const auto& [name, cluster] : clusters_) cluster->close();
}

void Worker::on_connection_gone() {
  if (is_draining_) check_idle();
}

size_t Worker::connection_count() const {
  size_t n = 0;
  for (const auto& [state, listener] : listeners_) n += listener->connection_count();
  return n;
}

void Worker::check_idle() {
  if (connection_count() == 0) host_.on_worker_idle(index_);
}

// Opened with the listeners, so that a path that cannot be opened is known at start-up; see Server::start.
void Worker::open_logs(const std::vector<AccessLogConfig>& logs) {
  if (host_.access_logs() == nullptr) return;
  for (const AccessLogConfig& log : logs) {
    auto writer = host_.access_logs()->writer(log.sink, log.path, static_cast<unsigned>(index_));
    if (writer) log_writers_[&log] = *writer;
  }
}

void Worker::write_access_logs(const std::vector<AccessLogConfig>& logs, const observe::RequestInfo& info,
                               uint64_t random) {
  for (const AccessLogConfig& log : logs) {
    const auto writer = log_writers_.find(&log);
    if (writer != log_writers_.end()) writer->second->log(*log.format, log.filter.get(), info, random);
  }
}

// A request that the codec answered itself never had an exchange; it has a log line all the same, as in Envoy.
void Worker::warn_rarely(std::string_view text) {
  const base::MonoTime now = loop_.now();
  if (now - last_warning_ < base::seconds(1) && last_warning_ != base::MonoTime{}) return;
  last_warning_ = now;
  base::log(base::LogLevel::Warning, "{}", text);
}

}  // namespace weft::proxy
