// Both ends of an HTTP/1 connection over real loops: a codec on one side, a peer that speaks raw bytes on the other.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "http/connection.h"
#include "net/connection.h"
#include "net/testing/backend.h"
#include "net/testing/recorders.h"

namespace weft::http {
namespace {

using net::testing::Backend;
using net::testing::run_until;

std::string describe(const StreamEnd& end) {
  constexpr std::string_view kNames[] = {"complete", "remote_reset", "refused", "unprocessed",
                                         "closed",   "protocol",     "limit"};
  return std::string(kNames[static_cast<size_t>(end.kind)]) + (end.detail.empty() ? "" : " " + std::string(end.detail));
}

class H1ConnectionTest : public ::testing::TestWithParam<Backend> {
 protected:
  H1ConnectionTest() {
    listener_ = std::move(*loop.listen(net::testing::any_local_port(), {}));
    accepting_ = loop.start_accepting(*listener_, accepted_);
  }
  ~H1ConnectionTest() override { loop.close(accepting_); }

  // An accepted connection and the one that reached it; the raw peer reads.
  struct Pair {
    std::unique_ptr<net::Connection> accepted, connected;
  };
  Pair connect(net::ConnectionHandler& accepting, net::ConnectionHandler& connecting) {
    Pair pair;
    pair.connected =
        std::make_unique<net::Connection>(loop, listener_->local_address(), net::ConnectOptions(), nullptr, connecting);
    EXPECT_TRUE(run_until(loop, [&] { return !accepted_.sockets.empty() && pair.connected->is_open(); }));
    pair.accepted = std::make_unique<net::Connection>(loop, std::move(accepted_.sockets.back()), nullptr, accepting);
    accepted_.sockets.pop_back();
    return pair;
  }
  bool until(const std::function<bool()>& done) { return run_until(loop, done); }
  void settle() {
    const base::MonoTime end = loop.now() + base::milliseconds(10);
    until([&] { return loop.now() >= end; });
  }
  base::Chain bytes(std::string_view text) { return net::testing::chain_of(loop, text); }

  std::unique_ptr<net::testing::BackendLoop> backend = net::testing::make_backend(GetParam());
  net::Loop& loop = backend->loop();
  CodecCounters counters;

 private:
  net::testing::AcceptRecorder accepted_;
  std::unique_ptr<net::ListenSocket> listener_;
  net::Handle accepting_;
};

// ---------------------------------------------------------------- server

// Writes down what the server codec tells; `on_head` and `on_end` react.
class ServerRecorder : public ServerConnectionHandler, public ServerStreamHandler {
 public:
  ServerStreamHandler& on_request(ServerStream& s, bool end) override {
    stream = &s;
    is_calling = true;
    events.push_back("head " + std::string(s.request().method()) + " " + std::string(s.request().path()) +
                     (end ? " end" : ""));
    if (react_head) react_head(s);
    if (end && react_end) react_end(s);
    is_calling = false;
    return *this;
  }
  void on_request_refused(const RequestHead&, const Refusal& answer, const StreamEnd& end) override {
    events.push_back("refused " + std::to_string(answer.head.status) + " " + describe(end));
  }
  void on_connection_closed(const StreamEnd& end) override {
    EXPECT_FALSE(is_calling);
    events.push_back("connection " + describe(end));
    is_over = true;
  }
  void on_request_data(base::Slice data, bool end) override {
    EXPECT_FALSE(is_calling);
    body += data.view();
    received += data.size();
    if (consumes) stream->consume(data.size());
    if (end) finish("data end");
  }
  void on_request_trailers(HeaderMap trailers) override {
    trailers.for_each(
        [&](const Header& h) { events.push_back("trailer " + std::string(h.name) + "=" + std::string(h.value)); });
    finish("trailers");
  }
  void on_response_writable() override { events.push_back("writable"); }
  void on_stream_closed(const StreamEnd& end) override {
    EXPECT_FALSE(is_calling);
    events.push_back("stream " + describe(end));
    if (react_closed) react_closed();
  }
  void finish(const std::string& what) {
    events.push_back(what + (body.empty() ? "" : " " + body));
    body.clear();
    if (react_end) react_end(*stream);
  }
  bool has(const std::string& event) const { return std::find(events.begin(), events.end(), event) != events.end(); }
  std::string text() const {
    std::string all;
    for (const std::string& event : events) all += event + "\n";
    return all;
  }

