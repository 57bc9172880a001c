#include <gtest/gtest.h>

#include "http/testing/h2_harness.h"
#include "net/testing/backend.h"
#include "net/testing/recorders.h"

namespace weft::http::testing {
namespace {

using net::testing::Backend;

class NullHandler : public net::ConnectionHandler {
  void on_data(base::Slice) override {}
  void on_end() override {}
  void on_close(const base::Error&) override {}
};

class Acceptor : public net::AcceptHandler {
 public:
  void on_accept(net::AcceptedSocket socket) override { sockets.push_back(std::move(socket)); }
  void on_accept_error(const base::Error&) override {}
  std::vector<net::AcceptedSocket> sockets;
};

// Both factories on one loop, joined by a socket.
class H2Connection : public ::testing::TestWithParam<Backend> {
 protected:
  void connect(const H2Options& client_options = {}, const H2Options& server_options = {}) {
    auto transports = connect_transports();
    client = make_h2_client(std::move(transports.first), client_options, client_counters, client_handler);
    server = make_h2_server(std::move(transports.second), server_options, timeouts, server_counters, server_handler);
  }

  std::pair<std::unique_ptr<net::Connection>, std::unique_ptr<net::Connection>> connect_transports() {
    auto listener = std::move(*loop.listen(net::testing::any_local_port(), {}));
    Acceptor acceptor;
    const net::Handle accepting = loop.start_accepting(*listener, acceptor);
    auto client_end =
        std::make_unique<net::Connection>(loop, listener->local_address(), net::ConnectOptions{}, nullptr, null);
    EXPECT_TRUE(until([&] { return !acceptor.sockets.empty() && client_end->is_open(); }));
    loop.close(accepting);
    auto server_end = std::make_unique<net::Connection>(loop, std::move(acceptor.sockets[0]), nullptr, null);
    return {std::move(client_end), std::move(server_end)};
  }

  ClientStreamRecorder& request(std::string_view method, std::string_view path, bool end) {
    ClientStreamRecorder& recorder = client_handler.add();
    recorder.stream = &client->open(recorder);
    recorder.stream->send_head(make_request(loop.blocks(), method, path), end);
    return recorder;
  }
  void answer(size_t index, std::string_view body) {
    ServerStream& stream = *server_handler.streams[index]->stream;
    stream.send_head(make_response(loop.blocks()), false);
    base::Chain chain;
    chain.append_copy(loop.blocks(), body);
    stream.send_data(std::move(chain), true);
  }
  bool until(const std::function<bool()>& done) { return net::testing::run_until(loop, done); }

