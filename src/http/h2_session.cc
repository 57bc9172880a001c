#include "http/h2_session.h"

#include <algorithm>
#include <cstring>

namespace weft::http {
namespace {

constexpr uint8_t kKeepalivePing[8] = {'w', 'e', 'f', 't', 'k', 'e', 'e', 'p'};
constexpr uint8_t kDrainPing[8] = {'w', 'e', 'f', 't', 'd', 'r', 'n', '1'};
constexpr size_t kFrameHeadBytes = 9;
/// Body pieces up to this are copied behind their frame head: one slice fewer costs more than the copy saves.
constexpr size_t kCopiedPieceBytesMax = 1024;
/// Pieces of body below this are packed once more than kPinnedBytesFree may be pinned: at most four times what is held.
constexpr size_t kPackedPieceBytesMax = 4096;
constexpr size_t kPinnedBytesFree = 256 * 1024;

std::string_view view(nghttp2_rcbuf* buffer) {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

StreamEnd protocol_error(std::string_view detail) {
  return {StreamEnd::Kind::ProtocolError, ResetCode::Protocol, detail};
}

}  // namespace

// Gathers frames: small pieces are packed into blocks, large bodies pass as the slices they are.
class H2Session::Output {
 public:
  Output(base::Chain& out, base::BlockPool& pool, size_t bytes_max) : out_(out), pool_(pool), bytes_max_(bytes_max) {}
  ~Output() {
    end_run();
    drop_block();
  }

  bool is_full() const { return bytes_ >= bytes_max_; }
  size_t bytes() const { return bytes_; }

  void append(const void* data, size_t size) {
    const char* from = static_cast<const char*>(data);
    bytes_ += size;
    while (size > 0) {
      if (block_ == nullptr || used_ == block_->capacity) next_block(size);
      const size_t n = std::min<size_t>(size, block_->capacity - used_);
      std::memcpy(block_->data() + used_, from, n);
      used_ += n;
      from += n;
      size -= n;
    }
  }

  void move_front(base::Chain& from, size_t size) {
    while (size > 0) {
      base::Slice& front = from.front();
      const size_t n = std::min(size, front.size());
      if (n <= kCopiedPieceBytesMax) {
        append(front.data(), n);
        from.remove_prefix(n);
      } else {
        end_run();
        out_.append(from.split_front(n));
        bytes_ += n;
      }
      size -= n;
    }
  }

 private:
  void next_block(size_t size) {
    end_run();
    const bool is_first = block_ == nullptr;
    drop_block();
    block_ = pool_.allocate(is_first && size < base::BlockPool::kSmallBytes ? base::BlockPool::kSmallBytes
                                                                            : base::BlockPool::kLargeBytes);
    used_ = run_ = 0;
  }
  void end_run() {
    if (block_ == nullptr || used_ == run_) return;
    ++block_->references;
    out_.append(base::Slice::adopt(block_, run_, used_ - run_));
    run_ = used_;
  }
  void drop_block() {
    if (block_ != nullptr) base::Slice::adopt(block_, 0, 0).reset();
    block_ = nullptr;
  }

  base::Chain& out_;
  base::BlockPool& pool_;
  const size_t bytes_max_;
  base::Block* block_ = nullptr;
  size_t used_ = 0, run_ = 0;
  size_t bytes_ = 0;
};

// What nghttp2 calls, one member function each.
struct H2Session::Callbacks {
  static H2Session& self(void* data) { return *static_cast<H2Session*>(data); }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* data) {
    return self(data).on_begin_frame(*head);
  }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    return self(data).on_begin_headers(*frame);
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value, uint8_t,
                    void* data) {
    return self(data).on_header(*frame, view(name), view(value), nghttp2_rcbuf_is_static(name) != 0);
  }
  // Not ignored but malformed (RFC 9113 §8.2.1): whitespace at the ends, control bytes, odd names.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*, uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* data) { return self(data).on_frame(*frame); }
  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* data) {
    return self(data).on_invalid_frame(*frame, error);
  }
  static int data_chunk(nghttp2_session*, uint8_t flags, int32_t id, const uint8_t* bytes, size_t size, void* data) {
    return self(data).on_data_chunk(flags, id, {reinterpret_cast<const char*>(bytes), size});
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    return self(data).on_frame_sent(*frame);
  }
  static int stream_closed(nghttp2_session*, int32_t id, uint32_t code, void* data) {
    return self(data).on_stream_closed(id, code);
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size, nghttp2_data_source* source,
                       void* data) {
    return self(data).on_send_data(*static_cast<H2Stream*>(source->ptr), head, size);
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    WEFT_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
  }
};

