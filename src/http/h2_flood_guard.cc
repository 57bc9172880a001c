#include "http/h2_flood_guard.h"

namespace weft::http {
namespace {

/// CONTINUATION frames of one header block beyond those that a head of the largest size needs; nghttp2's default limit.
constexpr size_t kSpareContinuations = 8;
constexpr size_t kFrameBytesMax = 16 * 1024;

}  // namespace

using Verdict = H2FloodGuard::Verdict;

Verdict H2FloodGuard::on_payload_frame(size_t payload, bool ends_stream) {
  if (payload > 0 || ends_stream) {
    empty_frames_ = 0;
    return Verdict::Ok;
  }
  if (++empty_frames_ <= options_.empty_frames_max) return Verdict::Ok;
  ++counters_.inbound_empty_frames_flood;
  return Verdict::EmptyFrames;
}

Verdict H2FloodGuard::on_continuation_frame(size_t payload) {
  if (++continuations_ > kSpareContinuations + options_.head_bytes_max / kFrameBytesMax) {
    ++counters_.too_many_header_frames;
    return Verdict::Continuations;
  }
  return on_payload_frame(payload, false);
}

Verdict H2FloodGuard::on_priority_frame() {
  if (++priority_frames_ <= options_.priority_frames_per_stream_max * (1 + streams_opened_)) return Verdict::Ok;
  ++counters_.inbound_priority_frames_flood;
  return Verdict::PriorityFrames;
}

Verdict H2FloodGuard::on_window_update_frame() {
  // Each stream may open its window once for either direction; five are for the connection's beginning.
  const uint64_t allowed = 5 + 2 * (streams_opened_ + options_.window_updates_per_data_frame_max * data_frames_sent_);
  if (++window_updates_ <= allowed) return Verdict::Ok;
  ++counters_.inbound_window_update_frames_flood;
  return Verdict::WindowUpdates;
}

Verdict H2FloodGuard::on_frame_queued(bool is_control, uint64_t queued_bytes) {
  if (older_.frames == 0) {
    older_ = newer_;
    newer_ = {};
    mark_ = queued_bytes;
  }
  ++newer_.frames;
  if (is_control) ++newer_.control;
  if (older_.control + newer_.control > options_.outbound_control_frames_max) {
    ++counters_.outbound_control_flood;
    return Verdict::OutboundControlFrames;
  }
  if (older_.frames + newer_.frames <= options_.outbound_frames_max) return Verdict::Ok;
  ++counters_.outbound_flood;
  return Verdict::OutboundFrames;
}

void H2FloodGuard::on_bytes_left(uint64_t left_bytes) {
  if (left_bytes < mark_) return;
  older_ = {};
}

Verdict H2FloodGuard::on_stream_ended(bool was_premature) {
  ++streams_ended_;
  if (!was_premature) return Verdict::Ok;
  ++premature_resets_;
  const uint64_t total = options_.premature_reset_total_streams;
  // Before `total` streams: would more than half be bad even if every stream to come were good?
  const uint64_t judged = streams_ended_ < total ? total : streams_ended_;
  if (premature_resets_ * 2 < judged) return Verdict::Ok;
  ++counters_.premature_resets;
  return Verdict::PrematureResets;
}

const char* to_detail(Verdict verdict) {
  switch (verdict) {
    case Verdict::Ok: return "";
    case Verdict::EmptyFrames: return "http2.inbound_empty_frames_flood";
    case Verdict::Continuations: return "http2.too_many_header_frames";
    case Verdict::PriorityFrames: return "http2.inbound_priority_frames_flood";
    case Verdict::WindowUpdates: return "http2.inbound_window_update_frames_flood";
    case Verdict::OutboundFrames: return "http2.outbound_frames_flood";
    case Verdict::OutboundControlFrames: return "http2.outbound_control_frames_flood";
    case Verdict::PrematureResets: return "too_many_premature_resets";
  }
  return "";
}

}  // namespace weft::http
