// Purpose: what a server's and a client's HTTP/2 stream have in common: bytes waiting to be sent, credit owed for
//          bytes received, and how it ended.
// Thread:  the owning worker's.   Owner: the session, which reuses ended streams.
#pragma once

#include <cstdint>
#include <optional>

#include "base/intrusive_list.h"
#include "base/slice.h"
#include "base/time.h"
#include "http/connection.h"
#include "http/h2_headers.h"

namespace weft::http {

class H2Session;
struct H2WritableTag;

/// Base of both roles' streams. The session calls the hooks; a hook must bear that its handler has gone (reset).
class H2Stream : public base::ListNode<>, public base::ListNode<H2WritableTag> {
 public:
  explicit H2Stream(H2Session& session) : session_(session) {}
  virtual ~H2Stream() = default;

  int32_t id() const { return id_; }

 protected:
  friend class H2Session;
  struct H2WritableTag;

  // ---- hooks, from inside H2Session::receive ----
  /// The map that the lines of the next header block belong in.
  virtual HeaderMap& begin_block() = 0;
  virtual void on_block_complete(bool end, bool has_overflown) = 0;
  virtual void on_data(base::Slice data, bool end) = 0;
  // ---- hooks, from H2Session::deliver ----
  virtual void on_writable() = 0;
  virtual void on_closed(const StreamEnd& end) = 0;
  // ---- answers ----
  virtual bool is_tunnel() const = 0;
  virtual bool has_response_begun() const = 0;

  void start(int32_t id);
  void clear();  ///< back to the state of a new stream
  void queue_data(base::Chain data, bool end);
  void queue_trailers(const HeaderMap& trailers);
  void submit_reset(ResetCode code);
  void give_credit(size_t bytes);
  bool is_deaf() const { return is_silenced_ || verdict_.has_value(); }  ///< nothing more is delivered but the end
  bool has_left() const;  ///< whether a byte of it may have reached the kernel
  nghttp2_data_provider provider();

  void resume();

  H2Session& session_;
  int32_t id_ = 0;
  base::Chain pending_;
  std::optional<HeaderMap> trailers_out_;
  std::optional<StreamEnd> verdict_;  ///< decided before the stream closes; else its closing code decides
  size_t owed_ = 0;                   ///< bytes delivered and not yet consumed
  uint64_t head_position_ = 0;        ///< wire bytes ahead of its head, at least
  base::MonoTime opened_at_{};
  StreamBytes bytes_;
  bool is_deferred_ = false;  ///< nghttp2 waits for more of `pending_`
  bool is_above_mark_ = false;
  bool has_ended_ = false;    ///< nghttp2 has closed it
  bool is_silenced_ = false;  ///< the handler let go of it
  bool local_end_ = false;    ///< the last byte or trailers are queued
  bool local_end_sent_ = false;
  bool remote_end_ = false;
  bool head_sent_ = false;
  bool is_reset_submitted_ = false;   ///< an RST_STREAM of our own will
  bool has_broken_protocol_ = false;  ///< the peer made us reset it
};

/// RFC 9113 §7 codes and ours.
uint32_t to_h2_code(ResetCode code);
ResetCode from_h2_code(uint32_t code);

}  // namespace weft::http
