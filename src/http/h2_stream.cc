#include "http/h2_stream.h"

#include <algorithm>

#include "http/h2_session.h"

namespace weft::http {

void H2Stream::start(int32_t id) {
  id_ = id;
  opened_at_ = session_.host().now();
}

void H2Stream::clear() {
  id_ = 0;
  pending_.clear();
  trailers_out_.reset();
  verdict_.reset();
  owed_ = 0;
  head_position_ = 0;
  bytes_ = {};
  is_deferred_ = is_above_mark_ = has_ended_ = is_silenced_ = false;
  local_end_ = local_end_sent_ = remote_end_ = head_sent_ = is_reset_submitted_ = has_broken_protocol_ = false;
}

void H2Stream::queue_data(base::Chain data, bool end) {
  if (has_ended_ || is_silenced_ || local_end_) return;
  session_.note_pending(static_cast<int64_t>(data.size()));
  pending_.append(std::move(data));
  local_end_ = end;
  if (pending_.size() > session_.options().buffer_bytes) is_above_mark_ = true;
  resume();
}

void H2Stream::queue_trailers(const HeaderMap& trailers) {
  if (has_ended_ || is_silenced_ || local_end_) return;
  trailers_out_.emplace(trailers.clone());
  local_end_ = true;
  resume();
}

void H2Stream::resume() {
  if (is_deferred_) {
    is_deferred_ = false;
    nghttp2_session_resume_data(session_.raw(), id_);
  }
  session_.host().wake();
}

// Ends the stream for its handler at once; nghttp2 learns it with the next bytes that go out.
void H2Stream::submit_reset(ResetCode code) {
  is_silenced_ = true;
  session_.drop_pending(*this);
  trailers_out_.reset();
  local_end_ = true;
  session_.release_owed(*this);
  if (has_ended_) return;
  // Whole both ways: nghttp2 closes it when the callback that told the end returns. A reset would only look like abuse.
  if (local_end_sent_ && remote_end_) return;
  session_.host().wake();
  if (id_ == 0) {
    session_.end_stream(*this, StreamEnd{});
    return;
  }
  is_reset_submitted_ = true;
  nghttp2_submit_rst_stream(session_.raw(), NGHTTP2_FLAG_NONE, id_, to_h2_code(code));
}

void H2Stream::give_credit(size_t bytes) {
  bytes = std::min(bytes, owed_);
  if (bytes == 0) return;
  owed_ -= bytes;
  session_.release(bytes);
  nghttp2_session_consume_stream(session_.raw(), id_, bytes);
  session_.host().wake();
}

bool H2Stream::has_left() const { return head_sent_ && session_.host().wire_written() > head_position_; }

nghttp2_data_provider H2Stream::provider() {
  nghttp2_data_provider provider;
  provider.source.ptr = this;
  provider.read_callback = &H2Session::read_source;
  return provider;
}

uint32_t to_h2_code(ResetCode code) {
  switch (code) {
    case ResetCode::NoError: return NGHTTP2_NO_ERROR;
    case ResetCode::Protocol: return NGHTTP2_PROTOCOL_ERROR;
    case ResetCode::Internal: return NGHTTP2_INTERNAL_ERROR;
    case ResetCode::FlowControl: return NGHTTP2_FLOW_CONTROL_ERROR;
    case ResetCode::StreamClosed: return NGHTTP2_STREAM_CLOSED;
    case ResetCode::Refused: return NGHTTP2_REFUSED_STREAM;
    case ResetCode::Cancel: return NGHTTP2_CANCEL;
    case ResetCode::Connect: return NGHTTP2_CONNECT_ERROR;
    case ResetCode::EnhanceYourCalm: return NGHTTP2_ENHANCE_YOUR_CALM;
    case ResetCode::Http11Required: return NGHTTP2_HTTP_1_1_REQUIRED;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

ResetCode from_h2_code(uint32_t code) {
  switch (code) {
    case NGHTTP2_NO_ERROR: return ResetCode::NoError;
    case NGHTTP2_PROTOCOL_ERROR: return ResetCode::Protocol;
    case NGHTTP2_FLOW_CONTROL_ERROR: return ResetCode::FlowControl;
    case NGHTTP2_STREAM_CLOSED: return ResetCode::StreamClosed;
    case NGHTTP2_REFUSED_STREAM: return ResetCode::Refused;
    case NGHTTP2_CANCEL: return ResetCode::Cancel;
    case NGHTTP2_CONNECT_ERROR: return ResetCode::Connect;
    case NGHTTP2_ENHANCE_YOUR_CALM: return ResetCode::EnhanceYourCalm;
    case NGHTTP2_HTTP_1_1_REQUIRED: return ResetCode::Http11Required;
    default: return ResetCode::Internal;
  }
}

}  // namespace weft::http
