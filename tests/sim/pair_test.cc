// Scenarios of two proxies in a row, as two sidecars are: TLS from the client, HTTP/2 with mutual TLS between the
// proxies.
#include <gtest/gtest.h>

#include "sim/mesh.h"

namespace weft::sim {
namespace {

constexpr unsigned kSeeds = 100;
const net::Address kEgress = *net::Address::parse("10.0.0.1", 8080);
const net::Address kIngress = *net::Address::parse("10.0.0.2", 8443);

/// What differs from scenario to scenario; made before anything else of a run.
struct Pair {
  explicit Pair(uint64_t seed) : is_h2(seed % 2 == 0) {
    egress.upstreams = {"10.0.0.2"};
    egress.upstream_port = 8443;
    egress.upstream_h2 = true;
    ingress.listen_ip = "10.0.0.2";
    ingress.listen_port = 8443;
  }

  Identities identities;
  bool is_h2;  ///< the client
  bool has_client_tls = true;
  base::Duration egress_lifetime = std::chrono::hours(24), ingress_lifetime = std::chrono::hours(24);
  BootstrapParts egress, ingress;
  unsigned workers = 1;

  std::unique_ptr<Mesh> start(uint64_t seed) {
    const net::TlsCertificate egress_own = identities.issue("egress", egress_lifetime);
    Options options;
    options.workers = workers;
    options.client.is_h2 = is_h2;
    if (has_client_tls) {
      egress.downstream_tls = identities.server_context(identities.issue("front"), false);
      options.client.tls = identities.client_config("front", nullptr);
      options.client.sni = "front.sim.example";
    }
    egress.upstream_tls = identities.client_context(egress_own, "ingress");
    ingress.downstream_tls = identities.server_context(identities.issue("ingress", ingress_lifetime));
    auto mesh = std::make_unique<Mesh>(seed, egress, options);
    mesh->add_proxy("ingress", ingress, workers);
    return mesh;
  }
};

Service::Decide quick_answers() {
  return [](const SeenRequest& r, size_t) {
    Script s;
    s.body = "answer to " + r.path;
    s.delay = base::milliseconds(3);
    return s;
  };
}

/// Every new connection between the hosts needs a handshake.
void break_connections(Mesh& mesh, std::string_view a, std::string_view b) {
  mesh.world().reset_connections(a, b);
  mesh.run_for(base::milliseconds(5));
}

TEST(PairSim, RequestsPassTwoProxiesThroughTornTls) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    pair.workers = 2;
    const auto mesh = pair.start(seed);
    set_weather(*mesh, 0.6);
    mesh->add_service("10.0.0.11", false, [](const SeenRequest& r, size_t) {
      Script s;
      s.body = "answer to " + r.path + std::string(20000, 'x');
      if (r.path == "/2") s.trailers = {{"x-sum", "1"}};
      return s;
    });
    std::vector<Call> calls = make_calls(8);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 2 == 1) {
        calls[i].method = "POST";
        calls[i].body = std::string(i * 5000, 'b');
      }
      mesh->send(calls[i]);
    }
    EXPECT_TRUE(mesh->finish());
    for (const Call& call : calls) {
      EXPECT_EQ(call.status, 200);
      EXPECT_TRUE(call.is_complete);
    }
    EXPECT_EQ(mesh->client().tls_counters()[net::TlsEvent::ConnectionError], 0u);
    EXPECT_GE(mesh->stat("cluster.up.ssl.handshake"), 1);
    EXPECT_EQ(mesh->stat("cluster.up.ssl.handshake"), mesh->stat("listener.10.0.0.2_8443.ssl.handshake", 1));
    return mesh->conclude();
  });
}

TEST(PairSim, ASecondHandshakeResumesTheFirst) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    const auto mesh = pair.start(seed);
    mesh->add_service("10.0.0.11", false, quick_answers());
    std::vector<Call> calls = make_calls(4);
    for (Call& call : calls) {
      mesh->exchange(call);
      EXPECT_EQ(call.status, 200);
      break_connections(*mesh, "proxy", "ingress");
      break_connections(*mesh, "client", "proxy");
      mesh->run_for(base::milliseconds(static_cast<int64_t>(seed % 50)));
    }
    EXPECT_EQ(mesh->stat("cluster.up.ssl.handshake"), 4);
    EXPECT_EQ(mesh->stat("cluster.up.ssl.session_reused"), 3);
    EXPECT_EQ(mesh->stat("listener.10.0.0.2_8443.ssl.session_reused", 1), 3);
    EXPECT_EQ(mesh->client().tls_counters()[net::TlsEvent::SessionReused], 3u);
    return mesh->conclude();
  });
}

