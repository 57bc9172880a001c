// Routes, rewrites and the border's headers on the assembled proxy: what the upstream sees, what the client gets.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

HeaderAdd add_of(std::string name, std::string_view value,
                 HeaderAdd::Action action = HeaderAdd::Action::AppendIfExistsOrAdd) {
  return {.name = std::move(name), .value = observe::Format::parse_text(value).value(), .action = action};
}

class Routing : public WithProxy {
 protected:
  VirtualHost& host() { return routes.virtual_hosts[0]; }
  Route& prefix(std::string path) {
    Route& route = host().routes.emplace_back();
    route.match.path = std::move(path);
    return route;
  }
  std::string get(std::string_view path, std::string_view lines = {}) {
    std::string head = "GET ";
    head += path;
    head += " HTTP/1.1\r\nhost: a.com\r\n";
    head += lines;
    return call(head);
  }
  bool upstream_saw(std::string_view line) const {
    return upstream_head.find(std::string(line) + "\r\n") != std::string::npos;
  }
};

bool has_line(const std::string& answer, std::string_view line) {
  return answer.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

TEST_F(Routing, DirectResponsesAndRedirectsAnswerHere) {
  prefix("/direct").action = DirectResponse{.status = 418, .body = "short"};
  RedirectAction redirect;
  redirect.https_redirect = true;
  redirect.path_rewrite.prefix = "/new";
  redirect.path_rewrite.has_prefix = true;
  redirect.status = 308;
  prefix("/old").action = redirect;
  start();
  const std::string direct = get("/direct");
  EXPECT_TRUE(direct.starts_with("HTTP/1.1 418")) << direct;
  EXPECT_TRUE(direct.ends_with("\r\n\r\nshort")) << direct;
  const std::string redirected = get("/old/x?q=1");
  EXPECT_TRUE(redirected.starts_with("HTTP/1.1 308")) << redirected;
  EXPECT_TRUE(has_line(redirected, "location: https://a.com/new/x?q=1")) << redirected;
  const std::string none = get("/none");
  EXPECT_TRUE(none.starts_with("HTTP/1.1 404")) << none;
  EXPECT_TRUE(none.ends_with("\r\n\r\n")) << "no body: " << none;
  EXPECT_EQ(stat("http.test.no_route"), 1);
}

TEST_F(Routing, RequireTlsRedirects) {
  host().require_tls = VirtualHost::RequireTls::All;
  route_to_upstream();
  start();
  EXPECT_TRUE(has_line(get("/x?y"), "location: https://a.com/x?y"));
  EXPECT_EQ(upstream_requests, 0);
}

TEST_F(Routing, TheUpstreamSeesRewrittenHostAndPath) {
  action.host_rewrite_literal = "inner";
  action.append_x_forwarded_host = true;
  action.path_rewrite.regex = Regex::compile("^/api/(.*)$").value();
  action.path_rewrite.substitution = "/\\1";
  route_to_upstream();
  start();
  get("/api/users?x=1");
  EXPECT_TRUE(upstream_head.starts_with("GET /users?x=1 HTTP/1.1\r\n")) << upstream_head;
  EXPECT_TRUE(upstream_saw("host: inner")) << upstream_head;
  EXPECT_TRUE(upstream_saw("x-forwarded-host: a.com"));
  EXPECT_TRUE(upstream_saw("x-envoy-original-path: /api/users?x=1"));
}

TEST_F(Routing, HeaderChangesOfAllLevelsApplyInOrder) {
  using Action = HeaderAdd::Action;
  route_to_upstream();
  host().routes[0].request_headers.adds = {add_of("x-who", "route", Action::OverwriteIfExistsOrAdd),
                                           add_of("x-path", "%REQ(:path)%")};
  host().request_headers.adds = {add_of("x-who", "host", Action::OverwriteIfExistsOrAdd)};
  routes.request_headers.adds = {add_of("x-who", "config", Action::OverwriteIfExistsOrAdd),
                                 add_of("x-absent", "%REQ(x-none)%")};
  routes.request_headers.removes = {"x-secret"};
  routes.response_headers.adds = {add_of("server", "mine", Action::OverwriteIfExistsOrAdd),
                                  add_of("x-answer", "%RESPONSE_CODE%")};
  start();
  const std::string answer = get("/p", "x-secret: 1\r\n");
  EXPECT_TRUE(upstream_saw("x-who: config")) << upstream_head;
  EXPECT_TRUE(upstream_saw("x-path: /p"));
  EXPECT_EQ(upstream_head.find("x-absent"), std::string::npos) << "an absent value adds no header";
  EXPECT_EQ(upstream_head.find("x-secret"), std::string::npos);
  EXPECT_TRUE(has_line(answer, "server: envoy")) << "a configuration cannot override server: " << answer;
  EXPECT_TRUE(has_line(answer, "x-answer: 200")) << answer;
}

TEST_F(Routing, WeightsShareTheTraffic) {
  action.cluster.clear();
  action.weighted = {{.cluster = "up", .weight = 30}, {.cluster = "none", .weight = 70}};
  route_to_upstream();
  host().routes[0].action = [&] {
    RouteAction weighted = action;
    weighted.cluster.clear();
    return weighted;
  }();
  start();
  for (int i = 0; i < 200; ++i) get("/");
  EXPECT_NEAR(upstream_requests, 60, 25);
  EXPECT_EQ(stat("http.test.no_cluster"), 200 - upstream_requests);
}

TEST_F(Routing, AStrangersControlHeadersStayOutside) {
  hcm.use_remote_address = true;
  routes.internal_only_headers = {"x-inner"};
  route_to_upstream();
  start();
  get("/",
      "x-envoy-max-retries: 5\r\nx-envoy-internal: true\r\nx-envoy-expected-rq-timeout-ms: 1\r\nx-inner: 1\r\nx-forwarded-for: 1.2.3.4\r\n"
      "x-forwarded-client-cert: By=me\r\nx-request-id: mine\r\n");
  for (const char* name :
       {"x-envoy-max-retries", "x-envoy-internal", "x-inner", "x-forwarded-client-cert", "x-request-id: mine"}) {
    EXPECT_EQ(upstream_head.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(upstream_head.find("x-envoy-expected-rq-timeout-ms: 1\r\n"), std::string::npos);
  EXPECT_TRUE(upstream_saw("x-envoy-external-address: 127.0.0.1")) << upstream_head;
  EXPECT_TRUE(upstream_saw("x-forwarded-proto: http"));
  EXPECT_NE(upstream_head.find("x-forwarded-for: 1.2.3.4,"), std::string::npos);
}

TEST_F(Routing, ConnectionNamedHeadersAndTeAreReduced) {
  route_to_upstream();
  start();
  get("/", "connection: x-drop, te\r\nx-drop: 1\r\nte: trailers, gzip\r\n");
  EXPECT_EQ(upstream_head.find("x-drop"), std::string::npos) << upstream_head;
  EXPECT_TRUE(upstream_saw("te: trailers")) << upstream_head;
  EXPECT_TRUE(get("/", "connection: x-forwarded-proto\r\n").starts_with("HTTP/1.1 400"));
}

TEST_F(Routing, AnExpectedTimeoutOfAnInternalCallerCutsTheCall) {
  hcm.use_remote_address = true;
  hcm.router.respect_expected_rq_timeout = true;
  hcm.internal_addresses.push_back(net::AddressRange::parse("127.0.0.0", 8).value());
  upstream_answer = kSilence;
  route_to_upstream();
  start();
  const base::MonoTime begin = world.now();
  EXPECT_TRUE(get("/", "x-envoy-expected-rq-timeout-ms: 700\r\n").starts_with("HTTP/1.1 504"));
  EXPECT_GE(world.now() - begin, base::milliseconds(700));
  EXPECT_LT(world.now() - begin, base::milliseconds(900));
}

TEST_F(Routing, AnInternalCallerMayAskForNoContentInsteadOfATimeout) {
  hcm.use_remote_address = true;
  hcm.internal_addresses.push_back(net::AddressRange::parse("127.0.0.0", 8).value());
  upstream_answer = kSilence;
  route_to_upstream();
  start();
  const std::string answer =
      get("/", "x-envoy-upstream-rq-timeout-ms: 100\r\nx-envoy-upstream-rq-timeout-alt-response: 1\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 204")) << answer;
  EXPECT_EQ(upstream_head.find("alt-response"), std::string::npos);
}

TEST_F(Routing, TheRequestIdGoesUpAndWhereAskedBack) {
  hcm.always_set_request_id_in_response = true;
  route_to_upstream();
  start();
  const std::string answer = get("/");
  const size_t at = upstream_head.find("x-request-id: ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_TRUE(has_line(answer, upstream_head.substr(at, 14 + 36))) << answer;
}

TEST_F(Routing, TheAttemptCountIsToldBothWays) {
  host().include_attempt_count_in_request = host().include_attempt_count_in_response = true;
  auto policy = std::make_shared<RetryPolicy>();
  policy->retry_on = kRetry5xx;
  action.retry_policy = policy;
  answer_by_script = [this](size_t, const std::string&) {
    return upstream_requests == 1 ? "HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n"
                                  : "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  };
  route_to_upstream();
  start();
  const std::string answer = get("/");
  EXPECT_TRUE(upstream_saw("x-envoy-attempt-count: 2")) << upstream_head;
  EXPECT_TRUE(has_line(answer, "x-envoy-attempt-count: 2")) << answer;
}

}  // namespace
}  // namespace weft::proxy
