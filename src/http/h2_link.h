// Purpose: joins an HTTP/2 session to its transport: feeds it, writes what it produces once a turn, keeps its timers
//          (keepalive, drain, a slow head, the farewell), and ends both in order.
// Thread:  the owning worker's.   Owner: a server or client connection, which owns the session too.
#pragma once

#include <memory>

#include "http/connection.h"
#include "http/h2_session.h"
#include "net/connection.h"
#include "net/loop.h"

namespace weft::http {

/// What the connection above learns; from the loop, never from inside a call.
class H2LinkOwner {
 public:
  /// Between delivering and writing: a chance to end what is drained (`H2Link::finish`).
  virtual void on_turn() = 0;
  virtual void on_slow_head() {}
  /// The transport is closed and every stream has been told.
  virtual void on_link_closed(const StreamEnd& end) = 0;

 protected:
  ~H2LinkOwner() = default;
};

class H2Link final : public H2Host, private net::ConnectionHandler {
 public:
  H2Link(std::unique_ptr<net::Connection> transport, const H2Options& options, const ServerTimeouts& timeouts,
         CodecCounters& counters, H2LinkOwner& owner);

  /// Begins to read and to keep time. `first_bytes` were read before the codec was chosen; `session` outlives the link.
  void start(H2Session& session, base::Chain first_bytes);
  /// Ends in order: what is queued leaves, then FIN; the peer's FIN or the delayed close ends the wait.
  void finish();
  /// Ends now.
  void close();
  void begin_drain();
  /// Before a new stream: a PING when nothing was heard for the configured time.
  void check_idle_peer();

  net::Connection& transport() { return *transport_; }
  bool is_open() const { return state_ == State::Open; }

  base::MonoTime now() const override { return loop_.now(); }
  void wake() override {
    if (state_ != State::Told) loop_.defer(turn_);
  }
  uint64_t bytes_queued() const override { return transport_->bytes_sent(); }
  uint64_t bytes_left() const override;
  uint64_t wire_written() const override { return transport_->bytes_written(); }
  uint64_t wire_position() const override { return transport_->bytes_written() + transport_->pending_bytes(); }

 private:
  enum class State : uint8_t { Open, Leaving, Closed, Told };

  void on_data(base::Slice data) override;
  void on_end() override;
  void on_drained() override { wake(); }
  void on_flushed() override;
  void on_close(const base::Error& error) override;

  void run_turn();
  bool write();
  void feed(base::Slice data);
  void arm_keepalive();
  void send_keepalive();
  void on_keepalive_timeout();
  void arm_farewell();
  void on_farewell();
  void on_drain_timeout() { session_->finish_drain(); }
  void on_head_timeout();
  void end(const StreamEnd& end);

  std::unique_ptr<net::Connection> transport_;
  net::Loop& loop_;
  const H2Options& options_;
  const ServerTimeouts timeouts_;
  CodecCounters& counters_;
  H2LinkOwner& owner_;
  H2Session* session_ = nullptr;
  base::Chain first_bytes_;
  StreamEnd end_;
  State state_ = State::Open;
  uint64_t farewell_mark_ = 0;  ///< wire bytes written when the farewell was armed
  net::Deferred turn_;
  net::Timer keepalive_, keepalive_timeout_, drain_timeout_, head_timeout_, farewell_;
};

}  // namespace weft::http
