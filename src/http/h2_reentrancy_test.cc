// Handlers may do anything from inside what they are told: end their stream, end the session, answer.

#include <gtest/gtest.h>

#include <functional>

#include "http/testing/h2_harness.h"

namespace weft::http::testing {
namespace {

constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr uint8_t kWhole = NGHTTP2_FLAG_END_STREAM | kEndHeaders;

enum class Action : uint8_t { Reset, Abandon, Fail, Drain, Answer };
constexpr Action kActions[] = {Action::Reset, Action::Abandon, Action::Fail, Action::Drain, Action::Answer};

void end_session(H2Session& session, Action action) {
  if (action == Action::Abandon) session.abandon({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "test"});
  if (action == Action::Fail)
    session.fail(NGHTTP2_INTERNAL_ERROR, {StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "test"});
  if (action == Action::Drain) session.finish_drain();
}

// Acts at the `when`-th thing it is told; being told anything of a stream after its reset is a failure.
class ActingServer : public ServerConnectionHandler {
 public:
  struct Stream final : ServerStreamHandler {
    ActingServer* owner = nullptr;
    ServerStream* stream = nullptr;
    bool is_dead = false;
    int ends = 0;
    void on_request_data(base::Slice data, bool) override {
      if (owner->act(*this)) stream->consume(data.size());
    }
    void on_request_trailers(HeaderMap) override { owner->act(*this); }
    void on_response_writable() override { owner->act(*this); }
    void on_stream_closed(const StreamEnd&) override {
      EXPECT_FALSE(is_dead);
      EXPECT_EQ(++ends, 1);
      owner->act(*this);
      is_dead = true;
    }
  };

  ActingServer(base::BlockPool& pool, Action action, int when) : pool_(pool), action_(action), when_(when) {}
  ServerStreamHandler& on_request(ServerStream& stream, bool) override {
    Stream& handler = *streams.emplace_back(std::make_unique<Stream>());
    handler.owner = this;
    handler.stream = &stream;
    stream.set_handler(handler);
    act(handler);
    return handler;
  }
  void on_request_refused(const RequestHead&, const Refusal&, const StreamEnd&) override {}
  void on_connection_closed(const StreamEnd&) override {}

  // False when the stream is gone.
  bool act(Stream& handler) {
    EXPECT_FALSE(handler.is_dead) << "told after its end";
    if (told++ != when_ || handler.is_dead) return !handler.is_dead;
    if (action_ == Action::Reset) {
      handler.is_dead = true;
      handler.stream->reset(ResetCode::Cancel);
      return false;
    }
    if (action_ == Action::Answer) {
      handler.stream->send_head(make_response(pool_), false);
      base::Chain body;
      body.append_copy(pool_, "answer");
      handler.stream->send_data(std::move(body), true);
    } else {
      end_session(*session, action_);
    }
    return true;
  }

  H2Session* session = nullptr;
  std::deque<std::unique_ptr<Stream>> streams;
  int told = 0;

 private:
  base::BlockPool& pool_;
  const Action action_;
  const int when_;
};

std::string busy_client() {
  return preface() + frame(NGHTTP2_HEADERS, kEndHeaders, 1, get_block()) + frame(NGHTTP2_DATA, 0, 1, "one") +
         frame(NGHTTP2_HEADERS, kWhole, 3, get_block()) + frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "two") +
         frame(NGHTTP2_HEADERS, kEndHeaders, 5, get_block()) + frame(NGHTTP2_DATA, 0, 5, "x") +
         frame(NGHTTP2_HEADERS, kWhole, 5, block({"x-t", "1"})) +
         frame(NGHTTP2_RST_STREAM, 0, 3, std::string("\0\0\0\x8", 4)) + frame(NGHTTP2_HEADERS, kWhole, 7, get_block());
}

TEST(H2Reentrancy, AServerHandlerMayDoAnythingAnywhere) {
  for (const Action action : kActions) {
    for (int when = 0; when < 16; ++when) {
      SCOPED_TRACE(::testing::Message() << "action " << static_cast<int>(action) << " at " << when);
      base::BlockPool pool;
      CodecCounters counters;
      ManualHost host;
      const H2Options options;
      ActingServer handler(pool, action, when);
      H2ServerSession session(options, pool, counters, host, handler);
      handler.session = &session;
      session.receive(base::Slice::copy_of(pool, busy_client()));
      drain_output(session, host);
      session.abandon({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "end"});
      while (session.deliver()) {}
      EXPECT_EQ(session.active_streams(), 0u);
      EXPECT_EQ(session.body_bytes_held(), 0u);
      for (const auto& stream : handler.streams) EXPECT_TRUE(stream->is_dead);
    }
  }
}

class ActingClient : public ClientConnectionHandler {
 public:
  struct Stream final : ClientStreamHandler {
    ActingClient* owner = nullptr;
    ClientStream* stream = nullptr;
    bool is_dead = false;
    void on_informational(ResponseHead) override { owner->act(*this); }
    void on_response_head(ResponseHead, bool) override { owner->act(*this); }
    void on_response_data(base::Slice data, bool) override {
      if (owner->act(*this)) stream->consume(data.size());
    }
    void on_response_trailers(HeaderMap) override { owner->act(*this); }
    void on_request_writable() override { owner->act(*this); }
    void on_stream_closed(const StreamEnd&) override {
      owner->act(*this);
      is_dead = true;
    }
  };

