#include "proxy/local_reply.h"

#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

class LocalReplies : public WithProxy {
 protected:
  ReplyMapper& map(std::shared_ptr<const observe::AccessLogFilter> filter) {
    ReplyMapper& mapper = hcm.local_reply.mappers.emplace_back();
    mapper.filter = std::move(filter);
    return mapper;
  }
  static ReplyFormat text(std::string_view format) {
    return {observe::Format::parse_text(format).value(), "text/plain"};
  }
  static ReplyFormat json(std::string_view format) {
    return {observe::Format::parse_json(format).value(), "application/json"};
  }
  std::string get(std::string_view path, std::string_view lines = {}) {
    return call("GET " + std::string(path) + " HTTP/1.1\r\nhost: a\r\n" + std::string(lines));
  }
};

bool has_line(const std::string& answer, std::string_view line) {
  return answer.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

TEST_F(LocalReplies, TheFirstMapperThatAgreesCounts) {
  routes.virtual_hosts[0].routes.emplace_back().action = DirectResponse{.status = 418, .body = "short"};
  map(observe::status_code_filter(observe::Comparison::Equal, 404)).status = 410;
  ReplyMapper& teapot = map(observe::status_code_filter(observe::Comparison::GreaterOrEqual, 400));
  teapot.status = 451;
  teapot.body = "no tea";
  teapot.headers = {{.name = "x-mapped", .value = observe::Format::parse_text("%RESPONSE_CODE%").value()}};
  map(observe::constant_filter(true)).status = 500;
  hcm.local_reply.format = json(R"({"code":"%RESPONSE_CODE%","text":"%LOCAL_REPLY_BODY%","path":"%REQ(:path)%"})");
  log("%RESPONSE_CODE% %LOCAL_REPLY_BODY%\n");
  start();
  const std::string answer = get("/x");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 451")) << answer;
  EXPECT_TRUE(has_line(answer, "content-type: application/json")) << answer;
  EXPECT_TRUE(has_line(answer, "x-mapped: 418")) << "headers are added before the status is: " << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n{\"code\":451,\"path\":\"/x\",\"text\":\"no tea\"}\n")) << answer;
  EXPECT_EQ(logged(), "451 short\n");
  EXPECT_EQ(stat("http.test.downstream_rq_4xx"), 1);
}

TEST_F(LocalReplies, AMapperMayBringItsOwnFormat) {
  ReplyMapper& mapper = map(observe::constant_filter(true));
  mapper.format = text("%LOCAL_REPLY_BODY%:%RESPONSE_FLAGS%\n");
  mapper.body = "gone";
  hcm.local_reply.format = json(R"({"a":"b"})");
  start();
  const std::string answer = get("/");
  EXPECT_TRUE(has_line(answer, "content-type: text/plain")) << answer;
  EXPECT_TRUE(has_line(answer, "content-length: 8")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\ngone:NR\n")) << answer;
}

TEST_F(LocalReplies, GrpcRequestsGetTheBodyAsMessage) {
  ReplyMapper& mapper = map(observe::constant_filter(true));
  mapper.status = 429;
  mapper.body = "busy";
  hcm.local_reply.format = json(R"({"m":"%LOCAL_REPLY_BODY%"})");
  start();
  const std::string answer =
      call("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_TRUE(has_line(answer, "grpc-status: 14")) << answer;
  EXPECT_TRUE(has_line(answer, "grpc-message: {\"m\":\"busy\"}")) << "without the line's end: " << answer;
}

TEST_F(LocalReplies, AHeadRequestIsToldTheLengthOnly) {
  map(observe::constant_filter(true)).body = "twelve bytes";
  start();
  const std::string answer = call("HEAD / HTTP/1.1\r\nhost: a\r\n");
  EXPECT_TRUE(has_line(answer, "content-length: 12")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(LocalReplies, RedirectsAreMappedAndKeepTheirLocation) {
  RedirectAction redirect;
  redirect.path_redirect = "/new";
  routes.virtual_hosts[0].routes.emplace_back().action = redirect;
  map(observe::status_code_filter(observe::Comparison::Equal, 301)).body = "this way";
  start();
  const std::string answer = get("/old");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 301")) << answer;
  EXPECT_TRUE(has_line(answer, "location: http://a/new")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nthis way")) << answer;
}

TEST_F(LocalReplies, WhatTheUpstreamAnswersIsNotTouched) {
  map(observe::constant_filter(true)).status = 500;
  route_to_upstream();
  upstream_answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
  start();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 404"));
}

TEST_F(LocalReplies, WhatTheCodecAnswersIsMappedToo) {
  ReplyMapper& mapper = map(observe::status_code_filter(observe::Comparison::Equal, 400));
  mapper.status = 422;
  mapper.body = "no";
  hcm.local_reply.format = json(R"({"text":"%LOCAL_REPLY_BODY%","path":"%REQ(:path)%"})");
  start();
  const auto made = send_raw("GET /x HTTP/1.1\r\nhost: a\r\nbad name: 1\r\n\r\n");
  ASSERT_TRUE(world.run_until([&] { return made->is_over(); }));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 422")) << made->answer();
  EXPECT_TRUE(has_line(made->answer(), "content-type: application/json")) << made->answer();
  EXPECT_TRUE(made->answer().ends_with("\r\n\r\n{\"path\":\"/x\",\"text\":\"no\"}\n")) << made->answer();
  EXPECT_EQ(stat("http.test.downstream_rq_4xx"), 1);
}

TEST_F(LocalReplies, SoIsItsAnswerToABodyThatBreaksOff) {
  route_to_upstream();
  upstream_answer = kSilence;
  map(observe::constant_filter(true)).body = "no";
  log("%RESPONSE_CODE% %BYTES_SENT% %RESP(content-type)% %RESPONSE_FLAGS%\n");
  start();
  const auto made = send_raw("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
  ASSERT_TRUE(world.run_until([&] { return made->is_over(); }));
  EXPECT_TRUE(made->answer().starts_with("HTTP/1.1 400")) << made->answer();
  EXPECT_TRUE(made->answer().ends_with("\r\n\r\nno")) << made->answer();
  EXPECT_EQ(logged(), "400 2 text/plain DPE\n");
  EXPECT_EQ(stat("http.test.downstream_rq_response_before_rq_complete"), 1);
  EXPECT_EQ(stat("http.test.downstream_rq_rx_reset"), 1);
}

}  // namespace
}  // namespace weft::proxy
