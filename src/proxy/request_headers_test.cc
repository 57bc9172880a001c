#include "proxy/request_headers.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

class Border : public WithHeads {
 protected:
  RequestOrigin mutate(http::RequestHead& head) {
    const net::Address remote = net::Address::parse(remote_, 4321).value();
    const net::Address local = net::Address::parse("10.0.0.9", 80).value();
    return mutate_request_headers(head, config_, internal_only_,
                                  {.remote = remote, .local = local, .machine_ip = "10.0.0.9", .tls = tls_}, random_);
  }
  RequestOrigin mutate(Lines lines) {
    head_ = get("a.com", "/", lines);
    return mutate(head_);
  }
  void use_remote_address(uint32_t hops = 0) {
    config_.use_remote_address = true;
    config_.xff_num_trusted_hops = hops;
  }
  void trust(std::string_view ip, uint32_t bits) {
    config_.internal_addresses.push_back(net::AddressRange::parse(ip, bits).value());
  }
  std::string value(std::string_view name) { return std::string(head_.find(name).value_or("none")); }

  HcmConfig config_;
  std::vector<std::string> internal_only_;
  std::string remote_ = "192.0.2.1";
  net::TlsInfo info_;
  const net::TlsInfo* tls_ = nullptr;
  base::Random random_{1};
  http::RequestHead head_{pool_};
};

TEST_F(Border, TheDirectPeerEntersForwardedForWhereItIsUsed) {
  use_remote_address();
  auto origin = mutate({});
  EXPECT_EQ(value("x-forwarded-for"), "192.0.2.1");
  EXPECT_EQ(origin.remote.ip(), "192.0.2.1");
  EXPECT_EQ(value("x-envoy-external-address"), "192.0.2.1");
  EXPECT_TRUE(origin.is_edge);
  mutate({{"x-forwarded-for", "1.1.1.1"}});
  EXPECT_EQ(value("x-forwarded-for"), "1.1.1.1,192.0.2.1");
  mutate({{"x-forwarded-for", "1.1.1.1"}, {"x-forwarded-for", "2.2.2.2"}});
  EXPECT_EQ(value("x-forwarded-for"), "1.1.1.1,2.2.2.2,192.0.2.1");
  config_.skip_xff_append = true;
  mutate({{"x-forwarded-for", "1.1.1.1"}});
  EXPECT_EQ(value("x-forwarded-for"), "1.1.1.1");
}

TEST_F(Border, AnEmptyForwardedForIsNoEntry) {
  use_remote_address();
  mutate({{"x-forwarded-for", ""}});
  EXPECT_EQ(value("x-forwarded-for"), "192.0.2.1");
}

TEST_F(Border, TheLimitOfTheUpstreamHalfIsTakenFromInternalCallersOnly) {
  mutate({{"x-envoy-upstream-stream-duration-ms", "5"}});
  EXPECT_EQ(value("x-envoy-upstream-stream-duration-ms"), "none");
}

TEST_F(Border, ALoopbackPeerEntersForwardedForAsThisMachine) {
  use_remote_address();
  remote_ = "127.0.0.1";
  const auto origin = mutate({});
  EXPECT_EQ(value("x-forwarded-for"), "10.0.0.9");
  EXPECT_EQ(value("x-envoy-external-address"), "127.0.0.1");
  EXPECT_EQ(origin.remote.ip(), "127.0.0.1");
  EXPECT_FALSE(origin.is_internal);
}

TEST_F(Border, TrustedHopsNameTheClient) {
  use_remote_address(1);
  EXPECT_EQ(mutate({{"x-forwarded-for", "1.1.1.1, 2.2.2.2"}}).remote.ip(), "2.2.2.2");
  use_remote_address(2);
  EXPECT_EQ(mutate({{"x-forwarded-for", "1.1.1.1, 2.2.2.2"}}).remote.ip(), "1.1.1.1");
  EXPECT_EQ(mutate({{"x-forwarded-for", "1.1.1.1"}}).remote.ip(), "192.0.2.1") << "too few hops: the direct peer";
  EXPECT_EQ(mutate({{"x-forwarded-for", "x, 2.2.2.2"}}).remote.ip(), "192.0.2.1");
}

