// Calls that begin inside the proxy, through the assembled proxy's own cluster "up".
#include "proxy/local_call.h"

#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;
using http::HeaderId;
using http::StreamEnd;

constexpr char kUnavailable[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// Writes down what it is told, one word each; gives bytes back at once unless `is_slow`.
class Heard final : public LocalCallHandler {
 public:
  void on_response_head(http::ResponseHead head, bool end) override {
    status = head.status;
    server = head.get(HeaderId::Server);
    note(end ? "head." : "head");
  }
  void on_response_data(base::Chain data, bool end) override {
    body += data.to_string();
    if (call != nullptr && !is_slow) call->consume_response(data.size());
    note(end ? "data." : "data");
  }
  void on_response_trailers(http::HeaderMap) override { note("trailers"); }
  void on_request_writable() override { note("writable"); }
  void on_call_over(const StreamEnd& its_end) override {
    end = its_end;
    is_over = true;
    note("over");
  }
  void note(const std::string& word) {
    events.push_back(word);
    if (react) react(word);
  }

  LocalCall* call = nullptr;
  bool is_slow = false, is_over = false;
  std::vector<std::string> events;
  int status = 0;
  std::string body, server;
  StreamEnd end;
  std::function<void(const std::string&)> react;
};

class LocalCalls : public WithProxy {
 protected:
  void begin() {
    route_to_upstream();
    start();
    caller.emplace(worker(), options);
  }
  LocalCall& prepare(std::string_view method = "GET") {
    call_ = std::make_unique<LocalCall>(*caller, heard);
    heard.call = call_.get();
    http::RequestHead& head = call_->request();
    head.add(HeaderId::Method, method);
    head.add(HeaderId::Scheme, "http");
    head.add(HeaderId::Authority, "local.test");
    head.add(HeaderId::Path, "/inside");
    return *call_;
  }
  bool finish(base::Duration limit = seconds(60)) {
    return world.run_until([this] { return heard.is_over; }, limit);
  }
  base::Chain bytes(std::string_view text) {
    base::Chain chain;
    chain.append_copy(loop().blocks(), text);
    return chain;
  }
  void TearDown() override {
    call_.reset();
    world.run_until_idle();
    EXPECT_EQ(stat("http.async-client.downstream_rq_active"), 0);
    EXPECT_EQ(stat("cluster.up.upstream_rq_active"), 0);
    caller.reset();
    stop();
  }

  LocalCallOptions options{.cluster = "up"};
  std::optional<LocalCaller> caller;
  Heard heard;
  std::unique_ptr<LocalCall> call_;
};

TEST_F(LocalCalls, ACallReachesItsClusterAndHearsTheAnswerInOrder) {
  begin();
  prepare().start(true);
  EXPECT_TRUE(heard.events.empty());
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard.events.front(), "head");
  EXPECT_EQ(heard.events.back(), "over");
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.body, "ok");
  EXPECT_EQ(heard.end.kind, StreamEnd::Kind::Complete);
  EXPECT_TRUE(upstream_head.starts_with("GET /inside HTTP/1.1\r\n")) << upstream_head;
  EXPECT_EQ(stat("http.async-client.rq_total"), 1);
  EXPECT_EQ(stat("cluster.up.internal.upstream_rq_200"), 1);
}

TEST_F(LocalCalls, TheConnectionManagerDoesNotTouchItsHeads) {
  upstream_answer = "HTTP/1.1 204 No Content\r\nserver: theirs\r\n\r\n";
  begin();
  prepare().start(true);
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard.events, (std::vector<std::string>{"head.", "over"}));
  EXPECT_EQ(heard.server, "theirs");
  for (const char* name : {"x-forwarded-for", "x-forwarded-proto", "x-request-id", "via"})
    EXPECT_EQ(upstream_head.find(name), std::string::npos) << upstream_head;
  EXPECT_NE(upstream_head.find("x-envoy-internal: true\r\n"), std::string::npos) << upstream_head;
}

TEST_F(LocalCalls, TheRequestBodyGoesUpstreamAsItIsGiven) {
  begin();
  LocalCall& call = prepare("POST");
  call.request().add(HeaderId::ContentLength, "10");
  call.start(false);
  call.send_request_data(bytes("hello"), false);
  world.run_until_idle(milliseconds(1));
  call.send_request_data(bytes("world"), true);
  ASSERT_TRUE(finish());
  world.run_until_idle(milliseconds(1));
  EXPECT_EQ(heard.status, 200);
  EXPECT_TRUE(upstream_bytes.starts_with("POST /inside")) << upstream_bytes;
}

