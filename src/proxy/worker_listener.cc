#include "proxy/worker_listener.h"

#include <algorithm>
#include <climits>

#include "net/tls_context.h"
#include "proxy/http_connection.h"
#include "proxy/incoming_connection.h"
#include "proxy/listener_state.h"
#include "proxy/stats.h"
#include "proxy/worker.h"

namespace weft::proxy {

WorkerListener::WorkerListener(Worker& worker, ListenerState& state, std::vector<net::ListenSocket*> sockets)
    : worker_(worker), state_(state), config_(state.config()), chains_(*config_), sockets_(std::move(sockets)) {
  const std::string name =
      config_->stat_prefix.empty() ? stat_name(config_->address.to_string()) : config_->stat_prefix;
  stats_ =
      &worker.stat_group({"listener." + name + ".", "listener.", {{"envoy.listener_address", name}}}, kListenerStats);
  const std::string number = std::to_string(worker.index());
  worker_stats_ = &worker.stat_group({"listener." + name + ".worker_" + number + ".",
                                      "listener.worker.",
                                      {{"envoy.worker_id", number}, {"envoy.listener_address", name}}},
                                     kListenerWorkerStats);
  if (config_->has_tls_inspector)
    tls_inspector_stats_ = &worker.stat_group({"tls_inspector.", "tls_inspector.", {}}, kTlsInspectorStats);
  const auto has_tls = [](const FilterChainConfig& chain) { return chain.tls != nullptr; };
  if (std::any_of(config_->filter_chains.begin(), config_->filter_chains.end(), has_tls) ||
      (config_->default_filter_chain && has_tls(*config_->default_filter_chain))) {
    tls_stats_.set_group(
        worker.stat_group({"listener." + name + ".", "listener.", {{"envoy.listener_address", name}}}, kTlsStats));
  }
  // Before any connection: a rate over a series that begins with its first event misses that event.
  for (const FilterChainConfig& chain : config_->filter_chains) http_counters(*chain.hcm);
  if (config_->default_filter_chain) http_counters(*config_->default_filter_chain->hcm);
}

WorkerListener::~WorkerListener() {
  while (IncomingConnection* c = incoming_.pop_front()) delete c;
  WEFT_ASSERT(connections_.is_empty());
}

void WorkerListener::start() {
  if (!config_->bind_to_port) return;
  for (net::ListenSocket* socket : sockets_) accepting_.push_back(worker_.loop().start_accepting(*socket, *this));
}

void WorkerListener::on_accept(net::AcceptedSocket socket) {
  if (!config_->exact_balance || worker_.worker_count() == 1) {
    state_.count(worker_.index()).add();
    return take(std::move(socket));
  }
  const size_t chosen = state_.take_least_loaded();
  if (chosen == worker_.index()) return take(std::move(socket));
  worker_.hand_over(chosen, state_, std::move(socket));
}

void WorkerListener::take(net::AcceptedSocket socket) {
  ++connection_count_;
  stats_->counter(ListenerStat::downstream_cx_total).add();
  stats_->gauge(ListenerStat::downstream_cx_active).add();
  worker_stats_->counter(ListenerWorkerStat::downstream_cx_total).add();
  worker_stats_->gauge(ListenerWorkerStat::downstream_cx_active).add();
  auto* incoming = new IncomingConnection(*this, std::move(socket));
  incoming_.push_back(*incoming);
  incoming->start();
}

int WorkerListener::accepts_per_event_max() const {
  return config_->accepts_per_event_max != 0
             ? static_cast<int>(std::min<uint32_t>(config_->accepts_per_event_max, INT_MAX))
             : INT_MAX;
}

void WorkerListener::on_accept_event(int count) {
  if (count > 0)
    stats_->histogram(ListenerStat::connections_accepted_per_socket_event).record(static_cast<uint64_t>(count));
}

void WorkerListener::on_accept_error(const base::Error& error) {
  stats_->counter(ListenerStat::downstream_cx_overflow).add();
  worker_.warn_rarely("listener " + config_->name + ": accept: " + error.message);
}

void WorkerListener::log(const Ended& ended) {
  observe::RequestInfo info;
  info.duration = worker_.loop().now() - ended.accepted;
  info.start = worker_.loop().wall_now() - *info.duration;
  info.connection_id = ended.connection_id;
  info.downstream_remote_address = info.downstream_direct_remote_address = ended.remote;
  info.downstream_local_address = ended.local;
  info.requested_server_name = ended.server_name;
  info.downstream_transport_failure_reason = ended.transport_failure;
  info.listener_name = config_->name;
  info.filter_chain_name = ended.filter_chain;
  info.set(observe::MetadataSource::Listener, config_->metadata.get());
  info.downstream_tls = ended.tls;
  info.flags = ended.flag;
  info.response_code_details = ended.details;
  info.log_type = "NotSet";
  info.random = &worker_.loop().random();
  worker_.write_access_logs(config_->access_logs, info, worker_.loop().random().next());
}

void WorkerListener::on_connection_gone(const Ended& ended) {
  if (!config_->access_logs.empty()) log(ended);
  stats_->histogram(ListenerStat::downstream_cx_length_ms)
      .record(static_cast<uint64_t>(base::to_milliseconds(worker_.loop().now() - ended.accepted)));
  worker_stats_->gauge(ListenerWorkerStat::downstream_cx_active).subtract();
  --connection_count_;
  state_.count(worker_.index()).subtract();
  stats_->gauge(ListenerStat::downstream_cx_active).subtract();
  stats_->counter(ListenerStat::downstream_cx_destroy).add();
  worker_.on_connection_gone();
}

void WorkerListener::stop_accepting() {
  for (const net::Handle handle : accepting_) worker_.loop().finish_accepting(handle);
  accepting_.clear();
}

void WorkerListener::drain_connections() {
  connections_.for_each([](HttpConnection& c) { c.drain(); });
}

void WorkerListener::close_incoming() {
  incoming_.for_each([](IncomingConnection& c) { c.close(); });
}

void WorkerListener::close_connections() {
  close_incoming();
  connections_.for_each([](HttpConnection& c) { c.close(); });
}

std::unique_ptr<net::TlsSession> WorkerListener::new_tls_session(const FilterChainConfig& chain, std::string& failure) {
  ChainTls& tls = tls_[&chain];
  if (tls.context == nullptr) {
    tls.config = chain.tls;
    tls.tickets = state_.tickets(chain);
    auto made = worker_.tls_context(*chain.tls, net::TlsRole::Server);
    if (!made) {
      failure = made.error().message;
      return nullptr;
    }
    tls.context = *made;
  }
  net::ServerSessionOptions options;
  options.rules = std::shared_ptr<const net::PeerRules>(tls.config, &tls.config->peer);
  options.tickets = tls.tickets;
  options.observer = &tls_stats_;
  return tls.context->new_server_session(net::TlsEnvironment(worker_.loop()), std::move(options));
}

base::Status WorkerListener::replace_tls(const FilterChainConfig& chain,
                                         std::shared_ptr<const net::TlsContextConfig> config) {
  auto made = worker_.tls_context(*config, net::TlsRole::Server);
  if (!made) return made.error();
  ChainTls& tls = tls_[&chain];
  if (tls.tickets == nullptr) tls.tickets = state_.tickets(chain);
  tls.config = std::move(config);
  tls.context = *made;
  return {};
}

void WorkerListener::replace_tickets(const FilterChainConfig& chain, std::shared_ptr<const net::TicketKeys> tickets) {
  tls_[&chain].tickets = std::move(tickets);
}

WorkerListener::HcmCounters& WorkerListener::http_counters(const HcmConfig& hcm) {
  std::unique_ptr<HcmCounters>& counters = http_[&hcm];
  if (counters == nullptr) {
    counters = std::make_unique<HcmCounters>();
    counters->h1_options = hcm.h1;
    counters->h1_options.buffer_bytes = config_->buffer_bytes;
    const std::string name = stat_name(hcm.stat_prefix);
    counters->stats =
        &worker_.stat_group({"http." + name + ".", "http.", {{"envoy.http_conn_manager_prefix", name}}}, kHttpStats);
    const std::string address =
        config_->stat_prefix.empty() ? stat_name(config_->address.to_string()) : config_->stat_prefix;
    counters->of_listener =
        &worker_.stat_group({"listener." + address + ".http." + name + ".",
                             "listener.http.",
                             {{"envoy.http_conn_manager_prefix", name}, {"envoy.listener_address", address}}},
                            kListenerHttpStats);
    for (const FilterConfig& filter : hcm.filters) {
      const observe::StatTable* table = filter.factory->stat_table();
      const std::string prefix(filter.factory->stat_prefix());
      observe::StatScope scope{
          "http." + name + "." + prefix, "http." + prefix, {{"envoy.http_conn_manager_prefix", name}}};
      counters->filters.push_back(table != nullptr ? &worker_.stat_group(scope, *table) : nullptr);
    }
  }
  return *counters;
}

CodecStats& WorkerListener::codec_stats(const HcmConfig& hcm, bool is_h2) {
  HcmCounters& counters = http_counters(hcm);
  std::unique_ptr<CodecStats>& stats = is_h2 ? counters.h2 : counters.h1;
  if (stats == nullptr) stats = std::make_unique<CodecStats>(worker_, observe::StatScope(), is_h2, counters.stats);
  return *stats;
}

void WorkerListener::serve(const FilterChainConfig& chain, std::unique_ptr<net::Connection> transport, bool is_h2,
                           base::Chain first_bytes) {
  auto* connection = new HttpConnection(*this, chain, std::move(transport), is_h2, std::move(first_bytes));
  connections_.push_back(*connection);
  if (worker_.is_draining()) connection->drain();
}

}  // namespace weft::proxy