  std::unique_ptr<net::testing::BackendLoop> backend = net::testing::make_backend(GetParam());
  net::Loop& loop = backend->loop();
  NullHandler null;
  ServerTimeouts timeouts;
  CodecCounters client_counters, server_counters;
  ClientRecorder client_handler;
  ServerRecorder server_handler;
  std::unique_ptr<ClientConnection> client;
  std::unique_ptr<ServerConnection> server;
};

INSTANTIATE_TEST_SUITE_P(Loops, H2Connection, ::testing::ValuesIn(net::testing::all_backends()),
                         [](const auto& info) { return net::testing::name_of(info.param); });

TEST_P(H2Connection, CarriesLargeBodiesBothWays) {
  connect();
  ClientStreamRecorder& call = request("POST", "/", false);
  base::Chain body;
  body.append_copy(loop.blocks(), std::string(3'000'000, 'u'));
  call.stream->send_data(std::move(body), true);
  ASSERT_TRUE(until([&] { return !server_handler.streams.empty() && server_handler.last().has_ended; }));
  EXPECT_EQ(server_handler.last().body.size(), 3'000'000u);
  answer(0, std::string(5'000'000, 'd'));
  ASSERT_TRUE(until([&] { return call.is_closed; }));
  EXPECT_EQ(call.body, std::string(5'000'000, 'd'));
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
  EXPECT_EQ(client->streams_opened(), 1u);
  EXPECT_TRUE(call.is_closed);
}

TEST_P(H2Connection, DrainingServerServesWhatItAcceptedThenCloses) {
  connect();
  ClientStreamRecorder& call = request("GET", "/", true);
  ASSERT_TRUE(until([&] { return !server_handler.streams.empty(); }));
  server->drain();
  ASSERT_TRUE(until([&] { return client->is_draining(); }));
  EXPECT_FALSE(client->can_open());
  EXPECT_FALSE(call.is_closed);
  answer(0, "last");
  ASSERT_TRUE(until([&] { return server_handler.is_closed && client_handler.is_closed; }));
  EXPECT_EQ(call.body, "last");
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
  EXPECT_EQ(server_handler.log.back(), "connection closed complete");
  EXPECT_EQ(server_counters.goaway_sent, 2u);
}

TEST_P(H2Connection, DrainingClientClosesAfterItsLastStream) {
  connect();
  ClientStreamRecorder& call = request("GET", "/", true);
  client->drain();
  EXPECT_FALSE(client->can_open());
  ASSERT_TRUE(until([&] { return !server_handler.streams.empty(); }));
  answer(0, "x");
  ASSERT_TRUE(until([&] { return server_handler.is_closed && client_handler.is_closed; }));
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
}

TEST_P(H2Connection, CloseTellsEveryStreamLaterAndOnce) {
  connect();
  ClientStreamRecorder& first = request("GET", "/1", true);
  ClientStreamRecorder& second = request("GET", "/2", true);
  ASSERT_TRUE(until([&] { return server_handler.streams.size() == 2; }));
  client->close();
  EXPECT_FALSE(first.is_closed);
  ASSERT_TRUE(until([&] { return client_handler.is_closed && server_handler.is_closed; }));
  EXPECT_EQ(first.end.kind, StreamEnd::Kind::ConnectionClosed);
  EXPECT_EQ(second.end.kind, StreamEnd::Kind::ConnectionClosed);
  EXPECT_EQ(server_handler.streams[1]->end.kind, StreamEnd::Kind::ConnectionClosed);
}

TEST_P(H2Connection, KnowsWhetherARequestMayHaveLeft) {
  connect();
  ClientStreamRecorder& call = request("GET", "/", true);
  EXPECT_FALSE(call.stream->has_sent_bytes());
  EXPECT_FALSE(call.stream->has_received_bytes());
  ASSERT_TRUE(until([&] { return !server_handler.streams.empty(); }));
  EXPECT_TRUE(call.stream->has_sent_bytes());
  server_handler.last().stream->send_informational(make_response(loop.blocks(), 103));
  ASSERT_TRUE(until([&] { return call.stream->has_received_bytes(); }));
}

TEST_P(H2Connection, AnswersASlowHeadWith408AndCloses) {
  timeouts.request_headers = base::milliseconds(30);
  auto transports = connect_transports();
  net::Connection& raw = *transports.first;
  class Reader : public NullHandler {
   public:
    void on_data(base::Slice data) override { bytes += data.view(); }
    void on_end() override { has_ended = true; }
    std::string bytes;
    bool has_ended = false;
  } reader;
  raw.set_handler(reader);
  raw.start_reading();
  server = make_h2_server(std::move(transports.second), {}, timeouts, server_counters, server_handler);
  raw.write(base::Chain(base::Slice::copy_of(loop.blocks(), preface() + frame(NGHTTP2_HEADERS, 0, 1, get_block()))));
  ASSERT_TRUE(until([&] { return reader.has_ended; }));
  bool has_408 = false;
  for (const SentFrame& sent : parse_frames(reader.bytes))
    has_408 |= sent.type == NGHTTP2_HEADERS && sent.payload.find("408") != std::string::npos;
  EXPECT_EQ(server_handler.log.front(), "refused 408 limit_exceeded");
  EXPECT_TRUE(has_408 || error_code_of(reader.bytes, NGHTTP2_GOAWAY) == NGHTTP2_NO_ERROR);
  raw.close();
  ASSERT_TRUE(until([&] { return server_handler.is_closed; }));
}

TEST_P(H2Connection, PingsAnIdlePeerAndGivesUpWithoutAnAnswer) {
  H2Options options;
  options.keepalive_interval = base::milliseconds(20);
  options.keepalive_timeout = base::milliseconds(50);
  auto transports = connect_transports();
  transports.second->start_reading();  // reads and never answers
  client = make_h2_client(std::move(transports.first), options, client_counters, client_handler);
  ClientStreamRecorder& call = request("GET", "/", true);
  ASSERT_TRUE(until([&] { return client_handler.is_closed; }));
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::ConnectionClosed);
  EXPECT_EQ(call.end.detail, "http2.ping_timeout");
  EXPECT_EQ(client_counters.keepalive_timeout, 1u);
}

// Pings are apart by the interval and at most its jitter more, each time another.
TEST_P(H2Connection, PingsComeAfterTheIntervalAndItsJitter) {
  if (GetParam() != Backend::Simulation) GTEST_SKIP() << "only the simulated clock is exact";
  H2Options options;
  options.keepalive_interval = base::milliseconds(100);
  options.keepalive_timeout = base::milliseconds(50);
  options.keepalive_jitter_percent = 50;
  connect(options, {});
  std::vector<base::Duration> gaps;
  base::MonoTime last = loop.now();
  for (uint64_t seen = server->transport().bytes_received(); gaps.size() < 5;) {
    ASSERT_TRUE(until([&] { return server->transport().bytes_received() > seen + 16; }));
    seen = server->transport().bytes_received();
    gaps.push_back(loop.now() - last);
    last = loop.now();
  }
  bool varies = false;
  for (size_t i = 1; i < gaps.size(); ++i) {
    EXPECT_GE(gaps[i], base::milliseconds(100));
    EXPECT_LE(gaps[i], base::milliseconds(155)) << "and the way of ping and answer";
    varies |= gaps[i] != gaps[1];
  }
  EXPECT_TRUE(varies);
  EXPECT_FALSE(client_handler.is_closed);
}

// connection_idle_interval: a stream on a connection that was silent for long is preceded by a PING.
TEST_P(H2Connection, AStreamOnASilentConnectionAsksFirstWhetherThePeerIsThere) {
  if (GetParam() != Backend::Simulation) GTEST_SKIP() << "only the simulated clock is exact";
  H2Options options;
  options.keepalive_connection_idle_interval = base::milliseconds(300);
  options.keepalive_timeout = base::milliseconds(20);
  auto transports = connect_transports();
  class Reader : public NullHandler {
   public:
    void on_data(base::Slice data) override { bytes += data.view(); }
    std::string bytes;
  } reader;
  transports.second->set_handler(reader);
  transports.second->start_reading();  // reads and never answers
  client = make_h2_client(std::move(transports.first), options, client_counters, client_handler);
  const auto pings = [&] {
    size_t count = 0;
    for (const SentFrame& sent : parse_frames(std::string_view(reader.bytes).substr(preface().size() - 9)))
      count += sent.type == NGHTTP2_PING;
    return count;
  };
  const auto wait = [&](base::Duration time) {
    const base::MonoTime end = loop.now() + time;
    until([&] { return loop.now() >= end; });
  };
  wait(base::milliseconds(100));
  request("GET", "/early", true);
  wait(base::milliseconds(10));
  EXPECT_EQ(pings(), 0u);
  wait(base::milliseconds(400));
  ClientStreamRecorder& late = request("GET", "/late", true);
  wait(base::milliseconds(10));
  EXPECT_EQ(pings(), 1u);
  ASSERT_TRUE(until([&] { return client_handler.is_closed; }));
  EXPECT_EQ(late.end.detail, "http2.ping_timeout");
}

TEST_P(H2Connection, AnsweredPingsKeepAConnection) {
  H2Options options;
  options.keepalive_interval = base::milliseconds(5);
  options.keepalive_timeout = base::milliseconds(500);
  connect(options, {});
  const base::MonoTime end = loop.now() + base::milliseconds(60);
  until([&] { return loop.now() >= end; });
  EXPECT_FALSE(client_handler.is_closed);
  EXPECT_GT(server->transport().bytes_received(), 3u * 17);
}

TEST_P(H2Connection, StaysBoundedWhenThePeerDoesNotRead) {
  connect();
  ClientStreamRecorder& call = request("GET", "/", true);
  ASSERT_TRUE(until([&] { return !server_handler.streams.empty(); }));
  client->transport().pause_reading();
  answer(0, std::string(16'000'000, 'd'));
  const base::MonoTime end = loop.now() + base::milliseconds(50);
  until([&] { return loop.now() >= end; });
  EXPECT_LT(server->transport().pending_bytes(), 1024u * 1024);
  client->transport().start_reading();
  ASSERT_TRUE(until([&] { return call.is_closed; }));
  EXPECT_EQ(call.body.size(), 16'000'000u);
}

TEST_P(H2Connection, AnIdleServerLeavesAfterTheClientsGoaway) {
  auto transports = connect_transports();
  transports.first->write(
      base::Chain(base::Slice::copy_of(loop.blocks(), preface() + frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0')))));
  server = make_h2_server(std::move(transports.second), {}, timeouts, server_counters, server_handler);
  transports.first->start_reading();
  ASSERT_TRUE(until([&] { return server_handler.is_closed; }));
}

TEST_P(H2Connection, TakesBytesReadBeforeTheCodecWasChosen) {
  auto transports = connect_transports();
  base::Chain first;
  first.append_copy(
      loop.blocks(),
      preface() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, get_block()));
  server =
      make_h2_server(std::move(transports.second), {}, timeouts, server_counters, server_handler, std::move(first));
  EXPECT_TRUE(server_handler.streams.empty()) << "not from inside the call";
  ASSERT_TRUE(until([&] { return !server_handler.streams.empty(); }));
}

}  // namespace
}  // namespace weft::http::testing
