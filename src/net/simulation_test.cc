#include "net/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/testing/recorders.h"
#include "net/testing/seeds.h"

namespace weft::net::testing {
namespace {

const Address kService = Address::v4(0x0a000064, 80);

// A server that answers every byte with itself, upper case, and closes after the client does.
class ShoutingServer : AcceptHandler {
 public:
  explicit ShoutingServer(Loop& loop, const Address& at = kService) : loop_(loop) {
    socket_ = std::move(*loop.listen(at, {}));
    accepting_ = loop.start_accepting(*socket_, *this);
  }
  size_t accepted() const { return sessions_.size(); }
  int accept_errors() const { return accept_errors_; }

 private:
  struct Session final : SocketHandler {
    Session(Loop& l, AcceptedSocket socket) : loop(l), handle(l.adopt(std::move(socket), *this)) {
      loop.start_reading(handle);
    }
    void on_data(base::Slice data) override {
      std::string text(data.view());
      std::transform(text.begin(), text.end(), text.begin(), [](char c) { return static_cast<char>(c & ~0x20); });
      loop.write(handle, chain_of(loop, text));
    }
    void on_end() override { loop.shutdown_write(handle); }
    void on_write_done(size_t) override {}
    void on_error(const base::Error&) override { loop.close(handle); }
    Loop& loop;
    Handle handle;
  };
  void on_accept(AcceptedSocket socket) override {
    sessions_.push_back(std::make_unique<Session>(loop_, std::move(socket)));
  }
  void on_accept_error(const base::Error&) override { ++accept_errors_; }

  Loop& loop_;
  std::unique_ptr<ListenSocket> socket_;
  Handle accepting_;
  std::vector<std::unique_ptr<Session>> sessions_;
  int accept_errors_ = 0;
};

struct Client final : SocketRecorder {
  Client(Loop& l, const std::string& text) : loop(l), handle(l.connect(kService, {}, *this)) {
    loop.start_reading(handle);
    if (!text.empty()) loop.write(handle, chain_of(loop, text));
  }
  bool is_over() const { return has("end") || has("error"); }
  Loop& loop;
  Handle handle;
};

class SimulationTest : public ::testing::Test {
 protected:
  bool until(const std::function<bool()>& done) { return world.run_until(done); }

  Simulation world{7};
  Loop& server_loop = world.add_loop("server");
  Loop& client_loop = world.add_loop("client");
};

// ---- determinism ----

// Many clients under every fault at once; returns the trace.
struct Outcome {
  uint64_t hash;
  std::vector<std::string> lines;
  std::string words;
};

Outcome run_storm(uint64_t seed) {
  Simulation world(seed);
  world.record_trace();
  Loop& server_loop = world.add_loop("server");
  Loop& client_loop = world.add_loop("client");
  world.set_default_link({.refuse = 0.1, .black_hole = 0.05, .reset = 0.02, .tear = 0.5, .datagram_loss = 0.2});
  ShoutingServer server(server_loop);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(client_loop, std::string(static_cast<size_t>(500 * i + 1), 'a')));
    world.run_for(base::Duration(static_cast<int64_t>(world.random().below(2'000'000))));
  }
  world.partition("client", "server");
  client_loop.offload([] {}, [] {});
  world.run_for(base::seconds(3));
  world.heal("client", "server");
  for (auto& client : clients) client_loop.shutdown_write(client->handle);
  world.run_until([&] { return std::all_of(clients.begin(), clients.end(), [](auto& c) { return c->is_over(); }); });
  Outcome outcome{world.trace_hash(), world.trace(), {}};
  for (auto& client : clients) outcome.words += client->has("error") ? 'e' : client->has("end") ? '.' : '?';
  return outcome;
}

TEST(SimulationDeterminismTest, OneSeedGivesOneTrace) {
  for_each_seed(30, [](uint64_t seed) {
    const Outcome first = run_storm(seed);
    const Outcome second = run_storm(seed);
    EXPECT_EQ(first.lines, second.lines);
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_EQ(first.words.find('?'), std::string::npos) << "a connection hangs: " << first.words;
  });
}

TEST(SimulationDeterminismTest, SeedsDiffer) { EXPECT_NE(run_storm(1).hash, run_storm(2).hash); }

