// Purpose: HTTP/2 sessions without loop or transport, driven by hand, with handlers that write down what they are told.
// Thread:  the test's.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h2_client_session.h"
#include "http/h2_server_session.h"

namespace weft::http::testing {

/// A host with a clock that the test moves.
class ManualHost final : public H2Host {
 public:
  base::MonoTime now() const override { return time; }
  void wake() override { is_woken = true; }
  uint64_t bytes_queued() const override { return queued; }
  uint64_t bytes_left() const override { return left; }
  uint64_t wire_written() const override { return left; }
  uint64_t wire_position() const override { return queued; }

  base::MonoTime time{base::seconds(1000)};
  bool is_woken = false;
  uint64_t queued = 0, left = 0;
};

/// "name: value" lines joined by "|".
std::string to_text(const HeaderMap& headers);

/// One server stream's handler. Consecutive data is one entry of the log; nothing is consumed unless asked.
class ServerStreamRecorder final : public ServerStreamHandler {
 public:
  ServerStreamRecorder(std::vector<std::string>& log, ServerStream& stream) : stream(&stream), log_(log) {}
  void on_request_data(base::Slice data, bool end) override;
  void on_request_trailers(HeaderMap trailers) override;
  void on_response_writable() override { log_.push_back("writable"); }
  void on_stream_closed(const StreamEnd& end) override;

  ServerStream* stream;
  std::string body;
  size_t unconsumed = 0;
  bool consumes = true;
  bool has_ended = false, is_closed = false;
  StreamEnd end;

 private:
  std::vector<std::string>& log_;
};

class ServerRecorder : public ServerConnectionHandler {
 public:
  ServerStreamHandler& on_request(ServerStream& stream, bool end) override;
  void on_request_refused(const RequestHead& request, const Refusal& answer, const StreamEnd& end) override;
  void on_connection_closed(const StreamEnd& end) override;

  ServerStreamRecorder& last() { return *streams.back(); }
  std::string text() const;  ///< the log, one entry a line

  std::vector<std::string> log;
  std::deque<std::unique_ptr<ServerStreamRecorder>> streams;
  bool is_closed = false;
};

class ClientStreamRecorder final : public ClientStreamHandler {
 public:
  explicit ClientStreamRecorder(std::vector<std::string>& log) : log_(log) {}
  void on_informational(ResponseHead head) override;
  void on_response_head(ResponseHead head, bool end) override;
  void on_response_data(base::Slice data, bool end) override;
  void on_response_trailers(HeaderMap trailers) override;
  void on_request_writable() override { log_.push_back("writable"); }
  void on_stream_closed(const StreamEnd& end) override;

  ClientStream* stream = nullptr;
  std::string body;
  size_t unconsumed = 0;
  bool consumes = true;
  bool has_ended = false, is_closed = false;
  StreamEnd end;

 private:
  std::vector<std::string>& log_;
};

class ClientRecorder : public ClientConnectionHandler {
 public:
  void on_capacity() override { ++capacity_calls; }
  void on_draining() override { log.push_back("draining"); }
  void on_connection_closed(const StreamEnd& end) override;

  ClientStreamRecorder& add() { return *streams.emplace_back(std::make_unique<ClientStreamRecorder>(log)); }
  std::string text() const;

  std::vector<std::string> log;
  std::deque<std::unique_ptr<ClientStreamRecorder>> streams;
  int capacity_calls = 0;
  bool is_closed = false;
};

/// Everything a session has to send now, with deliveries in between.
std::string drain_output(H2Session& session, ManualHost& host);

/// A server session fed with bytes made by hand.
struct LoneServer {
  explicit LoneServer(const H2Options& options = {})
      : options(options), session(this->options, pool, counters, host, handler) {}
  /// Feeds `bytes` and lets the session finish its turn; returns what it sent.
  std::string feed(std::string_view bytes);

  base::BlockPool pool;
  CodecCounters counters;
  ManualHost host;
  ServerRecorder handler;
  H2Options options;
  H2ServerSession session;
};

/// A client session fed with bytes made by hand.
struct LoneClient {
  explicit LoneClient(const H2Options& options = {})
      : options(options), session(this->options, pool, counters, host, handler) {}
  std::string feed(std::string_view bytes);
  /// Opens a stream and sends a head.
  ClientStreamRecorder& request(const RequestHead& head, bool end);

  base::BlockPool pool;
  CodecCounters counters;
  ManualHost host;
  ClientRecorder handler;
  H2Options options;
  H2ClientSession session;
};

/// A client and a server session wired to each other.
struct H2Pair {
  explicit H2Pair(const H2Options& client_options = {}, const H2Options& server_options = {})
      : client(client_options), server(server_options) {}
  /// Carries bytes until both are silent, `piece` bytes at a time.
  void run(size_t piece = SIZE_MAX);

  LoneClient client;
  LoneServer server;
};

RequestHead make_request(base::BlockPool& pool, std::string_view method = "GET", std::string_view path = "/");
ResponseHead make_response(base::BlockPool& pool, uint16_t status = 200);

// ---- bytes made by hand ----
std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);
std::string preface();  ///< the client's magic and an empty SETTINGS
/// Header lines as HPACK literals without indexing: {name, value, name, value, …}.
std::string block(std::initializer_list<std::string_view> lines);
std::string get_block(std::string_view path = "/");
/// What a peer sent, frame by frame: "HEADERS 1 +5 len 12" reduced to "TYPE stream flags".
struct SentFrame {
  uint8_t type, flags;
  uint32_t stream;
  std::string payload;
};
std::vector<SentFrame> parse_frames(std::string_view bytes);
/// The error code of the first frame of `type` (RST_STREAM, GOAWAY) or -1.
int64_t error_code_of(std::string_view bytes, uint8_t type, uint32_t stream = 0);

}  // namespace weft::http::testing
