// /clusters and /listeners.
#include <fmt/format.h>
#include <re2/re2.h>

#include <iterator>

#include "admin/message_json.h"
#include "admin/pages.h"
#include "envoy/admin/v3/clusters.pb.h"
#include "envoy/admin/v3/listeners.pb.h"
#include "observe/json_text.h"

namespace weft::admin {
namespace {

struct HostStat {
  std::string_view name;
  uint64_t HostStatus::*value;
  bool is_gauge;
};
/// Sorted by name, as the text shows them.
constexpr HostStat kHostStats[] = {
    {"cx_active", &HostStatus::cx_active, true},    {"cx_connect_fail", &HostStatus::cx_connect_fail, false},
    {"cx_total", &HostStatus::cx_total, false},     {"rq_active", &HostStatus::rq_active, true},
    {"rq_error", &HostStatus::rq_error, false},     {"rq_pending_active", &HostStatus::rq_pending_active, true},
    {"rq_success", &HostStatus::rq_success, false}, {"rq_timeout", &HostStatus::rq_timeout, false},
    {"rq_total", &HostStatus::rq_total, false}};

std::string health_flags(const HostStatus& host) {
  std::string flags;
  if (host.failed_active_health_check) flags += "/failed_active_hc";
  if (host.failed_outlier_check) flags += "/failed_outlier_check";
  if (host.is_unhealthy) flags += "/failed_eds_health";
  if (host.is_degraded) flags += "/degraded_eds_health";
  if (host.pending_active_health_check) flags += "/pending_active_hc";
  return flags.empty() ? "healthy" : flags;
}

/// Lines of "cluster::part::statistic::value". Names come from the configuration; control characters are escaped.
class ClusterLines {
 public:
  explicit ClusterLines(const std::string& cluster) { observe::append_without_controls(cluster_, cluster); }

  template <typename Value>
  void add(std::string_view statistic, const Value& value) {
    fmt::format_to(std::back_inserter(text), "{}::{}::{}\n", cluster_, statistic, value);
  }
  template <typename Value>
  void add(std::string_view part, std::string_view statistic, const Value& value) {
    fmt::format_to(std::back_inserter(text), "{}::{}::{}::{}\n", cluster_, part, statistic, value);
  }

  std::string text;