H2Session::H2Session(bool is_server, const H2Options& options, base::BlockPool& pool, CodecCounters& counters,
                     H2Host& host)
    : is_server_(is_server),
      options_(options),
      pool_(pool),
      counters_(counters),
      host_(host),
      guard_(options, counters),
      reader_(options, counters),
      scanner_(is_server ? NGHTTP2_CLIENT_MAGIC_LEN : 0) {
  nghttp2_option* option = nullptr;
  WEFT_ASSERT(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, options.concurrent_streams_max);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, options.hpack_table_bytes);
  nghttp2_option_set_max_outbound_ack(option, options.outbound_control_frames_max);
  // Out of reach: H2FloodGuard weighs resets against completed requests instead of counting them by the second.
  nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
  // Its count goes up with every torn piece of a frame; the guard counts frames.
  nghttp2_option_set_max_continuations(option, SIZE_MAX);
  nghttp2_session_callbacks* callbacks = Callbacks::make();
  const int error = is_server ? nghttp2_session_server_new3(&session_, callbacks, this, option, memory_.hooks())
                              : nghttp2_session_client_new3(&session_, callbacks, this, option, memory_.hooks());
  WEFT_ASSERT(error == 0);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  last_received_ = host.now();
  submit_settings();
}

H2Session::~H2Session() {
  drop_pack();
  nghttp2_session_del(session_);
}

void H2Session::submit_settings() {
  std::vector<nghttp2_settings_entry> settings;
  if (options_.hpack_table_bytes != NGHTTP2_DEFAULT_HEADER_TABLE_SIZE)
    settings.push_back({NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options_.hpack_table_bytes});
  if (!is_server_) settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.concurrent_streams_max});
  settings.push_back({NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.stream_window_bytes});
  if (is_server_ && options_.allow_connect) settings.push_back({NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1});
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(options_.connection_window_bytes));
}

// ------------------------------------------------------------------ in

void H2Session::receive(base::Slice bytes) {
  if (has_failed_ || is_abandoned_ || bytes.is_empty()) return;
  last_received_ = host_.now();
  input_ = &bytes;
  is_input_pinned_ = false;
  const std::string_view all = bytes.view();
  size_t fed = 0;
  for (size_t scanned = 0; scanned < all.size() && !has_failed_;) {
    bool is_found = false;
    scanned += scanner_.scan(all.substr(scanned), is_found);
    if (!is_found) break;
    // All frames before this one take effect first; its head is not complete without its last byte.
    feed(all.substr(fed, scanned - 1 - fed));
    fed = scanned - 1;
    if (!has_failed_) on_scanned_head(scanner_.head());
  }
  feed(all.substr(fed));
  input_ = nullptr;
  host_.wake();
}

void H2Session::feed(std::string_view bytes) {
  if (bytes.empty() || has_failed_) return;
  const ssize_t read = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  deliver_held(false);
  if (read < 0 && !has_failed_) on_receive_error(read);
}

void H2Session::on_scanned_head(const H2FrameScanner::Head& head) {
  if (head.type == NGHTTP2_CONTINUATION) return apply(guard_.on_continuation_frame(head.length));
  check_closed_stream(head.stream);
  // The payload of a padded frame is known when it is complete.
  if ((head.flags & NGHTTP2_FLAG_PADDED) == 0)
    apply(guard_.on_payload_frame(head.length, (head.flags & NGHTTP2_FLAG_END_STREAM) != 0));
}

