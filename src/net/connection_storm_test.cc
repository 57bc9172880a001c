// Connections under random use and every fault of the network: whatever happens, bytes are never lost in the middle,
// doubled or reordered, nothing comes after the end, nothing leaks, and no connection hangs.
#include <gtest/gtest.h>

#include <algorithm>

#include "net/simulation.h"
#include "net/testing/recorders.h"
#include "net/testing/seeds.h"
#include "net/testing/tls_certificates.h"
#include "net/testing/tls_random.h"
#include "net/tls_context.h"

namespace weft::net::testing {
namespace {

const Address kService = Address::v4(0x0a000064, 443);

enum class Wire { Plain, Tls };

/// Mutual TLS between the two ends, new for each storm: keys, tickets and all come from its seed.
class Credentials {
 public:
  Credentials() {
    TestAuthority authority("authority");
    TlsContextConfig server, client;
    server.certificates = {authority.issue({.common_name = "server", .dns = {"storm.test"}})};
    client.certificates = {authority.issue({.common_name = "client"})};
    server.trusted_ca_pem = client.trusted_ca_pem = authority.pem();
    server.require_client_certificate = true;
    client.max_version = TlsVersion::Tls1_3;
    rules_ = std::make_shared<PeerRules>(PeerRules{.session_scope = "storm"});
    server_ = std::move(*TlsContext::make(server, TlsRole::Server));
    client_ = std::move(*TlsContext::make(client, TlsRole::Client));
    tickets_ = TicketKeys::generate();
  }
  std::unique_ptr<TlsSession> server(Loop& loop) {
    return server_->new_server_session(loop, {.rules = rules_, .tickets = tickets_});
  }
  std::unique_ptr<TlsSession> client(Loop& loop) {
    return client_->new_client_session(loop, {.rules = rules_, .sni = "storm.test"});
  }

 private:
  std::shared_ptr<const PeerRules> rules_;
  std::shared_ptr<TlsContext> server_, client_;
  std::shared_ptr<const TicketKeys> tickets_;
};

/// One end: writes a numbered stream of bytes at random, pauses and resumes at random, checks what it receives.
class Peer final : public ConnectionHandler, public Destroyable {
 public:
  Peer(Loop& loop, Simulation& world, uint64_t key) : loop_(loop), world_(world), key_(key) {}

