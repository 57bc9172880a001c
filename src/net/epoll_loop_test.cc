// What only real descriptors and threads can show.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "net/backends.h"
#include "net/epoll_stream.h"
#include "net/posix_socket.h"
#include "net/testing/recorders.h"

namespace weft::net::testing {
namespace {

class EpollTest : public ::testing::Test {
 protected:
  bool until(const std::function<bool()>& done) { return run_until(loop, done); }

  std::unique_ptr<Loop> owner = std::move(*make_epoll_loop(1));
  Loop& loop = *owner;
};

/// A path that is gone with the test.
struct TemporaryPath {
  std::string path = "/tmp/weft-net-test-" + std::to_string(getpid()) + ".sock";
  TemporaryPath() { unlink(path.c_str()); }
  ~TemporaryPath() { unlink(path.c_str()); }
};

// ---- options of sockets ----

TEST_F(EpollTest, KeepAliveValuesReachTheSocketAndZeroLeavesTheSystems) {
  AcceptRecorder accepts;
  auto listening = std::move(*loop.listen(any_local_port(), {}));
  const Handle accepting = loop.start_accepting(*listening, accepts);
  ConnectOptions options;
  options.keep_alive = KeepAlive{.probes = 3, .idle_s = 70, .interval_s = 0};
  options.bind_to = *Address::parse("127.0.0.9", 0);
  ConnectionRecorder events;
  Connection connection(loop, listening->local_address(), options, nullptr, events);
  ASSERT_TRUE(until([&] { return events.has("open"); }));
  EXPECT_EQ(connection.local_address().ip(), "127.0.0.9");
  int fd = 0;
  while (!(local_address_of(fd) == connection.local_address())) ASSERT_LT(++fd, 1000);
  const auto option_of = [&](int level, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    getsockopt(fd, level, option, &value, &length);
    return value;
  };
  FileDescriptor plain = open_socket(Address::Family::V4, SOCK_STREAM);
  int interval = 0;
  socklen_t length = sizeof interval;
  getsockopt(plain.get(), IPPROTO_TCP, TCP_KEEPINTVL, &interval, &length);
  EXPECT_EQ(option_of(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(option_of(IPPROTO_TCP, TCP_KEEPIDLE), 70);
  EXPECT_EQ(option_of(IPPROTO_TCP, TCP_KEEPINTVL), interval);
  loop.close(accepting);
}

TEST_F(EpollTest, ALocalAddressIsNotForUnixSockets) {
  TemporaryPath at;
  AcceptRecorder accepts;
  auto listening = std::move(*loop.listen(Address::unix_path(at.path), {}));
  const Handle accepting = loop.start_accepting(*listening, accepts);
  ConnectOptions options;
  options.bind_to = *Address::parse("127.0.0.9", 0);
  options.keep_alive.emplace();
  ConnectionRecorder events;
  Connection connection(loop, listening->local_address(), options, nullptr, events);
  EXPECT_TRUE(until([&] { return events.has("open"); }));
  loop.close(accepting);
}

// ---- threads ----

TEST_F(EpollTest, PostsOfOtherThreadsAllArriveAndWakeTheLoop) {
  constexpr int kThreads = 4, kPosts = 2000;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i)
        loop.post([&] {
          if (++ran == kThreads * kPosts) loop.stop();
        });
    });
  }
  loop.run();  // no timer is armed: only the posts can end it
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kPosts);
}

TEST_F(EpollTest, StopFromAnotherThreadEndsASleepingLoopAfterWhatWasPosted) {
  bool posted = false;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    loop.post([&] { posted = true; });
    loop.stop();
  });
  loop.run();
  other.join();
  EXPECT_TRUE(posted);
}

TEST_F(EpollTest, TwoLoopsPassATaskBackAndForth) {
  std::unique_ptr<Loop> second = std::move(*make_epoll_loop(2));
  std::thread other([&] { second->run(); });
  int laps = 0;
  std::function<void()> ping = [&] {
    if (++laps == 1000) return loop.stop();
    second->post([&] { loop.post([&] { ping(); }); });
  };
  loop.post([&] { ping(); });
  loop.run();
  second->stop();
  other.join();
  EXPECT_EQ(laps, 1000);
}

TEST_F(EpollTest, OffloadedWorkRunsOnAnotherThreadInOrder) {
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> order;
  bool was_elsewhere = true;
  for (int i = 0; i < 3; ++i) {
    loop.offload([&, i] { order.push_back(i), was_elsewhere &= std::this_thread::get_id() != here; },
                 [&, i] {
                   if (i == 2) loop.stop();
                 });
  }
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(was_elsewhere);
}

TEST_F(EpollTest, QueuedOffloadsAreDoneBeforeTheLoopGoes) {
  int done = 0;
  for (int i = 0; i < 5; ++i) loop.offload([&] { ++done; }, [] {});
  owner.reset();
  EXPECT_EQ(done, 5);
}