TEST(SimulationDeterminismTest, AStormHasBothFates) {
  const std::string words = run_storm(1).words + run_storm(2).words + run_storm(3).words;
  EXPECT_NE(words.find('e'), std::string::npos);
  EXPECT_NE(words.find('.'), std::string::npos);
}

// ---- time ----

TEST_F(SimulationTest, AnHourOfTimersTakesNoTime) {
  struct Ticker {
    explicit Ticker(Loop& l) : loop(l) { loop.arm(timer, base::seconds(1)); }
    void fire() {
      ++count;
      loop.arm(timer, base::seconds(1));
    }
    Loop& loop;
    int count = 0;
    Timer timer{Timer::Callback::bind<&Ticker::fire>(*this)};
  } ticker(server_loop);
  const base::WallTime before = server_loop.wall_now();
  world.run_for(std::chrono::hours(1));
  EXPECT_EQ(ticker.count, 3600);
  EXPECT_EQ(server_loop.wall_now() - before, std::chrono::hours(1));
}

TEST_F(SimulationTest, LatencyIsFeltBothWays) {
  world.set_link("client", "server", {.latency = base::milliseconds(10), .jitter = base::Duration(1)});
  world.set_link("server", "client", {.latency = base::milliseconds(20), .jitter = base::Duration(1)});
  ShoutingServer server(server_loop);
  Client client(client_loop, "");
  ASSERT_TRUE(until([&] { return client.has("connected"); }));
  const base::MonoTime start = world.now();
  client_loop.write(client.handle, chain_of(client_loop, "x"));
  ASSERT_TRUE(until([&] { return client.data == "X"; }));
  EXPECT_GE(world.now() - start, base::milliseconds(30));
  EXPECT_LT(world.now() - start, base::milliseconds(31));
}

TEST_F(SimulationTest, IdleMeansNothingOnItsWay) {
  ShoutingServer server(server_loop);
  Client client(client_loop, "hello");
  EXPECT_TRUE(world.run_until_idle());
  EXPECT_EQ(client.data, "HELLO");
  EXPECT_LT(world.now().time_since_epoch(), base::seconds(2)) << "the connect time-out is not waited for";
}

TEST_F(SimulationTest, WaitingForWhatCannotHappenEnds) {
  EXPECT_FALSE(world.run_until([] { return false; }, base::seconds(5)));
}

// ---- faults ----

TEST_F(SimulationTest, ARefusingLinkRefuses) {
  ShoutingServer server(server_loop);
  world.set_link("client", "server", {.refuse = 1});
  Client client(client_loop, "");
  ASSERT_TRUE(until([&] { return client.has("error"); }));
  EXPECT_EQ(client.error.code, base::ErrorCode::ConnectFailed);
  EXPECT_EQ(server.accepted(), 0u);
}

TEST_F(SimulationTest, ABlackHoleAnswersNothingUntilTheSystemGivesUp) {
  ShoutingServer server(server_loop);
  world.set_link("client", "server", {.black_hole = 1});
  Client client(client_loop, "");
  world.run_for(base::seconds(120));
  EXPECT_TRUE(client.events.empty());
  world.run_for(base::seconds(10));
  EXPECT_TRUE(client.has("error"));
  EXPECT_EQ(client.error.code, base::ErrorCode::Timeout);
}

TEST_F(SimulationTest, AResetAtAByteDeliversWhatCameBefore) {
  for (const uint64_t byte : {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{99}}) {
    SCOPED_TRACE(byte);
    Simulation w(byte + 1);
    Loop& s = w.add_loop("server");
    Loop& c = w.add_loop("client");
    ShoutingServer server(s);
    w.reset_next_connection(kService, Direction::ToClient, byte);
    Client client(c, std::string(100, 'x'));
    ASSERT_TRUE(w.run_until([&] { return client.has("error"); }));
    EXPECT_EQ(client.data.size(), byte);
    EXPECT_EQ(client.error.code, base::ErrorCode::ConnectionReset);
    Client next(c, "fine");
    EXPECT_TRUE(w.run_until([&] { return next.data == "FINE"; })) << "only one connection was to break";
  }
}