  ActingClient(base::BlockPool& pool, Action action, int when) : pool_(pool), action_(action), when_(when) {}
  void on_capacity() override {}
  void on_draining() override {}
  void on_connection_closed(const StreamEnd&) override {}

  void open() {
    Stream& handler = *streams.emplace_back(std::make_unique<Stream>());
    handler.owner = this;
    handler.stream = &session->open(handler);
    handler.stream->send_head(make_request(pool_), true);
  }
  bool act(Stream& handler) {
    EXPECT_FALSE(handler.is_dead) << "told after its end";
    if (told++ != when_ || handler.is_dead) return !handler.is_dead;
    if (action_ == Action::Reset) {
      handler.is_dead = true;
      handler.stream->reset(ResetCode::Cancel);
      return false;
    }
    if (action_ == Action::Answer) {
      if (session->can_open()) open();  // a new request from inside a response
    } else {
      end_session(*session, action_);
    }
    return true;
  }

  H2ClientSession* session = nullptr;
  std::deque<std::unique_ptr<Stream>> streams;
  int told = 0;

 private:
  base::BlockPool& pool_;
  const Action action_;
  const int when_;
};

std::string busy_server() {
  const std::string ok = block({":status", "200"});
  return frame(NGHTTP2_SETTINGS, 0, 0, "") + frame(NGHTTP2_HEADERS, kEndHeaders, 1, block({":status", "103"})) +
         frame(NGHTTP2_HEADERS, kEndHeaders, 1, ok) + frame(NGHTTP2_DATA, 0, 1, "one") +
         frame(NGHTTP2_HEADERS, kWhole, 3, ok) + frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "two") +
         frame(NGHTTP2_HEADERS, kEndHeaders, 5, ok) + frame(NGHTTP2_HEADERS, kWhole, 5, block({"grpc-status", "0"})) +
         frame(NGHTTP2_RST_STREAM, 0, 7, std::string("\0\0\0\x7", 4)) +
         frame(NGHTTP2_GOAWAY, 0, 0, std::string("\0\0\0\x9\0\0\0\0", 8));
}

TEST(H2Reentrancy, AClientHandlerMayDoAnythingAnywhere) {
  for (const Action action : kActions) {
    for (int when = 0; when < 16; ++when) {
      SCOPED_TRACE(::testing::Message() << "action " << static_cast<int>(action) << " at " << when);
      base::BlockPool pool;
      CodecCounters counters;
      ManualHost host;
      const H2Options options;
      ActingClient handler(pool, action, when);
      H2ClientSession session(options, pool, counters, host, handler);
      handler.session = &session;
      for (int i = 0; i < 6; ++i) handler.open();
      drain_output(session, host);
      session.receive(base::Slice::copy_of(pool, busy_server()));
      drain_output(session, host);
      session.abandon({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "end"});
      while (session.deliver()) {}
      EXPECT_EQ(session.active_streams(), 0u);
      EXPECT_EQ(session.body_bytes_held(), 0u);
      for (const auto& stream : handler.streams) EXPECT_TRUE(stream->is_dead);
    }
  }
}

std::string call_torn(const std::string& input, size_t first, size_t piece) {
  LoneClient client;
  client.feed({});
  for (int i = 0; i < 4; ++i) client.request(make_request(client.pool), true);
  client.feed({});
  for (size_t at = 0; at < input.size();) {
    const size_t n = std::min(at == 0 ? first : piece, input.size() - at);
    client.session.receive(base::Slice::copy_of(client.pool, std::string_view(input).substr(at, n)));
    at += n;
  }
  client.feed({});
  return client.handler.text();
}

TEST(H2Reentrancy, AClientReadsTheSameHoweverTheBytesAreTorn) {
  const std::string input = busy_server();
  const std::string whole = call_torn(input, input.size(), input.size());
  EXPECT_NE(whole.find("body onetwo"), std::string::npos);
  EXPECT_NE(whole.find("trailers grpc-status: 0"), std::string::npos);
  EXPECT_EQ(call_torn(input, 1, 1), whole);
  for (size_t at = 1; at < input.size(); ++at) EXPECT_EQ(call_torn(input, at, input.size()), whole) << at;
}

}  // namespace
}  // namespace weft::http::testing