  std::vector<std::string> events;
  std::string body;
  size_t received = 0;
  ServerStream* stream = nullptr;
  bool consumes = true;
  bool is_calling = false;
  bool is_over = false;
  std::function<void(ServerStream&)> react_head, react_end;
  std::function<void()> react_closed;
};

class H1ServerTest : public H1ConnectionTest {
 protected:
  void start() {
    Pair pair = connect(idle_, raw);
    peer = std::move(pair.connected);
    peer->start_reading();
    codec = make_h1_server(std::move(pair.accepted), options, timeouts, counters, server);
    settle();
  }
  void send(std::string_view text) {
    peer->write(bytes(text));
    settle();
  }
  // What the server answers to every complete request.
  void answer_with(uint16_t status, std::string body) {
    server.react_end = [this, status, body](ServerStream& s) { respond(s, status, body); };
  }
  void respond(ServerStream& s, uint16_t status, const std::string& body) {
    ResponseHead head(loop.blocks());
    head.status = status;
    if (!body.empty()) head.add(HeaderId::ContentLength, std::to_string(body.size()));
    s.send_head(head, body.empty());
    if (!body.empty()) s.send_data(bytes(body), true);
  }
  ResponseHead head_of(uint16_t status) {
    ResponseHead head(loop.blocks());
    head.status = status;
    return head;
  }

  H1Options options;
  ServerTimeouts timeouts;
  ServerRecorder server;
  net::testing::ConnectionRecorder raw;
  std::unique_ptr<net::Connection> peer;
  std::unique_ptr<ServerConnection> codec;

