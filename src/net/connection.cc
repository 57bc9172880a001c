#include "net/connection.h"

namespace weft::net {

Connection::Connection(Loop& loop, AcceptedSocket socket, std::unique_ptr<TlsSession> tls, ConnectionHandler& handler,
                       base::Chain first_bytes)
    : loop_(loop), handler_(&handler), tls_(std::move(tls)), peer_(socket.peer()), local_(socket.local()) {
  handle_ = loop_.adopt(std::move(socket), *this);
  start_accepted(std::move(first_bytes));
}

Connection::Connection(Loop& loop, Handle adopted, Address peer, Address local, std::unique_ptr<TlsSession> tls,
                       ConnectionHandler& handler, base::Chain first_bytes)
    : loop_(loop),
      handler_(&handler),
      tls_(std::move(tls)),
      handle_(adopted),
      peer_(std::move(peer)),
      local_(std::move(local)) {
  loop_.pause_reading(handle_);
  loop_.set_handler(handle_, *this);
  start_accepted(std::move(first_bytes));
}

Connection::Connection(Loop& loop, const Address& to, const ConnectOptions& options, std::unique_ptr<TlsSession> tls,
                       ConnectionHandler& handler)
    : loop_(loop), handler_(&handler), tls_(std::move(tls)), state_(State::Connecting), peer_(to) {
  later_.set_callback(Deferred::Callback::bind<&Connection::on_later>(*this));
  if (tls_ != nullptr) buffers_ = std::make_unique<Buffers>();
  handle_ = loop_.connect(to, options, *this);
}

Connection::~Connection() { close(); }

void Connection::start_accepted(base::Chain first_bytes) {
  later_.set_callback(Deferred::Callback::bind<&Connection::on_later>(*this));
  state_ = tls_ != nullptr ? State::Handshaking : State::Open;
  if (tls_ != nullptr || !first_bytes.is_empty()) {
    buffers_ = std::make_unique<Buffers>();
    buffers_->held = std::move(first_bytes);
  }
  loop_.defer(later_);
}

// ---- opening ----

void Connection::on_connected() {
  local_ = loop_.local_address(handle_);
  handler_->on_connected();
  if (tls_ == nullptr) return open();
  state_ = State::Handshaking;
  begin_tls();
}

void Connection::begin_tls() {
  has_begun_tls_ = true;
  const base::Status status = tls_->start();
  take_tls_output();
  if (!status) return fail_tls(status.error());
  loop_.start_reading(handle_);
  base::Chain first = std::move(buffers_->held);
  while (state_ != State::Closed && !has_failed() && !first.is_empty()) receive(first.pop_front());
}

void Connection::open() {
  state_ = State::Open;
  has_opened_ = true;
  handler_->on_open();
  if (state_ == State::Open) on_later();
}

void Connection::on_later() {
  if (state_ == State::Handshaking && !has_begun_tls_) return begin_tls();
  if (state_ != State::Open || has_failed()) return;
  if (!has_opened_) return open();
  encrypt();
  if (state_ == State::Open && !has_failed()) deliver_held();
}

// ---- reading ----

void Connection::start_reading() {
  if (wants_data_) return;
  wants_data_ = true;
  if (state_ != State::Open || !has_opened_) return;
  if (!has_held() && !has_end()) return loop_.start_reading(handle_);
  loop_.defer(later_);
}

void Connection::pause_reading() {
  wants_data_ = false;
  if (state_ == State::Open && has_opened_) loop_.pause_reading(handle_);
}

void Connection::on_data(base::Slice data) {
  if (has_failed()) return;
  if (tls_ != nullptr) return receive(std::move(data));
  deliver(std::move(data));
}

void Connection::deliver(base::Slice data) {
  bytes_received_ += data.size();
  handler_->on_data(std::move(data));
}

void Connection::receive(base::Slice ciphertext) {
  const base::Status status = tls_->receive(std::move(ciphertext), buffers_->held);
  take_tls_output();
  if (state_ == State::Handshaking && tls_->is_established()) {
    open();
  } else if (state_ == State::Open) {
    deliver_held();
  }
  if (!status && state_ != State::Closed && !has_failed()) fail_tls(status.error());
}

// Hands on what was held back, then the end, as far as the user wants it; and reads on only when nothing is held.
void Connection::deliver_held() {
  while (state_ == State::Open && wants_data_ && has_held()) deliver(buffers_->held.pop_front());
  if (state_ != State::Open) return;
  if (tls_ == nullptr && !has_held()) buffers_.reset();
  if (wants_data_ && has_end() && !has_ended_) {
    has_ended_ = true;
    handler_->on_end();
    if (state_ != State::Open) return;
  }
  if (wants_data_ && !has_held()) {
    loop_.start_reading(handle_);
  } else {
    loop_.pause_reading(handle_);
  }
}

bool Connection::has_end() const { return has_socket_end_ || (tls_ != nullptr && tls_->has_received_close()); }

void Connection::on_end() {
  if (has_failed()) return;
  has_socket_end_ = true;
  if (state_ == State::Open) return deliver_held();
  fail(base::Error(base::ErrorCode::Tls, "the peer closed the connection during the TLS handshake"));
}

// ---- writing ----

void Connection::write(base::Chain bytes) {
  if (state_ == State::Closed || has_failed() || wants_shutdown_) return;
  bytes_sent_ += bytes.size();
  if (tls_ != nullptr) {
    buffers_->outgoing.append(std::move(bytes));
    if (state_ == State::Open) loop_.defer(later_);
  } else {
    loop_.write(handle_, std::move(bytes));
  }
  if (!is_full_ && pending_bytes() > high_mark_) is_full_ = true;
}

void Connection::encrypt() {
  if (tls_ == nullptr) return;
  base::Status status;
  if (!buffers_->outgoing.is_empty()) status = tls_->send(std::exchange(buffers_->outgoing, {}));
  if (status && wants_shutdown_) tls_->shutdown();
  take_tls_output();
  if (!status) return fail_tls(status.error());
  if (wants_shutdown_) loop_.shutdown_write(handle_);
}

void Connection::take_tls_output() {
  base::Chain records;
  tls_->take_output(records);
  if (!records.is_empty()) loop_.write(handle_, std::move(records));
}

size_t Connection::pending_bytes() const {
  return (buffers_ != nullptr ? buffers_->outgoing.size() : 0) + loop_.pending_bytes(handle_);
}

void Connection::on_write_done(size_t bytes) {
  wire_written_ += bytes;
  if (has_failed()) {
    if (loop_.pending_bytes(handle_) == 0) report_failure();
    return;
  }
  if (!has_opened_) return;
  if (is_full_ && pending_bytes() <= high_mark_ / 2) {
    is_full_ = false;
    handler_->on_drained();
    if (state_ == State::Closed) return;
  }
  if (pending_bytes() == 0) handler_->on_flushed();
}

void Connection::shutdown_write() {
  if (state_ == State::Closed || wants_shutdown_) return;
  wants_shutdown_ = true;
  if (tls_ == nullptr) return loop_.shutdown_write(handle_);
  if (state_ == State::Open) loop_.defer(later_);
}

// ---- the end ----

void Connection::close(bool reset) {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  later_.cancel();
  if (buffers_ != nullptr) {
    buffers_->held.clear();
    buffers_->outgoing.clear();
    buffers_->failure.reset();
  }
  loop_.close(handle_, reset);
}

void Connection::on_error(const base::Error& error) {
  if (has_failed()) return report_failure();
  fail(error);
}

void Connection::fail(const base::Error& error) {
  const base::Error why = error;  // `error` may live in what close() releases
  close();
  handler_->on_close(why);
}

// The alert is in the socket's queue: the connection stays until it has left, unless a peer that does not
// read stands in its way (then more than the alert is queued, and waiting has no bound).
void Connection::fail_tls(const base::Error& error) {
  constexpr size_t kAlertBytesMax = 4096;
  const size_t queued = loop_.pending_bytes(handle_);
  if (queued == 0 || queued > kAlertBytesMax) return fail(error);
  loop_.pause_reading(handle_);
  buffers_->failure = std::make_unique<base::Error>(error);
}

void Connection::report_failure() { fail(*buffers_->failure); }

}  // namespace weft::net
