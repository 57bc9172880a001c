// Scenarios of single exchanges and of many at once on the simulated network. Every run ends with
// Mesh::check_invariants.
#include <gtest/gtest.h>

#include "sim/mesh.h"

namespace weft::sim {
namespace {

constexpr unsigned kSeeds = 100;

/// Ends a scenario: every invariant, then the hash of what happened.
uint64_t conclude(Mesh& mesh) {
  EXPECT_EQ(mesh.check_invariants(), "");
  return mesh.trace_hash();
}

std::vector<Call> make_calls(size_t count) {
  std::vector<Call> calls(count);
  for (size_t i = 0; i < count; ++i) {
    calls[i].id = std::to_string(i);
    calls[i].path = "/" + std::to_string(i);
  }
  return calls;
}

void set_weather(Mesh& mesh, double tear) {
  net::LinkOptions link;
  link.tear = tear;
  link.jitter = base::milliseconds(2);
  mesh.world().set_default_link(link);
}

TEST(ExchangeSim, EveryRequestIsAnsweredOnceThroughTornReads) {
  for_each_seed("EveryRequestIsAnsweredOnceThroughTornReads", kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    Mesh mesh(seed, make_bootstrap(parts), options);
    set_weather(mesh, 0.8);
    Service& service = mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest& r, size_t) {
      Script s;
      s.body = "answer to " + r.path + std::string(3000, 'x');
      return s;
    });
    std::vector<Call> calls = make_calls(8);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 2 == 1) {
        calls[i].method = "POST";
        calls[i].body = std::string(5000 + i, 'b');
      }
      mesh.send(calls[i]);
    }
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) {
      EXPECT_EQ(call.status, 200);
      EXPECT_TRUE(call.is_complete);
      EXPECT_EQ(call.response_body, "answer to " + call.path + std::string(3000, 'x'));
      EXPECT_EQ(service.seen_count(call.id), 1u);
    }
    for (const SeenRequest& seen : service.seen()) {
      const size_t index = static_cast<size_t>(std::stoi(seen.id));
      EXPECT_EQ(seen.body, calls[index].body);
    }
    return conclude(mesh);
  });
}

