// Scenarios of failing services: deadlines, retries and their budget, breakers, ejection, partitions.
#include <gtest/gtest.h>

#include "sim/mesh.h"

namespace weft::sim {
namespace {

constexpr unsigned kSeeds = 100;

TEST(ResilienceSim, ADeadlineCutsEveryAttemptAndNoExchangeOutlivesIt) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12"};
    parts.upstream_h2 = seed % 4 >= 2;
    parts.timeout = base::seconds(2);
    parts.retry_on = "5xx,reset,connect-failure";
    parts.retries = 5;
    parts.retry_extra = "per_try_timeout: 0.5s";
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.5);
    for (const std::string& ip : parts.upstreams) {
      mesh.add_service(ip, parts.upstream_h2, [seed](const SeenRequest&, size_t n) {
        Script s;
        s.delay = base::milliseconds(static_cast<int64_t>((seed * 37 + n * 211) % 4000));
        if ((seed + n) % 3 == 0) s.status = 503;
        if ((seed + n) % 7 == 0) s.end = Script::End::Never;
        return s;
      });
    }
    std::vector<Call> calls = make_calls(6);
    for (Call& call : calls) mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) {
      EXPECT_TRUE(call.is_complete);
      EXPECT_LE(call.ended - call.started, base::milliseconds(2100)) << call.id;
      EXPECT_TRUE(call.status == 200 || call.status == 503 || call.status == 504) << call.status;
    }
    return mesh.conclude();
  });
}

TEST(ResilienceSim, AServiceThatHangsIsCutByTheDeadline) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    parts.timeout = base::seconds(1);
    Mesh mesh(seed, parts, options);
    mesh.forgive_late_attempts();
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(5);
      return s;
    });
    Call before, during, after;
    before.id = "before", during.id = "during", after.id = "after";
    mesh.exchange(before);
    EXPECT_EQ(before.status, 200);
    net::Loop& loop = mesh.service_loop();
    mesh.send(during);
    mesh.run_for(base::Duration(static_cast<int64_t>(seed * 60'000)));
    mesh.world().freeze(loop);
    EXPECT_TRUE(mesh.finish());
    EXPECT_TRUE(during.status == 200 || during.status == 504) << during.status;
    mesh.world().thaw(loop);
    mesh.exchange(after);
    EXPECT_EQ(after.status, 200);
    return mesh.conclude();
  });
}

TEST(ResilienceSim, RetriesStayWithinThePolicyAndTheBreaker) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.timeout = base::seconds(10);
    parts.retry_on = "5xx";
    parts.retries = 3;
    parts.thresholds = "max_retries: 2";
    Mesh mesh(seed, parts);
    Service& service = mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) {
      Script s;
      s.status = 503;
      s.delay = base::milliseconds(20);
      return s;
    });
    std::vector<Call> calls = make_calls(40);
    for (Call& call : calls) mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    size_t seen = 0;
    for (const Call& call : calls) {
      EXPECT_EQ(call.status, 503);
      EXPECT_GE(service.seen_count(call.id), 1u);
      seen += service.seen_count(call.id);
    }
    EXPECT_EQ(seen, calls.size() + static_cast<size_t>(mesh.stat("cluster.up.upstream_rq_retry")));
    EXPECT_GT(mesh.stat("cluster.up.upstream_rq_retry_overflow"), 0);
    return mesh.conclude();
  });
}