TEST_F(Border, WithoutUseRemoteAddressForwardedForIsReadAndLeft) {
  auto origin = mutate({{"x-forwarded-for", "1.1.1.1, 2.2.2.2"}});
  EXPECT_EQ(origin.remote.ip(), "2.2.2.2");
  EXPECT_EQ(value("x-forwarded-for"), "1.1.1.1, 2.2.2.2");
  EXPECT_FALSE(origin.is_edge);
  EXPECT_EQ(value("x-envoy-external-address"), "none");
  config_.xff_num_trusted_hops = 1;
  EXPECT_EQ(mutate({{"x-forwarded-for", "1.1.1.1, 2.2.2.2"}}).remote.ip(), "1.1.1.1");
  EXPECT_EQ(mutate({}).remote.ip(), "192.0.2.1");
}

TEST_F(Border, OnlyASingleAddressInsideTheConfiguredRangesIsInternal) {
  trust("192.0.2.0", 24);
  use_remote_address();
  EXPECT_TRUE(mutate({}).is_internal);
  EXPECT_EQ(value("x-envoy-internal"), "true");
  EXPECT_EQ(value("x-envoy-external-address"), "none");
  EXPECT_FALSE(mutate({{"x-forwarded-for", "192.0.2.7"}}).is_internal) << "somebody came before the peer";
  EXPECT_EQ(value("x-envoy-internal"), "none");
  config_.use_remote_address = false;
  EXPECT_TRUE(mutate({{"x-forwarded-for", "192.0.2.7"}}).is_internal);
  EXPECT_FALSE(mutate({{"x-forwarded-for", "192.0.2.7,192.0.2.8"}}).is_internal);
  EXPECT_FALSE(mutate({}).is_internal) << "no header: external, whatever the peer is";
  EXPECT_FALSE(mutate({{"x-forwarded-for", "198.51.100.1"}}).is_internal);
}

TEST_F(Border, PrivateAndLoopbackAddressesAreNotInternalByThemselves) {
  use_remote_address();
  for (const std::string ip : {"127.0.0.1", "10.1.1.1", "192.168.1.1", "::1"}) {
    remote_ = ip;
    EXPECT_FALSE(mutate({}).is_internal) << ip;
  }
}

TEST_F(Border, AClaimToBeInternalIsNotBelieved) {
  mutate({{"x-envoy-internal", "true"}});
  EXPECT_EQ(value("x-envoy-internal"), "none");
}

constexpr std::string_view kControlHeaders[] = {"x-envoy-retriable-status-codes",
                                                "x-envoy-retriable-header-names",
                                                "x-envoy-retry-on",
                                                "x-envoy-retry-grpc-on",
                                                "x-envoy-max-retries",
                                                "x-envoy-upstream-alt-stat-name",
                                                "x-envoy-upstream-rq-timeout-ms",
                                                "x-envoy-upstream-rq-per-try-timeout-ms",
                                                "x-envoy-upstream-rq-timeout-alt-response",
                                                "x-envoy-expected-rq-timeout-ms",
                                                "x-envoy-force-trace",
                                                "x-envoy-ip-tags",
                                                "x-envoy-original-url",
                                                "x-envoy-hedge-on-per-try-timeout"};
constexpr std::string_view kEdgeHeaders[] = {"x-envoy-decorator-operation", "x-envoy-downstream-service-cluster",
                                             "x-envoy-downstream-service-node", "x-envoy-original-path",
                                             "x-envoy-original-host"};

