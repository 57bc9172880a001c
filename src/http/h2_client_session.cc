#include "http/h2_client_session.h"

#include <algorithm>

#include "base/limits.h"

namespace weft::http {
namespace {

/// Ended streams kept for reuse by one session.
constexpr size_t kFreeStreamsMax = 32;

}  // namespace

H2ClientStream::H2ClientStream(H2ClientSession& session)
    : H2Stream(session), owner_(session), response_(session.pool()), trailers_in_(session.pool()) {}

void H2ClientStream::reuse() {
  clear();
  response_ = ResponseHead(session_.pool());
  trailers_in_ = HeaderMap(session_.pool());
  handler_ = nullptr;
  upgrade_.clear();
  informational_count_ = 0;
  has_received_ = has_response_ = is_tunnel_ = false;
}

void H2ClientStream::send_head(const RequestHead& head, bool end) {
  if (has_ended_ || is_silenced_ || id_ != 0) return;
  if (head.is_upgrade() && !head.has(HeaderId::Protocol)) upgrade_ = head.get(HeaderId::Upgrade);
  is_tunnel_ = head.method() == "CONNECT" || !upgrade_.empty();
  local_end_ = end;
  H2Lines& lines = owner_.lines();
  append_request_lines(lines, head);
  bytes_.decoded_headers_sent += bytes_of(lines);
  const nghttp2_data_provider body = provider();
  const int32_t id = nghttp2_submit_request(owner_.raw(), nullptr, lines.data(), lines.size(), end ? nullptr : &body,
                                            static_cast<H2Stream*>(this));
  if (id < 0) {
    // The 2^30 ids of a connection are used up.
    owner_.refuse_more();
    owner_.end_stream(*this, {StreamEnd::Kind::Unprocessed, ResetCode::Refused, "http2.stream_ids_exhausted"});
    return;
  }
  start(id);
  owner_.host().wake();
}

void H2ClientStream::reset(ResetCode code) {
  handler_ = nullptr;
  submit_reset(code);
}

HeaderMap& H2ClientStream::begin_block() {
  has_received_ = true;
  return has_response_ ? trailers_in_ : response_;
}

void H2ClientStream::abort(const StreamEnd& end, uint32_t code) {
  verdict_ = end;
  is_reset_submitted_ = true;
  nghttp2_submit_rst_stream(owner_.raw(), NGHTTP2_FLAG_NONE, id_, code);
}

void H2ClientStream::on_block_complete(bool end, bool has_overflown) {
  if (has_overflown)
    return abort({StreamEnd::Kind::LimitExceeded, ResetCode::Internal, "http2.too_many_headers"},
                 NGHTTP2_ENHANCE_YOUR_CALM);
  if (!has_response_) return on_head(end);
  ++owner_.counters_.trailers;
  for (const HeaderId id : {HeaderId::ContentLength, HeaderId::Host, HeaderId::Te, HeaderId::Trailer})
    trailers_in_.remove(id);
  handler_->on_response_trailers(std::move(trailers_in_));
}

void H2ClientStream::on_head(bool end) {
  uint16_t status = 0;
  for (const char digit : response_.get(HeaderId::Status)) status = static_cast<uint16_t>(status * 10 + (digit - '0'));
  response_.remove(HeaderId::Status);
  response_.version = Version::Http2;
  response_.status = status;
  if (status < 100 || status > 599 || !has_plain_length(response_))
    return abort({StreamEnd::Kind::ProtocolError, ResetCode::Protocol, "http2.invalid.header.field"},
                 NGHTTP2_PROTOCOL_ERROR);
  ResponseHead head = std::exchange(response_, ResponseHead(session_.pool()));
  if (status < 200) {
    if (++informational_count_ > base::kInformationalMax) {
      return abort({StreamEnd::Kind::LimitExceeded, ResetCode::EnhanceYourCalm, "http2.too_many_informational"},
                   NGHTTP2_ENHANCE_YOUR_CALM);
    }
    return handler_->on_informational(std::move(head));
  }
  has_response_ = true;
  if (!upgrade_.empty() && status < 300) {
    // Back into the form of the request: the upgrade was accepted (RFC 8441 §5).
    head.status = 101;
    head.set(HeaderId::Upgrade, upgrade_);
    head.set(HeaderId::Connection, "upgrade");
  }
  handler_->on_response_head(std::move(head), end);
}

void H2ClientStream::on_data(base::Slice data, bool end) { handler_->on_response_data(std::move(data), end); }

void H2ClientStream::on_writable() {
  if (handler_ != nullptr) handler_->on_request_writable();
}

void H2ClientStream::on_closed(const StreamEnd& end) {
  if (handler_ != nullptr) std::exchange(handler_, nullptr)->on_stream_closed(end);
}

H2ClientSession::H2ClientSession(const H2Options& options, base::BlockPool& pool, CodecCounters& counters, H2Host& host,
                                 ClientConnectionHandler& handler)
    : H2Session(false, options, pool, counters, host), handler_(handler) {}

H2ClientSession::~H2ClientSession() {
  delete_streams([](H2Stream& stream) { delete static_cast<H2ClientStream*>(&stream); });
}

size_t H2ClientSession::streams_max() const {
  const uint32_t peer = nghttp2_session_get_remote_settings(raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return std::min(peer, options_.concurrent_streams_max);
}

ClientStream& H2ClientSession::open(ClientStreamHandler& handler) {
  WEFT_ASSERT(can_open());
  H2ClientStream* stream = nullptr;
  if (free_.empty()) {
    stream = new H2ClientStream(*this);
  } else {
    stream = free_.back().release();
    free_.pop_back();
  }
  stream->handler_ = &handler;
  enter(*stream);
  return *stream;
}

void H2ClientSession::recycle(H2Stream& stream) {
  std::unique_ptr<H2ClientStream> ended(static_cast<H2ClientStream*>(&stream));
  if (free_.size() >= kFreeStreamsMax) return;
  ended->reuse();
  free_.push_back(std::move(ended));
}

void H2ClientSession::refuse_more() {
  is_unfit_ = true;
  if (is_draining_told_ || is_draining_due_) return;
  is_draining_due_ = true;
  host_.wake();
}

bool H2ClientSession::deliver_session_events() {
  bool has_told = false;
  if (std::exchange(is_draining_due_, false)) {
    is_draining_told_ = has_told = true;
    handler_.on_draining();
  }
  if (std::exchange(is_capacity_due_, false) && can_open()) {
    has_told = true;
    handler_.on_capacity();
  }
  return has_told;
}

}  // namespace weft::http
