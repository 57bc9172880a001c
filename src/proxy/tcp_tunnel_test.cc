#include "proxy/tcp_tunnel.h"

#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::seconds;

class TcpTunnels : public WithProxy {
 protected:
  void begin(bool allow_post = false) {
    upstream_is_raw = true;
    action.upgrades = {{.type = "connect", .connect_terminates = true, .connect_allow_post = allow_post}};
    hcm.upgrades = {{"connect", true}};
    route_to_upstream();
    routes.virtual_hosts[0].routes[0].match.kind = allow_post ? RouteMatch::Path::Prefix : RouteMatch::Path::Connect;
    start();
  }
  bool gets(Call& made, std::string_view text) {
    return world.run_until([&] { return made.answer().find(text) != std::string::npos; }, seconds(5));
  }
  static constexpr char kConnect[] = "CONNECT a.com:443 HTTP/1.1\r\nhost: a.com:443\r\n";
};

TEST_F(TcpTunnels, AConnectThatEndsHereCarriesBytesBothWays) {
  begin();
  const auto made = send(kConnect);
  ASSERT_TRUE(gets(*made, "HTTP/1.1 200 OK\r\n")) << made->answer();
  EXPECT_EQ(upstream_bytes, "") << "the CONNECT itself stays here";
  write(*made, "hello");
  EXPECT_TRUE(gets(*made, "\r\n\r\nhello")) << made->answer();
  EXPECT_EQ(upstream_bytes, "hello");
  made->connection->shutdown_write();
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
  EXPECT_EQ(stat("cluster.up.upstream_rq_total"), 1);
  world.run_for(seconds(1));
  EXPECT_EQ(stat("cluster.up.upstream_cx_active"), 0) << "a tunnel's connection is not used again";
}

TEST_F(TcpTunnels, AClientThatLeavesEndsTheTunnel) {
  begin();
  const auto made = send(kConnect);
  ASSERT_TRUE(gets(*made, "200 OK"));
  made->connection->close(true);
  world.run_for(seconds(1));
  EXPECT_EQ(stat("cluster.up.upstream_cx_active"), 0);
  EXPECT_EQ(stat("http.test.downstream_rq_active"), 0);
}

TEST_F(TcpTunnels, AnUpstreamThatBreaksEndsTheTunnel) {
  begin();
  const auto made = send(kConnect);
  ASSERT_TRUE(gets(*made, "200 OK"));
  world.reset_connections("proxy", "upstream0");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(5)));
}

TEST_F(TcpTunnels, MuchDataPassesWithBackPressure) {
  begin();
  const auto made = send(kConnect);
  ASSERT_TRUE(gets(*made, "200 OK"));
  const std::string much(5'000'000, 'z');
  write(*made, much);
  EXPECT_TRUE(world.run_until([&] { return made->answer().size() > much.size(); }, seconds(60)));
  EXPECT_TRUE(made->answer().ends_with(much));
  made->connection->close();
  world.run_for(seconds(2));
  EXPECT_EQ(stat("http.test.downstream_cx_active"), 0);
  EXPECT_EQ(stat("http.test.downstream_rq_active"), 0);
  EXPECT_EQ(stat("cluster.up.upstream_cx_active"), 0);
  EXPECT_EQ(stat("cluster.up.upstream_rq_active"), 0);
}

TEST_F(TcpTunnels, AnUnreachableUpstreamIsA503) {
  cluster.connect_timeout = seconds(1);
  begin();
  world.partition("proxy", "upstream0");
  const auto made = send(kConnect);
  EXPECT_TRUE(world.run_until([&] { return made->answer().starts_with("HTTP/1.1 503"); }, seconds(5)))
      << made->answer();
}

class TunnelsOfAnEjectedHost : public TcpTunnels, public ::testing::WithParamInterface<bool> {};

TEST_P(TunnelsOfAnEjectedHost, EndAtOnceOnlyWhereConfigured) {
  cluster.connect_timeout = seconds(1);
  cluster.close_connections_on_host_health_failure = GetParam();
  cluster.outlier.emplace().consecutive_5xx = 1;
  cluster.outlier->max_ejection_percent = 100;
  begin();
  const auto made = send(kConnect);
  ASSERT_TRUE(gets(*made, "200 OK"));
  world.partition("proxy", "upstream0");
  const auto refused = send(kConnect);
  ASSERT_TRUE(world.run_until([&] { return refused->answer().starts_with("HTTP/1.1 503"); }, seconds(5)));
  EXPECT_EQ(stat("cluster.up.outlier_detection.ejections_active"), 1);
  world.run_for(seconds(1));
  EXPECT_EQ(made->is_over(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(EitherWay, TunnelsOfAnEjectedHost, ::testing::Bool());

TEST_F(TcpTunnels, APostMayBeCarriedToo) {
  begin(true);
  const auto made = send("POST /x HTTP/1.1\r\nhost: a.com\r\ncontent-length: 4\r\n", "body");
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(10)));
  EXPECT_NE(made->answer().find("HTTP/1.1 200"), std::string::npos);
  EXPECT_EQ(upstream_bytes, "body");
  EXPECT_NE(made->answer().find("body"), std::string::npos);
}

}  // namespace
}  // namespace weft::proxy