void H2Session::on_receive_error(ssize_t error) {
  switch (error) {
    case NGHTTP2_ERR_FLOODED:
      ++counters_.outbound_control_flood;
      return fail(NGHTTP2_ENHANCE_YOUR_CALM, {StreamEnd::Kind::LimitExceeded, ResetCode::EnhanceYourCalm,
                                              to_detail(H2FloodGuard::Verdict::OutboundControlFrames)});
    default:
      ++counters_.downstream_cx_protocol_error;
      return fail(NGHTTP2_PROTOCOL_ERROR,
                  protocol_error(error == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? "http2.bad_preface" : "http2.protocol_error"));
  }
}

void H2Session::apply(H2FloodGuard::Verdict verdict) {
  if (verdict == H2FloodGuard::Verdict::Ok) return;
  fail(NGHTTP2_ENHANCE_YOUR_CALM, {StreamEnd::Kind::LimitExceeded, ResetCode::EnhanceYourCalm, to_detail(verdict)});
}

int H2Session::on_begin_frame(const nghttp2_frame_hd& head) {
  const bool ends_stream = (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (head.type) {
    case NGHTTP2_HEADERS:
      apply(guard_.on_payload_frame(head.length, ends_stream));
      check_closed_stream(static_cast<uint32_t>(head.stream_id));
      break;
    case NGHTTP2_CONTINUATION:
      if (H2Stream* stream = find(head.stream_id)) count_received_block(*stream, head.length);
      break;
    case NGHTTP2_PRIORITY: apply(guard_.on_priority_frame()); break;
    case NGHTTP2_WINDOW_UPDATE: apply(guard_.on_window_update_frame()); break;
    default: break;
  }
  if (head.type == NGHTTP2_PUSH_PROMISE && !is_server_)
    fail(NGHTTP2_PROTOCOL_ERROR, protocol_error("http2.push_promise"));
  if (head.type != NGHTTP2_CONTINUATION) {
    is_inside_head_ = false;
    guard_.on_block_ended();
  }
  if (nghttp2_session_get_outbound_queue_size(session_) > options_.outbound_frames_max) {
    ++counters_.outbound_flood;
    apply(H2FloodGuard::Verdict::OutboundFrames);
  }
  return has_failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

// nghttp2 passes over frames on streams that it has forgotten.
void H2Session::check_closed_stream(uint32_t stream_id) {
  if (!is_server_) return;
  switch (history_.of(stream_id)) {
    case H2StreamHistory::State::EndedByPeer:
      ++counters_.downstream_cx_protocol_error;
      return fail(NGHTTP2_STREAM_CLOSED, protocol_error("http2.frame_on_closed_stream"));
    case H2StreamHistory::State::Skipped:
      ++counters_.downstream_cx_protocol_error;
      return fail(NGHTTP2_PROTOCOL_ERROR, protocol_error("http2.stream_id_not_rising"));
    default: return;
  }
}

H2Stream* H2Session::find(int32_t stream_id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session_, stream_id));
}

void H2Session::enter(H2Stream& stream) {
  active_.push_back(stream);
  ++active_streams_;
  note_streams(1);
  ++streams_opened_;
  guard_.on_stream_opened();
}