TEST_F(Border, ControlHeadersAreForInternalCallersOnly) {
  internal_only_ = {"x-mine"};
  const auto send_all = [&] {
    head_ = get("a.com", "/", {{"x-mine", "1"}, {"x-other", "1"}});
    for (const std::string_view name : kControlHeaders) head_.add(name, "1");
    for (const std::string_view name : kEdgeHeaders) head_.add(name, "1");
    mutate(head_);
  };
  send_all();
  for (const std::string_view name : kControlHeaders) EXPECT_FALSE(head_.find(name)) << name;
  for (const std::string_view name : kEdgeHeaders) EXPECT_TRUE(head_.find(name)) << name << " goes at the edge only";
  EXPECT_FALSE(head_.find("x-mine"));
  EXPECT_TRUE(head_.find("x-other"));

  use_remote_address();
  send_all();
  for (const std::string_view name : kControlHeaders) EXPECT_FALSE(head_.find(name)) << name;
  for (const std::string_view name : kEdgeHeaders) EXPECT_FALSE(head_.find(name)) << name;

  trust("192.0.2.0", 24);
  send_all();
  for (const std::string_view name : kControlHeaders) EXPECT_TRUE(head_.find(name)) << name;
  for (const std::string_view name : kEdgeHeaders) EXPECT_TRUE(head_.find(name)) << name;
  EXPECT_TRUE(head_.find("x-mine"));
}

TEST_F(Border, SchemeAndForwardedProtoAgreeWithTheConnectionUnlessTrustSaysOtherwise) {
  const auto without_scheme = [&](Lines lines) {
    head_ = request({{":method", "GET"}, {":authority", "a.com"}, {":path", "/"}});
    for (const auto& [name, text] : lines) head_.add(name, text);
    mutate(head_);
  };
  without_scheme({});
  EXPECT_EQ(value(":scheme") + value("x-forwarded-proto"), "httphttp");
  without_scheme({{"x-forwarded-proto", "https"}});
  EXPECT_EQ(value(":scheme") + value("x-forwarded-proto"), "httpshttps") << "a trusted hop said so";
  without_scheme({{"x-forwarded-proto", "gopher"}});
  EXPECT_EQ(value(":scheme"), "http");
  use_remote_address();
  without_scheme({{"x-forwarded-proto", "https"}});
  EXPECT_EQ(value(":scheme") + value("x-forwarded-proto"), "httphttp") << "an edge believes nobody";
  use_remote_address(1);
  without_scheme({{"x-forwarded-proto", "https"}});
  EXPECT_EQ(value("x-forwarded-proto"), "https");
  use_remote_address();
  tls_ = &info_;
  without_scheme({});
  EXPECT_EQ(value(":scheme") + value("x-forwarded-proto"), "httpshttps");
  config_.scheme_overwrite = "http";
  without_scheme({});
  EXPECT_EQ(value(":scheme") + value("x-forwarded-proto"), "httphttp");
}

TEST_F(Border, TheForwardedPortIsOursUnlessATrustedProxySaidIt) {
  mutate({});
  EXPECT_EQ(value("x-forwarded-port"), "none") << "only where configured";
  config_.append_x_forwarded_port = true;
  mutate({});
  EXPECT_EQ(value("x-forwarded-port"), "80");
  mutate({{"x-forwarded-port", "8443"}});
  EXPECT_EQ(value("x-forwarded-port"), "8443") << "without use_remote_address everybody in front is trusted";
  use_remote_address();
  mutate({{"x-forwarded-port", "8443"}});
  EXPECT_EQ(value("x-forwarded-port"), "80");
  use_remote_address(1);
  mutate({{"x-forwarded-port", "8443"}});
  EXPECT_EQ(value("x-forwarded-port"), "8443");
}

TEST_F(Border, TheProxyNamesItselfWhereAsked) {
  config_.user_agent = "shop";
  config_.node_id = "shop-1";
  mutate({});
  EXPECT_EQ(value("user-agent"), "shop");
  EXPECT_EQ(value("x-envoy-downstream-service-cluster"), "shop");
  EXPECT_EQ(value("x-envoy-downstream-service-node"), "shop-1");
  mutate({{"user-agent", "curl"}, {"x-envoy-downstream-service-cluster", "other"}});
  EXPECT_EQ(value("user-agent"), "curl");
  EXPECT_EQ(value("x-envoy-downstream-service-cluster"), "shop");
}

