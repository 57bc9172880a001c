#include "proxy/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

using Path = RouteMatch::Path;

Route route_of(std::string name, Path kind, std::string path) {
  Route route;
  route.name = std::move(name);
  route.match.kind = kind;
  if (kind == Path::Regex) route.match.regex = Regex::compile(path).value();
  else route.match.path = std::move(path);
  route.action = RouteAction{};
  return route;
}

VirtualHost host_of(std::string name, std::vector<std::string> domains, std::vector<Route> routes = {}) {
  VirtualHost host;
  host.name = std::move(name);
  host.domains = std::move(domains);
  host.routes = std::move(routes);
  return host;
}

class RouteTables : public WithHeads {
 protected:
  void compile(RouteConfig config) { table_ = RouteTable::compile(std::move(config)).value(); }
  void compile(std::vector<VirtualHost> hosts) {
    RouteConfig config;
    config.virtual_hosts = std::move(hosts);
    compile(std::move(config));
  }
  void compile_routes(std::vector<Route> routes) { compile({host_of("all", {"*"}, std::move(routes))}); }

  /// The name of the route, "" for none; both ways of matching must agree.
  std::string route_for(const http::RequestHead& head, const MatchInput& input = {}) {
    const auto result = table_->match(head, input);
    EXPECT_EQ(result.route, table_->match_linear(head, input).route);
    return result.route == nullptr ? "" : result.route->name;
  }
  std::string route_for(std::string_view path) { return route_for(get("a.com", path)); }
  std::string host_for(std::string_view authority) {
    const auto head = get(authority, "/");
    const auto result = table_->match(head, {});
    EXPECT_EQ(result.virtual_host, table_->match_linear(head, {}).virtual_host) << authority;
    return result.virtual_host == nullptr ? "" : result.virtual_host->name;
  }

  std::shared_ptr<const RouteTable> table_;
};

TEST_F(RouteTables, HostsMatchExactThenLongestSuffixThenLongestPrefixThenAny) {
  compile({host_of("any", {"*"}), host_of("prefix", {"www.*", "www.foo.*"}), host_of("suffix", {"*.foo.com"}),
           host_of("longer", {"*-bar.foo.com"}), host_of("exact", {"www.foo.com"})});
  EXPECT_EQ(host_for("www.foo.com"), "exact");
  EXPECT_EQ(host_for("WWW.Foo.com"), "exact");
  EXPECT_EQ(host_for("x.foo.com"), "suffix");
  EXPECT_EQ(host_for("x-bar.foo.com"), "longer");
  EXPECT_EQ(host_for("www.foo.org"), "prefix");
  EXPECT_EQ(host_for("www.other"), "prefix");
  EXPECT_EQ(host_for(".foo.com"), "any") << "a wildcard stands for at least one character";
  EXPECT_EQ(host_for("www."), "any");
  EXPECT_EQ(host_for("else"), "any");
}

TEST_F(RouteTables, WithoutAuthorityOnlyALoneAnyHostMatches) {
  compile({host_of("any", {"*"}), host_of("exact", {"a.com"})});
  EXPECT_EQ(host_for(""), "");
  compile({host_of("any", {"*"})});
  EXPECT_EQ(host_for(""), "any");
}

TEST_F(RouteTables, PortsAreIgnoredWhereConfigured) {
  RouteConfig config;
  config.virtual_hosts = {host_of("exact", {"a.com"}), host_of("six", {"[::1]"})};
  compile(config);
  EXPECT_EQ(host_for("a.com:80"), "");
  config.ignore_port_in_host_matching = true;
  compile(config);
  EXPECT_EQ(host_for("a.com:80"), "exact");
  EXPECT_EQ(host_for("[::1]:80"), "six");
  EXPECT_EQ(host_for("[::1]"), "six");
}

TEST_F(RouteTables, RefusesDuplicateDomainsInAnyCase) {
  RouteConfig config;
  config.virtual_hosts = {host_of("a", {"a.com", "*.b.com"}), host_of("b", {"*.B.com"})};
  EXPECT_EQ(RouteTable::compile(config).error().message,
            "virtual_hosts[1].domains[0]: duplicate domain '*.b.com': each may appear once");
  config.virtual_hosts = {host_of("a", {"*"}), host_of("b", {"*"})};
  EXPECT_FALSE(RouteTable::compile(config));
}