// Seed n cuts one of the two upstream directions at byte n: whatever the client sees is one well-formed end.
TEST(ExchangeSim, AnUpstreamResetAtAnyByteEndsTheExchangeOnce) {
  for_each_seed("AnUpstreamResetAtAnyByteEndsTheExchangeOnce", 250, [](uint64_t seed) {
    BootstrapParts parts;
    parts.upstream_h2 = seed % 2 == 0;
    Mesh mesh(seed, make_bootstrap(parts));
    Service& service = mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.body = std::string(200, 'y');
      return s;
    });
    const auto direction = seed % 4 >= 2 ? net::Direction::ToServer : net::Direction::ToClient;
    mesh.world().reset_next_connection(*net::Address::parse("10.0.0.11", 80), direction, seed * 2);
    Call call;
    call.id = "cut";
    call.method = "POST";
    call.body = std::string(300, 'r');
    mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    EXPECT_EQ(call.ends, call.is_complete ? call.ends : 1);
    if (call.is_complete) {
      EXPECT_TRUE(call.status == 200 || call.status == 503 || call.status == 502) << call.status;
    }
    // A POST is repeated only where no byte of it was written, so the service sees it at most once.
    EXPECT_LE(service.seen_count("cut"), 1u);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, AClientResetAtAnyByteCancelsUpstream) {
  for_each_seed("AClientResetAtAnyByteCancelsUpstream", 250, [](uint64_t seed) {
    Options options;
    options.client_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    Mesh mesh(seed, make_bootstrap(parts), options);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.body = std::string(300, 'y');
      s.delay = base::milliseconds(3);
      return s;
    });
    const auto direction = seed % 8 >= 4 ? net::Direction::ToServer : net::Direction::ToClient;
    mesh.world().reset_next_connection(*net::Address::parse("10.0.0.1", 8080), direction, seed * 2);
    Call call;
    call.id = "cut";
    call.method = "POST";
    call.body = std::string(300, 'r');
    mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    EXPECT_LE(call.ends, 1);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, ASlowReaderHoldsBackTheServiceAndNothingElse) {
  for_each_seed("ASlowReaderHoldsBackTheServiceAndNothingElse", kSeeds, [](uint64_t seed) {
    Options options;
    options.client_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    parts.hcm_extra = "stream_idle_timeout: 20s";
    parts.route_extra = "timeout: 0s";
    Mesh mesh(seed, make_bootstrap(parts), options);
    constexpr size_t kBody = 4 * 1024 * 1024;
    Service& service = mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest& r, size_t) {
      Script s;
      s.body = std::string(r.path == "/slow" ? kBody : 100, 'z');
      return s;
    });
    (void)service;
    Call slow, quick;
    slow.id = "slow";
    slow.path = "/slow";
    slow.reads = false;
    mesh.send(slow);
    mesh.run_for(base::seconds(2));
    quick.id = "quick";
    quick.path = "/quick";
    mesh.send(quick);
    EXPECT_TRUE(mesh.run_until([&] { return quick.is_over; }, base::seconds(10)));
    EXPECT_TRUE(quick.is_complete);
    EXPECT_EQ(quick.status, 200);
    EXPECT_LT(slow.response_body.size(), kBody);
    // What the slow stream holds is bounded by windows and marks, far below the body.
    EXPECT_FALSE(slow.is_over);
    EXPECT_TRUE(
        mesh.run_until([&] { return mesh.stat("http.sim.downstream_rq_idle_timeout") == 1; }, base::seconds(60)));
    EXPECT_EQ(mesh.stat("http.sim.downstream_rq_active"), 0);
    EXPECT_FALSE(slow.is_complete);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, ADeadlineCutsEveryAttemptAndNoExchangeOutlivesIt) {
  for_each_seed("ADeadlineCutsEveryAttemptAndNoExchangeOutlivesIt", kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12"};
    parts.route_extra =
        "timeout: 2s, retry_policy: {retry_on: \"5xx,reset,connect-failure\", num_retries: 5, per_try_timeout: 0.5s}";
    Mesh mesh(seed, make_bootstrap(parts));
    set_weather(mesh, 0.5);
    for (const std::string& ip : parts.upstreams) {
      mesh.add_service(ip, false, [seed](const SeenRequest&, size_t n) {
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
    return conclude(mesh);
  });
}

TEST(ExchangeSim, RetriesStayWithinThePolicyAndTheBudget) {
  for_each_seed("RetriesStayWithinThePolicyAndTheBudget", kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.route_extra = "timeout: 10s, retry_policy: {retry_on: \"5xx\", num_retries: 3}";
    parts.cluster_extra = "circuit_breakers: {thresholds: [{max_retries: 2}]}";
    Mesh mesh(seed, make_bootstrap(parts));
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
      EXPECT_LE(service.seen_count(call.id), 4u);
      seen += service.seen_count(call.id);
    }
    EXPECT_EQ(seen, calls.size() + static_cast<size_t>(mesh.stat("cluster.up.upstream_rq_retry")));
    EXPECT_GT(mesh.stat("cluster.up.upstream_rq_retry_overflow"), 0);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, BreakersFailFastAndCount) {
  for_each_seed("BreakersFailFastAndCount", kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.cluster_extra = "circuit_breakers: {thresholds: [{max_connections: 2, max_pending_requests: 3}]}";
    Mesh mesh(seed, make_bootstrap(parts));
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
    return conclude(mesh);
  });
}

TEST(ExchangeSim, AFailingHostIsEjectedAndComesBack) {
  for_each_seed("AFailingHostIsEjectedAndComesBack", kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12"};
    parts.cluster_extra =
        "outlier_detection: {consecutive_5xx: 3, interval: 1s, base_ejection_time: 5s, max_ejection_percent: 50}";
    Mesh mesh(seed, make_bootstrap(parts));
    const bool* is_broken_ptr = nullptr;
    bool is_broken = true;
    is_broken_ptr = &is_broken;
    Service& bad = mesh.add_service("10.0.0.11", false, [is_broken_ptr](const SeenRequest&, size_t) {
      Script s;
      s.status = *is_broken_ptr ? 500 : 200;
      return s;
    });
    mesh.add_service("10.0.0.12", false, [](const SeenRequest&, size_t) { return Script{}; });
    std::vector<Call> first = make_calls(20), second = make_calls(10), third = make_calls(10);
    for (Call& call : first) {
      mesh.send(call);
      EXPECT_TRUE(mesh.run_until([&] { return call.is_over; }));
    }
    EXPECT_EQ(bad.seen().size(), 3u);
    for (Call& call : second) {
      mesh.send(call);
      EXPECT_TRUE(mesh.run_until([&] { return call.is_over; }));
      EXPECT_EQ(call.status, 200);
    }
    is_broken = false;
    mesh.run_for(base::seconds(8));
    for (Call& call : third) {
      mesh.send(call);
      EXPECT_TRUE(mesh.run_until([&] { return call.is_over; }));
      EXPECT_EQ(call.status, 200);
    }
    EXPECT_GT(bad.seen().size(), 3u);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, ADrainUnderLoadLosesNothing) {
  for_each_seed("ADrainUnderLoadLosesNothing", kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client_h2 = seed % 2 == 0;
    Mesh mesh(seed, make_bootstrap({}), options);
    set_weather(mesh, 0.5);
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(100);
      s.body = std::string(20000, 'd');
      return s;
    });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh.send(call);
    mesh.run_for(base::milliseconds(static_cast<int64_t>(50 + seed % 100)));
    bool is_drained = false;
    mesh.server().drain(base::seconds(60), [&] { is_drained = true; });
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) {
      EXPECT_EQ(call.status, 200);
      EXPECT_EQ(call.response_body.size(), 20000u);
    }
    EXPECT_TRUE(mesh.run_until([&] { return is_drained; }));
    return mesh.trace_hash();
  });
}