// A service that fails everything: what arrives there stays near what was asked for, whatever the policy would allow.
TEST(ResilienceSim, ABudgetKeepsAnOutageFromBecomingARetryStorm) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.retry_on = "5xx,reset";
    parts.retries = 10;
    parts.thresholds = "retry_budget: {budget_percent: {value: 20}, min_retry_concurrency: 2}";
    Mesh mesh(seed, parts, options);
    Service& service = mesh.add_service("10.0.0.11", false, [seed](const SeenRequest&, size_t n) {
      Script s;
      s.status = 500;
      s.delay = base::milliseconds(static_cast<int64_t>(10 + (seed + n) % 30));
      if ((seed + n) % 11 == 0) s.end = Script::End::ResetBeforeHead;
      return s;
    });
    std::vector<Call> calls = make_calls(40);
    for (size_t i = 0; i < calls.size(); ++i) {
      mesh.send(calls[i]);
      if (i % 4 == 0) mesh.run_for(base::milliseconds(static_cast<int64_t>((seed + i) % 10)));
    }
    EXPECT_TRUE(mesh.finish());
    EXPECT_GT(mesh.stat("cluster.up.upstream_rq_retry_overflow"), 0);
    EXPECT_LE(service.seen().size(), calls.size() * 5 / 2);
    return mesh.conclude();
  });
}

TEST(ResilienceSim, BreakersFailFastAndCount) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.thresholds = "max_connections: 2, max_pending_requests: 3";
    Mesh mesh(seed, parts);
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(500);
      return s;
    });
    std::vector<Call> calls = make_calls(20);
    for (Call& call : calls) mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    int64_t refused = 0;
    for (const Call& call : calls) {
      EXPECT_TRUE(call.is_complete);
      if (call.status == 200) continue;
      EXPECT_EQ(call.status, 503);
      EXPECT_EQ(call.response_headers.count("x-envoy-overloaded"), 1u);
      ++refused;
    }
    EXPECT_EQ(refused, mesh.stat("cluster.up.upstream_rq_pending_overflow"));
    EXPECT_GE(refused, 15);
    return mesh.conclude();
  });
}

// Load comes in waves against small limits of every kind: a breaker that opened closes again with the last wave.
TEST(ResilienceSim, BreakersOpenAndCloseWithTheLoad) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    parts.retry_on = "5xx";
    parts.retries = 2;
    parts.thresholds = "max_connections: 3, max_pending_requests: 4, max_requests: 5, max_retries: 1";
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.4);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [seed](const SeenRequest&, size_t n) {
      Script s;
      s.delay = base::milliseconds(static_cast<int64_t>(20 + (seed * 13 + n * 7) % 80));
      if ((seed + n) % 4 == 0) s.status = 503;
      return s;
    });
    std::vector<Call> calls = make_calls(45);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 15 == 0) {
        EXPECT_TRUE(mesh.finish());
        mesh.run_for(base::seconds(2));
        EXPECT_EQ(mesh.stat("cluster.up.circuit_breakers.default.rq_open"), 0);
        EXPECT_EQ(mesh.stat("cluster.up.circuit_breakers.default.remaining_rq"), 5);
      }
      mesh.send(calls[i]);
    }
    EXPECT_TRUE(mesh.finish());
    size_t overloaded = 0;
    for (const Call& call : calls) {
      EXPECT_TRUE(call.is_complete);
      overloaded += call.response_headers.count("x-envoy-overloaded");
    }
    EXPECT_GT(overloaded, 0u);
    Call last;
    last.id = "last";
    mesh.exchange(last);
    EXPECT_EQ(last.response_headers.count("x-envoy-overloaded"), 0u);
    return mesh.conclude();
  });
}

TEST(ResilienceSim, AFailingHostIsEjectedAndComesBack) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12"};
    parts.cluster_extra =
        "outlier_detection: {consecutive_5xx: 3, interval: 1s, base_ejection_time: 5s, max_ejection_percent: 50}";
    Mesh mesh(seed, parts);
    const auto is_broken = std::make_shared<bool>(true);
    Service& bad = mesh.add_service("10.0.0.11", false, [is_broken](const SeenRequest&, size_t) {
      Script s;
      s.status = *is_broken ? 500 : 200;
      return s;
    });
    mesh.add_service("10.0.0.12", false, [](const SeenRequest&, size_t) { return Script{}; });
    std::vector<Call> first = make_calls(20, "a"), second = make_calls(10, "b"), third = make_calls(10, "c");
    for (Call& call : first) mesh.exchange(call);
    EXPECT_EQ(bad.seen().size(), 3u);
    for (Call& call : second) {
      mesh.exchange(call);
      EXPECT_EQ(call.status, 200);
    }
    *is_broken = false;
    mesh.run_for(base::seconds(8));
    for (Call& call : third) {
      mesh.exchange(call);
      EXPECT_EQ(call.status, 200);
    }
    EXPECT_GT(bad.seen().size(), 3u);
    return mesh.conclude();
  });
}

