// The downstream end of an HTTP/1 connection: one stream at a time, embedded and used again for each request.
#include <algorithm>
#include <string>
#include <utility>

#include "http/connection.h"
#include "http/h1_parser.h"
#include "http/h1_serializer.h"
#include "net/connection.h"
#include "net/loop.h"

namespace weft::http {
namespace {

constexpr std::string_view kRemoteDisconnect = "downstream_remote_disconnect";
constexpr std::string_view kMissingHost = "missing_host_header", kHeaderTimeout = "request_header_timeout";

class H1Server final : public ServerConnection, private ServerStream, private net::ConnectionHandler {
 public:
  H1Server(std::unique_ptr<net::Connection> transport, const H1Options& options, const ServerTimeouts& timeouts,
           CodecCounters& counters, ServerConnectionHandler& handler, base::Chain first_bytes);

  void drain() override;
  void close() override;
  void rest() override;
  size_t active_streams() const override { return phase_ == Phase::Serving ? 1 : 0; }
  Version version() const override { return Version::Http11; }
  net::Connection& transport() override { return *transport_; }

 private:
  enum class Phase : uint8_t {
    Waiting,    ///< for a request's head
    Serving,    ///< a stream exists
    Lingering,  ///< the last response was sent; what the peer still sends is dropped until it closes
    Closed,
  };
  enum class Response : uint8_t { None, Begun, Done };
  enum Task : uint8_t { kEndStream = 1, kResume = 2, kEndConnection = 4 };

  // ServerStream
  RequestHead& request() override { return parser_->head(); }
  void set_handler(ServerStreamHandler& handler) override { stream_ = &handler; }
  void send_informational(const ResponseHead& head) override;
  void send_head(const ResponseHead& head, bool end) override;
  void send_data(base::Chain data, bool end) override;
  void send_trailers(const HeaderMap& trailers) override;
  void reset(ResetCode code) override;
  void consume(size_t bytes) override;
  size_t pending_bytes() const override { return transport_->pending_bytes(); }
  bool is_above_high_mark() const override { return transport_->is_above_high_mark(); }
  StreamBytes bytes() const override;
  void close_after() override { closes_after_ = true; }

