// Access log lines of the assembled proxy: what only a whole exchange can fill in.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

class AccessLog : public WithProxy {};

// The figures count the texts below by hand, as Envoy counts: fields are name, value and three or four bytes a line.
TEST_F(AccessLog, BytesOfAnHttp1Exchange) {
  route_to_upstream();
  log("%DOWNSTREAM_WIRE_BYTES_RECEIVED% %DOWNSTREAM_WIRE_BYTES_SENT% %DOWNSTREAM_HEADER_BYTES_RECEIVED% "
      "%DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED% %DOWNSTREAM_HEADER_BYTES_SENT%\n"
      "%UPSTREAM_WIRE_BYTES_SENT% %UPSTREAM_WIRE_BYTES_RECEIVED% %UPSTREAM_HEADER_BYTES_SENT% "
      "%UPSTREAM_HEADER_BYTES_RECEIVED%\n");
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nok";
  start();
  const auto made = send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n", "abc");
  ASSERT_TRUE(world.run_until([&] { return made->is_over(); }));
  const std::string& answer = made->answer();
  const size_t received =
      std::string_view("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc").size();
  const size_t fields = std::string_view("host:a\r\ncontent-length:3\r\nconnection:close\r\n").size();
  const size_t answer_fields = answer.size() - std::string_view("HTTP/1.1 200 OK\r\n\r\nok").size();
  const size_t sent_up = upstream_bytes.size();
  const size_t fields_up = sent_up - std::string_view("POST / HTTP/1.1\r\n\r\nabc").size();
  const size_t fields_back = std::string_view("content-length:2\r\nx:y\r\n").size();
  const auto line = [](std::initializer_list<size_t> numbers) {
    std::string text;
    for (size_t number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
    return text + "\n";
  };
  EXPECT_EQ(logged(), line({received, answer.size(), fields, fields, answer_fields}) +
                          line({sent_up, upstream_answer.size(), fields_up, fields_back}));
}

TEST_F(AccessLog, BytesAndHostsOfAllAttempts) {
  route_to_upstream(2);
  auto policy = std::make_shared<RetryPolicy>();
  policy->retry_on = parse_retry_on("5xx");
  policy->num_retries = 1;
  action.retry_policy = policy;
  routes.virtual_hosts[0].routes[0].action = action;
  log("%UPSTREAM_HOSTS_ATTEMPTED% %UPSTREAM_WIRE_BYTES_SENT% %UPSTREAM_REQUEST_ATTEMPT_COUNT%\n");
  answer_by_script = [&](size_t, const std::string&) {
    return upstream_requests == 1 ? "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
                                  : "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  };
  start();
  call("GET / HTTP/1.1\r\nhost: a\r\n");
  ASSERT_EQ(upstream_requests, 2);
  const std::string& line = logged();
  const std::string two = std::to_string(2 * upstream_head.size());
  EXPECT_TRUE(line == "127.0.0.1:20000,127.0.0.1:20001 " + two + " 2\n" ||
              line == "127.0.0.1:20001,127.0.0.1:20000 " + two + " 2\n")
      << line;
}

TEST_F(AccessLog, AHostWithoutConnectionIsNoPeer) {
  route_to_upstream();
  auto endpoints = std::make_shared<EndpointSet>();
  endpoints->endpoints.emplace_back().address = net::Address::v4(0x7f000001, 1);  // nobody listens
  cluster.endpoints = std::move(endpoints);
  log("%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_PORT% %UPSTREAM_PROTOCOL%\n");
  start();
  call("GET / HTTP/1.1\r\nhost: a\r\n");
  EXPECT_EQ(logged(), "127.0.0.1:1 - - -\n");
}

TEST_F(AccessLog, ARequestThatMayNotEvenWaitHasNoHost) {
  route_to_upstream();
  cluster.breakers[0].pending_requests_max = 0;
  log("%RESPONSE_FLAGS% %UPSTREAM_HOST% %UPSTREAM_HOST_NAME% %UPSTREAM_CLUSTER%\n");
  start();
  call("GET / HTTP/1.1\r\nhost: a\r\n");
  EXPECT_EQ(logged(), "UO - - up\n");
}

TEST_F(AccessLog, PointsOfTimeOfTheUpstreamConnection) {
  route_to_upstream();
  log("%COMMON_DURATION(US_CX_BEG:US_CX_END:ns)% %COMMON_DURATION(US_CX_END:US_HS_END:ns)% "
      "%COMMON_DURATION(US_RX_BEG:US_RX_BODY_BEG:ns)%\n");
  start();
  call("GET / HTTP/1.1\r\nhost: a\r\n");
  const std::string& line = logged();
  EXPECT_GT(std::stoll(line), 0) << line;
  EXPECT_TRUE(line.ends_with(" - 0\n")) << line;
}

TEST_F(AccessLog, LinesBeforeTheEndWhereTheyAreAskedFor) {
  route_to_upstream();
  log("%ACCESS_LOG_TYPE% %RESPONSE_CODE% %DURATION%\n");
  hcm.flush_access_log_on_new_request = true;
  hcm.access_log_flush_interval = base::seconds(2);
  upstream_answer = kSilence;
  start();
  const auto made = send("GET / HTTP/1.1\r\nhost: a\r\n");
  world.run_until([&] { return logged().find("4000") != std::string::npos; }, base::seconds(10));
  EXPECT_EQ(logged(), "DownstreamStart 0 0\nDownstreamPeriodic 0 2000\nDownstreamPeriodic 0 4000\n");
  made->connection->close();
  world.run_until_idle();
  EXPECT_TRUE(logged().find("\nDownstreamEnd 0 400") != std::string::npos) << logged();
}

TEST_F(AccessLog, ALineWhenATunnelOpens) {
  upstream_is_raw = true;
  action.upgrades = {{.type = "connect", .connect_terminates = true}};
  hcm.upgrades = {{"connect", true}};
  hcm.flush_log_on_tunnel_successfully_established = true;
  log("%ACCESS_LOG_TYPE% %RESPONSE_CODE%\n");
  route_to_upstream();
  routes.virtual_hosts[0].routes[0].match.kind = RouteMatch::Path::Connect;
  start();
  const auto made = send("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n");
  world.run_until([&] { return !made->answer().empty(); });
  EXPECT_EQ(logged(), "DownstreamTunnelSuccessfullyEstablished 200\n");
  made->connection->close();
  world.run_until_idle();
}

TEST_F(AccessLog, TheListenerLogsConnectionsWhenTheyEnd) {
  routes.virtual_hosts[0].routes.emplace_back().action = DirectResponse{.status = 200, .body = "x"};
  log_connections("%ACCESS_LOG_TYPE% %CONNECTION_ID% %DOWNSTREAM_LOCAL_PORT% %PROTOCOL% %RESPONSE_CODE%\n");
  start();
  call("GET / HTTP/1.1\r\nhost: a\r\n");
  world.run_until_idle();
  EXPECT_EQ(logged(), "NotSet 1 10000 - 0\n");
}

TEST_F(AccessLog, ARefusedRequestIsLoggedWithItsAnswer) {
  log("%REQ(:path)% %RESPONSE_CODE% %BYTES_SENT% %RESP(content-type)% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%\n");
  start();
  const auto made = send_raw("GET /x HTTP/1.1\r\nhost: a\r\nbad name: 1\r\n\r\n");
  ASSERT_TRUE(world.run_until([&] { return made->is_over(); }));
  EXPECT_EQ(logged(), "/x 400 11 text/plain http1.codec_error DPE\n");
  EXPECT_EQ(stat("http.test.downstream_rq_response_before_rq_complete"), 1);
  EXPECT_EQ(stat("http.test.downstream_rq_rx_reset"), 1);
}

TEST_F(AccessLog, AHeadThatNeverCameIsLogged) {
  log("%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%\n");
  start();
  auto made = send_raw("GET /x HTTP/1.1\r\nhos");
  world.run_for(base::milliseconds(10));
  made->connection->close();
  world.run_for(base::milliseconds(10));
  EXPECT_EQ(logged(), "0 downstream_remote_disconnect DC\n");
  EXPECT_EQ(stat("http.test.downstream_rq_total"), 1);
  EXPECT_EQ(stat("http.test.downstream_cx_destroy_active_rq"), 1);
}

TEST_F(AccessLog, AConnectionThatSaidNothingMoreIsNotARequest) {
  log("%RESPONSE_CODE%\n");
  start();
  auto made = send_raw("GET /x HTTP/1.1\r\nhost: a\r\n\r\n");
  ASSERT_TRUE(world.run_until([&] { return !made->answer().empty(); }));
  made->connection->close();
  world.run_for(base::milliseconds(10));
  EXPECT_EQ(logged(), "404\n");
  EXPECT_EQ(stat("http.test.downstream_rq_total"), 1);
}

}  // namespace
}  // namespace weft::proxy
