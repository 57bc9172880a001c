// Scenarios of exchanges: bytes that come in pieces, late, or not at all, on either side.
#include <gtest/gtest.h>

#include "sim/mesh.h"

namespace weft::sim {
namespace {

constexpr unsigned kSeeds = 100;
const net::Address kProxy = *net::Address::parse("10.0.0.1", 8080);
const net::Address kService = *net::Address::parse("10.0.0.11", 80);

/// The versions of both sides follow the seed's lowest bits.
void choose_versions(uint64_t seed, BootstrapParts& parts, Options& options) {
  options.client.is_h2 = seed % 2 == 0;
  parts.upstream_h2 = seed % 4 >= 2;
}

TEST(ExchangeSim, EveryRequestIsAnsweredOnceThroughTornReads) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    BootstrapParts parts;
    choose_versions(seed, parts, options);
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.8);
    Service& service = mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest& r, size_t) {
      Script s;
      s.body = "answer to " + r.path + std::string(3000, 'x');
      if (r.path == "/3") s.trailers = {{"x-sum", "1"}};
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
      EXPECT_EQ(service.seen_count(call.id), 1u);
    }
    return mesh.conclude();
  });
}

// Byte after byte of one direction of the upstream connection: whatever the client sees is one well-formed end.
TEST(ExchangeSim, AnUpstreamResetAtAnyByteEndsTheExchangeOnce) {
  constexpr size_t kCalls = 12;
  for_each_seed(200, [](uint64_t seed) {
    Options options;
    BootstrapParts parts;
    parts.upstream_h2 = seed % 2 == 0;
    options.client.is_h2 = seed % 8 >= 4;
    Mesh mesh(seed, parts, options);
    Service& service = mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t) {
      Script s;
      s.body = std::string(100, 'y');
      return s;
    });
    const auto direction = seed % 4 >= 2 ? net::Direction::ToServer : net::Direction::ToClient;
    std::vector<Call> calls = make_calls(kCalls);
    for (size_t i = 0; i < kCalls; ++i) {
      calls[i].method = "POST";
      calls[i].body = std::string(150, 'r');
      mesh.world().reset_next_connection(kService, direction, seed / 4 * kCalls + i);
      mesh.exchange(calls[i]);
      if (calls[i].is_complete) {
        EXPECT_TRUE(calls[i].status == 200 || calls[i].status == 502 || calls[i].status == 503) << calls[i].status;
      }
      // A POST is repeated only where no byte of it was written, so the service sees it at most once.
      EXPECT_LE(service.seen_count(calls[i].id), 1u);
      mesh.world().reset_connections("proxy", "services");
      mesh.run_for(base::milliseconds(5));
    }
    return mesh.conclude();
  });
}

TEST(ExchangeSim, AClientResetAtAnyByteCancelsUpstream) {
  constexpr size_t kCalls = 12;
  for_each_seed(200, [](uint64_t seed) {
    Options options;
    BootstrapParts parts;
    options.client.is_h2 = seed % 2 == 0;
    parts.upstream_h2 = seed % 8 >= 4;
    Mesh mesh(seed, parts, options);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest&, size_t n) {
      Script s;
      s.body = std::string(100, 'y');
      s.delay = base::milliseconds(static_cast<int64_t>(n % 4));
      return s;
    });
    const auto direction = seed % 4 >= 2 ? net::Direction::ToServer : net::Direction::ToClient;
    std::vector<Call> calls = make_calls(kCalls);
    for (size_t i = 0; i < kCalls; ++i) {
      calls[i].method = "POST";
      calls[i].body = std::string(150, 'r');
      mesh.world().reset_next_connection(kProxy, direction, seed / 4 * kCalls + i);
      mesh.exchange(calls[i]);
      mesh.world().reset_connections("client", "proxy");
      mesh.run_for(base::milliseconds(5));
      EXPECT_EQ(mesh.stat("http.sim.downstream_rq_active"), 0);
      EXPECT_EQ(mesh.stat("cluster.up.upstream_rq_active"), 0);
    }
    return mesh.conclude();
  });
}

