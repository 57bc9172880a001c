#include "observe/format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/random.h"
#include "observe/format_time.h"

namespace weft::observe {
namespace {

class Headers final : public HeaderLookup {
 public:
  using Lines = std::map<std::string, std::string>;
  explicit Headers(Lines lines) : lines_(std::move(lines)) {}
  std::optional<std::string_view> find(std::string_view name) const override {
    auto found = lines_.find(std::string(name));
    if (found == lines_.end()) return std::nullopt;
    return found->second;
  }
  size_t bytes() const override {
    size_t sum = 0;
    for (const auto& [name, value] : lines_) sum += name.size() + value.size();
    return sum;
  }

 private:
  Lines lines_;
};

/// A request like the one of Envoy's documentation.
struct Example {
  Headers request{Headers::Lines{{":method", "POST"},
                                 {":path", "/api/v1/items?a=1&b=x%20y&a=2"},
                                 {":authority", "shop.example"},
                                 {"user-agent", "curl/8"},
                                 {"x-request-id", "cc21d9b0"},
                                 {"content-type", "application/grpc"}}};
  Headers response{Headers::Lines{{"server", "envoy"}, {"x-envoy-upstream-service-time", "100"}}};
  Headers trailers{Headers::Lines{{"grpc-status", "4"}}};
  TlsEnd downstream, upstream;
  RequestInfo info;

