// max_connection_duration of the connection manager, over both versions.
#include <gtest/gtest.h>

#include "http/testing/h2_harness.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

constexpr char kRequest[] = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

class ConnectionDuration : public WithProxy {
 protected:
  void begin() {
    hcm.max_connection_duration = base::seconds(10);
    hcm.drain_timeout = base::seconds(5);
    routes.virtual_hosts[0].routes.emplace_back().action = DirectResponse{.status = 200, .body = "x"};
    start();
  }
  bool wait(const std::function<bool()>& done) { return world.run_until(done, base::seconds(60)); }
  base::Duration age() const { return world.now() - begin_; }
  base::MonoTime begin_ = world.now();
};

TEST_F(ConnectionDuration, AnHttp1ConnectionDrainsAndEnds) {
  begin();
  const auto made = connect();
  write(*made, kRequest);
  ASSERT_TRUE(wait([&] { return made->answer().ends_with("x"); }));
  EXPECT_EQ(made->answer().find("connection: close"), std::string::npos);
  ASSERT_TRUE(wait([&] { return made->is_over(); }));
  EXPECT_GE(age(), base::seconds(15));
  EXPECT_LT(age(), base::seconds(16));
  EXPECT_EQ(stat("http.test.downstream_cx_max_duration_reached"), 1);
}

TEST_F(ConnectionDuration, ARequestUnderWayIsTheLastOne) {
  upstream_answer = kSilence;
  route_to_upstream();
  hcm.max_connection_duration = base::seconds(10);
  action.timeout = base::seconds(12);
  routes.virtual_hosts[0].routes[0].action = action;
  start();
  const auto made = connect();
  write(*made, kRequest);
  ASSERT_TRUE(wait([&] { return made->is_over(); }));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 504")) << made->answer();
  EXPECT_NE(made->answer().find("connection: close"), std::string::npos) << made->answer();
  EXPECT_EQ(stat("http.test.downstream_cx_max_duration_reached"), 1);
}

TEST_F(ConnectionDuration, AConnectionWithoutRequestsEndsAtOnce) {
  hcm.codec = HcmConfig::Codec::Http1;
  begin();
  const auto made = connect();
  ASSERT_TRUE(wait([&] { return made->is_over(); }));
  EXPECT_GE(age(), base::seconds(10));
  EXPECT_LT(age(), base::seconds(11));
}

TEST_F(ConnectionDuration, AnHttp2ConnectionIsToldToGoAway) {
  begin();
  http::testing::LoneClient client;
  const auto made = connect();
  write(*made, client.feed({}));
  http::testing::ClientStreamRecorder& first = client.request(http::testing::make_request(client.pool), true);
  size_t fed = 0;
  const auto exchange = [&] {
    if (made->answer().size() > fed) {
      const std::string bytes = made->answer().substr(fed);
      fed = made->answer().size();
      const std::string sent = client.feed(bytes);
      if (!sent.empty()) write(*made, sent);
    }
  };
  write(*made, client.feed({}));
  ASSERT_TRUE(wait([&] {
    exchange();
    return first.is_closed;
  }));
  EXPECT_EQ(first.body, "x");
  EXPECT_EQ(stat("http2.streams_active"), 0);
  EXPECT_TRUE(client.session.can_open());
  ASSERT_TRUE(wait([&] {
    exchange();
    return made->is_over();
  }));
  EXPECT_GE(age(), base::seconds(10));
  EXPECT_LT(age(), base::seconds(12));
  EXPECT_EQ(http::testing::error_code_of(made->answer(), NGHTTP2_GOAWAY), NGHTTP2_NO_ERROR);
  EXPECT_EQ(stat("http.test.downstream_cx_max_duration_reached"), 1);
}

}  // namespace
}  // namespace weft::proxy