  void begin(std::unique_ptr<Connection> connection) {
    connection_ = std::move(connection);
    connection_->set_high_mark(1 + world_.random().below(50'000));
    connection_->start_reading();
    to_send_ = world_.random().below(200'000);
    loop_.arm(timer_, base::milliseconds(1));
  }
  bool is_over() const { return is_over_; }
  bool has_ended() const { return has_ended_; }
  bool is_broken() const { return is_broken_; }
  uint64_t sent() const { return sent_; }
  uint64_t received() const { return received_; }
  void give_up() { finish(true); }

 private:
  static char byte_at(uint64_t key, uint64_t at) { return static_cast<char>((at * 31 + at / 256 + key * 7) & 0xff); }

  void on_open() override { EXPECT_FALSE(std::exchange(is_open_, true)); }
  void on_data(base::Slice data) override {
    EXPECT_TRUE(is_open_);
    EXPECT_FALSE(has_ended_ || is_over_) << "data after the end";
    EXPECT_TRUE(connection_->is_reading());
    bool is_right = true;
    for (const char c : data.view()) is_right &= c == byte_at(key_ ^ 1, received_++);
    EXPECT_TRUE(is_right) << "before byte " << received_;
    if (world_.random().below(4) == 0) connection_->pause_reading();
  }
  void on_end() override {
    EXPECT_FALSE(std::exchange(has_ended_, true));
    close_when_done();
  }
  void on_drained() override { EXPECT_FALSE(connection_->is_above_high_mark()); }
  void on_flushed() override { EXPECT_EQ(connection_->pending_bytes(), 0u); }
  void on_close(const base::Error&) override {
    EXPECT_FALSE(is_over_);
    EXPECT_TRUE(connection_->is_closed());
    is_broken_ = true;
    finish(false);
  }

  void step() {
    base::Random& random = world_.random();
    if (random.below(3) > 0) connection_->start_reading();
    if (!connection_->is_above_high_mark() && sent_ < to_send_ && connection_->is_open()) write_some();
    if (sent_ >= to_send_ && !has_shut_down_ && connection_->is_open()) {
      has_shut_down_ = true;
      connection_->shutdown_write();
    }
    close_when_done();
    if (!is_over_) loop_.arm(timer_, base::milliseconds(static_cast<int64_t>(1 + random.below(5))));
  }
  void write_some() {
    std::string text(std::min<uint64_t>(to_send_ - sent_, 1 + world_.random().below(30'000)), '\0');
    for (char& c : text) c = byte_at(key_, sent_++);
    connection_->write(chain_of(loop_, text));
  }
  void close_when_done() {
    if (has_ended_ && has_shut_down_ && connection_->pending_bytes() == 0 && !is_over_) finish(true);
  }
  void finish(bool close) {
    is_over_ = true;
    timer_.cancel();
    if (close) connection_->close();
  }

  Loop& loop_;
  Simulation& world_;
  uint64_t key_;
  std::unique_ptr<Connection> connection_;
  Timer timer_{Timer::Callback::bind<&Peer::step>(*this)};
  uint64_t to_send_ = 0, sent_ = 0, received_ = 0;
  bool is_open_ = false, has_ended_ = false, is_over_ = false, is_broken_ = false, has_shut_down_ = false;
};

class Storm : AcceptHandler {
 public:
  explicit Storm(uint64_t seed, Wire wire = Wire::Plain)
      : tls_random_(seed),
        world_(seed, kTestNow),
        server_(world_.add_loop("server")),
        client_(world_.add_loop("client")) {
    if (wire == Wire::Tls) credentials_ = std::make_unique<Credentials>();
    socket_ = std::move(*server_.listen(kService, {.backlog = 2}));
    accepting_ = server_.start_accepting(*socket_, *this);
  }

  /// With `is_calm` nothing goes wrong but tearing and delays, and so every byte must arrive.
  void run(bool is_calm = false) {
    is_calm_ = is_calm;
    shake();
    for (int i = 0; i < 12; ++i) {
      clients_.push_back(std::make_unique<Peer>(client_, world_, 2));
      auto tls = credentials_ != nullptr ? credentials_->client(client_) : nullptr;
      clients_.back()->begin(
          std::make_unique<Connection>(client_, kService, ConnectOptions{}, std::move(tls), *clients_.back()));
      world_.run_for(base::milliseconds(static_cast<int64_t>(world_.random().below(20))));
      if (i % 4 == 3) shake();
    }
    world_.run_for(base::seconds(5));
    world_.heal_all();
    world_.thaw(server_);
    const auto over = [](const auto& peer) { return peer->is_over(); };
    const bool all_over = world_.run_until([&] { return std::all_of(clients_.begin(), clients_.end(), over); });
    EXPECT_TRUE(all_over) << "a connection hangs";
    world_.run_for(base::seconds(30));  // ends whose peer vanished in silence learn of it only by writing: they give up
    for (auto& peer : servers_) {
      if (!peer->is_over()) peer->give_up();
    }
    world_.run_for(base::seconds(5));
    EXPECT_EQ(world_.open_connections(), 0u);
    EXPECT_EQ(server_.blocks().live_blocks(), 0u);
    EXPECT_EQ(client_.blocks().live_blocks(), 0u);
  }
  size_t broken() const { return count_broken(clients_) + count_broken(servers_); }
  bool is_complete() const {
    return total(clients_, &Peer::sent) == total(servers_, &Peer::received) &&
           total(servers_, &Peer::sent) == total(clients_, &Peer::received);
  }
  uint64_t hash() const { return world_.trace_hash(); }

 private:
  void on_accept(AcceptedSocket socket) override {
    servers_.push_back(std::make_unique<Peer>(server_, world_, 3));
    auto tls = credentials_ != nullptr ? credentials_->server(server_) : nullptr;
    servers_.back()->begin(std::make_unique<Connection>(server_, std::move(socket), std::move(tls), *servers_.back()));
  }
  void on_accept_error(const base::Error&) override {}

  // Another kind of weather.
  void shake() {
    base::Random& random = world_.random();
    LinkOptions link;
    link.latency = std::chrono::microseconds(random.below(5000));
    link.jitter = std::chrono::microseconds(1 + random.below(5000));
    link.tear = random.unit();
    link.window_bytes = 1 + random.below(100'000);
    if (is_calm_) return world_.set_default_link(link);
    if (random.below(2) == 0) link.reset = 0.002;
    if (random.below(4) == 0) link.refuse = 0.2;
    if (random.below(4) == 0) link.bytes_per_second = 1'000'000;
    world_.set_default_link(link);
    if (random.below(4) == 0) world_.cut("server", "client");
    if (random.below(4) == 0) world_.cut("client", "server");
    if (random.below(4) == 0) world_.freeze(server_);
  }

  using Peers = std::vector<std::unique_ptr<Peer>>;
  static size_t count_broken(const Peers& peers) {
    return static_cast<size_t>(std::count_if(peers.begin(), peers.end(), [](auto& p) { return p->is_broken(); }));
  }
  static uint64_t total(const Peers& peers, uint64_t (Peer::*count)() const) {
    uint64_t sum = 0;
    for (const auto& peer : peers) sum += (*peer.*count)();
    return sum;
  }

  DeterministicTlsRandom tls_random_;
  std::unique_ptr<Credentials> credentials_;
  Simulation world_;
  Loop& server_;
  Loop& client_;
  bool is_calm_ = false;
  std::unique_ptr<ListenSocket> socket_;
  Handle accepting_;
  Peers clients_, servers_;
};

class ConnectionStormTest : public ::testing::TestWithParam<Wire> {};

TEST_P(ConnectionStormTest, BytesStayWholeInEveryWeather) {
  for_each_seed(15, [](uint64_t seed) { Storm(seed, GetParam()).run(); });
}

TEST_P(ConnectionStormTest, EveryByteArrivesInCalmWeather) {
  for_each_seed(10, [](uint64_t seed) {
    Storm storm(seed, GetParam());
    storm.run(true);
    EXPECT_EQ(storm.broken(), 0u);
    EXPECT_TRUE(storm.is_complete());
  });
}

TEST_P(ConnectionStormTest, AStormBreaksSomething) {
  size_t broken = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Storm storm(seed, GetParam());
    storm.run();
    broken += storm.broken();
  }
  EXPECT_GT(broken, 0u);
}

TEST_P(ConnectionStormTest, TheSameWeatherGivesTheSameTrace) {
  for_each_seed(5, [](uint64_t seed) {
    const auto trace_of = [&] {
      Storm storm(seed, GetParam());
      storm.run();
      return storm.hash();
    };
    EXPECT_EQ(trace_of(), trace_of());
  });
}

INSTANTIATE_TEST_SUITE_P(Wires, ConnectionStormTest, ::testing::Values(Wire::Plain, Wire::Tls),
                         [](const auto& info) { return info.param == Wire::Tls ? "tls" : "plain"; });

}  // namespace
}  // namespace weft::net::testing
