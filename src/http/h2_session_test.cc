#include <gtest/gtest.h>

#include <string>

#include "http/testing/h2_harness.h"

namespace weft::http::testing {
namespace {

constexpr uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;
constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;

base::Chain bytes(base::BlockPool& pool, std::string_view text) {
  base::Chain chain;
  chain.append_copy(pool, text);
  return chain;
}

void answer(ServerStreamRecorder& recorder, base::BlockPool& pool, std::string_view body) {
  recorder.stream->send_head(make_response(pool), body.empty());
  if (!body.empty()) recorder.stream->send_data(bytes(pool, body), true);
}

TEST(H2Session, CarriesARequestAndItsResponse) {
  H2Pair pair;
  ClientStreamRecorder& call = pair.client.request(make_request(pair.client.pool, "GET", "/a?b"), true);
  pair.run();
  EXPECT_EQ(pair.server.handler.text(),
            "request end :method: GET|:scheme: http|:path: /a?b|:authority: example.test\n");
  ResponseHead head = make_response(pair.server.pool);
  head.add(HeaderId::ContentType, "text/plain");
  head.add("x-odd", "1");
  pair.server.handler.last().stream->send_head(head, false);
  pair.server.handler.last().stream->send_data(bytes(pair.server.pool, "hello"), true);
  pair.run();
  EXPECT_EQ(pair.client.handler.text(),
            "response 200 content-type: text/plain|x-odd: 1\nbody hello\nclosed complete\n");
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
  EXPECT_EQ(pair.server.handler.log.back(), "closed complete");
  EXPECT_EQ(pair.client.session.active_streams(), 0u);
  EXPECT_EQ(pair.server.session.active_streams(), 0u);
}

TEST(H2Session, CarriesBodiesAndTrailersBothWays) {
  H2Pair pair;
  ClientStreamRecorder& call = pair.client.request(make_request(pair.client.pool, "POST"), false);
  call.stream->send_data(bytes(pair.client.pool, std::string(100000, 'u')), false);
  HeaderMap trailers(pair.client.pool);
  trailers.add("x-sum", "7");
  call.stream->send_trailers(trailers);
  pair.run();
  EXPECT_EQ(pair.server.handler.last().body, std::string(100000, 'u'));
  EXPECT_EQ(pair.server.handler.log.back(), "trailers x-sum: 7");
  ServerStream& stream = *pair.server.handler.last().stream;
  stream.send_head(make_response(pair.server.pool), false);
  stream.send_data(bytes(pair.server.pool, std::string(70000, 'd')), false);
  HeaderMap status(pair.server.pool);
  status.add(HeaderId::GrpcStatus, "0");
  stream.send_trailers(status);
  pair.run();
  EXPECT_EQ(call.body, std::string(70000, 'd'));
  EXPECT_EQ(pair.client.handler.log.back(), "closed complete");
  EXPECT_EQ(pair.client.counters.trailers, 1u);
  EXPECT_EQ(pair.server.counters.trailers, 1u);
}

// What one side counts as sent, the other counts as received; bodies, frame heads and trailers are all in it.
TEST(H2Session, CountsTheBytesOfAStream) {
  H2Pair pair;
  RequestHead head = make_request(pair.client.pool, "POST");
  head.add("x-long", std::string(40000, 'x'));  // needs CONTINUATION frames
  ClientStreamRecorder& call = pair.client.request(head, false);
  call.stream->send_data(bytes(pair.client.pool, "hello"), false);
  HeaderMap trailers(pair.client.pool);
  trailers.add("x-sum", "7");
  call.stream->send_trailers(trailers);
  pair.run();
  const StreamBytes up = call.stream->bytes();
  const StreamBytes down = pair.server.handler.last().stream->bytes();
  constexpr size_t kFrameHead = 9;
  EXPECT_EQ(up.decoded_headers_sent, head.bytes() + trailers.bytes());
  EXPECT_EQ(down.decoded_headers_received, up.decoded_headers_sent);
  EXPECT_EQ(up.wire_sent, up.headers_sent + kFrameHead + 5);
  // nghttp2 tells the sender of a header block in several frames of one frame, so the heads of the others are missing.
  EXPECT_EQ(down.headers_received, up.headers_sent + 2 * kFrameHead);
  EXPECT_EQ(down.wire_received, up.wire_sent + 2 * kFrameHead);
  EXPECT_LT(up.headers_sent, up.decoded_headers_sent) << "HPACK";
  EXPECT_EQ(down.wire_sent, 0u);
}

TEST(H2Session, TellsHowManyStreamsAndBytesThereAre) {
  struct Levels final : CodecGauges {
    void on_streams_active(int64_t change) override { streams += change; }
    void on_pending_send_bytes(int64_t change) override { bytes += change; }
    int64_t streams = 0, bytes = 0;
  } levels;
  LoneServer server;
  server.counters.gauges = &levels;
  const auto get = [](uint32_t stream) {
    return frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, stream, get_block());
  };
  server.feed(preface() + get(1) + get(3));
  EXPECT_EQ(levels.streams, 2);
  server.handler.streams[0]->stream->send_head(make_response(server.pool), false);
  server.handler.streams[0]->stream->send_data(bytes(server.pool, std::string(100000, 'x')), false);
  EXPECT_EQ(levels.bytes, 100000);
  server.feed({});
  EXPECT_EQ(levels.bytes, 100000 - 65535) << "the client's window is used up";
  server.handler.streams[0]->stream->reset(ResetCode::Cancel);
  EXPECT_EQ(levels.bytes, 0);
  answer(*server.handler.streams[1], server.pool, "");
  server.feed({});
  EXPECT_EQ(levels.streams, 0);
}

TEST(H2Session, SendsTrailersWithoutAnEmptyDataFrame) {
  LoneServer server;
  server.feed(preface() + frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, 1, get_block()));
  ServerStream& stream = *server.handler.last().stream;
  stream.send_head(make_response(server.pool), false);
  HeaderMap trailers(server.pool);
  trailers.add(HeaderId::GrpcStatus, "5");
  stream.send_trailers(trailers);
  int data_frames = 0, head_frames = 0;
  for (const SentFrame& sent : parse_frames(server.feed({}))) {
    data_frames += sent.type == NGHTTP2_DATA;
    head_frames += sent.type == NGHTTP2_HEADERS;
  }
  EXPECT_EQ(data_frames, 0);
  EXPECT_EQ(head_frames, 2);
}

