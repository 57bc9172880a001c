#include "proxy/tcp_tunnel.h"

#include <algorithm>
#include <utility>

namespace weft::proxy {

namespace {

class TcpTunnel final : public http::ClientConnection, private http::ClientStream, private net::ConnectionHandler {
 public:
  TcpTunnel(std::unique_ptr<net::Connection> transport, size_t buffer_bytes, http::ClientConnectionHandler& handler)
      : handler_(handler),
        buffer_bytes_(buffer_bytes),
        transport_(std::move(transport)),
        deferred_(net::Deferred::Callback::bind<&TcpTunnel::run_tasks>(*this)) {
    transport_->set_handler(*this);
  }

  bool can_open() const override { return state_ == State::Idle && !is_draining_; }
  http::ClientStream& open(http::ClientStreamHandler& handler) override {
    state_ = State::Active;
    stream_ = &handler;
    received_at_open_ = transport_->bytes_received();
    written_at_open_ = transport_->bytes_written();
    return *this;
  }
  size_t active_streams() const override { return state_ == State::Active ? 1 : 0; }
  size_t streams_max() const override { return 1; }
  uint64_t streams_opened() const override { return state_ == State::Idle ? 0 : 1; }
  bool is_draining() const override { return is_draining_; }
  void drain() override {
    is_draining_ = true;
    if (state_ == State::Idle) end({});
  }
  void close() override {
    end({http::StreamEnd::Kind::ConnectionClosed, http::ResetCode::NoError, "upstream_local_close"});
  }
  http::Version version() const override { return http::Version::Http11; }
  net::Connection& transport() override { return *transport_; }

 private:
  enum class State : uint8_t { Idle, Active, Closed };
  enum Task : uint8_t { kHead = 1, kEnd = 2 };

  // http::ClientStream
  void send_head(const http::RequestHead&, bool is_end) override {
    schedule(kHead);
    if (is_end) finish_sending();
  }
  void send_data(base::Chain data, bool is_end) override {
    if (state_ != State::Active || has_sent_end_) return;
    bytes_.wire_sent += data.size();
    if (!data.is_empty()) transport_->write(std::move(data));
    if (is_end) finish_sending();
  }
  void send_trailers(const http::HeaderMap&) override { finish_sending(); }
  void reset(http::ResetCode) override {
    stream_ = nullptr;
    if (state_ == State::Active) end({});
  }
  void consume(size_t bytes) override {
    const bool was_full = owed_ > buffer_bytes_;
    owed_ -= std::min(bytes, owed_);
    if (was_full && owed_ <= buffer_bytes_ && state_ == State::Active) transport_->start_reading();
  }
  size_t pending_bytes() const override { return transport_->pending_bytes(); }
  bool is_above_high_mark() const override { return transport_->is_above_high_mark(); }
  bool has_received_bytes() const override { return transport_->bytes_received() != received_at_open_; }
  bool has_sent_bytes() const override { return transport_->bytes_written() != written_at_open_; }
  http::StreamBytes bytes() const override { return bytes_; }

  // net::ConnectionHandler
  void on_data(base::Slice data) override {
    if (state_ != State::Active)
      return end({http::StreamEnd::Kind::ProtocolError, http::ResetCode::Protocol, "tcp.unexpected_data"});
    owed_ += data.size();
    bytes_.wire_received += data.size();
    if (owed_ > buffer_bytes_) transport_->pause_reading();
    if (stream_ != nullptr) stream_->on_response_data(std::move(data), false);
  }
  void on_end() override {
    if (state_ != State::Active) return end({});
    has_received_end_ = true;
    if (stream_ != nullptr) stream_->on_response_data({}, true);
    if (has_sent_end_) end({});
  }
  void on_drained() override {
    if (stream_ != nullptr) stream_->on_request_writable();
  }
  void on_close(const base::Error&) override {
    end({http::StreamEnd::Kind::ConnectionClosed, http::ResetCode::NoError, "upstream_disconnect"});
  }

  void finish_sending() {
    if (std::exchange(has_sent_end_, true)) return;
    transport_->shutdown_write();
    if (has_received_end_) end({});
  }
  void schedule(uint8_t task) {
    tasks_ |= task;
    transport_->loop().defer(deferred_);
  }
  void end(const http::StreamEnd& how) {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    end_ = how;
    schedule(kEnd);
  }
  void run_tasks() {
    if ((std::exchange(tasks_, static_cast<uint8_t>(tasks_ & ~kHead)) & kHead) != 0 && state_ == State::Active &&
        stream_ != nullptr) {
      http::ResponseHead head(transport_->loop().blocks());
      head.status = 200;
      stream_->on_response_head(std::move(head), false);
      if (state_ == State::Active) transport_->start_reading();
    }
    if ((tasks_ & kEnd) == 0) return;
    tasks_ = 0;
    transport_->close();
    if (http::ClientStreamHandler* stream = std::exchange(stream_, nullptr)) stream->on_stream_closed(end_);
    handler_.on_connection_closed(end_);
  }

  http::ClientConnectionHandler& handler_;
  const size_t buffer_bytes_;
  std::unique_ptr<net::Connection> transport_;
  net::Deferred deferred_;
  http::ClientStreamHandler* stream_ = nullptr;
  http::StreamEnd end_;
  State state_ = State::Idle;
  uint8_t tasks_ = 0;
  bool is_draining_ = false, has_sent_end_ = false, has_received_end_ = false;
  size_t owed_ = 0;
  uint64_t received_at_open_ = 0, written_at_open_ = 0;
  http::StreamBytes bytes_;
};

}  // namespace

std::unique_ptr<http::ClientConnection> make_tcp_tunnel(std::unique_ptr<net::Connection> transport, size_t buffer_bytes,
                                                        http::ClientConnectionHandler& handler) {
  return std::make_unique<TcpTunnel>(std::move(transport), buffer_bytes, handler);
}

}  // namespace weft::proxy
