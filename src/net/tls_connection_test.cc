// Connections with real TLS on every backend, and in the simulation's bad weather.
#include <gtest/gtest.h>

#include "net/connection.h"
#include "net/simulation.h"
#include "net/testing/backend.h"
#include "net/testing/recorders.h"
#include "net/testing/tls_certificates.h"
#include "net/testing/tls_random.h"
#include "net/tls_context.h"

namespace weft::net::testing {
namespace {

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 11 % 26);
  return text;
}

/// A server and a client that know each other, with certificates of the given moment.
struct Mesh {
  explicit Mesh(base::WallTime now) {
    TestLeaf leaf;
    leaf.not_before = now - base::seconds(3600);
    leaf.not_after = now + base::seconds(3600);
    leaf.dns = {"test.example"};
    leaf.uris = {"spiffe://mesh.example/one"};
    TlsContextConfig config;
    config.certificates = {authority.issue(leaf)};
    config.trusted_ca_pem = authority.pem();
    config.require_client_certificate = true;
    config.alpn = {"h2"};
    config.max_version = TlsVersion::Tls1_3;
    config.peer.san_matchers = {{SanType::Uri, SanMatcher::Kind::Prefix, "spiffe://mesh.example/", false, {}, nullptr}};
    rules = std::make_shared<PeerRules>(config.peer);
    server = *TlsContext::make(config, TlsRole::Server);
    client = *TlsContext::make(config, TlsRole::Client);
  }
  std::unique_ptr<TlsSession> server_session(Loop& loop) {
    ServerSessionOptions options;
    options.rules = rules;
    options.tickets = tickets;
    return server->new_server_session(loop, std::move(options));
  }
  std::unique_ptr<TlsSession> client_session(Loop& loop) {
    ClientSessionOptions options;
    options.rules = rules;
    options.sni = "test.example";
    return client->new_client_session(loop, std::move(options));
  }

  TestAuthority authority{"mesh"};
  std::shared_ptr<TlsContext> server, client;
  std::shared_ptr<const PeerRules> rules;
  std::shared_ptr<const TicketKeys> tickets = TicketKeys::generate();
};

class TlsConnectionTest : public ::testing::TestWithParam<Backend> {
 protected:
  TlsConnectionTest() : mesh(loop.wall_now()) {
    listener = std::move(*loop.listen(any_local_port(), {}));
    loop.start_accepting(*listener, accepted);
  }
  bool until(const std::function<bool()>& done) { return run_until(loop, done); }
  AcceptedSocket accept() {
    EXPECT_TRUE(until([&] { return !accepted.sockets.empty(); }));
    AcceptedSocket socket = std::move(accepted.sockets.back());
    accepted.sockets.pop_back();
    return socket;
  }
  void start() {
    client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, mesh.client_session(loop),
                                          client_events);
    server = std::make_unique<Connection>(loop, accept(), mesh.server_session(loop), server_events);
    client->start_reading();
    server->start_reading();
  }
  void open() {
    start();
    ASSERT_TRUE(until([&] { return client_events.has("open") && server_events.has("open"); }))
        << client_events.error.message << server_events.error.message;
  }

  std::unique_ptr<BackendLoop> owner = make_backend(GetParam());
  Loop& loop = owner->loop();
  Mesh mesh;
  std::unique_ptr<ListenSocket> listener;
  AcceptRecorder accepted;
  ConnectionRecorder client_events, server_events;
  std::unique_ptr<Connection> client, server;
};

TEST_P(TlsConnectionTest, carries_large_bodies_both_ways_and_closes_in_order) {
  open();
  EXPECT_EQ(server->tls()->alpn(), "h2");
  EXPECT_EQ(server->tls()->info().peer_uri_sans, std::vector<std::string>{"spiffe://mesh.example/one"});
  const std::string question = pattern(300'000), answer = pattern(500'000);
  client->write(chain_of(loop, question));
  client->shutdown_write();
  server->write(chain_of(loop, answer));
  ASSERT_TRUE(until([&] { return server_events.has("end") && client_events.data.size() == answer.size(); }));
  EXPECT_EQ(server_events.data, question);
  EXPECT_EQ(client_events.data, answer);
  server->shutdown_write();
  ASSERT_TRUE(until([&] { return client_events.has("end"); }));
  EXPECT_FALSE(client_events.has("close") || server_events.has("close"));
}

TEST_P(TlsConnectionTest, the_next_connection_resumes) {
  open();
  server->write(chain_of(loop, "x"));  // the tickets come before it
  ASSERT_TRUE(until([&] { return client_events.data == "x"; }));
  client->close();
  server->close();
  client_events.events.clear();
  server_events.events.clear();
  open();
  EXPECT_TRUE(client->tls()->info().is_resumed);
  EXPECT_TRUE(server->tls()->info().is_resumed);
}

TEST_P(TlsConnectionTest, writes_and_an_end_before_the_handshake_wait_for_it) {
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, mesh.client_session(loop),
                                        client_events);
  client->write(chain_of(loop, "early"));
  client->shutdown_write();
  server = std::make_unique<Connection>(loop, accept(), mesh.server_session(loop), server_events);
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.has("end"); }));
  EXPECT_EQ(server_events.data, "early");
}

