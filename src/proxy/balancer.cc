#include "proxy/balancer.h"

#include <algorithm>
#include <cmath>

namespace weft::proxy {

void WeightedQueue::clear() {
  heap_.clear();
  time_ = 0;
  order_ = 0;
}

void WeightedQueue::add(uint32_t item, double weight) { push(Entry{time_ + 1.0 / weight, order_++, item}); }

void WeightedQueue::push(Entry entry) {
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end(), [](const Entry& a, const Entry& b) { return b.is_before(a); });
}

WeightedQueue::Entry WeightedQueue::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), [](const Entry& a, const Entry& b) { return b.is_before(a); });
  const Entry entry = heap_.back();
  heap_.pop_back();
  return entry;
}

bool Balancer::has_newcomers(base::MonoTime now) const {
  return options_.slow_start.window > base::Duration::zero() && now - last_added_ <= options_.slow_start.window;
}

double Balancer::slow_start_share(const Host& host, base::MonoTime now) const {
  const ClusterConfig::SlowStart& slow = options_.slow_start;
  const base::Duration age = std::max<base::Duration>(now - host.added_at, base::milliseconds(1));
  if (!host.is_usable() || age >= slow.window) return 1.0;
  const double time_share = static_cast<double>(age.count()) / static_cast<double>(slow.window.count());
  return std::max(std::pow(time_share, 1.0 / slow.aggression), slow.min_weight_share);
}

double Balancer::weight_of(const Host& host, base::MonoTime now) const {
  const double weight = std::max(1u, host.weight) * (has_newcomers(now) ? slow_start_share(host, now) : 1.0);
  if (options_.policy != ClusterConfig::Balance::LeastRequest || options_.least_request_bias == 0.0) return weight;
  const auto active = static_cast<double>(host.rq_active.value() + 1);
  return weight / (options_.least_request_bias == 1.0 ? active : std::pow(active, options_.least_request_bias));
}

void Balancer::update(std::span<const std::shared_ptr<Host>> hosts, base::Random& random, base::MonoTime now) {
  hosts_.assign(hosts.begin(), hosts.end());
  standings_.clear();
  last_added_ = {};
  for (const auto& host : hosts_) {
    standings_.push_back(host->is_usable()     ? Standing::Usable
                         : host->is_degraded() ? Standing::Degraded
                                               : Standing::Out);
    last_added_ = std::max(last_added_, host->added_at);
  }
  rebuild_priorities(random, now);
}

void Balancer::rebuild_priorities(base::Random& random, base::MonoTime now) {
  uint32_t count = 0;
  for (const auto& host : hosts_) count = std::max(count, host->priority + 1);
  priorities_.assign(count, Priority());
  const std::vector<Availability> availability = measure_availability();
  uint32_t total = 0;
  for (const Availability& a : availability) total += a.healthy + a.degraded;
  find_panic(total);
  share_load(availability);
  for (size_t i = 0; i < hosts_.size(); ++i) {
    Priority& priority = priorities_[hosts_[i]->priority];
    if (priority.is_in_panic || standings_[i] == Standing::Usable) priority.healthy.hosts.push_back(hosts_[i].get());
    else if (standings_[i] == Standing::Degraded) priority.degraded.hosts.push_back(hosts_[i].get());
  }
  for (Priority& priority : priorities_) {
    fill(priority.healthy, random, now);
    fill(priority.degraded, random, now);
  }
}

std::vector<Balancer::Availability> Balancer::measure_availability() {
  struct Sums {
    uint64_t all = 0, healthy = 0, degraded = 0;
  };
  std::vector<Sums> sums(priorities_.size());
  usable_ = 0;
  for (size_t i = 0; i < hosts_.size(); ++i) {
    const uint64_t size = options_.weighs_health_of_priorities ? std::max(1u, hosts_[i]->weight) : 1;
    Sums& of = sums[hosts_[i]->priority];
    of.all += size;
    if (standings_[i] == Standing::Usable) of.healthy += size;
    if (standings_[i] == Standing::Degraded) of.degraded += size;
    usable_ += standings_[i] == Standing::Usable ? 1 : 0;
  }
  std::vector<Availability> availability(priorities_.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    const auto share = [&](uint64_t part) {
      return static_cast<uint32_t>(std::min<uint64_t>(100, options_.overprovisioning_percent * part / sums[i].all));
    };
    if (sums[i].all != 0) availability[i] = {share(sums[i].healthy), share(sums[i].degraded)};
  }
  return availability;
}

/// A priority panics when too few of its hosts can take traffic and the others cannot make up for it.
void Balancer::find_panic(uint32_t total_availability) {
  std::vector<uint32_t> all(priorities_.size()), available(priorities_.size());
  for (size_t i = 0; i < hosts_.size(); ++i) {
    ++all[hosts_[i]->priority];
    available[hosts_[i]->priority] += standings_[i] != Standing::Out ? 1 : 0;
  }
  is_in_panic_ = false;
  for (size_t i = 0; i < priorities_.size(); ++i) {
    const double share = all[i] == 0 ? 0.0 : 100.0 * available[i] / all[i];
    priorities_[i].is_in_panic = total_availability < 100 && share < options_.panic_threshold_percent;
    is_in_panic_ = is_in_panic_ || priorities_[i].is_in_panic;
  }
}