TEST_F(EpollTest, ADyingLoopDestroysWhatWaitedForItWhileSocketsCanBeClosed) {
  auto pair = make_pair(loop);
  struct Holder : Destroyable {
    Holder(Loop& l, Handle h) : loop(l), handle(h) {}
    ~Holder() override { loop.close(handle); }
    Loop& loop;
    Handle handle;
  };
  loop.destroy_later(std::make_unique<Holder>(loop, pair->client_handle));
  owner.reset();
}

// ---- descriptors ----

TEST_F(EpollTest, AcceptingPausesWithoutDescriptorsAndGoesOnByItself) {
  auto listener = std::move(*loop.listen(any_local_port(), {}));
  AcceptRecorder accepted;
  loop.start_accepting(*listener, accepted);
  SocketRecorder client;
  loop.connect(listener->local_address(), {}, client);

  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = dup(0);
  close(next_free);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const bool paused = until([&] { return accepted.errors > 0; });
  SocketRecorder starved;
  loop.connect(listener->local_address(), {}, starved);
  const bool told = until([&] { return starved.has("error"); });
  setrlimit(RLIMIT_NOFILE, &before);

  EXPECT_TRUE(paused);
  EXPECT_TRUE(told);
  EXPECT_EQ(starved.error.code, base::ErrorCode::ConnectFailed);
  EXPECT_TRUE(until([&] { return accepted.sockets.size() == 1; }));
  for (AcceptedSocket& socket : accepted.sockets) loop.discard(std::move(socket));
}

TEST_F(EpollTest, AWatchReportsUntilClosedAndChangesItsInterest) {
  struct Recorder : WatchHandler {
    void on_ready(int, bool readable, bool writable) override {
      reads += readable;
      writes += writable;
    }
    int reads = 0, writes = 0;
  } recorder;
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const Handle handle = *loop.watch(fds[0], true, false, recorder);
  EXPECT_FALSE(loop.watch(fds[0], true, false, recorder).has_value()) << "twice";
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  ASSERT_TRUE(until([&] { return recorder.reads >= 2; })) << "level-triggered: again and again";
  EXPECT_EQ(recorder.writes, 0);
  loop.rewatch(handle, false, true);
  ASSERT_TRUE(until([&] { return recorder.writes > 0; }));
  loop.close(handle);
  const int writes = recorder.writes;
  const base::MonoTime end = loop.now() + base::milliseconds(5);
  until([&] { return loop.now() > end; });
  EXPECT_EQ(recorder.writes, writes);
  EXPECT_EQ(fcntl(fds[0], F_GETFD), 0) << "the descriptor is the caller's";
  close(fds[0]);
  close(fds[1]);
}

TEST_F(EpollTest, SignalsComeThroughTheLoop) {
  struct Recorder : SignalHandler {
    void on_signal(int signal) override { seen.push_back(signal); }
    std::vector<int> seen;
  } recorder;
  const Handle handle = *loop.watch_signal(SIGUSR2, recorder);
  kill(getpid(), SIGUSR2);
  EXPECT_TRUE(until([&] { return recorder.seen.size() == 1; }));
  EXPECT_EQ(recorder.seen.front(), SIGUSR2);
  loop.close(handle);
}

// ---- unix sockets ----

