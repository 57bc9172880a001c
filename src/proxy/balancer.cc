#include "proxy/balancer.h"

#include <algorithm>
#include <cmath>

namespace weft::proxy {

namespace {

/// Envoy's default overprovisioning factor: a priority counts as whole down to 1 / 1.4 of its hosts. Units: percent.
constexpr uint32_t kOverprovisioningPercent = 140;

}  // namespace

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
  last_added_ = {};
  for (const auto& host : hosts_) last_added_ = std::max(last_added_, host->added_at);
  rebuild_priorities(random, now);
}

void Balancer::rebuild_priorities(base::Random& random, base::MonoTime now) {
  uint32_t count = 0;
  for (const auto& host : hosts_) count = std::max(count, host->priority + 1);
  priorities_.assign(count, Priority());
  std::vector<uint32_t> totals(count), usable(count), health(count);
  for (const auto& host : hosts_) {
    ++totals[host->priority];
    usable[host->priority] += host->is_usable() ? 1 : 0;
  }
  usable_ = 0;
  uint32_t total_health = 0;
  for (uint32_t i = 0; i < count; ++i) {
    usable_ += usable[i];
    health[i] = totals[i] == 0 ? 0 : std::min(100u, kOverprovisioningPercent * usable[i] / totals[i]);
    total_health += health[i];
  }

  // A priority panics when too few of its hosts are usable and the others cannot make up for it.
  is_in_panic_ = false;
  bool all_panic = count != 0;
  for (uint32_t i = 0; i < count; ++i) {
    const double share = totals[i] == 0 ? 0.0 : 100.0 * usable[i] / totals[i];
    priorities_[i].is_in_panic = total_health < 100 && share < options_.panic_threshold_percent;
    is_in_panic_ = is_in_panic_ || priorities_[i].is_in_panic;
    all_panic = all_panic && priorities_[i].is_in_panic;
  }
  share_load(all_panic ? std::span<const uint32_t>(totals) : std::span<const uint32_t>(health));
  for (uint32_t i = 0; i < count; ++i) fill(priorities_[i], i, random, now);
}

/// Gives each priority what its health allows of what the ones before it left; the parts sum to 100. In total panic the
/// caller passes host counts, which are shared in proportion.
void Balancer::share_load(std::span<const uint32_t> health_percent) {
  uint64_t sum = 0;
  for (const uint32_t health : health_percent) sum += health;
  const bool all_panic =
      std::all_of(priorities_.begin(), priorities_.end(), [](const Priority& p) { return p.is_in_panic; });
  const uint64_t whole = all_panic ? sum : std::min<uint64_t>(sum, 100);
  if (priorities_.empty()) return;
  if (whole == 0) {
    priorities_[0].load_percent = 100;
    return;
  }
  uint32_t left = 100;
  Priority* first = nullptr;
  for (size_t i = 0; i < priorities_.size(); ++i) {
    if (health_percent[i] == 0) continue;
    if (first == nullptr) first = &priorities_[i];
    priorities_[i].load_percent = std::min(left, static_cast<uint32_t>(health_percent[i] * 100 / whole));
    left -= priorities_[i].load_percent;
  }
  first->load_percent += left;  // rounding
}

void Balancer::fill(Priority& priority, uint32_t number, base::Random& random, base::MonoTime now) {
  for (const auto& host : hosts_) {
    if (host->priority == number && (priority.is_in_panic || host->is_usable()))
      priority.candidates.push_back(host.get());
  }
  if (priority.candidates.empty()) return;
  const uint32_t weight = priority.candidates.front()->weight;
  priority.has_equal_weights =
      !has_newcomers(now) && std::all_of(priority.candidates.begin(), priority.candidates.end(),
                                         [&](const Host* h) { return h->weight == weight; });
  // Workers start at different hosts, so that they do not all send their first request to the first one.
  const uint64_t offset = random.below(priority.candidates.size());
  priority.next = offset;
  if (priority.has_equal_weights) return;
  for (uint32_t i = 0; i < priority.candidates.size(); ++i)
    priority.queue.add(i, weight_of(*priority.candidates[i], now));
  for (uint64_t i = 0; i < offset; ++i) {
    priority.queue.next([&](uint32_t item) { return weight_of(*priority.candidates[item], now); });
  }
}

Balancer::Priority* Balancer::choose_priority(base::Random& random) {
  if (priorities_.empty()) return nullptr;
  if (priorities_.size() == 1) return &priorities_[0];
  uint64_t point = random.below(100);
  for (Priority& priority : priorities_) {
    if (point < priority.load_percent) return &priority;
    point -= priority.load_percent;
  }
  return &priorities_.back();
}

Host* Balancer::pick_least(Priority& priority, base::Random& random) {
  Host* best = nullptr;
  uint64_t best_active = 0;
  for (uint32_t i = 0; i < std::max(1u, options_.least_request_choices); ++i) {
    Host* host = priority.candidates[random.below(priority.candidates.size())];
    const uint64_t active = host->rq_active.value();
    if (best == nullptr || active < best_active) {
      best = host;
      best_active = active;
    }
  }
  return best;
}

// Among several that are least loaded each is as likely (reservoir sampling).
Host* Balancer::pick_least_of_all(Priority& priority, base::Random& random) {
  Host* best = nullptr;
  uint64_t best_active = 0, ties = 0;
  for (Host* host : priority.candidates) {
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

Host* Balancer::pick_in(Priority& priority, const PickContext& context) {
  base::Random& random = context.random;
  if (priority.candidates.empty()) return nullptr;
  if (options_.policy == ClusterConfig::Balance::Random)
    return priority.candidates[random.below(priority.candidates.size())];
  if (!priority.has_equal_weights) {
    const auto weight = [&](uint32_t item) { return weight_of(*priority.candidates[item], context.now); };
    return priority.candidates[priority.queue.next(weight)];
  }
  if (options_.policy == ClusterConfig::Balance::LeastRequest)
    return options_.least_request_full_scan ? pick_least_of_all(priority, random) : pick_least(priority, random);
  Host* host = priority.candidates[priority.next];
  priority.next = priority.next + 1 == priority.candidates.size() ? 0 : priority.next + 1;
  return host;
}

Host* Balancer::pick(const PickContext& context) {
  Host* host = nullptr;
  for (uint32_t attempt = 0; attempt <= context.attempts_max; ++attempt) {
    Priority* priority = choose_priority(context.random);
    if (priority == nullptr) return nullptr;
    host = pick_in(*priority, context);
    if (host == nullptr) return nullptr;
    if (priority->is_in_panic) ++panic_picks_;
    if (std::find(context.avoid.begin(), context.avoid.end(), host) == context.avoid.end()) break;
  }
  return host;
}

}  // namespace weft::proxy
