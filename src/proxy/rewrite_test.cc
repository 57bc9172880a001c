#include "proxy/rewrite.h"

#include <gtest/gtest.h>

#include "proxy/route_table.h"
#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

RouteMatch match_of(RouteMatch::Path kind, std::string path) {
  RouteMatch match;
  match.kind = kind;
  match.path = std::move(path);
  return match;
}

PathRewrite prefix_rewrite(std::string prefix) {
  PathRewrite rewrite;
  rewrite.prefix = std::move(prefix);
  rewrite.has_prefix = true;
  return rewrite;
}

PathRewrite regex_rewrite(std::string_view pattern, std::string substitution) {
  PathRewrite rewrite;
  rewrite.regex = Regex::compile(pattern).value();
  rewrite.substitution = std::move(substitution);
  return rewrite;
}

std::string rewritten(const RouteMatch& match, const PathRewrite& rewrite, std::string_view path) {
  std::string out = "unchanged";
  rewrite_path(match, rewrite, path, out);
  return out;
}

TEST(RewritePath, APrefixReplacesWhatMatchedAndKeepsTheQuery) {
  const auto match = match_of(RouteMatch::Path::Prefix, "/api");
  EXPECT_EQ(rewritten(match, prefix_rewrite("/v1"), "/api/users?x=/api"), "/v1/users?x=/api");
  EXPECT_EQ(rewritten(match, prefix_rewrite("/"), "/api"), "/");
  EXPECT_EQ(rewritten(match_of(RouteMatch::Path::Exact, "/api"), prefix_rewrite("/new"), "/api?q"), "/new?q");
  EXPECT_EQ(rewritten(match_of(RouteMatch::Path::Regex, ""), prefix_rewrite("/all"), "/any/thing?q"), "/all?q");
}

TEST(RewritePath, ARegexReplacesInThePathOnly) {
  const RouteMatch match;
  EXPECT_EQ(rewritten(match, regex_rewrite("/([a-z]+)/([0-9]+)", "/\\2/\\1"), "/item/7?id=/x/8"), "/7/item?id=/x/8");
  EXPECT_EQ(rewritten(match, regex_rewrite("b", "cc"), "/bab"), "/ccacc");
}

TEST(RewritePath, NothingConfiguredChangesNothing) {
  EXPECT_EQ(rewritten(RouteMatch(), PathRewrite(), "/a"), "unchanged");
  EXPECT_EQ(rewritten(RouteMatch(), prefix_rewrite(""), "/a"), "unchanged");
}

class Rewrites : public WithHeads {
 protected:
  std::string location(const RedirectAction& action, const http::RequestHead& head, const RouteMatch& match = {}) {
    return redirect_location(match, action, head);
  }
  http::RequestHead plain(std::string_view authority, std::string_view path) {
    return get(authority, path, {{"x-forwarded-proto", "http"}});
  }
};

TEST_F(Rewrites, ARedirectKeepsWhatItDoesNotName) {
  RedirectAction action;
  action.https_redirect = true;
  EXPECT_EQ(location(action, plain("a.com", "/x?y=1")), "https://a.com/x?y=1");
  action = {};
  action.host_redirect = "b.com";
  EXPECT_EQ(location(action, plain("a.com:8080", "/x")), "http://b.com/x");
  action = {};
  action.scheme_redirect = "ftp";
  EXPECT_EQ(location(action, plain("a.com", "/")), "ftp://a.com/");
}

TEST_F(Rewrites, ARedirectDropsTheDefaultPortOfTheSchemeItLeaves) {
  RedirectAction action;
  action.https_redirect = true;
  EXPECT_EQ(location(action, plain("a.com:80", "/")), "https://a.com/");
  EXPECT_EQ(location(action, plain("[::1]:80", "/")), "https://[::1]/");
  EXPECT_EQ(location(action, plain("a.com:8080", "/")), "https://a.com:8080/");
  action.port_redirect = 8443;
  EXPECT_EQ(location(action, plain("a.com:8080", "/")), "https://a.com:8443/");
  EXPECT_EQ(location(action, plain("[::1]", "/")), "https://[::1]:8443/");
  RedirectAction path;
  path.path_redirect = "/new";
  EXPECT_EQ(location(path, plain("a.com:80", "/")), "http://a.com:80/new") << "same scheme: the port stays";
}

TEST_F(Rewrites, ARedirectsOwnPathAndQueryComeFirst) {
  RedirectAction action;
  action.path_redirect = "/new";
  EXPECT_EQ(location(action, plain("a.com", "/old?x=1")), "http://a.com/new?x=1");
  action.strip_query = true;
  EXPECT_EQ(location(action, plain("a.com", "/old?x=1")), "http://a.com/new");
  action.path_redirect = "/new?own=1";
  EXPECT_EQ(location(action, plain("a.com", "/old?x=1")), "http://a.com/new?own=1") << "an own query is never stripped";
  action.path_redirect = "new";
  EXPECT_EQ(location(action, plain("a.com", "/")), "http://a.com/new");
}

