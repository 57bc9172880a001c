#include "proxy/testing/proxy_world.h"

namespace weft::proxy {

using net::testing::AcceptRecorder;
using net::testing::ConnectionRecorder;

/// Answers each request head (bodies are ignored) with the scripted text.
struct WithProxy::Upstream {
  struct Peer {
    ConnectionRecorder events;
    std::unique_ptr<net::Connection> connection;
    size_t answered = 0;
  };
  Upstream(net::Loop& its_loop, WithProxy& its_test) : loop(its_loop), test(its_test) {
    accepts.react = [this] { take_all(); };
    socket = std::move(loop.listen(upstream_address(), {}).value());
    accepting = loop.start_accepting(*socket, accepts);
  }
  ~Upstream() { loop.close(accepting); }
  void take_all() {
    for (net::AcceptedSocket& accepted : accepts.sockets) {
      auto& peer = *peers.emplace_back(std::make_unique<Peer>());
      peer.events.react = [this, &peer](const std::string& event) {
        if (event == "data") answer(peer);
      };
      peer.connection = std::make_unique<net::Connection>(loop, std::move(accepted), nullptr, peer.events);
      peer.connection->start_reading();
    }
    accepts.sockets.clear();
  }
  void answer(Peer& peer) {
    size_t end;
    while ((end = peer.events.data.find("\r\n\r\n", peer.answered)) != std::string::npos) {
      test.upstream_received = peer.events.data.substr(peer.answered);
      peer.answered = end + 4;
      ++test.upstream_requests;
      base::Chain bytes;
      bytes.append_copy(loop.blocks(), test.upstream_answer);
      peer.connection->write(std::move(bytes));
    }
  }

  net::Loop& loop;
  WithProxy& test;
  AcceptRecorder accepts;
  std::unique_ptr<net::ListenSocket> socket;
  net::Handle accepting;
  std::vector<std::unique_ptr<Peer>> peers;
};

WithProxy::WithProxy() : loop_(world.add_loop("proxy")) {
  hcm.stat_prefix = "test";
  routes.virtual_hosts.emplace_back().domains = {"*"};
}

WithProxy::~WithProxy() {
  if (server_ != nullptr) {
    bool is_drained = false;
    server_->drain(base::milliseconds(1), [&] { is_drained = true; });
    EXPECT_TRUE(world.run_until([&] { return is_drained; }));
    world.run_until_idle();
  }
  server_.reset();
  upstream_.reset();
}

void WithProxy::route_to_upstream() {
  upstream_ = std::make_unique<Upstream>(world.add_loop("upstream"), *this);
  auto cluster = std::make_shared<ClusterConfig>();
  cluster->name = "up";
  auto endpoints = std::make_shared<EndpointSet>();
  endpoints->endpoints.emplace_back().address = upstream_address();
  cluster->endpoints = std::move(endpoints);
  clusters_.push_back(std::move(cluster));
  RouteAction action;
  action.cluster = "up";
  routes.virtual_hosts[0].routes.emplace_back().action = std::move(action);
}

void WithProxy::start() {
  hcm.routes = RouteTable::compile(routes).value();
  auto listener = std::make_shared<ListenerConfig>();
  listener->name = "in";
  listener->address = listen_address();
  listener->filter_chains.emplace_back().hcm = std::make_shared<HcmConfig>(hcm);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->listeners.push_back(std::move(listener));
  snapshot->clusters = clusters_;
  ServerParts parts;
  parts.main = &loop_;
  parts.workers = {&loop_};
  parts.registry = &registry_;
  server_ = std::make_unique<Server>(parts);
  ASSERT_TRUE(server_->start(std::move(snapshot)));
  world.run_until_idle();
}

std::unique_ptr<WithProxy::Call> WithProxy::send(std::string_view head_lines, std::string_view body) {
  auto made = std::make_unique<Call>();
  made->connection = std::make_unique<net::Connection>(loop_, listen_address(), net::ConnectOptions{}, nullptr, made->events);
  made->connection->start_reading();
  std::string text(head_lines);
  text += "connection: close\r\n\r\n";
  text += body;
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