// Hosts fail and recover in turns while requests go on; ejection never takes more than its share, and ends.
TEST(ResilienceSim, EjectionFollowsHostsThatFailInTurns) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = true;
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"};
    parts.cluster_extra =
        "outlier_detection: {consecutive_5xx: 2, interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50}";
    Mesh mesh(seed, parts, options);
    const auto broken = std::make_shared<size_t>(0);
    for (size_t host = 0; host < parts.upstreams.size(); ++host) {
      mesh.add_service(parts.upstreams[host], false, [broken, host](const SeenRequest&, size_t) {
        Script s;
        s.status = *broken == host ? 503 : 200;
        s.delay = base::milliseconds(3);
        return s;
      });
    }
    std::vector<Call> calls = make_calls(90);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 30 == 0) *broken = (seed + i) % 5;  // 4: none
      mesh.send(calls[i]);
      mesh.run_for(base::milliseconds(static_cast<int64_t>(20 + (seed * 3 + i) % 60)));
      size_t ejected = 0;
      for (const auto& host : mesh.server().clusters()[0]->hosts()->hosts) ejected += host->is_ejected();
      EXPECT_LE(ejected, 2u);
    }
    EXPECT_TRUE(mesh.finish());
    *broken = 4;
    mesh.run_for(base::seconds(30));
    EXPECT_EQ(mesh.stat("cluster.up.outlier_detection.ejections_active"), 0);
    EXPECT_EQ(mesh.stat("cluster.up.membership_healthy"), 4);
    return mesh.conclude();
  });
}

TEST(ResilienceSim, PartitionsEndInTimeoutsAndHeal) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    parts.timeout = base::seconds(3);
    Mesh mesh(seed, parts, options);
    mesh.forgive_late_attempts();
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(2);
      return s;
    });
    Call before, during, after;
    before.id = "before", during.id = "during", after.id = "after";
    mesh.exchange(before);
    EXPECT_EQ(before.status, 200);
    // Cut at any moment of the exchange, in both directions or in one.
    mesh.send(during);
    mesh.run_for(base::Duration(static_cast<int64_t>(seed * 30'000)));
    if (seed % 3 != 0) mesh.world().cut("proxy", "services");
    if (seed % 3 != 1) mesh.world().cut("services", "proxy");
    EXPECT_TRUE(mesh.finish());
    EXPECT_TRUE(during.status == 504 || during.status == 200) << during.status;
    mesh.world().heal_all();
    mesh.exchange(after);
    EXPECT_EQ(after.status, 200);
    return mesh.conclude();
  });
}

TEST(ResilienceSim, RefusedAndLostConnectionsAreRetriedElsewhere) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12", "10.0.0.13"};
    parts.retry_on = "connect-failure,reset";
    parts.retries = 6;
    parts.retry_extra =
        "retry_host_predicate: [{name: p, typed_config: {\"@type\": "
        "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}], "
        "host_selection_retry_max_attempts: 5";
    parts.thresholds = "max_retries: 100";
    Mesh mesh(seed, parts);
    net::LinkOptions link;
    link.refuse = 0.2;
    if (seed % 2 == 0) link.reset = 0.02;
    mesh.world().set_link("proxy", "services", link);
    for (const std::string& ip : parts.upstreams)
      mesh.add_service(ip, false, [](const SeenRequest&, size_t) { return Script{}; });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    size_t good = 0;
    for (const Call& call : calls) good += call.status == 200;
    EXPECT_GE(good, 9u);
    return mesh.conclude();
  });
}

}  // namespace
}  // namespace weft::sim
