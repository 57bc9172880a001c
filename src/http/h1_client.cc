// The upstream end of an HTTP/1 connection: one stream at a time, embedded and used again for each request.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "http/connection.h"
#include "http/h1_parser.h"
#include "http/h1_serializer.h"
#include "net/connection.h"
#include "net/loop.h"

namespace weft::http {
namespace {

constexpr std::string_view kUpstreamClosed = "upstream_remote_close";

// RFC 6455 §4.1: 16 random bytes in base64.
constexpr size_t kWebsocketKeyBytes = 24;

std::string_view make_websocket_key(base::Random& random, char (&key)[kWebsocketKeyBytes]) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < 21; ++i) key[i] = kAlphabet[random.below(64)];
  key[21] = kAlphabet[random.below(4) * 16];  // the last digit carries two bits
  key[22] = key[23] = '=';
  return {key, kWebsocketKeyBytes};
}

// Envoy writes `content-length: 0` for requests without a body, but not where none is expected anyway.
bool may_leave_length_out(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "DELETE" || method == "TRACE" || method == "CONNECT";
}

class H1Client final : public ClientConnection, private ClientStream, private net::ConnectionHandler {
 public:
  H1Client(std::unique_ptr<net::Connection> transport, const H1Options& options, CodecCounters& counters,
           ClientConnectionHandler& handler);

  bool can_open() const override { return phase_ == Phase::Idle && !is_draining_; }
  ClientStream& open(ClientStreamHandler& handler) override;
  size_t active_streams() const override { return phase_ == Phase::Active ? 1 : 0; }
  size_t streams_max() const override { return 1; }
  uint64_t streams_opened() const override { return streams_opened_; }
  bool is_draining() const override { return is_draining_; }
  void drain() override;
  void close() override;
  Version version() const override { return Version::Http11; }
  net::Connection& transport() override { return *transport_; }

 private:
  enum class Phase : uint8_t { Idle, Active, Closed };
  enum class Request : uint8_t { None, Begun, Done };
  enum Task : uint8_t { kEndStream = 1, kResume = 2, kEndConnection = 4 };

  // ClientStream
  void send_head(const RequestHead& head, bool end) override;
  void send_data(base::Chain data, bool end) override;
  void send_trailers(const HeaderMap& trailers) override;
  void reset(ResetCode code) override;
  void consume(size_t bytes) override;
  size_t pending_bytes() const override { return transport_->pending_bytes() + early_.size(); }
  bool is_above_high_mark() const override {
    return transport_->is_above_high_mark() || early_.size() > options_.buffer_bytes;
  }
  bool has_received_bytes() const override { return transport_->bytes_received() != received_at_open_; }
  bool has_sent_bytes() const override { return transport_->bytes_written() != written_at_open_; }
  StreamBytes bytes() const override;

