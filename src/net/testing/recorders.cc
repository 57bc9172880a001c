#include "net/testing/recorders.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::net::testing {
namespace {

// Looks at the condition at every tick, and ends the run when it holds or time is up.
class Poll {
 public:
  Poll(Loop& loop, const std::function<bool()>& done)
      : loop_(loop), done_(done), deadline_(loop.now() + base::seconds(10)) {
    check();
  }
  bool is_met() const { return is_met_; }

 private:
  void check() {
    is_met_ = done_();
    if (is_met_ || loop_.now() > deadline_) return loop_.stop();
    loop_.arm(timer_, base::milliseconds(1));
  }

  Loop& loop_;
  const std::function<bool()>& done_;
  base::MonoTime deadline_;
  bool is_met_ = false;
  Timer timer_{Timer::Callback::bind<&Poll::check>(*this)};
};

bool contains(const std::vector<std::string>& events, const std::string& event) {
  return std::find(events.begin(), events.end(), event) != events.end();
}

}  // namespace

bool run_until(Loop& loop, const std::function<bool()>& done) {
  Poll poll(loop, done);
  loop.run();
  return poll.is_met();
}

void SocketRecorder::note(const std::string& event) {
  events.push_back(event);
  if (react) react(event);
}

void SocketRecorder::on_data(base::Slice slice) {
  data.append(slice.view());
  largest_read = std::max(largest_read, slice.size());
  note("data");
}

void SocketRecorder::on_write_done(size_t bytes) {
  written += bytes;
  note("done");
}

void SocketRecorder::on_error(const base::Error& e) {
  error = e;
  note("error");
}

bool SocketRecorder::has(const std::string& event) const { return contains(events, event); }

void AcceptRecorder::on_accept(AcceptedSocket socket) {
  sockets.push_back(std::move(socket));
  if (react) react();
}

void ConnectionRecorder::note(const std::string& event) {
  events.push_back(event);
  if (react) react(event);
}

void ConnectionRecorder::on_data(base::Slice slice) {
  data.append(slice.view());
  note("data");
}

void ConnectionRecorder::on_close(const base::Error& e) {
  error = e;
  note("close");
}

bool ConnectionRecorder::has(const std::string& event) const { return contains(events, event); }

std::unique_ptr<SocketPair> make_pair(Loop& loop) {
  auto pair = std::make_unique<SocketPair>();
  auto listener = loop.listen(any_local_port(), {});
  EXPECT_TRUE(listener.has_value());
  AcceptRecorder accepted;
  const Handle accepting = loop.start_accepting(**listener, accepted);
  pair->server_address = (*listener)->local_address();
  pair->client_handle = loop.connect(pair->server_address, {}, pair->client);
  EXPECT_TRUE(run_until(loop, [&] { return accepted.sockets.size() == 1 && pair->client.has("connected"); }));
  loop.close(accepting);
  pair->server_handle = loop.adopt(std::move(accepted.sockets[0]), pair->server);
  return pair;
}

base::Chain chain_of(Loop& loop, std::string_view bytes) {
  base::Chain chain;
  chain.append_copy(loop.blocks(), bytes);
  return chain;
}

Address any_local_port() { return Address::v4(0x7f000001, 0); }

}  // namespace weft::net::testing