// Handshakes broken at byte after byte of either direction, on either of the two hops.
TEST(PairSim, AResetAtAnyByteOfTheHandshakeIsAnsweredAndLeavesNothing) {
  constexpr size_t kCalls = 8, kHandshakeBytes = 3000, kStride = 19;
  for_each_seed(160, [](uint64_t seed) {
    Pair pair(seed);
    const bool is_first_hop = seed % 4 >= 2;
    const auto mesh = pair.start(seed);
    mesh->add_service("10.0.0.11", false, quick_answers());
    const auto direction = seed % 8 >= 4 ? net::Direction::ToServer : net::Direction::ToClient;
    std::vector<Call> calls = make_calls(kCalls);
    for (size_t i = 0; i < kCalls; ++i) {
      calls[i].method = "POST";
      calls[i].body = "once";
      const size_t byte = (seed / 8 * kCalls + i) * kStride % kHandshakeBytes;
      mesh->world().reset_next_connection(is_first_hop ? kEgress : kIngress, direction, byte);
      mesh->exchange(calls[i]);
      if (!is_first_hop) {
        // Behind the handshake, a byte may be one of the answer's body.
        EXPECT_TRUE(calls[i].is_complete || calls[i].status == 200);
        EXPECT_TRUE(calls[i].status == 200 || calls[i].status == 503) << calls[i].status;
      }
      break_connections(*mesh, "client", "proxy");
      break_connections(*mesh, "proxy", "ingress");
    }
    Call last;
    last.id = "last";
    mesh->exchange(last);
    EXPECT_EQ(last.status, 200);
    return mesh->conclude();
  });
}

// One of the two certificates between the proxies expires under load. From then on no new connection comes to be, by
// resumption neither; where the server's is replaced, it does again.
TEST(PairSim, ACertificateThatExpiresDuringTheRunIsRefusedUntilItIsReplaced) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    const bool is_server = seed % 4 < 2;
    (is_server ? pair.ingress_lifetime : pair.egress_lifetime) = base::seconds(60);
    const auto mesh = pair.start(seed);
    mesh->add_service("10.0.0.11", false, quick_answers());
    std::vector<Call> good = make_calls(2, "good"), late = make_calls(2, "late"), again = make_calls(2, "again");
    for (Call& call : good) {
      mesh->exchange(call);
      EXPECT_EQ(call.status, 200);
      break_connections(*mesh, "proxy", "ingress");
    }
    mesh->run_for(base::seconds(61));
    for (Call& call : late) {
      mesh->exchange(call);
      EXPECT_EQ(call.status, 503);
      break_connections(*mesh, "proxy", "ingress");
    }
    if (!is_server) return mesh->conclude();
    EXPECT_GE(mesh->stat("cluster.up.ssl.fail_verify_error"), 1);
    const proxy::Server& ingress = mesh->server(1);
    auto renewed = std::make_shared<net::TlsContextConfig>(*ingress.snapshot()->listeners[0]->filter_chains[0].tls);
    renewed->certificates = {pair.identities.issue("ingress")};
    EXPECT_TRUE(mesh->server(1).replace_tls("in", "chain", renewed));
    mesh->run_for(base::milliseconds(10));
    for (Call& call : again) {
      mesh->exchange(call);
      EXPECT_EQ(call.status, 200);
      break_connections(*mesh, "proxy", "ingress");
    }
    return mesh->conclude();
  });
}

// A live listener changes its certificate again and again while requests go on.
TEST(PairSim, CertificatesAreReplacedUnderLoad) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    const auto mesh = pair.start(seed);
    set_weather(*mesh, 0.3);
    mesh->add_service("10.0.0.11", false, quick_answers());
    std::vector<Call> calls = make_calls(12);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 4 == 2) {
        auto renewed =
            std::make_shared<net::TlsContextConfig>(*mesh->server(1).snapshot()->listeners[0]->filter_chains[0].tls);
        renewed->certificates = {pair.identities.issue("ingress")};
        EXPECT_TRUE(mesh->server(1).replace_tls("in", "chain", renewed));
      }
      if (i % 4 == 3) {
        EXPECT_TRUE(mesh->finish());
        break_connections(*mesh, "proxy", "ingress");
      }
      mesh->send(calls[i]);
      mesh->run_for(base::milliseconds(static_cast<int64_t>((seed + i) % 9)));
    }
    EXPECT_TRUE(mesh->finish());
    for (const Call& call : calls) EXPECT_EQ(call.status, 200) << call.id;
    return mesh->conclude();
  });
}

