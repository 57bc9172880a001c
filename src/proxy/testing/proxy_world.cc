#include "proxy/testing/proxy_world.h"

#include "net/tls_session.h"

namespace weft::proxy {

using net::testing::AcceptRecorder;
using net::testing::ConnectionRecorder;

/// Answers each request head (bodies are ignored) with the scripted text.
struct WithProxy::Upstream {
  struct Peer {
    ConnectionRecorder events;
    std::unique_ptr<net::Connection> connection;
    net::Timer later;
    std::function<void()> rest;
    void run_rest() { rest(); }
    size_t answered = 0;
  };
  Upstream(net::Loop& its_loop, WithProxy& its_test, size_t its_index)
      : loop(its_loop), test(its_test), index(its_index) {
    accepts.react = [this] { take_all(); };
    socket = std::move(loop.listen(upstream_address(index), {}).value());
    accepting = loop.start_accepting(*socket, accepts);
  }
  ~Upstream() { loop.close(accepting); }
  void take_all() {
    for (net::AcceptedSocket& accepted : accepts.sockets) {
      test.upstream_peers.push_back(accepted.peer().ip());
      auto& peer = *peers.emplace_back(std::make_unique<Peer>());
      peer.events.react = [this, &peer](const std::string& event) {
        if (test.upstream_is_raw) return echo(peer, event);
        if (event == "data") answer(peer);
      };
      peer.connection = std::make_unique<net::Connection>(loop, std::move(accepted), new_session(), peer.events);
      peer.connection->start_reading();
    }
    accepts.sockets.clear();
  }
  std::unique_ptr<net::TlsSession> new_session() {
    if (test.upstream_tls == nullptr) return nullptr;
    net::ServerSessionOptions options;
    options.rules = std::make_shared<net::PeerRules>();
    return test.upstream_tls->new_server_session(loop, std::move(options));
  }
  void echo(Peer& peer, const std::string& event) {
    base::Chain bytes;
    bytes.append_copy(loop.blocks(), std::string_view(peer.events.data).substr(peer.answered));
    peer.answered = peer.events.data.size();
    test.upstream_bytes = peer.events.data;
    if (!bytes.is_empty()) peer.connection->write(std::move(bytes));
    if (event == "end") peer.connection->shutdown_write();
  }
  void answer(Peer& peer) {
    size_t end;
    test.upstream_bytes = peer.events.data;
    if (peer.answered == 0 && peer.connection->tls() != nullptr)
      test.upstream_handshakes.push_back(peer.connection->tls()->info());
    while ((end = peer.events.data.find("\r\n\r\n", peer.answered)) != std::string::npos) {
      test.upstream_head = peer.events.data.substr(peer.answered, end + 4 - peer.answered);
      peer.answered = end + 4;
      ++test.upstream_requests;
      ++test.requests_by_upstream[index];
      const std::string text =
          test.answer_by_script ? test.answer_by_script(index, test.upstream_head) : test.upstream_answer;
      if (text == kSilence) continue;
      if (text == kReset || text == kClose) return peer.connection->close(text == kReset);
      base::Chain bytes;
      bytes.append_copy(loop.blocks(), text);
      peer.connection->write(std::move(bytes));
      if (!test.upstream_answer_later.empty()) send_later(peer);
    }
  }
  void send_later(Peer& peer) {
    peer.rest = [this, &peer] {
      base::Chain bytes;
      bytes.append_copy(loop.blocks(), test.upstream_answer_later);
      peer.connection->write(std::move(bytes));
    };
    peer.later.set_callback(net::Timer::Callback::bind<&Peer::run_rest>(peer));
    loop.arm(peer.later, base::milliseconds(10));
  }

