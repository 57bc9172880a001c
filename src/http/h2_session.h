// Purpose: one HTTP/2 session without any I/O: bytes go in, events come out of streams, bytes are produced. nghttp2
//          frames and validates; flow control by credit, limits and the ends of streams are decided here.
// Thread:  the owning worker's.
// Owner:   a server or client connection; the session owns its streams and keeps ended ones for reuse.
//
// How it is driven (H2Link does, and tests by hand):
//  - `receive` feeds bytes; heads, data and trailers are delivered from inside it, never from inside anything else.
//  - After anything that may have left work, the session calls `H2Host::wake` (cheap, repeats). Later in the turn the
//    host calls `produce` and `deliver` until neither has anything to do.
//  - After `has_failed`, the host writes what `produce` gives (a GOAWAY) and closes.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/intrusive_list.h"
#include "base/slice.h"
#include "base/time.h"
#include "http/connection.h"
#include "http/h2_flood_guard.h"
#include "http/h2_frame_scanner.h"
#include "http/h2_headers.h"
#include "http/h2_memory.h"
#include "http/h2_stream.h"
#include "http/h2_stream_history.h"

namespace weft::http {

/// What a session needs of whoever carries its bytes.
class H2Host {
 public:
  virtual base::MonoTime now() const = 0;
  /// Asks for `produce` and `deliver` at the end of the turn.
  virtual void wake() = 0;
  /// Plain bytes given to the transport so far, and how many of them the kernel has certainly taken.
  virtual uint64_t bytes_queued() const = 0;
  virtual uint64_t bytes_left() const = 0;
  /// Wire bytes (TLS included) the kernel has taken, and where the next byte would come.
  virtual uint64_t wire_written() const = 0;
  virtual uint64_t wire_position() const = 0;

 protected:
  ~H2Host() = default;
};

/// What both roles share. Streams are made by the role.
class H2Session {
 public:
  H2Session(bool is_server, const H2Options& options, base::BlockPool& pool, CodecCounters& counters, H2Host& host);
  virtual ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  void receive(base::Slice bytes);
  /// Serialises until nothing is left or `bytes_max` is reached. Not from inside `receive`.
  void produce(base::Chain& out, size_t bytes_max);
  /// Ends of streams, room to write, capacity. Handlers may call anything. False: there was nothing to tell.
  bool deliver();
  bool wants_write() const;

  /// Ends the session: GOAWAY with `code`, and every stream ends as `end` says. The first call decides.
  void fail(uint32_t code, const StreamEnd& end);
  /// The transport is gone: no byte goes or comes any more, streams still open end as `end` says.
  void abandon(const StreamEnd& end);
  bool has_failed() const { return has_failed_; }
  const StreamEnd& failure() const { return failure_; }

  /// GOAWAY: a notice first (all ids still welcome) and a PING; its answer, or `finish_drain`, sends the last id.
  void begin_drain();
  void finish_drain();
  bool is_drain_finished() const { return drain_ == Drain::Finished; }
  bool awaits_drain_answer() const { return drain_ == Drain::Noticed; }
  bool has_peer_goaway() const { return has_peer_goaway_; }

  void send_ping();
  bool is_ping_outstanding() const { return pings_outstanding_ > 0; }
  base::MonoTime last_received() const { return last_received_; }
  bool is_inside_head() const { return is_inside_head_; }

  size_t active_streams() const { return active_streams_; }
  bool has_ended_streams() { return !ended_.is_empty(); }
  uint64_t streams_opened() const { return streams_opened_; }
  size_t body_bytes_held() const { return held_bytes_; }
  base::BlockPool& pool() { return pool_; }
  const H2Options& options() const { return options_; }
  CodecCounters& counters() { return counters_; }
  H2Host& host() { return host_; }

 protected:
  friend class H2Stream;

