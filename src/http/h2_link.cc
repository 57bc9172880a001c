#include "http/h2_link.h"

#include <algorithm>

#include "base/limits.h"

namespace weft::http {
namespace {

/// Bytes waiting in the transport above which the session produces no more; bounds what a peer that does not read
/// costs.
constexpr size_t kTransportHighMarkBytes = 256 * 1024;
/// Bytes serialised at a time, so that one connection does not keep the loop.
constexpr size_t kProducedBytesMax = 256 * 1024;
/// Handlers may answer what they are told with new work; more than this many rounds wait for the next turn.
constexpr int kRoundsPerTurn = 4;
/// Between FIN and close, where the configuration sets no time: for what a slow reader has not taken yet.
constexpr base::Duration kFarewell = base::seconds(1);

}  // namespace

H2Link::H2Link(std::unique_ptr<net::Connection> transport, const H2Options& options, const ServerTimeouts& timeouts,
               CodecCounters& counters, H2LinkOwner& owner)
    : transport_(std::move(transport)),
      loop_(transport_->loop()),
      options_(options),
      timeouts_(timeouts),
      counters_(counters),
      owner_(owner) {
  turn_.set_callback(net::Deferred::Callback::bind<&H2Link::run_turn>(*this));
  keepalive_.set_callback(net::Timer::Callback::bind<&H2Link::send_keepalive>(*this));
  keepalive_timeout_.set_callback(net::Timer::Callback::bind<&H2Link::on_keepalive_timeout>(*this));
  drain_timeout_.set_callback(net::Timer::Callback::bind<&H2Link::on_drain_timeout>(*this));
  head_timeout_.set_callback(net::Timer::Callback::bind<&H2Link::on_head_timeout>(*this));
  farewell_.set_callback(net::Timer::Callback::bind<&H2Link::on_farewell>(*this));
}

void H2Link::start(H2Session& session, base::Chain first_bytes) {
  session_ = &session;
  first_bytes_ = std::move(first_bytes);
  transport_->set_handler(*this);
  transport_->set_high_mark(std::min(kTransportHighMarkBytes, options_.buffer_bytes));
  arm_keepalive();
  wake();
  transport_->start_reading();
}

uint64_t H2Link::bytes_left() const {
  const uint64_t sent = transport_->bytes_sent();
  return sent - std::min<uint64_t>(sent, transport_->pending_bytes());
}

void H2Link::on_data(base::Slice data) {
  while (!first_bytes_.is_empty()) feed(first_bytes_.pop_front());
  feed(std::move(data));
}

void H2Link::feed(base::Slice data) {
  if (state_ != State::Open) return;
  session_->receive(std::move(data));
  if (state_ != State::Open) return;
  if (keepalive_timeout_.is_armed() && !session_->is_ping_outstanding()) {
    keepalive_timeout_.cancel();
    arm_keepalive();
  }
  if (timeouts_.request_headers == base::Duration{}) return;
  if (!session_->is_inside_head()) {
    head_timeout_.cancel();
  } else if (!head_timeout_.is_armed()) {
    loop_.arm(head_timeout_, timeouts_.request_headers);
  }
}

void H2Link::on_end() { end({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "remote_close"}); }

void H2Link::on_close(const base::Error&) {
  end({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "connection_termination"});
}

void H2Link::close() { end({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "local_close"}); }

void H2Link::end(const StreamEnd& why) {
  if (state_ == State::Closed || state_ == State::Told) return;
  if (state_ == State::Open) end_ = session_->has_failed() ? session_->failure() : why;
  wake();
  state_ = State::Closed;
  for (net::Timer* timer : {&keepalive_, &keepalive_timeout_, &drain_timeout_, &head_timeout_, &farewell_})
    timer->cancel();
  transport_->close();
  session_->abandon(end_);
}

void H2Link::run_turn() {
  while (!first_bytes_.is_empty() && state_ == State::Open) feed(first_bytes_.pop_front());
  bool is_busy = true;
  for (int round = 0; round < kRoundsPerTurn && is_busy; ++round) {
    const bool has_written = write();
    const bool has_told = session_->deliver();
    if (state_ == State::Open) owner_.on_turn();
    if (state_ == State::Open && session_->awaits_drain_answer() && !drain_timeout_.is_armed())
      loop_.arm(drain_timeout_, base::kDrainNotice);
    is_busy = has_told || (has_written && session_->wants_write());
  }
  if (state_ == State::Open && session_->has_failed()) {
    end_ = session_->failure();
    finish();
    session_->deliver();
  }
  if (is_busy) wake();
  if (state_ == State::Closed && !session_->has_ended_streams()) {
    state_ = State::Told;
    turn_.cancel();
    owner_.on_link_closed(end_);
  }
}

bool H2Link::write() {
  if (state_ != State::Open || transport_->is_above_high_mark()) return false;
  base::Chain out;
  session_->produce(out, kProducedBytesMax);
  if (out.is_empty()) return false;
  transport_->write(std::move(out));
  return true;
}

void H2Link::finish() {
  if (state_ != State::Open) return;
  if (!session_->has_failed()) end_ = StreamEnd{};
  write();
  state_ = State::Leaving;
  session_->abandon(end_);
  for (net::Timer* timer : {&keepalive_, &keepalive_timeout_, &drain_timeout_, &head_timeout_}) timer->cancel();
  transport_->shutdown_write();
  arm_farewell();
  wake();
}

void H2Link::arm_farewell() {
  farewell_mark_ = transport_->bytes_written();
  const bool has_delay = timeouts_.delayed_close != base::Duration{};
  loop_.arm(farewell_, has_delay ? timeouts_.delayed_close : kFarewell);
}

// A reader that takes its time gets it, as long as it takes anything.
void H2Link::on_farewell() {
  const bool is_flowing = transport_->pending_bytes() > 0 && transport_->bytes_written() > farewell_mark_;
  if (!is_flowing) {
    if (timeouts_.delayed_close != base::Duration{}) ++counters_.delayed_close_timeout;
    return close();
  }
  arm_farewell();
}

void H2Link::on_flushed() {
  if (state_ == State::Leaving && timeouts_.delayed_close == base::Duration{}) close();
}

void H2Link::begin_drain() {
  if (state_ == State::Open) session_->begin_drain();
}

void H2Link::arm_keepalive() {
  if (options_.keepalive_interval == base::Duration{}) return;
  const int64_t interval = options_.keepalive_interval.count();
  const uint64_t jitter =
      static_cast<uint64_t>(static_cast<double>(interval) * options_.keepalive_jitter_percent / 100);
  loop_.arm(keepalive_, base::Duration(interval + static_cast<int64_t>(loop_.random().below(jitter))));
}

void H2Link::send_keepalive() {
  if (state_ != State::Open || keepalive_timeout_.is_armed()) return;
  session_->send_ping();
  if (options_.keepalive_timeout != base::Duration{}) loop_.arm(keepalive_timeout_, options_.keepalive_timeout);
}

void H2Link::check_idle_peer() {
  const base::Duration idle = options_.keepalive_connection_idle_interval;
  if (idle != base::Duration{} && now() - session_->last_received() > idle) send_keepalive();
}

void H2Link::on_keepalive_timeout() {
  ++counters_.keepalive_timeout;
  end({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "http2.ping_timeout"});
}

void H2Link::on_head_timeout() {
  if (state_ == State::Open) owner_.on_slow_head();
}

}  // namespace weft::http