// The same exchange whole, byte by byte and torn at every point tells the same story.
std::string serve_torn(const std::string& input, size_t first, size_t piece) {
  LoneServer server;
  std::string sent;
  for (size_t at = 0; at < input.size();) {
    const size_t n = std::min(at == 0 ? first : piece, input.size() - at);
    sent += server.feed(std::string_view(input).substr(at, n));
    at += n;
  }
  if (server.session.has_failed())
    server.handler.log.push_back("failed " + std::string(server.session.failure().detail));
  return server.handler.text();
}

TEST(H2Session, ReadsTheSameHoweverTheBytesAreTorn) {
  const std::string input =
      preface() +
      frame(NGHTTP2_HEADERS, kEndHeaders, 1,
            block({":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/", "cookie", "a=1", "cookie",
                   "b=2", "content-length", "10"})) +
      frame(NGHTTP2_DATA, 0, 1, "01234") +
      frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1,
            std::string("\x03"
                        "567\0\0\0",
                        7)) +
      frame(NGHTTP2_DATA, kEndStream, 1, "89") + frame(NGHTTP2_HEADERS, 0, 3, get_block("/a").substr(0, 20)) +
      frame(NGHTTP2_CONTINUATION, kEndHeaders, 3, get_block("/a").substr(20)) + frame(NGHTTP2_DATA, 0, 3, "x") +
      frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, 3, block({"x-t", "1"})) + frame(NGHTTP2_PING, 0, 0, "12345678");
  const std::string whole = serve_torn(input, input.size(), input.size());
  EXPECT_EQ(whole,
            "request :method: POST|:scheme: http|:authority: a|:path: /|content-length: 10|cookie: a=1; b=2\n"
            "body 0123456789\n"
            "request :method: GET|:scheme: http|:authority: example.test|:path: /a\n"
            "body x\n"
            "trailers x-t: 1\n");
  EXPECT_EQ(serve_torn(input, 1, 1), whole);
  for (size_t at = 1; at < input.size(); ++at) EXPECT_EQ(serve_torn(input, at, input.size()), whole) << at;
}

