// The floor of `./dev bench proxy`: forwards bytes between a listener and one upstream, on Weft's loop, and parses
// nothing. A proxy that does work cannot cost less than this on the same loop.
//
//     bench_floor <listen port> <upstream port>      both on 127.0.0.1
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/intrusive_list.h"
#include "net/backends.h"
#include "net/connection.h"

namespace {

using weft::base::Chain;
using weft::base::Error;
using weft::base::Slice;
using weft::net::AcceptedSocket;
using weft::net::Address;
using weft::net::Connection;
using weft::net::Loop;

class Pair;

/// One side of a pair: what it reads goes to the other side.
class Side final : public weft::net::ConnectionHandler {
 public:
  explicit Side(Pair& pair) : pair_(pair) {}
  void on_open() override;
  void on_data(Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_close(const Error& error) override;

  std::unique_ptr<Connection> connection;
  Side* other = nullptr;

 private:
  Pair& pair_;
};

/// A downstream connection and the upstream connection made for it; ends when either does.
class Pair final : public weft::net::Destroyable, public weft::base::ListNode<> {
 public:
  static constexpr size_t kHighMark = 1024 * 1024;

  Pair(Loop& loop, AcceptedSocket socket, const Address& upstream) : loop_(loop) {
    downstream_.other = &upstream_;
    upstream_.other = &downstream_;
    downstream_.connection = std::make_unique<Connection>(loop, std::move(socket), nullptr, downstream_);
    upstream_.connection =
        std::make_unique<Connection>(loop, upstream, weft::net::ConnectOptions{}, nullptr, upstream_);
    downstream_.connection->set_high_mark(kHighMark);
    upstream_.connection->set_high_mark(kHighMark);
  }

  void opened(Side& side) {
    if (&side != &upstream_) return;
    downstream_.connection->start_reading();
    upstream_.connection->start_reading();
  }

  void end() {
    if (is_over_) return;
    is_over_ = true;
    unlink();
    downstream_.connection->close();
    upstream_.connection->close();
    loop_.destroy_later(std::unique_ptr<Destroyable>(this));
  }

 private:
  Loop& loop_;
  Side downstream_{*this}, upstream_{*this};
  bool is_over_ = false;
};

void Side::on_open() { pair_.opened(*this); }

void Side::on_data(Slice data) {
  other->connection->write(Chain(std::move(data)));
  if (other->connection->is_above_high_mark()) connection->pause_reading();
}

void Side::on_end() { pair_.end(); }
void Side::on_drained() { other->connection->start_reading(); }
void Side::on_close(const Error&) { pair_.end(); }

class Forwarder final : public weft::net::AcceptHandler, public weft::net::SignalHandler {
 public:
  Forwarder(Loop& loop, Address upstream) : loop_(loop), upstream_(std::move(upstream)) {}
  ~Forwarder() {
    while (!pairs_.is_empty()) pairs_.front()->end();
  }
  void on_accept(AcceptedSocket socket) override {
    // Owned by itself from here on: `end` hands it to the loop.
    pairs_.push_back(*new Pair(loop_, std::move(socket), upstream_));
  }
  void on_accept_error(const Error& error) override { std::fprintf(stderr, "accept: %s\n", error.message.c_str()); }
  void on_signal(int) override { loop_.stop(); }

 private:
  Loop& loop_;
  Address upstream_;
  weft::base::IntrusiveList<Pair> pairs_;
};

constexpr uint32_t kLoopback = 0x7f000001;

uint16_t port_of(const char* text) {
  uint16_t port = 0;
  std::from_chars(text, text + std::strlen(text), port);
  return port;
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::fprintf(stderr, "usage: bench_floor <listen port> <upstream port>\n");
    return 2;
  }
  auto loop = weft::net::make_epoll_loop(/*seed=*/1);
  if (!loop) return 1;
  Forwarder forwarder(**loop, Address::v4(kLoopback, port_of(arguments[2])));
  auto socket = (*loop)->listen(Address::v4(kLoopback, port_of(arguments[1])), {});
  if (!socket) {
    std::fprintf(stderr, "listen: %s\n", socket.error().message.c_str());
    return 1;
  }
  (*loop)->start_accepting(**socket, forwarder);
  if (!(*loop)->watch_signal(SIGTERM, forwarder)) return 1;
  (*loop)->run();
  return 0;
}