  /// A server makes the stream of a new request; a client never gets here.
  virtual H2Stream* accept_stream() { return nullptr; }
  /// The stream has been told of its end and is not used any more; keep it for reuse.
  virtual void recycle(H2Stream& stream) = 0;
  virtual void on_peer_goaway() {}
  virtual void on_capacity_change() {}
  virtual bool deliver_session_events() { return false; }
  /// A stream of this side's making, or one accepted, begins to count.
  void enter(H2Stream& stream);
  /// For the role's destructor: hands over every stream that is left.
  template <typename Delete>
  void delete_streams(Delete destroy) {
    while (H2Stream* stream = active_.pop_front()) destroy(*stream);
    while (H2Stream* stream = ended_.pop_front()) destroy(*stream);
  }
  nghttp2_session* raw() const { return session_; }
  H2Lines& lines() {
    lines_.clear();
    return lines_;
  }
  void end_stream(H2Stream& stream, const StreamEnd& end);
  void release_owed(H2Stream& stream);
  void note_pending(int64_t change) {
    if (counters_.gauges != nullptr && change != 0) counters_.gauges->on_pending_send_bytes(change);
  }
  void note_streams(int64_t change) {
    if (counters_.gauges != nullptr) counters_.gauges->on_streams_active(change);
  }
  void drop_pending(H2Stream& stream);
  void release(size_t bytes);
  static ssize_t read_source(nghttp2_session*, int32_t, uint8_t*, size_t bytes_max, uint32_t* flags,
                             nghttp2_data_source* source, void* self);

  const bool is_server_;
  const H2Options& options_;
  base::BlockPool& pool_;
  CodecCounters& counters_;
  H2Host& host_;
  H2FloodGuard guard_;

 private:
  enum class Drain : uint8_t { No, Noticed, Finished };
  class Output;
  struct Callbacks;

  void submit_settings();
  void apply(H2FloodGuard::Verdict verdict);
  int on_begin_frame(const nghttp2_frame_hd& head);
  void feed(std::string_view bytes);
  void on_scanned_head(const H2FrameScanner::Head& head);
  void check_closed_stream(uint32_t stream_id);
  int on_begin_headers(const nghttp2_frame& frame);
  void count_received_block(H2Stream& stream, size_t payload_bytes);
  int on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value, bool is_name_static);
  int on_frame(const nghttp2_frame& frame);
  void on_headers_frame(const nghttp2_frame& frame);
  void on_data_frame(const nghttp2_frame& frame);
  void on_reset_frame(const nghttp2_frame& frame);
  void on_ping_frame(const nghttp2_frame& frame);
  int on_invalid_frame(const nghttp2_frame& frame, int error);
  int on_data_chunk(uint8_t flags, int32_t stream_id, std::string_view bytes);
  int on_frame_sent(const nghttp2_frame& frame);
  int on_stream_closed(int32_t stream_id, uint32_t code);
  void on_stream_end_sent(H2Stream& stream);
  ssize_t on_read(H2Stream& stream, size_t bytes_max, uint32_t& flags);
  void submit_trailers(H2Stream& stream);
  StreamEnd how_ended(const H2Stream& stream, uint32_t code) const;
  int on_send_data(H2Stream& stream, const uint8_t* frame_head, size_t bytes);
  void on_receive_error(ssize_t error);
  H2Stream* find(int32_t stream_id);
  void deliver_held(bool end);
  base::Slice take_piece(std::string_view bytes);
  void drop_pack();
  void hold(size_t bytes);

  H2Memory memory_;
  nghttp2_session* session_ = nullptr;
  H2BlockReader reader_;
  H2FrameScanner scanner_;
  H2StreamHistory history_;
  H2Lines lines_;
  base::IntrusiveList<H2Stream> active_, ended_;
  base::IntrusiveList<H2Stream, H2WritableTag> writable_;
  size_t active_streams_ = 0;
  uint64_t streams_opened_ = 0;

  // While `receive` runs: the bytes it was given, and the last piece of a frame that ends its stream, which waits
  // for nghttp2's verdict on the whole message.
  base::Slice* input_ = nullptr;
  base::Slice held_;
  H2Stream* held_stream_ = nullptr;
  Output* output_ = nullptr;

  size_t held_bytes_ = 0;      ///< body delivered and not yet consumed, all streams
  size_t withheld_bytes_ = 0;  ///< of these, kept out of the connection's window: max(0, held - cap)
  // Small pieces of body keep large read blocks alive. Once many may be held, they are copied into blocks of their own.
  size_t pinned_bytes_ = 0;  ///< read blocks that held pieces may keep alive, at most
  bool is_input_pinned_ = false;
  base::Block* pack_ = nullptr;
  size_t pack_used_ = 0;
  base::MonoTime last_received_{};
  uint32_t pings_outstanding_ = 0;
  Drain drain_ = Drain::No;
  bool has_peer_goaway_ = false;
  bool has_failed_ = false;
  bool is_abandoned_ = false;
  bool is_inside_head_ = false;
  StreamEnd failure_;
};

}  // namespace weft::http
