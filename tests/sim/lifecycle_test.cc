// Scenarios of change: drains, services that stop and return, endpoints that come and go, resources that run out.
#include <gtest/gtest.h>

#include "sim/mesh.h"

namespace weft::sim {
namespace {

constexpr unsigned kSeeds = 100;

TEST(LifecycleSim, ADrainUnderLoadLosesNothing) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.5);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(100);
      s.body = std::string(20000, 'd');
      return s;
    });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh.send(call);
    mesh.run_for(base::milliseconds(static_cast<int64_t>(50 + seed % 100)));
    mesh.proxy().drain(base::seconds(60));
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) {
      EXPECT_EQ(call.status, 200);
      EXPECT_TRUE(call.is_complete);
    }
    EXPECT_TRUE(mesh.run_until([&] { return mesh.proxy().is_drained(); }));
    Call late;
    late.id = "late";
    mesh.exchange(late);
    EXPECT_FALSE(late.is_complete);
    return mesh.conclude();
  });
}

TEST(LifecycleSim, ClosedListenersRefuseWhoeverComesAndFinishTheRest) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    Mesh mesh(seed, {}, options);
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(100);
      return s;
    });
    std::vector<Call> calls = make_calls(6), late = make_calls(3, "late");
    for (Call& call : calls) mesh.send(call);
    mesh.run_for(base::milliseconds(static_cast<int64_t>(5 + seed % 50)));
    mesh.server().drain_listeners(false, false, false);
    mesh.run_for(base::milliseconds(1));
    for (Call& call : late) {
      mesh.exchange(call, base::milliseconds(10));
      EXPECT_FALSE(call.is_complete);
    }
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) EXPECT_EQ(call.status, 200);
    return mesh.conclude();
  });
}

TEST(LifecycleSim, ADrainWhoseTimeRunsOutCutsWhatIsLeft) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.5);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [seed](const SeenRequest&, size_t n) {
      Script s;
      s.delay = base::milliseconds(static_cast<int64_t>((seed + n * 400) % 4000));
      s.body_delay = base::milliseconds(static_cast<int64_t>(n * 150));
      s.body = std::string(5000, 'd');
      return s;
    });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh.send(call);
    mesh.run_for(base::milliseconds(20));
    mesh.proxy().drain(base::seconds(2));
    EXPECT_TRUE(mesh.run_until([&] { return mesh.proxy().is_drained(); }, base::milliseconds(2100)));
    EXPECT_TRUE(mesh.finish(base::seconds(1)));
    return mesh.conclude();
  });
}

TEST(LifecycleSim, ADrainWhoseTimeRunsOutWhileConnectionsAreMadeEnds) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    Mesh mesh(seed, parts, options);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) { return Script{}; });
    mesh.world().partition("proxy", "services");
    std::vector<Call> calls = make_calls(6);
    for (Call& call : calls) mesh.send(call);
    mesh.run_for(base::milliseconds(static_cast<int64_t>(5 + seed)));
    mesh.proxy().drain(base::milliseconds(300));
    EXPECT_TRUE(mesh.run_until([&] { return mesh.proxy().is_drained(); }, base::milliseconds(400)));
    EXPECT_TRUE(mesh.finish(base::milliseconds(100)));
    return mesh.conclude();
  });
}

TEST(LifecycleSim, AServiceThatStopsInTheMiddleIsReplacedByTheOther) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    BootstrapParts parts;
    parts.upstreams = {"10.0.0.11", "10.0.0.12"};
    parts.upstream_h2 = seed % 4 >= 2;
    parts.retry_on = "5xx";
    parts.retries = 4;
    parts.thresholds = "max_retries: 100";
    parts.retry_extra =
        "retry_host_predicate: [{name: p, typed_config: {\"@type\": "
        "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}], "
        "host_selection_retry_max_attempts: 5";
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.3);
    for (const std::string& ip : parts.upstreams) {
      mesh.add_service(ip, parts.upstream_h2, [](const SeenRequest&, size_t) {
        Script s;
        s.delay = base::milliseconds(10);
        return s;
      });
    }
    std::vector<Call> calls = make_calls(40);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i == 5 + seed % 10) mesh.service(0).stop(seed % 3 == 0);
      if (i == 25) mesh.service(0).start();
      mesh.send(calls[i]);
      mesh.run_for(base::milliseconds(static_cast<int64_t>((seed + i) % 12)));
    }
    EXPECT_TRUE(mesh.finish());
    // What was refused or broken before its answer began went to the other one.
    for (const Call& call : calls) EXPECT_TRUE(call.status == 200) << call.id << ": " << call.status;
    return mesh.conclude();
  });
}