/// The healthy hosts of each priority take what their availability allows of what the ones before left, then the
/// degraded hosts likewise; the parts sum to 100.
void Balancer::share_load(std::span<const Availability> availability) {
  if (priorities_.empty()) return;
  if (std::all_of(priorities_.begin(), priorities_.end(), [](const Priority& p) { return p.is_in_panic; }))
    return share_load_by_size();
  uint32_t whole = 0;
  for (const Availability& a : availability) whole += a.healthy + a.degraded;
  whole = std::min(whole, 100u);
  if (whole == 0) {
    priorities_[0].healthy.load_percent = 100;
    return;
  }
  uint32_t left = 100;
  Group* first = nullptr;
  const auto give = [&](Group& group, uint32_t percent) {
    if (first == nullptr && percent > 0) first = &group;
    group.load_percent = std::min(left, percent * 100 / whole);
    left -= group.load_percent;
  };
  for (size_t i = 0; i < priorities_.size(); ++i) give(priorities_[i].healthy, availability[i].healthy);
  for (size_t i = 0; i < priorities_.size(); ++i) give(priorities_[i].degraded, availability[i].degraded);
  first->load_percent += left;  // rounding
}

/// In total panic each priority takes its share of the hosts.
void Balancer::share_load_by_size() {
  std::vector<size_t> sizes(priorities_.size());
  for (const auto& host : hosts_) ++sizes[host->priority];
  uint32_t left = 100;
  Priority* first = nullptr;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (first == nullptr && sizes[i] > 0) first = &priorities_[i];
    priorities_[i].healthy.load_percent = static_cast<uint32_t>(100 * sizes[i] / hosts_.size());
    left -= priorities_[i].healthy.load_percent;
  }
  first->healthy.load_percent += left;  // rounding
}

void Balancer::fill(Group& group, base::Random& random, base::MonoTime now) {
  if (group.hosts.empty()) return;
  const uint32_t weight = group.hosts.front()->weight;
  group.has_equal_weights = !has_newcomers(now) && std::all_of(group.hosts.begin(), group.hosts.end(),
                                                               [&](const Host* h) { return h->weight == weight; });
  // Workers start at different hosts, so that they do not all send their first request to the first one.
  const uint64_t offset = random.below(group.hosts.size());
  group.next = offset;
  if (group.has_equal_weights) return;
  for (uint32_t i = 0; i < group.hosts.size(); ++i) group.queue.add(i, weight_of(*group.hosts[i], now));
  for (uint64_t i = 0; i < offset; ++i) {
    group.queue.next([&](uint32_t item) { return weight_of(*group.hosts[item], now); });
  }
}

Balancer::Priority* Balancer::choose(base::Random& random, Group*& group) {
  if (priorities_.empty()) return nullptr;
  group = &priorities_[0].healthy;
  if (group->load_percent == 100) return &priorities_[0];
  uint64_t point = random.below(100);
  for (Group Priority::*part : {&Priority::healthy, &Priority::degraded}) {
    for (Priority& priority : priorities_) {
      group = &(priority.*part);
      if (point < group->load_percent) return &priority;
      point -= group->load_percent;
    }
  }
  return &priorities_.back();
}

Host* Balancer::pick_least(Group& group, base::Random& random) {
  Host* best = nullptr;
  uint64_t best_active = 0;
  for (uint32_t i = 0; i < std::max(1u, options_.least_request_choices); ++i) {
    Host* host = group.hosts[random.below(group.hosts.size())];
    const uint64_t active = host->rq_active.value();
    if (best == nullptr || active < best_active) {
      best = host;
      best_active = active;
    }
  }
  return best;
}

// Among several that are least loaded each is as likely (reservoir sampling).
Host* Balancer::pick_least_of_all(Group& group, base::Random& random) {
  Host* best = nullptr;
  uint64_t best_active = 0, ties = 0;
  for (Host* host : group.hosts) {
    const uint64_t active = host->rq_active.value();
    if (best == nullptr || active < best_active) {
      best = host;
      best_active = active;
      ties = 1;
    } else if (active == best_active && random.below(++ties) == 0) {
      best = host;
    }
  }
  return best;
}

Host* Balancer::pick_in(Group& group, const PickContext& context) {
  base::Random& random = context.random;
  if (group.hosts.empty()) return nullptr;
  if (options_.policy == ClusterConfig::Balance::Random) return group.hosts[random.below(group.hosts.size())];
  if (!group.has_equal_weights) {
    const auto weight = [&](uint32_t item) { return weight_of(*group.hosts[item], context.now); };
    return group.hosts[group.queue.next(weight)];
  }
  if (options_.policy == ClusterConfig::Balance::LeastRequest)
    return options_.least_request_full_scan ? pick_least_of_all(group, random) : pick_least(group, random);
  Host* host = group.hosts[group.next];
  group.next = group.next + 1 == group.hosts.size() ? 0 : group.next + 1;
  return host;
}

Host* Balancer::pick(const PickContext& context) {
  Host* host = nullptr;
  for (uint32_t attempt = 0; attempt <= context.attempts_max; ++attempt) {
    Group* group = nullptr;
    Priority* priority = choose(context.random, group);
    if (priority == nullptr) return nullptr;
    host = pick_in(*group, context);
    if (host == nullptr) return nullptr;
    if (priority->is_in_panic) ++panic_picks_;
    if (std::find(context.avoid.begin(), context.avoid.end(), host) == context.avoid.end()) break;
  }
  return host;
}

}  // namespace weft::proxy
