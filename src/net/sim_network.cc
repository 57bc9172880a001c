#include "net/sim_network.h"

#include <algorithm>

#include "net/sim_sources.h"
#include "net/sim_world.h"

namespace weft::net {
namespace {

constexpr base::Duration kConnectTimeout = base::seconds(127);   // Linux: six SYNs
constexpr base::Duration kRetransmitLimit = base::seconds(924);  // Linux: tcp_retries2 = 15
constexpr base::Duration kSynRetry = base::seconds(1);
constexpr size_t kSegmentBytesMax = 16 * 1024;

bool is_wildcard(const Address& address) {
  const std::string_view bytes = address.ip_bytes();
  return address.is_ip() && std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace

// ---- control ----

SimNetwork::Host& SimNetwork::host_of(std::string_view name) {
  const auto found = hosts_.find(name);
  if (found != hosts_.end()) return found->second;
  Host& host = hosts_[std::string(name)];
  host.index = hosts_.size();
  return host;
}

const LinkOptions& SimNetwork::link(const std::string& from, const std::string& to) const {
  if (links_.empty()) return default_link_;
  const auto found = links_.find({from, to});
  return found != links_.end() ? found->second : default_link_;
}

void SimNetwork::set_link(std::string_view from, std::string_view to, const LinkOptions& options) {
  links_[{std::string(from), std::string(to)}] = options;
}

void SimNetwork::cut(std::string_view from, std::string_view to) { cuts_.insert({std::string(from), std::string(to)}); }

void SimNetwork::heal(std::string_view from, std::string_view to) {
  cuts_.erase({std::string(from), std::string(to)});
  for (const auto& [number, connection] : connections_) refresh(*connection);
}

void SimNetwork::heal_all() {
  cuts_.clear();
  for (const auto& [number, connection] : connections_) refresh(*connection);
}

// Retransmission: what waited for a link sets out again; what is still cut off waits again.
void SimNetwork::refresh(SimConnection& connection) {
  for (const SimSide sender : {SimSide::Client, SimSide::Server}) {
    SimPipe& pipe = connection.from(sender);
    if (pipe.is_blocked) {
      pipe.is_blocked = false;
      const LinkOptions& link_to = link(connection.end(sender).host, connection.end(other(sender)).host);
      schedule_arrival(connection.number, sender, world_.now() + link_to.latency);
    }
    wake(connection.end(sender));
  }
}

void SimNetwork::reset_next_connection(const Address& to, SimSide sender, uint64_t byte) {
  reset_rules_.push_back({to, sender, byte});
}

void SimNetwork::reset_connections(std::string_view a, std::string_view b) {
  for (const auto& [number, connection] : connections_) {
    const std::string& client = connection->end(SimSide::Client).host;
    const std::string& server = connection->end(SimSide::Server).host;
    if ((client == a && server == b) || (client == b && server == a)) break_connection(*connection);
  }
}

size_t SimNetwork::open_descriptors(std::string_view host) const {
  const auto found = hosts_.find(host);
  return found != hosts_.end() ? found->second.descriptors : 0;
}

size_t SimNetwork::used_ports(std::string_view host) const {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return 0;
  size_t used = 0;
  for (const auto& [destination, ports] : found->second.ports_by_destination) used += ports;
  return used;
}

// ---- connecting ----

uint64_t SimNetwork::connect(SimStream& stream, const std::string& host_name, const Address& to,
                             const Address& bind_to) {
  Host& host = host_of(host_name);
  const uint64_t number = ++last_connection_;
  auto owned = std::make_unique<SimConnection>();
  SimConnection& connection = *owned;
  connections_[number] = std::move(owned);
  connection.number = number;
  SimEndpoint& client = connection.end(SimSide::Client);
  client.stream = &stream;
  client.host = host_name;
  client.is_open = true;
  connection.end(SimSide::Server).address = to;
  connection.end(SimSide::Server).host = host_listening_at(to);

  size_t& ports = host.ports_by_destination[to.to_string()];
  if (!host.has_descriptor()) {
    fail_later(number, "Too many open files");
    return number;
  }
  if (to.is_ip() && ports >= host.ports_max) {
    fail_later(number, "Cannot assign requested address");
    return number;
  }
  ++ports;
  ++host.descriptors;
  client.has_descriptor = true;
  client.address = source_address(host, to, bind_to);
  take_reset_rule(connection);
  push(connection, SimSide::Client, {SimSegment::Kind::Syn, {}, {}});
  world_.at(
      world_.now() + kConnectTimeout,
      [this, number] {
        SimConnection* c = find(number);
        if (c == nullptr || c->end(SimSide::Client).is_connected) return;
        fail_end(*c, SimSide::Client, base::ErrorCode::Timeout, "Connection timed out");
      },
      SimWorld::Weight::Background);
  return number;
}

void SimNetwork::fail_later(uint64_t connection, std::string_view message) {
  world_.after(std::chrono::microseconds(1), [this, connection, message] {
    SimConnection* c = find(connection);
    if (c != nullptr) fail_end(*c, SimSide::Client, base::ErrorCode::ConnectFailed, message);
  });
}

Address SimNetwork::source_address(Host& host, const Address& to, const Address& bind_to) {
  if (!to.is_ip()) return Address::unix_path("");
  const uint16_t port = host.next_port;
  host.next_port = static_cast<uint16_t>(port >= 60999 ? 32768 : port + 1);
  if (bind_to.is_ip()) return bind_to.port() != 0 ? bind_to : bind_to.with_port(port);
  if (to.is_loopback()) return to.with_port(port);
  const auto index = static_cast<uint32_t>(host.index);
  if (to.family() == Address::Family::V4) return Address::v4(0x0a000000 + index, port);
  return *Address::parse("fd00::" + std::to_string(index), port);
}

void SimNetwork::take_reset_rule(SimConnection& connection) {
  const Address& to = connection.end(SimSide::Server).address;
  const auto rule =
      std::find_if(reset_rules_.begin(), reset_rules_.end(), [&](const ResetRule& r) { return r.to == to; });
  if (rule == reset_rules_.end()) return;
  connection.from(rule->sender).reset_at = rule->byte;
  reset_rules_.erase(rule);
}

SimConnection* SimNetwork::find(uint64_t connection) {
  const auto found = connections_.find(connection);
  return found != connections_.end() ? found->second.get() : nullptr;
}

// ---- segments on their way ----

bool SimNetwork::is_cut(const SimConnection& connection, SimSide sender) const {
  const auto from = static_cast<size_t>(sender);
  return !cuts_.empty() && cuts_.contains({connection.ends[from].host, connection.ends[1 - from].host});
}

void SimNetwork::push(SimConnection& connection, SimSide sender, SimSegment segment) {
  SimPipe& pipe = connection.from(sender);
  const LinkOptions& options = link(connection.end(sender).host, connection.end(other(sender)).host);
  base::MonoTime leaves = world_.now();
  if (options.bytes_per_second > 0) {
    const uint64_t ns = segment.bytes.size() * 1'000'000'000 / options.bytes_per_second;
    leaves = std::max(leaves, pipe.busy_until) + base::Duration(static_cast<int64_t>(ns));
    pipe.busy_until = leaves;
  }
  segment.at = std::max(pipe.last_arrival, leaves + options.latency + world_.random_delay(options.jitter));
  pipe.last_arrival = segment.at;
  pipe.bytes_on_the_way += segment.bytes.size();
  const base::MonoTime when = segment.at;
  pipe.on_the_way.push_back(std::move(segment));
  schedule_arrival(connection.number, sender, when);
}

void SimNetwork::schedule_arrival(uint64_t connection, SimSide sender, base::MonoTime when) {
  world_.at(when, [this, connection, sender] { arrive(connection, sender); });
}

void SimNetwork::arrive(uint64_t number, SimSide sender) {
  while (SimConnection* connection = find(number)) {
    SimPipe& pipe = connection->from(sender);
    if (pipe.on_the_way.empty() || pipe.on_the_way.front().at > world_.now()) return;
    if (is_cut(*connection, sender)) {
      if (!pipe.is_blocked) give_up_when_blocked(number, sender);
      pipe.is_blocked = true;
      return;
    }
    SimSegment segment = std::move(pipe.on_the_way.front());
    pipe.on_the_way.pop_front();
    pipe.bytes_on_the_way -= segment.bytes.size();
    take_segment(*connection, sender, std::move(segment));
  }
}

void SimNetwork::give_up_when_blocked(uint64_t number, SimSide sender) {
  const auto check = [this, number, sender] {
    SimConnection* connection = find(number);
    if (connection == nullptr || !connection->from(sender).is_blocked) return;
    fail_end(*connection, sender, base::ErrorCode::Timeout, "Connection timed out");
  };
  world_.at(world_.now() + kRetransmitLimit, check, SimWorld::Weight::Background);
}

void SimNetwork::take_segment(SimConnection& connection, SimSide sender, SimSegment segment) {
  SimEndpoint& receiver = connection.end(other(sender));
  switch (segment.kind) {
    case SimSegment::Kind::Syn: return take_syn(connection);
    case SimSegment::Kind::SynAck: receiver.is_connected = true; return wake(receiver);
    case SimSegment::Kind::Data: return take_data(connection, sender, std::move(segment));
    case SimSegment::Kind::Fin: connection.from(sender).has_fin = true; return wake(receiver);
    case SimSegment::Kind::Reset:
      const bool is_refusal = segment.error == base::ErrorCode::ConnectFailed;
      return fail_end(connection, other(sender), segment.error,
                      is_refusal ? "Connection refused" : "Connection reset by peer");
  }
}

void SimNetwork::take_syn(SimConnection& connection) {
  SimEndpoint& server = connection.end(SimSide::Server);
  const LinkOptions& options = link(connection.end(SimSide::Client).host, server.host);
  if (options.black_hole > 0 && world_.random().unit() < options.black_hole) return;
  const std::vector<SimListener*> listeners = listeners_at(server.address);
  if (listeners.empty() || (options.refuse > 0 && world_.random().unit() < options.refuse)) {
    return push(connection, SimSide::Server, {SimSegment::Kind::Reset, {}, {}, base::ErrorCode::ConnectFailed});
  }
  SimListener& listener = *listeners[world_.random().below(listeners.size())];
  if (listener.backlog.size() >= listener.backlog_max) {
    world_.after(kSynRetry, [this, number = connection.number] {
      if (SimConnection* c = find(number)) push(*c, SimSide::Client, {SimSegment::Kind::Syn, {}, {}});
    });
    return;
  }
  server.host = listener.host;
  server.is_open = server.is_connected = true;
  listener.backlog.push_back(connection.number);
  push(connection, SimSide::Server, {SimSegment::Kind::SynAck, {}, {}});
  if (listener.acceptors.empty()) return;
  listener.acceptors[world_.random().below(listener.acceptors.size())]->on_connection();
}

void SimNetwork::take_data(SimConnection& connection, SimSide sender, SimSegment segment) {
  SimEndpoint& receiver = connection.end(other(sender));
  if (!receiver.is_open) return push(connection, other(sender), {SimSegment::Kind::Reset, {}, {}});
  SimPipe& pipe = connection.from(sender);
  const LinkOptions& options = link(connection.end(sender).host, receiver.host);
  bool breaks = pipe.arrived_total + segment.bytes.size() >= pipe.reset_at;
  if (breaks) {
    segment.bytes.resize(pipe.reset_at - std::min(pipe.reset_at, pipe.arrived_total));
  } else if (options.reset > 0 && world_.random().unit() < options.reset) {
    breaks = true;
    segment.bytes.resize(world_.random().below(segment.bytes.size() + 1));
  }
  pipe.arrived += segment.bytes;
  pipe.arrived_total += segment.bytes.size();
  if (breaks) return break_connection(connection);
  wake(receiver);
}

void SimNetwork::break_connection(SimConnection& connection) {
  for (const SimSide side : {SimSide::Client, SimSide::Server}) {
    SimPipe& pipe = connection.from(side);
    pipe.on_the_way.clear();
    pipe.bytes_on_the_way = 0;
    fail_end(connection, side, base::ErrorCode::ConnectionReset, "Connection reset by peer");
  }
}

void SimNetwork::fail_end(SimConnection& connection, SimSide side, base::ErrorCode code, std::string_view message) {
  SimEndpoint& end = connection.end(side);
  if (!end.is_open || end.has_error) return;
  end.has_error = true;
  end.error = base::Error(code, std::string(message));
  if (!end.is_connected) {
    end.error.message =
        "cannot connect to " + connection.end(other(side)).address.to_string() + ": " + end.error.message;
    end.error.is_retryable = true;
  }
  wake(end);
}

void SimNetwork::wake(SimEndpoint& end) {
  if (end.stream != nullptr) end.stream->on_network();
}

// ---- established streams ----

size_t SimNetwork::room(SimConnection& connection, SimSide side) const {
  const SimPipe& pipe = connection.from(side);
  const size_t window = link(connection.end(side).host, connection.end(other(side)).host).window_bytes;
  const size_t used = pipe.bytes_on_the_way + pipe.unread();
  return used < window ? window - used : 0;
}

void SimNetwork::send(SimConnection& connection, SimSide side, std::string_view bytes) {
  const LinkOptions& options = link(connection.end(side).host, connection.end(other(side)).host);
  while (!bytes.empty()) {
    size_t size = std::min(bytes.size(), kSegmentBytesMax);
    if (options.tear > 0 && world_.random().unit() < options.tear) {
      size = 1 + world_.random().below(std::min<uint64_t>(size, uint64_t{1} << world_.random().below(13)));
    }
    push(connection, side, {SimSegment::Kind::Data, {}, std::string(bytes.substr(0, size))});
    bytes.remove_prefix(size);
  }
}

void SimNetwork::send_fin(SimConnection& connection, SimSide side) {
  SimPipe& pipe = connection.from(side);
  if (std::exchange(pipe.has_sent_fin, true)) return;
  push(connection, side, {SimSegment::Kind::Fin, {}, {}});
}

std::string SimNetwork::read(SimConnection& connection, SimSide side, size_t bytes) {
  const SimSide sender = other(side);
  SimPipe& pipe = connection.from(sender);
  std::string out = pipe.arrived.substr(pipe.read_offset, bytes);
  pipe.read_offset += out.size();
  if (pipe.read_offset >= pipe.arrived.size() / 2) {
    pipe.arrived.erase(0, pipe.read_offset);
    pipe.read_offset = 0;
  }
  if (pipe.wants_room && !is_cut(connection, side)) {
    pipe.wants_room = false;
    const base::Duration latency = link(connection.end(side).host, connection.end(sender).host).latency;
    world_.after(latency, [this, number = connection.number, sender] {
      if (SimConnection* c = find(number)) wake(c->end(sender));
    });
  }
  return out;
}

void SimNetwork::close(SimConnection& connection, SimSide side, bool reset) {
  SimEndpoint& end = connection.end(side);
  if (!end.is_open) return;
  end.is_open = false;
  end.stream = nullptr;
  if (std::exchange(end.has_descriptor, false)) {
    Host& host = host_of(end.host);
    --host.descriptors;
    if (side == SimSide::Client) --host.ports_by_destination[connection.end(SimSide::Server).address.to_string()];
  }
  const bool has_unread = connection.from(other(side)).unread() > 0;
  if (reset || has_unread || !end.is_connected) {
    if (!end.has_error) push(connection, side, {SimSegment::Kind::Reset, {}, {}});
  } else if (!end.has_error) {
    send_fin(connection, side);
  }
  remove_when_closed(connection);
}

void SimNetwork::remove_when_closed(SimConnection& connection) {
  if (connection.ends[0].is_open || connection.ends[1].is_open) return;
  const uint64_t number = connection.number;
  connections_.erase(number);
}

// ---- listeners ----

std::vector<SimListener*> SimNetwork::listeners_at(const Address& at) {
  std::vector<SimListener*> exact, wildcard;
  for (const auto& [id, listener] : listeners_) {
    if (listener->address == at) exact.push_back(listener.get());
    const bool is_same_kind = listener->address.family() == at.family() && listener->address.port() == at.port();
    if (is_same_kind && is_wildcard(listener->address)) wildcard.push_back(listener.get());
  }
  return exact.empty() ? wildcard : exact;
}

std::string SimNetwork::host_listening_at(const Address& at) {
  const std::vector<SimListener*> listeners = listeners_at(at);
  return listeners.empty() ? std::string() : listeners.front()->host;
}

base::Result<SimListener*> SimNetwork::listen(const std::string& host, const Address& at,
                                              const ListenOptions& options) {
  for (const auto& [id, listener] : listeners_) {
    if (listener->address != at || at.port() == 0) continue;
    if (options.reuse_port && !options.is_first && listener->reuse_port && listener->host == host) continue;
    return base::Error(base::ErrorCode::Io, "cannot listen on " + at.to_string() + ": Address already in use");
  }
  auto listener = std::make_unique<SimListener>();
  listener->id = ++last_listener_;
  listener->address = at.is_ip() && at.port() == 0 ? at.with_port(next_listen_port_++) : at;
  listener->host = host;
  listener->reuse_port = options.reuse_port;
  listener->backlog_max = static_cast<size_t>(std::max(options.backlog, 1));
  SimListener* raw = listener.get();
  listeners_[raw->id] = std::move(listener);
  return raw;
}

SimListener* SimNetwork::find_listener(uint64_t id) {
  const auto found = listeners_.find(id);
  return found != listeners_.end() ? found->second.get() : nullptr;
}

void SimNetwork::close_listener(uint64_t id) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  const std::unique_ptr<SimListener> listener = std::move(found->second);
  listeners_.erase(found);
  for (const uint64_t number : listener->backlog) {
    if (SimConnection* c = find(number)) close(*c, SimSide::Server, true);
  }
}

uint64_t SimNetwork::accept(SimListener& listener) {
  if (listener.backlog.empty()) return 0;
  const uint64_t number = listener.backlog.front();
  listener.backlog.pop_front();
  SimEndpoint& server = find(number)->end(SimSide::Server);
  server.has_descriptor = true;
  ++host_of(server.host).descriptors;
  return number;
}

// A connection that this acceptor was woken for goes to another one.
void SimNetwork::remove_acceptor(uint64_t id, SimAcceptor& acceptor) {
  SimListener* listener = find_listener(id);
  if (listener == nullptr) return;
  std::erase(listener->acceptors, &acceptor);
  if (!listener->backlog.empty() && !listener->acceptors.empty()) listener->acceptors.front()->on_connection();
}

// ---- datagrams ----

base::Result<Address> SimNetwork::bind_datagram(const std::string& host, const Address& at, SimDatagram& socket) {
  const Address bound = at.port() == 0 ? at.with_port(next_listen_port_++) : at;
  if (datagrams_.contains(bound.to_string())) {
    return base::Error(base::ErrorCode::Io, "cannot bind " + bound.to_string() + ": Address already in use");
  }
  datagrams_[bound.to_string()] = {&socket, host};
  return bound;
}

void SimNetwork::send_datagram(const std::string& host, const Address& from, std::string bytes, const Address& to) {
  const auto target = datagrams_.find(to.to_string());
  const std::string to_host = target != datagrams_.end() ? target->second.second : std::string();
  const LinkOptions& options = link(host, to_host);
  if (cuts_.contains({host, to_host})) return;
  if (options.datagram_loss > 0 && world_.random().unit() < options.datagram_loss) return;
  const base::Duration delay = options.latency + world_.random_delay(options.jitter);
  world_.after(delay, [this, from, bytes = std::move(bytes), to]() mutable {
    const auto found = datagrams_.find(to.to_string());
    if (found != datagrams_.end()) found->second.first->arrive(std::move(bytes), from);
  });
}

}  // namespace weft::net
