// The life of a downstream connection between its requests.
#include "proxy/http_connection.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/testing/h2_harness.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

class DownstreamConnection : public WithProxy {
 protected:
  void begin() {
    route_to_upstream();
    start();
  }
  void ask_again(Call& call) {
    base::Chain bytes;
    bytes.append_copy(loop().blocks(), kGet);
    call.connection->write(std::move(bytes));
  }
  size_t answers(const Call& call) {
    size_t n = 0;
    for (size_t at = 0; (at = call.answer().find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++n;
    return n;
  }
  /// Of a connection that has one request.
  base::Duration time_from_answer_to_end() {
    const auto call = send_raw(kGet);
    EXPECT_TRUE(world.run_until([&] { return answers(*call) == 1; }));
    const base::MonoTime answered = world.now();
    EXPECT_TRUE(world.run_until([&] { return call->is_over(); }, seconds(60)));
    return world.now() - answered;
  }
  static constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
};

TEST_F(DownstreamConnection, AfterARestItServesTheNextRequestAsTheFirst) {
  begin();
  const auto call = send_raw(kGet);
  world.run_until([&] { return answers(*call) == 1; });
  const std::string first = upstream_head;
  world.run_until_idle(base::kConnectionRest + seconds(1));
  ask_again(*call);
  ASSERT_TRUE(world.run_until([&] { return answers(*call) == 2; }, seconds(10)));
  EXPECT_EQ(upstream_head.substr(0, upstream_head.find("x-request-id")), first.substr(0, first.find("x-request-id")));
}

// The rest comes on the way to the idle timeout and does not move it.
TEST_F(DownstreamConnection, TheIdleTimeoutCountsFromTheLastRequest) {
  hcm.idle_timeout = seconds(20);
  hcm.drain_timeout = milliseconds(1);
  begin();
  const base::Duration idle = time_from_answer_to_end();
  EXPECT_GE(idle, seconds(20) - milliseconds(1));
  EXPECT_LT(idle, seconds(20) + milliseconds(50));
  EXPECT_EQ(stat("http.test.downstream_cx_idle_timeout"), 1);
}

TEST_F(DownstreamConnection, AnIdleTimeoutShorterThanTheRestHolds) {
  hcm.idle_timeout = seconds(2);
  hcm.drain_timeout = milliseconds(1);
  begin();
  const base::Duration idle = time_from_answer_to_end();
  EXPECT_LT(idle, seconds(2) + milliseconds(50));
}

TEST_F(DownstreamConnection, WithoutIdleTimeoutItStays) {
  hcm.idle_timeout.reset();
  begin();
  const auto call = send_raw(kGet);
  EXPECT_FALSE(world.run_until([&] { return call->is_over(); }, seconds(3 * 3600)));
  ask_again(*call);
  EXPECT_TRUE(world.run_until([&] { return answers(*call) == 2; }, seconds(10)));
}

TEST_F(DownstreamConnection, ItsMaxDurationEndsItBetweenRequests) {
  hcm.max_connection_duration = seconds(30);
  hcm.drain_timeout = milliseconds(1);
  begin();
  const auto call = send_raw(kGet);
  const base::MonoTime began = world.now();
  ASSERT_TRUE(world.run_until([&] { return call->is_over(); }, seconds(60)));
  EXPECT_GE(world.now() - began, seconds(30) - milliseconds(1));
  EXPECT_LT(world.now() - began, seconds(30) + milliseconds(100));
  EXPECT_EQ(stat("http.test.downstream_cx_max_duration_reached"), 1);
}

TEST_F(DownstreamConnection, ADrainAnswersTheRequestThatIsOnItsWay) {
  begin();
  const auto fresh = connect();
  const auto used = send_raw(kGet);
  ASSERT_TRUE(world.run_until([&] { return used->answer().ends_with("ok"); }, seconds(10)));
  server().drain(seconds(60), [] {});
  for (const auto& each : {fresh.get(), used.get()}) {
    write(*each, kGet);
    ASSERT_TRUE(world.run_until([&] { return each->is_over(); }, seconds(60)));
    EXPECT_NE(each->answer().find("connection: close"), std::string::npos) << each->answer();
    EXPECT_TRUE(each->answer().ends_with("ok")) << each->answer();
  }
}

TEST_F(DownstreamConnection, ADrainDoesNotWaitLongForClientsThatAreSilent) {
  begin();
  const auto fresh = connect();
  const auto used = send_raw(kGet);
  ASSERT_TRUE(world.run_until([&] { return used->answer().ends_with("ok"); }, seconds(10)));
  bool is_drained = false;
  const base::MonoTime began = world.now();
  server().drain(seconds(60), [&] { is_drained = true; });
  ASSERT_TRUE(world.run_until([&] { return is_drained; }, seconds(60)));
  EXPECT_GE(world.now() - began, base::kDrainNotice);
  EXPECT_LT(world.now() - began, base::kDrainNotice + milliseconds(100));
}

TEST_F(DownstreamConnection, ADrainServesEveryStreamOpenedBeforeItsGoawayArrived) {
  begin();
  http::testing::LoneClient client;
  const auto made = connect();
  const auto ask = [&]() -> http::testing::ClientStreamRecorder& {
    http::testing::ClientStreamRecorder& call = client.request(http::testing::make_request(client.pool), true);
    write(*made, client.feed({}));
    return call;
  };
  size_t fed = 0;
  const auto exchange = [&] {
    if (made->answer().size() == fed) return;
    const std::string bytes = made->answer().substr(fed);
    fed = made->answer().size();
    if (const std::string sent = client.feed(bytes); !sent.empty()) write(*made, sent);
  };
  http::testing::ClientStreamRecorder& first = ask();
  ASSERT_TRUE(world.run_until([&] { return exchange(), first.is_closed; }, seconds(10)));
  server().drain(seconds(60), [] {});
  // The client has not read the GOAWAY: its requests arrive one by one, each in a read of its own.
  http::testing::ClientStreamRecorder* calls[3];
  for (auto& call : calls) {
    const int before = upstream_requests;
    call = &ask();
    ASSERT_TRUE(world.run_until([&] { return upstream_requests > before; }, milliseconds(200)));
  }
  ASSERT_TRUE(world.run_until([&] { return exchange(), made->is_over(); }, seconds(60)));
  for (const auto* call : calls) {
    EXPECT_EQ(call->end.kind, http::StreamEnd::Kind::Complete);
    EXPECT_EQ(call->body, "ok");
  }
}

TEST_F(DownstreamConnection, ARequestThatRunsAtItsMaxDurationIsFinished) {
  hcm.max_connection_duration = seconds(1);
  answer_by_script = [](size_t, const std::string&) { return std::string(kSilence); };
  action.timeout = seconds(3);
  begin();
  const auto call = send_raw(kGet);
  ASSERT_TRUE(world.run_until([&] { return call->is_over(); }, seconds(60)));
  EXPECT_TRUE(call->answer().starts_with("HTTP/1.1 504")) << call->answer();
  EXPECT_NE(call->answer().find("connection: close"), std::string::npos);
}

}  // namespace
}  // namespace weft::proxy