 private:
  std::string cluster_;
};

void add_breakers(ClusterLines& lines, std::string_view priority, const BreakerLimits& limits) {
  lines.add(priority, "max_connections", limits.connections_max);
  lines.add(priority, "max_pending_requests", limits.pending_requests_max);
  lines.add(priority, "max_requests", limits.requests_max);
  lines.add(priority, "max_retries", limits.retries_max);
}

void add_host(ClusterLines& lines, const HostStatus& host) {
  std::string address, hostname;
  observe::append_without_controls(address, host.address);
  observe::append_without_controls(hostname, host.hostname);
  for (const HostStat& stat : kHostStats) lines.add(address, stat.name, host.*stat.value);
  lines.add(address, "hostname", hostname);
  lines.add(address, "health_flags", health_flags(host));
  lines.add(address, "weight", host.weight);
  lines.add(address, "region", host.region);
  lines.add(address, "zone", host.zone);
  lines.add(address, "sub_zone", host.sub_zone);
  lines.add(address, "canary", host.is_canary);
  lines.add(address, "priority", host.priority);
  lines.add(address, "success_rate", host.success_rate);
  lines.add(address, "local_origin_success_rate", host.local_origin_success_rate);
}

std::string clusters_text(const std::vector<ClusterStatus>& clusters) {
  std::string out;
  for (const ClusterStatus& cluster : clusters) {
    ClusterLines lines(cluster.name);
    lines.add("observability_name", cluster.observability_name);
    if (cluster.has_outlier_detection) {
      const auto add = [&](std::string_view name, double percent) {
        lines.add("outlier", name, fmt::format("{:g}", percent));
      };
      add("success_rate_average", cluster.success_rate_average);
      add("success_rate_ejection_threshold", cluster.success_rate_threshold);
      add("local_origin_success_rate_average", cluster.local_origin_success_rate_average);
      add("local_origin_success_rate_ejection_threshold", cluster.local_origin_success_rate_threshold);
    }
    add_breakers(lines, "default_priority", cluster.default_priority);
    add_breakers(lines, "high_priority", cluster.high_priority);
    lines.add("added_via_api", cluster.added_via_api);
    for (const HostStatus& host : cluster.hosts) add_host(lines, host);
    out += lines.text;
  }
  return out;
}

void fill_breakers(envoy::admin::v3::ClusterStatus& status, envoy::config::core::v3::RoutingPriority priority,
                   const BreakerLimits& limits) {
  auto& thresholds = *status.mutable_circuit_breakers()->add_thresholds();
  thresholds.set_priority(priority);
  thresholds.mutable_max_connections()->set_value(static_cast<uint32_t>(limits.connections_max));
  thresholds.mutable_max_pending_requests()->set_value(static_cast<uint32_t>(limits.pending_requests_max));
  thresholds.mutable_max_requests()->set_value(static_cast<uint32_t>(limits.requests_max));
  thresholds.mutable_max_retries()->set_value(static_cast<uint32_t>(limits.retries_max));
}

void fill_host(envoy::admin::v3::HostStatus& status, const HostStatus& host) {
  set_address(*status.mutable_address(), host.address);
  status.set_hostname(host.hostname);
  status.set_weight(host.weight);
  status.set_priority(host.priority);
  status.mutable_locality()->set_region(host.region);
  status.mutable_locality()->set_zone(host.zone);
  status.mutable_locality()->set_sub_zone(host.sub_zone);
  for (const HostStat& stat : kHostStats) {
    auto& metric = *status.add_stats();
    metric.set_name(std::string(stat.name));
    metric.set_value(host.*stat.value);
    metric.set_type(stat.is_gauge ? envoy::admin::v3::SimpleMetric::GAUGE : envoy::admin::v3::SimpleMetric::COUNTER);
  }
  if (host.success_rate >= 0) status.mutable_success_rate()->set_value(host.success_rate);
  if (host.local_origin_success_rate >= 0)
    status.mutable_local_origin_success_rate()->set_value(host.local_origin_success_rate);
  auto& health = *status.mutable_health_status();
  health.set_failed_active_health_check(host.failed_active_health_check);
  health.set_failed_outlier_check(host.failed_outlier_check);
  health.set_pending_active_hc(host.pending_active_health_check);
  health.set_eds_health_status(host.is_unhealthy  ? envoy::config::core::v3::UNHEALTHY
                               : host.is_degraded ? envoy::config::core::v3::DEGRADED
                                                  : envoy::config::core::v3::HEALTHY);
}

base::Result<std::string> clusters_json(const std::vector<ClusterStatus>& clusters) {
  envoy::admin::v3::Clusters message;
  for (const ClusterStatus& cluster : clusters) {
    auto& status = *message.add_cluster_statuses();
    status.set_name(cluster.name);
    status.set_observability_name(cluster.observability_name);
    status.set_added_via_api(cluster.added_via_api);
    if (cluster.success_rate_threshold > 0)
      status.mutable_success_rate_ejection_threshold()->set_value(cluster.success_rate_threshold);
    if (cluster.local_origin_success_rate_threshold > 0) {
      status.mutable_local_origin_success_rate_ejection_threshold()->set_value(
          cluster.local_origin_success_rate_threshold);
    }
    fill_breakers(status, envoy::config::core::v3::DEFAULT, cluster.default_priority);
    fill_breakers(status, envoy::config::core::v3::HIGH, cluster.high_priority);
    for (const HostStatus& host : cluster.hosts) fill_host(*status.add_host_statuses(), host);
  }
  return message_to_json(message);
}

std::string listeners_text(const std::vector<ListenerStatus>& listeners) {
  std::string out;
  for (const ListenerStatus& listener : listeners) {
    for (const std::string& address : listener.addresses) {
      observe::append_without_controls(out, listener.name);
      out += "::";
      observe::append_without_controls(out, address);
      out += '\n';
    }
  }
  return out;
}

base::Result<std::string> listeners_json(const std::vector<ListenerStatus>& listeners) {
  envoy::admin::v3::Listeners message;
  for (const ListenerStatus& listener : listeners) {
    auto& status = *message.add_listener_statuses();
    status.set_name(listener.name);
    for (size_t i = 0; i < listener.addresses.size(); ++i) {
      set_address(i == 0 ? *status.mutable_local_address() : *status.add_additional_local_addresses(),
                  listener.addresses[i]);
    }
  }
  return message_to_json(message);
}

AdminResponse json_response(base::Result<std::string> json) {
  if (!json) return {.status = 500, .body = json.error().message + "\n"};
  return {.content_type = kJson, .body = std::move(*json)};
}

}  // namespace

void Pages::clusters(const AdminRequest& request, base::WallTime, Respond& respond) {
  bool is_json = request.query.find("format").value_or("") == "json";
  re2::RE2::Options options;
  options.set_log_errors(false);
  const auto filter = std::make_shared<re2::RE2>(std::string(request.query.find("filter").value_or("")), options);
  if (!filter->ok()) return respond({.status = 400, .body = "Invalid re2 regex"});
  backend_.gather_clusters([is_json, filter, respond](std::vector<ClusterStatus> clusters) {
    std::erase_if(clusters, [&](const ClusterStatus& one) { return !re2::RE2::PartialMatch(one.name, *filter); });
    respond(is_json ? json_response(clusters_json(clusters)) : AdminResponse{.body = clusters_text(clusters)});
  });
}

void Pages::listeners(const AdminRequest& request, base::WallTime, Respond& respond) {
  bool is_json = request.query.find("format").value_or("") == "json";
  backend_.gather_listeners([is_json, respond](std::vector<ListenerStatus> listeners) {
    respond(is_json ? json_response(listeners_json(listeners)) : AdminResponse{.body = listeners_text(listeners)});
  });
}

}  // namespace weft::admin