TEST(H2Session, CarriesInformationalResponses) {
  H2Pair pair;
  pair.client.request(make_request(pair.client.pool, "POST"), false);
  pair.run();
  ServerStream& stream = *pair.server.handler.last().stream;
  stream.send_informational(make_response(pair.server.pool, 100));
  ResponseHead hints = make_response(pair.server.pool, 103);
  hints.add("link", "</x>");
  stream.send_informational(hints);
  stream.send_head(make_response(pair.server.pool, 204), true);
  pair.run();
  EXPECT_EQ(pair.client.handler.text(),
            "informational 100 \ninformational 103 link: </x>\nresponse end 204 \nclosed complete\n");
}

TEST(H2Session, EndsAnEarlyResponseWithResetNoError) {
  LoneServer server;
  server.feed(preface() + frame(NGHTTP2_HEADERS, kEndHeaders, 1, get_block()));
  answer(server.handler.last(), server.pool, "early");
  const std::string sent = server.feed({});
  EXPECT_EQ(error_code_of(sent, NGHTTP2_RST_STREAM, 1), NGHTTP2_NO_ERROR);
  bool has_ended = false;
  for (const SentFrame& each : parse_frames(sent)) {
    if (each.type == NGHTTP2_DATA && (each.flags & kEndStream)) has_ended = true;
    if (each.type == NGHTTP2_RST_STREAM) {
      EXPECT_TRUE(has_ended);
    }
  }
  EXPECT_TRUE(has_ended);
  EXPECT_EQ(server.handler.log.back(), "closed complete");
}

TEST(H2Session, TellsTheClientThatACutResponseIsTorn) {
  LoneServer server;
  server.feed(preface() + frame(NGHTTP2_HEADERS, kEndHeaders | kEndStream, 1, get_block()));
  ServerStream& stream = *server.handler.last().stream;
  stream.send_head(make_response(server.pool), false);
  stream.send_data(bytes(server.pool, "half"), false);
  server.feed({});
  stream.reset(ResetCode::NoError);
  EXPECT_EQ(error_code_of(server.feed({}), NGHTTP2_RST_STREAM, 1), NGHTTP2_INTERNAL_ERROR);
}

TEST(H2Session, MapsResets) {
  H2Pair pair;
  ClientStreamRecorder& refused = pair.client.request(make_request(pair.client.pool), true);
  ClientStreamRecorder& cancelled = pair.client.request(make_request(pair.client.pool), true);
  pair.run();
  pair.server.handler.streams[0]->stream->reset(ResetCode::Refused);
  pair.server.handler.streams[1]->stream->reset(ResetCode::Cancel);
  pair.run();
  EXPECT_EQ(refused.end.kind, StreamEnd::Kind::Refused);
  EXPECT_EQ(cancelled.end.kind, StreamEnd::Kind::RemoteReset);
  EXPECT_EQ(cancelled.end.code, ResetCode::Cancel);
  EXPECT_FALSE(pair.server.handler.streams[0]->is_closed) << "a handler that resets hears nothing more";
  EXPECT_EQ(pair.server.session.active_streams(), 0u);
}

/// Lets go of its stream in the call that tells the end, as a proxy does that is done with the exchange.
struct Leaver final : ClientStreamHandler {
  void on_informational(ResponseHead) override {}
  void on_response_head(ResponseHead, bool end) override { leave(end); }
  void on_response_data(base::Slice, bool end) override { leave(end); }
  void on_response_trailers(HeaderMap) override { leave(true); }
  void on_request_writable() override {}
  void on_stream_closed(const StreamEnd&) override { stream = nullptr; }
  void leave(bool end) {
    if (end) std::exchange(stream, nullptr)->reset(ResetCode::NoError);
  }
  ClientStream* stream = nullptr;
};

TEST(H2Session, LeavingACompleteExchangeSendsNoReset) {
  H2Pair pair;
  std::string_view bodies[] = {"hello", ""};
  for (const std::string_view body : bodies) {
    Leaver call;
    call.stream = &pair.client.session.open(call);
    call.stream->send_head(make_request(pair.client.pool), true);
    pair.run();
    answer(pair.server.handler.last(), pair.server.pool, body);
    pair.run();
    EXPECT_EQ(call.stream, nullptr);
    EXPECT_EQ(pair.client.session.active_streams(), 0u);
    EXPECT_EQ(pair.server.handler.log.back(), "closed complete");
  }
  EXPECT_EQ(pair.client.counters.tx_reset, 0u);
  EXPECT_EQ(pair.server.counters.rx_reset, 0u);
}

