// Purpose: counts what costs a peer nothing and us something — empty, priority, window and control frames, streams
//          opened only to be reset — against limits. nghttp2 bounds only some of it.
// Thread:  the owning worker's.   Owner: one HTTP/2 session.
// Source:  the rules are Envoy's (protocol constraints and premature resets), so that its knobs mean the same here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "http/connection.h"

namespace weft::http {

/// The limits of one session. Each method answers whether the limit it watches is passed; then the session ends.
class H2FloodGuard {
 public:
  enum class Verdict : uint8_t {
    Ok,
    EmptyFrames,
    Continuations,
    PriorityFrames,
    WindowUpdates,
    OutboundFrames,
    OutboundControlFrames,
    PrematureResets
  };

  H2FloodGuard(const H2Options& options, CodecCounters& counters) : options_(options), counters_(counters) {}

  void on_stream_opened() { ++streams_opened_; }
  /// A frame that may carry payload (HEADERS, CONTINUATION, DATA) arrived; `payload` excludes padding.
  Verdict on_payload_frame(size_t payload, bool ends_stream);
  Verdict on_continuation_frame(size_t payload);
  void on_block_ended() { continuations_ = 0; }
  Verdict on_priority_frame();
  Verdict on_window_update_frame();

  void on_data_frame_sent() { ++data_frames_sent_; }
  /// A frame was written behind `queued` bytes; it leaves once `on_bytes_left` has seen as many.
  Verdict on_frame_queued(bool is_control, uint64_t queued_bytes);
  /// `left_bytes` of all that was ever queued have gone to the kernel.
  void on_bytes_left(uint64_t left_bytes);

  /// A stream is over. `was_premature`: reset within the configured lifetime before any response, or reset by
  /// us because the peer broke the protocol on it. More than half of the streams may not end so.
  Verdict on_stream_ended(bool was_premature);
  bool is_young(base::Duration lifetime) const { return lifetime < options_.premature_reset_min_lifetime; }

 private:
  struct Queued {
    uint32_t frames = 0;
    uint32_t control = 0;
  };

  const H2Options& options_;
  CodecCounters& counters_;
  uint64_t streams_opened_ = 0, streams_ended_ = 0, premature_resets_ = 0;
  uint64_t priority_frames_ = 0, window_updates_ = 0, data_frames_sent_ = 0;
  uint32_t empty_frames_ = 0, continuations_ = 0;
  // Frames not yet gone, in two generations: those behind `mark_` bytes are forgotten together once these have left.
  Queued older_, newer_;
  uint64_t mark_ = 0;
};

/// Envoy's word for response code details; static text.
const char* to_detail(H2FloodGuard::Verdict verdict);

}  // namespace weft::http