  Example() {
    info.start = base::WallTime(base::milliseconds(1460751420310));  // 2016-04-15T20:17:00.310Z
    info.protocol = "HTTP/2";
    info.upstream_protocol = "HTTP/1.1";
    info.response_code = 204;
    info.response_code_details = "via upstream";
    info.bytes_sent = 154;
    info.duration = base::milliseconds(226);
    info.request_received = base::milliseconds(3);
    info.first_upstream_tx = base::milliseconds(5);
    info.last_upstream_tx = base::milliseconds(6);
    info.first_upstream_rx = base::milliseconds(100);
    info.last_upstream_rx = base::milliseconds(220);
    info.last_downstream_tx = base::milliseconds(226) + base::Duration(1500);
    info.upstream_host = "10.0.2.1:80";
    info.upstream_connection_id = 9;
    info.upstream_cluster = "items";
    info.downstream_remote_address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:4321";
    info.downstream_direct_remote_address = "10.1.10.23:55";
    info.downstream_local_address = "@abstract";
    info.attempt_count = 2;
    info.connection_id = 7;
    info.request_headers = &request;
    info.response_headers = &response;
    info.response_trailers = &trailers;
    downstream.version = "TLSv1.3";
    downstream.peer_uri_san = "spiffe://a/b";
    downstream.peer_not_before = "2026-11-22T10:00:00.000Z";
    upstream.server_name = "items.internal";
    info.downstream_tls = &downstream;
    info.upstream_tls = &upstream;
  }
};

std::string text(std::string_view format, const RequestInfo& info, bool omit = false) {
  auto parsed = Format::parse_text(format, omit);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  std::string out;
  if (parsed) (*parsed)->append(out, info);
  return out;
}
std::string text(std::string_view format) { return text(format, Example().info); }

std::string json(std::string_view format, const RequestInfo& info, bool omit = false, bool sort = true) {
  auto parsed = Format::parse_json(format, omit, sort);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  std::string out;
  if (parsed) (*parsed)->append(out, info);
  return out;
}

std::string fault(std::string_view format) {
  auto parsed = Format::parse_text(format);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(Format, MetadataIsFoundByPath) {
  Example example;
  const Metadata metadata(
      R"({"ns": {"text": "a\nb", "n": 7, "none": null, "list": [1, {"b": 1, "a": 2}], "o": {"z": 1, "a": {"deep": "down"}}}})");
  example.info.set(MetadataSource::Route, &metadata);
  const auto in_text = [&](const std::string& format) { return text(format, example.info); };
  EXPECT_EQ(in_text("%METADATA(ROUTE:ns:text)% %METADATA(ROUTE:ns:n)% %METADATA(ROUTE:ns:text):1%"), "a\\nb 7 a");
  EXPECT_EQ(in_text("%METADATA(ROUTE:ns:list)% %METADATA(ROUTE:ns:o:a:deep)% %METADATA(ROUTE:ns:o)%"),
            R"([1,{"a":2,"b":1}] down {"a":{"deep":"down"},"z":1})");
  EXPECT_EQ(in_text("%METADATA(ROUTE:ns:none)% %METADATA(ROUTE:ns:x)% %METADATA(ROUTE:x)% %METADATA(ROUTE)%"),
            "- - - -");
  EXPECT_EQ(in_text("%METADATA(CLUSTER:ns:n)% %CLUSTER_METADATA(ns:n)% %METADATA(DYNAMIC:ns:n)%"), "- - -");
  example.info.set(MetadataSource::Cluster, &metadata);
  EXPECT_EQ(in_text("%METADATA(CLUSTER:ns:n)% %CLUSTER_METADATA(ns:n)% %UPSTREAM_METADATA(ns:n)%"), "7 7 -");
  EXPECT_EQ(
      json(R"j({"n": "%METADATA(ROUTE:ns:n)%", "o": "%METADATA(ROUTE:ns:o)%", "cut": "%METADATA(ROUTE:ns:o):3%"})j",
           example.info),
      R"({"cut":"{\"a","n":7,"o":{"a":{"deep":"down"},"z":1}})"
      "\n");
  EXPECT_EQ(fault("%METADATA(X:a)%"),
            "column 1: %METADATA%: \"X\" must be one of ROUTE, VIRTUAL_HOST, CLUSTER, UPSTREAM_HOST, LISTENER, "
            "LISTENER_FILTER_CHAIN, DYNAMIC");
}

TEST(Format, WhatIsNoMetadataHoldsNothing) {
  for (const std::string_view hostile : {"", "[]", "{\"a\": 1", "{\"a\": null}", "{\"a\": {\"b:c\": null}}"})
    EXPECT_EQ(Metadata(hostile).find("a:b"), nullptr) << hostile;
}

TEST(Format, TheDefaultLineIsEnvoys) {
  std::string out;
  Format::default_log_line()->append(out, Example().info);
  EXPECT_EQ(
      out,
      "[2016-04-15T20:17:00.310Z] \"POST /api/v1/items?a=1&b=x%20y&a=2 HTTP/2\" 204 - 0 154 226 100 \"-\" \"curl/8\" "
      "\"cc21d9b0\" \"shop.example\" \"10.0.2.1:80\"\n");
}

TEST(Format, AnEmptyRequestHasDashes) {
  std::string out;
  Format::default_log_line()->append(out, RequestInfo());
  EXPECT_EQ(out, "[1970-01-01T00:00:00.000Z] \"- - -\" 0 - 0 0 - - \"-\" \"-\" \"-\" \"-\" \"-\"\n");
  EXPECT_EQ(text("<%REQ(X)%>", RequestInfo(), true), "<>");
}

TEST(Format, HeadersHaveAlternativesAndLengths) {
  EXPECT_EQ(text("%REQ(User-Agent)%"), "curl/8");
  EXPECT_EQ(text("%REQ(X-NONE?USER-AGENT):4%"), "curl");
  EXPECT_EQ(text("%REQUEST_HEADER(x-none?x-neither)%"), "-");
  EXPECT_EQ(text("%RESP(SERVER)% %TRAILER(grpc-status)% %RESPONSE_TRAILER(x)%"), "envoy 4 -");
  EXPECT_EQ(text("%REQ_WITHOUT_QUERY(:PATH)%"), "/api/v1/items");
  EXPECT_EQ(text("%RESPONSE_HEADERS_BYTES% %RESPONSE_TRAILERS_BYTES%"), "43 12");
}

TEST(Format, PathsAndQueryParameters) {
  EXPECT_EQ(text("%PATH%"), "/api/v1/items?a=1&b=x%20y&a=2");
  EXPECT_EQ(text("%PATH(NQ)% %PATH(WQ:ORIG)% %PATH(NQ:PATH):4%"), "/api/v1/items - /api");
  EXPECT_EQ(text("%QUERY_PARAM(a)% %QUERY_PARAM(b)% %QUERY_PARAM(c)% %QUERY_PARAM(b):1%"), "1 x y - x");
  EXPECT_EQ(text("%QUERY_PARAMS% %QUERY_PARAMS(DECODED)%"), "a=1&b=x%20y&a=2 a=1&b=x y&a=2");
}

TEST(Format, TimesFollowTheirFormats) {
  EXPECT_EQ(text("%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%"), "2016/04/15T20:17:00+0000 1460751420");
  EXPECT_EQ(text("%START_TIME(%s.%3f)% %START_TIME(%f)% %START_TIME(%6f)%"), "1460751420.310 310000000 310000");
  EXPECT_EQ(text("%START_TIME(%E*S|%E3f|%Ez|%E4Y|%ET|%%)%"), "00.31|310|+00:00|2016|T|%");
  EXPECT_EQ(text("%START_TIME(%a %b %e %T %y (x))%"), "Fri Apr 15 20:17:00 16 (x)");
  EXPECT_EQ(text("%START_TIME(%j %u %Z %c)%"), "106 5 UTC Fri Apr 15 20:17:00 2016");
  EXPECT_EQ(text("%START_TIME(%-d)% %START_TIME(%F %D %R)%"), "15 2016-04-15 04/15/16 20:17");
  EXPECT_EQ(text("%EMIT_TIME%"), "2016-04-15T20:17:00.536Z");
  EXPECT_EQ(text("%DOWNSTREAM_PEER_CERT_V_START% %DOWNSTREAM_PEER_CERT_V_START(%s)%"),
            "2026-11-22T10:00:00.000Z 1795341600");
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59.000Z"), base::WallTime(std::chrono::seconds(9223372036)));
}

TEST(Format, LocalTimesUseTheZone) {
  setenv("TZ", "UTC-5:30", 1);
  tzset();
  EXPECT_EQ(text("%START_TIME_LOCAL(%H:%M %z)%"), "01:47 +0530");
  unsetenv("TZ");
  tzset();
}

TEST(Format, DurationsAreMillisecondsOrAsAsked) {
  EXPECT_EQ(text("%DURATION% %REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION%"),
            "226 3 6 100 126");
  EXPECT_EQ(text("%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)% %COMMON_DURATION(US_TX_BEG:US_RX_BEG:ms)%"), "226001 95");
  EXPECT_EQ(text("%COMMON_DURATION(US_RX_BEG:US_TX_END:ns)%"), "-94000000")
      << "the later point first gives a negative number";
  EXPECT_EQ(text("%COMMON_DURATION(DS_TX_BEG:DS_TX_END:ms)% %ROUNDTRIP_DURATION% %DOWNSTREAM_HANDSHAKE_DURATION%"),
            "- - -");
}

TEST(Format, DurationsCountFromPointsOfTheUpstreamConnectionToo) {
  Example example;
  example.info.upstream_connect_begin = base::milliseconds(-7);
  example.info.upstream_connect_end = base::milliseconds(1);
  example.info.first_upstream_body_rx = base::milliseconds(110);
  EXPECT_EQ(text("%COMMON_DURATION(US_CX_BEG:US_CX_END:ms)% %COMMON_DURATION(US_CX_END:US_HS_END:ms)% "
                 "%COMMON_DURATION(US_RX_BEG:US_RX_BODY_BEG:us)%",
                 example.info),
            "8 - 10000");
  EXPECT_EQ(text("%COMMON_DURATION(DS_RX_BEG:my.filter:ms)%", example.info), "-") << "a name that nothing set";
}

TEST(Format, BytesOnTheWireOfBothSides) {
  Example example;
  example.info.downstream_bytes = {1, 2, 3, 4, 5, 6};
  example.info.upstream_bytes = {11, 12, 13, 14, 15, 16};
  for (const auto& [side, first] : {std::pair("DOWNSTREAM", 1), std::pair("UPSTREAM", 11)}) {
    int value = first;
    for (const char* what : {"WIRE_BYTES", "HEADER_BYTES", "DECOMPRESSED_HEADER_BYTES"}) {
      for (const char* way : {"SENT", "RECEIVED"}) {
        const std::string name = std::string("%") + side + "_" + what + "_" + way + "%";
        EXPECT_EQ(text(name, example.info), std::to_string(value++)) << name;
      }
    }
  }
  EXPECT_EQ(json(R"({"a":"%UPSTREAM_WIRE_BYTES_SENT%"})", RequestInfo()), "{\"a\":0}\n");
}

TEST(Format, AttemptedHostsAreListedInOrder) {
  Example example;
  EXPECT_EQ(text("%UPSTREAM_HOSTS_ATTEMPTED% %UPSTREAM_CONNECTION_IDS_ATTEMPTED%", RequestInfo()), "- -");
  example.info.earlier_attempts = {{"10.0.2.9:80", "nine.example:80", 3}, {"10.0.2.8:80", "", 0}};
  example.info.upstream_connection_id = 5;
  EXPECT_EQ(text("%UPSTREAM_HOSTS_ATTEMPTED% %UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%", example.info),
            "10.0.2.9:80,10.0.2.8:80,10.0.2.1:80 10.0.2.9,10.0.2.8,10.0.2.1");
  EXPECT_EQ(text("%UPSTREAM_HOST_NAMES_ATTEMPTED% %UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT%", example.info),
            "nine.example:80,10.0.2.8:80,10.0.2.1:80 nine.example,10.0.2.8,10.0.2.1");
  EXPECT_EQ(text("%UPSTREAM_CONNECTION_IDS_ATTEMPTED%", example.info), "3,5") << "one attempt got no connection";
}

// As in Envoy where nothing sets such a thing.
TEST(Format, WhatNothingSetsIsAbsent) {
  EXPECT_EQ(text("%DYNAMIC_METADATA(a:b):3% %FILTER_STATE(k:PLAIN)% %UPSTREAM_FILTER_STATE(k)% %TRACE_ID% %SPAN_ID%"),
            "- - - - -");
  EXPECT_EQ(text("%TLS_JA3_FINGERPRINT% %TLS_JA4_FINGERPRINT% %UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID%"), "- - -");
  EXPECT_EQ(text("<%CUSTOM_FLAGS%>"), "<>");
  EXPECT_EQ(json(R"({"a":"%TRACE_ID%"})", RequestInfo()), "{\"a\":null}\n");
}

TEST(Format, AddressesAreCutAndMasked) {
  EXPECT_EQ(text("%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%"),
            "10.0.2.1:80 10.0.2.1 80");
  EXPECT_EQ(text("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%"),
            "2001:db8:1234:5678:9abc:def0:1234:5678 4321");
  EXPECT_EQ(text("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(64)%"), "2001:db8:1234:5678::/64");
  EXPECT_EQ(text("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(16)%"), "10.1.0.0/16");
  EXPECT_EQ(text("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(33)%"), "-");
  EXPECT_EQ(text("%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%"),
            "@abstract @abstract -");
  EXPECT_EQ(text("%UPSTREAM_HOST_NAME% %UPSTREAM_HOST_NAME_WITHOUT_PORT%"), "10.0.2.1:80 10.0.2.1");
}

TEST(Format, FlagsHaveShortAndLongNames) {
  Example example;
  EXPECT_EQ(text("%RESPONSE_FLAGS%", example.info, true), "-");
  example.info.flags = kUpstreamConnectionFailure | kUpstreamRetryLimitExceeded;
  EXPECT_EQ(text("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", example.info),
            "URX,UF UpstreamRetryLimitExceeded,UpstreamConnectionFailure");
  EXPECT_EQ(response_flag_of("UDO"), static_cast<uint64_t>(kUnconditionalDropOverload));
  EXPECT_EQ(response_flag_of("XX"), 0u);
}

TEST(Format, DetailsHaveNoBlanksUnlessAsked) {
  EXPECT_EQ(text("%RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%"), "via_upstream via upstream");
}

TEST(Format, GrpcStatusComesFromTrailersThenHeadersThenHttp) {
  Example example;
  EXPECT_EQ(text("%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%", example.info),
            "DeadlineExceeded DEADLINE_EXCEEDED 4 4");
  example.info.response_trailers = nullptr;
  example.info.response_code = 503;
  EXPECT_EQ(text("%GRPC_STATUS%", example.info), "Unavailable");
  Headers odd(Headers::Lines{{"grpc-status", "99"}});
  example.info.response_headers = &odd;
  EXPECT_EQ(text("%GRPC_STATUS%", example.info), "99");
  Headers no_number(Headers::Lines{{"grpc-status", "x"}});
  example.info.response_headers = &no_number;
  EXPECT_EQ(text("%GRPC_STATUS%", example.info), "-1");
  Headers plain(Headers::Lines{{"content-type", "text/plain"}});
  example.info.request_headers = &plain;
  EXPECT_EQ(text("%GRPC_STATUS%", example.info), "-");
}

TEST(Format, TlsAndNames) {
  Example example;
  EXPECT_EQ(text("%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_SUBJECT% %UPSTREAM_SERVER_NAME%",
                 example.info),
            "TLSv1.3 spiffe://a/b - items.internal");
  example.info.downstream_tls = nullptr;
  EXPECT_EQ(text("%DOWNSTREAM_TLS_VERSION%", example.info), "-");
  EXPECT_EQ(text("%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%", example.info), "items items");
  example.info.upstream_cluster_alt_name = "alt";
  EXPECT_EQ(text("%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%", example.info), "alt items");
  EXPECT_EQ(text("%STREAM_ID% %CONNECTION_ID% %ACCESS_LOG_TYPE% %BYTES_RETRANSMITTED%", example.info),
            "cc21d9b0 7 DownstreamEnd 0");
}

TEST(Format, TheServerNameFallsBackToTheHost) {
  Example example;
  EXPECT_EQ(text("%REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(SNI_FIRST)% %REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)%",
                 example.info),
            "- shop.example -");
  example.info.requested_server_name = "sni.example";
  EXPECT_EQ(text("%REQUESTED_SERVER_NAME(SNI_FIRST:HOST)% %REQUESTED_SERVER_NAME(HOST_FIRST)%", example.info),
            "sni.example shop.example");
}

TEST(Format, CoalesceTakesTheFirstThatIsThere) {
  EXPECT_EQ(
      text(
          R"(%COALESCE({"operators": ["REQUESTED_SERVER_NAME", {"command": "REQ", "param": ":authority", "max_length": 4}]})%)"),
      "shop");
  EXPECT_EQ(text(R"(%COALESCE({"operators": ["ROUTE_NAME"]})%)"), "-");
  EXPECT_EQ(text(R"(%COALESCE({"operators": [{"command": "REQ", "param": ":authority"}]}):2%)"), "sh");
}

TEST(Format, UniqueIdsAreUuids) {
  Example example;
  EXPECT_EQ(text("%UNIQUE_ID%", example.info), "-");
  base::Random random(1);
  example.info.random = &random;
  std::string id = text("%UNIQUE_ID%", example.info);
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_NE(id, text("%UNIQUE_ID%", example.info));
}

TEST(Format, TheEnvironmentIsReadWhenParsed) {
  setenv("WEFT_FORMAT_TEST", "abc", 1);
  auto format = *Format::parse_text("%ENVIRONMENT(WEFT_FORMAT_TEST):2% %ENVIRONMENT(WEFT_NOT_SET)%");
  unsetenv("WEFT_FORMAT_TEST");
  std::string out;
  format->append(out, RequestInfo());
  EXPECT_EQ(out, "ab -");
  EXPECT_NE(text("%HOSTNAME%"), "-");
}

TEST(Format, TwoPercentSignsAreOne) {
  EXPECT_EQ(text("100%% %RESPONSE_CODE%%%"), "100% 204%");
  EXPECT_TRUE((*Format::parse_text("100%%"))->is_literal());
  EXPECT_EQ((*Format::parse_text("100%%"))->literal_text(), "100%");
}

TEST(Format, FaultsNameOperatorColumnAndRule) {
  EXPECT_EQ(fault("ab %NOPE%"), "column 4: %NOPE%: unknown operator");
  EXPECT_EQ(fault("%CEL(response.code)%"), "column 1: %CEL%: is not implemented");
  EXPECT_EQ(fault("%REQ%"), "column 1: %REQ%: needs parameters in parentheses");
  EXPECT_EQ(fault("%REQ()%"), "column 1: %REQ%: needs parameters in parentheses");
  EXPECT_EQ(fault("%REQ(a?b?c)%"), "column 1: %REQ%: more than one alternative header");
  EXPECT_EQ(fault("%PROTOCOL(x)%"), "column 1: %PROTOCOL%: takes no parameters");
  EXPECT_EQ(fault("%DURATION:5%"), "column 1: %DURATION%: takes no length");
  EXPECT_EQ(fault("%GRPC_STATUS(LOUD)%"),
            "column 1: %GRPC_STATUS%: \"LOUD\" must be one of CAMEL_STRING, SNAKE_STRING, NUMBER");
  EXPECT_EQ(fault("100%"), "column 4: \"%\" begins no operator; write %% for a percent sign");
  EXPECT_EQ(fault("%REQ(a):x%"), "column 1: \"%\" begins no operator; write %% for a percent sign");
  EXPECT_EQ(fault("%START_TIME(%n)%"), "column 1: %START_TIME%: time format: %n would break the line");
  EXPECT_EQ(fault("%COMMON_DURATION(DS_RX_BEG:DS_TX_END:s)%"),
            "column 1: %COMMON_DURATION%: \"s\" must be one of ns, us, ms");
  EXPECT_EQ(fault("%COALESCE({})%"), "column 1: %COALESCE%: must be {\"operators\": [...]}");
  EXPECT_EQ(fault("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(129)%"),
            "column 1: %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%: the prefix length must be 0..128");
}

// Log injection: what a peer chooses must not begin a second line or move a terminal's cursor.
TEST(Format, ControlCharactersOfValuesAreEscapedInLogs) {
  Example example;
  Headers hostile(Headers::Lines{{"x", std::string("a\r\nb\x1b[2J\x7f\0z", 11)}});
  example.info.request_headers = &hostile;
  EXPECT_EQ(text("%REQ(X)%\n", example.info), "a\\r\\nb\\x1b[2J\\x7f\\x00z\n");
  example.info.requested_server_name = "evil\r\n\"<x>";
  EXPECT_EQ(text("%REQUESTED_SERVER_NAME%", example.info), "evil____x_");
  EXPECT_EQ(json(R"({"x":"%REQ(X)%"})", example.info), "{\"x\":\"a\\r\\nb\\u001b[2J\\u007f\\u0000z\"}\n");
  std::string header;
  (*Format::parse_text("<%REQ(X)%>"))->append_header_value(header, example.info);
  EXPECT_EQ(header, "<ab\x1b[2J\x7fz>") << "no line break enters a header";
}

TEST(Format, HeaderValuesAreEmptyWhereNothingIsThere) {
  std::string out;
  (*Format::parse_text("<%REQ(X)%%ROUTE_NAME%>"))->append_header_value(out, RequestInfo());
  EXPECT_EQ(out, "<>");
}

TEST(Format, BodiesKeepTheirLines) {
  RequestInfo info;
  info.local_reply_body = "a\nb";
  std::string out;
  (*Format::parse_text("%LOCAL_REPLY_BODY%!\n"))->append_body(out, info);
  EXPECT_EQ(out, "a\nb!\n");
  out.clear();
  (*Format::parse_json(R"({"b":"%LOCAL_REPLY_BODY%"})"))->append_body(out, info);
  EXPECT_EQ(out, "{\"b\":\"a\\nb\"}\n");
}

TEST(JsonFormat, NumbersStayNumbersAndAbsentIsNull) {
  EXPECT_EQ(
      json(
          R"({"code":"%RESPONSE_CODE%","text":"code %RESPONSE_CODE%","none":"%ROUTE_NAME%","both":"%ROUTE_NAME%-x","fixed":"a"})",
          Example().info),
      "{\"both\":\"--x\",\"code\":204,\"fixed\":\"a\",\"none\":null,\"text\":\"code 204\"}\n");
}

TEST(JsonFormat, NestsAndKeepsOtherValues) {
  EXPECT_EQ(json(R"({"b":{"z":["%PROTOCOL%",1,true,null],"y":{}},"a":2.5})", Example().info),
            "{\"a\":2.5,\"b\":{\"y\":{},\"z\":[\"HTTP/2\",1,true,null]}}\n");
  EXPECT_EQ(json(R"({"b":"1","a":"2"})", Example().info, false, false), "{\"b\":\"1\",\"a\":\"2\"}\n");
}

TEST(JsonFormat, OmitsEmptyValuesWithTheirKeys) {
  EXPECT_EQ(
      json(R"({"a":"%ROUTE_NAME%","b":"%PROTOCOL%","c":["%ROUTE_NAME%"],"d":"<%ROUTE_NAME%>"})", Example().info, true),
      "{\"b\":\"HTTP/2\",\"c\":[],\"d\":\"<>\"}\n");
}

TEST(JsonFormat, EscapesTextAndRepairsUtf8) {
  Example example;
  Headers hostile(Headers::Lines{{"x", "\"\\\xC3\xA9\xFF\xED\xA0\x80"}});
  example.info.request_headers = &hostile;
  EXPECT_EQ(json(R"({"x":"%REQ(X)%"})", example.info),
            "{\"x\":\"\\\"\\\\\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"}\n");
}

TEST(JsonFormat, FaultsNameTheKey) {
  EXPECT_EQ(Format::parse_json(R"({"a":{"b":"%NOPE%"}})").error().message, "a: b: column 1: %NOPE%: unknown operator");
  EXPECT_FALSE(Format::parse_json("[]"));
  EXPECT_FALSE(Format::parse_json("{"));
  std::string deep = "{\"a\":" + std::string(500, '[') + std::string(500, ']') + "}";
  EXPECT_EQ(Format::parse_json(deep).error().message, "a: the JSON format is nested too deeply");
}

}  // namespace
}  // namespace weft::observe
