// What the codec alone costs: one proxied request, that is a request head parsed and written, a response head
// parsed and written. Plain loop, so that callgrind can count it: bench_h1 [iterations].
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "http/h1_parser.h"
#include "http/h1_serializer.h"

namespace {

using namespace weft;

constexpr std::string_view kRequest =
    "GET /api/v1/orders?limit=10 HTTP/1.1\r\nHost: orders.example.com:8080\r\nUser-Agent: wrk/4.2.0\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip, deflate\r\nX-Request-Id: 6f1c0e3a-9d51-4f43-8b46-0a7d1e9b2c11\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
    "Content-Length: 1024\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n\r\n";

template <typename Message>
class Side {
 public:
  Side(base::BlockPool& pool, std::string_view text)
      : input_(base::Slice::copy_of(pool, text)), parser_(pool, options_, false, counters_) {}

  Message& parse() {
    parser_.restart();
    base::Slice in = input_.share();
    if (parser_.next(in) != http::H1Event::Head) std::abort();
    return parser_.head();
  }

 private:
  http::H1Options options_;
  http::CodecCounters counters_;
  base::Slice input_;
  http::H1Parser<Message> parser_;
};

template <typename Run>
void measure(const char* what, long iterations, Run run) {
  const std::clock_t start = std::clock();  // CPU time: neighbours on the machine do not count
  size_t bytes = 0;
  for (long i = 0; i < iterations; ++i) bytes += run();
  const double nanoseconds = static_cast<double>(std::clock() - start) * 1e9 / CLOCKS_PER_SEC;
  std::printf("%-28s %7.1f ns  (%zu)\n", what, nanoseconds / static_cast<double>(iterations),
              bytes / static_cast<size_t>(iterations));
}

}  // namespace

int main(int argc, char** argv) {
  const long iterations = argc > 1 ? std::atol(argv[1]) : 2000000;
  base::BlockPool pool;
  Side<http::RequestHead> request(pool, kRequest);
  Side<http::ResponseHead> response(pool, kResponse);
  http::H1HeadFormat plain, with_length;
  with_length.coding = http::H1BodyCoding::Length;
  measure("request parse", iterations, [&] { return request.parse().size(); });
  measure("request parse + write", iterations,
          [&] { return serialize_request_head(pool, request.parse(), plain).size(); });
  measure("response parse", iterations, [&] { return response.parse().size(); });
  measure("response parse + write", iterations,
          [&] { return serialize_response_head(pool, response.parse(), with_length).size(); });
  return 0;
}
