// request_timeout and stream_idle_timeout of the connection manager: which half they wait for, and what a client sees.
#include <gtest/gtest.h>

#include "http/testing/h2_harness.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

constexpr char kHalfARequest[] = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf";
constexpr char kHalfAResponse[] = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";

class StreamTimeouts : public WithProxy {
 protected:
  void begin() {
    log("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%");
    action.timeout = {};
    route_to_upstream();
    start();
  }
  bool wait(const std::function<bool()>& done) { return world.run_until(done, base::seconds(60)); }
};

TEST_F(StreamTimeouts, ARequestThatStaysIncompleteIs408) {
  hcm.request_timeout = base::seconds(2);
  upstream_answer = kSilence;
  begin();
  const base::MonoTime began = world.now();
  const auto made = send_raw(kHalfARequest);
  ASSERT_TRUE(wait([&] { return made->is_over(); }));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 408")) << made->answer();
  EXPECT_GE(world.now() - began, base::seconds(2));
  EXPECT_EQ(stat("http.test.downstream_rq_timeout"), 1);
  stop();
  EXPECT_EQ(logged(), "408 - request_overall_timeout");
}

TEST_F(StreamTimeouts, AWholeRequestIsNotHeldToTheRequestTimeout) {
  hcm.request_timeout = base::seconds(2);
  hcm.stream_idle_timeout = base::seconds(5);
  upstream_answer = kSilence;
  begin();
  const auto made = send_raw("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  ASSERT_TRUE(wait([&] { return !made->answer().empty(); }));
  EXPECT_EQ(stat("http.test.downstream_rq_timeout"), 0);
  EXPECT_EQ(stat("http.test.downstream_rq_idle_timeout"), 1);
}

TEST_F(StreamTimeouts, AResponseThatBeginsEndsTheWaitForTheRequest) {
  hcm.request_timeout = base::seconds(2);
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
  begin();
  const auto made = send_raw(kHalfARequest);
  ASSERT_TRUE(wait([&] { return !made->answer().empty(); }));
  world.run_until([] { return false; }, base::seconds(10));
  EXPECT_FALSE(made->is_over()) << made->answer();
  EXPECT_EQ(stat("http.test.downstream_rq_timeout"), 0);
}

TEST_F(StreamTimeouts, ATornResponseIsAnErrorToAnHttp2Client) {
  hcm.stream_idle_timeout = base::seconds(2);
  upstream_answer = kHalfAResponse;
  begin();
  http::testing::LoneClient client;
  const auto made = connect();
  http::testing::ClientStreamRecorder& call = client.request(http::testing::make_request(client.pool), true);
  write(*made, client.feed({}));
  size_t fed = 0;
  ASSERT_TRUE(wait([&] {
    if (made->answer().size() > fed) {
      const std::string bytes = made->answer().substr(fed);
      fed = made->answer().size();
      if (const std::string sent = client.feed(bytes); !sent.empty()) write(*made, sent);
    }
    return call.is_closed;
  }));
  EXPECT_EQ(call.body, "half");
  EXPECT_EQ(call.end.kind, http::StreamEnd::Kind::RemoteReset);
  EXPECT_EQ(call.end.code, http::ResetCode::Internal);
  EXPECT_EQ(stat("http.test.downstream_rq_idle_timeout"), 1);
}

}  // namespace
}  // namespace weft::proxy