TEST_F(RouteTables, RefusesWeightsThatSumToNothing) {
  Route route = route_of("w", Path::Prefix, "/");
  std::get<RouteAction>(route.action).weighted.resize(2);
  RouteConfig config;
  config.virtual_hosts = {host_of("a", {"*"}, {route})};
  EXPECT_NE(RouteTable::compile(config).error().message.find("virtual_hosts[0].routes[0].route.weighted_clusters"),
            std::string::npos);
}

TEST_F(RouteTables, RefusesSubstitutionsOfGroupsThatAreNotThere) {
  Route route = route_of("r", Path::Prefix, "/");
  auto& action = std::get<RouteAction>(route.action);
  action.path_rewrite.regex = Regex::compile("/(a)").value();
  action.path_rewrite.substitution = "\\2";
  RouteConfig config;
  config.virtual_hosts = {host_of("a", {"*"}, {route})};
  EXPECT_NE(RouteTable::compile(config).error().message.find("routes[0].route.regex_rewrite.substitution"),
            std::string::npos);
}

TEST_F(RouteTables, TheFirstRouteInOrderWinsWhateverItsKind) {
  compile_routes({route_of("regex", Path::Regex, "/a/[0-9]+"), route_of("exact", Path::Exact, "/a/b"),
                  route_of("long", Path::Prefix, "/a/b"), route_of("short", Path::Prefix, "/a"),
                  route_of("late", Path::Prefix, "/a/b/c"), route_of("root", Path::Prefix, "/")});
  EXPECT_EQ(route_for("/a/7"), "regex");
  EXPECT_EQ(route_for("/a/b"), "exact");
  EXPECT_EQ(route_for("/a/bc"), "long");
  EXPECT_EQ(route_for("/a/b/c"), "long") << "the longer prefix comes later, so it loses";
  EXPECT_EQ(route_for("/abc"), "short");
  EXPECT_EQ(route_for("/z"), "root");
}

TEST_F(RouteTables, PathRulesLookAtThePathWithoutQueryAndFragment) {
  compile_routes({route_of("exact", Path::Exact, "/a"), route_of("separated", Path::PathSeparatedPrefix, "/b"),
                  route_of("regex", Path::Regex, "/c[a-z]*")});
  EXPECT_EQ(route_for("/a?x=1"), "exact");
  EXPECT_EQ(route_for("/a#f"), "exact");
  EXPECT_EQ(route_for("/c?x"), "regex");
  EXPECT_EQ(route_for("/b"), "separated");
  EXPECT_EQ(route_for("/b?x"), "separated");
  EXPECT_EQ(route_for("/b/c"), "separated");
  EXPECT_EQ(route_for("/bc"), "");
}

TEST_F(RouteTables, PathParametersAreIgnoredWhereConfigured) {
  RouteConfig config;
  config.virtual_hosts = {host_of("all", {"*"}, {route_of("exact", Path::Exact, "/a")})};
  compile(config);
  EXPECT_EQ(route_for("/a;v=1"), "");
  config.ignore_path_parameters_in_path_matching = true;
  compile(config);
  EXPECT_EQ(route_for("/a;v=1"), "exact");
}

TEST_F(RouteTables, CaseIsIgnoredWhereConfigured) {
  Route prefix = route_of("prefix", Path::Prefix, "/Ab");
  prefix.match.case_sensitive = false;
  compile_routes({route_of("exact", Path::Exact, "/AB/x"), prefix});
  EXPECT_EQ(route_for("/aB/c"), "prefix");
  EXPECT_EQ(route_for("/AB/x"), "exact");
  EXPECT_EQ(route_for("/ab/x"), "prefix");
}

TEST_F(RouteTables, ConnectRoutesTakeConnectOnly) {
  compile_routes({route_of("connect", Path::Connect, ""), route_of("root", Path::Prefix, "/")});
  EXPECT_EQ(route_for(request({{":method", "CONNECT"}, {":authority", "a.com:443"}})), "connect");
  EXPECT_EQ(route_for("/"), "root");
  EXPECT_EQ(route_for(request(
                {{":method", "CONNECT"}, {":protocol", "connect-udp"}, {":authority", "a.com"}, {":path", "/"}})),
            "connect");
  EXPECT_EQ(
      route_for(request({{":method", "CONNECT"}, {":protocol", "websocket"}, {":authority", "a.com"}, {":path", "/"}})),
      "root")
      << "other extended CONNECTs are upgrades";
}

