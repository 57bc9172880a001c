#include "proxy/worker_cluster.h"

#include <algorithm>

#include "base/log.h"
#include "proxy/stats.h"
#include "proxy/worker.h"

namespace weft::proxy {
namespace {

// No behaviour depends on the order of this table: pools are looked up by key, and drained or closed all together.
std::string stat_prefix(const ClusterConfig& config) {
  return config.alt_stat_name.empty() ? config.name : config.alt_stat_name;
}

}  // namespace

WorkerCluster::WorkerCluster(Worker& worker, ClusterState& state)
    : worker_(worker), state_(state), config_(state.config()), balancer_(BalancerOptions::of(*config_)) {
  const std::string name = stat_name(stat_prefix(*config_));
  stats_ = &worker.stat_group({"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}}, kClusterStats);
  tls_stats_.set_group(*stats_);
}

WorkerCluster::~WorkerCluster() = default;

CodecStats& WorkerCluster::codec_stats(bool is_h2) {
  std::unique_ptr<CodecStats>& stats = is_h2 ? h2_stats_ : h1_stats_;
  if (stats == nullptr) {
    const std::string name = stat_name(stat_prefix(*config_));
    stats = std::make_unique<CodecStats>(
        worker_, observe::StatScope{"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}}, is_h2);
  }
  return *stats;
}

net::Loop& WorkerCluster::loop() { return worker_.loop(); }
uint64_t WorkerCluster::next_connection_id() { return worker_.next_connection_id(); }

void WorkerCluster::set_hosts(std::shared_ptr<const HostSet> hosts) {
  hosts_ = std::move(hosts);
  refresh_balancer();
  for (auto& [key, pool] : pools_) {
    const bool stays =
        std::any_of(hosts_->hosts.begin(), hosts_->hosts.end(), [&](const auto& h) { return h.get() == key.host; });
    if (!stays) pool->drain();
  }
}

void WorkerCluster::refresh_balancer() {
  seen_epoch_ = state_.health_epoch();
  balancer_.update(hosts_->hosts, loop().random());
}

Host* WorkerCluster::choose_host(std::span<Host* const> tried, uint32_t attempts_max) {
  if (hosts_ == nullptr) return nullptr;
  if (seen_epoch_ != state_.health_epoch()) refresh_balancer();
  PickContext context{loop().random(), tried, attempts_max};
  Host* host = balancer_.pick(context);
  if (const uint64_t panics = balancer_.panic_picks(); panics != panic_picks_seen_) {
    stats_->counter(ClusterStat::lb_healthy_panic).add(panics - panic_picks_seen_);
    panic_picks_seen_ = panics;
  }
  return host;
}

HostPool& WorkerCluster::pool(Host& host, bool is_high_priority, bool is_h2, bool is_tcp) {
  std::unique_ptr<HostPool>& pool = pools_[{&host, is_high_priority, is_h2, is_tcp}];
  if (pool == nullptr) {
    const auto shared =
        std::find_if(hosts_->hosts.begin(), hosts_->hosts.end(), [&](const auto& h) { return h.get() == &host; });
    WEFT_ASSERT(shared != hosts_->hosts.end());
    pool = std::make_unique<HostPool>(*this, *shared, is_high_priority, is_h2, is_tcp);
  }
  return *pool;
}

std::unique_ptr<net::TlsSession> WorkerCluster::new_tls_session(const Host& host, bool is_h2) {
  if (config_->tls == nullptr) return nullptr;
  if (tls_ == nullptr) {
    auto made = worker_.tls_context(*config_->tls, net::TlsRole::Client);
    WEFT_ASSERT(made);  // the process made the same context before it accepted the configuration
    tls_ = *made;
  }
  net::ClientSessionOptions options;
  options.rules = std::shared_ptr<const net::PeerRules>(config_, &config_->tls->peer);
  options.sni = config_->auto_host_sni && !host.hostname.empty() ? std::string_view(host.hostname)
                                                                 : std::string_view(config_->sni);
  options.observer = &tls_stats_;
  // Envoy offers what the configured protocol speaks, where the context names no ALPN itself.
  if (config_->tls->alpn.empty()) {
    if (config_->protocol == ClusterConfig::Protocol::Auto) options.alpn = {"h2", "http/1.1"};
    else options.alpn = {is_h2 ? "h2" : "http/1.1"};
  }
  return tls_->new_client_session(net::TlsEnvironment(loop()), std::move(options));
}

void WorkerCluster::report(Host& host, const AttemptOutcome& outcome) {
  const OutlierDetector* detector = state_.outlier();
  if (detector == nullptr) return;
  const bool has_effect =
      outcome.kind != AttemptOutcome::Kind::Connected || detector->config().split_external_local_origin_errors;
  if (!has_effect) return;
  state_.report(host, outcome, loop().now(), loop().random().next());
}

// A pool of a host that left the cluster goes when its last connection has.
void WorkerCluster::on_pool_empty(HostPool& pool) {
  const bool stays =
      std::any_of(hosts_->hosts.begin(), hosts_->hosts.end(), [&](const auto& h) { return h.get() == &pool.host(); });
  if (stays || !pool.is_empty()) return;
  const auto it = pools_.find({&pool.host(), pool.is_high_priority(), pool.is_h2(), pool.is_tcp()});
  if (it == pools_.end()) return;
  loop().destroy_later(std::move(it->second));
  pools_.erase(it);
}

void WorkerCluster::drain() {
  for (auto& [key, pool] : pools_) pool->drain();
}

void WorkerCluster::close() {
  for (auto& [key, pool] : pools_) pool->close_all();
}

size_t WorkerCluster::connection_count() const {
  size_t n = 0;
  for (const auto& [key, pool] : pools_) n += pool->connection_count();
  return n;
}

}  // namespace weft::proxy
