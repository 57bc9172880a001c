// What the statistics of the assembled process tell before and without any request, as Envoy 1.40 does.
#include <gtest/gtest.h>

#include "observe/stats_render.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

class ProcessStats : public WithProxy {
 protected:
  bool has_line(const std::string& line) {
    return ("\n" + observe::stats_prometheus(registry().read())).find("\n" + line + "\n") != std::string::npos;
  }
};

TEST_F(ProcessStats, AWorkerIsALabelOfItsSeriesAndNoPartOfTheirName) {
  start();
  const auto silent = connect();
  world.run_for(base::milliseconds(100));
  EXPECT_EQ(stat("listener.127.0.0.1_10000.worker_0.downstream_cx_total"), 1);
  for (const std::string name : {"active", "total"}) {
    EXPECT_TRUE(has_line("envoy_listener_worker_downstream_cx_" + name +
                         "{envoy_worker_id=\"0\",envoy_listener_address=\"127.0.0.1_10000\"} 1"))
        << name;
  }
}

TEST_F(ProcessStats, AListenerHasItsSeriesBeforeItsFirstConnection) {
  start();
  EXPECT_TRUE(has_line("envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix=\"test\"} 0"));
  EXPECT_TRUE(has_line(
      "envoy_listener_http_downstream_rq_xx{envoy_response_code_class=\"5\",envoy_http_conn_manager_prefix=\"test\","
      "envoy_listener_address=\"127.0.0.1_10000\"} 0"));
}

TEST_F(ProcessStats, ABreakerIsUsedOnceAPlaceWasTaken) {
  route_to_upstream();
  start();
  const auto used = [&] {
    std::vector<std::string> names;
    for (const observe::StatSample& sample : registry().read({.used_only = true})) {
      if (const size_t at = sample.name.find("circuit_breakers."); at != std::string::npos)
        names.push_back(sample.name.substr(at + 17));
    }
    return names;
  };
  EXPECT_EQ(used(), std::vector<std::string>());
  call("GET / HTTP/1.1\r\nhost: a\r\n");
  EXPECT_EQ(used(), (std::vector<std::string>{"default.cx_open", "default.cx_pool_open", "default.rq_open",
                                              "default.rq_pending_open"}));
}

TEST_F(ProcessStats, TheStateIsThatOfTheMomentOfReading) {
  start();
  EXPECT_EQ(stat("server.state"), 0);
  EXPECT_EQ(stat("server.live"), 1);
  EXPECT_EQ(stat("server.concurrency"), 1);
  EXPECT_EQ(stat("server.version"), 10203);
  server().set_health_failed(true);
  EXPECT_EQ(stat("server.state"), 1);
  EXPECT_EQ(stat("server.live"), 0);
  server().set_health_failed(false);
  EXPECT_EQ(stat("server.state"), 0);
  const auto open = connect();
  EXPECT_TRUE(world.run_until([&] { return stat("server.total_connections") == 1; }, base::milliseconds(100)));
}

TEST_F(ProcessStats, WithoutCertificatesNoneExpiresSoon) {
  start();
  EXPECT_EQ(stat("server.days_until_first_cert_expiring"), UINT32_MAX);
}

TEST_F(ProcessStats, TheFirstCertificateToExpireCountsTheDays) {
  net::TestAuthority authority("authority");
  auto tls = std::make_shared<net::TlsContextConfig>();
  tls->trusted_ca_pem = authority.pem();
  tls->certificates = {authority.issue({.not_after = net::kTestNow + base::seconds(86400 + 3600)})};
  cluster.tls = tls;
  route_to_upstream();
  start();
  EXPECT_EQ(stat("server.days_until_first_cert_expiring"), 1);
  world.run_for(base::seconds(2 * 3600));
  EXPECT_EQ(stat("server.days_until_first_cert_expiring"), 0);
}

}  // namespace
}  // namespace weft::proxy
