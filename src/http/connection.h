// Purpose: the two ends of an HTTP connection as the rest of Weft sees them, whatever the version:
//          `ServerConnection` gives each request to a handler, `ClientConnection` takes requests.
// Thread:  the owning worker's.
// Owner:   listeners own server connections, pools own client connections; a connection owns its codec and streams.
//
// Rules that hold for both versions:
//  - Nothing is delivered from inside a call into a stream or connection, `ClientConnection::open` included.
//  - Flow control is by credit: every body byte delivered must be given back with `consume` once the other side
//    has taken it; the codec stops reading (h1) or withholds the stream's window (h2) while too much is owed.
//  - `on_stream_closed` is the last call for a stream, exactly once, in a later step of the turn; the stream is dead
//    when it returns. After `reset` by the handler itself nothing more is delivered, not even that.
//  - Bodies and trailers: exactly one of (head with end, data with end, trailers) ends a direction. Data with end may
//  be empty.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/slice.h"
#include "http/message.h"
#include "net/connection.h"

namespace weft::http {

/// Why a stream ended early, in HTTP/2's terms; h1 maps each to what it can express.
enum class ResetCode : uint8_t {
  NoError,
  Protocol,
  Internal,
  FlowControl,
  StreamClosed,
  Refused,
  Cancel,
  Connect,
  EnhanceYourCalm,
  Http11Required
};

/// How a stream ended, seen from this proxy.
struct StreamEnd {
  enum class Kind : uint8_t {
    Complete,          ///< both directions ended in order
    RemoteReset,       ///< RST_STREAM from the peer, with `code`
    Refused,           ///< REFUSED_STREAM: not processed, safe to retry when the peer has room again
    Unprocessed,       ///< above the last-stream-id of a GOAWAY, or never sent: another connection may serve it
    ConnectionClosed,  ///< the connection ended below it
    ProtocolError,     ///< the peer broke the protocol; the codec has answered or reset
    LimitExceeded,     ///< a head, frame or flood limit of the configuration was exceeded
  };
  Kind kind = Kind::Complete;
  ResetCode code = ResetCode::NoError;
  std::string_view detail;  ///< Envoy's word for response code details ("http1.codec_error", …); static text
  uint16_t status = 0;      ///< what the codec itself answered; 0: nothing
};

/// The bytes of one stream as its connection carried them, without TLS. HTTP/1: what is written and parsed for it, and
/// the lines of its fields. HTTP/2: its frames, and those that hold header blocks; what these hold, decoded.
struct StreamBytes {
  uint64_t wire_sent = 0, wire_received = 0;
  uint64_t headers_sent = 0, headers_received = 0;
  uint64_t decoded_headers_sent = 0, decoded_headers_received = 0;
};

// ------------------------------------------------------------------ server side

/// What a codec answers by itself to a request that it does not take (400, 408, 413, 426, 431 …).
struct Refusal {
  ResponseHead head;
  std::string body;
  std::string_view detail;  ///< Envoy's RESPONSE_CODE_DETAILS
};

/// Receives one request's body. Made by `ServerConnectionHandler::on_request`.
class ServerStreamHandler {
 public:
  virtual void on_request_data(base::Slice data, bool end) = 0;
  virtual void on_request_trailers(HeaderMap trailers) = 0;  ///< ends the request
  virtual void
  on_response_writable() = 0;  ///< pending response bytes fell to the low mark after being above the high one
  virtual void on_stream_closed(const StreamEnd& end) = 0;
  /// The request broke the protocol before it was answered, and the codec is about to answer it: as
  /// `ServerConnectionHandler::on_refusal`. `on_stream_closed` follows.
  virtual void on_refusal(Refusal& answer) { static_cast<void>(answer); }

 protected:
  ~ServerStreamHandler() = default;
};

/// One request and its response, at the server's end. Lives until `on_stream_closed` returns or `reset`.
class ServerStream {
 public:
  /// The request's head; may be changed in place by the handler. Lives as long as the stream.
  virtual RequestHead& request() = 0;
  virtual void set_handler(ServerStreamHandler& handler) = 0;

  virtual void send_informational(const ResponseHead& head) = 0;  ///< 100, 103 …; dropped where the peer is HTTP/1.0
  /// `head` is serialised now. Connection-level headers are the codec's: `connection`, `transfer-encoding`,
  /// `keep-alive` are computed, never copied; `content-length` is kept where it is right. A 101 (or 2xx to CONNECT)
  /// turns the stream into a tunnel: data flows both ways as body until each side ends.
  virtual void send_head(const ResponseHead& head, bool end) = 0;
  virtual void send_data(base::Chain data, bool end) = 0;
  virtual void send_trailers(const HeaderMap& trailers) = 0;  ///< ends the response; dropped (ended plainly) where the
                                                              ///< version or configuration has no trailers
  virtual void reset(ResetCode code) = 0;
  /// Body bytes of the request that the other side has taken.
  virtual void consume(size_t bytes) = 0;
  /// Response bytes accepted and not yet written.
  virtual size_t pending_bytes() const = 0;
  virtual bool is_above_high_mark() const = 0;
  /// So far, trailers included.
  virtual StreamBytes bytes() const = 0;
  /// Closes the connection after this response (h1: `connection: close`; h2: GOAWAY). Call before `send_head`.
  virtual void close_after() = 0;