TEST(ExchangeSim, AConnectionThatClosesWhileIdleIsNeverAnError) {
  for_each_seed("AConnectionThatClosesWhileIdleIsNeverAnError", kSeeds, [](uint64_t seed) {
    Mesh mesh(seed, make_bootstrap({}));
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) { return Script{}; });
    std::vector<Call> calls = make_calls(12);
    for (size_t i = 0; i < calls.size(); ++i) {
      mesh.send(calls[i]);
      EXPECT_TRUE(mesh.run_until([&] { return calls[i].is_over; }));
      EXPECT_EQ(calls[i].status, 200) << i;
      // The service hangs up at a moment that races the next request.
      if (i % 2 == 0) mesh.world().reset_connections("proxy", "services");
      mesh.run_for(base::Duration(static_cast<int64_t>((seed * 7919 + i * 104729) % 400000)));
    }
    return conclude(mesh);
  });
}

TEST(ExchangeSim, PartitionsEndInTimeoutsAndHeal) {
  for_each_seed("PartitionsEndInTimeoutsAndHeal", kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.route_extra = "timeout: 3s";
    Mesh mesh(seed, make_bootstrap(parts));
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) { return Script{}; });
    Call before, during, after;
    before.id = "before", during.id = "during", after.id = "after";
    mesh.send(before);
    EXPECT_TRUE(mesh.finish());
    EXPECT_EQ(before.status, 200);
    mesh.world().partition("proxy", "services");
    mesh.send(during);
    EXPECT_TRUE(mesh.finish());
    EXPECT_EQ(during.status, 504);
    mesh.world().heal_all();
    mesh.send(after);
    EXPECT_TRUE(mesh.finish());
    EXPECT_EQ(after.status, 200);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, RefusedAndLostConnectionsAreRetriedElsewhere) {
  for_each_seed("RefusedAndLostConnectionsAreRetriedElsewhere", kSeeds, [](uint64_t seed) {
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12", "10.0.0.13"};
    parts.route_extra =
        "timeout: 10s, retry_policy: {retry_on: \"connect-failure,reset\", num_retries: 6, retry_host_predicate: [{name: p, typed_config: {\"@type\": "
        "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}], host_selection_retry_max_attempts: 5}";
    parts.cluster_extra = "circuit_breakers: {thresholds: [{max_retries: 100}]}";
    Mesh mesh(seed, make_bootstrap(parts));
    net::LinkOptions link;
    link.refuse = 0.2;
    mesh.world().set_link("proxy", "services", link);
    for (const std::string& ip : parts.upstreams)
      mesh.add_service(ip, false, [](const SeenRequest&, size_t) { return Script{}; });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    size_t good = 0;
    for (const Call& call : calls) good += call.status == 200;
    EXPECT_GE(good, 9u);
    return conclude(mesh);
  });
}

TEST(ExchangeSim, PortAndDescriptorExhaustionAreAnswered) {
  for_each_seed("PortAndDescriptorExhaustionAreAnswered", kSeeds, [](uint64_t seed) {
    Mesh mesh(seed, make_bootstrap({}));
    mesh.world().limit_ports("proxy", 3);
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(200);
      return s;
    });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh.send(call);
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) {
      EXPECT_TRUE(call.is_complete);
      EXPECT_TRUE(call.status == 200 || call.status == 503) << call.status;
    }
    mesh.world().limit_ports("proxy", 1000);
    Call later;
    later.id = "later";
    mesh.send(later);
    EXPECT_TRUE(mesh.finish());
    EXPECT_EQ(later.status, 200);
    return conclude(mesh);
  });
}

}  // namespace
}  // namespace weft::sim
