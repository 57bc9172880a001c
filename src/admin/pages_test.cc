#include "admin/pages.h"

#include <gtest/gtest.h>

#include "admin/html.h"
#include "admin/testing/memory_backend.h"
#include "base/log.h"
#include "net/testing/tls_certificates.h"

namespace weft::admin {
namespace {

enum class Stat { Total, Time };
constexpr observe::StatTable::Row kRows[] = {{"upstream_rq_total", observe::StatKind::Counter},
                                             {"upstream_rq_time", observe::StatKind::Histogram}};
constexpr observe::StatTable kTable = {kRows, 2};

struct PagesTest : testing::Test {
  MemoryBackend backend;
  observe::Registry registry;
  base::WallTime now = base::WallTime(base::seconds(1'800'000'000));
  Pages pages{backend,
              registry,
              {.version = "0.1.0",
               .started = base::WallTime(base::seconds(1'799'999'990)),
               .concurrency = 2,
               .config_path = "a.yaml"}};

  AdminResponse request(std::string_view method, std::string_view target) {
    AdminResponse answer;
    answer.status = 0;
    pages.handle(AdminRequest::parse(method, target), now, [&](AdminResponse response) {
      EXPECT_EQ(answer.status, 0) << "answered twice";
      answer = std::move(response);
    });
    return answer;
  }
  AdminResponse get(std::string_view target) { return request("GET", target); }
  std::string body(std::string_view target) { return get(target).body; }
};

TEST_F(PagesTest, ReadyFollowsTheState) {
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(body("/ready"), "PRE_INITIALIZING\n");
  pages.set_state(ServerState::Live);
  EXPECT_EQ(get("/ready").status, 200);
  EXPECT_EQ(body("/ready"), "LIVE\n");
  pages.set_state(ServerState::Draining);
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(body("/ready"), "DRAINING\n");
}

TEST_F(PagesTest, FailingHealthChecksShowAsDraining) {
  pages.set_state(ServerState::Live);
  EXPECT_EQ(request("POST", "/healthcheck/fail").body, "OK\n");
  EXPECT_TRUE(backend.is_health_check_failing);
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(request("POST", "/healthcheck/ok").body, "OK\n");
  EXPECT_FALSE(backend.is_health_check_failing);
  EXPECT_EQ(get("/ready").status, 200);
}

TEST_F(PagesTest, CertsTellsNamesSerialsAndDaysOfWhatIsLoaded) {
  net::TestAuthority authority("authority");
  auto tls = std::make_shared<net::TlsContextConfig>();
  tls->certificates = {authority.issue({.dns = {"a.example"}, .uris = {"spiffe://mesh.example/a"}})};
  tls->trusted_ca_pem = authority.pem();
  auto listener = std::make_shared<proxy::ListenerConfig>();
  listener->filter_chains.emplace_back().tls = tls;
  auto snapshot = std::make_shared<proxy::Snapshot>();
  snapshot->listeners.push_back(listener);
  Pages with_tls{backend, registry, {.version = "0.1.0", .snapshot = snapshot}};
  std::string text;
  with_tls.handle(AdminRequest::parse("GET", "/certs"), net::kTestNow,
                  [&](AdminResponse response) { text = std::move(response.body); });
  for (const char* part : {"\"ca_cert\"", "\"cert_chain\"", "\"dns\": \"a.example\"",
                           "\"uri\": \"spiffe://mesh.example/a\"", "\"days_until_expiration\": \"30\"",
                           "\"valid_from\": \"2026-05-31T00:00:00Z\"", "\"expiration_time\": \"2026-07-01T00:00:00Z\""})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

TEST_F(PagesTest, WhatChangesSomethingTakesPostOnly) {
  for (std::string_view path : {"/quitquitquit", "/healthcheck/fail", "/healthcheck/ok", "/logging", "/reset_counters",
                                "/drain_listeners", "/reopen_logs"}) {
    AdminResponse response = get(path);
    EXPECT_EQ(response.status, 405) << path;
    EXPECT_EQ(response.body, "Method GET not allowed, POST required.") << path;
    EXPECT_EQ(request("HEAD", path).status, 405) << path;
  }
  EXPECT_EQ(backend.calls, 0u);
}

TEST_F(PagesTest, AnUnknownPathIs404WithTheHelp) {
  AdminResponse response = get("/nope");
  EXPECT_EQ(response.status, 404);
  EXPECT_TRUE(response.body.starts_with("invalid path. admin commands are:\n  /: Admin home page\n"));
  EXPECT_EQ(get("/stats/").status, 404);
  EXPECT_EQ(get("").status, 404);
  EXPECT_EQ(body("/help"), response.body.substr(14));
  EXPECT_NE(body("/help").find("  /quitquitquit (POST): exit the server\n"), std::string::npos);
  EXPECT_NE(body("/help").find("      format: Format to use; One of (text, json, prometheus)\n"), std::string::npos);
}

TEST_F(PagesTest, QuittingHappensAfterTheAnswer) {
  AdminResponse response = request("POST", "/quitquitquit");
  EXPECT_EQ(response.body, "OK\n");
  EXPECT_FALSE(backend.has_quit);
  response.afterwards();
  EXPECT_TRUE(backend.has_quit);
}

TEST_F(PagesTest, ListenersAreDrainedAsAsked) {
  EXPECT_EQ(request("POST", "/drain_listeners").body, "OK\n");
  EXPECT_FALSE(backend.drained.is_graceful);
  request("POST", "/drain_listeners?graceful&inboundonly&skip_exit");
  EXPECT_TRUE(backend.drained.is_graceful && backend.drained.inbound_only && backend.drained.skip_exit);
  EXPECT_EQ(request("POST", "/drain_listeners?skip_exit").status, 400);
  EXPECT_EQ(request("POST", "/reopen_logs").body, "OK\n");
  EXPECT_TRUE(backend.has_reopened);
}

TEST_F(PagesTest, LoggingChangesTheLevel) {
  base::LogLevel before = base::log_level();
  EXPECT_EQ(request("POST", "/logging?level=error").body, "active loggers:\n  weft: error\n\n");
  EXPECT_EQ(request("POST", "/logging?paths=weft:debug&level=").body, "active loggers:\n  weft: debug\n\n");
  EXPECT_EQ(base::log_level(), base::LogLevel::Debug);
  EXPECT_EQ(request("POST", "/logging").status, 200);
  for (std::string_view bad :
       {"?level=loud", "?paths=other:info", "?paths=weft", "?a=b", "?level=info&paths=weft:info"}) {
    AdminResponse response = request("POST", "/logging" + std::string(bad));
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_TRUE(response.body.starts_with("error: ")) << bad;
  }
  EXPECT_EQ(base::log_level(), base::LogLevel::Debug);
  base::set_log_level(before);
}

TEST_F(PagesTest, ServerInfoIsEnvoysMessage) {
  pages.set_state(ServerState::Live);
  AdminResponse response = get("/server_info");
  EXPECT_EQ(response.content_type, kJson);
  for (std::string_view part :
       {"\"version\": \"weft/0.1.0\"", "\"state\": \"LIVE\"", "\"uptime_current_epoch\": \"10s\"", "\"concurrency\": 2",
        "\"config_path\": \"a.yaml\"", "\"hot_restart_version\": \"disabled\"", "\"drain_time\": \"600s\""}) {
    EXPECT_NE(response.body.find(part), std::string::npos) << part << " in " << response.body;
  }
  EXPECT_EQ(body("/hot_restart_version"), "disabled");
  EXPECT_NE(body("/memory").find("\"allocated\": \""), std::string::npos);
  EXPECT_EQ(body("/runtime"), "{\n \"entries\": {},\n \"layers\": []\n}\n");
}

struct StatsPageTest : PagesTest {
  StatsPageTest() {
    for (std::string_view name : {"api", "web"}) {
      std::string cluster(name);
      observe::StatGroup& group =
          registry.group({"cluster." + cluster + ".", "cluster.", {{"envoy.cluster_name", cluster}}}, kTable, 0);
      if (name == "web") {
        group.counter(Stat::Total).add(3);
        group.histogram(Stat::Time).record(7);
      }
    }
    registry.set_text("control_plane.identifier", "<script>");
  }
};

TEST_F(StatsPageTest, TextIsFilteredAndTyped) {
  EXPECT_EQ(body("/stats?filter=^cluster.*total$"),
            "cluster.api.upstream_rq_total: 0\ncluster.web.upstream_rq_total: 3\n");
  EXPECT_EQ(body("/stats?filter=total&usedonly"), "cluster.web.upstream_rq_total: 3\n");
  EXPECT_EQ(body("/stats?filter=web%5C.upstream_rq_tot"), "cluster.web.upstream_rq_total: 3\n")
      << "the query is decoded";
  EXPECT_EQ(body("/stats?type=TextReadouts"), "control_plane.identifier: \"<script>\"\n");
  EXPECT_EQ(get("/stats?type=TextReadouts").content_type, kPlainText) << "so that no browser runs a name";
  EXPECT_EQ(body("/stats?hidden=only"), "");
  EXPECT_NE(body("/stats?type=Histograms&usedonly&histogram_buckets=cumulative").find("B10(0,1)"), std::string::npos);
  EXPECT_NE(body("/stats?type=Histograms&histogram_buckets=summary").find("P25(nan,7.025)"), std::string::npos);
  EXPECT_NE(body("/stats/prometheus?histogram_buckets=summary").find("_time summary\n"), std::string::npos);
  EXPECT_NE(body("/stats/prometheus?histogram_buckets=none").find("_time histogram\n"), std::string::npos);
}

TEST_F(StatsPageTest, BadParametersAre400) {
  EXPECT_EQ(get("/stats?filter=(").status, 400);
  EXPECT_EQ(body("/stats?filter=("), "Invalid re2 regex");
  EXPECT_EQ(get("/stats/prometheus?filter=(").status, 400);
  EXPECT_EQ(get("/stats?type=x").status, 400);
  EXPECT_EQ(get("/stats?format=x").status, 400);
  EXPECT_EQ(get("/stats?histogram_buckets=x").status, 400);
  EXPECT_EQ(get("/stats/prometheus?histogram_buckets=detailed").status, 400);
  EXPECT_EQ(get("/stats?format=prometheus&histogram_buckets=x").status, 400);
}

TEST_F(StatsPageTest, JsonAndPrometheus) {
  EXPECT_EQ(get("/stats?format=json").content_type, kJson);
  EXPECT_EQ(body("/stats?format=json&filter=web.*total"),
            "{\"stats\":[{\"name\":\"cluster.web.upstream_rq_total\",\"value\":3}]}");
  std::string expected =
      "# TYPE envoy_cluster_upstream_rq_total counter\nenvoy_cluster_upstream_rq_total{envoy_cluster_name=\"web\"} 3\n";
  EXPECT_EQ(body("/stats/prometheus?usedonly&filter=total"), expected);
  EXPECT_EQ(body("/stats?format=prometheus&usedonly&filter=total"), expected);
  EXPECT_NE(body("/stats/prometheus?text_readouts").find("envoy_control_plane_identifier{text_value=\"<script>\"} 1\n"),
            std::string::npos);
}

TEST_F(StatsPageTest, CountersAreReset) {
  EXPECT_EQ(request("POST", "/reset_counters").body, "OK\n");
  EXPECT_EQ(body("/stats?filter=web.*total"), "cluster.web.upstream_rq_total: 0\n");
}

TEST_F(PagesTest, ClustersHaveEnvoysLines) {
  ClusterStatus cluster{.name = "web", .observability_name = "web"};
  cluster.has_outlier_detection = true;
  cluster.success_rate_average = 90;
  cluster.success_rate_threshold = 52.5;
  cluster.default_priority = {1024, 1024, 1024, 3};
  HostStatus host{.address = "127.0.0.1:80", .hostname = "web.local"};
  host.cx_active = 1;
  host.rq_total = 5;
  host.rq_pending_active = 2;
  host.failed_outlier_check = true;
  host.success_rate = 50.25;
  cluster.hosts.push_back(host);
  backend.clusters.push_back(cluster);
  EXPECT_EQ(body("/clusters"),
            "web::observability_name::web\n"
            "web::outlier::success_rate_average::90\n"
            "web::outlier::success_rate_ejection_threshold::52.5\n"
            "web::outlier::local_origin_success_rate_average::-1\n"
            "web::outlier::local_origin_success_rate_ejection_threshold::-1\n"
            "web::default_priority::max_connections::1024\n"
            "web::default_priority::max_pending_requests::1024\n"
            "web::default_priority::max_requests::1024\n"
            "web::default_priority::max_retries::3\n"
            "web::high_priority::max_connections::0\n"
            "web::high_priority::max_pending_requests::0\n"
            "web::high_priority::max_requests::0\n"
            "web::high_priority::max_retries::0\n"
            "web::added_via_api::false\n"
            "web::127.0.0.1:80::cx_active::1\n"
            "web::127.0.0.1:80::cx_connect_fail::0\n"
            "web::127.0.0.1:80::cx_total::0\n"
            "web::127.0.0.1:80::rq_active::0\n"
            "web::127.0.0.1:80::rq_error::0\n"
            "web::127.0.0.1:80::rq_pending_active::2\n"
            "web::127.0.0.1:80::rq_success::0\n"
            "web::127.0.0.1:80::rq_timeout::0\n"
            "web::127.0.0.1:80::rq_total::5\n"
            "web::127.0.0.1:80::hostname::web.local\n"
            "web::127.0.0.1:80::health_flags::/failed_outlier_check\n"
            "web::127.0.0.1:80::weight::1\n"
            "web::127.0.0.1:80::region::\n"
            "web::127.0.0.1:80::zone::\n"
            "web::127.0.0.1:80::sub_zone::\n"
            "web::127.0.0.1:80::canary::false\n"
            "web::127.0.0.1:80::priority::0\n"
            "web::127.0.0.1:80::success_rate::50.25\n"
            "web::127.0.0.1:80::local_origin_success_rate::-1\n");
  EXPECT_EQ(body("/clusters?filter=^we"), body("/clusters"));
  EXPECT_EQ(body("/clusters?filter=api"), "");
  EXPECT_EQ(get("/clusters?filter=(").status, 400);
  AdminResponse json = get("/clusters?format=json");
  EXPECT_EQ(json.content_type, kJson);
  for (std::string_view part :
       {"\"name\": \"web\"", "\"port_value\": 80", "\"failed_outlier_check\": true", "\"max_requests\": 1024"}) {
    EXPECT_NE(json.body.find(part), std::string::npos) << part << " in " << json.body;
  }
}

TEST_F(PagesTest, ListenersShowTheirBoundAddresses) {
  backend.listeners = {{"ingress", {"127.0.0.1:8080", "[::1]:8080"}}, {"evil\nname", {"/run/x.sock"}}};
  EXPECT_EQ(body("/listeners"), "ingress::127.0.0.1:8080\ningress::[::1]:8080\nevil\\nname::/run/x.sock\n");
  std::string json = body("/listeners?format=json");
  for (std::string_view part : {"\"address\": \"127.0.0.1\"", "\"address\": \"::1\"", "\"path\": \"/run/x.sock\""}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

TEST_F(PagesTest, TheHomePagePostsWhatChangesSomething) {
  AdminResponse response = get("/");
  EXPECT_EQ(response.content_type, kHtml);
  EXPECT_NE(response.body.find("<form action=\"quitquitquit\" method=\"post\">"), std::string::npos);
  EXPECT_NE(response.body.find("<form action=\"stats\" method=\"get\">"), std::string::npos);
  EXPECT_NE(response.body.find("<input type=\"checkbox\" name=\"usedonly\">"), std::string::npos);
  EXPECT_EQ(escape_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(AdminRequest, QueriesAreDecoded) {
  AdminRequest request = AdminRequest::parse("GET", "/a?x=%31&y&z=a%2&&x=2#frag");
  EXPECT_EQ(request.path, "/a");
  EXPECT_EQ(request.query.find("x"), "1");
  EXPECT_EQ(request.query.find("y"), "");
  EXPECT_EQ(request.query.find("z"), "a%2");
  EXPECT_FALSE(request.query.has("w"));
}

}  // namespace
}  // namespace weft::admin