  // net::ConnectionHandler
  void on_data(base::Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_flushed() override;
  void on_close(const base::Error& error) override;

  // Requests
  bool can_read() const;
  bool has_begun_request() const { return parser_ != nullptr && parser_->has_begun(); }
  void read(base::Slice& in);
  void on_head();
  void on_body_data();
  void on_body_end();
  void on_failed();
  void resume();
  void hold(base::Slice rest);
  void refuse(uint16_t status, StreamEnd::Kind kind, std::string_view detail);
  Refusal send_refusal(uint16_t status, std::string_view detail, bool goes_on = false);

  // Responses
  void write(base::Chain bytes);
  void write_head(base::Slice head);
  H1BodyCoding choose_coding(const ResponseHead& head, bool end);
  bool begins_tunnel(const ResponseHead& head) const;
  void settle_connection(const ResponseHead& head, bool end, H1HeadFormat& format);
  base::Chain frame(base::Chain data);
  void finish_response();

  // Ends
  void schedule(Task task);
  void run_tasks();
  void end_stream(const StreamEnd& end);
  void deliver_stream_end();
  void prepare_next();
  void linger();
  /// Whether the connection waits for the peer's end once all was written.
  bool lingers_after_flush() const {
    return !has_peer_ended_ && !is_cut_ && timeouts_.delayed_close != base::Duration::zero();
  }
  void cut(const StreamEnd& end);
  void abort(const StreamEnd& end);
  void arm_timer();
  void on_timer();

  const H1Options& options_;
  const ServerTimeouts timeouts_;
  CodecCounters& counters_;
  ServerConnectionHandler& handler_;
  std::unique_ptr<net::Connection> transport_;
  ServerStreamHandler* stream_ = nullptr;
  std::unique_ptr<H1RequestParser> parser_;  ///< null from `rest` to the next request's first byte
  base::Chain held_;  ///< received, not parsed: pipelined requests, or bytes before an upgrade is decided
  net::Deferred deferred_;
  net::Timer timer_;            ///< of the head while Waiting; of the close while Lingering
  size_t owed_ = 0;             ///< body bytes delivered and not consumed
  uint64_t response_left_ = 0;  ///< with H1BodyCoding::Length
  size_t lingered_bytes_ = 0;
  uint64_t written_at_timer_ = 0;
  StreamEnd end_;  ///< of the stream, then of the connection
  Phase phase_ = Phase::Waiting;
  Response response_ = Response::None;
  H1BodyCoding coding_ = H1BodyCoding::None;
  uint8_t tasks_ = 0;
  bool closes_after_ = false;
  bool is_draining_ = false;
  bool is_tunnel_ = false;
  bool has_peer_ended_ = false;
  bool is_cut_ = false;            ///< a body until close was cut: the connection ends by a reset
  bool has_broken_head_ = false;   ///< the connection ended in the middle of a head
  bool is_request_ended_ = false;  ///< the handler was told the end
  bool is_abandoned_ = false;      ///< the handler reset the stream, perhaps before it was known
};

// With the transport's 232, the socket's 200 and the proxy's 216 bytes, what an idle connection holds is below 1 KiB.
static_assert(sizeof(H1Server) <= 320);

H1Server::H1Server(std::unique_ptr<net::Connection> transport, const H1Options& options, const ServerTimeouts& timeouts,
                   CodecCounters& counters, ServerConnectionHandler& handler, base::Chain first_bytes)
    : options_(options),
      timeouts_(timeouts),
      counters_(counters),
      handler_(handler),
      transport_(std::move(transport)),
      held_(std::move(first_bytes)),
      deferred_(net::Deferred::Callback::bind<&H1Server::run_tasks>(*this)),
      timer_(net::Timer::Callback::bind<&H1Server::on_timer>(*this)) {
  transport_->set_handler(*this);
  transport_->set_high_mark(options_.buffer_bytes);
  if (held_.is_empty()) transport_->start_reading();
  else schedule(kResume);
}

// ---------------------------------------------------------------- requests

bool H1Server::can_read() const {
  if (phase_ == Phase::Waiting) return true;
  if (phase_ != Phase::Serving || parser_->is_complete() || (tasks_ & kEndStream) != 0) return false;
  if (parser_->facts().framing == H1Framing::Tunnel && !is_tunnel_) return false;
  return owed_ <= options_.buffer_bytes;
}

void H1Server::on_data(base::Slice data) {
  if (phase_ == Phase::Lingering) {
    lingered_bytes_ += data.size();
    if (lingered_bytes_ > options_.buffer_bytes) abort({StreamEnd::Kind::Complete, ResetCode::NoError, {}});
    return;
  }
  if (!held_.is_empty()) return hold(std::move(data));
  read(data);
  if (!data.is_empty()) hold(std::move(data));
}

// Keeps what may not be parsed yet. Nothing more is read until it was, so at most one read is held.
void H1Server::hold(base::Slice rest) {
  if (phase_ == Phase::Lingering || phase_ == Phase::Closed) return;
  held_.append(std::move(rest));
  transport_->pause_reading();
}

void H1Server::read(base::Slice& in) {
  if (parser_ == nullptr) {
    parser_ = std::make_unique<H1RequestParser>(transport_->loop().blocks(), options_, transport_->tls() != nullptr,
                                                counters_);
  }
  while (!in.is_empty() && can_read()) {
    const size_t before = in.size();
    const H1Event event = parser_->next(in);
    parser_->tally().received += before - in.size();
    switch (event) {
      case H1Event::NeedMore: break;
      case H1Event::Head: on_head(); break;
      case H1Event::Data: on_body_data(); break;
      case H1Event::End: on_body_end(); break;
      case H1Event::Failed:
        on_failed();
        if (phase_ != Phase::Waiting) return;
        break;
    }
  }
  if (phase_ == Phase::Waiting && has_begun_request()) arm_timer();
}

void H1Server::on_head() {
  timer_.cancel();
  phase_ = Phase::Serving;
  is_request_ended_ = parser_->is_complete();
  is_abandoned_ = false;
  ServerStreamHandler& stream = handler_.on_request(*this, is_request_ended_);
  if (phase_ == Phase::Serving && !is_abandoned_) stream_ = &stream;
}

void H1Server::on_body_data() {
  base::Slice data = parser_->take_data();
  owed_ += data.size();
  is_request_ended_ = parser_->is_complete();
  stream_->on_request_data(std::move(data), is_request_ended_);
}

void H1Server::on_body_end() {
  is_request_ended_ = true;
  if (parser_->trailers().size() == 0) return stream_->on_request_data({}, true);
  ++counters_.trailers;
  stream_->on_request_trailers(std::move(parser_->trailers()));
}

void H1Server::on_failed() {
  const H1Error error = parser_->error();
  const bool is_limit = error.status == 431;
  if (error.detail != kMissingHost) ++counters_.downstream_cx_protocol_error;
  const auto kind = is_limit ? StreamEnd::Kind::LimitExceeded : StreamEnd::Kind::ProtocolError;
  if (phase_ == Phase::Waiting) return refuse(error.status, kind, error.detail);
  StreamEnd end{kind, ResetCode::Protocol, error.detail};
  if (response_ != Response::None) return cut(end);
  end.status = error.status;
  send_refusal(error.status, error.detail);
  response_ = Response::Done;
  closes_after_ = true;
  end_stream(end);
}

// Answers a head that has no stream.
void H1Server::refuse(uint16_t status, StreamEnd::Kind kind, std::string_view detail) {
  timer_.cancel();
  // Where the end of the refused message is beyond doubt, the configuration may let the connection live.
  const bool goes_on = options_.stream_error_on_invalid_message && parser_->ended_with_failed_head() && !is_draining_;
  const Refusal answer = send_refusal(status, detail, goes_on);
  handler_.on_request_refused(parser_->head(), answer, {kind, ResetCode::Protocol, detail, status});
  if (phase_ != Phase::Waiting) return;  // closed by the handler
  parser_->restart();
  if (!goes_on) linger();
}

Refusal H1Server::send_refusal(uint16_t status, std::string_view detail, bool goes_on) {
  const RequestHead& request = parser_->head();
  Refusal answer{.head = ResponseHead(request.pool()), .detail = detail};
  answer.head.status = status;
  if (detail != kMissingHost) {
    answer.body = detail == kHeaderTimeout ? "request header timeout" : reason_phrase(status);
    answer.head.add(HeaderId::ContentType, "text/plain");
  }
  if (stream_ != nullptr) stream_->on_refusal(answer);
  else handler_.on_refusal(request, answer);
  ResponseHead& head = answer.head;
  head.set(HeaderId::ContentLength, std::to_string(answer.body.size()));
  H1HeadFormat format;
  format.coding = H1BodyCoding::Length;
  format.connection = goes_on ? H1ConnectionOption::None : H1ConnectionOption::Close;
  format.is_proper_case = options_.proper_case_headers;
  // RFC 9110 section 15.5.22 wants the protocol named.
  if (status == 426) {
    head.set(HeaderId::Upgrade, "HTTP/1.1");
    format.connection = goes_on ? H1ConnectionOption::Upgrade : H1ConnectionOption::UpgradeAndClose;
  }
  base::BlockPool& blocks = transport_->loop().blocks();
  base::Chain out(serialize_response_head(blocks, head, format));
  if (request.method() != "HEAD") out.append_copy(blocks, answer.body);
  transport_->write(std::move(out));
  return answer;
}

void H1Server::consume(size_t bytes) {
  const bool was_blocked = owed_ > options_.buffer_bytes;
  owed_ -= std::min(bytes, owed_);
  if (was_blocked && owed_ <= options_.buffer_bytes) schedule(kResume);
}

// Parses what was held, then reads on.
void H1Server::resume() {
  while (!held_.is_empty() && can_read()) {
    base::Slice in = held_.pop_front();
    read(in);
    if (in.is_empty() || phase_ == Phase::Lingering || phase_ == Phase::Closed) continue;
    base::Chain rest(std::move(in));
    rest.append(std::move(held_));
    held_ = std::move(rest);
  }
  if (held_.is_empty() && phase_ != Phase::Closed) transport_->start_reading();
}

void H1Server::on_end() {
  if (phase_ == Phase::Serving && is_tunnel_ && !is_request_ended_) {
    is_request_ended_ = true;
    parser_->end_of_stream();
    stream_->on_request_data({}, true);
    if (response_ == Response::Done) end_stream({});
    return;
  }
  if (phase_ == Phase::Serving && is_tunnel_) return;
  has_peer_ended_ = true;
  if (phase_ == Phase::Serving && (tasks_ & kEndStream) != 0) {
    closes_after_ = true;
    return;
  }
  // As Envoy: a client that ends its side in the middle of an exchange has gone.
  if (phase_ == Phase::Serving)
    return abort({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, kRemoteDisconnect});
  if (transport_->pending_bytes() == 0)
    return abort({StreamEnd::Kind::Complete, ResetCode::NoError, kRemoteDisconnect});
  if (phase_ == Phase::Waiting) linger();
}

// ---------------------------------------------------------------- responses

void H1Server::write(base::Chain bytes) {
  parser_->tally().sent += bytes.size();
  transport_->write(std::move(bytes));
}

void H1Server::write_head(base::Slice head) {
  parser_->tally().fields_sent += field_bytes(head.view());
  write(base::Chain(std::move(head)));
}

StreamBytes H1Server::bytes() const {
  const H1RequestParser::Tally& tally = parser_->tally();
  const uint64_t fields = parser_->field_bytes();
  return {tally.sent, tally.received, tally.fields_sent, fields, tally.fields_sent, fields};
}

void H1Server::send_informational(const ResponseHead& head) {
  if (phase_ != Phase::Serving || response_ != Response::None || parser_->head().version == Version::Http10) return;
  H1HeadFormat format;
  format.coding = H1BodyCoding::UntilClose;  // says nothing of a body
  format.is_proper_case = options_.proper_case_headers;
  write_head(serialize_response_head(transport_->loop().blocks(), head, format));
}

bool H1Server::begins_tunnel(const ResponseHead& head) const {
  const H1Facts& facts = parser_->facts();
  if (facts.is_connect) return head.status >= 200 && head.status < 300;
  return facts.is_upgrade && head.status == 101;
}

H1BodyCoding H1Server::choose_coding(const ResponseHead& head, bool end) {
  if (is_tunnel_) return H1BodyCoding::Tunnel;
  if (parser_->facts().is_head || head.status == 304 || head.status == 204) return H1BodyCoding::None;
  if (end) return H1BodyCoding::EmptyBody;
  if (const auto length = declared_length(head)) {
    response_left_ = *length;
    return H1BodyCoding::Length;
  }
  return parser_->facts().version == Version::Http10 ? H1BodyCoding::UntilClose : H1BodyCoding::Chunked;
}

// Decides whether the connection outlives this response, and what the head says about it.
void H1Server::settle_connection(const ResponseHead& head, bool end, H1HeadFormat& format) {
  const H1Facts& facts = parser_->facts();
  const bool is_refused_tunnel = facts.framing == H1Framing::Tunnel && !is_tunnel_;
  if (is_tunnel_) {
    closes_after_ = true;
    if (head.status == 101) format.connection = H1ConnectionOption::Upgrade;
    return;
  }
  // Bytes sent in the hope of a tunnel must never be read as a request.
  if (is_refused_tunnel && (facts.is_connect || !held_.is_empty())) closes_after_ = true;
  // A whole response while the body is on its way: whoever sent it did not want the body.
  if (end && !is_refused_tunnel && !parser_->is_complete()) closes_after_ = true;
  if (!facts.keeps_alive || is_draining_ || coding_ == H1BodyCoding::UntilClose) closes_after_ = true;
  if (closes_after_) format.connection = H1ConnectionOption::Close;
  else if (facts.version == Version::Http10) format.connection = H1ConnectionOption::KeepAlive;
}

void H1Server::send_head(const ResponseHead& head, bool end) {
  if (phase_ != Phase::Serving || response_ != Response::None) return;
  is_tunnel_ = begins_tunnel(head);
  coding_ = choose_coding(head, end);
  response_ = Response::Begun;
  H1HeadFormat format;
  // A 204 has no content-length; serialised like a body until close, which says nothing.
  format.coding = head.status == 204 ? H1BodyCoding::UntilClose : coding_;
  format.version = parser_->facts().version;
  format.is_proper_case = options_.proper_case_headers;
  settle_connection(head, end, format);
  write_head(serialize_response_head(transport_->loop().blocks(), head, format));
  if (is_tunnel_ && !held_.is_empty()) schedule(kResume);
  if (end) finish_response();
}

// `data` as they go over the wire.
base::Chain H1Server::frame(base::Chain data) {
  switch (coding_) {
    case H1BodyCoding::None:
    case H1BodyCoding::EmptyBody: return {};
    case H1BodyCoding::Length:
      // More than was declared would be read as the next response.
      if (data.size() > response_left_) data = data.split_front(response_left_);
      response_left_ -= data.size();
      return data;
    case H1BodyCoding::Chunked: return serialize_chunk(transport_->loop().blocks(), std::move(data));
    case H1BodyCoding::UntilClose:
    case H1BodyCoding::Tunnel: return data;
  }
  return {};
}

void H1Server::send_data(base::Chain data, bool end) {
  if (phase_ != Phase::Serving || response_ != Response::Begun) return;
  base::Chain bytes = frame(std::move(data));
  if (end && coding_ == H1BodyCoding::Chunked) bytes.append(last_chunk());
  if (!bytes.is_empty()) write(std::move(bytes));
  if (end) finish_response();
}

void H1Server::send_trailers(const HeaderMap& trailers) {
  if (coding_ != H1BodyCoding::Chunked || !options_.enable_trailers) return send_data({}, true);
  if (phase_ != Phase::Serving || response_ != Response::Begun) return;
  write_head(serialize_trailers(transport_->loop().blocks(), trailers, options_.proper_case_headers));
  finish_response();
}

void H1Server::finish_response() {
  response_ = Response::Done;
  if (coding_ == H1BodyCoding::Length && response_left_ > 0) {
    // Less than was declared: only the connection's end can tell the client.
    response_ = Response::Begun;
    return cut({StreamEnd::Kind::ConnectionClosed, ResetCode::Internal, "http1.content_length_mismatch"});
  }
  if (is_tunnel_) {
    transport_->shutdown_write();
    if (!is_request_ended_) return;
  } else if (!parser_->is_complete() && (parser_->facts().framing != H1Framing::Tunnel || !held_.is_empty())) {
    closes_after_ = true;
  }
  end_stream({});
}

void H1Server::reset(ResetCode) {
  if (phase_ != Phase::Serving) return;
  stream_ = nullptr;
  is_abandoned_ = true;
  if ((tasks_ & kEndStream) != 0) return;  // Complete already: the connection goes on.
  cut({StreamEnd::Kind::Complete, ResetCode::Cancel, {}});
}

// Ends a stream in the middle: what was queued of its response still leaves, and then the connection ends in a way
// that cannot be taken for the response's end.
void H1Server::cut(const StreamEnd& end) {
  is_cut_ = response_ == Response::Begun && coding_ == H1BodyCoding::UntilClose;
  if (response_ == Response::None || transport_->pending_bytes() == 0) return abort(end);
  response_ = Response::Done;
  closes_after_ = true;
  end_stream(end);
}

// ---------------------------------------------------------------- ends

void H1Server::schedule(Task task) {
  tasks_ |= task;
  transport_->loop().defer(deferred_);
}

void H1Server::run_tasks() {
  if ((tasks_ & kEndStream) != 0) deliver_stream_end();
  if ((tasks_ & kResume) != 0) {
    tasks_ &= static_cast<uint8_t>(~kResume);
    resume();
  }
  if ((tasks_ & kEndConnection) == 0 || (tasks_ & kEndStream) != 0) return;
  tasks_ = 0;
  if (has_broken_head_) {
    const StreamEnd cut{StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, end_.detail};
    handler_.on_request_refused(parser_->head(), {ResponseHead(parser_->head().pool()), {}, end_.detail}, cut);
  }
  handler_.on_connection_closed(end_);
}

void H1Server::end_stream(const StreamEnd& end) {
  if ((tasks_ & kEndStream) != 0) return;
  end_ = end;
  schedule(kEndStream);
}

void H1Server::deliver_stream_end() {
  tasks_ &= static_cast<uint8_t>(~kEndStream);
  ServerStreamHandler* const stream = std::exchange(stream_, nullptr);
  const StreamEnd end = end_;
  if (phase_ == Phase::Serving) prepare_next();
  if (stream != nullptr) stream->on_stream_closed(end);
  parser_->restart();
  if (phase_ == Phase::Waiting && is_draining_) closes_after_ = true;
  if (phase_ == Phase::Waiting && closes_after_) return linger();
  if (phase_ == Phase::Waiting && !held_.is_empty()) tasks_ |= kResume;
}

// The stream is over for the connection; its head lives until the handler was told.
void H1Server::prepare_next() {
  phase_ = Phase::Waiting;
  response_ = Response::None;
  coding_ = H1BodyCoding::None;
  owed_ = 0;
  is_tunnel_ = is_request_ended_ = false;
}

// RFC 9112 §9.6: closing at once could destroy the response with a reset while the peer still sends.
void H1Server::linger() {
  phase_ = Phase::Lingering;
  held_.clear();
  end_ = {};
  if (transport_->pending_bytes() == 0 && !lingers_after_flush()) return abort({});
  if (timeouts_.delayed_close == base::Duration::zero()) return;
  if (!is_cut_) transport_->shutdown_write();
  transport_->start_reading();
  written_at_timer_ = transport_->bytes_written();
  transport_->loop().arm(timer_, timeouts_.delayed_close);
}

// Ends the connection now.
void H1Server::abort(const StreamEnd& end) {
  if (phase_ == Phase::Closed) return;
  timer_.cancel();
  held_.clear();
  const bool has_stream = phase_ == Phase::Serving;
  has_broken_head_ = phase_ == Phase::Waiting && has_begun_request();
  phase_ = Phase::Closed;
  if ((tasks_ & kEndStream) == 0) end_ = end;
  transport_->close(is_cut_);
  if (has_stream) tasks_ |= kEndStream;
  schedule(kEndConnection);
}

void H1Server::arm_timer() {
  if (timeouts_.request_headers == base::Duration::zero() || timer_.is_armed()) return;
  transport_->loop().arm(timer_, timeouts_.request_headers);
}

void H1Server::on_timer() {
  if (phase_ == Phase::Waiting) return refuse(408, StreamEnd::Kind::LimitExceeded, kHeaderTimeout);
  if (phase_ != Phase::Lingering) return;
  // A peer that still takes the response gets the time it needs.
  const uint64_t written = transport_->bytes_written();
  const bool makes_progress = transport_->pending_bytes() > 0 && written != written_at_timer_;
  if (!makes_progress) {
    if (transport_->pending_bytes() > 0) ++counters_.tx_flush_timeout;
    ++counters_.delayed_close_timeout;
    return abort({});
  }
  written_at_timer_ = written;
  transport_->loop().arm(timer_, timeouts_.delayed_close);
}

void H1Server::on_drained() {
  if (stream_ != nullptr && response_ == Response::Begun) stream_->on_response_writable();
}

void H1Server::on_flushed() {
  if (phase_ == Phase::Lingering && !lingers_after_flush()) abort({});
}

void H1Server::on_close(const base::Error&) {
  abort({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, kRemoteDisconnect});
}

void H1Server::drain() {
  is_draining_ = true;
  if (phase_ != Phase::Waiting || has_begun_request() || !held_.is_empty()) return;
  if (transport_->pending_bytes() > 0) return linger();  // the last response is still on its way
  abort({});
}

void H1Server::rest() {
  if (phase_ == Phase::Waiting && tasks_ == 0 && held_.is_empty() && !has_begun_request()) parser_.reset();
}

void H1Server::close() {
  abort({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "downstream_local_disconnect"});
}

}  // namespace

std::unique_ptr<ServerConnection> make_h1_server(std::unique_ptr<net::Connection> transport, const H1Options& options,
                                                 const ServerTimeouts& timeouts, CodecCounters& counters,
                                                 ServerConnectionHandler& handler, base::Chain first_bytes) {
  return std::make_unique<H1Server>(std::move(transport), options, timeouts, counters, handler, std::move(first_bytes));
}

}  // namespace weft::http
