#include "proxy/worker_cluster.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "proxy/call_stats.h"
#include "proxy/stats.h"
#include "proxy/upstream_name.h"
#include "proxy/worker.h"

namespace weft::proxy {
namespace {

std::string stat_prefix(const ClusterConfig& config) {
  return config.alt_stat_name.empty() ? config.name : config.alt_stat_name;
}

}  // namespace

WorkerCluster::WorkerCluster(Worker& worker, ClusterState& state)
    : worker_(worker), state_(state), config_(state.config()), balancer_(BalancerOptions::of(*config_)) {
  const std::string name = stat_name(stat_prefix(*config_));
  stats_ = &worker.stat_group({"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}}, kClusterStats);
  if (config_->tls != nullptr)
    tls_stats_.set_group(
        worker.stat_group({"cluster." + name + ".", "cluster.", {{"envoy.cluster_name", name}}}, kTlsStats));
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

observe::StatGroup* WorkerCluster::alt_stats(std::string_view alt_name) {
  const auto found = alt_stats_.find(alt_name);
  if (found != alt_stats_.end()) return found->second;
  if (alt_stats_.size() >= base::kAltStatNamesMax) return nullptr;
  const std::string name = stat_name(stat_prefix(*config_)), alt = stat_name(alt_name);
  observe::StatGroup& made = worker_.stat_group(
      {"cluster." + name + "." + alt + ".", "cluster." + alt + ".", {{"envoy.cluster_name", name}}}, kAltStats);
  return alt_stats_.emplace(alt_name, &made).first->second;
}

net::Loop& WorkerCluster::loop() { return worker_.loop(); }
uint64_t WorkerCluster::next_connection_id() { return worker_.next_connection_id(); }

void WorkerCluster::set_hosts(std::shared_ptr<const HostSet> hosts) {
  hosts_ = std::move(hosts);
  refresh_balancer();
  for (HostPool* pool : all_pools()) {
    const bool stays = std::any_of(hosts_->hosts.begin(), hosts_->hosts.end(),
                                   [&](const auto& h) { return h.get() == &pool->host(); });
    if (!stays || config_->close_connections_on_host_set_change) pool->drain();
  }
}

void WorkerCluster::follow_health() {
  if (hosts_ != nullptr && seen_epoch_ != state_.health_epoch()) refresh_balancer();
}

void WorkerCluster::refresh_balancer() {
  seen_epoch_ = state_.health_epoch();
  balancer_.update(hosts_->hosts, loop().random(), loop().now());
  for (HostPool* pool : all_pools()) pool->leave_if_ejected();
}

Host* WorkerCluster::choose_host(std::span<Host* const> tried, uint32_t attempts_max) {
  if (hosts_ == nullptr) return nullptr;
  follow_health();
  PickContext context{loop().random(), tried, attempts_max, loop().now()};
  Host* host = balancer_.pick(context);
  if (const uint64_t panics = balancer_.panic_picks(); panics != panic_picks_seen_) {
    stats_->counter(ClusterStat::lb_healthy_panic).add(panics - panic_picks_seen_);
    panic_picks_seen_ = panics;
  }
  return host;
}

HostPool* WorkerCluster::pool(Host& host, const PoolKind& kind) {
  if (const auto found = pools_.find({&host, kind}); found != pools_.end()) return found->second.get();
  BreakerResource& places = breaker(kind.is_high_priority).connection_pools();
  if (!places.try_take() && !(free_one_pool(host, kind.is_high_priority) && places.try_take())) {
    stats_->counter(ClusterStat::upstream_cx_pool_overflow).add();
    return nullptr;
  }
  auto made = std::make_unique<HostPool>(*this, host.shared_from_this(), kind);
  by_age_.push_back(*made);
  return pools_.emplace(PoolKey{&host, kind}, std::move(made)).first->second.get();
}

// Envoy frees only among the pools of the same host: one that does nothing but keep connections.
bool WorkerCluster::free_one_pool(const Host& host, bool is_high_priority) {
  const std::vector<HostPool*> all = all_pools();
  const auto idle = std::find_if(all.begin(), all.end(), [&](HostPool* pool) {
    const auto found = pools_.find({&host, pool->kind()});
    return found != pools_.end() && found->second.get() == pool && pool->kind().is_high_priority == is_high_priority &&
           !pool->is_busy();
  });
  if (idle == all.end()) return false;
  HostPool& pool = **idle;
  const auto found = pools_.find({&host, pool.kind()});
  leaving_.push_back(std::move(found->second));
  pools_.erase(found);
  breaker(is_high_priority).connection_pools().give_back();
  pool.close_all();
  return true;
}

std::unique_ptr<net::TlsSession> WorkerCluster::new_tls_session(const PoolKind& kind) {
  if (config_->tls == nullptr) return nullptr;
  if (tls_ == nullptr) {
    auto made = worker_.tls_context(*config_->tls, net::TlsRole::Client);
    WEFT_ASSERT(made);  // the process made the same context before it accepted the configuration
    tls_ = *made;
  }
  net::ClientSessionOptions options;
  options.rules = std::shared_ptr<const net::PeerRules>(config_, &config_->tls->peer);
  options.sni = config_->auto_sni && !is_ip_literal(kind.tls_name) ? kind.tls_name : config_->sni;
  if (config_->auto_san_validation) {
    auto rules = std::make_shared<net::PeerRules>(config_->tls->peer);
    rules->required_name = kind.tls_name;
    options.rules = std::move(rules);
  }
  options.observer = &tls_stats_;
  // Envoy offers what the configured protocol speaks, where the context names no ALPN itself.
  if (config_->tls->alpn.empty()) {
    if (config_->protocol == ClusterConfig::Protocol::Auto) options.alpn = {"h2", "http/1.1"};
    else options.alpn = {kind.is_h2 ? "h2" : "http/1.1"};
  }
  return tls_->new_client_session(net::TlsEnvironment(loop()), std::move(options));
}

void WorkerCluster::report(Host& host, const AttemptOutcome& outcome) {
  const OutlierDetector* detector = state_.outlier();
  if (detector == nullptr) return;
  const bool has_effect =
      outcome.kind != AttemptOutcome::Kind::Connected || detector->config().split_external_local_origin_errors;
  if (!has_effect) return;
  if (state_.report(host, outcome, loop().now(), loop().random().next())) worker_.host().on_health_changed(state_);
}

void WorkerCluster::on_pool_empty(HostPool& pool) {
  if (!pool.is_empty()) return;
  const auto left = std::find_if(leaving_.begin(), leaving_.end(), [&](const auto& p) { return p.get() == &pool; });
  if (left != leaving_.end()) {
    pool.unlink();
    loop().destroy_later(std::move(*left));
    leaving_.erase(left);
    return;
  }
  const auto found = pools_.find({&pool.host(), pool.kind()});
  if (found == pools_.end() || found->second.get() != &pool) return;
  breaker(pool.kind().is_high_priority).connection_pools().give_back();
  pool.unlink();
  loop().destroy_later(std::move(found->second));
  pools_.erase(found);
}

// Pools may go while they are drained or closed, so the tables are not walked meanwhile.
std::vector<HostPool*> WorkerCluster::all_pools() const {
  std::vector<HostPool*> all;
  by_age_.for_each([&](HostPool& pool) { all.push_back(&pool); });
  return all;
}

void WorkerCluster::drain() {
  for (HostPool* pool : all_pools()) pool->drain();
}

void WorkerCluster::close() {
  for (HostPool* pool : all_pools()) pool->close_all();
}

size_t WorkerCluster::connection_count() const {
  size_t n = 0;
  for (const HostPool* pool : all_pools()) n += pool->connection_count();
  return n;
}

}  // namespace weft::proxy
