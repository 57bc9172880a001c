#include "proxy/pool.h"

#include <utility>

#include "net/tls_session.h"
#include "proxy/stats.h"
#include "proxy/tcp_tunnel.h"
#include "proxy/worker_cluster.h"

namespace weft::proxy {

// ------------------------------------------------------------------ PoolConnection

PoolConnection::PoolConnection(HostPool& pool) : pool_(pool), created_(pool.cluster().loop().now()) {
  WorkerCluster& cluster = pool.cluster();
  net::Loop& loop = cluster.loop();
  id_ = cluster.next_connection_id();
  timer_.set_callback(net::Timer::Callback::bind<&PoolConnection::on_connect_timeout>(*this));
  duration_timer_.set_callback(net::Timer::Callback::bind<&PoolConnection::on_max_duration>(*this));
  loop.arm(timer_, cluster.config().connect_timeout);

  net::ConnectOptions options;
  options.bind_to = cluster.config().bind_to;
  options.keep_alive = cluster.config().tcp_keepalive;
  transport_.reset(
      new net::Connection(loop, pool.host().address, options, cluster.new_tls_session(pool.kind()), *this));
  transport_->set_high_mark(cluster.config().buffer_bytes);
  cluster.stats().counter(ClusterStat::upstream_cx_total).add();
  cluster.stats().gauge(ClusterStat::upstream_cx_active).add();
  pool.host().cx_total.add();
  pool.host().cx_active.add();
}

PoolConnection::~PoolConnection() = default;

http::ClientStream& PoolConnection::open(http::ClientStreamHandler& handler) {
  timer_.cancel();
  http::ClientStream& stream = codec_->open(handler);
  const uint32_t requests_max = pool_.cluster().config().max_requests_per_connection;
  if (requests_max != 0 && codec_->streams_opened() >= requests_max) {
    pool_.cluster().stats().counter(ClusterStat::upstream_cx_max_requests).add();
    drain();
  }
  return stream;
}

size_t PoolConnection::expected_capacity() const {
  const ClusterConfig& config = pool_.cluster().config();
  if (!pool_.kind().is_h2) return 1;
  return config.max_requests_per_connection != 0
             ? std::min<size_t>(config.max_requests_per_connection, config.h2.concurrent_streams_max)
             : config.h2.concurrent_streams_max;
}

void PoolConnection::drain() {
  if (is_closing_) return;
  is_closing_ = true;
  unlink();
  pool_.connections_.push_back(*this);
  if (is_connecting()) {
    is_local_close_ = true;
    transport_->close();
    return retire(true);
  }
  is_local_close_ = true;
  codec_->drain();
}

void PoolConnection::close() {
  is_closing_ = true;
  is_local_close_ = true;
  if (is_connecting()) {
    transport_->close();
    return retire(true, false);  // whoever waits is ended too: another one would be closed in turn, for ever
  }
  codec_->close();
}

void PoolConnection::on_connected() { connected_ = pool_.cluster().loop().now(); }

void PoolConnection::on_open() {
  WorkerCluster& cluster = pool_.cluster();
  timer_.cancel();
  opened_ = cluster.loop().now();
  cluster.stats().histogram(ClusterStat::upstream_cx_connect_ms).record(base::to_milliseconds(opened_ - created_));
  local_text_ = transport_->local_address().to_string();
  if (transport_->tls() != nullptr) tls_ = std::make_shared<TlsView>(transport_->tls()->info());
  const std::string_view alpn = transport_->tls() != nullptr ? transport_->tls()->alpn() : std::string_view();
  const bool is_h2 = pool_.kind().is_h2 || (cluster.config().protocol == ClusterConfig::Protocol::Auto && alpn == "h2");
  if (pool_.kind().is_tcp) {
    codec_ = make_tcp_tunnel(std::move(transport_), cluster.config().buffer_bytes, *this);
  } else if (is_h2) {
    codec_stats_ = &cluster.codec_stats(true);
    codec_ = http::make_h2_client(std::move(transport_), cluster.config().h2, codec_stats_->counters(), *this);
    cluster.stats().counter(ClusterStat::upstream_cx_http2_total).add();
  } else {
    codec_stats_ = &cluster.codec_stats(false);
    http::H1Options options = cluster.config().h1;
    options.buffer_bytes = cluster.config().buffer_bytes;
    codec_ = http::make_h1_client(std::move(transport_), options, codec_stats_->counters(), *this);
    cluster.stats().counter(ClusterStat::upstream_cx_http1_total).add();
  }
  if (cluster.config().max_connection_duration)
    cluster.loop().arm(duration_timer_, *cluster.config().max_connection_duration);
  pool_.on_ready(*this);
  if (active_streams() == 0) note_idle();
}

// Nothing is read before the codec takes the transport; bytes that come with the handshake wait in the connection.
void PoolConnection::on_data(base::Slice) {}
void PoolConnection::on_end() {
  on_close(base::Error(base::ErrorCode::ConnectFailed, "closed before the connection was ready"));
}

void PoolConnection::on_close(const base::Error& error) {
  if (is_retired_) return;
  transport_->close();
  fail(PoolFailure::ConnectFailed, connect_failure_text(error.message));
}

// Envoy's words for what the system said ("cannot connect to 10.0.0.1:80: Connection refused"); others stay.
std::string PoolConnection::connect_failure_text(const std::string& message) {
  if (!message.starts_with("cannot connect to ")) return message;
  return "delayed connect error: " + message.substr(message.rfind(": ") + 2);
}

void PoolConnection::on_connect_timeout() {
  if (!is_connecting()) return on_idle_timeout();
  pool_.cluster().stats().counter(ClusterStat::upstream_cx_connect_timeout).add();
  transport_->close();
  fail(PoolFailure::ConnectTimeout, "");
}

void PoolConnection::fail(PoolFailure failure, std::string reason) {
  HostPool& pool = pool_;
  pool.cluster().stats().counter(ClusterStat::upstream_cx_connect_fail).add();
  pool.host().cx_connect_fail.add();
  retire(failure == PoolFailure::ConnectTimeout, false);
  pool.fail_pending(failure, reason);
}

void PoolConnection::note_cut_stream(bool is_local) {
  has_cut_stream_ = true;
  is_cut_here_ = is_local;
}

// Long-lived connections show their bytes after each stream, not only at their end.
void PoolConnection::publish() {
  if (codec_stats_ != nullptr) codec_stats_->publish();
  observe::StatGroup& stats = pool_.cluster().stats();
  net::Connection& wire = transport();
  stats.counter(ClusterStat::upstream_cx_rx_bytes_total)
      .add(wire.bytes_received() - std::exchange(bytes_received_, wire.bytes_received()));
  stats.counter(ClusterStat::upstream_cx_tx_bytes_total)
      .add(wire.bytes_sent() - std::exchange(bytes_sent_, wire.bytes_sent()));
}

void PoolConnection::on_capacity() {
  publish();
  if (active_streams() == 0) note_idle();
  if (can_open()) pool_.on_ready(*this);
}

void PoolConnection::on_draining() {
  if (is_closing_) return;
  pool_.cluster().stats().counter(ClusterStat::upstream_cx_close_notify).add();
  is_closing_ = true;
  unlink();
  pool_.connections_.push_back(*this);
}

void PoolConnection::on_connection_closed(const http::StreamEnd& end) {
  if (end.kind == http::StreamEnd::Kind::ProtocolError)
    pool_.cluster().stats().counter(ClusterStat::upstream_cx_protocol_error).add();
  retire(is_local_close_);
}

void PoolConnection::note_idle() {
  const auto& idle = pool_.cluster().config().idle_timeout;
  if (idle && *idle > base::Duration::zero() && !is_closing_) pool_.cluster().loop().arm(timer_, *idle);
}

void PoolConnection::on_idle_timeout() {
  if (active_streams() > 0) return;
  pool_.cluster().stats().counter(ClusterStat::upstream_cx_idle_timeout).add();
  close();
}

void PoolConnection::on_max_duration() {
  pool_.cluster().stats().counter(ClusterStat::upstream_cx_max_duration_reached).add();
  drain();
}

void PoolConnection::retire(bool is_local, bool replace) {
  if (is_retired_) return;
  is_retired_ = true;
  is_closing_ = true;
  if (has_cut_stream_) is_local = is_cut_here_;
  timer_.cancel();
  duration_timer_.cancel();
  WorkerCluster& cluster = pool_.cluster();
  observe::StatGroup& stats = cluster.stats();
  publish();
  stats.gauge(ClusterStat::upstream_cx_active).subtract();
  stats.counter(ClusterStat::upstream_cx_destroy).add();
  stats.counter(is_local ? ClusterStat::upstream_cx_destroy_local : ClusterStat::upstream_cx_destroy_remote).add();
  if (has_cut_stream_) {
    stats.counter(ClusterStat::upstream_cx_destroy_with_active_rq).add();
    stats
        .counter(is_local ? ClusterStat::upstream_cx_destroy_local_with_active_rq
                          : ClusterStat::upstream_cx_destroy_remote_with_active_rq)
        .add();
  }
  stats.histogram(ClusterStat::upstream_cx_length_ms).record(base::to_milliseconds(cluster.loop().now() - created_));
  pool_.host().cx_active.subtract();
  cluster.breaker(pool_.kind().is_high_priority).connections().give_back();
  pool_.on_gone(*this, replace);
}

// ------------------------------------------------------------------ HostPool

HostPool::HostPool(WorkerCluster& cluster, std::shared_ptr<Host> host, const PoolKind& kind)
    : cluster_(cluster),
      host_(std::move(host)),
      kind_(kind),
      serve_(net::Deferred::Callback::bind<&HostPool::serve_pending>(*this)) {}

HostPool::~HostPool() {
  WEFT_ASSERT(pending_.is_empty());
  while (PoolConnection* connection = connections_.pop_front()) delete connection;
}

HostPool::Answer HostPool::acquire(PoolCaller& caller) {
  PoolConnection* front = connections_.front();
  if (front != nullptr && front->can_open() && pending_count_ == 0) {
    if (!take_request()) return {};
    // A connection that will have no room after this stream goes behind those that have.
    if (front->active_streams() + 1 >= front->codec_->streams_max()) {
      front->unlink();
      connections_.push_back(*front);
    }
    if (cluster_.config().preconnect_ratio > 1.0) cluster_.loop().defer(serve_);  // when its stream is open
    return {.connection = front};
  }
  if (!cluster_.breaker(kind_.is_high_priority).pending_requests().try_take()) {
    cluster_.stats().counter(ClusterStat::upstream_rq_pending_overflow).add();
    cluster_.on_pool_empty(*this);
    return {.is_queue_full = true};
  }
  pending_.push_back(caller);
  ++pending_count_;
  host_->rq_pending_active.add();
  cluster_.stats().counter(ClusterStat::upstream_rq_pending_total).add();
  cluster_.stats().gauge(ClusterStat::upstream_rq_pending_active).add();
  make_connections();
  return {.is_waiting = true};
}

void HostPool::cancel(PoolCaller& caller) {
  if (!caller.is_linked()) return;
  drop_pending(caller);
  cluster_.stats().counter(ClusterStat::upstream_rq_cancelled).add();
  cluster_.on_pool_empty(*this);
}

void HostPool::drop_pending(PoolCaller& caller) {
  caller.unlink();
  --pending_count_;
  host_->rq_pending_active.subtract();
  cluster_.stats().gauge(ClusterStat::upstream_rq_pending_active).subtract();
  cluster_.breaker(kind_.is_high_priority).pending_requests().give_back();
}

bool HostPool::take_request() {
  if (cluster_.breaker(kind_.is_high_priority).requests().try_take()) return true;
  cluster_.stats().counter(ClusterStat::upstream_rq_active_overflow).add();
  return false;
}

void HostPool::release_request() { cluster_.breaker(kind_.is_high_priority).requests().give_back(); }

// Requests, waiting or active, times the preconnect ratio against the streams that there is or will be room for. A host
// that is ejected gets no connection ahead of need.
bool HostPool::wants_connection() {
  const double ratio = host_->is_usable() ? cluster_.config().preconnect_ratio : 1.0;
  size_t active = 0, room = 0;
  connections_.for_each([&](PoolConnection& c) {
    active += c.active_streams();
    if (c.is_connecting()) room += c.is_retired_ ? 0 : c.expected_capacity();
    else if (c.can_open()) room += c.codec_->streams_max() - c.active_streams();
  });
  return static_cast<double>(pending_count_ + active) * ratio > static_cast<double>(room + active);
}

// Envoy makes at most three connections for one new request.
void HostPool::make_connections() {
  for (int made = 0; made < 3 && wants_connection(); ++made) {
    if (!make_one()) return;
  }
}

// At the connection limit a pool without any connection still makes one, or its requests would wait for ever.
bool HostPool::make_one() {
  const uint64_t per_host = cluster_.config().breakers[kind_.is_high_priority ? 1 : 0].connections_per_host_max;
  const bool is_allowed =
      host_->cx_active.value() < per_host && cluster_.breaker(kind_.is_high_priority).connections().try_take();
  if (!is_allowed) {
    cluster_.stats().counter(ClusterStat::upstream_cx_overflow).add();
    if (connection_count_ > 0) return false;
    cluster_.breaker(kind_.is_high_priority).connections().take();
  }
  auto* connection = new PoolConnection(*this);
  connections_.push_back(*connection);
  ++connection_count_;
  return true;
}

void HostPool::on_ready(PoolConnection& connection) {
  if (!connection.can_open()) return;
  connection.unlink();
  connections_.push_front(connection);
  if (pending_count_ > 0) cluster_.loop().defer(serve_);
}

void HostPool::serve_pending() {
  while (PoolCaller* caller = pending_.front()) {
    PoolConnection* connection = connections_.front();
    if (connection == nullptr || !connection->can_open()) break;
    drop_pending(*caller);
    if (!take_request()) {
      caller->on_pool_failure(PoolFailure::Overflow, "");
      continue;
    }
    if (connection->active_streams() + 1 >= connection->codec_->streams_max()) {
      connection->unlink();
      connections_.push_back(*connection);
    }
    caller->on_connection_ready(*connection);
  }
  if (pending_count_ > 0 || cluster_.config().preconnect_ratio > 1.0) make_connections();
}

// Whoever waits learns that the host does not answer, and may try another one.
void HostPool::fail_pending(PoolFailure failure, std::string_view reason) {
  base::IntrusiveList<PoolCaller> failed;
  while (PoolCaller* caller = pending_.front()) {
    drop_pending(*caller);
    failed.push_back(*caller);
  }
  while (PoolCaller* caller = failed.pop_front()) {
    cluster_.stats().counter(ClusterStat::upstream_rq_pending_failure_eject).add();
    caller->on_pool_failure(failure, reason);
  }
  cluster_.on_pool_empty(*this);
}

void HostPool::on_gone(PoolConnection& connection, bool replace) {
  connection.unlink();
  --connection_count_;
  cluster_.loop().destroy_later(std::unique_ptr<net::Destroyable>(&connection));
  if (pending_count_ > 0) {
    if (replace) make_connections();
  } else {
    cluster_.on_pool_empty(*this);
  }
}

bool HostPool::is_busy() {
  size_t streams = pending_count_;
  connections_.for_each([&](PoolConnection& c) { streams += c.active_streams(); });
  return streams > 0;
}

// A connection being made for somebody who waits goes on: it is newer than the reason to drain.
void HostPool::drain() {
  connections_.for_each([this](PoolConnection& c) {
    if (!c.is_connecting() || pending_count_ == 0) c.drain();
  });
}

void HostPool::leave_if_ejected() {
  if (!host_->is_ejected()) return;
  if (std::exchange(drained_for_, host_->outlier.ejected_at.value()) == host_->outlier.ejected_at.value()) return;
  if (kind_.is_tcp && cluster_.config().close_connections_on_host_health_failure) {
    connections_.for_each([](PoolConnection& c) {
      if (!c.is_connecting()) c.close();
    });
  }
  drain();
}

void HostPool::close_all() {
  connections_.for_each([](PoolConnection& c) { c.close(); });
}

}  // namespace weft::proxy