// A name that resolves to other addresses all the time, fails, and returns: no request is lost by it.
TEST(LifecycleSim, EndpointsThatComeAndGoLoseNothing) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    const std::vector<std::string> all = {"10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"};
    Options options;
    options.workers = 2;
    options.client.is_h2 = seed % 2 == 0;
    options.names = {{"up.sim", {all[0], all[1]}}};
    BootstrapParts parts;
    parts.is_dns = true;
    parts.upstreams = {"up.sim"};
    parts.upstream_h2 = seed % 4 >= 2;
    parts.cluster_extra = "dns_refresh_rate: 0.3s, dns_failure_refresh_rate: {base_interval: 0.2s, max_interval: 0.4s}";
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.4);
    for (const std::string& ip : all) {
      mesh.add_service(ip, parts.upstream_h2, [seed](const SeenRequest&, size_t n) {
        Script s;
        s.delay = base::milliseconds(static_cast<int64_t>((seed * 5 + n * 37) % 400));
        return s;
      });
    }
    std::vector<Call> calls = make_calls(60);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 6 == 5) {
        std::vector<std::string> some;
        const uint64_t bits = 1 + (seed * 7 + i) % 15;
        for (size_t k = 0; k < all.size(); ++k) {
          if ((bits >> k & 1) != 0) some.push_back(all[k]);
        }
        if (bits == 9) mesh.proxy().resolver().set_error("up.sim", base::ErrorCode::Unavailable);
        else mesh.proxy().resolver().set("up.sim", some);
      }
      mesh.send(calls[i]);
      mesh.run_for(base::milliseconds(static_cast<int64_t>(20 + (seed + i * 11) % 100)));
    }
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) EXPECT_EQ(call.status, 200) << call.id;
    EXPECT_GT(mesh.stat("cluster.up.membership_change"), 3);
    // Back to two hosts: the connections to the others are closed.
    mesh.proxy().resolver().set("up.sim", {all[0], all[1]});
    mesh.run_for(base::seconds(5));
    EXPECT_EQ(mesh.stat("cluster.up.membership_total"), 2);
    int64_t connections = 0;
    for (const auto& host : mesh.server().clusters()[0]->hosts()->hosts)
      connections += static_cast<int64_t>(host->cx_active.value());
    EXPECT_EQ(mesh.stat("cluster.up.upstream_cx_active"), connections);
    return mesh.conclude();
  });
}

TEST(LifecycleSim, PortExhaustionIsAnswered) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Mesh mesh(seed, {});
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
    mesh.exchange(later);
    EXPECT_EQ(later.status, 200);
    return mesh.conclude();
  });
}

// Accepting and connecting compete for the last descriptors: who gets none is answered or waits, and all goes on later.
TEST(LifecycleSim, DescriptorExhaustionIsAnswered) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 4 >= 2;
    Mesh mesh(seed, parts, options);
    mesh.world().limit_descriptors("proxy", 4 + seed % 8);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(200);
      return s;
    });
    std::vector<Call> calls = make_calls(12);
    for (Call& call : calls) {
      mesh.send(call);
      mesh.run_for(base::milliseconds(static_cast<int64_t>(seed % 20)));
    }
    mesh.run_for(base::seconds(3));
    mesh.world().limit_descriptors("proxy", 1000);
    EXPECT_TRUE(mesh.finish());
    for (const Call& call : calls) {
      EXPECT_TRUE(call.is_complete);
      EXPECT_TRUE(call.status == 200 || call.status == 503) << call.status;
    }
    Call later;
    later.id = "later";
    mesh.exchange(later);
    EXPECT_EQ(later.status, 200);
    return mesh.conclude();
  });
}

}  // namespace
}  // namespace weft::sim