TEST_F(Border, HopByHopHeadersStayHere) {
  mutate({{"connection", "keep-alive"},
          {"keep-alive", "5"},
          {"proxy-connection", "x"},
          {"transfer-encoding", "chunked"},
          {"http2-settings", "x"},
          {"te", "gzip, trailers;q=0.5"}});
  for (const std::string_view name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "http2-settings"}) {
    EXPECT_FALSE(head_.find(name)) << name;
  }
  EXPECT_EQ(value("te"), "trailers");
  mutate({{"te", "gzip"}});
  EXPECT_EQ(value("te"), "none");
  mutate({{"connection", "upgrade"}, {"upgrade", "websocket"}});
  EXPECT_EQ(value("connection") + value("upgrade"), "upgradewebsocket") << "an upgrade goes on";
}

TEST_F(Border, HeadersNamedInConnectionAreDropped) {
  head_ =
      get("a.com", "/", {{"connection", "X-Drop, close, te"}, {"x-drop", "1"}, {"x-keep", "1"}, {"te", "trailers"}});
  EXPECT_TRUE(remove_connection_named_headers(head_));
  EXPECT_EQ(value("x-drop"), "none");
  EXPECT_EQ(value("x-keep"), "1");
  EXPECT_EQ(value("te"), "trailers");
  for (const std::string_view name : {"x-forwarded-for", "X-Forwarded-Proto", "x-forwarded-host", ":path"}) {
    auto bad = get("a.com", "/", {{"connection", name}});
    EXPECT_FALSE(remove_connection_named_headers(bad)) << name;
  }
  auto many = get("a.com", "/", {{"connection", "a,b,c,d,e,f,g,h,i,j"}});
  EXPECT_FALSE(remove_connection_named_headers(many));
}

TEST_F(Border, ABrokenRefererIsDropped) {
  for (const std::string_view good : {"http://a.com/x?y", "https://a.com", "/relative"}) {
    mutate({{"referer", good}});
    EXPECT_EQ(value("referer"), good);
  }
  for (const std::string_view bad : {"a.com", "http://", "http://u@a.com/", "http://a.com/#f", ""}) {
    mutate({{"referer", bad}});
    EXPECT_EQ(value("referer"), "none") << bad;
  }
  mutate({{"referer", "/a"}, {"referer", "/b"}});
  EXPECT_EQ(value("referer"), "none");
}

TEST_F(Border, ViaIsAppended) {
  config_.via = "weft";
  mutate({});
  EXPECT_EQ(value("via"), "weft");
  mutate({{"via", "1.1 a"}});
  EXPECT_EQ(value("via"), "1.1 a, weft");
}

TEST_F(Border, AnIpv4PeerMayBeWrittenAsIpv6) {
  use_remote_address();
  config_.represent_ipv4_as_ipv4_mapped_ipv6 = true;
  mutate({});
  EXPECT_EQ(value("x-forwarded-for"), "::ffff:192.0.2.1");
  EXPECT_EQ(value("x-envoy-external-address"), "192.0.2.1");
}

TEST_F(Border, ARequestIdIsMadeKeptOrReplaced) {
  mutate({});
  const std::string made = value("x-request-id");
  ASSERT_EQ(made.size(), 36u);
  for (const size_t dash : {8u, 13u, 18u, 23u}) EXPECT_EQ(made[dash], '-');
  EXPECT_EQ(made[14], '4') << "version 4, which is also Envoy's \"not traced\"";
  EXPECT_NE(std::string("89ab").find(made[19]), std::string::npos);
  mutate({});
  EXPECT_NE(value("x-request-id"), made);

  mutate({{"x-request-id", "mine"}});
  EXPECT_EQ(value("x-request-id"), "mine") << "not the edge";
  use_remote_address();
  mutate({{"x-request-id", "mine"}});
  EXPECT_NE(value("x-request-id"), "mine");
  config_.preserve_external_request_id = true;
  mutate({{"x-request-id", "mine"}});
  EXPECT_EQ(value("x-request-id"), "mine");
  mutate({{"x-request-id", "11111111-2222-9333-8444-555555555555"}});
  EXPECT_EQ(value("x-request-id"), "11111111-2222-4333-8444-555555555555") << "a stranger does not switch tracing on";
  config_.generate_request_id = false;
  mutate({});
  EXPECT_EQ(value("x-request-id"), "none");
}