TEST(ExchangeSim, AClientThatLeavesCancelsItsRequestAndNoOther) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    BootstrapParts parts;
    choose_versions(seed, parts, options);
    parts.retry_on = "5xx";
    parts.retries = 3;
    parts.thresholds = "max_retries: 100";
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.5);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [seed](const SeenRequest& r, size_t n) {
      Script s;
      s.delay = base::milliseconds(static_cast<int64_t>((seed * 31 + n * 17) % 60));
      s.body = std::string(2000, 'c');
      if (r.attempt == 1 && n % 3 == 0) s.status = 503;
      return s;
    });
    std::vector<Call> calls = make_calls(12);
    for (Call& call : calls) mesh.send(call);
    for (size_t i = 0; i < calls.size(); i += 2) {
      mesh.run_for(base::milliseconds(static_cast<int64_t>((seed * 7 + i) % 23)));
      mesh.client().abandon(calls[i]);
    }
    EXPECT_TRUE(mesh.finish());
    for (size_t i = 1; i < calls.size(); i += 2) {
      EXPECT_TRUE(calls[i].is_complete);
      EXPECT_EQ(calls[i].status, 200);
    }
    return mesh.conclude();
  });
}

TEST(ExchangeSim, ASlowReaderHoldsBackTheServiceAndNothingElse) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    BootstrapParts parts;
    choose_versions(seed, parts, options);
    parts.hcm_extra = "stream_idle_timeout: 20s";
    parts.timeout = base::Duration::zero();
    Mesh mesh(seed, parts, options);
    constexpr size_t kBody = 4 * 1024 * 1024;
    mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest& r, size_t) {
      Script s;
      s.body = std::string(r.path == "/slow" ? kBody : 100, 'z');
      return s;
    });
    Call slow, quick;
    slow.id = "slow";
    slow.path = "/slow";
    slow.reads = false;
    if (seed % 8 >= 4) slow.reads_after = base::seconds(5);
    mesh.send(slow);
    mesh.run_for(base::seconds(2));
    quick.id = "quick";
    quick.path = "/quick";
    mesh.exchange(quick, base::seconds(2));
    EXPECT_TRUE(quick.is_complete);
    EXPECT_EQ(quick.status, 200);
    // What the slow stream holds is bounded by windows and marks, far below the body.
    EXPECT_LT(slow.response_body.size(), kBody / 2);
    EXPECT_FALSE(slow.is_over);
    if (slow.reads_after > base::Duration::zero()) {
      EXPECT_TRUE(mesh.finish());
      EXPECT_TRUE(slow.is_complete);
    } else {
      EXPECT_TRUE(
          mesh.run_until([&] { return mesh.stat("http.sim.downstream_rq_idle_timeout") == 1; }, base::seconds(60)));
      EXPECT_EQ(mesh.stat("http.sim.downstream_rq_active"), 0);
      EXPECT_FALSE(slow.is_complete);
    }
    return mesh.conclude();
  });
}

TEST(ExchangeSim, AServiceThatReadsSlowlyHoldsBackItsClientAndNoOther) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    BootstrapParts parts;
    choose_versions(seed, parts, options);
    Mesh mesh(seed, parts, options);
    Service& service = mesh.add_service("10.0.0.11", parts.upstream_h2, [](const SeenRequest& r, size_t) {
      Script s;
      s.consumes = r.path != "/slow";
      s.reads_after = base::seconds(3);
      return s;
    });
    constexpr size_t kBody = 4 * 1024 * 1024;
    Call slow, quick;
    slow.id = "slow";
    slow.path = "/slow";
    slow.method = "POST";
    slow.body = std::string(kBody, 'u');
    mesh.send(slow);
    mesh.run_for(base::seconds(1));
    quick.id = "quick";
    quick.method = "POST";
    quick.body = std::string(1000, 'q');
    mesh.exchange(quick, base::seconds(1));
    EXPECT_EQ(quick.status, 200);
    EXPECT_LT(service.seen()[0].body.size(), kBody / 2);
    EXPECT_TRUE(mesh.finish());
    EXPECT_EQ(slow.status, 200);
    EXPECT_EQ(service.seen()[0].body.size(), kBody);
    return mesh.conclude();
  });
}