TEST_P(TlsConnectionTest, a_refused_certificate_closes_both_ends_with_the_reason) {
  Mesh other(loop.wall_now());
  mesh.client = other.client;
  start();
  ASSERT_TRUE(until([&] { return client_events.has("close") && server_events.has("close"); }));
  EXPECT_NE(client_events.error.message.find("CERTIFICATE_VERIFY_FAILED"), std::string::npos)
      << client_events.error.message;
  EXPECT_EQ(client_events.error.side, base::Side::Upstream);
  EXPECT_EQ(server_events.error.code, base::ErrorCode::Tls) << "told by the alert";
  EXPECT_FALSE(client_events.has("open") || server_events.has("open"));
}

INSTANTIATE_TEST_SUITE_P(Backends, TlsConnectionTest, ::testing::ValuesIn(all_backends()),
                         [](const auto& info) { return name_of(info.param); });

// ---- simulation ----

/// Servers that answer every connection's bytes with as many of their own.
struct Answerer final : AcceptHandler {
  struct Session final : ConnectionHandler {
    Session(Mesh& mesh, Loop& loop, AcceptedSocket socket)
        : connection(loop, std::move(socket), mesh.server_session(loop), *this) {
      connection.start_reading();
    }
    void on_data(base::Slice data) override { connection.write(base::Chain(std::move(data))); }
    void on_end() override { connection.shutdown_write(); }
    void on_close(const base::Error&) override {}
    Connection connection;
  };
  Answerer(Mesh& m, Loop& l) : mesh(m), loop(l), listener(std::move(*l.listen(address(), {}))) {
    loop.start_accepting(*listener, *this);
  }
  static Address address() { return Address::v4(0x0a000001, 443); }
  void on_accept(AcceptedSocket socket) override {
    sessions.push_back(std::make_unique<Session>(mesh, loop, std::move(socket)));
  }
  void on_accept_error(const base::Error&) override {}

  Mesh& mesh;
  Loop& loop;
  std::unique_ptr<ListenSocket> listener;
  std::vector<std::unique_ptr<Session>> sessions;
};

struct Life {
  std::vector<std::string> trace;
  uint64_t hash = 0;
  int answered = 0, broken = 0, resumed = 0;
};

/// Connections one after another through torn reads and resets; with `reset_at`, the first breaks at that byte.
Life live(uint64_t seed, int connections, double reset, uint64_t reset_at = UINT64_MAX,
          Direction direction = Direction::ToServer) {
  Simulation world(seed);
  const DeterministicTlsRandom random(world.random().next());
  world.record_trace();
  Loop& server_loop = world.add_loop("server", "10.0.0.1");
  Loop& client_loop = world.add_loop("client");
  world.set_default_link({.reset = reset, .tear = 0.5});
  Life life;
  {
    Mesh mesh(server_loop.wall_now());
    Answerer server(mesh, server_loop);
    const std::string text = pattern(3000);
    for (int i = 0; i < connections; ++i) {
      if (reset_at != UINT64_MAX) world.reset_next_connection(Answerer::address(), direction, reset_at);
      ConnectionRecorder events;
      Connection client(client_loop, Answerer::address(), ConnectOptions{}, mesh.client_session(client_loop), events);
      client.start_reading();
      client.write(chain_of(client_loop, text));
      EXPECT_TRUE(world.run_until([&] { return events.data.size() == text.size() || events.has("close"); }))
          << "seed " << seed;
      if (events.data == text) ++life.answered;
      else ++life.broken;
      if (client.tls()->is_established() && client.tls()->info().is_resumed) ++life.resumed;
      client.close();
      world.run_for(base::seconds(60));
    }
  }
  life.trace = world.trace();
  life.hash = world.trace_hash();
  return life;
}

TEST(TlsSimulationTest, one_seed_gives_one_trace_with_tls_and_resumption) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Life first = live(seed, 6, 0.01), second = live(seed, 6, 0.01);
    ASSERT_EQ(first.trace, second.trace) << "seed " << seed;
    ASSERT_EQ(first.hash, second.hash) << "seed " << seed;
  }
}

TEST(TlsSimulationTest, torn_reads_lose_nothing_and_sessions_resume) {
  const Life life = live(3, 10, 0);
  EXPECT_EQ(life.answered, 10);
  EXPECT_EQ(life.resumed, 9);
}

TEST(TlsSimulationTest, a_reset_at_any_byte_of_the_handshake_ends_both_sides) {
  for (const Direction direction : {Direction::ToServer, Direction::ToClient})
    for (uint64_t byte = 0; byte < 1600; byte += 23) {
      const Life life = live(5, 1, 0, byte, direction);
      EXPECT_EQ(life.answered + life.broken, 1);
      EXPECT_EQ(life.broken, 1) << "byte " << byte;
    }
}

}  // namespace
}  // namespace weft::net::testing
