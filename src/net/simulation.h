// Purpose: a world of loops on one thread, one seed and one clock, with a network that can go wrong in every way a
//          real one does. What runs on it replays exactly from the seed.
// Thread:  one.   Owner: the test; everything that uses its loops goes before it.
//
//     Simulation world(seed);
//     Loop& proxy = world.add_loop("proxy");
//     Loop& client = world.add_loop("client");
//     world.set_link("client", "proxy", {.latency = base::milliseconds(5), .tear = 0.5});
//     …make listeners and connections on the loops…
//     ASSERT_TRUE(world.run_until([&] { return got_reply; }));
//
// Loops live on hosts (a proxy's workers share one). Addresses are one name space for the whole world: any loop may
// connect to any listener, 127.0.0.1 included. Time passes only in the `run_…` methods, from event to event.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "net/loop.h"

namespace weft::net {

class SimWorld;

/// What a link does to the traffic from one host to another. Probabilities are in [0, 1].
struct LinkOptions {
  base::Duration latency = std::chrono::microseconds(100);
  base::Duration jitter = std::chrono::microseconds(50);  ///< added, uniform; a stream's bytes stay in order
  double refuse = 0;                                      ///< of a connection: the peer answers with RST
  double black_hole = 0;                                  ///< of a connection: nothing ever answers
  double reset = 0;   ///< of a piece of data: the connection breaks there, for both ends
  double tear = 0.3;  ///< of a piece of data, sent or read: it is cut at random, down to one byte
  double datagram_loss = 0;
  size_t window_bytes = 64 * 1024;  ///< that a connection holds per direction, on the way and unread
  uint64_t bytes_per_second = 0;    ///< 0: unlimited
};

/// The two directions of a connection.
enum class Direction : uint8_t { ToServer, ToClient };

/// What a loop holds for those who use it; leak checks compare two moments.
struct Holdings {
  size_t handles = 0;  ///< sockets, listeners, datagram sockets and signals that are open
  size_t timers = 0;   ///< armed
  size_t blocks = 0;   ///< of its pool, handed out
  bool operator==(const Holdings&) const = default;
};

class Simulation {
 public:
  /// `start` is the civil time at which the world begins.
  explicit Simulation(uint64_t seed, base::WallTime start = std::chrono::sys_days{std::chrono::January / 1 / 2026});
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// A new loop; `host` defaults to `name`. Lives as long as the world.
  Loop& add_loop(std::string name, std::string host = "");

  // ---- time ----
  base::MonoTime now() const;
  /// Turns the world until `done` holds (looked at after every event); false when `limit` of its time has passed or
  /// nothing can happen any more.
  bool run_until(const std::function<bool()>& done, base::Duration limit = std::chrono::hours(1));
  void run_for(base::Duration duration);
  /// Turns until nothing is on its way: no packet, turn, post or offload. Armed timers stay. False: `limit` passed.
  bool run_until_idle(base::Duration limit = std::chrono::hours(1));

  // ---- the network ----
  void set_default_link(const LinkOptions& options);
  /// One direction; existing connections feel it from now on.
  void set_link(std::string_view from, std::string_view to, const LinkOptions& options);
  /// Nothing passes between the hosts until healed; TCP keeps what was sent and delivers it then.
  void partition(std::string_view a, std::string_view b);
  void cut(std::string_view from, std::string_view to);  ///< one way
  void heal(std::string_view a, std::string_view b);
  void heal_all();
  /// The next connection made to `to` breaks for both ends once `byte` bytes have arrived in `direction` (0: at the
  /// first).
  void reset_next_connection(const Address& to, Direction direction, uint64_t byte);
  /// Breaks every connection between the hosts now.
  void reset_connections(std::string_view a, std::string_view b);

  // ---- hosts ----
  /// Local ports that a host has for one destination; above: connecting fails.
  void limit_ports(std::string_view host, size_t count);
  /// Sockets that a host may have open; above: connecting fails, accepting pauses.
  void limit_descriptors(std::string_view host, size_t count);
  /// The loop takes no turn until thawed: a process that hangs.
  void freeze(Loop& loop);
  void thaw(Loop& loop);
  /// Tells the loop's `watch_signal` handlers in a later turn.
  void raise_signal(Loop& loop, int signal);

  // ---- determinism ----
  /// Of everything delivered so far: kind, time, connection and bytes. Equal seeds and equal programs give equal
  /// hashes.
  uint64_t trace_hash() const;
  /// The lines behind the hash, from the call of `record_trace` on.
  void record_trace();
  const std::vector<std::string>& trace() const;
  /// The world's own randomness; seed other generators (OpenSSL's) from it.
  base::Random& random();

  /// Connections of which at least one end is open; 0 at the end of a test means nothing leaked.
  size_t open_connections() const;
  /// Sockets that `host` has open, and local ports it uses; listen sockets count for neither.
  size_t open_descriptors(std::string_view host) const;
  size_t used_ports(std::string_view host) const;
  Holdings holdings(const Loop& loop) const;

 private:
  std::unique_ptr<SimWorld> world_;
};

}  // namespace weft::net