TEST_F(RouteTables, AConnectWithoutPathMatchesNoPathRule) {
  compile_routes(
      {route_of("root", Path::Prefix, "/"), route_of("regex", Path::Regex, ".*"), route_of("empty", Path::Prefix, "")});
  EXPECT_EQ(route_for(request({{":method", "CONNECT"}, {":authority", "a.com:443"}})), "");
}

TEST_F(RouteTables, PredicatesNarrowAPath) {
  Route grpc = route_of("grpc", Path::Prefix, "/");
  grpc.match.is_grpc = true;
  Route query = route_of("query", Path::Prefix, "/");
  query.match.query.push_back({.name = "q", .is_presence = true});
  Route header = route_of("header", Path::Prefix, "/");
  header.match.headers.push_back({.name = "x-a"});
  compile_routes({grpc, query, header, route_of("rest", Path::Prefix, "/")});
  EXPECT_EQ(route_for(get("a", "/", {{"content-type", "application/grpc"}})), "grpc");
  EXPECT_EQ(route_for(get("a", "/", {{"content-type", "application/grpc+proto"}})), "grpc");
  EXPECT_EQ(route_for(get("a", "/", {{"content-type", "application/grpc-web"}})), "rest");
  EXPECT_EQ(route_for("/?q"), "query");
  EXPECT_EQ(route_for("/?a#q"), "rest");
  EXPECT_EQ(route_for(get("a", "/", {{"x-a", ""}})), "header");
}

TEST_F(RouteTables, TheClientCertificateNarrowsARoute) {
  Route presented = route_of("presented", Path::Prefix, "/");
  presented.match.tls_presented = true;
  Route validated = route_of("not validated", Path::Prefix, "/");
  validated.match.tls_validated = false;
  compile_routes({presented, validated});
  EXPECT_EQ(route_for(get("a", "/"), {.tls_peer_presented = true}), "presented");
  EXPECT_EQ(route_for(get("a", "/"), {}), "not validated");
  EXPECT_EQ(route_for(get("a", "/"), {.tls_peer_validated = true}), "");
}

TEST_F(RouteTables, ARuntimeFractionTakesItsShare) {
  Route share = route_of("share", Path::Prefix, "/");
  share.match.runtime_fraction = Fraction{30, 100};
  compile_routes({share, route_of("rest", Path::Prefix, "/")});
  EXPECT_EQ(route_for(get("a", "/"), {.random = 29}), "share");
  EXPECT_EQ(route_for(get("a", "/"), {.random = 30}), "rest");
  EXPECT_EQ(route_for(get("a", "/"), {.random = 129}), "share");
}

TEST_F(RouteTables, TheTenThousandthRouteCostsWhatTheFirstDoes) {
  std::vector<Route> routes;
  for (int i = 0; i < 10000; ++i) {
    const std::string path = "/service" + std::to_string(i) + "/";
    routes.push_back(route_of(path, i % 2 == 0 ? Path::Prefix : Path::PathSeparatedPrefix,
                              i % 2 == 0 ? path : path.substr(0, path.size() - 1)));
  }
  compile_routes(std::move(routes));
  for (const int i : {0, 5000, 9999}) {
    uint64_t tried = 0;
    const std::string path = "/service" + std::to_string(i) + "/";
    const auto head = get("a.com", path + "method");
    const auto result = table_->match(head, {.predicates_tried = &tried});
    ASSERT_NE(result.route, nullptr);
    EXPECT_EQ(result.route->name, path);
    EXPECT_EQ(tried, 1u);
  }
}