TEST_F(LocalCalls, ItsRetryPolicyCounts) {
  auto policy = std::make_shared<RetryPolicy>();
  policy->retry_on = kRetry5xx;
  policy->num_retries = 2;
  options.retry_policy = policy;
  answer_by_script = [this](size_t, const std::string&) {
    return upstream_requests <= 2 ? std::string(kUnavailable) : upstream_answer;
  };
  begin();
  prepare().start(true);
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(upstream_requests, 3);
}

TEST_F(LocalCalls, ItsTimeoutAnswers504) {
  options.timeout = milliseconds(200);
  upstream_answer = kSilence;
  begin();
  const base::MonoTime began = world.now();
  prepare().start(true);
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard.status, 504);
  EXPECT_GE(world.now() - began, milliseconds(200));
  EXPECT_LT(world.now() - began, milliseconds(210));
}

TEST_F(LocalCalls, AClusterThatDoesNotExistIsA503ToldLater) {
  options.cluster = "nowhere";
  begin();
  prepare().start(true);
  EXPECT_TRUE(heard.events.empty());
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard.status, 503);
  EXPECT_EQ(stat("http.async-client.no_cluster"), 1);
}

TEST_F(LocalCalls, AResponseThatBreaksOffIsAReset) {
  upstream_answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\nnonsense";
  begin();
  prepare().start(true);
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.end.kind, StreamEnd::Kind::RemoteReset);
}

TEST_F(LocalCalls, AfterCancelNothingIsHeardAndTheUpstreamIsLetGo) {
  upstream_answer = kSilence;
  begin();
  LocalCall& call = prepare();
  call.start(true);
  ASSERT_TRUE(world.run_until([this] { return upstream_requests == 1; }));
  call.cancel();
  call.cancel();
  world.run_until_idle(seconds(30));
  EXPECT_TRUE(heard.events.empty());
  EXPECT_EQ(stat("cluster.up.upstream_cx_destroy_local_with_active_rq"), 1);
}

TEST_F(LocalCalls, EveryWordMayBeTheLastByCancelInsideIt) {
  upstream_answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
  begin();
  for (const char* word : {"head", "data.", "over"}) {
    heard.events.clear();
    heard.is_over = false;
    heard.react = [&](const std::string& event) {
      if (event == word) call_->cancel();
    };
    prepare().start(true);
    world.run_until_idle(seconds(1));
    EXPECT_EQ(heard.events.back(), word);
    call_.reset();
  }
}

TEST_F(LocalCalls, ASlowHandlerHoldsTheUpstreamBack) {
  options.buffer_bytes = 16 * 1024;
  cluster.buffer_bytes = 16 * 1024;
  const size_t kBody = 4 * 1024 * 1024;
  upstream_answer =
      "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBody) + "\r\n\r\n" + std::string(kBody, 'x');
  begin();
  heard.is_slow = true;
  prepare().start(true);
  world.run_until_idle(seconds(10));
  EXPECT_LT(heard.body.size(), 512 * 1024u);
  EXPECT_FALSE(heard.is_over);
  size_t used = 0;
  while (!heard.is_over && used < heard.body.size()) {
    call_->consume_response(heard.body.size() - std::exchange(used, heard.body.size()));
    world.run_until_idle(seconds(1));
  }
  EXPECT_EQ(heard.body.size(), kBody);
  EXPECT_TRUE(heard.is_over);
}

TEST_F(LocalCalls, ASlowUpstreamHoldsTheCallerBack) {
  options.buffer_bytes = 16 * 1024;
  options.timeout = {};
  upstream_answer = kSilence;
  begin();
  LocalCall& call = prepare("POST");
  call.start(false);
  size_t sent = 0;
  // Nothing has been given to a connection yet: the whole credit is out.
  while (!call.is_request_full()) {
    call.send_request_data(bytes(std::string(4096, 'y')), false);
    sent += 4096;
  }
  EXPECT_EQ(sent, 16 * 1024u);
  ASSERT_TRUE(world.run_until([&] { return !call.is_request_full(); }));
  world.run_until_idle(milliseconds(1));
  EXPECT_EQ(heard.events, (std::vector<std::string>{"writable"}));
}

}  // namespace
}  // namespace weft::proxy
