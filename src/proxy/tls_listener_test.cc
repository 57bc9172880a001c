// Listeners with TLS on the assembled proxy: which chain a ClientHello chooses, what a slow one may cost, how
// certificates are replaced, and that a ticket is worth nothing on another chain.
#include <gtest/gtest.h>

#include "net/simulation.h"
#include "net/testing/recorders.h"
#include "net/testing/tls_fixture.h"
#include "proxy/server.h"

namespace weft::proxy {
namespace {

using net::testing::ConnectionRecorder;
using net::testing::SocketRecorder;

/// A proxy whose chains answer every request with their own name.
class TlsListener : public net::TlsTest {
 protected:
  TlsListener() : loop_(world.add_loop("proxy")), client_loop_(world.add_loop("client", "proxy")) {
    listener_->name = "in";
    listener_->address = address();
    listener_->has_tls_inspector = true;
  }
  ~TlsListener() override {
    bool is_drained = server_ == nullptr;
    if (server_ != nullptr) server_->drain(base::milliseconds(1), [&] { is_drained = true; });
    EXPECT_TRUE(world.run_until([&] { return is_drained; }));
    world.run_until_idle();
    server_.reset();
  }

  static net::Address address() { return net::Address::v4(0x7f000001, 10000); }

  FilterChainConfig& add_chain(const std::string& name, const net::TlsContextConfig* tls) {
    RouteConfig routes;
    VirtualHost& host = routes.virtual_hosts.emplace_back();
    host.domains = {"*"};
    host.routes.emplace_back().action = DirectResponse{200, name, nullptr};
    auto hcm = std::make_shared<HcmConfig>();
    hcm->stat_prefix = name;
    hcm->routes = RouteTable::compile(routes).value();
    FilterChainConfig& chain = listener_->filter_chains.emplace_back();
    chain.name = name;
    chain.hcm = std::move(hcm);
    if (tls != nullptr) {
      auto own = std::make_shared<net::TlsContextConfig>(*tls);
      own->peer.session_scope = name;
      chain.tls = std::move(own);
    }
    return chain;
  }
  void start() {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->listeners.push_back(listener_);
    ServerParts parts;
    parts.main = &loop_;
    parts.workers = {&loop_};
    parts.registry = &registry_;
    server_ = std::make_unique<Server>(parts);
    const base::Status status = server_->start(std::move(snapshot));
    ASSERT_TRUE(status) << status.error().message;
    world.run_until_idle();
  }

