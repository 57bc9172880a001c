// The admin port over a loop: a raw peer speaks HTTP to it.
#include "admin/admin.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "admin/testing/memory_backend.h"
#include "base/limits.h"
#include "net/connection.h"
#include "net/testing/backend.h"
#include "net/testing/recorders.h"
#include "observe/access_log.h"
#include "observe/testing/memory_log_files.h"

namespace weft::admin {
namespace {

using net::testing::Backend;

class AdminTest : public testing::TestWithParam<Backend> {
 protected:
  AdminTest() {
    auto snapshot = std::make_shared<proxy::Snapshot>();
    snapshot->admin.access_logs.push_back(
        {proxy::AccessLogConfig::Sink::File, "/admin.log",
         *observe::Format::parse_text("%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%\n"), nullptr});
    server = std::make_unique<AdminServer>(loop, backend, registry, AdminInfo{.snapshot = snapshot}, &logs);
    address = *server->start(net::testing::any_local_port());
  }
  ~AdminTest() override {
    server->stop();
    settle();
  }

  bool until(const std::function<bool()>& done) { return net::testing::run_until(loop, done); }
  void settle() {
    base::MonoTime end = loop.now() + base::milliseconds(5);
    until([&] { return loop.now() >= end; });
  }

  /// Sends `request` and reads until the peer closes.
  std::string exchange(const std::string& request) {
    net::testing::ConnectionRecorder recorder;
    net::Connection connection(loop, address, {}, nullptr, recorder);
    connection.start_reading();
    EXPECT_TRUE(until([&] { return recorder.has("open"); }));
    connection.write(net::testing::chain_of(loop, request));
    EXPECT_TRUE(until([&] { return recorder.has("end") || recorder.has("close"); })) << recorder.data;
    std::string data = recorder.data;
    connection.close();
    settle();
    return data;
  }
  std::string get(const std::string& target) {
    return exchange("GET " + target + " HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  }

  std::unique_ptr<net::testing::BackendLoop> world = net::testing::make_backend(GetParam());
  net::Loop& loop = world->loop();
  MemoryBackend backend;
  observe::Registry registry;
  observe::MemoryLogFiles files;
  observe::AccessLogs logs{files, registry};
  std::unique_ptr<AdminServer> server;
  net::Address address;
};

TEST_P(AdminTest, AnswersWithHeadersThatKeepBrowsersAndCachesOut) {
  server->set_state(ServerState::Live);
  settle();
  std::string response = get("/ready");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
  for (std::string_view header :
       {"content-type: text/plain; charset=UTF-8\r\n", "cache-control: no-cache, max-age=0\r\n",
        "x-content-type-options: nosniff\r\n", "server: envoy\r\n", "content-length: 5\r\n", "date: "}) {
    EXPECT_NE(response.find(header), std::string::npos) << header << " in " << response;
  }
  EXPECT_TRUE(response.ends_with("\r\n\r\nLIVE\n"));
}

TEST_P(AdminTest, AnswersSeveralRequestsOfOneConnectionAndHead) {
  std::string response =
      exchange("HEAD /ready HTTP/1.1\r\nhost: a\r\n\r\nGET /nope HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 503")) << response;
  EXPECT_EQ(response.find("PRE_INIT"), std::string::npos) << "HEAD has no body";
  EXPECT_NE(response.find("HTTP/1.1 404"), std::string::npos);
}

TEST_P(AdminTest, APostedFormIsPartOfTheQuery) {
  std::string response = exchange(
      "POST /drain_listeners HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n"
      "content-length: 8\r\n\r\ngraceful");
  EXPECT_TRUE(response.ends_with("OK\n")) << response;
  EXPECT_TRUE(backend.drained.is_graceful);
}

TEST_P(AdminTest, ATooLargeFormIs413) {
  std::string form(base::kAdminFormBytesMax + 1, 'x');
  std::string response = exchange("POST /logging HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: " +
                                  std::to_string(form.size()) + "\r\n\r\n" + form);
  EXPECT_TRUE(response.starts_with("HTTP/1.1 413")) << response;
}

TEST_P(AdminTest, QuitsAfterAnswering) {
  std::string response = exchange("POST /quitquitquit HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(response.ends_with("OK\n")) << response;
  EXPECT_TRUE(until([&] { return backend.has_quit; }));
}

TEST_P(AdminTest, WritesItsAccessLog) {
  get("/ready");
  exchange("nonsense\r\n\r\n");
  logs.flush();
  EXPECT_TRUE(files.content("/admin.log").starts_with("GET /ready 503\n")) << files.content("/admin.log");
  EXPECT_TRUE(files.content("/admin.log").ends_with(" 400\n")) << files.content("/admin.log");
}

TEST_P(AdminTest, AnIdleConnectionMakesRoomForANewOne) {
  std::vector<std::unique_ptr<net::testing::ConnectionRecorder>> recorders;
  std::vector<std::unique_ptr<net::Connection>> idle;
  for (size_t i = 0; i < base::kAdminConnectionsMax; ++i) {
    recorders.push_back(std::make_unique<net::testing::ConnectionRecorder>());
    idle.push_back(std::make_unique<net::Connection>(loop, address, net::ConnectOptions(), nullptr, *recorders.back()));
    idle.back()->start_reading();
  }
  ASSERT_TRUE(until([&] { return recorders.back()->has("open"); }));
  settle();
  EXPECT_NE(get("/ready").find("503"), std::string::npos);
  auto has_ended = [](const auto& recorder) { return recorder->has("end") || recorder->has("close"); };
  EXPECT_TRUE(until([&] { return std::any_of(recorders.begin(), recorders.end(), has_ended); }));
  EXPECT_EQ(std::count_if(recorders.begin(), recorders.end(), has_ended), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, AdminTest, testing::ValuesIn(net::testing::all_backends()),
                         [](const auto& info) { return net::testing::name_of(info.param); });

}  // namespace
}  // namespace weft::admin