int H2Session::on_begin_headers(const nghttp2_frame& frame) {
  if (has_failed_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  H2Stream* stream = nullptr;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream = accept_stream();
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    stream->start(frame.hd.stream_id);
    nghttp2_session_set_stream_user_data(session_, frame.hd.stream_id, stream);
    enter(*stream);
    history_.on_opened(static_cast<uint32_t>(frame.hd.stream_id));
  } else {
    stream = find(frame.hd.stream_id);
  }
  if (stream == nullptr) {
    ++counters_.headers_cb_no_stream;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  is_inside_head_ = true;
  count_received_block(*stream, frame.hd.length);
  reader_.begin(stream->begin_block());
  return 0;
}

void H2Session::count_received_block(H2Stream& stream, size_t payload_bytes) {
  stream.bytes_.wire_received += payload_bytes + kFrameHeadBytes;
  stream.bytes_.headers_received += payload_bytes + kFrameHeadBytes;
}

int H2Session::on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value,
                         bool is_name_static) {
  if (has_failed_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  const bool had_overflown = reader_.has_overflown();
  const H2BlockReader::Verdict verdict = reader_.add(name, value, is_name_static);
  if (!had_overflown && (verdict == H2BlockReader::Verdict::Overflow || verdict == H2BlockReader::Verdict::Flood))
    ++counters_.header_overflow;
  if (verdict == H2BlockReader::Verdict::Ok || verdict == H2BlockReader::Verdict::Overflow) return 0;
  if (H2Stream* stream = find(frame.hd.stream_id); stream != nullptr) {
    stream->has_broken_protocol_ = true;
    stream->verdict_ = verdict == H2BlockReader::Verdict::Flood
                           ? StreamEnd{StreamEnd::Kind::LimitExceeded, ResetCode::Internal, "http2.too_many_headers"}
                           : protocol_error("http2.unexpected_underscore");
  }
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // nghttp2 resets the stream and reads the block on for its table's
                                                 // sake
}

int H2Session::on_frame(const nghttp2_frame& frame) {
  if (has_failed_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS: on_headers_frame(frame); break;
    case NGHTTP2_DATA: on_data_frame(frame); break;
    case NGHTTP2_RST_STREAM: on_reset_frame(frame); break;
    case NGHTTP2_PING: on_ping_frame(frame); break;
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) on_capacity_change();
      break;
    case NGHTTP2_GOAWAY:
      has_peer_goaway_ = true;
      on_peer_goaway();
      break;
    default: break;
  }
  return has_failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

void H2Session::on_headers_frame(const nghttp2_frame& frame) {
  is_inside_head_ = false;
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->bytes_.decoded_headers_received += reader_.bytes();
  reader_.finish(frame.headers.cat == NGHTTP2_HCAT_REQUEST);
  if (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) stream->remote_end_ = true;
  if (!stream->is_deaf()) stream->on_block_complete(stream->remote_end_, reader_.has_overflown());
}

void H2Session::on_data_frame(const nghttp2_frame& frame) {
  const bool ends_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.hd.flags & NGHTTP2_FLAG_PADDED) {
    const size_t padding = std::min(frame.data.padlen, frame.hd.length);
    apply(guard_.on_payload_frame(frame.hd.length - padding, ends_stream));
  }
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->bytes_.wire_received += frame.hd.length + kFrameHeadBytes;
  if (!ends_stream) return;
  stream->remote_end_ = true;
  if (held_stream_ == stream) {
    deliver_held(true);
  } else if (!stream->is_deaf()) {
    stream->on_data(base::Slice(), true);
  }
}