TEST_F(SimulationTest, APartitionHoldsBytesUntilItHeals) {
  ShoutingServer server(server_loop);
  Client client(client_loop, "one");
  ASSERT_TRUE(until([&] { return client.data == "ONE"; }));
  world.partition("client", "server");
  client_loop.write(client.handle, chain_of(client_loop, "two"));
  world.run_for(base::seconds(60));
  EXPECT_EQ(client.data, "ONE");
  world.heal("client", "server");
  ASSERT_TRUE(until([&] { return client.data == "ONETWO"; }));
  EXPECT_FALSE(client.has("error"));
}

TEST_F(SimulationTest, AOneWayCutLetsTheOtherWayPass) {
  ShoutingServer server(server_loop);
  Client client(client_loop, "a");
  ASSERT_TRUE(until([&] { return client.data == "A"; }));
  world.cut("server", "client");
  client_loop.write(client.handle, chain_of(client_loop, "b"));
  world.run_for(base::seconds(1));
  EXPECT_EQ(client.data, "A");
  world.heal_all();
  EXPECT_TRUE(until([&] { return client.data == "AB"; }));
}

TEST_F(SimulationTest, APartitionThatLastsEndsTheConnection) {
  ShoutingServer server(server_loop);
  Client client(client_loop, "one");
  ASSERT_TRUE(until([&] { return client.data == "ONE"; }));
  world.partition("client", "server");
  client_loop.write(client.handle, chain_of(client_loop, "two"));
  world.run_for(base::seconds(1000));
  EXPECT_TRUE(client.has("error"));
  EXPECT_EQ(client.error.code, base::ErrorCode::Timeout);
}

TEST_F(SimulationTest, TornReadsComeInManyPiecesAndInOrder) {
  world.set_default_link({.tear = 1});
  ShoutingServer server(server_loop);
  std::string sent;
  for (int i = 0; i < 5000; ++i) sent += static_cast<char>('a' + i % 26);
  Client client(client_loop, sent);
  ASSERT_TRUE(until([&] { return client.data.size() == sent.size(); }));
  for (char& c : sent) c = static_cast<char>(c & ~0x20);
  EXPECT_EQ(client.data, sent);
  EXPECT_GT(std::count(client.events.begin(), client.events.end(), "data"), 5);
}