  // net::ConnectionHandler
  void on_data(base::Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_close(const base::Error& error) override;
  void end_with_transport();

  bool can_read() const;
  void read(base::Slice& in);
  void on_head();
  void on_body_data();
  void on_body_end();
  void note_response_end();
  void on_response_complete();
  void resume();
  void hold(base::Slice rest);

  void write(base::Chain bytes);
  void write_head(base::Slice head);
  H1BodyCoding choose_coding(const RequestHead& head, bool end);
  base::Chain frame(base::Chain data);
  void finish_request();

  void schedule(Task task);
  void run_tasks();
  void deliver_stream_end();
  void stop_reuse();
  void end_stream(const StreamEnd& end);
  void abort(const StreamEnd& end);

  const H1Options options_;
  CodecCounters& counters_;
  ClientConnectionHandler& handler_;
  std::unique_ptr<net::Connection> transport_;
  ClientStreamHandler* stream_ = nullptr;
  H1ResponseParser parser_;
  base::Chain held_;   ///< received and not parsed, while the handler owes too much
  base::Chain early_;  ///< a tunnel's bytes from before the upstream agreed to it
  net::Deferred deferred_;
  size_t owed_ = 0;            ///< body bytes delivered and not consumed
  uint64_t request_left_ = 0;  ///< with H1BodyCoding::Length
  uint64_t received_at_open_ = 0;
  uint64_t written_at_open_ = 0;
  uint64_t streams_opened_ = 0;
  uint64_t stream_received_ = 0, stream_sent_ = 0, stream_fields_sent_ = 0;
  uint64_t earlier_fields_ = 0;  ///< of heads that the parser has let go of
  StreamEnd end_;                ///< of the stream, then of the connection
  uint16_t informational_ = 0;
  Phase phase_ = Phase::Idle;
  Request request_ = Request::None;
  H1BodyCoding coding_ = H1BodyCoding::None;
  uint8_t tasks_ = 0;
  bool is_draining_ = false;  ///< not used again once the stream ends
  bool is_tunnel_ = false;    ///< the response opened it
  bool is_response_done_ = false;
  bool has_early_end_ = false;
};

H1Client::H1Client(std::unique_ptr<net::Connection> transport, const H1Options& options, CodecCounters& counters,
                   ClientConnectionHandler& handler)
    : options_(options),
      counters_(counters),
      handler_(handler),
      transport_(std::move(transport)),
      parser_(transport_->loop().blocks(), options_, transport_->tls() != nullptr, counters),
      deferred_(net::Deferred::Callback::bind<&H1Client::run_tasks>(*this)) {
  transport_->set_handler(*this);
  transport_->set_high_mark(options_.buffer_bytes);
  transport_->start_reading();
}

ClientStream& H1Client::open(ClientStreamHandler& handler) {
  WEFT_ASSERT(can_open());
  phase_ = Phase::Active;
  stream_ = &handler;
  request_ = Request::None;
  is_tunnel_ = is_response_done_ = has_early_end_ = false;
  informational_ = 0;
  owed_ = 0;
  stream_received_ = stream_sent_ = stream_fields_sent_ = earlier_fields_ = 0;
  received_at_open_ = transport_->bytes_received();
  written_at_open_ = transport_->bytes_written();
  ++streams_opened_;
  return *this;
}

// ---------------------------------------------------------------- requests

void H1Client::write(base::Chain bytes) {
  stream_sent_ += bytes.size();
  transport_->write(std::move(bytes));
}

void H1Client::write_head(base::Slice head) {
  stream_fields_sent_ += field_bytes(head.view());
  write(base::Chain(std::move(head)));
}

StreamBytes H1Client::bytes() const {
  const uint64_t received = earlier_fields_ + parser_.field_bytes();
  return {stream_sent_, stream_received_, stream_fields_sent_, received, stream_fields_sent_, received};
}

H1BodyCoding H1Client::choose_coding(const RequestHead& head, bool end) {
  if (head.is_connect() || head.is_upgrade()) return H1BodyCoding::Tunnel;
  if (end) return may_leave_length_out(head.method()) ? H1BodyCoding::None : H1BodyCoding::EmptyBody;
  if (const auto length = declared_length(head)) {
    request_left_ = *length;
    return H1BodyCoding::Length;
  }
  return H1BodyCoding::Chunked;
}

void H1Client::send_head(const RequestHead& head, bool end) {
  if (phase_ != Phase::Active || request_ != Request::None) return;
  request_ = Request::Begun;
  coding_ = choose_coding(head, end);
  H1HeadFormat format;
  format.coding = coding_;
  // A request that ends with its head has no length to declare but 0.
  if (coding_ == H1BodyCoding::None && declared_length(head).value_or(1) != 0) format.coding = H1BodyCoding::UntilClose;
  format.is_proper_case = options_.proper_case_headers;
  format.is_fully_qualified = options_.send_fully_qualified_url;
  H1RequestContext context;
  context.is_head = head.method() == "HEAD";
  context.is_connect = head.is_connect();
  context.is_upgrade = !context.is_connect && coding_ == H1BodyCoding::Tunnel;
  char key[kWebsocketKeyBytes];
  if (context.is_upgrade) {
    format.connection = H1ConnectionOption::Upgrade;
    // RFC 8441 §5: an extended CONNECT has no key, HTTP/1.1 needs one.
    if (head.protocol() == "websocket" && !head.has(HeaderId::SecWebSocketKey))
      format.websocket_key = make_websocket_key(transport_->loop().random(), key);
  }
  parser_.set_context(context);
  write_head(serialize_request_head(transport_->loop().blocks(), head, format));
  if (end && context.is_upgrade) has_early_end_ = true;
  else if (end) finish_request();
}

base::Chain H1Client::frame(base::Chain data) {
  switch (coding_) {
    case H1BodyCoding::None:
    case H1BodyCoding::EmptyBody: return {};
    case H1BodyCoding::Length:
      // More than was declared would be read as the next request.
      if (data.size() > request_left_) data = data.split_front(request_left_);
      request_left_ -= data.size();
      return data;
    case H1BodyCoding::Chunked: return serialize_chunk(transport_->loop().blocks(), std::move(data));
    case H1BodyCoding::UntilClose:
    case H1BodyCoding::Tunnel: return data;
  }
  return {};
}

void H1Client::send_data(base::Chain data, bool end) {
  if (phase_ != Phase::Active || request_ != Request::Begun) return;
  if (coding_ == H1BodyCoding::Tunnel && !is_tunnel_) {
    // Nothing passes before the upstream agreed: it would take the bytes for a request.
    early_.append(std::move(data));
    has_early_end_ = end;
    return;
  }
  base::Chain bytes = frame(std::move(data));
  if (end && coding_ == H1BodyCoding::Chunked) bytes.append(last_chunk());
  if (!bytes.is_empty()) write(std::move(bytes));
  if (end) finish_request();
}

void H1Client::send_trailers(const HeaderMap& trailers) {
  if (coding_ != H1BodyCoding::Chunked || !options_.enable_trailers) return send_data({}, true);
  if (phase_ != Phase::Active || request_ != Request::Begun) return;
  write_head(serialize_trailers(transport_->loop().blocks(), trailers, options_.proper_case_headers));
  finish_request();
}

void H1Client::finish_request() {
  request_ = Request::Done;
  if (coding_ == H1BodyCoding::Length && request_left_ > 0) {
    // Less than was declared: the upstream would take the next request for the rest.
    return abort({StreamEnd::Kind::ConnectionClosed, ResetCode::Internal, "http1.content_length_mismatch"});
  }
  if (!is_tunnel_) return;
  transport_->shutdown_write();
  if (is_response_done_) end_stream({});
}

// ---------------------------------------------------------------- responses

bool H1Client::can_read() const {
  return phase_ == Phase::Active && !is_response_done_ && owed_ <= options_.buffer_bytes;
}

void H1Client::on_data(base::Slice data) {
  if (phase_ == Phase::Closed) return;
  // Nobody asked for these bytes. They must not be taken for the answer to the next request.
  if (phase_ == Phase::Idle || request_ == Request::None)
    return abort({StreamEnd::Kind::ProtocolError, ResetCode::Protocol, "http1.unexpected_data"});
  if (is_response_done_) return stop_reuse();
  if (!held_.is_empty()) return hold(std::move(data));
  read(data);
  if (!data.is_empty()) hold(std::move(data));
}

// Keeps what may not be parsed yet; bytes behind a complete response only spoil the connection.
void H1Client::hold(base::Slice rest) {
  if (phase_ != Phase::Active) return;
  if (is_response_done_) return stop_reuse();
  held_.append(std::move(rest));
  transport_->pause_reading();
}

void H1Client::read(base::Slice& in) {
  while (!in.is_empty() && can_read()) {
    const size_t before = in.size();
    const H1Event event = parser_.next(in);
    stream_received_ += before - in.size();
    switch (event) {
      case H1Event::NeedMore: break;
      case H1Event::Head: on_head(); break;
      case H1Event::Data: on_body_data(); break;
      case H1Event::End: on_body_end(); break;
      case H1Event::Failed: return abort({StreamEnd::Kind::ProtocolError, ResetCode::Protocol, parser_.error().detail});
    }
  }
}

void H1Client::on_head() {
  const H1Facts& facts = parser_.facts();
  if (facts.status < 200 && facts.status != 101) {
    if (++informational_ > base::kInformationalMax) {
      return abort({StreamEnd::Kind::LimitExceeded, ResetCode::Protocol, "http1.too_many_informational_responses"});
    }
    stream_->on_informational(std::move(parser_.head()));
    if (phase_ != Phase::Active) return;
    earlier_fields_ += parser_.field_bytes();
    parser_.expect_another_head();
    return;
  }
  if (facts.framing == H1Framing::Tunnel) {
    is_tunnel_ = true;
    if (!early_.is_empty()) write(std::move(early_));
  }
  const bool is_complete = parser_.is_complete();
  if (!facts.keeps_alive || is_tunnel_) stop_reuse();
  if (phase_ != Phase::Active || stream_ == nullptr) return;
  if (is_complete) note_response_end();
  stream_->on_response_head(std::move(parser_.head()), is_complete);
  if (phase_ != Phase::Active) return;
  if (is_tunnel_ && has_early_end_ && request_ == Request::Begun) finish_request();
  if (is_complete) on_response_complete();
}

void H1Client::on_body_data() {
  base::Slice data = parser_.take_data();
  owed_ += data.size();
  const bool is_complete = parser_.is_complete();
  if (is_complete) note_response_end();
  stream_->on_response_data(std::move(data), is_complete);
  if (is_complete && phase_ == Phase::Active) on_response_complete();
}

void H1Client::on_body_end() {
  note_response_end();
  if (parser_.trailers().size() == 0) {
    stream_->on_response_data({}, true);
  } else {
    ++counters_.trailers;
    stream_->on_response_trailers(std::move(parser_.trailers()));
  }
  if (phase_ == Phase::Active) on_response_complete();
}

// Before the end is told: the handler may let go of its stream inside that call, and the connection is to be kept.
void H1Client::note_response_end() {
  is_response_done_ = true;
  if (!is_tunnel_) end_stream({});
}

void H1Client::on_response_complete() {
  is_response_done_ = true;
  if (is_tunnel_) {
    if (request_ == Request::Done) end_stream({});
    return;
  }
  // A refused upgrade or CONNECT had no body to send; any other request must be over, or its rest would be
  // read as the next one.
  if (request_ != Request::Done && coding_ != H1BodyCoding::Tunnel) stop_reuse();
  request_ = Request::Done;
  early_.clear();
  end_stream({});
}

void H1Client::resume() {
  while (!held_.is_empty() && can_read()) {
    base::Slice in = held_.pop_front();
    read(in);
    if (in.is_empty() || phase_ != Phase::Active) continue;
    if (is_response_done_) {
      stop_reuse();
      held_.clear();
      continue;
    }
    base::Chain rest(std::move(in));
    rest.append(std::move(held_));
    held_ = std::move(rest);
  }
  if (held_.is_empty() && phase_ != Phase::Closed) transport_->start_reading();
}

void H1Client::consume(size_t bytes) {
  const bool was_blocked = owed_ > options_.buffer_bytes;
  owed_ -= std::min(bytes, owed_);
  if (was_blocked && owed_ <= options_.buffer_bytes) schedule(kResume);
}

void H1Client::on_end() {
  if (phase_ == Phase::Active && is_response_done_) return stop_reuse();
  if (phase_ == Phase::Active && parser_.end_of_stream()) {
    stream_->on_response_data({}, true);
    if (phase_ == Phase::Active) on_response_complete();
    return;
  }
  end_with_transport();
}

// A response that breaks off is a breach of the protocol, as with Envoy; a request without any answer is not.
void H1Client::end_with_transport() {
  if (phase_ == Phase::Active && has_received_bytes() && !is_response_done_ && !is_tunnel_)
    return abort({StreamEnd::Kind::ProtocolError, ResetCode::NoError, "http1.incomplete_response"});
  abort({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, kUpstreamClosed});
}

void H1Client::on_drained() {
  if (stream_ != nullptr && request_ == Request::Begun) stream_->on_request_writable();
}

void H1Client::on_close(const base::Error&) { end_with_transport(); }

// ---------------------------------------------------------------- ends

void H1Client::schedule(Task task) {
  tasks_ |= task;
  transport_->loop().defer(deferred_);
}

void H1Client::run_tasks() {
  if ((tasks_ & kEndStream) != 0) deliver_stream_end();
  if ((tasks_ & kResume) != 0) {
    tasks_ &= static_cast<uint8_t>(~kResume);
    resume();
  }
  if ((tasks_ & kEndConnection) == 0 || (tasks_ & kEndStream) != 0) return;
  tasks_ = 0;
  handler_.on_connection_closed(end_);
}

// The connection serves no further stream; the pool hears of it once.
void H1Client::stop_reuse() {
  if (std::exchange(is_draining_, true)) return;
  handler_.on_draining();
}

void H1Client::end_stream(const StreamEnd& end) {
  if ((tasks_ & kEndStream) != 0) return;
  end_ = end;
  schedule(kEndStream);
}

void H1Client::deliver_stream_end() {
  tasks_ &= static_cast<uint8_t>(~kEndStream);
  ClientStreamHandler* const stream = std::exchange(stream_, nullptr);
  const StreamEnd end = end_;
  earlier_fields_ += parser_.field_bytes();
  parser_.restart();
  held_.clear();
  early_.clear();
  if (phase_ == Phase::Active) {
    phase_ = Phase::Idle;
    if (is_draining_) abort({});
    else transport_->start_reading();
  }
  if (stream != nullptr) stream->on_stream_closed(end);
  if (can_open()) handler_.on_capacity();
}

void H1Client::abort(const StreamEnd& end) {
  if (phase_ == Phase::Closed) return;
  const bool has_stream = phase_ == Phase::Active;
  phase_ = Phase::Closed;
  if ((tasks_ & kEndStream) == 0) end_ = end;
  transport_->close();
  if (has_stream) tasks_ |= kEndStream;
  schedule(kEndConnection);
}

void H1Client::reset(ResetCode) {
  if (phase_ != Phase::Active) {
    stream_ = nullptr;
    return;
  }
  stream_ = nullptr;
  // A handler may let go from inside the call that told it of the end: then the exchange is complete, and the
  // connection good.
  const bool is_complete = request_ == Request::Done && parser_.is_complete() && !is_tunnel_;
  if ((tasks_ & kEndStream) == 0 && !is_complete) abort({StreamEnd::Kind::Complete, ResetCode::Cancel, {}});
}

void H1Client::drain() {
  is_draining_ = true;
  if (phase_ == Phase::Idle) abort({});
}

void H1Client::close() { abort({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "upstream_local_close"}); }

}  // namespace

std::unique_ptr<ClientConnection> make_h1_client(std::unique_ptr<net::Connection> transport, const H1Options& options,
                                                 CodecCounters& counters, ClientConnectionHandler& handler) {
  return std::make_unique<H1Client>(std::move(transport), options, counters, handler);
}

}  // namespace weft::http
