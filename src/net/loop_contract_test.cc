// What loop.h promises, on every backend.
#include <gtest/gtest.h>

#include <set>

#include "base/limits.h"
#include "net/testing/backend.h"
#include "net/testing/recorders.h"

namespace weft::net::testing {
namespace {

class LoopContract : public ::testing::TestWithParam<Backend> {
 protected:
  bool until(const std::function<bool()>& done) { return run_until(loop, done); }
  /// Lets pending things happen.
  void settle() {
    const base::MonoTime end = loop.now() + base::milliseconds(20);
    run_until(loop, [&] { return loop.now() >= end; });
  }

  std::unique_ptr<BackendLoop> owner = make_backend(GetParam());
  Loop& loop = owner->loop();
};

std::string pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

// ---- streams ----

TEST_P(LoopContract, BytesArriveInOrder) {
  auto pair = make_pair(loop);
  const std::string sent = pattern(3'000'000);
  loop.start_reading(pair->server_handle);
  for (size_t at = 0; at < sent.size(); at += 30'000) {
    loop.write(pair->client_handle, chain_of(loop, sent.substr(at, 30'000)));
  }
  ASSERT_TRUE(until([&] { return pair->server.data.size() == sent.size(); }));
  EXPECT_EQ(pair->server.data, sent);
  EXPECT_EQ(pair->client.written, sent.size());
  EXPECT_EQ(loop.pending_bytes(pair->client_handle), 0u);
}

TEST_P(LoopContract, NothingIsReportedInsideTheCallThatAskedForIt) {
  auto pair = make_pair(loop);
  pair->client.events.clear();
  loop.start_reading(pair->server_handle);
  loop.start_reading(pair->client_handle);
  loop.write(pair->client_handle, chain_of(loop, "x"));
  loop.shutdown_write(pair->client_handle);
  EXPECT_TRUE(pair->client.events.empty());
  EXPECT_TRUE(pair->server.events.empty());
  SocketRecorder refused;
  loop.connect(Address::v4(0x7f000001, 1), {}, refused);
  EXPECT_TRUE(refused.events.empty());
  EXPECT_TRUE(until([&] { return refused.has("error") && pair->server.has("end"); }));
}

TEST_P(LoopContract, RefusedConnectIsAnError) {
  SocketRecorder refused;
  loop.connect(Address::v4(0x7f000001, 1), {}, refused);
  ASSERT_TRUE(until([&] { return refused.has("error"); }));
  EXPECT_EQ(refused.error.code, base::ErrorCode::ConnectFailed);
  EXPECT_TRUE(refused.error.is_retryable);
  EXPECT_EQ(refused.events.size(), 1u);
}

TEST_P(LoopContract, NothingIsDeliveredWhileReadingIsPaused) {
  auto pair = make_pair(loop);
  loop.write(pair->client_handle, chain_of(loop, "early"));
  loop.shutdown_write(pair->client_handle);
  settle();
  EXPECT_TRUE(pair->server.events.empty());
  loop.start_reading(pair->server_handle);
  ASSERT_TRUE(until([&] { return pair->server.has("end"); }));
  EXPECT_EQ(pair->server.data, "early");
}

TEST_P(LoopContract, PauseHoldsFromTheNextCallOn) {
  auto pair = make_pair(loop);
  pair->server.react = [&](const std::string&) { loop.pause_reading(pair->server_handle); };
  loop.start_reading(pair->server_handle);
  loop.write(pair->client_handle, chain_of(loop, pattern(100'000)));
  ASSERT_TRUE(until([&] { return pair->server.has("data"); }));
  settle();
  EXPECT_EQ(pair->server.events.size(), 1u);
  EXPECT_EQ(pair->server.data.size(), pair->server.largest_read);
  pair->server.react = nullptr;
  loop.start_reading(pair->server_handle);
  EXPECT_TRUE(until([&] { return pair->server.data.size() == 100'000; }));
}

TEST_P(LoopContract, AReaderThatPausesPushesBack) {
  auto pair = make_pair(loop);
  const size_t total = 32 * 1024 * 1024;
  const std::string piece = pattern(64 * 1024);
  for (size_t at = 0; at < total; at += piece.size()) loop.write(pair->client_handle, chain_of(loop, piece));
  settle();
  EXPECT_GT(loop.pending_bytes(pair->client_handle), 0u);
  const size_t stuck = pair->client.written;
  settle();
  EXPECT_LT(pair->client.written, total);
  EXPECT_GE(pair->client.written, stuck);
  loop.start_reading(pair->server_handle);
  ASSERT_TRUE(until([&] { return pair->server.data.size() == total; }));
  EXPECT_EQ(pair->client.written, total);
  EXPECT_EQ(loop.pending_bytes(pair->client_handle), 0u);
}

TEST_P(LoopContract, HalfCloseLeavesTheOtherDirectionOpen) {
  auto pair = make_pair(loop);
  loop.start_reading(pair->server_handle);
  loop.start_reading(pair->client_handle);
  loop.write(pair->client_handle, chain_of(loop, "question"));
  loop.shutdown_write(pair->client_handle);
  ASSERT_TRUE(until([&] { return pair->server.has("end"); }));
  EXPECT_EQ(pair->server.data, "question");
  loop.write(pair->server_handle, chain_of(loop, "answer"));
  ASSERT_TRUE(until([&] { return pair->client.data == "answer"; }));
  EXPECT_FALSE(pair->client.has("end"));
  loop.close(pair->server_handle);
  EXPECT_TRUE(until([&] { return pair->client.has("end"); }));
  EXPECT_FALSE(pair->client.has("error"));
}

TEST_P(LoopContract, ShutdownSendsWhatIsQueuedFirst) {
  auto pair = make_pair(loop);
  const std::string sent = pattern(8 * 1024 * 1024);
  loop.write(pair->client_handle, chain_of(loop, sent));
  loop.shutdown_write(pair->client_handle);
  loop.start_reading(pair->server_handle);
  ASSERT_TRUE(until([&] { return pair->server.has("end"); }));
  EXPECT_EQ(pair->server.data, sent);
}

TEST_P(LoopContract, CloseEndsThePeersStream) {
  auto pair = make_pair(loop);
  loop.start_reading(pair->server_handle);
  loop.close(pair->client_handle);
  ASSERT_TRUE(until([&] { return !pair->server.events.empty(); }));
  EXPECT_EQ(pair->server.events.front(), "end");
}

TEST_P(LoopContract, ResetIsAnErrorAtThePeer) {
  auto pair = make_pair(loop);
  loop.start_reading(pair->server_handle);
  loop.close(pair->client_handle, true);
  ASSERT_TRUE(until([&] { return pair->server.has("error"); }));
  EXPECT_EQ(pair->server.error.code, base::ErrorCode::ConnectionReset);
  EXPECT_FALSE(pair->server.has("end"));
}

TEST_P(LoopContract, ResetIsToldWhileReadingIsPaused) {
  auto pair = make_pair(loop);
  settle();
  loop.close(pair->client_handle, true);
  EXPECT_TRUE(until([&] { return pair->server.has("error"); }));
}

TEST_P(LoopContract, NothingIsDeliveredAfterClose) {
  auto pair = make_pair(loop);
  loop.start_reading(pair->server_handle);
  pair->server.react = [&](const std::string&) { loop.close(pair->server_handle); };
  loop.write(pair->client_handle, chain_of(loop, pattern(200'000)));
  loop.shutdown_write(pair->client_handle);
  ASSERT_TRUE(until([&] { return !pair->server.events.empty(); }));
  settle();
  EXPECT_EQ(pair->server.events.size(), 1u);
}

TEST_P(LoopContract, NothingIsDeliveredAfterCloseOfAnotherReadySocket) {
  auto one = make_pair(loop);
  auto two = make_pair(loop);
  loop.start_reading(one->server_handle);
  loop.start_reading(two->server_handle);
  const auto close_both = [&](const std::string&) {
    loop.close(one->server_handle);
    loop.close(two->server_handle);
  };
  one->server.react = two->server.react = close_both;
  loop.write(one->client_handle, chain_of(loop, "1"));
  loop.write(two->client_handle, chain_of(loop, "2"));
  ASSERT_TRUE(until([&] { return one->server.events.size() + two->server.events.size() > 0; }));
  settle();
  EXPECT_EQ(one->server.events.size() + two->server.events.size(), 1u);
}

TEST_P(LoopContract, AStaleHandleNamesNothing) {
  auto pair = make_pair(loop);
  const Handle old = pair->client_handle;
  loop.close(old);
  auto next = make_pair(loop);
  loop.write(old, chain_of(loop, "lost"));
  loop.start_reading(old);
  loop.shutdown_write(old);
  loop.close(old);
  EXPECT_EQ(loop.pending_bytes(old), 0u);
  loop.start_reading(next->server_handle);
  loop.write(next->client_handle, chain_of(loop, "kept"));
  EXPECT_TRUE(until([&] { return next->server.data == "kept"; }));
}

TEST_P(LoopContract, OneTurnReadsABoundedAmountFromASocket) {
  auto pair = make_pair(loop);
  loop.write(pair->client_handle, chain_of(loop, pattern(2'000'000)));
  settle();
  size_t in_turn = 0, most = 0;
  struct EndOfTurn {
    size_t& in_turn;
    void run() { in_turn = 0; }
  } end{in_turn};
  Deferred deferred(Deferred::Callback::bind<&EndOfTurn::run>(end));
  size_t before = 0;
  pair->server.react = [&](const std::string&) {
    in_turn += pair->server.data.size() - before;
    before = pair->server.data.size();
    most = std::max(most, in_turn);
    loop.defer(deferred);
  };
  loop.start_reading(pair->server_handle);
  ASSERT_TRUE(until([&] { return pair->server.data.size() == 2'000'000; }));
  EXPECT_LE(most, base::kReadBytesPerTurnMax + base::BlockPool::kLargeBytes);
}

TEST_P(LoopContract, WritesMadeBeforeTheConnectionStandsArriveAfterIt) {
  auto listener = loop.listen(any_local_port(), {});
  ASSERT_TRUE(listener.has_value());
  AcceptRecorder accepted;
  SocketRecorder client, server;
  loop.start_accepting(**listener, accepted);
  const Handle c = loop.connect((*listener)->local_address(), {}, client);
  loop.write(c, chain_of(loop, "eager"));
  loop.shutdown_write(c);
  ASSERT_TRUE(until([&] { return !accepted.sockets.empty(); }));
  loop.start_reading(loop.adopt(std::move(accepted.sockets[0]), server));
  ASSERT_TRUE(until([&] { return server.has("end"); }));
  EXPECT_EQ(server.data, "eager");
  EXPECT_EQ(client.events.front(), "connected");
}

TEST_P(LoopContract, ANewHandlerIsToldFromThenOn) {
  auto pair = make_pair(loop);
  SocketRecorder second;
  pair->server.react = [&](const std::string&) { loop.set_handler(pair->server_handle, second); };
  loop.start_reading(pair->server_handle);
  loop.write(pair->client_handle, chain_of(loop, "a"));
  ASSERT_TRUE(until([&] { return pair->server.data == "a"; }));
  loop.write(pair->client_handle, chain_of(loop, "b"));
  ASSERT_TRUE(until([&] { return second.data == "b"; }));
  EXPECT_EQ(pair->server.data, "a");
}

TEST_P(LoopContract, DataOfAPeerThatThenResetIsDeliveredBeforeTheError) {
  auto pair = make_pair(loop);
  loop.write(pair->server_handle, chain_of(loop, "the last word"));
  ASSERT_TRUE(until([&] { return pair->server.written == 13; }));
  settle();
  loop.close(pair->server_handle);  // unread or not: what the client writes now meets a reset
  settle();
  loop.write(pair->client_handle, chain_of(loop, "1"));
  settle();
  loop.start_reading(pair->client_handle);
  loop.write(pair->client_handle, chain_of(loop, "2"));
  ASSERT_TRUE(until([&] { return pair->client.has("error") || pair->client.has("end"); }));
  EXPECT_EQ(pair->client.data, "the last word");
}

// ---- accepting ----

TEST_P(LoopContract, AcceptedSocketsKnowBothAddresses) {
  auto listener = loop.listen(any_local_port(), {});
  ASSERT_TRUE(listener.has_value());
  EXPECT_NE((*listener)->local_address().port(), 0);
  AcceptRecorder accepted;
  SocketRecorder client;
  loop.start_accepting(**listener, accepted);
  const Handle c = loop.connect((*listener)->local_address(), {}, client);
  ASSERT_TRUE(until([&] { return client.has("connected") && accepted.sockets.size() == 1; }));
  EXPECT_EQ(accepted.sockets[0].local(), (*listener)->local_address());
  EXPECT_EQ(accepted.sockets[0].peer(), loop.local_address(c));
  loop.discard(std::move(accepted.sockets[0]));
  loop.start_reading(c);
  EXPECT_TRUE(until([&] { return client.has("end") || client.has("error"); }));
}

TEST_P(LoopContract, FinishAcceptingTakesTheBacklogAndNoMore) {
  auto listener = loop.listen(any_local_port(), {});
  ASSERT_TRUE(listener.has_value());
  const Address at = (*listener)->local_address();
  AcceptRecorder accepted;
  SocketRecorder clients[3], late;
  for (SocketRecorder& client : clients) loop.connect(at, {}, client);
  ASSERT_TRUE(
      until([&] { return clients[0].has("connected") && clients[1].has("connected") && clients[2].has("connected"); }));
  const Handle accepting = loop.start_accepting(**listener, accepted);
  loop.finish_accepting(accepting);
  EXPECT_EQ(accepted.sockets.size(), 3u);
  listener->reset();
  loop.connect(at, {}, late);
  EXPECT_TRUE(until([&] { return late.has("error"); }));
  for (AcceptedSocket& socket : accepted.sockets) loop.discard(std::move(socket));
}

TEST_P(LoopContract, OneReadinessBringsNoMoreConnectionsThanAsked) {
  class OneByOne final : public AcceptRecorder {
   public:
    int accepts_per_event_max() const override { return 1; }
    void on_accept_event(int count) override { counts.push_back(count); }
    std::vector<int> counts;
  } accepted;
  auto listener = loop.listen(any_local_port(), {});
  ASSERT_TRUE(listener.has_value());
  SocketRecorder clients[3];
  for (SocketRecorder& client : clients) loop.connect((*listener)->local_address(), {}, client);
  ASSERT_TRUE(
      until([&] { return clients[0].has("connected") && clients[1].has("connected") && clients[2].has("connected"); }));
  const Handle accepting = loop.start_accepting(**listener, accepted);
  ASSERT_TRUE(until([&] { return accepted.sockets.size() == 3; }));
  ASSERT_GE(accepted.counts.size(), 2u);
  EXPECT_EQ(accepted.counts[0], 1);
  EXPECT_EQ(accepted.counts[1], 1);
  loop.close(accepting);
  for (AcceptedSocket& socket : accepted.sockets) loop.discard(std::move(socket));
}

TEST_P(LoopContract, AnAddressInUseIsAnError) {
  auto first = loop.listen(any_local_port(), {});
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(loop.listen((*first)->local_address(), {}).has_value());
}

TEST_P(LoopContract, SiblingsShareAnAddressAndStrangersDoNot) {
  auto first = loop.listen(any_local_port(), {.reuse_port = true});
  ASSERT_TRUE(first.has_value());
  const Address at = (*first)->local_address();
  auto sibling = loop.listen(at, {.reuse_port = true, .is_first = false});
  EXPECT_TRUE(sibling.has_value());
  auto stranger = loop.listen(at, {.reuse_port = true, .is_first = true});
  EXPECT_FALSE(stranger.has_value());
}

TEST_P(LoopContract, ASocketAcceptedOnOneLoopLivesOnAnother) {
  std::unique_ptr<BackendLoop> second = owner->make_sibling();
  Loop& other = second->loop();
  auto listener = loop.listen(any_local_port(), {});
  ASSERT_TRUE(listener.has_value());
  AcceptRecorder accepted;
  SocketRecorder client, server;
  loop.start_accepting(**listener, accepted);
  const Handle c = loop.connect((*listener)->local_address(), {}, client);
  ASSERT_TRUE(until([&] { return client.has("connected") && accepted.sockets.size() == 1; }));
  loop.write(c, chain_of(loop, "to the other"));
  settle();
  Handle handle;
  other.post([&, socket = std::move(accepted.sockets[0])]() mutable {
    handle = other.adopt(std::move(socket), server);
    other.start_reading(handle);
  });
  ASSERT_TRUE(run_until(other, [&] { return server.data == "to the other"; }));
  other.close(handle);
}

// ---- timers, deferred calls, destruction, posts ----

struct Ticker {
  explicit Ticker(Loop& l) : loop(l) {}
  void fire() { fired_at = loop.now(); }
  Loop& loop;
  base::MonoTime fired_at{};
  Timer timer{Timer::Callback::bind<&Ticker::fire>(*this)};
};

TEST_P(LoopContract, TimersAreNeverEarlyAndKeepTheirOrder) {
  Ticker a(loop), b(loop), never(loop);
  const base::MonoTime start = loop.now();
  loop.arm(b.timer, base::milliseconds(12));
  loop.arm(a.timer, base::milliseconds(5));
  loop.arm(never.timer, base::milliseconds(2));
  never.timer.cancel();
  ASSERT_TRUE(until([&] { return b.fired_at != base::MonoTime{}; }));
  EXPECT_GE(a.fired_at - start, base::milliseconds(5));
  EXPECT_GE(b.fired_at - start, base::milliseconds(12));
  EXPECT_LT(a.fired_at, b.fired_at);
  EXPECT_EQ(never.fired_at, base::MonoTime{});
}

TEST_P(LoopContract, DeferredCallsRunBeforeTheDeadAreBuried) {
  std::vector<std::string> order;
  struct Dying : Destroyable {
    explicit Dying(std::vector<std::string>& o) : order(o) {}
    ~Dying() override { order.push_back("destroyed"); }
    std::vector<std::string>& order;
  };
  struct Caller {
    void run() { order.push_back("deferred"); }
    std::vector<std::string>& order;
  } caller{order};
  Deferred call(Deferred::Callback::bind<&Caller::run>(caller));
  Deferred cancelled(Deferred::Callback::bind<&Caller::run>(caller));
  loop.post([&] {
    loop.destroy_later(std::make_unique<Dying>(order));
    loop.defer(call);
    loop.defer(call);
    loop.defer(cancelled);
    cancelled.cancel();
    order.push_back("turn");
  });
  ASSERT_TRUE(until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<std::string>{"turn", "deferred", "destroyed"}));
}

TEST_P(LoopContract, ADeferredCallThatDefersItselfDoesNotHoldTheLoop) {
  struct Again {
    void run() {
      ++count;
      loop.defer(call);
    }
    Loop& loop;
    int count = 0;
    Deferred call{Deferred::Callback::bind<&Again::run>(*this)};
  } again{loop};
  loop.defer(again.call);
  EXPECT_TRUE(until([&] { return again.count > 50; }));
}

TEST_P(LoopContract, PostsRunInOrderInALaterTurn) {
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) loop.post([&order, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(until([&] { return order.size() == 5; }));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_P(LoopContract, OffloadedWorkComesBackToTheLoop) {
  std::vector<std::string> order;
  loop.offload([&] { order.push_back("work"); }, [&] { order.push_back("done"); });
  EXPECT_TRUE(order.empty() || GetParam() == Backend::Epoll);
  ASSERT_TRUE(until([&] { return order.size() == 2; }));
  EXPECT_EQ(order, (std::vector<std::string>{"work", "done"}));
}

TEST_P(LoopContract, WallTimeMovesWithTheLoop) {
  const base::WallTime before = loop.wall_now();
  settle();
  EXPECT_GE(loop.wall_now() - before, base::milliseconds(15));
  EXPECT_GT(loop.wall_now().time_since_epoch(), std::chrono::hours(24 * 365 * 50));
}

// ---- datagrams ----

struct DatagramRecorder : DatagramHandler {
  void on_datagram(base::Slice data, const Address& from) override {
    received.emplace_back(data.view());
    last_from = from;
  }
  void on_error(const base::Error&) override { ++errors; }
  std::vector<std::string> received;
  Address last_from;
  int errors = 0;
};

TEST_P(LoopContract, DatagramsKeepTheirBoundsAndSender) {
  DatagramRecorder a, b;
  auto ha = loop.open_datagram(any_local_port(), a);
  auto hb = loop.open_datagram(any_local_port(), b);
  ASSERT_TRUE(ha.has_value() && hb.has_value());
  loop.send_datagram(*ha, base::Slice::of_static("one"), loop.local_address(*hb));
  loop.send_datagram(*ha, base::Slice::of_static("three"), loop.local_address(*hb));
  EXPECT_TRUE(b.received.empty());
  ASSERT_TRUE(until([&] { return b.received.size() == 2; }));
  EXPECT_EQ((std::set<std::string>(b.received.begin(), b.received.end())), (std::set<std::string>{"one", "three"}));
  EXPECT_EQ(b.last_from, loop.local_address(*ha));
  loop.close(*hb);
  loop.send_datagram(*ha, base::Slice::of_static("late"), b.last_from);
  settle();
  EXPECT_EQ(b.received.size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Backends, LoopContract, ::testing::ValuesIn(all_backends()),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace weft::net::testing