 private:
  net::testing::ConnectionRecorder idle_;
};

TEST_P(H1ServerTest, ServesKeptAliveRequestsOneAfterTheOther) {
  start();
  answer_with(200, "hi");
  for (int i = 0; i < 3; ++i) send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.text(),
            "head GET /x end\nstream complete\nhead GET /x end\nstream complete\nhead GET /x end\nstream complete\n");
  const std::string one = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
  EXPECT_EQ(raw.data, one + one + one);
  EXPECT_EQ(codec->active_streams(), 0u);
}

TEST_P(H1ServerTest, AnswersPipelinedRequestsInOrderAndOneAtATime) {
  start();
  std::vector<ServerStream*> waiting;
  server.react_end = [&](ServerStream& s) { waiting.push_back(&s); };
  send(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.text(), "head POST /1\ndata end abc\n");
  respond(*waiting.back(), 200, "one");
  settle();
  EXPECT_EQ(server.events.back(), "head GET /2 end");
  respond(*waiting.back(), 200, "two");
  settle();
  EXPECT_EQ(server.events.back(), "head GET /3 end");
  respond(*waiting.back(), 200, "three");
  settle();
  EXPECT_NE(raw.data.find("one"), raw.data.npos);
  EXPECT_LT(raw.data.find("one"), raw.data.find("two"));
  EXPECT_LT(raw.data.find("two"), raw.data.find("three"));
  send("GET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.events.back(), "head GET /4 end");
}

TEST_P(H1ServerTest, RefusesABadHeadAndCloses) {
  start();
  send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(
      raw.data,
      "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 11\r\nconnection: close\r\n\r\nBad Request");
  EXPECT_EQ(server.text(), "refused 400 protocol http1.codec_error\n");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  peer->close();
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_EQ(counters.downstream_cx_protocol_error, 1u);
}

TEST_P(H1ServerTest, AHeadRefusedAsAWholeMayLeaveTheConnectionOpen) {
  options.stream_error_on_invalid_message = true;
  start();
  answer_with(200, "");
  send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(raw.data,
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(server.text(), "refused 400 protocol missing_host_header\nhead GET /2 end\nstream complete\n");
  send("POST /3 HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
}

TEST_P(H1ServerTest, AClientThatEndsItsSideStillGetsWhatWasAnswered) {
  start();
  answer_with(200, "hi");
  peer->write(bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  peer->shutdown_write();
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  EXPECT_EQ(server.text(), "head GET / end\nstream complete\nconnection complete\n");
}

TEST_P(H1ServerTest, DrainLetsAQueuedResponseLeave) {
  start();
  answer_with(200, std::string(3000000, 'x'));
  server.react_closed = [&] { codec->drain(); };
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_GT(raw.data.size(), 3000000u);
}

TEST_P(H1ServerTest, AMalformedBodyIsAnsweredWhereNoResponseHasBegun) {
  start();
  send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiXX");
  EXPECT_EQ(server.text(), "head POST /\nstream protocol http1.codec_error\n");
  EXPECT_EQ(
      raw.data,
      "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 11\r\nconnection: close\r\n\r\nBad Request");
}

TEST_P(H1ServerTest, AMalformedBodyCutsAResponseThatHasBegun) {
  start();
  server.react_head = [&](ServerStream& s) { s.send_head(head_of(200), false); };
  send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiXX");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(server.text(), "head POST /\nstream protocol http1.codec_error\n");
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}

TEST_P(H1ServerTest, ChunksBodiesOfUnknownLengthAndSendsTrailersWhereEnabled) {
  options.enable_trailers = true;
  start();
  server.react_end = [&](ServerStream& s) {
    s.send_head(head_of(200), false);
    s.send_data(bytes("hello"), false);
    s.send_data(bytes(std::string(2000, 'x')), false);
    HeaderMap trailers(loop.blocks());
    trailers.add("X-Sum", "1");
    s.send_trailers(trailers);
  };
  send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nq\r\n0\r\nx-t: 1\r\n\r\n");
  EXPECT_EQ(server.text(), "head POST /\ntrailer x-t=1\ntrailers q\nstream complete\n");
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n7d0\r\n" +
                          std::string(2000, 'x') + "\r\n0\r\nx-sum: 1\r\n\r\n");
}

TEST_P(H1ServerTest, ResponsesWithoutABodyCarryNone) {
  start();
  server.react_end = [&](ServerStream& s) {
    ResponseHead head = head_of(s.request().path() == "/204" ? 204 : s.request().path() == "/304" ? 304 : 200);
    head.add(HeaderId::ContentLength, "5");
    s.send_head(head, false);
    s.send_data(bytes("hello"), true);
  };
  send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
  send("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n");
  send("GET /304 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(
      raw.data,
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
}

TEST_P(H1ServerTest, ConnectionHeadersAreItsOwn) {
  options.proper_case_headers = true;
  start();
  server.react_end = [&](ServerStream& s) {
    ResponseHead head = head_of(200);
    head.add("Connection", "x-secret");
    head.add("Keep-Alive", "timeout=5");
    head.add("Transfer-Encoding", "gzip");
    head.add("Upgrade", "h2c");
    head.add("x-request-id", "7");
    s.send_head(head, true);
  };
  send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\nX-Request-Id: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
}

TEST_P(H1ServerTest, Http10GetsItsOwnVersionAndCloses) {
  options.accept_http_10 = true;
  start();
  server.react_end = [&](ServerStream& s) {
    s.send_informational(head_of(103));
    s.send_head(head_of(200), false);
    s.send_data(bytes("body"), true);
  };
  send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(raw.data, "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nbody");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
}

TEST_P(H1ServerTest, Http10MayKeepAlive) {
  options.accept_http_10 = true;
  start();
  answer_with(200, "hi");
  send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_EQ(
      raw.data,
      "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhiHTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
}

TEST_P(H1ServerTest, AWholeResponseBeforeTheBodyWasReadCloses) {
  start();
  server.react_head = [&](ServerStream& s) { s.send_head(head_of(413), true); };
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\n");
  EXPECT_EQ(raw.data, "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(server.text(), "head POST /\nstream complete\n");
  send("Host: a\r\n\r\nGET /again HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.text(), "head POST /\nstream complete\n");
  peer->close();
  EXPECT_TRUE(until([&] { return server.is_over; }));
}

TEST_P(H1ServerTest, LingeringEndsByTheTimer) {
  timeouts.delayed_close = base::milliseconds(20);
  start();
  answer_with(200, "");
  send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_EQ(server.events.back(), "connection complete");
}

TEST_P(H1ServerTest, WithoutDelayTheConnectionClosesOnceFlushed) {
  timeouts.delayed_close = {};
  start();
  answer_with(200, "");
  send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

TEST_P(H1ServerTest, ASlowHeadIsAnsweredWith408) {
  timeouts.request_headers = base::milliseconds(30);
  start();
  const base::MonoTime idle = loop.now() + base::milliseconds(60);
  EXPECT_TRUE(until([&] { return loop.now() >= idle; }));
  EXPECT_EQ(server.text(), "");  // an idle connection has no head to time
  send("GET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(
      raw.data,
      "HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain\r\ncontent-length: 22\r\nconnection: close\r\n\r\nrequest header timeout");
  EXPECT_EQ(server.text(), "refused 408 limit request_header_timeout\n");
}

TEST_P(H1ServerTest, StopsReadingWhileTooMuchIsOwed) {
  options.buffer_bytes = 1000;
  start();
  server.consumes = false;
  peer->write(bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(1000000, 'b')));
  // On a busy machine the bytes come late: it has stopped when nothing came five times in a row.
  for (int quiet = 0; quiet < 5;) {
    const size_t so_far = server.received;
    settle();
    quiet = so_far > 0 && server.received == so_far ? quiet + 1 : 0;
  }
  const size_t before = server.received;
  EXPECT_LT(before, 200000u);
  server.consumes = true;
  server.stream->consume(before);
  EXPECT_TRUE(until([&] { return server.received == 1000000; }));
}

TEST_P(H1ServerTest, TellsWhenAFullResponseMayGoOn) {
  options.buffer_bytes = 1000;
  start();
  peer->pause_reading();
  server.react_end = [&](ServerStream& s) {
    s.send_head(head_of(200), false);
    s.send_data(bytes(std::string(8000000, 'x')), false);
    EXPECT_TRUE(s.is_above_high_mark());
    EXPECT_GT(s.pending_bytes(), 1000u);
  };
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(server.has("writable"));
  peer->start_reading();
  EXPECT_TRUE(until([&] { return server.has("writable"); }));
}

TEST_P(H1ServerTest, AnUpgradeHoldsEarlyBytesUntilItIsAccepted) {
  start();
  send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nearly");
  EXPECT_EQ(server.text(), "head GET /ws\n");
  ResponseHead head = head_of(101);
  head.add(HeaderId::Upgrade, "websocket");
  server.stream->send_head(head, false);
  server.stream->send_data(bytes("down"), false);
  send("more");
  EXPECT_EQ(server.body, "earlymore");
  EXPECT_EQ(raw.data, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\ndown");
  peer->shutdown_write();
  EXPECT_TRUE(until([&] { return server.has("data end earlymore"); }));
  server.stream->send_data(bytes("last"), true);
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_TRUE(server.has("stream complete"));
}

TEST_P(H1ServerTest, BytesBehindARefusedUpgradeAreNoRequest) {
  start();
  send(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  respond(*server.stream, 200, "no");
  settle();
  EXPECT_EQ(server.text(), "head GET /ws\nstream complete\n");
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
}

TEST_P(H1ServerTest, ARefusedUpgradeWithoutEarlyBytesKeepsTheConnection) {
  start();
  send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n");
  respond(*server.stream, 403, "no");
  send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.text(), "head GET /ws\nstream complete\nhead GET /next end\n");
}

TEST_P(H1ServerTest, ConnectIsATunnelAfterItsResponse) {
  start();
  send("CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n");
  server.stream->send_head(head_of(200), false);
  send("ping");
  server.stream->send_data(bytes("pong"), true);
  settle();
  EXPECT_EQ(server.body, "ping");
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\n\r\npong");
  EXPECT_FALSE(server.has("stream complete"));
  peer->shutdown_write();
  EXPECT_TRUE(until([&] { return server.has("stream complete"); }));
}

TEST_P(H1ServerTest, AClientThatLeavesEndsItsStream) {
  start();
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  peer->close();
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_EQ(
      server.text(),
      "head GET / end\nstream closed downstream_remote_disconnect\nconnection closed downstream_remote_disconnect\n");
}

TEST_P(H1ServerTest, AResetByTheHandlerIsSilentAndClosesTheConnection) {
  start();
  server.react_head = [&](ServerStream& s) { s.reset(ResetCode::Internal); };
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_EQ(server.text(), "head GET / end\nconnection complete\n");
  EXPECT_EQ(raw.data, "");
}

TEST_P(H1ServerTest, AResetInTheMiddleLetsWhatWasSentLeave) {
  start();
  server.react_end = [&](ServerStream& s) {
    s.send_head(head_of(200), false);
    s.send_data(bytes("half"), false);
    s.reset(ResetCode::Internal);
  };
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  peer->close();
  EXPECT_TRUE(until([&] { return server.is_over; }));
  EXPECT_EQ(server.text(), "head GET / end\nconnection complete downstream_remote_disconnect\n");
}

TEST_P(H1ServerTest, ACutBodyUntilCloseEndsByAResetNotByAnEnd) {
  options.accept_http_10 = true;
  start();
  server.react_end = [&](ServerStream& s) {
    s.send_head(head_of(200), false);
    s.send_data(bytes("half"), false);
    s.reset(ResetCode::Internal);
  };
  send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(until([&] { return raw.has("close"); }));
  EXPECT_FALSE(raw.has("end"));
}

TEST_P(H1ServerTest, AResetAfterTheEndLetsTheConnectionLive) {
  start();
  server.react_end = [&](ServerStream& s) {
    respond(s, 200, "hi");
    s.reset(ResetCode::NoError);
  };
  send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.text(), "head GET /1 end\nhead GET /2 end\n");
}

TEST_P(H1ServerTest, DrainClosesAnIdleConnectionAndABusyOneAfterItsResponse) {
  start();
  codec->drain();
  EXPECT_TRUE(until([&] { return server.is_over; }));
  server = ServerRecorder();
  raw = net::testing::ConnectionRecorder();
  start();
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  codec->drain();
  respond(*server.stream, 200, "x");
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx");
}

TEST_P(H1ServerTest, ABodyShorterThanDeclaredCutsTheConnection) {
  start();
  server.react_end = [&](ServerStream& s) {
    ResponseHead head = head_of(200);
    head.add(HeaderId::ContentLength, "10");
    s.send_head(head, false);
    s.send_data(bytes("abc"), true);
  };
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(until([&] { return server.is_over; }));
}

TEST_P(H1ServerTest, ABodyLongerThanDeclaredIsCut) {
  start();
  server.react_end = [&](ServerStream& s) {
    ResponseHead head = head_of(200);
    head.add(HeaderId::ContentLength, "2");
    s.send_head(head, false);
    s.send_data(bytes("abHTTP/1.1 200 OK\r\n\r\n"), true);
  };
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(raw.data, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab");
}

TEST_P(H1ServerTest, AnIdleConnectionHoldsNoBlock) {
  start();
  answer_with(200, "hi");
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(loop.blocks().live_blocks(), 0u);
}

TEST_P(H1ServerTest, AfterARestItServesAsBefore) {
  start();
  answer_with(200, "hi");
  codec->rest();
  send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  codec->rest();
  codec->rest();
  send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.text(), "head GET /1 end\nstream complete\nhead GET /2 end\nstream complete\n");
}

TEST_P(H1ServerTest, ARestForgetsNothingOfARequestThatHasBegun) {
  start();
  answer_with(200, "hi");
  send("POST /1 HTTP/1.1\r\nHo");
  codec->rest();
  send("st: a\r\nContent-Length: 4\r\n\r\nab");
  codec->rest();
  send("cd");
  EXPECT_EQ(server.text(), "head POST /1\ndata end abcd\nstream complete\n");
}

TEST_P(H1ServerTest, ItDrainsAtRest) {
  start();
  answer_with(200, "hi");
  send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  codec->rest();
  codec->drain();
  settle();
  EXPECT_TRUE(raw.has("end"));
}

// ---------------------------------------------------------------- client

class ClientRecorder : public ClientConnectionHandler, public ClientStreamHandler {
 public:
  void on_capacity() override { events.push_back("capacity"); }
  void on_draining() override { events.push_back("draining"); }
  void on_connection_closed(const StreamEnd& end) override {
    events.push_back("connection " + describe(end));
    is_over = true;
  }
  void on_informational(ResponseHead head) override {
    events.push_back("informational " + std::to_string(head.status));
  }
  void on_response_head(ResponseHead head, bool end) override {
    events.push_back("head " + std::to_string(head.status) + (end ? " end" : ""));
    if (react_head) react_head();
  }
  void on_response_data(base::Slice data, bool end) override {
    body += data.view();
    received += data.size();
    if (consumes && stream != nullptr) stream->consume(data.size());
    if (end) events.push_back("data end " + std::exchange(body, {}));
  }
  void on_response_trailers(HeaderMap trailers) override {
    events.push_back("trailers " + std::to_string(trailers.size()) + " " + std::exchange(body, {}));
  }
  void on_request_writable() override { events.push_back("writable"); }
  void on_stream_closed(const StreamEnd& end) override { events.push_back("stream " + describe(end)); }
  bool has(const std::string& event) const { return std::find(events.begin(), events.end(), event) != events.end(); }
  std::string text() const {
    std::string all;
    for (const std::string& event : events) all += event + "\n";
    return all;
  }

  std::vector<std::string> events;
  std::string body;
  size_t received = 0;
  bool consumes = true;
  bool is_over = false;
  ClientStream* stream = nullptr;
  std::function<void()> react_head;
};

class H1ClientTest : public H1ConnectionTest {
 protected:
  void start() {
    Pair pair = connect(raw, idle_);
    peer = std::move(pair.accepted);
    peer->start_reading();
    codec = make_h1_client(std::move(pair.connected), options, counters, client);
    settle();
  }
  void answer(std::string_view text) {
    peer->write(bytes(text));
    settle();
  }
  RequestHead head_of(std::string_view method, std::string_view path) {
    RequestHead head(loop.blocks());
    head.add(HeaderId::Method, method);
    head.add(HeaderId::Scheme, "http");
    head.add(HeaderId::Authority, "up:80");
    head.add(HeaderId::Path, path);
    return head;
  }
  void get(std::string_view path) {
    client.stream = &codec->open(client);
    client.stream->send_head(head_of("GET", path), true);
    settle();
  }

  H1Options options;
  ClientRecorder client;
  net::testing::ConnectionRecorder raw;
  std::unique_ptr<net::Connection> peer;
  std::unique_ptr<ClientConnection> codec;

 private:
  net::testing::ConnectionRecorder idle_;
};

TEST_P(H1ClientTest, UsesOneConnectionForManyRequests) {
  start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(codec->can_open());
    get("/a?b");
    EXPECT_FALSE(codec->can_open());
    EXPECT_TRUE(client.stream->has_sent_bytes());
    EXPECT_FALSE(client.stream->has_received_bytes());
    EXPECT_EQ(raw.data, "GET /a?b HTTP/1.1\r\nhost: up:80\r\n\r\n");
    raw.data.clear();
    answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(client.text(), "head 200\ndata end hi\nstream complete\ncapacity\n");
    client.events.clear();
  }
  EXPECT_EQ(codec->streams_opened(), 3u);
  EXPECT_EQ(loop.blocks().live_blocks(), 0u);
}

TEST_P(H1ClientTest, FramesRequestBodies) {
  options.enable_trailers = true;
  start();
  client.stream = &codec->open(client);
  RequestHead head = head_of("POST", "/");
  head.add(HeaderId::ContentLength, "4");
  client.stream->send_head(head, false);
  client.stream->send_data(bytes("body"), true);
  settle();
  EXPECT_EQ(raw.data, "POST / HTTP/1.1\r\nhost: up:80\r\ncontent-length: 4\r\n\r\nbody");
  answer("HTTP/1.1 204 No Content\r\n\r\n");
  raw.data.clear();
  client.stream = &codec->open(client);
  client.stream->send_head(head_of("PUT", "/"), false);
  client.stream->send_data(bytes("x"), false);
  HeaderMap trailers(loop.blocks());
  trailers.add("t", "v");
  client.stream->send_trailers(trailers);
  settle();
  EXPECT_EQ(raw.data, "PUT / HTTP/1.1\r\nhost: up:80\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nt: v\r\n\r\n");
  answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\na: b\r\n\r\n");
  EXPECT_TRUE(client.has("trailers 1 y"));
  raw.data.clear();
  client.stream = &codec->open(client);
  client.stream->send_head(head_of("POST", "/"), true);
  settle();
  EXPECT_EQ(raw.data, "POST / HTTP/1.1\r\nhost: up:80\r\ncontent-length: 0\r\n\r\n");
}

TEST_P(H1ClientTest, PassesInformationalResponsesUpToALimit) {
  start();
  get("/");
  answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.text(), "informational 100\ninformational 103\nhead 200 end\nstream complete\ncapacity\n");
  client.events.clear();
  get("/");
  std::string flood;
  for (int i = 0; i < 17; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
  answer(flood);
  EXPECT_TRUE(client.has("stream limit http1.too_many_informational_responses"));
  EXPECT_TRUE(client.is_over);
}

TEST_P(H1ClientTest, BytesBehindAResponseSpoilTheConnection) {
  start();
  get("/");
  answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(client.text(), "head 200\ndata end hi\ndraining\nstream complete\nconnection complete\n");
}

TEST_P(H1ClientTest, BytesOnAnIdleConnectionCloseIt) {
  start();
  answer("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_EQ(client.text(), "connection protocol http1.unexpected_data\n");
  EXPECT_FALSE(codec->can_open());
}

TEST_P(H1ClientTest, SeesAnIdleConnectionClose) {
  start();
  peer->close();
  EXPECT_TRUE(until([&] { return client.is_over; }));
  EXPECT_FALSE(codec->can_open());
}

TEST_P(H1ClientTest, ACloseBeforeAnyByteIsToldApart) {
  start();
  get("/");
  peer->close();
  EXPECT_TRUE(until([&] { return client.is_over; }));
  EXPECT_EQ(client.text(), "stream closed upstream_remote_close\nconnection closed upstream_remote_close\n");
  EXPECT_FALSE(client.stream->has_received_bytes());
}

TEST_P(H1ClientTest, ABodyUntilCloseEndsWithTheConnection) {
  start();
  get("/");
  answer("HTTP/1.1 200 OK\r\n\r\nall of it");
  EXPECT_EQ(client.text(), "draining\nhead 200\n");
  peer->shutdown_write();
  EXPECT_TRUE(until([&] { return client.is_over; }));
  EXPECT_EQ(client.text(), "draining\nhead 200\ndata end all of it\nstream complete\nconnection complete\n");
}

TEST_P(H1ClientTest, ACutBodyIsNoCompleteOne) {
  start();
  get("/");
  answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  peer->close();
  EXPECT_TRUE(until([&] { return client.is_over; }));
  EXPECT_TRUE(client.has("stream protocol http1.incomplete_response")) << client.text();
  EXPECT_TRUE(client.stream == nullptr || client.received == 4);
}

TEST_P(H1ClientTest, ConnectionCloseEndsReuse) {
  start();
  get("/");
  answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.text(), "draining\nhead 200 end\nstream complete\nconnection complete\n");
}

TEST_P(H1ClientTest, AResponseBeforeTheRequestIsOverEndsReuse) {
  start();
  client.stream = &codec->open(client);
  client.stream->send_head(head_of("POST", "/"), false);
  settle();
  answer("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.text(), "head 413 end\ndraining\nstream complete\nconnection complete\n");
}

TEST_P(H1ClientTest, AnUnaskedUpgradeIsAProtocolError) {
  start();
  get("/");
  answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n");
  EXPECT_EQ(client.text(), "stream protocol http1.unexpected_101\nconnection protocol http1.unexpected_101\n");
}

TEST_P(H1ClientTest, AnUpgradeSendsNothingBeforeItIsAccepted) {
  start();
  client.stream = &codec->open(client);
  RequestHead head = head_of("GET", "/ws");
  head.add(HeaderId::Upgrade, "foo");
  client.stream->send_head(head, false);
  client.stream->send_data(bytes("early"), false);
  settle();
  EXPECT_EQ(raw.data, "GET /ws HTTP/1.1\r\nhost: up:80\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n");
  raw.data.clear();
  answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nhello");
  EXPECT_EQ(raw.data, "early");
  EXPECT_EQ(client.body, "hello");
  client.stream->send_data(bytes("bye"), true);
  EXPECT_TRUE(until([&] { return raw.has("end"); }));
  EXPECT_EQ(raw.data, "earlybye");
  peer->shutdown_write();
  EXPECT_TRUE(until([&] { return client.has("stream complete"); }));
}

TEST_P(H1ClientTest, ARefusedUpgradeDropsItsEarlyBytes) {
  start();
  client.stream = &codec->open(client);
  RequestHead head = head_of("GET", "/ws");
  head.add(HeaderId::Upgrade, "foo");
  client.stream->send_head(head, false);
  client.stream->send_data(bytes("GET /smuggled HTTP/1.1\r\n\r\n"), false);
  settle();
  raw.data.clear();
  answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(raw.data, "");
  EXPECT_EQ(client.text(), "head 200 end\nstream complete\ncapacity\n");
}

TEST_P(H1ClientTest, AnExtendedConnectBecomesAnUpgradeWithAKey) {
  start();
  client.stream = &codec->open(client);
  RequestHead head = head_of("CONNECT", "/chat");
  head.version = Version::Http2;
  head.add(HeaderId::Protocol, "websocket");
  client.stream->send_head(head, false);
  settle();
  const std::string prefix =
      "GET /chat HTTP/1.1\r\nhost: up:80\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ";
  ASSERT_EQ(raw.data.substr(0, prefix.size()), prefix);
  EXPECT_EQ(raw.data.size(), prefix.size() + 24 + 4);
}

TEST_P(H1ClientTest, AResetClosesAnUnfinishedConnectionSilently) {
  start();
  get("/");
  client.stream->reset(ResetCode::Cancel);
  EXPECT_TRUE(until([&] { return client.is_over; }));
  EXPECT_EQ(client.text(), "connection complete\n");
}

TEST_P(H1ClientTest, DrainWaitsForTheLastStream) {
  start();
  get("/");
  codec->drain();
  answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.text(), "head 200 end\nstream complete\nconnection complete\n");
}

TEST_P(H1ClientTest, StopsReadingWhileTooMuchIsOwed) {
  options.buffer_bytes = 1000;
  start();
  client.consumes = false;
  get("/");
  peer->write(bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(1000000, 'b')));
  settle();
  const size_t before = client.received;
  EXPECT_LT(before, 200000u);
  client.consumes = true;
  client.stream->consume(before);
  EXPECT_TRUE(until([&] { return client.received == 1000000; }));
  settle();
  EXPECT_EQ(client.events.back(), "capacity");
}

INSTANTIATE_TEST_SUITE_P(Backends, H1ServerTest, ::testing::ValuesIn(net::testing::all_backends()),
                         [](const auto& info) { return net::testing::name_of(info.param); });
INSTANTIATE_TEST_SUITE_P(Backends, H1ClientTest, ::testing::ValuesIn(net::testing::all_backends()),
                         [](const auto& info) { return net::testing::name_of(info.param); });

}  // namespace
}  // namespace weft::http