TEST_F(Rewrites, ARedirectMayRewriteThePath) {
  RedirectAction action;
  action.path_rewrite = prefix_rewrite("/v2");
  EXPECT_EQ(location(action, plain("a.com", "/v1/x?q=1"), match_of(RouteMatch::Path::Prefix, "/v1")),
            "http://a.com/v2/x?q=1");
  action.strip_query = true;
  EXPECT_EQ(location(action, plain("a.com", "/v1/x?q=1"), match_of(RouteMatch::Path::Prefix, "/v1")),
            "http://a.com/v2/x");
  action = {};
  action.path_rewrite = regex_rewrite("^/a/(.*)$", "/\\1");
  EXPECT_EQ(location(action, plain("a.com", "/a/b?q")), "http://a.com/b?q");
}

TEST_F(Rewrites, TheHostComesFromTheFirstSourceThatIsSet) {
  RouteAction action;
  const auto head = get("a.com", "/b.com/x?q", {{"x-host", "h.com"}});
  EXPECT_EQ(rewrite_host(action, nullptr, head), std::nullopt);
  action.host_rewrite_path_regex = Regex::compile("^/([^/]+)/.*$").value();
  action.host_rewrite_path_substitution = "\\1";
  EXPECT_EQ(rewrite_host(action, nullptr, head), "b.com");
  action.host_rewrite_header = "x-host";
  EXPECT_EQ(rewrite_host(action, nullptr, head), "h.com");
  EXPECT_EQ(rewrite_host(action, nullptr, get("a.com", "/")), std::nullopt) << "an absent header changes nothing";
  action.host_rewrite_literal = "l.com";
  EXPECT_EQ(rewrite_host(action, nullptr, head), "l.com");
  WeightedCluster weighted;
  weighted.host_rewrite_literal = "w.com";
  EXPECT_EQ(rewrite_host(action, &weighted, head), "w.com");
}

TEST_F(Rewrites, TheForwardedHostListsEachHostOnce) {
  auto head = get("a.com", "/");
  set_authority(head, "b.com", true);
  EXPECT_EQ(head.authority(), "b.com");
  EXPECT_EQ(head.get("x-forwarded-host"), "a.com");
  set_authority(head, "c.com", true);
  EXPECT_EQ(head.get("x-forwarded-host"), "a.com,b.com");
  set_authority(head, "b.com", false);
  set_authority(head, "d.com", true);
  EXPECT_EQ(head.get("x-forwarded-host"), "a.com,b.com") << "b.com is the last one already";
}

TEST_F(Rewrites, FinalizingChangesHeadersThenHostThenPath) {
  RouteConfig config;
  VirtualHost host;
  Route route;
  route.match = match_of(RouteMatch::Path::Prefix, "/api");
  RouteAction action;
  action.path_rewrite = prefix_rewrite("/v1");
  action.host_rewrite_header = "x-target";
  route.action = action;
  route.request_headers.removes = {"x-secret"};
  auto head = get("a.com", "/api/x?q", {{"x-target", "b.com"}, {"x-secret", "1"}});
  finalize_request_headers({&config, &host, &route}, head, {}, true);
  EXPECT_EQ(head.path(), "/v1/x?q");
  EXPECT_EQ(head.get("x-envoy-original-path"), "/api/x?q");
  EXPECT_EQ(head.authority(), "b.com");
  EXPECT_EQ(head.get("x-envoy-original-host"), "a.com");
  EXPECT_FALSE(head.find("x-secret"));

  auto quiet = get("a.com", "/api", {{"x-target", "b.com"}});
  finalize_request_headers({&config, &host, &route}, quiet, {}, false);
  EXPECT_FALSE(quiet.find("x-envoy-original-path"));
  EXPECT_FALSE(quiet.find("x-envoy-original-host"));
}

TEST_F(Rewrites, RequireTlsRedirectsPlainRequests) {
  VirtualHost host;
  const auto http = plain("a.com", "/x?q");
  const auto https = get("a.com", "/", {{"x-forwarded-proto", "https"}});
  const auto internal = get("a.com", "/", {{"x-forwarded-proto", "http"}, {"x-envoy-internal", "true"}});
  EXPECT_EQ(tls_redirect_location(host, http), std::nullopt);
  host.require_tls = VirtualHost::RequireTls::All;
  EXPECT_EQ(tls_redirect_location(host, http), "https://a.com/x?q");
  EXPECT_EQ(tls_redirect_location(host, https), std::nullopt);
  EXPECT_TRUE(tls_redirect_location(host, internal));
  host.require_tls = VirtualHost::RequireTls::ExternalOnly;
  EXPECT_TRUE(tls_redirect_location(host, http));
  EXPECT_EQ(tls_redirect_location(host, internal), std::nullopt);
}

}  // namespace
}  // namespace weft::proxy