// The client's deadline is told from hop to hop, less what was used, and retries at the first hop do not prolong it.
TEST(PairSim, ADeadlineHoldsAcrossBothHops) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    pair.has_client_tls = seed % 4 >= 2;
    pair.egress.router_extra = pair.ingress.router_extra = "respect_expected_rq_timeout: true";
    pair.ingress.hcm_extra = "internal_address_config: {cidr_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}";
    pair.egress.hcm_extra = "use_remote_address: true, " + pair.ingress.hcm_extra;
    pair.egress.timeout = pair.ingress.timeout = base::seconds(10);
    pair.egress.retry_on = "5xx,reset";
    pair.egress.retries = 3;
    const auto mesh = pair.start(seed);
    set_weather(*mesh, 0.3);
    Service& service = mesh->add_service("10.0.0.11", false, [seed](const SeenRequest&, size_t n) {
      Script s;
      s.delay = base::milliseconds(static_cast<int64_t>((seed * 41 + n * 173) % 1500));
      if ((seed + n) % 4 == 0) s.status = 503;
      if ((seed + n) % 5 == 0) s.end = Script::End::Never;
      return s;
    });
    std::vector<Call> calls = make_calls(8);
    for (size_t i = 0; i < calls.size(); ++i) {
      calls[i].deadline = base::milliseconds(static_cast<int64_t>(200 + (seed * 53 + i * 97) % 1000));
      calls[i].headers = {
          {"x-envoy-expected-rq-timeout-ms", std::to_string(base::to_milliseconds(*calls[i].deadline))}};
      mesh->send(calls[i]);
    }
    EXPECT_TRUE(mesh->finish());
    for (const SeenRequest& seen : service.seen()) {
      const Call& call = calls[std::stoul(seen.id)];
      const int64_t told = std::stoll(seen.headers.at("x-envoy-expected-rq-timeout-ms"));
      EXPECT_LT(told, base::to_milliseconds(*call.deadline));
      EXPECT_GT(told, 0);
    }
    for (const Call& call : calls) EXPECT_TRUE(call.is_complete) << call.id;
    return mesh->conclude();
  });
}

TEST(PairSim, AStalledStreamBesideFlowingOnesSharesTheConnection) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    pair.egress.timeout = pair.ingress.timeout = base::Duration::zero();
    const auto mesh = pair.start(seed);
    constexpr size_t kBody = 3 * 1024 * 1024;
    mesh->add_service("10.0.0.11", false, [](const SeenRequest& r, size_t) {
      Script s;
      if (r.path == "/down") s.body = std::string(kBody, 's');
      if (r.path == "/up") s.consumes = false, s.reads_after = base::seconds(4);
      return s;
    });
    Call down, up;
    down.id = "down", down.path = "/down", down.reads = false, down.reads_after = base::seconds(4);
    up.id = "up", up.path = "/up", up.method = "POST", up.body = std::string(kBody, 'u');
    mesh->send(down);
    mesh->send(up);
    mesh->run_for(base::seconds(1));
    std::vector<Call> quick = make_calls(6);
    for (Call& call : quick) {
      mesh->exchange(call, base::milliseconds(300));
      EXPECT_EQ(call.status, 200);
    }
    EXPECT_FALSE(down.is_over);
    EXPECT_FALSE(up.is_over);
    EXPECT_TRUE(mesh->finish());
    EXPECT_TRUE(down.is_complete);
    EXPECT_TRUE(up.is_complete);
    EXPECT_EQ(mesh->stat("cluster.up.upstream_cx_total"), 1);
    return mesh->conclude();
  });
}

TEST(PairSim, ADrainOfTheSecondProxyUnderLoadLosesNothing) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    pair.workers = 2;
    const auto mesh = pair.start(seed);
    set_weather(*mesh, 0.4);
    mesh->add_service("10.0.0.11", false, [](const SeenRequest&, size_t) {
      Script s;
      s.delay = base::milliseconds(60);
      s.body = std::string(10000, 'd');
      return s;
    });
    std::vector<Call> calls = make_calls(10);
    for (Call& call : calls) mesh->send(call);
    mesh->run_for(base::milliseconds(static_cast<int64_t>(40 + seed % 60)));
    mesh->proxy(1).drain(base::seconds(60));
    EXPECT_TRUE(mesh->finish());
    for (const Call& call : calls) EXPECT_TRUE(call.status == 200 && call.is_complete) << call.id << call.status;
    EXPECT_TRUE(mesh->run_until([&] { return mesh->proxy(1).is_drained(); }));
    return mesh->conclude();
  });
}

// The second proxy's connections end at any moment, as when its process is killed; the first one retries what may be.
TEST(PairSim, AProxyThatLosesItsConnectionsInTheMiddleLosesNoMoreThanItMust) {
  for_each_seed(kSeeds, [](uint64_t seed) {
    Pair pair(seed);
    pair.egress.retry_on = "reset,connect-failure,refused-stream";
    pair.egress.retries = 3;
    const auto mesh = pair.start(seed);
    set_weather(*mesh, 0.3);
    mesh->add_service("10.0.0.11", false, [seed](const SeenRequest&, size_t n) {
      Script s;
      s.delay = base::milliseconds(static_cast<int64_t>((seed + n * 13) % 40));
      s.body_delay = base::milliseconds(static_cast<int64_t>(n % 3));
      s.body = std::string(3000, 'k');
      return s;
    });
    std::vector<Call> calls = make_calls(20);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i % 10 == 9) mesh->proxy(1).close_connections();
      if (i % 3 == 2) calls[i].method = "POST", calls[i].body = "payload";
      mesh->send(calls[i]);
      mesh->run_for(base::milliseconds(static_cast<int64_t>((seed * 3 + i) % 15)));
    }
    EXPECT_TRUE(mesh->finish());
    Call last;
    last.id = "last";
    mesh->exchange(last);
    EXPECT_EQ(last.status, 200);
    return mesh->conclude();
  });
}

}  // namespace
}  // namespace weft::sim
