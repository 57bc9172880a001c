// The name that follows from a request, and TLS connections that are made by it.
#include "proxy/upstream_name.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

TEST(UpstreamName, IsTheAuthorityWithoutPortAndBrackets) {
  EXPECT_EQ(name_of_authority("a.example"), "a.example");
  EXPECT_EQ(name_of_authority("a.example:8443"), "a.example");
  EXPECT_EQ(name_of_authority("127.0.0.1:80"), "127.0.0.1");
  EXPECT_EQ(name_of_authority("[::1]:80"), "::1");
  EXPECT_EQ(name_of_authority("[::1]"), "::1");
  EXPECT_EQ(name_of_authority("::1"), "::1");
  EXPECT_EQ(name_of_authority("[::1"), "[::1");
  EXPECT_TRUE(is_ip_literal("::1"));
  EXPECT_TRUE(is_ip_literal("10.0.0.1"));
  EXPECT_FALSE(is_ip_literal("a.example"));
}

class UpstreamNames : public WithHeads {
 protected:
  std::string name() { return upstream_tls_name(cluster, action, nullptr, head); }
  ClusterConfig cluster;
  RouteAction action;
  http::RequestHead head = get("a.example:80", "/");
};

TEST_F(UpstreamNames, IsNotAskedForUnlessTheClusterSaysSo) {
  EXPECT_EQ(name(), "");
  cluster.auto_sni = true;
  EXPECT_EQ(name(), "a.example");
  cluster.auto_sni = false;
  cluster.auto_san_validation = true;
  EXPECT_EQ(name(), "a.example");
}

TEST_F(UpstreamNames, FollowsTheRoutesRewrite) {
  cluster.auto_sni = true;
  action.host_rewrite_literal = "B.example:443";
  EXPECT_EQ(name(), "b.example");
}

TEST_F(UpstreamNames, MayComeFromAHeader) {
  cluster.auto_sni = true;
  cluster.auto_sni_header = "x-name";
  EXPECT_EQ(name(), "a.example") << "there is no such header";
  head.set("x-name", "");
  EXPECT_EQ(name(), "a.example") << "it is empty";
  head.set("x-name", "c.example:1");
  EXPECT_EQ(name(), "c.example");
}

// ------------------------------------------------------------------ on the assembled proxy

class TlsUpstream : public WithProxy {
 protected:
  void begin() {
    net::TestLeaf leaf;
    leaf.dns = {"a.example", "*.b.example"};
    net::TlsContextConfig server;
    server.certificates = {authority_.issue(leaf)};
    upstream_tls = *net::TlsContext::make(server, net::TlsRole::Server);
    auto client = std::make_shared<net::TlsContextConfig>();
    client->trusted_ca_pem = authority_.pem();
    client->peer.session_scope = "up";
    cluster.tls = std::move(client);
    cluster.sni = "configured.example";
    route_to_upstream();
    start();
  }
  /// The status that a request for `host` gets.
  std::string status(const std::string& host, const std::string& more = "") {
    const std::string answer = call("GET / HTTP/1.1\r\nhost: " + host + "\r\n" + more);
    return answer.substr(0, std::string("HTTP/1.1 200").size()).substr(9);
  }
  std::string names_seen() {
    std::string all;
    for (const net::TlsInfo& info : upstream_handshakes) all += (all.empty() ? "" : " ") + info.server_name;
    return all;
  }

 private:
  net::TestAuthority authority_{"authority"};
};

TEST_F(TlsUpstream, HasTheConfiguredNameUnlessToldOtherwise) {
  begin();
  EXPECT_EQ(status("a.example"), "200");
  EXPECT_EQ(status("else.example"), "200");
  EXPECT_EQ(names_seen(), "configured.example");
}

TEST_F(TlsUpstream, IsAddressedByTheNameOfTheRequest) {
  cluster.auto_sni = true;
  begin();
  EXPECT_EQ(status("a.example:80"), "200");
  EXPECT_EQ(status("x.example"), "200");
  EXPECT_EQ(status("a.example"), "200") << "on the connection of its name";
  EXPECT_EQ(status("127.0.0.1"), "200") << "an address is no SNI";
  EXPECT_EQ(names_seen(), "a.example x.example configured.example");
  EXPECT_EQ(stat("cluster.up.upstream_cx_total"), 3);
}

TEST_F(TlsUpstream, MustHaveTheNameOfTheRequestWhereThatIsAskedFor) {
  cluster.auto_sni = true;
  cluster.auto_san_validation = true;
  cluster.auto_sni_header = "x-name";
  begin();
  EXPECT_EQ(status("a.example"), "200");
  EXPECT_EQ(status("x.b.example"), "200");
  EXPECT_EQ(status("other.example"), "503");
  EXPECT_EQ(stat("cluster.up.ssl.fail_verify_san"), 1);
  EXPECT_EQ(status("other.example", "x-name: a.example\r\n"), "200");
  EXPECT_EQ(names_seen(), "a.example x.b.example");
}

TEST_F(TlsUpstream, PoolsOfNamesGoWithTheirConnections) {
  cluster.auto_sni = true;
  cluster.idle_timeout = base::seconds(10);
  cluster.breakers[0].track_remaining = true;
  cluster.breakers[0].connection_pools_max = 100;
  begin();
  for (int i = 0; i < 5; ++i) status("n" + std::to_string(i) + ".example");
  EXPECT_EQ(stat("cluster.up.circuit_breakers.default.remaining_cx_pools"), 95);
  world.run_for(base::seconds(11));
  EXPECT_EQ(stat("cluster.up.upstream_cx_active"), 0);
  EXPECT_EQ(stat("cluster.up.circuit_breakers.default.remaining_cx_pools"), 100);
}

TEST_F(TlsUpstream, AtTheLimitOfPoolsAnIdleOneMakesRoomAndBusyOnesDoNot) {
  cluster.auto_sni = true;
  cluster.breakers[0].connection_pools_max = 1;
  begin();
  EXPECT_EQ(status("one.example"), "200");
  EXPECT_EQ(stat("cluster.up.circuit_breakers.default.cx_pool_open"), 1);
  EXPECT_EQ(status("two.example"), "200");
  EXPECT_EQ(stat("cluster.up.upstream_cx_active"), 1) << "the first one's connection is gone";
  upstream_answer = kSilence;
  const auto busy = send("GET / HTTP/1.1\r\nhost: two.example\r\n");
  world.run_for(base::milliseconds(100));
  EXPECT_EQ(status("three.example"), "503");
  EXPECT_EQ(stat("cluster.up.upstream_cx_pool_overflow"), 1);
}

}  // namespace
}  // namespace weft::proxy
