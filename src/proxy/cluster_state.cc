#include "proxy/cluster_state.h"

#include <algorithm>

namespace weft::proxy {
namespace {

bool is_same(const Host& host, const EndpointConfig& endpoint) {
  return host.address == endpoint.address && host.weight == endpoint.weight && host.priority == endpoint.priority &&
         host.hostname == endpoint.hostname && host.health == endpoint.health;
}

std::shared_ptr<Host> make_host(const EndpointConfig& e, base::MonoTime now) {
  auto host = std::make_shared<Host>(e.address, e.hostname, e.weight, e.priority, e.health, now);
  host->locality = e.locality;
  host->metadata = e.metadata;
  return host;
}

}  // namespace

ClusterState::ClusterState(std::shared_ptr<const ClusterConfig> config)
    : config_(std::move(config)),
      default_(config_->breakers[0]),
      high_(config_->breakers[1]),
      hosts_(std::make_shared<HostSet>()) {
  if (config_->outlier) outlier_ = std::make_unique<OutlierDetector>(*config_->outlier);
}

bool ClusterState::update_endpoints(const EndpointSet& endpoints, base::MonoTime now) {
  auto next = std::make_shared<HostSet>();
  bool is_changed = endpoints.endpoints.size() != hosts_->hosts.size();
  for (const EndpointConfig& endpoint : endpoints.endpoints) {
    const auto old =
        std::find_if(hosts_->hosts.begin(), hosts_->hosts.end(), [&](const auto& h) { return is_same(*h, endpoint); });
    if (old == hosts_->hosts.end()) is_changed = true;
    next->hosts.push_back(old != hosts_->hosts.end() ? *old : make_host(endpoint, now));
  }
  if (!is_changed) return false;
  for (const auto& host : hosts_->hosts) {
    const bool stays = std::find(next->hosts.begin(), next->hosts.end(), host) != next->hosts.end();
    if (!stays && outlier_ != nullptr && host->is_ejected()) outlier_->forget(*host);
  }
  hosts_ = std::move(next);
  host_count_.exchange(hosts_->hosts.size());
  std::array<uint64_t, kHostHealths> counts{};
  for (const auto& host : hosts_->hosts) ++counts[static_cast<size_t>(host->health)];
  for (size_t i = 0; i < kHostHealths; ++i) host_counts_[i].exchange(counts[i]);
  return true;
}

bool ClusterState::report(Host& host, const AttemptOutcome& outcome, base::MonoTime now, uint64_t random) {
  if (outlier_ == nullptr || !outlier_->report(host, outcome, host_count(), now, random)) return false;
  health_epoch_.add();
  return true;
}

bool ClusterState::sweep(base::MonoTime now, base::Random& random) {
  if (outlier_ == nullptr || !outlier_->sweep(hosts_->hosts, now, random)) return false;
  health_epoch_.add();
  return true;
}

size_t ClusterState::host_count(HostHealth health) const {
  const uint64_t all = host_counts_[static_cast<size_t>(health)].value();
  const uint64_t ejected =
      outlier_ != nullptr ? outlier_->counters().ejections_of[static_cast<size_t>(health)].value() : 0;
  return all - std::min(all, ejected);
}

}  // namespace weft::proxy
