#include "http/h1_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::http {
namespace {

// Feeds pieces and writes down what comes out, adjoining data joined, so that any cutting must give the same text.
template <typename Message>
class Recorder {
 public:
  explicit Recorder(const H1Options& options, const H1RequestContext& context = {})
      : options_(options), parser_(pool_, options_, false, counters_), context_(context) {
    parser_.restart();
    parser_.set_context(context_);
  }

  void feed(std::string_view bytes) {
    base::Slice in = base::Slice::copy_of(pool_, bytes);
    while (!has_failed_ && !in.is_empty()) {
      switch (parser_.next(in)) {
        case H1Event::NeedMore: break;
        case H1Event::Head: record_head(); break;
        case H1Event::Data: data_ += parser_.take_data().view(); break;
        case H1Event::End: break;
        case H1Event::Failed:
          flush();
          text_ += "error " + std::to_string(parser_.error().status) + " " + std::string(parser_.error().detail) + "\n";
          has_failed_ = true;
          break;
      }
      if (parser_.is_complete() && !has_failed_) next_message();
    }
  }
  void close() {
    if (parser_.end_of_stream()) next_message();
  }
  std::string text() {
    flush();
    return text_;
  }
  size_t live_blocks() const { return pool_.live_blocks(); }

 private:
  void record_head() {
    text_ += std::string(to_string(parser_.head().version));
    if constexpr (std::is_same_v<Message, ResponseHead>) text_ += " " + std::to_string(parser_.head().status);
    text_ += parser_.facts().keeps_alive ? "" : " close";
    text_ += parser_.facts().is_upgrade ? " upgrade\n" : "\n";
    record(parser_.head());
  }
  void record(const HeaderMap& map) {
    map.for_each([&](const Header& h) { text_ += std::string(h.name) + ": " + std::string(h.value) + "\n"; });
  }
  void flush() {
    if (!data_.empty()) text_ += "data " + data_ + "\n";
    data_.clear();
  }
  void next_message() {
    flush();
    if (parser_.trailers().size() > 0) text_ += "trailers\n";
    record(parser_.trailers());
    text_ += "end\n";
    if (parser_.facts().status / 100 == 1 && parser_.facts().status != 101) return parser_.expect_another_head();
    parser_.restart();
    parser_.set_context(context_);
  }