  /// The name of the chain that answers; "!" and the reason where the connection fails.
  std::string call(net::TlsContext& client, std::string_view sni, std::vector<std::string> alpn = {"http/1.1"}) {
    net::ClientSessionOptions options;
    options.rules = std::make_shared<net::PeerRules>();
    options.sni = sni;
    options.alpn = std::move(alpn);
    return call(client.new_client_session(client_loop_, std::move(options)));
  }
  std::string call(std::unique_ptr<net::TlsSession> tls) {
    ConnectionRecorder events;
    net::Connection connection(client_loop_, address(), net::ConnectOptions{}, std::move(tls), events);
    connection.start_reading();
    connection.write(net::testing::chain_of(client_loop_, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    EXPECT_TRUE(world.run_until([&] { return events.has("end") || events.has("close"); }));
    if (connection.tls() != nullptr && connection.tls()->is_established()) {
      was_resumed_ = connection.tls()->info().is_resumed;
      shown_ = connection.tls()->info().peer_certificate_pem;
    }
    if (!events.data.starts_with("HTTP/1.1 200")) return "!" + events.error.message;
    return events.data.substr(events.data.find("\r\n\r\n") + 4);
  }
  int64_t stat(const std::string& name) { return registry_.value("listener.127.0.0.1_10000." + name); }

  net::Simulation world{1, net::kTestNow};
  observe::Registry registry_;
  net::Loop& loop_;
  net::Loop& client_loop_;
  std::shared_ptr<ListenerConfig> listener_ = std::make_shared<ListenerConfig>();
  std::unique_ptr<Server> server_;
  bool was_resumed_ = false;
  std::string shown_;
};

TEST_F(TlsListener, TheClientHelloChoosesTheChain) {
  const net::TlsContextConfig tls = server_config();
  add_chain("exact", &tls).match.server_names = {"a.example"};
  add_chain("suffix", &tls).match.server_names = {"*.example"};
  add_chain("h2-only", &tls).match.application_protocols = {"special"};
  add_chain("plain", nullptr).match.transport_protocol = "raw_buffer";
  start();
  const Context client = make(client_config(), net::TlsRole::Client);
  EXPECT_EQ(call(*client, "a.example"), "exact");
  EXPECT_EQ(call(*client, "B.EXAMPLE"), "suffix");
  EXPECT_EQ(call(*client, "elsewhere", {"special", "http/1.1"}), "h2-only");
  EXPECT_EQ(call(nullptr), "plain");
  EXPECT_EQ(call(*client, "elsewhere").substr(0, 1), "!");
  EXPECT_EQ(stat("no_filter_chain_match"), 1);
  EXPECT_EQ(registry_.value("tls_inspector.tls_found"), 4);
  EXPECT_EQ(registry_.value("tls_inspector.tls_not_found"), 1);
  EXPECT_EQ(registry_.value("tls_inspector.sni_found"), 4);
  EXPECT_EQ(registry_.value("tls_inspector.alpn_found"), 4) << "the test's client always offers one";
  EXPECT_EQ(stat("http.exact.downstream_rq_2xx"), 1);
  EXPECT_EQ(stat("http.suffix.downstream_rq_completed"), 1);
}

TEST_F(TlsListener, AStrangerIsRefusedAndCounted) {
  const net::TlsContextConfig tls = mutual_server_config();
  add_chain("mutual", &tls);
  start();
  net::TestAuthority other("other");
  net::TlsContextConfig stranger = client_config();
  stranger.certificates = {other.issue({})};
  EXPECT_EQ(call(*make(stranger, net::TlsRole::Client), "test.example").substr(0, 1), "!");
  EXPECT_EQ(stat("ssl.fail_verify_error"), 1);
  EXPECT_EQ(call(*make(client_config(), net::TlsRole::Client), "test.example").substr(0, 1), "!");
  EXPECT_EQ(stat("ssl.fail_verify_no_cert"), 1);
  net::TlsContextConfig known = client_config();
  known.certificates = {client_certificate()};
  EXPECT_EQ(call(*make(known, net::TlsRole::Client), "test.example"), "mutual");
  EXPECT_EQ(stat("ssl.handshake"), 1);
  EXPECT_EQ(stat("ssl.sigalgs.ecdsa_secp256r1_sha256"), 1);
  EXPECT_EQ(stat("ssl.curves.X25519"), 1);
}

// CVE-2025-23419, between two chains of one certificate: B's clients are vouched for by another authority.
TEST_F(TlsListener, ATicketOfOneChainIsWorthNothingOnAnother) {
  net::TestAuthority other("other");
  net::TlsContextConfig a = mutual_server_config(), b = a;
  b.trusted_ca_pem = other.pem();
  add_chain("a", &a).match.server_names = {"a.example"};
  add_chain("b", &b).match.server_names = {"b.example"};
  start();
  net::TlsContextConfig config = client_config();
  config.certificates = {client_certificate()};
  config.max_session_keys = 8;
  const Context client = make(config, net::TlsRole::Client);
  EXPECT_EQ(call(*client, "a.example"), "a");
  EXPECT_EQ(call(*client, "a.example"), "a");
  EXPECT_TRUE(was_resumed_);
  EXPECT_EQ(call(*client, "b.example").substr(0, 1), "!");
  EXPECT_EQ(stat("ssl.fail_verify_error"), 1);
}

TEST_F(TlsListener, AReplacedCertificateServesNewConnections) {
  const net::TlsContextConfig first = server_config();
  add_chain("chain", &first);
  start();
  const Context client = make(client_config(), net::TlsRole::Client);
  EXPECT_EQ(call(*client, "test.example"), "chain");
  EXPECT_EQ(shown_, first.certificates[0].chain_pem);
  const auto second = std::make_shared<net::TlsContextConfig>(server_config());
  ASSERT_TRUE(server_->replace_tls("in", "chain", second));
  world.run_until_idle();
  EXPECT_EQ(call(*client, "test.example"), "chain");
  EXPECT_EQ(shown_, second->certificates[0].chain_pem);
  EXPECT_FALSE(server_->replace_tls("in", "chain", std::make_shared<net::TlsContextConfig>())) << "nothing to show";
  EXPECT_EQ(call(*client, "test.example"), "chain");
}

// One byte a segment: the inspector must not hold a block for each, nor wait for ever.
TEST_F(TlsListener, AClientHelloThatDripsCostsLittleAndEnds) {
  const net::TlsContextConfig tls = server_config();
  add_chain("chain", &tls).match.server_names = {"test.example"};
  start();
  net::TlsPair pair(pool_);
  net::ClientSessionOptions options;
  options.rules = std::make_shared<net::PeerRules>();
  options.sni = "test.example";
  const auto session =
      make(client_config(), net::TlsRole::Client)->new_client_session(client_loop_, std::move(options));
  ASSERT_TRUE(session->start());
  base::Chain out;
  session->take_output(out);
  const std::string hello = out.to_string();
  out.clear();

  SocketRecorder socket;
  const net::Handle handle = client_loop_.connect(address(), {}, socket);
  client_loop_.start_reading(handle);
  size_t most = 0;
  for (size_t i = 0; i + 1 < hello.size(); ++i) {
    client_loop_.write(handle, net::testing::chain_of(client_loop_, hello.substr(i, 1)));
    world.run_until_idle();
    most = std::max(most, loop_.blocks().live_blocks());
  }
  EXPECT_LE(most, 16u);
  EXPECT_TRUE(world.run_until([&] { return socket.has("end") || socket.has("error"); }, base::seconds(20)));
  EXPECT_EQ(stat("downstream_pre_cx_timeout"), 1);
  client_loop_.close(handle);
}

}  // namespace
}  // namespace weft::proxy
