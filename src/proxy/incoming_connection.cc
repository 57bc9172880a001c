#include "proxy/incoming_connection.h"

#include <algorithm>
#include <utility>

#include "net/client_hello.h"
#include "net/tls_session.h"
#include "proxy/http_connection.h"
#include "proxy/stats.h"
#include "proxy/worker.h"
#include "proxy/worker_listener.h"

namespace weft::proxy {
namespace {

// RFC 9113 §3.4. Twelve bytes suffice to tell it from every HTTP/1 request; Envoy looks at as many.
constexpr std::string_view kPreface = "PRI * HTTP/2";
/// Pieces of a ClientHello held as they came; more are joined.
constexpr size_t kInspectedSlicesMax = 8;

}  // namespace

IncomingConnection::IncomingConnection(WorkerListener& listener, net::AcceptedSocket socket)
    : listener_(listener),
      socket_(std::move(socket)),
      accepted_(listener.worker().loop().now()),
      peer_(socket_.peer()),
      local_(socket_.local()) {}

IncomingConnection::~IncomingConnection() = default;

void IncomingConnection::start() {
  facts_.local = &local_;
  facts_.remote = &peer_;
  if (!listener_.config().has_tls_inspector) return choose_chain();
  net::Loop& loop = listener_.worker().loop();
  handle_ = loop.adopt(std::move(socket_), *this);
  listener_.stats().gauge(ListenerStat::downstream_pre_cx_active).add();
  timer_.set_callback(net::Timer::Callback::bind<&IncomingConnection::on_inspect_timeout>(*this));
  if (listener_.config().listener_filters_timeout > base::Duration::zero())
    loop.arm(timer_, listener_.config().listener_filters_timeout);
  loop.start_reading(handle_);
}

void IncomingConnection::on_data(base::Slice data) {
  if (is_finished_) return;
  if (connection_ == nullptr) return inspect(std::move(data));
  detect_version(std::move(data));
}

void IncomingConnection::inspect(base::Slice data) {
  first_bytes_.append(std::move(data));
  const std::string joined = first_bytes_.slice_count() > 1 ? first_bytes_.to_string() : std::string();
  const std::string_view bytes = joined.empty() ? first_bytes_.front().view() : std::string_view(joined);
  net::ClientHelloResult result = net::parse_client_hello(bytes);
  if (result.state == net::ClientHelloState::NeedMore) {
    // A peer that sends a byte a segment must not hold a block for each.
    if (first_bytes_.slice_count() > kInspectedSlicesMax)
      first_bytes_ = base::Chain(base::Slice::copy_of(listener_.worker().loop().blocks(), joined));
    return;
  }
  if (result.state == net::ClientHelloState::Complete) {
    facts_.transport_protocol = "tls";
    server_name_ = std::move(result.hello.server_name);
    facts_.server_name = server_name_;
    facts_.application_protocols = std::move(result.hello.alpn);
  }
  count_hello(result.state == net::ClientHelloState::Complete);
  choose_chain();
}

void IncomingConnection::count_hello(bool is_tls) {
  observe::StatGroup& stats = listener_.tls_inspector_stats();
  stats.counter(is_tls ? TlsInspectorStat::tls_found : TlsInspectorStat::tls_not_found).add();
  if (!is_tls) return;
  stats.counter(server_name_.empty() ? TlsInspectorStat::sni_not_found : TlsInspectorStat::sni_found).add();
  stats.counter(facts_.application_protocols.empty() ? TlsInspectorStat::alpn_not_found : TlsInspectorStat::alpn_found)
      .add();
}

// From here on the connection is one of its connection manager's, whose codec it may never reach.
void IncomingConnection::count_chain() {
  observe::StatGroup& stats = listener_.http_stats(*chain_->hcm);
  stats.counter(HttpStat::downstream_cx_total).add();
  stats.gauge(HttpStat::downstream_cx_active).add();
  if (chain_->tls == nullptr) return;
  stats.counter(HttpStat::downstream_cx_ssl_total).add();
  stats.gauge(HttpStat::downstream_cx_ssl_active).add();
}

void IncomingConnection::uncount_chain() {
  observe::StatGroup& stats = listener_.http_stats(*chain_->hcm);
  stats.counter(HttpStat::downstream_cx_destroy).add();
  stats.counter(is_peer_gone_ ? HttpStat::downstream_cx_destroy_remote : HttpStat::downstream_cx_destroy_local).add();
  stats.gauge(HttpStat::downstream_cx_active).subtract();
  if (chain_->tls != nullptr) stats.gauge(HttpStat::downstream_cx_ssl_active).subtract();
  stats.histogram(HttpStat::downstream_cx_length_ms)
      .record(base::to_milliseconds(listener_.worker().loop().now() - accepted_));
}

void IncomingConnection::on_inspect_timeout() {
  listener_.stats().counter(ListenerStat::downstream_pre_cx_timeout).add();
  if (listener_.config().continue_on_listener_filters_timeout) return choose_chain();
  finish();
}

void IncomingConnection::choose_chain() {
  net::Loop& loop = listener_.worker().loop();
  timer_.cancel();
  if (handle_.is_valid()) {
    loop.pause_reading(handle_);
    listener_.stats().gauge(ListenerStat::downstream_pre_cx_active).subtract();
  }
  chain_ = listener_.find_chain(facts_);
  if (chain_ == nullptr) {
    listener_.stats().counter(ListenerStat::no_filter_chain_match).add();
    has_no_chain_ = true;
    return finish();
  }
  std::unique_ptr<net::TlsSession> tls;
  if (chain_->tls != nullptr) {
    std::string failure;
    tls = listener_.new_tls_session(*chain_, failure);
    if (tls == nullptr) {
      listener_.worker().warn_rarely("listener " + listener_.config().name + ": " + failure);
      return finish();
    }
    const base::Duration limit = chain_->transport_connect_timeout > base::Duration::zero()
                                     ? chain_->transport_connect_timeout
                                     : base::kHandshakeTimeout;
    timer_.set_callback(net::Timer::Callback::bind<&IncomingConnection::on_handshake_timeout>(*this));
    loop.arm(timer_, limit);
  }
  if (handle_.is_valid()) {
    connection_.reset(new net::Connection(loop, std::exchange(handle_, net::Handle()), peer_, local_, std::move(tls),
                                          *this, std::move(first_bytes_)));
  } else {
    connection_.reset(new net::Connection(loop, std::move(socket_), std::move(tls), *this));
  }
  count_chain();
}

void IncomingConnection::on_handshake_timeout() {
  listener_.stats().counter(ListenerStat::downstream_cx_transport_socket_connect_timeout).add();
  finish();
}

void IncomingConnection::on_open() {
  timer_.cancel();
  switch (chain_->hcm->codec) {
    case HcmConfig::Codec::Http1: return hand_over(false);
    case HcmConfig::Codec::Http2: return hand_over(true);
    case HcmConfig::Codec::Auto: break;
  }
  const std::string_view alpn = connection_->tls() != nullptr ? connection_->tls()->alpn() : std::string_view();
  if (alpn == "h2") return hand_over(true);
  if (alpn == "http/1.1" || alpn == "http/1.0") return hand_over(false);
  // Plaintext, or TLS without ALPN: the first bytes tell. A peer that sends none is bounded by the idle timeout.
  if (chain_->hcm->idle_timeout && *chain_->hcm->idle_timeout > base::Duration::zero()) {
    timer_.set_callback(net::Timer::Callback::bind<&IncomingConnection::on_silence>(*this));
    listener_.worker().loop().arm(timer_, *chain_->hcm->idle_timeout);
  }
  connection_->start_reading();
}

void IncomingConnection::on_silence() {
  listener_.http_stats(*chain_->hcm).counter(HttpStat::downstream_cx_idle_timeout).add();
  finish();
}

void IncomingConnection::detect_version(base::Slice data) {
  first_bytes_.append(std::move(data));
  const size_t n = std::min(first_bytes_.size(), kPreface.size());
  const std::string head = first_bytes_.slice_count() == 1 ? std::string(first_bytes_.front().view().substr(0, n))
                                                           : first_bytes_.to_string().substr(0, n);
  const bool may_be_h2 = head == kPreface.substr(0, n);
  if (may_be_h2 && n < kPreface.size()) return;
  hand_over(may_be_h2);
}

void IncomingConnection::hand_over(bool is_h2) {
  timer_.cancel();
  connection_->pause_reading();
  is_finished_ = true;
  unlink();
  listener_.serve(*chain_, std::move(connection_), is_h2, std::move(first_bytes_));
  listener_.worker().loop().destroy_later(std::unique_ptr<net::Destroyable>(this));
}

void IncomingConnection::on_end() {
  is_peer_gone_ = true;
  finish();
}
void IncomingConnection::on_error(const base::Error&) {
  listener_.stats().counter(ListenerStat::downstream_listener_filter_remote_close).add();
  finish();
}
void IncomingConnection::on_close(const base::Error& error) {
  is_peer_gone_ = true;
  failure_ = error.message;
  finish();
}
void IncomingConnection::close() { finish(); }

void IncomingConnection::finish() {
  if (is_finished_) return;
  is_finished_ = true;
  timer_.cancel();
  net::Loop& loop = listener_.worker().loop();
  if (handle_.is_valid()) loop.close(handle_);
  if (socket_.id() >= 0) loop.discard(std::move(socket_));
  if (connection_ != nullptr) {
    connection_->close();
    uncount_chain();
  }
  unlink();
  const std::string remote = peer_.to_string(), local = local_.to_string();
  listener_.on_connection_gone({.accepted = accepted_,
                                .connection_id = listener_.worker().next_connection_id(),
                                .remote = remote,
                                .local = local,
                                .server_name = server_name_,
                                .filter_chain = chain_ != nullptr ? std::string_view(chain_->name) : std::string_view(),
                                .transport_failure = failure_,
                                .flag = has_no_chain_ ? uint64_t{observe::kNoRouteFound} : 0,
                                .details = has_no_chain_ ? "filter_chain_not_found" : ""});
  loop.destroy_later(std::unique_ptr<net::Destroyable>(this));
}

}  // namespace weft::proxy