// Answers that come before the request is complete, bodies both ways, resets by services, and everything torn.
TEST(ExchangeSim, ServicesThatAnswerEarlyLateOrNotAtAllMixUpNothing) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Options options;
    options.workers = 2;
    BootstrapParts parts;
    choose_versions(seed, parts, options);
    parts.timeout = base::seconds(4);
    parts.retry_on = "reset,retriable-status-codes";
    parts.retry_extra = "retriable_status_codes: [503]";
    parts.retries = 2;
    Mesh mesh(seed, parts, options);
    set_weather(mesh, 0.6);
    mesh.add_service("10.0.0.11", parts.upstream_h2, [seed](const SeenRequest&, size_t n) {
      const uint64_t dice = (seed * 7919 + n * 104729) % 13;
      Script s;
      s.waits_for_request = dice % 2 == 0;
      s.delay = base::milliseconds(static_cast<int64_t>(dice * 5));
      s.body_delay = base::milliseconds(static_cast<int64_t>(dice % 5));
      s.body = std::string(dice * 1000, static_cast<char>('a' + n % 26));
      if (dice == 3) s.end = Script::End::ResetBeforeHead;
      if (dice == 5) s.end = Script::End::ResetAfterHead;
      if (dice == 7) s.end = Script::End::Never;
      if (dice == 9) s.status = 503;
      return s;
    });
    std::vector<Call> calls = make_calls(16);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 3 != 0) {
        calls[i].method = i % 3 == 1 ? "POST" : "PUT";
        calls[i].body = std::string(i * 700, static_cast<char>('A' + i));
      }
      mesh.send(calls[i]);
      mesh.run_for(base::milliseconds(static_cast<int64_t>((seed + i) % 5)));
    }
    EXPECT_TRUE(mesh.finish(base::seconds(20)));
    return mesh.conclude();
  });
}

// A request that a service saw on a reused connection may be repeated only where that changes nothing.
TEST(ExchangeSim, AServiceThatHangsUpOnAReusedConnectionSeesNoPostTwice) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Mesh mesh(seed, {});
    set_weather(mesh, 0.5);
    Service& service = mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t n) {
      Script s;
      if (n % 3 == 2) s.end = Script::End::ResetBeforeHead;
      return s;
    });
    std::vector<Call> calls = make_calls(12);
    for (size_t i = 0; i < calls.size(); ++i) {
      if ((seed + i) % 2 == 0) calls[i].method = "POST", calls[i].body = "once";
      mesh.exchange(calls[i]);
      const bool is_get = calls[i].method == "GET";
      EXPECT_TRUE(calls[i].status == 200 || (calls[i].status == 503 && !is_get)) << calls[i].status;
      EXPECT_LE(service.seen_count(calls[i].id), is_get ? 2u : 1u);
    }
    return mesh.conclude();
  });
}

TEST(ExchangeSim, AConnectionThatClosesWhileIdleIsNeverAnError) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Mesh mesh(seed, {});
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) { return Script{}; });
    std::vector<Call> calls = make_calls(12);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 3 == 1) calls[i].method = "POST", calls[i].body = "once";
      mesh.exchange(calls[i]);
      // What a service may have seen already is not sent again, unless that changes nothing.
      EXPECT_TRUE(calls[i].status == 200 || (calls[i].status == 503 && calls[i].method == "POST")) << i;
      // The service hangs up at a moment that races the next request.
      if (i % 2 == 0) mesh.world().reset_connections("proxy", "services");
      mesh.run_for(base::Duration(static_cast<int64_t>((seed * 7919 + i * 104729) % 400000)));
    }
    return mesh.conclude();
  });
}

}  // namespace
}  // namespace weft::sim
