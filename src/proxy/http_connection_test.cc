// The life of a downstream connection between its requests.
#include "proxy/http_connection.h"

#include <gtest/gtest.h>

#include "base/limits.h"
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