int H2Session::on_data_chunk(uint8_t flags, int32_t stream_id, std::string_view bytes) {
  if (has_failed_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  deliver_held(false);
  H2Stream* stream = find(stream_id);
  if (stream == nullptr || stream->is_deaf()) {
    nghttp2_session_consume_connection(session_, bytes.size());
    return 0;
  }
  hold(bytes.size());
  stream->owed_ += bytes.size();
  base::Slice slice = take_piece(bytes);
  if (flags & NGHTTP2_FLAG_END_STREAM) {
    held_ = std::move(slice);
    held_stream_ = stream;
  } else {
    stream->on_data(std::move(slice), false);
  }
  return has_failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

// A piece as it lies in the input; or packed, where a peer that sends little at a time would pin a block with each.
base::Slice H2Session::take_piece(std::string_view bytes) {
  if (bytes.size() >= kPackedPieceBytesMax || pinned_bytes_ <= kPinnedBytesFree) {
    if (!std::exchange(is_input_pinned_, true)) pinned_bytes_ += base::BlockPool::kLargeBytes;
    return input_->share(static_cast<size_t>(bytes.data() - input_->data()), bytes.size());
  }
  if (pack_ == nullptr || pack_->capacity - pack_used_ < bytes.size()) {
    drop_pack();
    pack_ = pool_.allocate(base::BlockPool::kLargeBytes);
    pack_used_ = 0;
  }
  std::memcpy(pack_->data() + pack_used_, bytes.data(), bytes.size());
  ++pack_->references;
  base::Slice piece = base::Slice::adopt(pack_, pack_used_, bytes.size());
  pack_used_ += bytes.size();
  return piece;
}

void H2Session::drop_pack() {
  if (pack_ != nullptr) base::Slice::adopt(std::exchange(pack_, nullptr), 0, 0).reset();
}

void H2Session::deliver_held(bool end) {
  H2Stream* stream = std::exchange(held_stream_, nullptr);
  if (stream == nullptr) return;
  base::Slice slice = std::move(held_);
  if (!stream->is_deaf()) stream->on_data(std::move(slice), end);
}

// The connection's window is given back on receipt, so that one stalled stream does not stall its siblings — up to
// the cap. Beyond, what is held is kept out of the window, so that held bytes never exceed cap + window.
void H2Session::hold(size_t bytes) {
  held_bytes_ += bytes;
  const size_t withheld = held_bytes_ > options_.buffer_bytes ? held_bytes_ - options_.buffer_bytes : 0;
  const size_t kept = withheld - withheld_bytes_;
  withheld_bytes_ = withheld;
  if (bytes > kept) nghttp2_session_consume_connection(session_, bytes - kept);
}

void H2Session::release(size_t bytes) {
  held_bytes_ -= bytes;
  if (held_bytes_ == 0) {
    pinned_bytes_ = 0;
    drop_pack();
  }
  const size_t withheld = held_bytes_ > options_.buffer_bytes ? held_bytes_ - options_.buffer_bytes : 0;
  const size_t given = withheld_bytes_ - withheld;
  withheld_bytes_ = withheld;
  if (given == 0) return;
  nghttp2_session_consume_connection(session_, given);
  host_.wake();
}

void H2Session::release_owed(H2Stream& stream) {
  if (const size_t owed = std::exchange(stream.owed_, 0); owed > 0) release(owed);
}

void H2Session::on_reset_frame(const nghttp2_frame& frame) {
  ++counters_.rx_reset;
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr || stream->verdict_) return;
  const ResetCode code = from_h2_code(frame.rst_stream.error_code);
  if (code == ResetCode::NoError && !is_server_ && stream->remote_end_) {
    stream->verdict_ = StreamEnd{};  // RFC 9113 §8.1: the response is whole, the rest of the request is not wanted
  } else if (code == ResetCode::Refused) {
    stream->verdict_ = StreamEnd{StreamEnd::Kind::Refused, code, "http2.remote_refuse"};
  } else {
    stream->verdict_ = StreamEnd{StreamEnd::Kind::RemoteReset, code, "http2.remote_reset"};
  }
}

void H2Session::on_ping_frame(const nghttp2_frame& frame) {
  if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) return;
  if (drain_ == Drain::Noticed && std::memcmp(frame.ping.opaque_data, kDrainPing, sizeof(kDrainPing)) == 0) {
    finish_drain();
  } else {
    pings_outstanding_ = 0;
  }
}

int H2Session::on_invalid_frame(const nghttp2_frame& frame, int error) {
  is_inside_head_ = false;
  H2Stream* stream = find(frame.hd.stream_id);
  if (error == NGHTTP2_ERR_REFUSED_STREAM) {
    ++counters_.stream_refused_errors;
    apply(guard_.on_stream_ended(true));
  } else if (error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING) {
    ++counters_.rx_messaging_error;
    if (stream != nullptr) {
      stream->has_broken_protocol_ = true;
      if (!stream->verdict_)
        stream->verdict_ = protocol_error(error == NGHTTP2_ERR_HTTP_HEADER ? "http2.invalid.header.field"
                                                                           : "http2.violation.of.messaging.rule");
    }
    // Envoy's default: the whole connection ends, and every stream on it.
    if (!options_.stream_error_on_invalid_message) {
      ++counters_.downstream_cx_protocol_error;
      fail(NGHTTP2_PROTOCOL_ERROR,
           protocol_error(error == NGHTTP2_ERR_HTTP_HEADER ? "http2.invalid.header.field"
                                                           : "http2.violation.of.messaging.rule"));
    }
  }
  return has_failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

// ------------------------------------------------------------------ out

bool H2Session::wants_write() const { return !is_abandoned_ && nghttp2_session_want_write(session_) != 0; }

void H2Session::produce(base::Chain& out, size_t bytes_max) {
  if (is_abandoned_) return;
  guard_.on_bytes_left(host_.bytes_left());
  Output output(out, pool_, bytes_max);
  output_ = &output;
  while (!output.is_full()) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) break;
    output.append(data, static_cast<size_t>(size));
  }
  output_ = nullptr;
}