  net::Loop& loop;
  WithProxy& test;
  const size_t index;
  AcceptRecorder accepts;
  std::unique_ptr<net::ListenSocket> socket;
  net::Handle accepting;
  std::vector<std::unique_ptr<Peer>> peers;
};

WithProxy::WithProxy(uint64_t seed) : world(seed, net::kTestNow), loop_(world.add_loop("proxy")) {
  hcm.stat_prefix = "test";
  routes.virtual_hosts.emplace_back().domains = {"*"};
}

WithProxy::~WithProxy() { stop(); }

void WithProxy::stop() {
  if (server_ != nullptr) {
    bool is_drained = server_->state() == Server::State::Draining;  // by the test itself
    server_->drain(base::milliseconds(1), [&] { is_drained = true; });
    EXPECT_TRUE(world.run_until([&] { return is_drained; }));
    world.run_until_idle();
  }
  server_.reset();
  upstreams_.clear();
}

void WithProxy::route_to_upstream(size_t count) {
  auto endpoints = std::make_shared<EndpointSet>();
  for (size_t i = 0; i < count; ++i) {
    upstreams_.push_back(std::make_unique<Upstream>(world.add_loop("upstream" + std::to_string(i)), *this, i));
    endpoints->endpoints.emplace_back().address = upstream_address(i);
  }
  requests_by_upstream.assign(count, 0);
  cluster.name = action.cluster = "up";
  cluster.endpoints = std::move(endpoints);
  routes.virtual_hosts[0].routes.emplace_back().action = action;
}

void WithProxy::start() {
  hcm.routes = RouteTable::compile(routes).value();
  auto listener = std::make_shared<ListenerConfig>();
  listener->name = "in";
  listener->address = listen_address();
  listener->access_logs = listener_logs;
  listener->is_inbound = is_inbound;
  listener->filter_chains.emplace_back().hcm = std::make_shared<HcmConfig>(hcm);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->listeners.push_back(std::move(listener));
  if (!cluster.name.empty()) snapshot->clusters.push_back(std::make_shared<ClusterConfig>(cluster));
  ServerParts parts;
  parts.main = &loop_;
  parts.workers = {&loop_};
  parts.registry = &registry_;
  parts.resolver = resolver;
  parts.access_logs = &logs_;
  parts.version = 10203;
  server_ = std::make_unique<Server>(parts);
  ASSERT_TRUE(server_->start(std::move(snapshot)));
  world.run_until_idle();
}

AccessLogConfig log_of(std::string_view format) {
  AccessLogConfig log;
  log.path = "/log";
  log.format = observe::Format::parse_text(format).value();
  return log;
}

AccessLogConfig& WithProxy::log(std::string_view format) { return hcm.access_logs.emplace_back(log_of(format)); }
void WithProxy::log_connections(std::string_view format) { listener_logs.push_back(log_of(format)); }

const std::string& WithProxy::logged() {
  logs_.flush();
  return log_files_.content("/log");
}

std::unique_ptr<WithProxy::Call> WithProxy::connect() {
  auto made = std::make_unique<Call>();
  made->connection =
      std::make_unique<net::Connection>(loop_, listen_address(), net::ConnectOptions{}, nullptr, made->events);
  made->connection->start_reading();
  return made;
}

void WithProxy::write(Call& made, std::string_view bytes) {
  base::Chain chain;
  chain.append_copy(loop_.blocks(), bytes);
  made.connection->write(std::move(chain));
}

std::unique_ptr<WithProxy::Call> WithProxy::send(std::string_view head_lines, std::string_view body) {
  std::string text(head_lines);
  text += "connection: close\r\n\r\n";
  text += body;
  return send_raw(text);
}

std::unique_ptr<WithProxy::Call> WithProxy::send_raw(std::string_view text) {
  auto made = std::make_unique<Call>();
  made->connection =
      std::make_unique<net::Connection>(loop_, listen_address(), net::ConnectOptions{}, nullptr, made->events);
  made->connection->start_reading();
  base::Chain bytes;
  bytes.append_copy(loop_.blocks(), text);
  made->connection->write(std::move(bytes));
  return made;
}

std::string WithProxy::call(std::string_view head_lines, base::Duration limit) {
  const auto made = send(head_lines);
  EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, limit));
  return made->answer();
}

base::Duration WithProxy::time_of(std::string_view head_lines) {
  const base::MonoTime begin = world.now();
  call(head_lines);
  return world.now() - begin;
}

}  // namespace weft::proxy