TEST_F(Border, HostsAreNormalisedAsConfigured) {
  const auto normalised = [&](std::string_view authority, std::string_view method = "GET") {
    auto head = request({{":method", method}, {":authority", authority}, {":path", "/"}});
    normalize_host(head, config_, 80);
    return std::string(head.authority());
  };
  EXPECT_EQ(normalised("a.com.:80"), "a.com.:80");
  config_.strip_trailing_host_dot = true;
  EXPECT_EQ(normalised("a.com.:80"), "a.com:80");
  EXPECT_EQ(normalised("a.com."), "a.com");
  EXPECT_EQ(normalised("[::1]:80"), "[::1]:80");
  config_.strip_matching_host_port = true;
  EXPECT_EQ(normalised("a.com:80"), "a.com");
  EXPECT_EQ(normalised("a.com:81"), "a.com:81");
  EXPECT_EQ(normalised("[::1]:80"), "[::1]");
  EXPECT_EQ(normalised("[::1]"), "[::1]");
  config_.strip_any_host_port = true;
  EXPECT_EQ(normalised("a.com:81"), "a.com");
  EXPECT_EQ(normalised("a.com.:81"), "a.com");
  EXPECT_EQ(normalised("a.com:443", "CONNECT"), "a.com:443");
}

class Answers : public Border {
 protected:
  http::ResponseHead mutated(Lines lines, Lines request_lines = {}) {
    auto answer = response(200, lines);
    const auto head = get("a.com", "/", request_lines);
    mutate_response_headers(answer, head, config_, "now");
    return answer;
  }
};

TEST_F(Answers, DateIsKeptAndServerFollowsItsTransformation) {
  EXPECT_EQ(mutated({}).get("date"), "now");
  EXPECT_EQ(mutated({{"date", "then"}}).get("date"), "then");
  EXPECT_EQ(mutated({{"server", "nginx"}}).get("server"), "envoy");
  config_.server_name = "weft";
  config_.server_header = HcmConfig::ServerHeader::AppendIfAbsent;
  EXPECT_EQ(mutated({{"server", "nginx"}}).get("server"), "nginx");
  EXPECT_EQ(mutated({}).get("server"), "weft");
  config_.server_header = HcmConfig::ServerHeader::PassThrough;
  EXPECT_FALSE(mutated({}).find("server"));
}

TEST_F(Answers, HopByHopHeadersStayHereAndViaIsAppended) {
  config_.via = "weft";
  const auto answer = mutated({{"connection", "close"},
                               {"keep-alive", "5"},
                               {"transfer-encoding", "chunked"},
                               {"proxy-connection", "x"},
                               {"upgrade", "h2c"}});
  for (const std::string_view name : {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "upgrade"})
    EXPECT_FALSE(answer.find(name)) << name;
  EXPECT_EQ(answer.get("via"), "weft");
}

TEST_F(Answers, TheRequestIdGoesBackWhereAsked) {
  EXPECT_FALSE(mutated({}, {{"x-request-id", "i"}}).find("x-request-id"));
  EXPECT_EQ(mutated({}, {{"x-request-id", "i"}, {"x-envoy-force-trace", "1"}}).get("x-request-id"), "i");
  config_.always_set_request_id_in_response = true;
  EXPECT_EQ(mutated({}, {{"x-request-id", "i"}}).get("x-request-id"), "i");
}

TEST_F(Border, StrictHeadersMustBeWellFormed) {
  const std::vector<std::string> strict = {"x-envoy-upstream-rq-timeout-ms", "x-envoy-max-retries", "x-envoy-retry-on"};
  EXPECT_FALSE(
      find_invalid_header(strict, get("a", "/", {{"x-envoy-max-retries", "3"}, {"x-envoy-retry-on", "5xx,reset"}})));
  const auto number = find_invalid_header(strict, get("a", "/", {{"x-envoy-max-retries", "many"}}));
  ASSERT_TRUE(number);
  EXPECT_EQ(number->name + "=" + number->value, "x-envoy-max-retries=many");
  EXPECT_TRUE(find_invalid_header(strict, get("a", "/", {{"x-envoy-retry-on", "5xx,often"}})));
  EXPECT_FALSE(find_invalid_header({}, get("a", "/", {{"x-envoy-max-retries", "many"}})));
}

}  // namespace
}  // namespace weft::proxy