TEST(H2Session, AResetBeforeTheHeadLeavesSendsNothing) {
  LoneClient client;
  client.feed({});
  ClientStreamRecorder& call = client.request(make_request(client.pool), true);
  call.stream->reset(ResetCode::Cancel);
  for (const SentFrame& sent : parse_frames(client.feed({}))) EXPECT_NE(sent.type, NGHTTP2_HEADERS);
  EXPECT_EQ(client.session.active_streams(), 0u);
  EXPECT_FALSE(call.is_closed);
}

TEST(H2Session, JoinsCookiesAndFoldsHost) {
  LoneServer server;
  server.feed(
      preface() +
      frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, 1,
            block({":method", "GET", ":scheme", "http", ":path", "/", "accept", "*/*", "host", "h.test", "cookie",
                   "a=1", "cookie", "b=2"})) +
      frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, 3,
            block({":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a.test", "host", "other.test"})));
  EXPECT_EQ(server.handler.text(),
            "request end :authority: h.test|:method: GET|:scheme: http|:path: /|accept: */*|cookie: a=1; b=2\n"
            "request end :method: GET|:scheme: http|:path: /|:authority: a.test\n");
}

TEST(H2Session, RefusesAnAuthorityThatIsNoHost) {
  for (const std::string_view authority : {"user@test", "a,b", "test:99999"}) {
    H2Pair pair;
    RequestHead head(pair.client.pool);
    head.add(HeaderId::Method, "GET");
    head.add(HeaderId::Scheme, "http");
    head.add(HeaderId::Path, "/");
    head.add(HeaderId::Authority, authority);
    pair.client.request(head, true);
    pair.run();
    EXPECT_EQ(pair.server.handler.text(), "refused 400 protocol_error\n") << authority;
    EXPECT_EQ(pair.client.handler.text(), "response end 400 \nclosed complete\n");
  }
}

TEST(H2Session, DropsConnectionLevelHeadersOnTheWayOut) {
  H2Pair pair;
  RequestHead head = make_request(pair.client.pool);
  head.add("connection", "x-hop, te");
  head.add("x-hop", "1");
  head.add("keep-alive", "1");
  head.add("proxy-connection", "1");
  head.add("transfer-encoding", "chunked");
  head.add("host", "other");
  head.add("http2-settings", "x");
  head.add("te", "gzip, Trailers;q=1");
  head.add("x-kept", "1");
  pair.client.request(head, true);
  RequestHead gzip = make_request(pair.client.pool);
  gzip.add("te", "gzip");
  pair.client.request(gzip, true);
  pair.run();
  EXPECT_EQ(pair.server.handler.text(),
            "request end :method: GET|:scheme: http|:path: /|:authority: example.test|te: trailers|x-kept: 1\n"
            "request end :method: GET|:scheme: http|:path: /|:authority: example.test\n");
}

TEST(H2Session, KeepsTheWindowOfAStalledStreamFromItsSiblings) {
  H2Options server_options;
  server_options.stream_window_bytes = 64 * 1024;
  server_options.connection_window_bytes = 128 * 1024;
  server_options.buffer_bytes = 64 * 1024;
  H2Pair pair({}, server_options);
  ClientStreamRecorder& stalled = pair.client.request(make_request(pair.client.pool, "POST", "/stalled"), false);
  ClientStreamRecorder& flowing = pair.client.request(make_request(pair.client.pool, "POST", "/flowing"), false);
  pair.run();
  pair.server.handler.streams[0]->consumes = false;
  stalled.stream->send_data(bytes(pair.client.pool, std::string(500000, 's')), true);
  flowing.stream->send_data(bytes(pair.client.pool, std::string(500000, 'f')), true);
  pair.run();
  EXPECT_EQ(pair.server.handler.streams[0]->body.size(), 64u * 1024);
  EXPECT_EQ(pair.server.handler.streams[1]->body.size(), 500000u);
  EXPECT_LE(pair.server.session.body_bytes_held(), 64u * 1024);
  // What the other side takes opens the stream again.
  ServerStreamRecorder& slow = *pair.server.handler.streams[0];
  slow.consumes = true;
  slow.stream->consume(slow.unconsumed);
  pair.run();
  EXPECT_EQ(slow.body.size(), 500000u);
  EXPECT_EQ(pair.server.session.body_bytes_held(), 0u);
}

