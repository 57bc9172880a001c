#include "http/h2_server_session.h"

#include <algorithm>
#include <array>

#include "http/authority.h"

namespace weft::http {
namespace {

/// Ended streams kept for reuse by one session.
constexpr size_t kFreeStreamsMax = 32;

std::array<char, 3> digits(uint16_t status) {
  return {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
          static_cast<char>('0' + status % 10)};
}

// RFC 9113 §8.3.1 and §8.5, as far as nghttp2 does not look: what HTTP/1.1 refuses too, so that no upstream of that
// protocol is sent what this proxy would not take. Empty when there is nothing wrong.
std::string_view fault_of(const RequestHead& request) {
  if (const std::string_view text = request.authority(); !text.empty()) {
    const auto authority = parse_authority(text);
    const bool needs_port = request.method() == "CONNECT" && !request.has(HeaderId::Protocol);
    if (!authority || (needs_port && authority->port.value_or(0) == 0)) return "http.invalid_authority";
  }
  const std::string_view path = request.path();
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return "http.invalid_path";
  return has_plain_length(request) ? "" : "http2.invalid.header.field";
}

}  // namespace

H2ServerStream::H2ServerStream(H2ServerSession& session)
    : H2Stream(session), owner_(session), request_(session.pool()), trailers_in_(session.pool()) {}

void H2ServerStream::reuse() {
  clear();
  request_ = RequestHead(session_.pool());
  trailers_in_ = HeaderMap(session_.pool());
  handler_ = nullptr;
  has_request_ = has_response_begun_ = is_refused_ = is_tunnel_ = false;
}

HeaderMap& H2ServerStream::begin_block() { return has_request_ ? trailers_in_ : request_; }

void H2ServerStream::on_block_complete(bool end, bool has_overflown) {
  if (has_request_) {
    if (has_overflown) {
      verdict_ = StreamEnd{StreamEnd::Kind::LimitExceeded, ResetCode::Internal, "http2.too_many_headers"};
      nghttp2_submit_rst_stream(owner_.raw(), NGHTTP2_FLAG_NONE, id_, NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    ++owner_.counters_.trailers;
    for (const HeaderId id : {HeaderId::ContentLength, HeaderId::Host, HeaderId::Te, HeaderId::Trailer})
      trailers_in_.remove(id);
    handler_->on_request_trailers(std::move(trailers_in_));
    return;
  }
  has_request_ = true;
  request_.version = Version::Http2;
  if (has_overflown) return refuse(431, {StreamEnd::Kind::LimitExceeded, ResetCode::NoError, "http2.too_many_headers"});
  if (const std::string_view fault = fault_of(request_); !fault.empty())
    return refuse(400, {StreamEnd::Kind::ProtocolError, ResetCode::Protocol, fault});
  handler_ = &owner_.handler_.on_request(*this, end);
}

void H2ServerStream::on_data(base::Slice data, bool end) { handler_->on_request_data(std::move(data), end); }

void H2ServerStream::on_writable() {
  if (handler_ != nullptr) handler_->on_response_writable();
}

void H2ServerStream::on_closed(const StreamEnd& end) {
  if (handler_ != nullptr) {
    std::exchange(handler_, nullptr)->on_stream_closed(end);
  } else if (!is_refused_) {
    owner_.handler_.on_request_refused(request_, {ResponseHead(owner_.pool()), {}, end.detail}, end);
  }
}

void H2ServerStream::send_informational(const ResponseHead& head) {
  if (has_ended_ || is_silenced_ || has_response_begun_) return;
  const auto status = digits(head.status);
  H2Lines& lines = owner_.lines();
  append_response_lines(lines, head, {status.data(), status.size()});
  bytes_.decoded_headers_sent += bytes_of(lines);
  nghttp2_submit_headers(owner_.raw(), NGHTTP2_FLAG_NONE, id_, nullptr, lines.data(), lines.size(), nullptr);
  owner_.host().wake();
}

void H2ServerStream::send_head(const ResponseHead& head, bool end) {
  if (has_ended_ || is_silenced_ || has_response_begun_) return;
  has_response_begun_ = true;
  // An upgrade that an HTTP/1.1 upstream accepted is a plain success of the CONNECT it came from (RFC 8441 §5).
  const uint16_t code = head.status == 101 ? 200 : head.status;
  is_tunnel_ = code >= 200 && code < 300 && request_.method() == "CONNECT";
  local_end_ = end;
  const auto status = digits(code);
  H2Lines& lines = owner_.lines();
  append_response_lines(lines, head, {status.data(), status.size()});
  bytes_.decoded_headers_sent += bytes_of(lines);
  const nghttp2_data_provider body = provider();
  nghttp2_submit_response(owner_.raw(), id_, lines.data(), lines.size(), end ? nullptr : &body);
  owner_.host().wake();
}

void H2ServerStream::refuse(uint16_t status, const StreamEnd& end) {
  Refusal answer{.head = ResponseHead(owner_.pool()), .detail = end.detail};
  answer.head.status = status;
  owner_.handler_.on_refusal(request_, answer);
  is_refused_ = true;
  const bool has_body = !answer.body.empty() && request_.method() != "HEAD";
  if (has_body) answer.head.set(HeaderId::ContentLength, std::to_string(answer.body.size()));
  send_head(answer.head, !has_body);
  if (has_body) {
    base::Chain body;
    body.append_copy(owner_.pool(), answer.body);
    send_data(std::move(body), true);
  }
  is_silenced_ = true;
  verdict_ = end;
  owner_.handler_.on_request_refused(request_, answer, end);
}

void H2ServerStream::reset(ResetCode code) {
  handler_ = nullptr;
  // A NO_ERROR after half a response reads as a whole one (RFC 9113 §8.1): clients would keep the torn body.
  submit_reset(code == ResetCode::NoError && !local_end_sent_ ? ResetCode::Internal : code);
}

H2ServerSession::H2ServerSession(const H2Options& options, base::BlockPool& pool, CodecCounters& counters, H2Host& host,
                                 ServerConnectionHandler& handler)
    : H2Session(true, options, pool, counters, host), handler_(handler) {}

H2ServerSession::~H2ServerSession() {
  delete_streams([](H2Stream& stream) { delete static_cast<H2ServerStream*>(&stream); });
}

H2Stream* H2ServerSession::accept_stream() {
  if (free_.empty()) {
    newest_ = new H2ServerStream(*this);
  } else {
    newest_ = free_.back().release();
    free_.pop_back();
  }
  return newest_;
}

void H2ServerSession::recycle(H2Stream& stream) {
  std::unique_ptr<H2ServerStream> ended(static_cast<H2ServerStream*>(&stream));
  if (newest_ == ended.get()) newest_ = nullptr;
  if (free_.size() >= kFreeStreamsMax) return;
  ended->reuse();
  free_.push_back(std::move(ended));
}

void H2ServerSession::refuse_slow_head() {
  if (!is_inside_head() || newest_ == nullptr || has_failed()) return;
  const StreamEnd end{StreamEnd::Kind::LimitExceeded, ResetCode::NoError, "request_header_timeout"};
  if (!newest_->has_request_) newest_->refuse(408, end);
  fail(NGHTTP2_NO_ERROR, end);
}

}  // namespace weft::http