/// Small alphabets, so that rules overlap and order matters.
class RandomTables : public RouteTables {
 protected:
  std::string random_path(size_t parts) {
    static constexpr std::string_view kParts[] = {"/", "a", "b", "A", "/a", "/b/", "ab", ";p", "//"};
    std::string path = "/";
    for (size_t i = random_.below(parts + 1); i > 0; --i) path += kParts[random_.below(std::size(kParts))];
    return path;
  }
  std::string random_domain() {
    static constexpr std::string_view kDomains[] = {"a.com", "b.com", "*.com", "*.a.com", "*a.com",
                                                    "a.*",   "a.c*",  "*",     "A.b.com", "x.a.com"};
    return std::string(kDomains[random_.below(std::size(kDomains))]);
  }
  Route random_route() {
    static constexpr std::string_view kRegexes[] = {"/a.*", "/[ab]+", ".*b", "/a/.*|/b"};
    const auto kind = static_cast<Path>(random_.below(5));
    Route route = route_of(
        "r", kind, kind == Path::Regex ? std::string(kRegexes[random_.below(std::size(kRegexes))]) : random_path(3));
    route.match.case_sensitive = random_.below(4) != 0;
    if (random_.below(4) == 0) route.match.headers.push_back({.name = "x", .present = random_.below(2) == 0});
    if (random_.below(6) == 0) route.match.query.push_back({.name = "q", .is_presence = true});
    if (random_.below(6) == 0) route.match.is_grpc = true;
    if (random_.below(6) == 0) route.match.runtime_fraction = Fraction{static_cast<uint32_t>(random_.below(11)), 10};
    return route;
  }
  RouteConfig random_config() {
    RouteConfig config;
    config.ignore_path_parameters_in_path_matching = random_.below(2) == 0;
    config.ignore_port_in_host_matching = random_.below(2) == 0;
    std::vector<std::string> taken;
    for (size_t h = random_.below(5); h > 0; --h) {
      std::string domain = random_domain();
      if (std::find(taken.begin(), taken.end(), domain) != taken.end()) continue;
      taken.push_back(domain);
      config.virtual_hosts.push_back(host_of("h", {domain}));
      for (size_t r = random_.below(25); r > 0; --r) config.virtual_hosts.back().routes.push_back(random_route());
    }
    return config;
  }
  http::RequestHead random_request() {
    static constexpr std::string_view kHosts[] = {"a.com",    "b.com",  "x.a.com", "A.COM", "a.b.com",
                                                  "a.com:80", "xa.com", "a.c",     "",      "z"};
    http::RequestHead head =
        get(kHosts[random_.below(std::size(kHosts))], random_path(5) + (random_.below(3) == 0 ? "?q=1" : ""));
    if (random_.below(10) == 0) {
      head.set(":method", "CONNECT");
      head.remove(":path");
    }
    if (random_.below(2) == 0) head.add("x", "1");
    if (random_.below(3) == 0) head.add("content-type", "application/grpc");
    return head;
  }

  base::Random random_{20261123};
};

TEST_F(RandomTables, MatchAsEnvoysLinearDefinitionDoes) {
  constexpr int kTables = 2000, kRequests = 60;  // 120,000 pairs
  int matched = 0;
  for (int t = 0; t < kTables; ++t) {
    compile(random_config());
    for (int r = 0; r < kRequests; ++r) {
      const auto head = random_request();
      const MatchInput input{.random = random_.next()};
      const auto fast = table_->match(head, input);
      const auto reference = table_->match_linear(head, input);
      ASSERT_EQ(fast.virtual_host, reference.virtual_host) << head.authority();
      ASSERT_EQ(fast.route, reference.route) << "table " << t << ": " << head.path();
      matched += fast.route != nullptr ? 1 : 0;
    }
  }
  EXPECT_GT(matched, kTables * kRequests / 10) << "the tables must match often enough to prove something";
}

class Weighted : public WithHeads {
 protected:
  Weighted() {
    action_.weighted.resize(3);
    action_.weighted[0].weight = 10;
    action_.weighted[1].weight = 0;
    action_.weighted[2].weight = 30;
  }
  size_t pick(const http::RequestHead& head, uint64_t random) {
    return static_cast<size_t>(pick_weighted(action_, head, random) - action_.weighted.data());
  }
  RouteAction action_;
};

TEST_F(Weighted, SharesFollowTheWeights) {
  const auto head = get("a", "/");
  size_t counts[3] = {};
  for (uint64_t random = 0; random < 400; ++random) ++counts[pick(head, random)];
  EXPECT_EQ(counts[0], 100u);
  EXPECT_EQ(counts[1], 0u);
  EXPECT_EQ(counts[2], 300u);
}

TEST_F(Weighted, AHeaderMayReplaceTheRandomNumber) {
  action_.weighted_random_header = "x-bucket";
  EXPECT_EQ(pick(get("a", "/", {{"x-bucket", "5"}}), 39), 0u);
  EXPECT_EQ(pick(get("a", "/", {{"x-bucket", "15"}}), 0), 2u);
  EXPECT_EQ(pick(get("a", "/", {{"x-bucket", "no"}}), 0), 0u);
  EXPECT_EQ(pick_weighted(RouteAction{}, get("a", "/"), 0), nullptr);
}

}  // namespace
}  // namespace weft::proxy