TEST_F(SimulationTest, ASlowLinkTakesItsTime) {
  world.set_default_link({.bytes_per_second = 10'000});
  ShoutingServer server(server_loop);
  Client client(client_loop, std::string(20'000, 'x'));
  const base::MonoTime start = world.now();
  ASSERT_TRUE(until([&] { return client.data.size() == 20'000; }));
  EXPECT_GE(world.now() - start, base::seconds(2));
}

TEST_F(SimulationTest, PortsRunOut) {
  world.limit_ports("client", 2);
  ShoutingServer server(server_loop);
  Client one(client_loop, ""), two(client_loop, ""), three(client_loop, "");
  ASSERT_TRUE(until([&] { return one.has("connected") && two.has("connected") && three.has("error"); }));
  EXPECT_EQ(three.error.code, base::ErrorCode::ConnectFailed);
  client_loop.close(one.handle);
  Client four(client_loop, "");
  EXPECT_TRUE(until([&] { return four.has("connected"); }));
}

TEST_F(SimulationTest, DescriptorsRunOutAndAcceptingGoesOnWhenTheyAreBack) {
  world.limit_descriptors("server", 1);
  ShoutingServer server(server_loop);
  Client one(client_loop, "a"), two(client_loop, "b");
  ASSERT_TRUE(until([&] { return server.accept_errors() > 0; }));
  EXPECT_EQ(server.accepted(), 1u);
  client_loop.close(one.handle, true);
  client_loop.close(two.handle, true);
  Client three(client_loop, "c");
  EXPECT_TRUE(until([&] { return three.data == "C"; }));
}

TEST_F(SimulationTest, AFrozenLoopTakesNoTurnUntilThawed) {
  ShoutingServer server(server_loop);
  Client client(client_loop, "a");
  ASSERT_TRUE(until([&] { return client.data == "A"; }));
  world.freeze(server_loop);
  client_loop.write(client.handle, chain_of(client_loop, "b"));
  world.run_for(base::seconds(10));
  EXPECT_EQ(client.data, "A");
  world.thaw(server_loop);
  EXPECT_TRUE(until([&] { return client.data == "AB"; }));
}

TEST_F(SimulationTest, SignalsReachTheirWatcherInALaterTurn) {
  struct Recorder : SignalHandler {
    void on_signal(int signal) override { seen.push_back(signal); }
    std::vector<int> seen;
  } recorder;
  ASSERT_TRUE(server_loop.watch_signal(15, recorder).has_value());
  world.raise_signal(server_loop, 15);
  world.raise_signal(server_loop, 1);
  EXPECT_TRUE(recorder.seen.empty());
  EXPECT_TRUE(world.run_until_idle());
  EXPECT_EQ(recorder.seen, std::vector<int>{15});
}

TEST_F(SimulationTest, DatagramsGetLost) {
  struct Recorder : DatagramHandler {
    void on_datagram(base::Slice, const Address&) override { ++received; }
    void on_error(const base::Error&) override {}
    int received = 0;
  } recorder, sender;
  world.set_default_link({.datagram_loss = 0.5});
  ASSERT_TRUE(server_loop.open_datagram(kService, recorder).has_value());
  const Handle from = *client_loop.open_datagram(Address::v4(0x0a000001, 0), sender);
  for (int i = 0; i < 200; ++i) client_loop.send_datagram(from, base::Slice::of_static("x"), kService);
  world.run_until_idle();
  EXPECT_GT(recorder.received, 50);
  EXPECT_LT(recorder.received, 150);
}

TEST_F(SimulationTest, ConnectionsBetweenTwoHostsBreakTogether) {
  ShoutingServer server(server_loop);
  Client one(client_loop, "a"), two(client_loop, "b");
  ASSERT_TRUE(until([&] { return one.data == "A" && two.data == "B"; }));
  world.reset_connections("client", "server");
  ASSERT_TRUE(until([&] { return one.has("error") && two.has("error"); }));
  client_loop.close(one.handle);
  client_loop.close(two.handle);
  EXPECT_TRUE(until([&] { return world.open_connections() == 0; })) << "both ends have let go";
}

TEST_F(SimulationTest, WhatALoopHoldsIsCounted) {
  const Holdings before = world.holdings(client_loop);
  {
    ShoutingServer server(server_loop);
    Client client(client_loop, "a");
    Timer timer;
    client_loop.arm(timer, base::seconds(1));
    ASSERT_TRUE(until([&] { return client.data == "A"; }));
    EXPECT_EQ(world.holdings(client_loop), (Holdings{before.handles + 1, before.timers + 1, before.blocks}));
    EXPECT_EQ(world.open_descriptors("client"), 1u);
    EXPECT_EQ(world.used_ports("client"), 1u);
    EXPECT_EQ(world.used_ports("server"), 0u);
    client_loop.close(client.handle);
    world.run_until_idle();
  }
  EXPECT_EQ(world.holdings(client_loop), before);
  EXPECT_EQ(world.open_descriptors("client"), 0u);
  EXPECT_EQ(world.used_ports("client"), 0u);
}

TEST_F(SimulationTest, ClosingAListenerResetsItsBacklog) {
  auto listener = std::move(*server_loop.listen(kService, {}));
  Client client(client_loop, "a");
  ASSERT_TRUE(until([&] { return client.has("connected"); }));
  listener.reset();
  EXPECT_TRUE(until([&] { return client.has("error"); }));
}

TEST_F(SimulationTest, WorkersShareAnAddress) {
  Loop& second_loop = world.add_loop("server-2", "server");
  auto first = std::move(*server_loop.listen(kService, {.reuse_port = true}));
  auto second = std::move(*second_loop.listen(kService, {.reuse_port = true, .is_first = false}));
  AcceptRecorder on_first, on_second;
  server_loop.start_accepting(*first, on_first);
  second_loop.start_accepting(*second, on_second);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<Client>(client_loop, ""));
  ASSERT_TRUE(until([&] { return on_first.sockets.size() + on_second.sockets.size() == 40; }));
  EXPECT_GT(on_first.sockets.size(), 5u);
  EXPECT_GT(on_second.sockets.size(), 5u);
}

}  // namespace
}  // namespace weft::net::testing