  const H1Options options_;
  base::BlockPool pool_;
  CodecCounters counters_;
  H1Parser<Message> parser_;
  H1RequestContext context_;
  std::string text_, data_;
  bool has_failed_ = false;
};

template <typename Message>
std::string parse_every_way(std::string_view input, const H1Options& options = {},
                            const H1RequestContext& context = {}) {
  const auto parse = [&](std::vector<size_t> cuts) {
    Recorder<Message> recorder(options, context);
    size_t from = 0;
    cuts.push_back(input.size());
    for (size_t cut : cuts) {
      recorder.feed(input.substr(from, cut - from));
      from = cut;
    }
    recorder.close();
    return recorder.text();
  };
  const std::string whole = parse({});
  std::vector<size_t> all;
  for (size_t i = 1; i < input.size(); ++i) all.push_back(i);
  EXPECT_EQ(parse(all), whole) << "one byte at a time: " << input;
  if (input.size() < 4000) {
    for (size_t i = 1; i < input.size(); ++i) EXPECT_EQ(parse({i}), whole) << "cut at " << i << ": " << input;
  }
  return whole;
}

std::string request(std::string_view input, const H1Options& options = {}) {
  return parse_every_way<RequestHead>(input, options);
}
std::string response(std::string_view input, const H1RequestContext& context = {}, const H1Options& options = {}) {
  return parse_every_way<ResponseHead>(input, options, context);
}

// The status a request is refused with; 0 when it is accepted, -1 when nothing was decided.
int refusal(const std::string& events) {
  const size_t error = events.find("error ");
  if (error != events.npos) return std::stoi(events.substr(error + 6));
  return events.find("end\n") != events.npos ? 0 : -1;
}

TEST(H1RequestParserTest, ReadsAnOrdinaryRequest) {
  EXPECT_EQ(
      request(
          "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent:curl/7\r\nX-Custom:  v w \t\r\nEmpty:\r\n\r\n"),
      "HTTP/1.1\n:method: GET\n:scheme: http\n:authority: example.com:8080\n:path: /a/b?c=d\n"
      "user-agent: curl/7\nx-custom: v w\nempty: \nend\n");
}

TEST(H1RequestParserTest, ReadsPipelinedRequestsOneAfterTheOther) {
  EXPECT_EQ(request("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: b\r\n\r\n"),
            "HTTP/1.1\n:method: POST\n:scheme: http\n:authority: a\n:path: /1\ncontent-length: 5\ndata hello\nend\n"
            "HTTP/1.1\n:method: GET\n:scheme: http\n:authority: b\n:path: /2\nend\n");
}

TEST(H1RequestParserTest, ReadsChunksWithExtensionsAndDropsTrailersUnlessEnabled) {
  const std::string_view input =
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b;c=\"d e\"\r\nhello\r\n1 ; x\r\n \r\n00A\r\n0123456789\r\n"
      "0;last\r\nX-Sum: 1\r\nContent-Length: 7\r\nHost: evil\r\nx-other:2\r\n\r\n";
  const std::string head = "HTTP/1.1\n:method: PUT\n:scheme: http\n:authority: a\n:path: /\ndata hello 0123456789\n";
  EXPECT_EQ(request(input), head + "end\n");
  H1Options options;
  options.enable_trailers = true;
  EXPECT_EQ(request(input, options), head + "trailers\nx-sum: 1\nx-other: 2\nend\n");
}

TEST(H1RequestParserTest, AbsoluteTargetsReplaceTheHost) {
  EXPECT_EQ(request("GET http://Real.example:81?q HTTP/1.1\r\nHost: other\r\n\r\n"),
            "HTTP/1.1\n:method: GET\n:scheme: http\n:authority: Real.example:81\n:path: /?q\nend\n");
  EXPECT_EQ(request("GET HTTPS://a HTTP/1.1\r\nHost: other\r\n\r\n"),
            "HTTP/1.1\n:method: GET\n:scheme: https\n:authority: a\n:path: /\nend\n");
  EXPECT_EQ(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1\n:method: OPTIONS\n:scheme: http\n:authority: a\n:path: *\nend\n");
  H1Options options;
  options.allow_absolute_url = false;
  EXPECT_EQ(refusal(request("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", options)), 400);
}

TEST(H1RequestParserTest, ConnectTakesAnAuthorityAndBecomesATunnel) {
  EXPECT_EQ(request("CONNECT db:5432 HTTP/1.1\r\nHost: x\r\n\r\nbytes"),
            "HTTP/1.1\n:method: CONNECT\n:scheme: http\n:authority: db:5432\ndata bytes\nend\n");
}

TEST(H1RequestParserTest, HeadersOfTheConnectionDoNotGoOn) {
  EXPECT_EQ(
      request(
          "GET / HTTP/1.1\r\nX-Foo: 1\r\nHost: a\r\nConnection: close, x-foo\r\nConnection: X-Bar\r\nx-bar: 2\r\nKeep-Alive: 5\r\n"
          "Proxy-Connection: close\r\nTE: gzip, trailers\r\nTe: trailers\r\nx-keep: 3\r\n\r\n"),
      "HTTP/1.1 close\n:method: GET\n:scheme: http\n:authority: a\n:path: /\nte: trailers\nx-keep: 3\nend\n");
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n"),
            "HTTP/1.1\n:method: GET\n:scheme: http\n:authority: a\n:path: /\nend\n");
}

TEST(H1RequestParserTest, AnUpgradeIsKeptAndH2cIsNot) {
  const std::string base = "HTTP/1.1\n:method: GET\n:scheme: http\n:authority: a\n:path: /\n";
  EXPECT_EQ(
      request(
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\nxx"),
      "HTTP/1.1 upgrade\n:method: GET\n:scheme: http\n:authority: a\n:path: /\nupgrade: WebSocket\nsec-websocket-key: k\ndata xx\nend\n");
  EXPECT_EQ(
      request(
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"),
      base + "end\n");
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo, H2C\r\n\r\n"), base + "end\n");
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"), base + "end\n");
}

TEST(H1RequestParserTest, Http10NeedsToBeAccepted) {
  const std::string_view input = "GET / HTTP/1.0\r\n\r\n";
  EXPECT_EQ(refusal(request(input)), 426);
  H1Options options;
  options.accept_http_10 = true;
  EXPECT_EQ(refusal(request(input, options)), 400);
  options.default_host_for_http_10 = "fallback";
  EXPECT_EQ(request(input, options),
            "HTTP/1.0 close\n:method: GET\n:scheme: http\n:authority: fallback\n:path: /\nend\n");
  EXPECT_EQ(request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", options),
            "HTTP/1.0\n:method: GET\n:scheme: http\n:authority: fallback\n:path: /\nend\n");
}

TEST(H1RequestParserTest, UnderscoresFollowThePolicy) {
  const std::string_view input = "GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\n\r\n";
  const std::string base = "HTTP/1.1\n:method: GET\n:scheme: http\n:authority: a\n:path: /\n";
  H1Options options;
  EXPECT_EQ(request(input, options), base + "x_y: 1\nend\n");
  options.underscores = H1Options::Underscores::Drop;
  EXPECT_EQ(request(input, options), base + "end\n");
  options.underscores = H1Options::Underscores::Reject;
  EXPECT_EQ(refusal(request(input, options)), 400);
}

TEST(H1RequestParserTest, LengthBesideChunksCountsOnlyWhenAllowed) {
  const std::string_view input =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
  EXPECT_EQ(refusal(request(input)), 400);
  H1Options options;
  options.allow_chunked_length = true;
  EXPECT_EQ(request(input, options),
            "HTTP/1.1 close\n:method: POST\n:scheme: http\n:authority: a\n:path: /\ndata hi\nend\n");
}

TEST(H1RequestParserTest, LimitsOfTheHead) {
  H1Options options;
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) many += "x-h: y\r\n";
  EXPECT_EQ(refusal(request(many + "\r\n", options)), 0);
  EXPECT_EQ(refusal(request(many + "x: y\r\n\r\n", options)), 431);
  options.head_bytes_max = 200;
  EXPECT_EQ(refusal(request("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(100, 'v') + "\r\n\r\n", options)), 0);
  EXPECT_EQ(refusal(request("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(200, 'v') + "\r\n\r\n", options)), 431);
  EXPECT_EQ(refusal(request("GET /" + std::string(300, 'p') + " HTTP/1.1\r\nHost: a\r\n\r\n", options)), 431);
  EXPECT_EQ(refusal(request("GET / HTTP/1.1\r\n" + std::string(300, 'n'), options)), 431);
}

TEST(H1RequestParserTest, LongLinesInManyPiecesGiveTheSameHead) {
  const std::string value(50000, 'v');
  const std::string events =
      request("GET / HTTP/1.1\r\nHost: a\r\nx-" + std::string(3000, 'N') + ": " + value + "\r\n\r\n");
  EXPECT_NE(events.find("x-" + std::string(3000, 'n') + ": " + value + "\nend\n"), events.npos);
}

TEST(H1RequestParserTest, GarbageIsRefusedBeforeItsLineEnds) {
  Recorder<RequestHead> recorder{H1Options()};
  recorder.feed("GE");
  recorder.feed("T / HTTP/1.1\r\nHost: a\x01");
  EXPECT_EQ(refusal(recorder.text()), 400);
  Recorder<RequestHead> tls{H1Options()};
  tls.feed("\x16\x03\x01");
  EXPECT_EQ(refusal(tls.text()), 400);
}

TEST(H1RequestParserTest, HoldsNoBlockBetweenMessages) {
  Recorder<RequestHead> recorder{H1Options()};
  recorder.feed("GET / HTTP/1.1\r\nHo");
  recorder.feed("st: a\r\n\r\n");
  EXPECT_EQ(recorder.live_blocks(), 0u);
}

struct Hostile {
  std::string_view what;
  std::string input;
  std::vector<int> statuses;
};

std::string with_headers(std::string_view lines, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n" + std::string(body);
}

/// Chunked bodies that break the grammar in one place each.
std::vector<std::string> hostile_chunks() {
  using std::string_literals::operator""s;
  return {"0x2\r\n"s,
          "+2\r\n"s,
          "-0x0\r\n"s,
          "0_2e\r\n"s,
          " 2\r\n"s,
          "00000000000000002\r\n"s,
          "ffffffffffffffff\r\n"s,
          "8000000000000000\r\n"s,
          "5\r\r;ABCD\r\n"s,
          "2;a\rb\r\n"s,
          "2;a\nb\r\n"s,
          "2;a\0b\r\n"s,
          "\r\n"s,
          "2\n"s,
          "2 \r\n"s,
          "2\t\r\n"s,
          "2\r\nhiXX"s,
          "2\r\nhi\n0\r\n\r\n"s,
          "2\r\nhi\rX"s,
          "2\r\nhi;\r\n"s,
          "g\r\n"s,
          "0\r\n\n"s,
          "0\r\nx\r\n\r\n"s,
          "0\n\r\n"s,
          "0\r\n x: y\r\n\r\n"s,
          "0\r\na: b\nc: d\r\n\r\n"s,
          "0\r\n\r\r\n"s,
          "2;"s + std::string(5000, 'e') + "\r\nhi\r\n"};
}

std::vector<Hostile> hostile_framing() {
  using std::string_literals::operator""s;
  std::vector<Hostile> cases = {
      {"CL then TE", with_headers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), {400}},
      {"TE then CL", with_headers("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), {400}},
      {"empty coding", with_headers("Transfer-Encoding: ,chunked\r\n"), {400}},
      {"two TE lines", with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), {400}},
      {"chunked twice", with_headers("Transfer-Encoding: chunked, chunked\r\n"), {400}},
      {"chunked not last", with_headers("Transfer-Encoding: chunked, gzip\r\n"), {400}},
      {"unknown coding", with_headers("Transfer-Encoding: blegh\r\n"), {501}},
      {"gzip before chunked", with_headers("Transfer-Encoding: gzip, chunked\r\n"), {501}},
      {"identity", with_headers("Transfer-Encoding: identity\r\n"), {501}},
      {"empty TE", with_headers("Transfer-Encoding:\r\n"), {400}},
      {"obs-text in TE",
       with_headers("Transfer-Encoding: \xff"
                    "chunked\r\n"),
       {400}},
      {"VT in TE",
       with_headers("Transfer-Encoding: \x0b"
                    "chunked\r\n"),
       {400}},
      {"NBSP behind TE", with_headers("Transfer-Encoding: chunked\xa0\r\n"), {400}},
      {"CR in TE", with_headers("Transfer-Encoding: chun\rked\r\n"), {400}},
      {"quoted TE", with_headers("Transfer-Encoding: \"chunked\"\r\n"), {400}},
      {"TE parameter", with_headers("Transfer-Encoding: chunked;q=1\r\n"), {400}},
      {"two lengths", with_headers("Content-Length: 5\r\nContent-Length: 6\r\n"), {400}},
      {"length list", with_headers("Content-Length: 5, 6\r\n"), {400}},
      {"empty length first", with_headers("Content-Length:\r\nContent-Length: 59\r\n"), {400}},
      {"CR in CL", with_headers("Content-Length: 1\r0\r\n"), {400}},
      {"space before colon", with_headers("Content-Length : 5\r\n"), {400}},
      {"fold", with_headers("x: 1\r\n folded\r\n"), {400}},
      {"folded TE name", with_headers("Transfer-\r\n Encoding: chunked\r\n"), {400}},
      {"TE on 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400, 426}},
      {"Connection names CL", with_headers("Connection: content-length\r\nContent-Length: 3\r\n", "abc"), {400}},
      {"Connection names Host", with_headers("Connection: host\r\n"), {400}},
      {"Connection names a pseudo-header", with_headers("Connection: :path\r\n"), {400}},
      {"CONNECT with CL", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", {400}},
      {"CONNECT with TE", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", {400}},
      {"websocket without key",
       "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
       {400}},
  };
  for (const std::string& length :
       {"+10"s, "1_0"s, "0x10"s, "1Z"s, ""s, "-48"s, "010"s, "00"s, "9223372036854775808"s, "18446744073709551616"s,
        "99999999999999999999"s, "1 0"s, "5;a"s, "\"5\""s, "5,5"s, "1.0"s, "1e1"s}) {
    cases.push_back({"content length", with_headers("Content-Length: " + length + "\r\n"), {400}});
  }
  for (const std::string& chunk : hostile_chunks()) {
    cases.push_back({"chunk", with_headers("Transfer-Encoding: chunked\r\n", chunk), {400}});
  }
  std::string drip;
  for (int i = 0; i < 20; ++i) drip += "1;" + std::string(1000, 'e') + "\r\nx\r\n";
  cases.push_back({"small chunks with long extensions", with_headers("Transfer-Encoding: chunked\r\n", drip), {400}});
  return cases;
}

std::vector<Hostile> hostile_heads() {
  using std::string_literals::operator""s;
  std::vector<Hostile> cases = {
      {"leading space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", {400}},
      {"empty name", with_headers(": value\r\n"), {400}},
      {"no colon", with_headers("nocolon\r\n"), {400}},
      {"NUL in value", with_headers("x: a\0b\r\n"s), {400}},
      {"CR in value", with_headers("x: a\rb\r\n"), {400}},
      {"LF in value", with_headers("x: a\nb: c\r\n"), {400}},
      {"DEL in value", with_headers("x: a\x7f\r\n"), {400}},
      {"high byte in name", with_headers("x\x80: a\r\n"), {400}},
      {"control in name", with_headers("x\x01: a\r\n"), {400}},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", {400}},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", {400}},
      {"CR then junk ends head", "GET / HTTP/1.1\r\nHost: a\r\n\rX", {400}},
      {"LF in request line", "GET /\n HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"tab in request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"two spaces after method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"two spaces after target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"space at the end of line", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", {400}},
      {"HTTP/1.32", "GET / HTTP/1.32\r\nHost: a\r\n\r\n", {400, 505}},
      {"HTTP/4294967295.255", "GET / HTTP/4294967295.255\r\nHost: a\r\n\r\n", {400, 505}},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", {505}},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", {505}},
      {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", {400}},
      {"HTTP/0.9", "GET /\r\n\r\n", {400}},
      {"quoted method", "G=\" / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"question mark in method", "GET? / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"long method", std::string(9000, 'G') + " / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"empty method", " / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}},
      {"two empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"no host", "GET / HTTP/1.1\r\n\r\n", {400}},
      {"no host beside an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", {400}},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", {400}},
      {"NUL after a body", with_headers("Content-Length: 1\r\n", "x\0"s), {400}},
  };
  for (const std::string& target :
       {"!"s, "admin"s, "*/test"s, "*"s, "#frag"s, "/a#frag"s, "/a\x80"s, "/a\x7f"s, "/a\0b"s, "ftp://a/"s, "http://"s,
        "http:///x"s, "http://u@a/"s, "http://a b/"s, "//"s.substr(1) + "\t"s, "http:a"s, "http://[::1/"s, "?a"s}) {
    cases.push_back({"target", "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", {400}});
  }
  for (const std::string& target : {"/"s, "host"s, "http://h:80"s, "h:"s, "h:0"s, "h:65536"s, ":80"s, "u@h:80"s,
                                    "h:8a"s, "h:80/"s, "[::1]"s, "[zz]:1"s}) {
    cases.push_back({"CONNECT target", "CONNECT " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", {400}});
  }
  for (const std::string& host :
       {""s,          "a,b"s,     "u@a"s,     "a\0b"s,  "a b"s,      "a/b"s, "a?b"s,    "a#b"s,
        "a:b"s,       "a:80:80"s, "a:99999"s, "a:-1"s,  "[::1"s,     "::1"s, "[::1]x"s, "[fe80::1%eth0]"s,
        "[1.2.3.4]"s, "a\\b"s,    "a%2fb"s,   "a\x80"s, "http://a"s, "a;b"s, "a\"b"s,   "<a>"s,
        "a'b"s,       "(a)"s,     ":80"s,     "a\tb"s,  "[]"s,       "a:+1"s}) {
    cases.push_back({"host", "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", {400}});
  }
  return cases;
}

TEST(H1RequestParserTest, RefusesHostileFraming) {
  for (const Hostile& hostile : hostile_framing()) {
    EXPECT_TRUE(std::count(hostile.statuses.begin(), hostile.statuses.end(), refusal(request(hostile.input))))
        << hostile.what << ":\n"
        << hostile.input << "\ngave\n"
        << request(hostile.input);
  }
}

TEST(H1RequestParserTest, RefusesHostileHeads) {
  for (const Hostile& hostile : hostile_heads()) {
    EXPECT_TRUE(std::count(hostile.statuses.begin(), hostile.statuses.end(), refusal(request(hostile.input))))
        << hostile.what << ":\n"
        << hostile.input << "\ngave\n"
        << request(hostile.input);
  }
}

TEST(H1RequestParserTest, AcceptsWhatIsUnusualButRight) {
  for (const std::string_view input :
       {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost:a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / HTTP/1.1\r\nHost: a_b-c.d~:80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET /?a=b{|}%zz[\" HTTP/1.1\r\nHost: a\r\n\r\n",
        "M-SEARCH / HTTP/1.1\r\nHost: a\r\nx: \x80\xff\t!\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: ,close,,\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~09az: x\r\nHost: a\r\n\r\n"}) {
    EXPECT_EQ(refusal(request(input)), 0) << input;
  }
}

TEST(H1ResponseParserTest, ReadsBodiesByLengthChunksAndClose) {
  EXPECT_EQ(
      response(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\n\r\nhiHTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n"),
      "HTTP/1.1 200\ncontent-length: 2\nserver: x\ndata hi\nend\nHTTP/1.1 404\ndata z\nend\n");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\r\nall the rest"), "HTTP/1.1 200 close\ndata all the rest\nend\n");
  EXPECT_EQ(response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
            "HTTP/1.0 200\ncontent-length: 0\nend\n");
  EXPECT_EQ(response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), "HTTP/1.0 200 close\ncontent-length: 0\nend\n");
}

TEST(H1ResponseParserTest, SomeResponsesHaveNoBodyWhateverTheySay) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {.is_head = true}),
            "HTTP/1.1 200\ncontent-length: 9\nend\n");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {.is_head = true}),
            "HTTP/1.1 200\nend\n");
  EXPECT_EQ(response("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
            "HTTP/1.1 304\ncontent-length: 9\nend\n");
  EXPECT_EQ(response("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"), "HTTP/1.1 204\nend\n");
}

TEST(H1ResponseParserTest, InformationalHeadsComeBeforeTheFinalOne) {
  EXPECT_EQ(
      response(
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
      "HTTP/1.1 100\nend\nHTTP/1.1 103\nlink: </a>\nend\nHTTP/1.1 200\ncontent-length: 0\nend\n");
}

TEST(H1ResponseParserTest, TunnelsBeginOnlyWhereTheRequestAskedForOne) {
  const std::string_view switching =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw";
  EXPECT_EQ(response(switching, {.is_upgrade = true}), "HTTP/1.1 101 upgrade\nupgrade: websocket\ndata raw\nend\n");
  EXPECT_EQ(refusal(response(switching)), 502);
  EXPECT_EQ(refusal(response("HTTP/1.1 101 Switching Protocols\r\n\r\n", {.is_upgrade = true})), 502);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nraw", {.is_connect = true}),
            "HTTP/1.1 200\ndata raw\nend\n");
  EXPECT_EQ(response("HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nraw", {.is_connect = true}),
            "HTTP/1.1 403\ncontent-length: 3\ndata raw\nend\n");
}

TEST(H1ResponseParserTest, RefusesMalformedResponses) {
  using std::string_literals::operator""s;
  for (const std::string& input :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"s, "HTTP/1.1 20 OK\r\n\r\n"s,
        "HTTP/1.1 2000 OK\r\n\r\n"s, "HTTP/1.1  200 OK\r\n\r\n"s, "HTTP/2 200 OK\r\n\r\n"s, "HTTP/1.1 099 OK\r\n\r\n"s,
        "HTTP/1.1 200 O\0K\r\n\r\n"s, "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"s, "ICY 200 OK\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nx y: z\r\n\r\n"s, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"s, "\r\nHTTP/1.1 200 OK\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nContent-Length: 010\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nx: " + std::string(70000, 'v') + "\r\n\r\n"}) {
    EXPECT_GE(refusal(response(input)), 400) << input.substr(0, 200);
  }
}

}  // namespace
}  // namespace weft::http
