#include "proxy/cluster_discovery.h"

#include <algorithm>

#include "base/log.h"
#include "proxy/retry_policy.h"
#include "proxy/stats.h"

namespace weft::proxy {
namespace {

net::DnsFamily family_of(ClusterConfig::DnsFamily family) {
  switch (family) {
    case ClusterConfig::DnsFamily::V4Only: return net::DnsFamily::V4Only;
    case ClusterConfig::DnsFamily::V6Only: return net::DnsFamily::V6Only;
    case ClusterConfig::DnsFamily::V4Preferred: return net::DnsFamily::V4Preferred;
    case ClusterConfig::DnsFamily::All: return net::DnsFamily::All;
    case ClusterConfig::DnsFamily::Auto: break;
  }
  return net::DnsFamily::Auto;
}

}  // namespace

/// One name of one cluster.
class ClusterDiscovery::Target final : public net::ResolveHandler {
 public:
  Target(ClusterDiscovery& owner, ClusterState& cluster, observe::StatGroup& stats, const EndpointConfig& endpoint)
      : owner_(owner),
        cluster_(cluster),
        stats_(stats),
        endpoint_(endpoint),
        timer_(net::Timer::Callback::bind<&Target::query>(*this)) {
    if (endpoint.dns_name.empty()) addresses_.push_back(endpoint.address);
  }

  ClusterState& cluster() { return cluster_; }
  bool is_name() const { return !endpoint_.dns_name.empty(); }

  void query() {
    stats_.counter(ClusterStat::update_attempt).add();
    owner_.resolver_->resolve(endpoint_.dns_name, family_of(cluster_.config()->dns_family), *this);
  }

  void on_resolved(base::Result<net::DnsAnswer> answer) override {
    const bool is_gone = !answer && answer.error().code == base::ErrorCode::NotFound;
    if (answer || is_gone) {
      on_success(answer ? std::move(*answer) : net::DnsAnswer());
    } else {
      on_failure(answer.error());
    }
    if (!std::exchange(has_answer_, true)) owner_.on_first_answer();
  }

  void append_to(EndpointSet& set) const {
    for (const net::Address& address : addresses_) {
      EndpointConfig endpoint = endpoint_;
      if (is_name()) {
        endpoint.address = address.with_port(endpoint_.dns_port);
        if (endpoint.hostname.empty()) endpoint.hostname = endpoint_.dns_name;
      }
      set.endpoints.push_back(std::move(endpoint));
    }
  }

  void stop() { owner_.resolver_->cancel(*this); }

 private:
  void on_success(net::DnsAnswer answer) {
    failures_ = 0;
    stats_.counter(ClusterStat::update_success).add();
    if (answer.addresses.empty()) stats_.counter(ClusterStat::update_empty).add();
    const auto& config = *cluster_.config();
    base::Duration wait =
        config.respect_dns_ttl && answer.ttl > base::Duration::zero() ? answer.ttl : config.dns_refresh_rate;
    if (config.dns_jitter > base::Duration::zero())
      wait += base::Duration(owner_.loop_.random().below(static_cast<uint64_t>(config.dns_jitter.count())));
    owner_.loop_.arm(timer_, wait);
    // Round robin at the server reorders answers; the same addresses in another order are no change.
    std::vector<net::Address> sorted = answer.addresses;
    const auto before = [](const net::Address& a, const net::Address& b) { return a.to_string() < b.to_string(); };
    std::sort(sorted.begin(), sorted.end(), before);
    if (sorted == addresses_ && has_answer_) return stats_.counter(ClusterStat::update_no_rebuild).add();
    addresses_ = std::move(sorted);
    owner_.on_changed(cluster_);
  }

  // What was known stays: a name server that is away must not empty a cluster.
  void on_failure(const base::Error& error) {
    stats_.counter(ClusterStat::update_failure).add();
    base::log(base::LogLevel::Debug, "cluster {}: {}: {}", cluster_.config()->name, endpoint_.dns_name, error.message);
    const auto& config = *cluster_.config();
    const base::Duration wait = exponential_back_off(config.dns_failure_base, config.dns_failure_max, ++failures_,
                                                     owner_.loop_.random().next());
    owner_.loop_.arm(timer_, std::max(wait, base::milliseconds(1)));
  }

  ClusterDiscovery& owner_;
  ClusterState& cluster_;
  observe::StatGroup& stats_;
  const EndpointConfig endpoint_;
  std::vector<net::Address> addresses_;
  net::Timer timer_;
  uint32_t failures_ = 0;
  bool has_answer_ = false;
};

ClusterDiscovery::ClusterDiscovery(net::Loop& loop, net::Resolver* resolver, DiscoveryHandler& handler)
    : loop_(loop),
      resolver_(resolver),
      handler_(handler),
      warm_(net::Deferred::Callback::bind<&ClusterDiscovery::warm>(*this)) {}

ClusterDiscovery::~ClusterDiscovery() {
  if (resolver_ == nullptr) return;
  for (const auto& target : targets_) target->stop();
}

void ClusterDiscovery::add(ClusterState& cluster, observe::StatGroup& stats) {
  for (const EndpointConfig& endpoint : cluster.config()->endpoints->endpoints) {
    targets_.push_back(std::make_unique<Target>(*this, cluster, stats, endpoint));
    if (!targets_.back()->is_name() || resolver_ == nullptr) continue;
    if (cluster.config()->wait_for_warm_on_init) ++waiting_;
    targets_.back()->query();
  }
  on_changed(cluster);
}

void ClusterDiscovery::start() {
  is_started_ = true;
  if (waiting_ == 0) loop_.defer(warm_);
}

void ClusterDiscovery::on_first_answer() {
  if (waiting_ > 0 && --waiting_ == 0 && is_started_) loop_.defer(warm_);
}

void ClusterDiscovery::warm() { handler_.on_warm(); }

void ClusterDiscovery::on_changed(ClusterState& cluster) {
  EndpointSet set;
  for (const auto& target : targets_) {
    if (&target->cluster() == &cluster) target->append_to(set);
  }
  handler_.on_endpoints(cluster, set);
}

}  // namespace weft::proxy