ssize_t H2Session::read_source(nghttp2_session*, int32_t, uint8_t*, size_t bytes_max, uint32_t* flags,
                               nghttp2_data_source* source, void* self) {
  return static_cast<H2Session*>(self)->on_read(*static_cast<H2Stream*>(source->ptr), bytes_max, *flags);
}

ssize_t H2Session::on_read(H2Stream& stream, size_t bytes_max, uint32_t& flags) {
  if (stream.pending_.is_empty() && !stream.local_end_) {
    stream.is_deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const size_t bytes = std::min(bytes_max, stream.pending_.size());
  if (bytes > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (bytes == stream.pending_.size() && stream.local_end_) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.trailers_out_) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      submit_trailers(stream);
    }
  }
  return static_cast<ssize_t>(bytes);
}

void H2Session::submit_trailers(H2Stream& stream) {
  append_trailer_lines(lines(), *stream.trailers_out_);
  stream.bytes_.decoded_headers_sent += bytes_of(lines_);
  nghttp2_submit_trailer(session_, stream.id_, lines_.data(), lines_.size());
  stream.trailers_out_.reset();
}

int H2Session::on_send_data(H2Stream& stream, const uint8_t* frame_head, size_t bytes) {
  if (output_->is_full()) return NGHTTP2_ERR_WOULDBLOCK;
  if (bytes > stream.pending_.size()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // reset in between
  output_->append(frame_head, kFrameHeadBytes);
  output_->move_front(stream.pending_, bytes);
  note_pending(-static_cast<int64_t>(bytes));
  if (stream.is_above_mark_ && stream.pending_.size() <= options_.buffer_bytes / 2) {
    stream.is_above_mark_ = false;
    if (!stream.base::ListNode<H2WritableTag>::is_linked()) writable_.push_back(stream);
    host_.wake();
  }
  return 0;
}

int H2Session::on_frame_sent(const nghttp2_frame& frame) {
  const uint8_t type = frame.hd.type;
  const bool is_control = type == NGHTTP2_PING || type == NGHTTP2_SETTINGS || type == NGHTTP2_RST_STREAM;
  if (!has_failed_) apply(guard_.on_frame_queued(is_control, host_.bytes_queued() + output_->bytes()));
  if (type == NGHTTP2_DATA) guard_.on_data_frame_sent();
  if (type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR && !has_failed_) {
    // nghttp2 found a breach of the protocol by itself.
    has_failed_ = true;
    ++counters_.downstream_cx_protocol_error;
    failure_ = protocol_error("http2.protocol_error");
  }
  if (type == NGHTTP2_GOAWAY) ++counters_.goaway_sent;
  if (type == NGHTTP2_RST_STREAM) ++counters_.tx_reset;
  H2Stream* stream = frame.hd.stream_id == 0 ? nullptr : find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  stream->bytes_.wire_sent += frame.hd.length + kFrameHeadBytes;
  if (type == NGHTTP2_HEADERS) stream->bytes_.headers_sent += frame.hd.length + kFrameHeadBytes;
  if (type != NGHTTP2_DATA && type != NGHTTP2_HEADERS && type != NGHTTP2_RST_STREAM) return 0;
  if (type == NGHTTP2_RST_STREAM) {
    if (!stream->is_reset_submitted_) stream->has_broken_protocol_ = true;
    return 0;
  }
  if (!stream->head_sent_) {
    stream->head_sent_ = true;
    stream->head_position_ = host_.wire_position();
  }
  if (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) on_stream_end_sent(*stream);
  return 0;
}

// RFC 9113 §8.1: a response that is complete before its request tells the client to stop sending.
void H2Session::on_stream_end_sent(H2Stream& stream) {
  stream.local_end_sent_ = true;
  if (!is_server_ || stream.remote_end_ || stream.is_tunnel() || stream.is_reset_submitted_) return;
  stream.is_reset_submitted_ = true;
  if (!stream.verdict_) stream.verdict_ = StreamEnd{};
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_NO_ERROR);
}

// ------------------------------------------------------------------ ends

