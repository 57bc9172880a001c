#include "cli/admin_backend.h"

#include "base/log.h"

namespace weft::cli {
namespace {

admin::BreakerLimits limits_of(const proxy::BreakerThresholds& t) {
  return {t.connections_max, t.pending_requests_max, t.requests_max, t.retries_max};
}

admin::HostStatus status_of(const proxy::Host& host) {
  admin::HostStatus s;
  s.address = host.address_text;
  s.hostname = host.hostname;
  s.cx_active = host.cx_active.value();
  s.cx_connect_fail = host.cx_connect_fail.value();
  s.cx_total = host.cx_total.value();
  s.rq_active = host.rq_active.value();
  s.rq_error = host.rq_error.value();
  s.rq_pending_active = host.rq_pending_active.value();
  s.rq_success = host.rq_success.value();
  s.rq_timeout = host.rq_timeout.value();
  s.rq_total = host.rq_total.value();
  s.failed_outlier_check = host.is_ejected();
  s.is_unhealthy = host.health == proxy::HostHealth::Unhealthy;
  s.is_degraded = host.health == proxy::HostHealth::Degraded;
  if (host.locality != nullptr) {
    s.region = host.locality->region;
    s.zone = host.locality->zone;
    s.sub_zone = host.locality->sub_zone;
  }
  s.weight = host.weight;
  s.priority = host.priority;
  s.success_rate = host.outlier.external.success_rate;
  s.local_origin_success_rate = host.outlier.local_origin.success_rate;
  return s;
}

admin::ClusterStatus status_of(const proxy::ClusterState& cluster) {
  const proxy::ClusterConfig& config = *cluster.config();
  admin::ClusterStatus s;
  s.name = config.name;
  s.observability_name = config.alt_stat_name.empty() ? config.name : config.alt_stat_name;
  if (const proxy::OutlierDetector* detector = cluster.outlier()) {
    s.has_outlier_detection = true;
    s.success_rate_average = detector->external_rates().average;
    s.success_rate_threshold = detector->external_rates().threshold;
    s.local_origin_success_rate_average = detector->local_origin_rates().average;
    s.local_origin_success_rate_threshold = detector->local_origin_rates().threshold;
  }
  s.default_priority = limits_of(config.breakers[0]);
  s.high_priority = limits_of(config.breakers[1]);
  for (const auto& host : cluster.hosts()->hosts) s.hosts.push_back(status_of(*host));
  return s;
}

}  // namespace

void ServerAdmin::gather_clusters(ClustersDone done) {
  main_.post([this, done = std::move(done)] {
    std::vector<admin::ClusterStatus> clusters;
    for (const auto& cluster : server_.clusters()) clusters.push_back(status_of(*cluster));
    done(std::move(clusters));
  });
}

void ServerAdmin::gather_listeners(ListenersDone done) {
  main_.post([this, done = std::move(done)] {
    std::vector<admin::ListenerStatus> listeners;
    for (const auto& listener : server_.listeners()) {
      admin::ListenerStatus s;
      s.name = listener->config()->name;
      if (listener->config()->bind_to_port) {
        for (const net::ListenSocket* socket : listener->sockets(0))
          s.addresses.push_back(socket->local_address().to_string());
      }
      listeners.push_back(std::move(s));
    }
    done(std::move(listeners));
  });
}

void ServerAdmin::drain_listeners(const admin::DrainRequest& request) {
  main_.post(
      [this, request] { server_.drain_listeners(request.is_graceful, request.skip_exit, request.inbound_only); });
}

void ServerAdmin::quit() {
  main_.post([this] { quit_(); });
}

void ServerAdmin::reopen_logs() {
  logs_.reopen();
  base::reopen_log_file();
}

}  // namespace weft::cli