TEST(H2Session, KeepsTheWindowOfAStalledResponseFromItsSiblings) {
  H2Options client_options;
  client_options.stream_window_bytes = 64 * 1024;
  client_options.connection_window_bytes = 128 * 1024;
  client_options.buffer_bytes = 64 * 1024;
  H2Pair pair(client_options, {});
  ClientStreamRecorder& stalled = pair.client.request(make_request(pair.client.pool, "GET", "/stalled"), true);
  ClientStreamRecorder& flowing = pair.client.request(make_request(pair.client.pool, "GET", "/flowing"), true);
  stalled.consumes = false;
  pair.run();
  answer(*pair.server.handler.streams[0], pair.server.pool, std::string(500000, 's'));
  answer(*pair.server.handler.streams[1], pair.server.pool, std::string(500000, 'f'));
  pair.run();
  EXPECT_EQ(stalled.body.size(), 64u * 1024);
  EXPECT_EQ(flowing.body.size(), 500000u);
}

TEST(H2Session, BoundsTheBytesHeldByManyStalledStreams) {
  H2Options options;
  options.stream_window_bytes = 64 * 1024;
  options.connection_window_bytes = 128 * 1024;
  options.buffer_bytes = 32 * 1024;
  H2Pair pair({}, options);
  for (int i = 0; i < 8; ++i) {
    pair.client.request(make_request(pair.client.pool, "POST"), false)
        .stream->send_data(bytes(pair.client.pool, std::string(100000, 'x')), true);
    pair.run();  // the head first, so that nobody consumes
    pair.server.handler.last().consumes = false;
  }
  pair.run();
  // Everything arrived before `consumes` was cleared for the first window's worth; held bytes stay under cap + window.
  EXPECT_LE(pair.server.session.body_bytes_held(), 32u * 1024 + 128 * 1024);
}

TEST(H2Session, TellsWhenThereIsRoomToWriteAgain) {
  H2Options small;
  small.stream_window_bytes = 65535;
  small.buffer_bytes = 100000;
  H2Pair pair(small, small);
  ClientStreamRecorder& call = pair.client.request(make_request(pair.client.pool), true);
  call.consumes = false;
  pair.run();
  ServerStream& stream = *pair.server.handler.last().stream;
  stream.send_head(make_response(pair.server.pool), false);
  stream.send_data(bytes(pair.server.pool, std::string(200000, 'b')), false);
  EXPECT_TRUE(stream.is_above_high_mark());
  pair.run();
  EXPECT_TRUE(stream.is_above_high_mark());
  EXPECT_EQ(stream.pending_bytes(), 200000u - 65535);
  EXPECT_NE(pair.server.handler.log.back(), "writable");
  call.consumes = true;
  call.stream->consume(call.unconsumed);
  pair.run();
  EXPECT_EQ(pair.server.handler.log.back(), "writable");
  EXPECT_FALSE(stream.is_above_high_mark());
  EXPECT_EQ(call.body.size(), 200000u);
}

TEST(H2Session, DrainsWithANoticeFirst) {
  H2Pair pair;
  ClientStreamRecorder& call = pair.client.request(make_request(pair.client.pool), true);
  pair.run();
  pair.server.session.begin_drain();
  const std::string sent = drain_output(pair.server.session, pair.server.host);
  bool has_notice = false;
  for (const SentFrame& each : parse_frames(sent)) {
    if (each.type == NGHTTP2_GOAWAY) has_notice = each.payload.substr(0, 4) == "\x7f\xff\xff\xff";
  }
  EXPECT_TRUE(has_notice);
  EXPECT_FALSE(pair.server.session.is_drain_finished());
  pair.client.session.receive(base::Slice::copy_of(pair.client.pool, sent));
  EXPECT_TRUE(pair.client.session.is_draining());
  pair.run();
  EXPECT_EQ(pair.client.handler.log.back(), "draining");
  EXPECT_TRUE(pair.server.session.is_drain_finished()) << "the answered PING ends the notice";
  EXPECT_FALSE(call.is_closed) << "streams that were accepted go on";
  answer(pair.server.handler.last(), pair.server.pool, "late");
  pair.run();
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
  EXPECT_EQ(call.body, "late");
}