 protected:
  ~ServerStream() = default;
};

class ServerConnection;

/// Gets the requests of one connection, and its end.
class ServerConnectionHandler {
 public:
  /// A request head arrived. Must return the handler of the stream. `end`: no body follows.
  virtual ServerStreamHandler& on_request(ServerStream& stream, bool end) = 0;
  /// A request came to nothing before it had a stream handler; for logs and counters. `request` holds what was parsed,
  /// `end.detail` says why, `answer` is what the codec answered by itself: status 0 where it could not.
  virtual void on_request_refused(const RequestHead& request, const Refusal& answer, const StreamEnd& end) = 0;
  /// The codec is about to send its own answer to `request`: the handler gives it the shape of all its local replies.
  /// What it leaves in `answer.body` is sent, with a matching content-length.
  virtual void on_refusal(const RequestHead& request, Refusal& answer) {
    static_cast<void>(request), static_cast<void>(answer);
  }
  /// All is over: every stream has had its `on_stream_closed`; destroy the connection through the loop.
  virtual void on_connection_closed(const StreamEnd& end) = 0;

 protected:
  ~ServerConnectionHandler() = default;
};

/// Levels a codec moves while it works; whoever counts them is told each change.
class CodecGauges {
 public:
  virtual void on_streams_active(int64_t change) = 0;
  virtual void on_pending_send_bytes(int64_t change) = 0;

 protected:
  ~CodecGauges() = default;
};

/// Counters a codec bumps; the owner maps them to Envoy's names. Plain integers, one worker.
struct CodecCounters {
  // Names are Envoy's http1.* and http2.* codec statistics.
  uint64_t dropped_headers_with_underscores = 0, requests_rejected_with_underscores_in_headers = 0,
           metadata_not_supported_error = 0, response_flood = 0, header_overflow = 0, headers_cb_no_stream = 0,
           inbound_empty_frames_flood = 0, inbound_priority_frames_flood = 0, inbound_window_update_frames_flood = 0,
           outbound_flood = 0, outbound_control_flood = 0, premature_resets = 0, rx_messaging_error = 0, rx_reset = 0,
           trailers = 0, tx_flush_timeout = 0, tx_reset = 0, keepalive_timeout = 0, goaway_sent = 0,
           too_many_header_frames = 0, stream_refused_errors = 0, downstream_cx_protocol_error = 0,
           delayed_close_timeout = 0;
  CodecGauges* gauges = nullptr;  ///< HTTP/2; null: nobody looks
};

/// HTTP/1 protocol options (Envoy's Http1ProtocolOptions, all fields that are implemented).
struct H1Options {
  bool accept_http_10 = false;
  std::string default_host_for_http_10;
  bool enable_trailers = false;
  bool allow_absolute_url = true;
  bool allow_chunked_length = false;
  bool proper_case_headers = false;  ///< header_key_format.proper_case_words
  bool preserve_external_request_id = false;
  enum class Underscores : uint8_t { Allow, Reject, Drop } underscores = Underscores::Allow;
  bool stream_error_on_invalid_message = false;  ///< override_stream_error_on_invalid_http_message
  bool send_fully_qualified_url = false;
  size_t head_bytes_max = 60 * 1024;  ///< from max_request_headers_kb / max_response_headers_kb
  size_t headers_count_max = 100;
  size_t buffer_bytes = 1024 * 1024;  ///< high mark of the connection and of owed request body
};

/// HTTP/2 protocol options (Envoy's Http2ProtocolOptions).
struct H2Options {
  uint32_t hpack_table_bytes = 4096;
  uint32_t concurrent_streams_max = 1024;
  uint32_t stream_window_bytes = 16 * 1024 * 1024;
  uint32_t connection_window_bytes = 24 * 1024 * 1024;
  bool allow_connect = false;
  bool stream_error_on_invalid_message = false;
  uint32_t outbound_frames_max = 10000;
  uint32_t outbound_control_frames_max = 1000;
  uint32_t empty_frames_max = 1;
  uint32_t priority_frames_per_stream_max = 100;
  uint32_t window_updates_per_data_frame_max = 10;
  uint32_t premature_reset_total_streams = 500;
  base::Duration premature_reset_min_lifetime = base::seconds(1);
  base::Duration keepalive_interval{};  ///< 0: no PINGs
  base::Duration keepalive_timeout{};
  double keepalive_jitter_percent = 15;
  base::Duration keepalive_connection_idle_interval{};  ///< PING before a new stream when idle this long; 0: off
  H1Options::Underscores underscores = H1Options::Underscores::Allow;
  size_t head_bytes_max = 60 * 1024;
  size_t headers_count_max = 100;
  size_t buffer_bytes = 1024 * 1024;  ///< high mark per stream; cap of all body bytes held per connection
};

/// Limits of time that the codec cannot know the meaning of but must keep (0: none).
struct ServerTimeouts {
  base::Duration request_headers{};                 ///< first byte of a request to the end of its head → 408
  base::Duration delayed_close = base::seconds(1);  ///< after a final `connection: close` response: drain, then close
};

/// A downstream HTTP connection. Made over a `net::Connection` that is open (handshake done).
class ServerConnection : public net::Destroyable {
 public:
  /// Refuses new requests: h1 adds `connection: close` to the next response (closes when idle), h2 sends GOAWAY
  /// with the last stream after a first one with 2^31-1. Ends with on_connection_closed when the last stream is done.
  virtual void drain() = 0;
  /// Ends everything now.
  virtual void close() = 0;
  /// Without a stream for a while: gives back the memory that the next request can do without.
  virtual void rest() {}
  virtual size_t active_streams() const = 0;
  virtual Version version() const = 0;
  virtual net::Connection& transport() = 0;
};

/// `scheme`: "https" when the transport has TLS. Counters are the worker's for this listener. Options and counters are
/// borrowed.
std::unique_ptr<ServerConnection> make_h1_server(std::unique_ptr<net::Connection> transport, const H1Options& options,
                                                 const ServerTimeouts& timeouts, CodecCounters& counters,
                                                 ServerConnectionHandler& handler, base::Chain first_bytes = {});
std::unique_ptr<ServerConnection> make_h2_server(std::unique_ptr<net::Connection> transport, const H2Options& options,
                                                 const ServerTimeouts& timeouts, CodecCounters& counters,
                                                 ServerConnectionHandler& handler, base::Chain first_bytes = {});

// ------------------------------------------------------------------ client side

/// Receives one response.
class ClientStreamHandler {
 public:
  virtual void on_informational(ResponseHead head) = 0;  ///< 1xx other than 101
  virtual void on_response_head(ResponseHead head, bool end) = 0;
  virtual void on_response_data(base::Slice data, bool end) = 0;
  virtual void on_response_trailers(HeaderMap trailers) = 0;  ///< ends the response
  virtual void on_request_writable() = 0;
  virtual void on_stream_closed(const StreamEnd& end) = 0;