int H2Session::on_stream_closed(int32_t stream_id, uint32_t code) {
  H2Stream* stream = find(stream_id);
  if (stream == nullptr) return 0;
  const StreamEnd end = how_ended(*stream, code);
  if (is_server_) {
    const bool was_reset_by_peer = !stream->is_reset_submitted_ && !stream->has_broken_protocol_ &&
                                   (end.kind == StreamEnd::Kind::RemoteReset || end.kind == StreamEnd::Kind::Refused);
    history_.on_closed(static_cast<uint32_t>(stream_id), stream->remote_end_ || was_reset_by_peer);
  }
  if (is_server_ && !has_failed_) {
    const bool is_young = guard_.is_young(host_.now() - stream->opened_at_);
    const bool was_reset = end.kind == StreamEnd::Kind::RemoteReset || end.kind == StreamEnd::Kind::Refused;
    apply(guard_.on_stream_ended(stream->has_broken_protocol_ ||
                                 (was_reset && is_young && !stream->has_response_begun())));
  }
  end_stream(*stream, end);
  return 0;
}

StreamEnd H2Session::how_ended(const H2Stream& stream, uint32_t code) const {
  if (stream.verdict_) return *stream.verdict_;
  if (stream.has_broken_protocol_) return protocol_error("http2.violation.of.messaging.rule");
  // An RST_STREAM has left a verdict: what refuses here is a GOAWAY (RFC 9113 §6.8).
  if (code == NGHTTP2_REFUSED_STREAM || (!is_server_ && !stream.head_sent_))
    return {StreamEnd::Kind::Unprocessed, ResetCode::Refused, "http2.remote_refuse"};
  if (code == NGHTTP2_NO_ERROR) return {};
  return {StreamEnd::Kind::ProtocolError, from_h2_code(code), "http2.protocol_error"};
}

void H2Session::drop_pending(H2Stream& stream) {
  note_pending(-static_cast<int64_t>(stream.pending_.size()));
  stream.pending_.clear();
}

void H2Session::end_stream(H2Stream& stream, const StreamEnd& end) {
  if (stream.has_ended_) return;
  stream.has_ended_ = true;
  stream.verdict_ = end;
  drop_pending(stream);
  stream.trailers_out_.reset();
  release_owed(stream);
  stream.base::ListNode<H2WritableTag>::unlink();
  stream.base::ListNode<>::unlink();
  ended_.push_back(stream);
  --active_streams_;
  note_streams(-1);
  host_.wake();
}

bool H2Session::deliver() {
  bool has_told = deliver_session_events();
  while (H2Stream* stream = writable_.pop_front()) {
    if (!stream->is_silenced_) stream->on_writable();
    has_told = true;
  }
  while (H2Stream* stream = ended_.pop_front()) {
    if (!stream->is_silenced_) stream->on_closed(*stream->verdict_);
    recycle(*stream);
    on_capacity_change();
    has_told = true;
  }
  return has_told;
}

void H2Session::fail(uint32_t code, const StreamEnd& end) {
  if (has_failed_ || is_abandoned_) return;
  has_failed_ = true;
  failure_ = end;
  nghttp2_session_terminate_session(session_, code);
  host_.wake();
}

void H2Session::abandon(const StreamEnd& end) {
  if (!has_failed_) failure_ = end;
  is_abandoned_ = has_failed_ = true;
  held_stream_ = nullptr;
  held_.reset();
  while (H2Stream* stream = active_.front()) end_stream(*stream, stream->verdict_.value_or(end));
}

void H2Session::begin_drain() {
  if (drain_ != Drain::No || has_failed_ || is_abandoned_) return;
  if (!is_server_) {
    drain_ = Drain::Finished;
  } else {
    drain_ = Drain::Noticed;
    nghttp2_submit_shutdown_notice(session_);
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kDrainPing);
  }
  host_.wake();
}

void H2Session::finish_drain() {
  if (drain_ == Drain::Finished || has_failed_ || is_abandoned_) return;
  drain_ = Drain::Finished;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  host_.wake();
}

void H2Session::send_ping() {
  if (has_failed_ || is_abandoned_) return;
  ++pings_outstanding_;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kKeepalivePing);
  host_.wake();
}

}  // namespace weft::http
