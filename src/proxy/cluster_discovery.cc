#include "proxy/cluster_discovery.h"

#include <algorithm>

#include "base/log.h"
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

/// One endpoint of a cluster as configured: a name, or an address.
class ClusterDiscovery::Target final : public net::ResolveHandler {
 public:
  Target(Names& owner, const EndpointConfig& endpoint)
      : owner_(owner), endpoint_(endpoint), timer_(net::Timer::Callback::bind<&Target::query>(*this)) {
    if (endpoint.dns_name.empty()) addresses_.push_back(endpoint.address);
  }

  bool is_name() const { return !endpoint_.dns_name.empty(); }
  void query();
  void on_resolved(base::Result<net::DnsAnswer> answer) override;

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

 private:
  void take(std::vector<net::Address> addresses);

  Names& owner_;
  const EndpointConfig endpoint_;
  std::vector<net::Address> addresses_;  ///< sorted
  net::Timer timer_;
};

/// What the names of one cluster share.
class ClusterDiscovery::Names {
 public:
  Names(ClusterDiscovery& its_owner, ClusterState& its_cluster, observe::StatGroup& its_stats, net::Resolver* its_one)
      : owner(its_owner), cluster(its_cluster), stats(its_stats), resolver(its_one) {
    for (const EndpointConfig& endpoint : cluster.config()->endpoints->endpoints)
      targets.push_back(std::make_unique<Target>(*this, endpoint));
  }
  ~Names() {
    for (const auto& target : targets) {
      if (resolver != nullptr) resolver->cancel(*target);
    }
  }

  const ClusterConfig& config() const { return *cluster.config(); }

  void begin() {
    bool has_names = false;
    for (const auto& target : targets) {
      if (!target->is_name() || resolver == nullptr) continue;
      has_names = true;
      target->query();
    }
    is_awaited = has_names && config().wait_for_warm_on_init;
    tell();
  }

  void tell() {
    EndpointSet set;
    for (const auto& target : targets) target->append_to(set);
    owner.handler_.on_endpoints(cluster, set);
  }

  /// The wait after a failure. Envoy's: all names of a cluster share the back-off, and any success ends it.
  base::Duration failure_wait() {
    const auto& back_off = config().dns_failure_back_off;
    if (!back_off) return config().dns_refresh_rate;
    const base::Duration bound = next_back_off > base::Duration::zero() ? next_back_off : back_off->base;
    next_back_off = std::min(bound * 2, back_off->max);
    const base::Duration wait(owner.loop_.random().below(static_cast<uint64_t>(bound.count())));
    return std::max<base::Duration>(wait, base::milliseconds(1));
  }

  ClusterDiscovery& owner;
  ClusterState& cluster;
  observe::StatGroup& stats;
  net::Resolver* const resolver;
  std::vector<std::unique_ptr<Target>> targets;
  base::Duration next_back_off{};  ///< zero: no failure since the last success
  bool is_awaited = false;         ///< the start waits for an answer
};

void ClusterDiscovery::Target::query() {
  owner_.stats.counter(ClusterStat::update_attempt).add();
  owner_.resolver->resolve(endpoint_.dns_name, family_of(owner_.config().dns_family), *this);
}

void ClusterDiscovery::Target::on_resolved(base::Result<net::DnsAnswer> answer) {
  const ClusterConfig& config = owner_.config();
  const bool is_gone = !answer && answer.error().code == base::ErrorCode::NotFound;
  if (answer || is_gone) {
    owner_.stats.counter(ClusterStat::update_success).add();
    owner_.next_back_off = base::Duration::zero();
    const bool has_ttl = answer && config.respect_dns_ttl && answer->ttl > base::Duration::zero();
    owner_.owner.loop_.arm(timer_, has_ttl ? answer->ttl : config.dns_refresh_rate);
    take(answer ? std::move(answer->addresses) : std::vector<net::Address>());
  } else {
    // What was known stays: a name server that is away must not empty a cluster.
    owner_.stats.counter(ClusterStat::update_failure).add();
    base::log(base::LogLevel::Debug, "cluster {}: {}: {}", config.name, endpoint_.dns_name, answer.error().message);
    owner_.owner.loop_.arm(timer_, owner_.failure_wait());
  }
  if (std::exchange(owner_.is_awaited, false)) owner_.owner.on_first_answer();
}

void ClusterDiscovery::Target::take(std::vector<net::Address> addresses) {
  // Round robin at the server reorders answers; the same addresses in another order are no change.
  const auto before = [](const net::Address& a, const net::Address& b) { return a.to_string() < b.to_string(); };
  std::sort(addresses.begin(), addresses.end(), before);
  if (addresses == addresses_) return owner_.stats.counter(ClusterStat::update_no_rebuild).add();
  addresses_ = std::move(addresses);
  owner_.tell();
}

ClusterDiscovery::ClusterDiscovery(net::Loop& loop, DiscoveryHandler& handler)
    : loop_(loop), handler_(handler), warm_(net::Deferred::Callback::bind<&ClusterDiscovery::warm>(*this)) {}

ClusterDiscovery::~ClusterDiscovery() = default;

void ClusterDiscovery::add(ClusterState& cluster, observe::StatGroup& stats, net::Resolver* resolver) {
  clusters_.push_back(std::make_unique<Names>(*this, cluster, stats, resolver));
  clusters_.back()->begin();
  if (clusters_.back()->is_awaited) ++waiting_;
}

void ClusterDiscovery::start() {
  is_started_ = true;
  if (waiting_ == 0) loop_.defer(warm_);
}

void ClusterDiscovery::on_first_answer() {
  if (--waiting_ == 0 && is_started_) loop_.defer(warm_);
}

void ClusterDiscovery::warm() { handler_.on_warm(); }

}  // namespace weft::proxy