 protected:
  ~ClientStreamHandler() = default;
};

/// One request and its response, at the client's end.
class ClientStream {
 public:
  /// `head` is serialised now; nothing of it is kept. h1 turns :authority into host, and an upgrade or CONNECT into its
  /// h1 or h2 form.
  virtual void send_head(const RequestHead& head, bool end) = 0;
  virtual void send_data(base::Chain data, bool end) = 0;
  virtual void send_trailers(const HeaderMap& trailers) = 0;
  virtual void reset(ResetCode code) = 0;  ///< h1 closes the connection unless the exchange is already complete
  virtual void consume(size_t bytes) = 0;
  virtual size_t pending_bytes() const = 0;
  virtual bool is_above_high_mark() const = 0;
  /// Any byte of this response seen yet; decides whether a reused connection's failure may be retried for free.
  virtual bool has_received_bytes() const = 0;
  /// Any byte of this request handed to the kernel yet.
  virtual bool has_sent_bytes() const = 0;
  virtual StreamBytes bytes() const = 0;  ///< so far, informational heads and trailers included

 protected:
  ~ClientStream() = default;
};

/// What the pool needs to know of its connection.
class ClientConnectionHandler {
 public:
  virtual void on_capacity() = 0;  ///< a stream ended, or SETTINGS raised the limit: `can_open` may have become true
  virtual void on_draining() = 0;  ///< GOAWAY or `connection: close`: opens nothing more; existing streams go on
  virtual void on_connection_closed(
      const StreamEnd& end) = 0;  ///< all streams have been told; destroy through the loop

 protected:
  ~ClientConnectionHandler() = default;
};

/// An upstream HTTP connection over an open transport. A read stays armed while idle, so a close is seen at once.
class ClientConnection : public net::Destroyable {
 public:
  virtual bool can_open() const = 0;
  /// Precondition: can_open().
  virtual ClientStream& open(ClientStreamHandler& handler) = 0;
  virtual size_t active_streams() const = 0;
  virtual size_t streams_max() const = 0;  ///< 1 for h1; the peer's SETTINGS (bounded by options) for h2
  virtual uint64_t streams_opened() const = 0;
  virtual bool is_draining() const = 0;
  virtual void drain() = 0;  ///< opens nothing more; closes when the last stream ends
  virtual void close() = 0;
  virtual Version version() const = 0;
  virtual net::Connection& transport() = 0;
};

std::unique_ptr<ClientConnection> make_h1_client(std::unique_ptr<net::Connection> transport, const H1Options& options,
                                                 CodecCounters& counters, ClientConnectionHandler& handler);
std::unique_ptr<ClientConnection> make_h2_client(std::unique_ptr<net::Connection> transport, const H2Options& options,
                                                 CodecCounters& counters, ClientConnectionHandler& handler);

}  // namespace weft::http
