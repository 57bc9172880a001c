#include "proxy/http_connection.h"

#include "proxy/stats.h"
#include "proxy/worker.h"
#include "proxy/worker_listener.h"

namespace weft::proxy {

HttpConnection::HttpConnection(WorkerListener& listener, const FilterChainConfig& chain,
                               std::unique_ptr<net::Connection> transport, bool is_h2, base::Chain first_bytes)
    : listener_(listener),
      chain_(chain),
      hcm_(*chain.hcm),
      stats_(listener.http_stats(hcm_)),
      codec_stats_(listener.codec_stats(hcm_, is_h2)),
      timer_(net::Timer::Callback::bind<&HttpConnection::on_idle_timeout>(*this)),
      duration_timer_(net::Timer::Callback::bind<&HttpConnection::on_max_duration>(*this)),
      created_(listener.worker().loop().now()),
      is_h2_(is_h2) {
  describe(*transport);
  stats_.counter(HttpStat::downstream_cx_total).add();
  stats_.gauge(HttpStat::downstream_cx_active).add();
  if (tls_ != nullptr) {
    stats_.counter(HttpStat::downstream_cx_ssl_total).add();
    stats_.gauge(HttpStat::downstream_cx_ssl_active).add();
  }
  stats_.counter(is_h2 ? HttpStat::downstream_cx_http2_total : HttpStat::downstream_cx_http1_total).add();
  stats_.gauge(is_h2 ? HttpStat::downstream_cx_http2_active : HttpStat::downstream_cx_http1_active).add();

  transport->set_high_mark(listener.config().buffer_bytes);
  http::ServerTimeouts timeouts;
  timeouts.request_headers = hcm_.request_headers_timeout;
  timeouts.delayed_close = hcm_.delayed_close_timeout;
  http::CodecCounters& counters = codec_stats_.counters();
  if (is_h2) {
    codec_ = http::make_h2_server(std::move(transport), hcm_.h2, timeouts, counters, *this, std::move(first_bytes));
  } else {
    http::H1Options options = hcm_.h1;
    options.buffer_bytes = listener.config().buffer_bytes;
    codec_ = http::make_h1_server(std::move(transport), options, timeouts, counters, *this, std::move(first_bytes));
  }
  if (hcm_.max_connection_duration) listener.worker().loop().arm(duration_timer_, *hcm_.max_connection_duration);
  arm_idle();
}

HttpConnection::~HttpConnection() { WEFT_ASSERT(exchanges_.is_empty()); }

void HttpConnection::describe(net::Connection& transport) {
  remote_text_ = transport.peer_address().to_string();
  local_text_ = transport.local_address().to_string();
  if (transport.tls() != nullptr) tls_ = std::make_unique<TlsView>(transport.tls()->info());
  origin_.hcm = &hcm_;
  origin_.stats = &stats_;
  origin_.filter_stats = &listener_.filter_stats(hcm_);
  origin_.remote = &transport.peer_address();
  origin_.local = &transport.local_address();
  origin_.remote_text = remote_text_;
  origin_.local_text = local_text_;
  origin_.tls = tls_ != nullptr ? &tls_->end() : nullptr;
  origin_.tls_session = transport.tls();
  origin_.connection_id = listener_.worker().next_connection_id();
  origin_.listener_name = listener_.config().name;
  origin_.filter_chain_name = chain_.name;
  origin_.buffer_bytes = listener_.config().buffer_bytes;
}

http::ServerStreamHandler& HttpConnection::on_request(http::ServerStream& stream, bool end) {
  timer_.cancel();
  ++requests_;
  stats_.counter(is_h2_ ? HttpStat::downstream_rq_http2_total : HttpStat::downstream_rq_http1_total).add();
  if (hcm_.max_requests_per_connection != 0 && requests_ >= hcm_.max_requests_per_connection && !is_draining_) {
    stats_.counter(HttpStat::downstream_cx_max_requests_reached).add();
    drain();
  }
  if (is_draining_) stream.close_after();
  auto* exchange = new (listener_.worker().exchange_pool()) Exchange(listener_.worker(), *this, origin_, stream);
  exchanges_.push_back(*exchange);
  stream.set_handler(*exchange);
  exchange->begin(end);
  return *exchange;
}

void HttpConnection::on_request_refused(const http::RequestHead& head, uint16_t status, const http::StreamEnd& end) {
  stats_.counter(HttpStat::downstream_rq_total).add();
  if (status >= 400 && status < 500) stats_.counter(HttpStat::downstream_rq_4xx).add();
  if (status >= 500) stats_.counter(HttpStat::downstream_rq_5xx).add();
  if (status != 0) stats_.counter(HttpStat::downstream_rq_completed).add();
  if (status == 408) stats_.counter(HttpStat::downstream_rq_header_timeout).add();
  codec_stats_.publish();
  listener_.worker().log_refused_request(origin_, head, status, end);
}

void HttpConnection::on_connection_closed(const http::StreamEnd& end) {
  count_end(end);
  codec_stats_.publish();
  timer_.cancel();
  duration_timer_.cancel();
  unlink();
  listener_.on_connection_gone(created_);
  listener_.worker().loop().destroy_later(std::unique_ptr<net::Destroyable>(this));
}

void HttpConnection::count_end(const http::StreamEnd& end) {
  net::Connection& wire = codec_->transport();
  stats_.counter(HttpStat::downstream_cx_rx_bytes_total).add(wire.bytes_received());
  stats_.counter(HttpStat::downstream_cx_tx_bytes_total).add(wire.bytes_sent());
  stats_.counter(HttpStat::downstream_cx_destroy).add();
  stats_.counter(is_local_close_ ? HttpStat::downstream_cx_destroy_local : HttpStat::downstream_cx_destroy_remote)
      .add();
  if (end.kind == http::StreamEnd::Kind::ProtocolError) stats_.counter(HttpStat::downstream_cx_protocol_error).add();
  stats_.gauge(HttpStat::downstream_cx_active).subtract();
  if (tls_ != nullptr) stats_.gauge(HttpStat::downstream_cx_ssl_active).subtract();
  stats_.gauge(is_h2_ ? HttpStat::downstream_cx_http2_active : HttpStat::downstream_cx_http1_active).subtract();
  stats_.histogram(HttpStat::downstream_cx_length_ms)
      .record(base::to_milliseconds(listener_.worker().loop().now() - created_));
}

void HttpConnection::on_exchange_done(Exchange& exchange) {
  exchange.unlink();
  codec_stats_.publish();
  if (exchanges_.is_empty()) arm_idle();
}

void HttpConnection::drain() {
  if (is_draining_) return;
  is_draining_ = true;
  origin_.is_draining = true;
  is_local_close_ = true;
  stats_.counter(HttpStat::downstream_cx_drain_close).add();
  codec_->drain();
}

void HttpConnection::close() {
  is_local_close_ = true;
  codec_->close();
}

void HttpConnection::arm_idle() {
  if (is_draining_ || !hcm_.idle_timeout || *hcm_.idle_timeout <= base::Duration::zero()) return;
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_idle_timeout>(*this));
  listener_.worker().loop().arm(timer_, *hcm_.idle_timeout);
}

// Envoy 1.40: a connection that never had a request closes at once; one that served some drains for drain_timeout
// first, because its client may be sending already.
void HttpConnection::on_idle_timeout() {
  stats_.counter(HttpStat::downstream_cx_idle_timeout).add();
  if (requests_ == 0) return close();
  if (is_h2_) return drain();
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_drain_timeout>(*this));
  listener_.worker().loop().arm(timer_, hcm_.drain_timeout);
}

void HttpConnection::on_max_duration() {
  stats_.counter(HttpStat::downstream_cx_max_duration_reached).add();
  if (requests_ == 0) return close();
  if (is_h2_ || !exchanges_.is_empty()) return drain();
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_drain_timeout>(*this));
  listener_.worker().loop().arm(timer_, hcm_.drain_timeout);
}

void HttpConnection::on_drain_timeout() { drain(); }

}  // namespace weft::proxy
