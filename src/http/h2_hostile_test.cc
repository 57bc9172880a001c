// Input that must be refused, or survived, with frames made by hand.

#include <gtest/gtest.h>

#include "http/testing/h2_harness.h"

namespace weft::http::testing {
namespace {

constexpr uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;
constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr uint8_t kWhole = kEndStream | kEndHeaders;

std::string headers(uint32_t stream, uint8_t flags, std::string_view block_bytes) {
  return frame(NGHTTP2_HEADERS, flags, stream, block_bytes);
}
std::string get(uint32_t stream) { return headers(stream, kWhole, get_block()); }
std::string data(uint32_t stream, uint8_t flags, std::string_view payload) {
  return frame(NGHTTP2_DATA, flags, stream, payload);
}
std::string reset(uint32_t stream) { return frame(NGHTTP2_RST_STREAM, 0, stream, std::string("\0\0\0\x8", 4)); }
std::string window_update(uint32_t stream, std::string_view increment) {
  return frame(NGHTTP2_WINDOW_UPDATE, 0, stream, increment);
}
std::string with(std::initializer_list<std::string_view> more) { return get_block() + block(more); }

H2Options lenient() {
  H2Options options;
  options.stream_error_on_invalid_message = true;
  return options;
}

struct Malformed {
  const char* name;
  std::string block_bytes;
};

void PrintTo(const Malformed& message, std::ostream* out) { *out << message.name; }

class H2Malformed : public ::testing::TestWithParam<Malformed> {};

// One bad request: reset with PROTOCOL_ERROR, nothing of it is delivered, and its siblings do not notice.
TEST_P(H2Malformed, IsAStreamError) {
  LoneServer server(lenient());
  server.feed(preface() + get(1));
  const std::string sent = server.feed(headers(3, kWhole, GetParam().block_bytes));
  EXPECT_EQ(error_code_of(sent, NGHTTP2_RST_STREAM, 3), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(server.handler.streams.size(), 1u);
  EXPECT_EQ(server.handler.log.back(), "refused 0 protocol_error");
  EXPECT_EQ(server.counters.rx_messaging_error, 1u);
  server.feed(get(5));
  EXPECT_EQ(server.handler.streams.size(), 2u);
}

// Envoy's default for its option: the connection ends, with every stream on it.
TEST_P(H2Malformed, EndsTheConnectionByDefault) {
  LoneServer server;
  server.feed(preface() + get(1));
  const std::string sent = server.feed(headers(3, kWhole, GetParam().block_bytes));
  EXPECT_EQ(error_code_of(sent, NGHTTP2_GOAWAY), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(server.session.has_failed());
  EXPECT_EQ(server.session.failure().kind, StreamEnd::Kind::ProtocolError);
  EXPECT_EQ(server.handler.streams.size(), 1u);
  EXPECT_EQ(server.counters.rx_messaging_error, 1u);
  server.session.abandon(server.session.failure());
  server.feed({});
  EXPECT_TRUE(server.handler.streams[0]->is_closed);
  EXPECT_EQ(server.handler.streams[0]->end.kind, StreamEnd::Kind::ProtocolError);
}

INSTANTIATE_TEST_SUITE_P(
    Requests, H2Malformed,
    ::testing::Values(
        Malformed{"upper_case_name", with({"X-Upper", "1"})}, Malformed{"colon_in_name", with({"x:y", "1"})},
        Malformed{"space_in_name", with({"x y", "1"})}, Malformed{"empty_name", with({"", "1"})},
        Malformed{"high_byte_in_name", with({"x\xff", "1"})}, Malformed{"lf_in_value", with({"x", "a\nb"})},
        Malformed{"crlf_in_value", with({"x", "a\r\nb: c"})},
        Malformed{"nul_in_value", with({"x", std::string_view("a\0b", 3)})},
        Malformed{"leading_space", with({"x", " a"})}, Malformed{"trailing_tab", with({"x", "a\t"})},
        Malformed{"connection", with({"connection", "close"})}, Malformed{"keep_alive", with({"keep-alive", "1"})},
        Malformed{"proxy_connection", with({"proxy-connection", "close"})},
        Malformed{"transfer_encoding", with({"transfer-encoding", "chunked"})},
        Malformed{"upgrade", with({"upgrade", "h2c"})}, Malformed{"te_gzip", with({"te", "gzip"})},
        Malformed{"pseudo_after_regular", block({":method", "GET", ":scheme", "http", "x", "1", ":path", "/"})},
        Malformed{"duplicate_pseudo", with({":path", "/b"})},
        Malformed{"unknown_pseudo", block({":method", "GET", ":scheme", "http", ":path", "/", ":odd", "1"})},
        Malformed{"status_in_request", block({":method", "GET", ":scheme", "http", ":path", "/", ":status", "200"})},
        Malformed{"missing_path", block({":method", "GET", ":scheme", "http", ":authority", "a"})},
        Malformed{"empty_path", block({":method", "GET", ":scheme", "http", ":authority", "a", ":path", ""})},
        Malformed{"relative_path", block({":method", "GET", ":scheme", "http", ":authority", "a", ":path", "x"})},
        Malformed{"missing_method", block({":scheme", "http", ":authority", "a", ":path", "/"})},
        Malformed{"missing_scheme", block({":method", "GET", ":authority", "a", ":path", "/"})},
        Malformed{"bad_scheme", block({":method", "GET", ":authority", "a", ":path", "/", ":scheme", "http://x/?"})},
        Malformed{"space_in_path", block({":method", "GET", ":authority", "a", ":path", "/a b", ":scheme", "http"})},
        Malformed{"space_in_method", block({":method", "GET /x", ":authority", "a", ":path", "/", ":scheme", "http"})},
        Malformed{"lf_in_authority", block({":method", "GET", ":authority", "a\nb", ":path", "/", ":scheme", "http"})},
        Malformed{"two_hosts", block({":method", "GET", ":path", "/", ":scheme", "http", "host", "a", "host", "b"})},
        Malformed{"connect_with_path",
                  block({":method", "CONNECT", ":authority", "a:1", ":path", "/", ":scheme", "http"})},
        Malformed{"protocol_unasked", block({":method", "CONNECT", ":protocol", "websocket", ":authority", "a", ":path",
                                             "/", ":scheme", "http"})},
        Malformed{"length_without_body", with({"content-length", "5"})},
        Malformed{"length_negative", with({"content-length", "-1"})},
        Malformed{"length_list", with({"content-length", "0, 0"})},
        Malformed{"two_lengths", with({"content-length", "0", "content-length", "0"})}),
    [](const auto& info) { return info.param.name; });

TEST(H2Hostile, RefusesBodiesThatDoNotMatchTheirLength) {
  for (const std::string_view body : {"1234", "123456"}) {
    LoneServer server(lenient());
    server.feed(preface() + headers(1, kEndHeaders, with({"content-length", "5"})));
    const std::string sent = server.feed(data(1, kEndStream, body));
    EXPECT_EQ(error_code_of(sent, NGHTTP2_RST_STREAM, 1), NGHTTP2_PROTOCOL_ERROR);
    EXPECT_FALSE(server.handler.last().has_ended) << "a request that lies about its length never counts as whole";
    EXPECT_EQ(server.handler.log.back(), "closed protocol_error");
  }
}

TEST(H2Hostile, RefusesTrailersThatDoNotEndTheStreamOrHavePseudoHeaders) {
  LoneServer open(lenient());
  open.feed(preface() + headers(1, kEndHeaders, get_block()));
  EXPECT_EQ(error_code_of(open.feed(headers(1, kEndHeaders, block({"x", "1"}))), NGHTTP2_RST_STREAM, 1),
            NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(open.handler.log.back(), "closed protocol_error");
  LoneServer pseudo(lenient());
  pseudo.feed(preface() + headers(1, kEndHeaders, get_block()));
  EXPECT_EQ(error_code_of(pseudo.feed(headers(1, kWhole, block({":path", "/"}))), NGHTTP2_RST_STREAM, 1),
            NGHTTP2_PROTOCOL_ERROR);
  EXPECT_FALSE(pseudo.handler.last().has_ended);
}

TEST(H2Hostile, DropsFramingFieldsFromTrailers) {
  LoneServer server;
  server.feed(preface() + headers(1, kEndHeaders, get_block()) + headers(1, kWhole, block({"host", "evil", "x", "1"})));
  EXPECT_EQ(server.handler.log.back(), "trailers x: 1");
}

// What nghttp2 takes and HTTP/1.1 would not.
TEST(H2Hostile, AnswersWhatNoHttp1RequestMayBeWith400) {
  for (const std::string& head :
       {block({":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/\x80"}),
        with({"content-length", "00"}), block({":method", "GET", ":scheme", "http", ":authority", "u@a", ":path", "/"}),
        block({":method", "CONNECT", ":authority", "a"}), block({":method", "CONNECT", ":authority", "a:0"})}) {
    LoneServer server;
    server.feed(preface() + headers(1, kWhole, head));
    EXPECT_EQ(server.handler.text(), "refused 400 protocol_error\n");
    server.feed(get(3));
    EXPECT_EQ(server.handler.streams.size(), 1u) << "the connection goes on";
  }
}

TEST(H2Hostile, IgnoresAnswersToADrainThatDidNotBegin) {
  LoneServer server;
  for (const SentFrame& sent :
       parse_frames(server.feed(preface() + frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "weftdrn1"))))
    EXPECT_NE(sent.type, NGHTTP2_GOAWAY);
  EXPECT_FALSE(server.session.is_drain_finished());
}

// ---- limits of a head ----

TEST(H2Hostile, AnswersTooLargeHeadsWith431) {
  for (const bool by_count : {false, true}) {
    LoneServer server(lenient());
    server.feed(preface());
    std::string lines = get_block();
    for (int i = 0; i < (by_count ? 110 : 7); ++i)
      lines += block({"x-" + std::to_string(i), by_count ? "1" : std::string(10000, 'v')});
    std::string input;
    for (size_t at = 0; at < lines.size(); at += 16000) {
      const bool is_last = at + 16000 >= lines.size();
      input += frame(at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                     static_cast<uint8_t>((at == 0 ? kEndStream : 0) | (is_last ? kEndHeaders : 0)), 1,
                     std::string_view(lines).substr(at, 16000));
    }
    const std::string sent = server.feed(input);
    EXPECT_EQ(server.handler.text(), "refused 431 limit_exceeded\n");
    EXPECT_EQ(server.counters.header_overflow, 1u);
    bool has_answer = false;
    for (const SentFrame& each : parse_frames(sent))
      has_answer |= each.type == NGHTTP2_HEADERS && (each.flags & kEndStream);
    EXPECT_TRUE(has_answer);
    server.feed(get(3));
    EXPECT_EQ(server.handler.streams.size(), 1u) << "the connection goes on";
  }
}

// A 4 KB cookie enters the HPACK table once and is then referred to by one byte.
TEST(H2Hostile, CountsEveryCookieCrumbDecoded) {
  LoneServer server(lenient());
  std::string lines =
      get_block() + '\x60' + block({"", std::string(3900, 'c')}).substr(2);  // literal with indexing, name 32: cookie
  lines += std::string(2000, '\xbe');                                        // index 62: the entry just made
  const std::string sent = server.feed(preface() + headers(1, kWhole, lines));
  EXPECT_TRUE(server.handler.streams.empty());
  EXPECT_GE(error_code_of(sent, NGHTTP2_RST_STREAM, 1), 0);
  EXPECT_EQ(server.handler.text(), "refused 0 limit_exceeded\n");
}

TEST(H2Hostile, CountsHostsThatAuthorityReplaces) {
  LoneServer server(lenient());
  server.feed(preface() + headers(1, kWhole, get_block()));
  const std::string lines = get_block() + block({"host", std::string(8000, 'h')});
  H2Options small = lenient();
  small.head_bytes_max = 4096;
  LoneServer strict(small);
  strict.feed(preface() + headers(1, kWhole, lines));
  EXPECT_EQ(strict.handler.text(), "refused 431 limit_exceeded\n");
}

TEST(H2Hostile, HonoursTheUnderscoreSetting) {
  H2Options options = lenient();
  options.underscores = H1Options::Underscores::Drop;
  LoneServer dropping(options);
  dropping.feed(preface() + headers(1, kWhole, with({"x_y", "1", "x-z", "2"})));
  EXPECT_EQ(dropping.handler.last().stream->request().get("x-z"), "2");
  EXPECT_FALSE(dropping.handler.last().stream->request().find("x_y"));
  EXPECT_EQ(dropping.counters.dropped_headers_with_underscores, 1u);
  options.underscores = H1Options::Underscores::Reject;
  LoneServer rejecting(options);
  rejecting.feed(preface() + headers(1, kWhole, with({"x_y", "1"})));
  EXPECT_TRUE(rejecting.handler.streams.empty());
  EXPECT_EQ(rejecting.counters.requests_rejected_with_underscores_in_headers, 1u);
}

// ---- floods ----

TEST(H2Hostile, EndsARapidReset) {
  LoneServer server;
  std::string sent = server.feed(preface());
  uint32_t stream = 1;
  for (; stream < 4000 && !server.session.has_failed(); stream += 2) sent = server.feed(get(stream) + reset(stream));
  EXPECT_EQ(server.session.failure().detail, "too_many_premature_resets");
  EXPECT_LE(stream / 2, 251u);
  EXPECT_EQ(error_code_of(sent, NGHTTP2_GOAWAY), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(server.counters.premature_resets, 1u);
}

// Resets that the client makes us send count like its own (MadeYouReset).
TEST(H2Hostile, EndsResetsMadeByMalformedRequests) {
  LoneServer server(lenient());
  server.feed(preface());
  for (uint32_t stream = 1; stream < 4000 && !server.session.has_failed(); stream += 2)
    server.feed(headers(stream, kWhole, with({"connection", "x"})));
  EXPECT_EQ(server.session.failure().detail, "too_many_premature_resets");
}

TEST(H2Hostile, EndsResetsMadeByWindowOverflow) {
  LoneServer server(lenient());
  server.feed(preface());
  for (uint32_t stream = 1; stream < 4000 && !server.session.has_failed(); stream += 2) {
    server.feed(get(stream));
    if (server.session.has_failed()) break;
    server.handler.last().stream->send_head(make_response(server.pool), false);
    server.feed(window_update(stream, "\x7f\xff\xff\xff"));
  }
  EXPECT_EQ(server.session.failure().detail, "too_many_premature_resets");
}

// A shared sidecar connection sees cancelled deadlines all day: with most requests served, they never end it.
TEST(H2Hostile, SparesOrdinaryCancellations) {
  LoneServer server;
  server.feed(preface());
  for (uint32_t i = 0; i < 3000; ++i) {
    const uint32_t stream = 2 * i + 1;
    server.feed(get(stream));
    if (i % 5 < 2) {
      server.feed(reset(stream));
    } else {
      server.handler.last().stream->send_head(make_response(server.pool), true);
      server.feed({});
    }
  }
  EXPECT_FALSE(server.session.has_failed());
  // And those that lived for the minimum lifetime never count, however many.
  LoneServer slow;
  slow.feed(preface());
  for (uint32_t i = 0; i < 2000; ++i) {
    slow.feed(get(2 * i + 1));
    slow.host.time += base::seconds(1);
    slow.feed(reset(2 * i + 1));
  }
  EXPECT_FALSE(slow.session.has_failed());
}

TEST(H2Hostile, EndsEmptyFrameFloods) {
  LoneServer empty_data;
  empty_data.feed(preface() + headers(1, kEndHeaders, get_block()) + data(1, 0, "") + data(1, 0, "") + data(1, 0, ""));
  EXPECT_EQ(empty_data.session.failure().detail, "http2.inbound_empty_frames_flood");
  LoneServer padding_only;
  padding_only.feed(preface() + headers(1, kEndHeaders, get_block()));
  for (int i = 0; i < 3; ++i) padding_only.feed(data(1, NGHTTP2_FLAG_PADDED, std::string("\x03\0\0\0", 4)));
  EXPECT_EQ(padding_only.counters.inbound_empty_frames_flood, 1u);
  LoneServer continuations;
  std::string input = preface() + headers(1, kEndStream, get_block());
  for (int i = 0; i < 3; ++i) input += frame(NGHTTP2_CONTINUATION, 0, 1, "");
  continuations.feed(input);
  EXPECT_TRUE(continuations.session.has_failed());
}

TEST(H2Hostile, EndsEndlessContinuations) {
  LoneServer server;
  std::string input = preface() + headers(1, kEndStream, get_block());
  for (int i = 0; i < 20; ++i) input += frame(NGHTTP2_CONTINUATION, 0, 1, block({"x" + std::to_string(i), "1"}));
  const std::string sent = server.feed(input);
  EXPECT_EQ(server.session.failure().detail, "http2.too_many_header_frames");
  EXPECT_EQ(error_code_of(sent, NGHTTP2_GOAWAY), NGHTTP2_ENHANCE_YOUR_CALM);
}

// nghttp2 reads the block of a stream that was reset on, for its table's sake, and tells nobody.
TEST(H2Hostile, EndsEndlessContinuationsOfABlockThatIsIgnored) {
  LoneServer server(lenient());
  std::string input = preface() + headers(1, kEndStream, with({"x", std::string(16000, 'x')}));
  for (int i = 0; i < 40; ++i) input += frame(NGHTTP2_CONTINUATION, 0, 1, block({"x", std::string(16000, 'x')}));
  const std::string sent = server.feed(input);
  EXPECT_EQ(server.session.failure().detail, "http2.too_many_header_frames");
  EXPECT_EQ(error_code_of(sent, NGHTTP2_GOAWAY), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST(H2Hostile, EndsPriorityAndWindowUpdateFloods) {
  LoneServer priority;
  std::string input = preface();
  for (int i = 0; i < 101; ++i) input += frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\x10", 5));
  priority.feed(input);
  EXPECT_EQ(priority.session.failure().detail, "http2.inbound_priority_frames_flood");
  LoneServer windows;
  input = preface() + get(1);
  for (int i = 0; i < 8; ++i) input += window_update(1, std::string_view("\0\0\0\x01", 4));
  windows.feed(input);
  EXPECT_EQ(windows.session.failure().detail, "http2.inbound_window_update_frames_flood");
}

TEST(H2Hostile, EndsFloodsOfAnswersThatAreNotRead) {
  for (const uint8_t type : {NGHTTP2_PING, NGHTTP2_SETTINGS}) {
    LoneServer server;
    server.session.receive(base::Slice::copy_of(server.pool, preface()));
    for (int i = 0; i < 1100 && !server.session.has_failed(); ++i) {
      server.session.receive(
          base::Slice::copy_of(server.pool, frame(type, 0, 0, type == NGHTTP2_PING ? "12345678" : "")));
      base::Chain out;
      server.session.produce(out, SIZE_MAX);
      server.host.queued += out.size();  // and nothing leaves
    }
    EXPECT_TRUE(server.session.has_failed());
    EXPECT_EQ(server.counters.outbound_control_flood, 1u);
  }
}

TEST(H2Hostile, CountsOnlyFramesThatHaveNotLeft) {
  LoneServer server;
  server.feed(preface());
  for (int i = 0; i < 5000; ++i) server.feed(frame(NGHTTP2_PING, 0, 0, "12345678"));
  EXPECT_FALSE(server.session.has_failed());
}

// ---- connection errors ----

struct Breach {
  const char* name;
  std::string input;
  int64_t code;
};

void PrintTo(const Breach& breach, std::ostream* out) { *out << breach.name; }

class H2Breach : public ::testing::TestWithParam<Breach> {};

TEST_P(H2Breach, EndsTheConnection) {
  LoneServer server;
  const std::string sent = server.feed(preface() + GetParam().input);
  EXPECT_EQ(error_code_of(sent, NGHTTP2_GOAWAY), GetParam().code);
  EXPECT_TRUE(server.session.has_failed());
  EXPECT_EQ(server.session.failure().kind, StreamEnd::Kind::ProtocolError);
}

INSTANTIATE_TEST_SUITE_P(
    Frames, H2Breach,
    ::testing::Values(
        Breach{"even_stream", get(2), NGHTTP2_PROTOCOL_ERROR}, Breach{"stream_zero", get(0), NGHTTP2_PROTOCOL_ERROR},
        Breach{"data_on_idle", data(1, 0, "x"), NGHTTP2_PROTOCOL_ERROR},
        Breach{"reset_on_idle", reset(1), NGHTTP2_PROTOCOL_ERROR},
        Breach{"head_cut_by_other_frame", headers(1, 0, get_block()) + frame(NGHTTP2_PING, 0, 0, "12345678"),
               NGHTTP2_PROTOCOL_ERROR},
        Breach{"continuation_alone", frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, "x"), NGHTTP2_PROTOCOL_ERROR},
        Breach{"frame_too_large", frame(NGHTTP2_DATA, 0, 1, std::string(16385, 'x')), NGHTTP2_FRAME_SIZE_ERROR},
        Breach{"settings_not_by_six", frame(NGHTTP2_SETTINGS, 0, 0, "12345"), NGHTTP2_FRAME_SIZE_ERROR},
        Breach{"ping_not_eight", frame(NGHTTP2_PING, 0, 0, "1234567"), NGHTTP2_FRAME_SIZE_ERROR},
        Breach{"self_dependency", frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\1\x10", 5)),
               NGHTTP2_PROTOCOL_ERROR},
        Breach{"priority_on_zero", frame(NGHTTP2_PRIORITY, 0, 0, std::string("\0\0\0\1\x10", 5)),
               NGHTTP2_PROTOCOL_ERROR},
        Breach{"window_overflow", window_update(0, "\x7f\xff\xff\xff"), NGHTTP2_FLOW_CONTROL_ERROR},
        Breach{"window_zero", window_update(0, std::string_view("\0\0\0\0", 4)), NGHTTP2_PROTOCOL_ERROR},
        Breach{"bad_index", headers(1, kWhole, "\xff\x80\x01"), NGHTTP2_COMPRESSION_ERROR},
        Breach{"table_too_large", headers(1, kWhole, "\x3f\xe1\xff\x03" + get_block()), NGHTTP2_COMPRESSION_ERROR},
        Breach{"huffman_padding", headers(1, kWhole, get_block() + std::string("\0\x81\xff\x01", 3) + "a"),
               NGHTTP2_COMPRESSION_ERROR},
        Breach{"push_promise", frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, std::string("\0\0\0\2", 4)),
               NGHTTP2_PROTOCOL_ERROR},
        Breach{"initial_window_too_large", frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4\x80\0\0\0", 6)),
               NGHTTP2_FLOW_CONTROL_ERROR},
        Breach{"data_after_reset", get(1) + reset(1) + data(1, 0, "x"), NGHTTP2_STREAM_CLOSED},
        Breach{"head_after_reset", get(1) + reset(1) + get(1), NGHTTP2_STREAM_CLOSED},
        Breach{"falling_stream_id", get(5) + get(3), NGHTTP2_PROTOCOL_ERROR},
        Breach{"data_after_end", get(1) + data(1, 0, "x"), NGHTTP2_STREAM_CLOSED},
        Breach{"head_after_end", get(1) + get(1), NGHTTP2_STREAM_CLOSED}),
    [](const auto& info) { return info.param.name; });

TEST(H2Hostile, EndsTheConnectionOnFramesBehindAnAnsweredRequest) {
  for (const std::string& late : {data(1, 0, "x"), get(1)}) {
    LoneServer server;
    server.feed(preface() + get(1));
    server.handler.last().stream->send_head(make_response(server.pool), true);
    server.feed({});
    EXPECT_EQ(error_code_of(server.feed(late), NGHTTP2_GOAWAY), NGHTTP2_STREAM_CLOSED);
  }
}

TEST(H2Hostile, SparesFramesInFlightToAStreamThatWeReset) {
  LoneServer server;
  server.feed(preface() + headers(1, kEndHeaders, get_block()) + headers(3, kEndHeaders, get_block()));
  server.handler.streams[0]->stream->reset(ResetCode::Cancel);
  server.handler.streams[1]->stream->send_head(make_response(server.pool),
                                               true);  // early: ends with RST_STREAM(NO_ERROR)
  server.feed({});
  server.feed(data(1, 0, "late") + headers(1, kWhole, block({"x", "1"})) + data(3, kEndStream, "late"));
  EXPECT_FALSE(server.session.has_failed());
}

TEST(H2Hostile, RefusesHttp1OnAnHttp2Port) {
  LoneServer server;
  const std::string sent = server.feed("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n");
  EXPECT_TRUE(server.session.has_failed());
  EXPECT_EQ(error_code_of(sent, NGHTTP2_GOAWAY), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(server.handler.log.empty());
}

TEST(H2Hostile, AnswersAPingAfterTheClientsGoawayWhileItServes) {
  LoneServer server;
  server.feed(preface() + get(1) + frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0')));
  bool has_answer = false;
  for (const SentFrame& sent : parse_frames(server.feed(frame(NGHTTP2_PING, 0, 0, "12345678")))) {
    has_answer |= sent.type == NGHTTP2_PING && sent.flags == NGHTTP2_FLAG_ACK && sent.payload == "12345678";
  }
  EXPECT_TRUE(has_answer);
}

TEST(H2Hostile, SurvivesUnknownFramesAndSettings) {
  LoneServer server;
  server.feed(preface() + frame(0x77, 0xff, 0, "xyz") +
              frame(NGHTTP2_SETTINGS, 0, 0, std::string("\x77\x77\0\0\0\1", 6)) + get(1));
  EXPECT_EQ(server.handler.streams.size(), 1u);
}

// SETTINGS_INITIAL_WINDOW_SIZE 0 held with large responses: what waits is what the handlers queued, no more.
TEST(H2Hostile, AZeroWindowHoldsOnlyWhatWasQueued) {
  LoneServer server;
  server.feed(preface() + frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4\0\0\0\0", 6)) + get(1));
  ServerStream& stream = *server.handler.last().stream;
  stream.send_head(make_response(server.pool), false);
  base::Chain body;
  body.append_copy(server.pool, std::string(2'000'000, 'x'));
  stream.send_data(std::move(body), true);
  for (const SentFrame& sent : parse_frames(server.feed({}))) EXPECT_NE(sent.type, NGHTTP2_DATA);
  EXPECT_TRUE(stream.is_above_high_mark());
  server.feed(reset(1));
  EXPECT_EQ(server.handler.log.back(), "closed remote_reset");
}

// A byte a frame, a frame a read, and nobody takes them: memory stays near what is held, not at a block a byte.
TEST(H2Hostile, PacksManySmallPiecesOfBody) {
  class Keeper : public ServerConnectionHandler, public ServerStreamHandler {
   public:
    ServerStreamHandler& on_request(ServerStream&, bool) override { return *this; }
    void on_request_refused(const RequestHead&, const Refusal&, const StreamEnd&) override {}
    void on_connection_closed(const StreamEnd&) override {}
    void on_request_data(base::Slice data, bool) override { body.append(std::move(data)); }
    void on_request_trailers(HeaderMap) override {}
    void on_response_writable() override {}
    void on_stream_closed(const StreamEnd&) override {}
    base::Chain body;
  } keeper;
  base::BlockPool pool;
  CodecCounters counters;
  ManualHost host;
  const H2Options options;
  H2ServerSession session(options, pool, counters, host, keeper);
  session.receive(base::Slice::copy_of(pool, preface() + headers(1, kEndHeaders, get_block())));
  for (int i = 0; i < 20000; ++i) session.receive(base::Slice::copy_of(pool, data(1, 0, "x")));
  EXPECT_EQ(keeper.body.size(), 20000u);
  EXPECT_LE(pool.live_blocks(), 40u);
  keeper.body.clear();
}

// ---- the upstream's side ----

std::string response(uint32_t stream, uint8_t flags, std::initializer_list<std::string_view> lines) {
  return headers(stream, flags, block(lines));
}

TEST(H2HostileUpstream, RefusesMalformedResponses) {
  for (const std::string& answer :
       {response(1, kWhole, {":status", "20"}), response(1, kWhole, {":status", "101"}),
        response(1, kWhole, {"x", "1"}), response(1, kWhole, {":status", "200", "connection", "close"}),
        response(1, kWhole, {":status", "200", "content-length", "3"}),
        response(1, kWhole, {":status", "200", "X", "1"}), response(1, kWhole, {":status", "200", "x", "a\nb"}),
        response(1, kWhole, {":status", "100"})}) {
    LoneClient client(lenient());
    client.feed({});
    ClientStreamRecorder& call = client.request(make_request(client.pool), true);
    client.feed({});
    const std::string sent = client.feed(frame(NGHTTP2_SETTINGS, 0, 0, "") + answer);
    EXPECT_EQ(error_code_of(sent, NGHTTP2_RST_STREAM, 1), NGHTTP2_PROTOCOL_ERROR);
    ASSERT_TRUE(call.is_closed);
    EXPECT_EQ(call.end.kind, StreamEnd::Kind::ProtocolError);
    EXPECT_TRUE(client.session.can_open());
    LoneClient strict;
    strict.feed({});
    strict.request(make_request(strict.pool), true);
    strict.feed({});
    strict.feed(frame(NGHTTP2_SETTINGS, 0, 0, "") + answer);
    EXPECT_FALSE(strict.session.can_open()) << "Envoy's default ends the connection";
  }
}

TEST(H2HostileUpstream, ResetsResponsesThatNghttp2LetsPass) {
  for (const std::string& answer :
       {response(1, kWhole, {":status", "600"}), response(1, kWhole, {":status", "200", "content-length", "00"})}) {
    LoneClient client;
    client.feed({});
    ClientStreamRecorder& call = client.request(make_request(client.pool), true);
    client.feed({});
    EXPECT_EQ(error_code_of(client.feed(frame(NGHTTP2_SETTINGS, 0, 0, "") + answer), NGHTTP2_RST_STREAM, 1),
              NGHTTP2_PROTOCOL_ERROR);
    ASSERT_TRUE(call.is_closed);
    EXPECT_EQ(call.end.kind, StreamEnd::Kind::ProtocolError);
    EXPECT_TRUE(client.session.can_open());
  }
}

TEST(H2HostileUpstream, StopsAFloodOfInformationalResponses) {
  LoneClient client;
  client.feed({});
  ClientStreamRecorder& call = client.request(make_request(client.pool), true);
  client.feed({});
  client.feed(frame(NGHTTP2_SETTINGS, 0, 0, ""));
  for (int i = 0; i < 30; ++i) client.feed(response(1, kEndHeaders, {":status", "103"}));
  ASSERT_TRUE(call.is_closed);
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::LimitExceeded);
}

TEST(H2HostileUpstream, RefusesTooLargeHeads) {
  H2Options options;
  options.head_bytes_max = 1000;
  LoneClient client(options);
  client.feed({});
  ClientStreamRecorder& call = client.request(make_request(client.pool), true);
  client.feed({});
  client.feed(frame(NGHTTP2_SETTINGS, 0, 0, "") +
              response(1, kEndHeaders, {":status", "200", "x", std::string(1500, 'x')}) + data(1, kEndStream, "body"));
  ASSERT_TRUE(call.is_closed);
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::LimitExceeded);
  EXPECT_EQ(call.body, "");
}

TEST(H2HostileUpstream, TakesACompleteResponseBeforeTheRequestIs) {
  LoneClient client;
  client.feed({});
  ClientStreamRecorder& call = client.request(make_request(client.pool, "POST"), false);
  client.feed({});
  client.feed(frame(NGHTTP2_SETTINGS, 0, 0, "") + response(1, kWhole, {":status", "413"}) +
              frame(NGHTTP2_RST_STREAM, 0, 1, std::string(4, '\0')));
  ASSERT_TRUE(call.is_closed);
  EXPECT_EQ(call.end.kind, StreamEnd::Kind::Complete);
}

TEST(H2HostileUpstream, RefusesPush) {
  LoneClient client;
  client.feed({});
  client.request(make_request(client.pool), true);
  client.feed({});
  client.feed(frame(NGHTTP2_SETTINGS, 0, 0, "") +
              frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, std::string("\0\0\0\2", 4) + get_block()));
  EXPECT_TRUE(client.session.has_failed());
}

}  // namespace
}  // namespace weft::http::testing