TEST(H2Session, RefusesStreamsAboveTheLastIdOfAGoaway) {
  LoneClient client;
  client.feed({});
  ClientStreamRecorder& served = client.request(make_request(client.pool), true);
  ClientStreamRecorder& unseen = client.request(make_request(client.pool), true);
  client.feed(frame(NGHTTP2_SETTINGS, 0, 0, ""));
  client.feed(frame(NGHTTP2_GOAWAY, 0, 0, std::string("\0\0\0\1\0\0\0\0", 8)));
  EXPECT_TRUE(unseen.is_closed);
  EXPECT_EQ(unseen.end.kind, StreamEnd::Kind::Unprocessed);
  EXPECT_FALSE(served.is_closed);
  EXPECT_FALSE(client.session.can_open());
}

TEST(H2Session, FollowsThePeersStreamLimit) {
  H2Options limited;
  limited.concurrent_streams_max = 2;
  H2Pair pair({}, limited);
  pair.run();
  EXPECT_EQ(pair.client.session.streams_max(), 2u);
  pair.client.request(make_request(pair.client.pool), true);
  pair.client.request(make_request(pair.client.pool), true);
  EXPECT_FALSE(pair.client.session.can_open());
  pair.run();
  const int before = pair.client.handler.capacity_calls;
  answer(*pair.server.handler.streams[0], pair.server.pool, "");
  pair.run();
  EXPECT_TRUE(pair.client.session.can_open());
  EXPECT_GT(pair.client.handler.capacity_calls, before);
}

TEST(H2Session, CarriesExtendedConnectAsATunnel) {
  H2Options options;
  options.allow_connect = true;
  H2Pair pair({}, options);
  RequestHead head = make_request(pair.client.pool, "GET", "/chat");
  head.add(HeaderId::Upgrade, "websocket");
  head.add(HeaderId::Connection, "upgrade");
  ClientStreamRecorder& call = pair.client.request(head, false);
  pair.run();
  EXPECT_EQ(pair.server.handler.text(),
            "request :method: CONNECT|:protocol: websocket|:scheme: http|:path: /chat|:authority: example.test\n");
  ServerStreamRecorder& accepted = pair.server.handler.last();
  EXPECT_TRUE(accepted.stream->request().is_upgrade());
  accepted.stream->send_head(make_response(pair.server.pool, 101), false);
  accepted.stream->send_data(bytes(pair.server.pool, "down"), true);
  pair.run();
  EXPECT_EQ(pair.client.handler.log.front(), "response 101 upgrade: websocket|connection: upgrade");
  EXPECT_FALSE(call.is_closed) << "a tunnel's other direction stays open";
  call.stream->send_data(bytes(pair.client.pool, "up"), true);
  pair.run();
  EXPECT_EQ(accepted.body, "up");
  EXPECT_EQ(call.body, "down");
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
}

TEST(H2Session, CarriesPlainConnect) {
  H2Pair pair;
  RequestHead head(pair.client.pool);
  head.add(HeaderId::Method, "CONNECT");
  head.add(HeaderId::Authority, "db.test:5432");
  pair.client.request(head, false);
  pair.run();
  EXPECT_EQ(pair.server.handler.text(), "request :method: CONNECT|:authority: db.test:5432\n");
  EXPECT_TRUE(pair.server.handler.last().stream->request().is_connect());
}

TEST(H2Session, AnswersHeadWithItsLengthAndNoBody) {
  H2Pair pair;
  pair.client.request(make_request(pair.client.pool, "HEAD"), true);
  pair.run();
  ResponseHead head = make_response(pair.server.pool);
  head.add(HeaderId::ContentLength, "1234");
  pair.server.handler.last().stream->send_head(head, true);
  pair.run();
  EXPECT_EQ(pair.client.handler.text(), "response end 200 content-length: 1234\nclosed complete\n");
}

TEST(H2Session, EndsEveryStreamOnceWhenTheTransportGoes) {
  H2Pair pair;
  ClientStreamRecorder& call = pair.client.request(make_request(pair.client.pool), false);
  pair.run();
  pair.client.session.abandon({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "x"});
  EXPECT_FALSE(call.is_closed) << "not from inside the call";
  pair.client.session.deliver();
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::ConnectionClosed);
  EXPECT_FALSE(pair.client.session.can_open());
}

}  // namespace
}  // namespace weft::http::testing
