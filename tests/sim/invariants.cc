#include "sim/invariants.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "proxy/retry_policy.h"

namespace weft::sim {
namespace {

using base::Duration;

// From a timer to what the other end sees of it: ticks, turns, and the way over torn links.
constexpr Duration kSlack = base::milliseconds(150);
// Larger bodies may be under way for longer than the request's sender knows.
constexpr size_t kSmallBodyBytes = 32 * 1024;

int64_t to_ms(Duration duration) { return base::to_milliseconds(duration); }

std::map<std::string, const Call*> calls_by_id(const Evidence& evidence) {
  std::map<std::string, const Call*> out;
  for (const Call* call : evidence.calls) out[call->id] = call;
  return out;
}

Duration deadline_of(const Evidence& evidence, const Call& call) {
  return call.deadline.value_or(evidence.proxies.front()->parts().timeout);
}

/// The request that a service answered with the header "x-sim-answer: <address>/<index>".
const SeenRequest* find_answered(const Evidence& evidence, const std::string& answer) {
  const size_t slash = answer.find('/');
  if (slash == std::string::npos) return nullptr;
  for (const Service* service : evidence.services) {
    if (service->address().to_string() != answer.substr(0, slash)) continue;
    const size_t index = std::stoul(answer.substr(slash + 1));
    return index < service->seen().size() ? &service->seen()[index] : nullptr;
  }
  return nullptr;
}

std::string check_answer(const Evidence& evidence, const Call& call) {
  const auto answer = call.response_headers.find("x-sim-answer");
  if (answer == call.response_headers.end()) return "";
  const SeenRequest* seen = find_answered(evidence, answer->second);
  if (seen == nullptr) return fmt::format("call {} was answered by nobody ({}); ", call.id, answer->second);
  if (seen->id != call.id) return fmt::format("call {} got the answer to {}; ", call.id, seen->id);
  if (seen->script.status != call.status) return fmt::format("call {} got another status; ", call.id);
  const std::string& body = seen->script.body;
  if (call.response_body != body.substr(0, call.response_body.size()))
    return fmt::format("call {} got other bytes than were sent; ", call.id);
  if (call.is_complete && call.method != "HEAD" && call.response_body.size() != body.size())
    return fmt::format("call {} got {} of {} bytes as if they were all; ", call.id, call.response_body.size(),
                       body.size());
  return "";
}

// ------------------------------------------------------------------ what services saw

uint64_t repeats_of(ProxyProcess& proxy) {
  return static_cast<uint64_t>(proxy.stat("cluster.up.upstream_rq_retry") +
                               proxy.stat("cluster.up.upstream_rq_retry_free"));
}

/// How often a request may reach services by the retry policies along the way.
size_t sightings_max(const Evidence& evidence, const Call& call) {
  size_t most = 1;
  for (const ProxyProcess* proxy : evidence.proxies) {
    const size_t retries = proxy->parts().retry_on.empty() ? 0 : proxy->parts().retries;
    // The free retry of a reused connection needs no policy, but an idempotent method where bytes were written.
    most *= 1 + retries + (proxy::is_idempotent_method(call.method) ? 1 : 0);
  }
  return most;
}

std::string check_body(const SeenRequest& seen, const Call& call) {
  if (seen.body != call.body.substr(0, seen.body.size()))
    return fmt::format("a service got other bytes of {} than were sent; ", call.id);
  if (seen.has_ended && seen.body.size() != call.body.size())
    return fmt::format("a service got {} of {} bytes of {} as if they were all; ", seen.body.size(), call.body.size(),
                       call.id);
  return "";
}

std::string check_attempt_time(const Evidence& evidence, const SeenRequest& seen, const Call& call) {
  if (!seen.is_over) return fmt::format("an attempt of {} is still open at a service; ", call.id);
  if (evidence.forgives_late_attempts || !seen.has_ended || !call.reads) return "";
  Duration limit = evidence.proxies.back()->parts().timeout;
  const auto told = seen.headers.find("x-envoy-expected-rq-timeout-ms");
  if (!seen.is_headed && told != seen.headers.end()) limit = base::milliseconds(std::stoll(told->second));
  if (limit == Duration::zero()) return "";
  const Duration took = seen.over - std::max(seen.began, seen.completed);
  if (took <= limit + kSlack) return "";
  return fmt::format("attempt {} of {} was open for {} ms, its deadline was {}; ", seen.attempt, call.id, to_ms(took),
                     to_ms(limit));
}

// ------------------------------------------------------------------ statistics

class Statistics {
 public:
  explicit Statistics(ProxyProcess& proxy) : name_(proxy.name()) {
    for (const observe::StatSample& sample : proxy.registry().read()) {
      if (sample.type == observe::SampleType::Counter) values_[sample.name] = static_cast<int64_t>(sample.count);
      if (sample.type == observe::SampleType::Gauge) values_[sample.name] = gauges_[sample.name] = sample.level;
    }
  }

