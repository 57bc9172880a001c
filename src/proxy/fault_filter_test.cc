#include "proxy/fault_filter.h"

#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

constexpr Fraction kAlways{100, 100};
constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n";

class FaultFilters : public WithProxy {
 protected:
  void begin() {
    hcm.filters.push_back(
        {.name = "fault", .factory = std::make_shared<FaultFilterFactory>(std::make_shared<FaultConfig>(fault))});
    route_to_upstream();
    start();
  }
  FaultConfig fault;
};

TEST_F(FaultFilters, WithoutFaultsRequestsPass) {
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(stat("http.test.fault.aborts_injected"), 0);
}

TEST_F(FaultFilters, AnAbortAnswersInPlaceOfTheUpstream) {
  fault.abort = FaultConfig::Abort{.http_status = 418, .percentage = kAlways};
  begin();
  const std::string answer = call("GET / HTTP/1.1\r\nhost: a\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 418")) << answer;
  EXPECT_TRUE(answer.ends_with("fault filter abort")) << answer;
  EXPECT_EQ(upstream_requests, 0);
  EXPECT_EQ(stat("http.test.fault.aborts_injected"), 1);
  EXPECT_EQ(stat("http.test.fault.active_faults"), 0) << "over with its request";
}

TEST_F(FaultFilters, AGrpcAbortIsAGrpcStatus) {
  fault.abort = FaultConfig::Abort{.grpc_status = 14, .percentage = kAlways};
  begin();
  const std::string answer =
      call("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_NE(answer.find("grpc-status: 14"), std::string::npos) << answer;
}

TEST_F(FaultFilters, ADelayHoldsTheRequestAndThenLetsItPass) {
  fault.delay = FaultConfig::Delay{.fixed = seconds(3), .percentage = kAlways};
  begin();
  const auto made = send(kGet);
  world.run_for(milliseconds(2900));
  EXPECT_EQ(upstream_requests, 0);
  EXPECT_EQ(stat("http.test.fault.active_faults"), 1);
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(1)));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(upstream_requests, 1);
  EXPECT_EQ(stat("http.test.fault.delays_injected"), 1);
  EXPECT_EQ(stat("http.test.fault.active_faults"), 0);
}

TEST_F(FaultFilters, ADelayMayBeFollowedByAnAbort) {
  fault.delay = FaultConfig::Delay{.fixed = seconds(3), .percentage = kAlways};
  fault.abort = FaultConfig::Abort{.http_status = 503, .percentage = kAlways};
  begin();
  const base::Duration took = time_of(kGet);
  EXPECT_GE(took, seconds(3));
  EXPECT_EQ(upstream_requests, 0);
  EXPECT_EQ(stat("http.test.fault.delays_injected"), 1);
  EXPECT_EQ(stat("http.test.fault.aborts_injected"), 1);
}

TEST_F(FaultFilters, AClientThatLeavesEndsItsDelay) {
  fault.delay = FaultConfig::Delay{.fixed = seconds(3), .percentage = kAlways};
  begin();
  auto made = send(kGet);
  world.run_for(seconds(1));
  made->connection->close(true);
  world.run_for(seconds(5));
  EXPECT_EQ(upstream_requests, 0);
  EXPECT_EQ(stat("http.test.fault.active_faults"), 0);
}

TEST_F(FaultFilters, ADelayedBodyAboveTheBufferIsBackPressuredNotRefused) {
  fault.delay = FaultConfig::Delay{.fixed = seconds(3), .percentage = kAlways};
  begin();
  const size_t bytes = 3 * 1024 * 1024;
  const auto made =
      send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(bytes) + "\r\n", std::string(bytes, 'x'));
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(30)));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 200 OK")) << made->answer();
}

TEST_F(FaultFilters, AResponseFlowsNoFasterThanItsLimit) {
  fault.response_rate_limit = FaultConfig::RateLimit{.fixed_kbps = 16, .percentage = kAlways};
  const size_t bytes = 64 * 1024;
  upstream_answer =
      "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'y');
  begin();
  const auto made = send(kGet);
  world.run_for(seconds(2));
  EXPECT_NEAR(static_cast<double>(made->answer().size()), 33.0 * 1024, 3.0 * 1024);
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, seconds(4)));
  EXPECT_TRUE(made->answer().ends_with(std::string(bytes, 'y')));
  EXPECT_EQ(stat("http.test.fault.response_rl_injected"), 1);
}

TEST_F(FaultFilters, NoMoreThanTheMaximumAreActive) {
  fault.delay = FaultConfig::Delay{.fixed = seconds(3), .percentage = kAlways};
  fault.max_active_faults = 1;
  begin();
  const auto first = send(kGet);
  world.run_for(milliseconds(10));
  EXPECT_LT(time_of(kGet), seconds(1)) << "the second one passes";
  EXPECT_EQ(stat("http.test.fault.faults_overflow"), 1);
}

TEST_F(FaultFilters, TheTargetMayBeOneCluster) {
  fault.abort = FaultConfig::Abort{.http_status = 418, .percentage = kAlways};
  fault.upstream_cluster = "other";
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 200"));
}

TEST_F(FaultFilters, ARouteMayHaveItsOwnFaults) {
  auto of_route = std::make_shared<FaultConfig>();
  of_route->abort = FaultConfig::Abort{.http_status = 418, .percentage = kAlways};
  of_route->upstream_cluster = "up";
  routes.virtual_hosts[0].filter_config["fault"] = {of_route, false};
  begin();
  EXPECT_TRUE(call(kGet).starts_with("HTTP/1.1 418"));
}

TEST_F(FaultFilters, FaultsAreCountedByCallingCluster) {
  fault.abort = FaultConfig::Abort{.http_status = 418, .percentage = kAlways};
  begin();
  call("GET / HTTP/1.1\r\nhost: a\r\nx-envoy-downstream-service-cluster: shop\r\n");
  EXPECT_EQ(stat("http.test.fault.shop.aborts_injected"), 1);
}

}  // namespace
}  // namespace weft::proxy