TEST_F(EpollTest, UnixSocketsCarryBytesAndTakeTheirMode) {
  TemporaryPath file;
  auto listener = loop.listen(Address::unix_path(file.path), {.unix_mode = 0600});
  ASSERT_TRUE(listener.has_value());
  struct stat info;
  ASSERT_EQ(stat(file.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  AcceptRecorder accepted;
  SocketRecorder client, server;
  loop.start_accepting(**listener, accepted);
  const Handle c = loop.connect(Address::unix_path(file.path), {}, client);
  ASSERT_TRUE(until([&] { return accepted.sockets.size() == 1; }));
  loop.start_reading(loop.adopt(std::move(accepted.sockets[0]), server));
  loop.write(c, chain_of(loop, std::string(1'000'000, 'u')));
  EXPECT_TRUE(until([&] { return server.data.size() == 1'000'000; }));
}

TEST_F(EpollTest, AUnixPathInUseIsAnErrorAndAStaleOneIsNot) {
  TemporaryPath file;
  const Address at = Address::unix_path(file.path);
  auto first = loop.listen(at, {});
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(loop.listen(at, {}).has_value());
  first->reset();  // as after a crash: the file stays
  EXPECT_TRUE(loop.listen(at, {}).has_value());
}

TEST_F(EpollTest, AFileThatIsNoSocketIsNotRemoved) {
  TemporaryPath file;
  close(open(file.path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(loop.listen(Address::unix_path(file.path), {}).has_value());
  EXPECT_EQ(access(file.path.c_str(), F_OK), 0);
}

TEST_F(EpollTest, AStrangerWithReusePortIsStillAnError) {
  auto forgotten = std::move(*loop.listen(any_local_port(), {.reuse_port = true}));
  auto ours = loop.listen(forgotten->local_address(), {.reuse_port = true});
  ASSERT_FALSE(ours.has_value());
  EXPECT_NE(ours.error().message.find("Address already in use"), std::string::npos) << ours.error().message;
}

TEST_F(EpollTest, ADescriptorCrossesAUnixSocket) {
  TemporaryPath file;
  auto listener = std::move(*loop.listen(Address::unix_path(file.path), {}));
  AcceptRecorder accepted;
  SocketRecorder client;
  loop.start_accepting(*listener, accepted);
  const Handle c = loop.connect(Address::unix_path(file.path), {}, client);
  ASSERT_TRUE(until([&] { return client.has("connected") && accepted.sockets.size() == 1; }));
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  ASSERT_TRUE(loop.send_descriptor(c, fds[1]).has_value());

  FileDescriptor peer(static_cast<int>(accepted.sockets[0].take()));
  char byte = 1;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_EQ(recvmsg(peer.get(), &message, 0), 1);
  EXPECT_EQ(byte, 0);
  int received = -1;
  memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  ASSERT_EQ(write(received, "!", 1), 1);
  char read_back = 0;
  ASSERT_EQ(read(fds[0], &read_back, 1), 1);
  EXPECT_EQ(read_back, '!');
  close(received);
  close(fds[0]);
  close(fds[1]);

  loop.write(c, chain_of(loop, "queued"));
  const base::Status status = loop.send_descriptor(c, 0);
  ASSERT_FALSE(status.has_value()) << "it would overtake queued bytes";
  EXPECT_EQ(status.error().code, base::ErrorCode::Unavailable);
  EXPECT_FALSE(loop.send_descriptor(Handle{}, 0).has_value());
}

TEST_F(EpollTest, AnIpv6SocketTakesIpv4OnlyWhenAsked) {
  const Address any = *Address::parse("::", 0);
  auto compatible = loop.listen(any, {.ipv4_compat = true});
  if (!compatible) GTEST_SKIP() << "no IPv6 here";
  auto strict = std::move(*loop.listen(any, {}));
  SocketRecorder reaches, fails;
  loop.connect(Address::v4(0x7f000001, (*compatible)->local_address().port()), {}, reaches);
  loop.connect(Address::v4(0x7f000001, strict->local_address().port()), {}, fails);
  EXPECT_TRUE(until([&] { return reaches.has("connected") && fails.has("error"); }));
}

// ---- costs ----

TEST_F(EpollTest, SmallMessagesPinSmallBlocks) {
  auto pair = make_pair(loop);
  loop.start_reading(pair->server_handle);
  for (const size_t bytes : {size_t{100}, size_t{10'000}, size_t{100}, size_t{100}}) {
    const size_t before = pair->server.data.size();
    loop.write(pair->client_handle, chain_of(loop, std::string(bytes, 'x')));
    ASSERT_TRUE(until([&] { return pair->server.data.size() == before + bytes; }));
    if (bytes == 10'000) {
      EXPECT_GT(pair->server.largest_read, size_t{base::BlockPool::kSmallBytes});
    }
  }
  struct Keeper : SocketRecorder {
    void on_data(base::Slice slice) override {
      kept.append(std::move(slice));
      SocketRecorder::on_data({});
    }
    base::Chain kept;
  } keeper;
  loop.set_handler(pair->server_handle, keeper);
  base::Chain message = chain_of(loop, "held back");
  const char* const small_block = message.slice(0).data();
  loop.write(pair->client_handle, std::move(message));
  ASSERT_TRUE(until([&] { return keeper.kept.size() == 9; }));
  EXPECT_EQ(keeper.kept.slice(0).data(), small_block) << "the pool gives out the small block that came back last";
  keeper.kept.clear();
}

TEST_F(EpollTest, AStreamIsSmall) { EXPECT_LE(sizeof(EpollStream), 224u); }

TEST_F(EpollTest, AnIdleReadingSocketHoldsNoBuffer) {
  auto pair = make_pair(loop);
  loop.start_reading(pair->server_handle);
  loop.start_reading(pair->client_handle);
  loop.write(pair->client_handle, chain_of(loop, "x"));
  ASSERT_TRUE(until([&] { return pair->server.data == "x"; }));
  EXPECT_EQ(loop.blocks().live_blocks(), 0u);
}

TEST(MachineAddress, IsIpv4AndOfThisMachine) {
  const Address address = machine_address();
  EXPECT_EQ(address.family(), Address::Family::V4);
  const auto listening = listen_posix(address, {});
  EXPECT_TRUE(listening.has_value()) << address.to_string() << " cannot be bound";
}

}  // namespace
}  // namespace weft::net::testing