  int64_t operator[](const std::string& name) const {
    const auto found = values_.find(name);
    return found != values_.end() ? found->second : 0;
  }
  const std::map<std::string, int64_t>& gauges() const { return gauges_; }
  /// The sum of "<prefix>1xx" to "<prefix>5xx".
  int64_t classes(const std::string& prefix) const {
    int64_t sum = 0;
    for (const char* digit : {"1", "2", "3", "4", "5"}) sum += (*this)[prefix + digit + "xx"];
    return sum;
  }
  int64_t sum(const std::string& prefix, const std::vector<std::string>& names) const {
    int64_t sum = 0;
    for (const std::string& name : names) sum += (*this)[prefix + name];
    return sum;
  }

  void equal(const std::string& what, int64_t a, int64_t b) {
    if (a != b) wrong_ += fmt::format("{}: {} ({} and {}); ", name_, what, a, b);
  }
  void at_most(const std::string& what, int64_t a, int64_t b) {
    if (a > b) wrong_ += fmt::format("{}: {} ({} and {}); ", name_, what, a, b);
  }
  std::string wrong() const { return wrong_; }

 private:
  std::string name_, wrong_;
  std::map<std::string, int64_t> values_, gauges_;
};

bool has_suffix(const std::string& text, const std::string& suffix) { return text.ends_with(suffix); }

// Nothing is active, waiting or open any more.
void check_gauges(Statistics& stats) {
  for (const auto& [name, level] : stats.gauges()) {
    if (name.starts_with("listener_manager.") || name.starts_with("cluster_manager.")) continue;
    const bool rests = (has_suffix(name, "_active") && !has_suffix(name, "ejections_active")) ||
                       (has_suffix(name, "_open") && name.find(".circuit_breakers.") != std::string::npos) ||
                       has_suffix(name, "streams_active") || has_suffix(name, "pending_send_bytes");
    if (rests) stats.equal("gauge " + name + " is not at rest", level, 0);
  }
}

void check_downstream(Statistics& stats, ProxyProcess& proxy) {
  const std::string http = "http." + proxy.parts().stat_prefix + ".";
  const std::string listener =
      "listener." + proxy.parts().listen_ip + "_" + std::to_string(proxy.parts().listen_port) + ".";
  stats.equal("connections begun and ended", stats[http + "downstream_cx_total"],
              stats[http + "downstream_cx_destroy"]);
  stats.equal("ends by either side", stats[http + "downstream_cx_destroy"],
              stats.sum(http, {"downstream_cx_destroy_local", "downstream_cx_destroy_remote"}));
  // One that ends before its version is known, in a handshake say, has none.
  stats.at_most("connections by version", stats.sum(http, {"downstream_cx_http1_total", "downstream_cx_http2_total"}),
                stats[http + "downstream_cx_total"]);
  stats.equal("accepted and ended", stats[listener + "downstream_cx_total"], stats[listener + "downstream_cx_destroy"]);
  stats.at_most("connections served and accepted", stats[http + "downstream_cx_total"],
                stats[listener + "downstream_cx_total"]);
  stats.equal("responses by class", stats[http + "downstream_rq_completed"], stats.classes(http + "downstream_rq_"));

  int64_t answered = 0;
  std::map<int, int64_t> by_class;
  const std::vector<LogLine> log = proxy.log();
  for (const LogLine& line : log) {
    if (line.status == 0) continue;
    ++answered;
    ++by_class[line.status / 100];
  }
  stats.equal("requests and log lines", stats[http + "downstream_rq_total"], static_cast<int64_t>(log.size()));
  stats.equal("responses and log lines", stats[http + "downstream_rq_completed"], answered);
  for (const auto& [hundreds, count] : by_class)
    stats.equal("responses of a class", stats[http + "downstream_rq_" + std::to_string(hundreds) + "xx"], count);
}

void check_upstream(Statistics& stats, ProxyProcess& proxy) {
  const std::string up = "cluster.up.";
  stats.equal("upstream connections begun and ended", stats[up + "upstream_cx_total"],
              stats[up + "upstream_cx_destroy"]);
  stats.equal("upstream ends by either side", stats[up + "upstream_cx_destroy"],
              stats.sum(up, {"upstream_cx_destroy_local", "upstream_cx_destroy_remote"}));
  stats.at_most("upstream connections that opened or failed",
                stats.sum(up, {"upstream_cx_http1_total", "upstream_cx_http2_total", "upstream_cx_connect_fail"}),
                stats[up + "upstream_cx_total"]);
  // What the proxy answers for the cluster itself is charged to the cluster; every retried answer to retry.*.
  stats.equal("upstream responses by class", stats[up + "upstream_rq_completed"], stats.classes(up + "upstream_rq_"));
  stats.equal("retried responses by class", stats[up + "retry.upstream_rq_completed"],
              stats.classes(up + "retry.upstream_rq_"));
  stats.equal("upstream responses by origin", stats[up + "upstream_rq_completed"],
              stats.classes(up + "internal.upstream_rq_") + stats.classes(up + "external.upstream_rq_"));
  stats.equal("ways to wait before a retry", stats[up + "upstream_rq_retry"],
              stats.sum(up, {"upstream_rq_retry_backoff_exponential", "upstream_rq_retry_backoff_ratelimited"}));

  int64_t attempts = 0, repeats = 0;
  for (const LogLine& line : proxy.log()) {
    attempts += line.attempts;
    if (line.attempts > 1) repeats += line.attempts - 1;
  }
  stats.at_most("streams and attempts", stats[up + "upstream_rq_total"], attempts);
  stats.at_most("repeated attempts and retries", repeats, static_cast<int64_t>(repeats_of(proxy)));
}

void check_cluster(Statistics& stats, const proxy::ClusterState& cluster) {
  uint64_t requests = 0, connections = 0;
  int64_t ejected = 0;
  for (const auto& host : cluster.hosts()->hosts) {
    stats.equal("requests of host " + host->address_text, static_cast<int64_t>(host->rq_active.value()), 0);
    stats.equal("connections of host " + host->address_text, static_cast<int64_t>(host->cx_active.value()), 0);
    requests += host->rq_total.value();
    connections += host->cx_total.value();
    ejected += host->is_ejected();
  }
  stats.at_most("requests of hosts and cluster", static_cast<int64_t>(requests), stats["cluster.up.upstream_rq_total"]);
  stats.at_most("connections of hosts and cluster", static_cast<int64_t>(connections),
                stats["cluster.up.upstream_cx_total"]);
  stats.equal("hosts", stats["cluster.up.membership_total"], static_cast<int64_t>(cluster.hosts()->hosts.size()));
  stats.equal("healthy hosts", stats["cluster.up.membership_healthy"],
              static_cast<int64_t>(cluster.hosts()->hosts.size()) - ejected);
  stats.equal("ejected hosts", stats["cluster.up.outlier_detection.ejections_active"], ejected);

  const proxy::CircuitBreaker& breaker = cluster.breaker(false);
  const std::string prefix = "cluster.up.circuit_breakers.default.";
  stats.equal("places of a breaker that are taken",
              static_cast<int64_t>(breaker.requests().count() + breaker.pending_requests().count() +
                                   breaker.connections().count() + breaker.retries()),
              0);
  stats.equal("remaining requests", stats[prefix + "remaining_rq"], static_cast<int64_t>(breaker.requests().limit()));
  stats.equal("remaining places to wait", stats[prefix + "remaining_pending"],
              static_cast<int64_t>(breaker.pending_requests().limit()));
  stats.equal("remaining connections", stats[prefix + "remaining_cx"],
              static_cast<int64_t>(breaker.connections().limit()));
  if (!breaker.has_retry_budget())
    stats.equal("remaining retries", stats[prefix + "remaining_retries"],
                static_cast<int64_t>(breaker.retries_limit()));
}

}  // namespace

std::string check_calls(const Evidence& evidence) {
  std::string wrong;
  std::map<std::string, const LogLine*> lines;
  const std::vector<LogLine> log = evidence.proxies.front()->log();
  for (const LogLine& line : log) lines[line.id] = &line;
  for (const Call* call : evidence.calls) {
    if (!call->is_over) wrong += "call " + call->id + " never ended; ";
    if (call->ends > 1) wrong += fmt::format("call {} ended {} times; ", call->id, call->ends);
    wrong += check_answer(evidence, *call);
    if (call->is_complete) {
      const auto line = lines.find(call->id);
      if (line == lines.end()) wrong += "call " + call->id + " was answered without a log line; ";
      else if (line->second->status != call->status)
        wrong += fmt::format("call {} got {}, the log says {}; ", call->id, call->status, line->second->status);
    }
    const Duration deadline = deadline_of(evidence, *call);
    if (deadline == Duration::zero() || !call->is_sent || !call->reads || call->body.size() > kSmallBodyBytes) continue;
    if (const Duration took = call->ended - call->sent; took > deadline + kSlack)
      wrong += fmt::format("call {} took {} ms, its deadline was {}; ", call->id, to_ms(took), to_ms(deadline));
  }
  return wrong;
}

std::string check_services(const Evidence& evidence) {
  std::string wrong;
  const auto calls = calls_by_id(evidence);
  std::map<std::string, std::multiset<unsigned>> attempts;
  for (const Service* service : evidence.services) {
    for (const SeenRequest& seen : service->seen()) {
      const auto call = calls.find(seen.id);
      if (call == calls.end()) {
        wrong += fmt::format("a service saw a request that nobody sent (\"{}\"); ", seen.id);
        continue;
      }
      attempts[seen.id].insert(seen.attempt);
      wrong += check_body(seen, *call->second) + check_attempt_time(evidence, seen, *call->second);
    }
  }
  uint64_t seen_total = 0, repeats = 0, doubled = 0, repeats_max = 0, doubled_max = 0;
  for (const auto& [id, numbers] : attempts) {
    seen_total += numbers.size();
    repeats += numbers.size() - 1;
    doubled += numbers.size() - std::set<unsigned>(numbers.begin(), numbers.end()).size();
    if (const size_t most = sightings_max(evidence, *calls.at(id)); numbers.size() > most)
      wrong += fmt::format("services saw {} {} times, at most {} are allowed; ", id, numbers.size(), most);
  }
  for (ProxyProcess* proxy : evidence.proxies) {
    repeats_max += repeats_of(*proxy);
    if (proxy != evidence.proxies.front()) doubled_max += repeats_of(*proxy);
  }
  if (repeats > repeats_max) wrong += fmt::format("{} repeats were seen, {} were counted; ", repeats, repeats_max);
  if (doubled > doubled_max) wrong += fmt::format("{} attempts were seen twice; ", doubled);
  const auto sent = static_cast<uint64_t>(evidence.proxies.back()->stat("cluster.up.upstream_rq_total"));
  if (seen_total > sent) wrong += fmt::format("{} requests were seen, {} were sent; ", seen_total, sent);
  return wrong;
}

std::string check_log(const Evidence& evidence) {
  std::string wrong;
  const auto calls = calls_by_id(evidence);
  for (ProxyProcess* proxy : evidence.proxies) {
    std::set<std::string> ids;
    for (const LogLine& line : proxy->log()) {
      const auto call = calls.find(line.id);
      const bool is_first = ids.insert(line.id).second;
      if (!is_first && proxy == evidence.proxies.front() && call != calls.end())
        wrong += fmt::format("{}: two log lines of {}; ", proxy->name(), line.id);
      if (line.request_ms < 0 || call == calls.end() || !call->second->reads) continue;
      Duration limit = proxy->parts().timeout;
      if (const auto& own = call->second->deadline; own && (limit == Duration::zero() || *own < limit)) limit = *own;
      if (limit == Duration::zero()) continue;
      if (line.duration_ms - line.request_ms > to_ms(limit + kSlack))
        wrong += fmt::format("{}: the exchange of {} took {} ms after its request, its deadline was {}; ",
                             proxy->name(), line.id, line.duration_ms - line.request_ms, to_ms(limit));
      if (line.attempts > 2 + (proxy->parts().retry_on.empty() ? 0 : proxy->parts().retries))
        wrong += fmt::format("{}: {} attempts for {}; ", proxy->name(), line.attempts, line.id);
    }
  }
  return wrong;
}

std::string check_statistics(ProxyProcess& proxy) {
  Statistics stats(proxy);
  check_gauges(stats);
  check_downstream(stats, proxy);
  check_upstream(stats, proxy);
  for (const auto& cluster : proxy.server().clusters()) check_cluster(stats, *cluster);
  return stats.wrong();
}

}  // namespace weft::sim
