// Purpose: the simulated network: hosts, links, listeners, connections and what happens to bytes on their way.
// Thread:  one.   Owner: SimWorld.
//
// TCP is modelled as two ordered pipes of segments a connection, SYN, FIN and RST being segments too: so a cut link
// holds all of them alike, and healing delivers them, as retransmission does.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/simulation.h"

namespace weft::net {

class SimWorld;
class SimStream;
class SimAcceptor;
class SimDatagram;

enum class SimSide : uint8_t { Client = 0, Server = 1 };
constexpr SimSide other(SimSide side) { return side == SimSide::Client ? SimSide::Server : SimSide::Client; }

struct SimSegment {
  enum class Kind : uint8_t { Syn, SynAck, Data, Fin, Reset };
  Kind kind;
  base::MonoTime at;  ///< arrival
  std::string bytes;
  base::ErrorCode error = base::ErrorCode::ConnectionReset;  ///< of a Reset
};

/// One direction of a connection.
struct SimPipe {
  std::deque<SimSegment> on_the_way;
  size_t bytes_on_the_way = 0;
  std::string arrived;     ///< what was read is dropped from its front now and then
  size_t read_offset = 0;  ///< into `arrived`
  uint64_t arrived_total = 0;
  uint64_t reset_at = UINT64_MAX;
  base::MonoTime last_arrival{};
  base::MonoTime busy_until{};
  bool has_sent_fin = false;
  bool has_fin = false;     ///< arrived
  bool is_blocked = false;  ///< a segment waits for a cut link
  bool wants_room = false;  ///< the sender waits until something was read

  size_t unread() const { return arrived.size() - read_offset; }
};

struct SimEndpoint {
  SimStream* stream = nullptr;  ///< nullptr while in a backlog or between loops, and after close
  std::string host;
  Address address;
  bool is_open = false;
  bool has_descriptor = false;
  bool is_connected = false;
  base::Error error;
  bool has_error = false;
};

struct SimConnection {
  uint64_t number;
  SimEndpoint ends[2];
  SimPipe pipes[2];  ///< by sender

  SimEndpoint& end(SimSide side) { return ends[static_cast<int>(side)]; }
  SimPipe& from(SimSide side) { return pipes[static_cast<int>(side)]; }
};

struct SimListener {
  uint64_t id;
  Address address;
  std::string host;
  bool reuse_port;
  size_t backlog_max;
  std::deque<uint64_t> backlog;
  std::vector<SimAcceptor*> acceptors;
};

class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world) : world_(world) {}

  // ---- control ----
  void set_default_link(const LinkOptions& options) { default_link_ = options; }
  void set_link(std::string_view from, std::string_view to, const LinkOptions& options);
  void cut(std::string_view from, std::string_view to);
  void heal(std::string_view from, std::string_view to);
  void heal_all();
  void reset_next_connection(const Address& to, SimSide sender, uint64_t byte);
  void reset_connections(std::string_view a, std::string_view b);
  void limit_ports(std::string_view host, size_t count) { host_of(host).ports_max = count; }
  void limit_descriptors(std::string_view host, size_t count) { host_of(host).descriptors_max = count; }
  size_t open_connections() const { return connections_.size(); }
  size_t open_descriptors(std::string_view host) const;
  size_t used_ports(std::string_view host) const;

  // ---- streams ----
  /// Starts a handshake; the outcome reaches `stream` later. Returns the connection's number.
  uint64_t connect(SimStream& stream, const std::string& host, const Address& to, const Address& bind_to);
  /// nullptr when it is gone.
  SimConnection* find(uint64_t connection);
  const LinkOptions& link(const std::string& from, const std::string& to) const;
  /// Bytes that the pipe from `side` takes now.
  size_t room(SimConnection& connection, SimSide side) const;
  void send(SimConnection& connection, SimSide side, std::string_view bytes);
  void send_fin(SimConnection& connection, SimSide side);
  /// Takes up to `bytes` that arrived for `side`.
  std::string read(SimConnection& connection, SimSide side, size_t bytes);
  void close(SimConnection& connection, SimSide side, bool reset);

  // ---- listeners ----
  base::Result<SimListener*> listen(const std::string& host, const Address& at, const ListenOptions& options);
  void close_listener(uint64_t id);
  SimListener* find_listener(uint64_t id);
  /// Takes the oldest connection of the backlog; 0 when there is none.
  uint64_t accept(SimListener& listener);
  void remove_acceptor(uint64_t listener, SimAcceptor& acceptor);
  bool has_descriptor(const std::string& host) { return host_of(host).has_descriptor(); }

  // ---- datagrams ----
  base::Result<Address> bind_datagram(const std::string& host, const Address& at, SimDatagram& socket);
  void unbind_datagram(const Address& at) { datagrams_.erase(at.to_string()); }
  void send_datagram(const std::string& host, const Address& from, std::string bytes, const Address& to);

 private:
  struct Host {
    size_t index = 0;
    uint16_t next_port = 32768;
    size_t ports_max = 28232;  ///< Linux's ip_local_port_range
    size_t descriptors_max = SIZE_MAX;
    size_t descriptors = 0;
    std::map<std::string, size_t> ports_by_destination;
    bool has_descriptor() const { return descriptors < descriptors_max; }
  };
  struct ResetRule {
    Address to;
    SimSide sender;
    uint64_t byte;
  };
  using HostPair = std::pair<std::string, std::string>;

  Host& host_of(std::string_view name);
  Address source_address(Host& host, const Address& to, const Address& bind_to);
  void fail_later(uint64_t connection, std::string_view message);
  void take_reset_rule(SimConnection& connection);
  bool is_cut(const SimConnection& connection, SimSide sender) const;
  void push(SimConnection& connection, SimSide sender, SimSegment segment);
  void schedule_arrival(uint64_t connection, SimSide sender, base::MonoTime when);
  void arrive(uint64_t connection, SimSide sender);
  void take_segment(SimConnection& connection, SimSide sender, SimSegment segment);
  void take_syn(SimConnection& connection);
  void take_data(SimConnection& connection, SimSide sender, SimSegment segment);
  void break_connection(SimConnection& connection);
  void fail_end(SimConnection& connection, SimSide side, base::ErrorCode code, std::string_view message);
  void give_up_when_blocked(uint64_t connection, SimSide sender);
  void wake(SimEndpoint& end);
  void refresh(SimConnection& connection);
  void remove_when_closed(SimConnection& connection);
  std::vector<SimListener*> listeners_at(const Address& at);
  std::string host_listening_at(const Address& at);

  SimWorld& world_;
  LinkOptions default_link_;
  std::map<HostPair, LinkOptions> links_;
  std::set<HostPair> cuts_;
  std::map<std::string, Host, std::less<>> hosts_;
  std::map<uint64_t, std::unique_ptr<SimConnection>> connections_;
  std::map<uint64_t, std::unique_ptr<SimListener>> listeners_;
  std::map<std::string, std::pair<SimDatagram*, std::string>> datagrams_;  ///< by address: socket and its host
  std::vector<ResetRule> reset_rules_;
  uint64_t last_connection_ = 0;
  uint64_t last_listener_ = 0;
  uint16_t next_listen_port_ = 20000;
};

}  // namespace weft::net
