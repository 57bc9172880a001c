#include "proxy/http_connection.h"

#include <utility>

#include "base/limits.h"
#include "proxy/refused_request.h"
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
      id_(listener.worker().next_connection_id()),
      is_h2_(is_h2) {
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
    codec_ = http::make_h1_server(std::move(transport), listener.h1_options(hcm_), timeouts, counters, *this,
                                  std::move(first_bytes));
  }
  if (hcm_.max_connection_duration) listener.worker().loop().arm(duration_timer_, *hcm_.max_connection_duration);
  arm_rest();
}

HttpConnection::~HttpConnection() { WEFT_ASSERT(exchanges_.is_empty()); }

const ExchangeOrigin& HttpConnection::origin() {
  if (origin_ != nullptr) return origin_->facts;
  origin_ = std::make_unique<Origin>();
  net::Connection& transport = codec_->transport();
  origin_->remote_text = transport.peer_address().to_string();
  origin_->local_text = transport.local_address().to_string();
  if (has_tls()) origin_->tls = std::make_unique<TlsView>(transport.tls()->info());
  ExchangeOrigin& facts = origin_->facts;
  facts.hcm = &hcm_;
  facts.stats = &stats_;
  facts.listener_stats = &listener_.listener_http_stats(hcm_);
  facts.is_inbound = listener_.config().is_inbound;
  facts.filter_stats = &listener_.filter_stats(hcm_);
  facts.remote = &transport.peer_address();
  facts.local = &transport.local_address();
  facts.remote_text = origin_->remote_text;
  facts.local_text = origin_->local_text;
  facts.tls = has_tls() ? &origin_->tls->end() : nullptr;
  facts.tls_session = transport.tls();
  facts.connection_id = id_;
  facts.listener_name = listener_.config().name;
  facts.filter_chain_name = chain_.name;
  facts.listener_metadata = listener_.config().metadata.get();
  facts.filter_chain_metadata = chain_.metadata.get();
  facts.buffer_bytes = listener_.config().buffer_bytes;
  return facts;
}

http::ServerStreamHandler& HttpConnection::on_request(http::ServerStream& stream, bool end) {
  timer_.cancel();
  ++requests_;
  stats_.counter(is_h2_ ? HttpStat::downstream_rq_http2_total : HttpStat::downstream_rq_http1_total).add();
  if (hcm_.max_requests_per_connection != 0 && requests_ >= hcm_.max_requests_per_connection && !is_draining_) {
    stats_.counter(HttpStat::downstream_cx_max_requests_reached).add();
    begin_drain();
  }
  if (is_draining_) stream.close_after();
  auto* exchange = new (listener_.worker().exchange_pool()) Exchange(listener_.worker(), *this, origin(), stream);
  exchanges_.push_back(*exchange);
  stream.set_handler(*exchange);
  exchange->begin(end);
  return *exchange;
}

void HttpConnection::on_request_refused(const http::RequestHead& request, const http::Refusal& answer,
                                        const http::StreamEnd& end) {
  const uint16_t status = answer.head.status;
  stats_.counter(HttpStat::downstream_rq_total).add();
  stats_.counter(is_h2_ ? HttpStat::downstream_rq_http2_total : HttpStat::downstream_rq_http1_total).add();
  // As Envoy, which ends such a stream by a reset; a request without host was complete.
  const bool is_reset = end.detail != "missing_host_header";
  if (is_reset) stats_.counter(HttpStat::downstream_rq_rx_reset).add();
  if (is_reset && status != 0) stats_.counter(HttpStat::downstream_rq_response_before_rq_complete).add();
  if (status != 0) count_downstream_status(stats_, &listener_.listener_http_stats(hcm_), status);
  if (end.kind == http::StreamEnd::Kind::ConnectionClosed) has_cut_request_ = true;
  if (end.detail == "request_header_timeout") stats_.counter(HttpStat::downstream_rq_header_timeout).add();
  codec_stats_.publish();
  Worker& worker = listener_.worker();
  RefusedRequest refused(origin(), request, is_h2_ ? http::Version::Http2 : request.version, end, worker.loop());
  refused.set_answer(answer);
  worker.write_access_logs(hcm_.access_logs, refused.info(), worker.loop().random().next());
}

void HttpConnection::on_refusal(const http::RequestHead& request, http::Refusal& answer) {
  Worker& worker = listener_.worker();
  const http::StreamEnd end{.kind = http::StreamEnd::Kind::ProtocolError, .detail = answer.detail};
  RefusedRequest refused(origin(), request, is_h2_ ? http::Version::Http2 : request.version, end, worker.loop());
  shape_refusal(answer, request, hcm_, refused.info(), worker.loop().random().next(), worker.date());
}

void HttpConnection::on_connection_closed(const http::StreamEnd&) {
  count_end();
  timer_.cancel();
  duration_timer_.cancel();
  unlink();
  WorkerListener::Ended ended{.accepted = created_};
  if (!listener_.config().access_logs.empty()) {
    const ExchangeOrigin& facts = origin();
    ended.connection_id = facts.connection_id;
    ended.remote = facts.remote_text;
    ended.local = facts.local_text;
    ended.filter_chain = facts.filter_chain_name;
    ended.tls = facts.tls;
    if (facts.tls != nullptr) ended.server_name = facts.tls->server_name;
  }
  listener_.on_connection_gone(ended);
  listener_.worker().loop().destroy_later(std::unique_ptr<net::Destroyable>(this));
}

// Long-lived connections show their bytes after each request, not only at their end.
void HttpConnection::publish() {
  codec_stats_.publish();
  net::Connection& wire = codec_->transport();
  stats_.counter(HttpStat::downstream_cx_rx_bytes_total)
      .add(wire.bytes_received() - std::exchange(bytes_received_, wire.bytes_received()));
  stats_.counter(HttpStat::downstream_cx_tx_bytes_total)
      .add(wire.bytes_sent() - std::exchange(bytes_sent_, wire.bytes_sent()));
}

void HttpConnection::count_end() {
  publish();
  stats_.counter(HttpStat::downstream_cx_destroy).add();
  stats_.counter(is_local_close_ ? HttpStat::downstream_cx_destroy_local : HttpStat::downstream_cx_destroy_remote)
      .add();
  if (has_cut_request_) {
    stats_.counter(HttpStat::downstream_cx_destroy_active_rq).add();
    stats_
        .counter(is_local_close_ ? HttpStat::downstream_cx_destroy_local_active_rq
                                 : HttpStat::downstream_cx_destroy_remote_active_rq)
        .add();
  }
  stats_.gauge(HttpStat::downstream_cx_active).subtract();
  if (has_tls()) stats_.gauge(HttpStat::downstream_cx_ssl_active).subtract();
  stats_.gauge(is_h2_ ? HttpStat::downstream_cx_http2_active : HttpStat::downstream_cx_http1_active).subtract();
  stats_.histogram(HttpStat::downstream_cx_length_ms)
      .record(base::to_milliseconds(listener_.worker().loop().now() - created_));
}

void HttpConnection::on_exchange_done(Exchange& exchange) {
  exchange.unlink();
  if ((exchange.request_info().flags & observe::kDownstreamConnectionTermination) != 0) has_cut_request_ = true;
  publish();
  if (exchanges_.is_empty()) arm_rest();
}

void HttpConnection::drain() {
  if (is_draining_) return;
  stats_.counter(HttpStat::downstream_cx_drain_close).add();
  if (is_h2_ || !exchanges_.is_empty()) return begin_drain();
  // A request may be on its way: it gets its answer, which tells that it is the last.
  is_draining_ = is_local_close_ = true;
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_drain_notice>(*this));
  listener_.worker().loop().arm(timer_, base::kDrainNotice);
}

void HttpConnection::begin_drain() {
  if (is_draining_) return;
  is_draining_ = true;
  is_local_close_ = true;
  codec_->drain();
}

void HttpConnection::close() {
  is_local_close_ = true;
  codec_->close();
}

// A connection without requests rests after a while, and ends by its idle timeout later (or, where that is shorter, at
// once).
void HttpConnection::arm_rest() {
  if (is_draining_) return;
  if (hcm_.idle_timeout && *hcm_.idle_timeout > base::Duration::zero() && *hcm_.idle_timeout <= base::kConnectionRest) {
    timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_idle_timeout>(*this));
    return listener_.worker().loop().arm(timer_, *hcm_.idle_timeout);
  }
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_rest>(*this));
  listener_.worker().loop().arm(timer_, base::kConnectionRest);
}

// Of many connections most are idle: what the next request can make again is not kept for it.
void HttpConnection::on_rest() {
  origin_.reset();
  if (has_tls()) codec_->transport().tls()->forget_info();
  codec_->rest();
  if (!hcm_.idle_timeout || *hcm_.idle_timeout <= base::Duration::zero()) return;
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_idle_timeout>(*this));
  listener_.worker().loop().arm(timer_, *hcm_.idle_timeout - base::kConnectionRest);
}

// Envoy 1.40: a connection that never had a request closes at once; one that served some drains for drain_timeout
// first, because its client may be sending already.
void HttpConnection::on_idle_timeout() {
  stats_.counter(HttpStat::downstream_cx_idle_timeout).add();
  if (requests_ == 0) return close();
  if (is_h2_) return begin_drain();
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_drain_timeout>(*this));
  listener_.worker().loop().arm(timer_, hcm_.drain_timeout);
}

void HttpConnection::on_max_duration() {
  stats_.counter(HttpStat::downstream_cx_max_duration_reached).add();
  if (requests_ == 0) return close();
  if (is_h2_ || !exchanges_.is_empty()) return begin_drain();
  timer_.set_callback(net::Timer::Callback::bind<&HttpConnection::on_drain_timeout>(*this));
  listener_.worker().loop().arm(timer_, hcm_.drain_timeout);
}

void HttpConnection::on_drain_timeout() { begin_drain(); }
void HttpConnection::on_drain_notice() { codec_->drain(); }

}  // namespace weft::proxy
