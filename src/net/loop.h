// Purpose: the one place where non-determinism enters: time, randomness, I/O, blocking work. Everything
//          above is written against this interface and runs unchanged on epoll, (later) io_uring and simulation.
// Thread:  the loop's own, for everything but `post` and `stop`.
// Owner:   a worker, the main thread or the admin thread owns one; it outlives all that it was lent.
//
// Rules that hold on every backend:
//  - It is completion based. A completion never runs inside the call that submitted it.
//  - After `close(handle)` nothing is delivered for that handle; memory goes when the backend has let go.
//  - `write` owns the chain until `on_write_done`.
//  - An idle handle that reads holds no buffer: the loop supplies the slice when data is there.
//  - A turn does bounded work per handle (base::kReadBytesPerTurnMax).
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/delegate.h"
#include "base/intrusive_list.h"
#include "base/random.h"
#include "base/result.h"
#include "base/slice.h"
#include "base/task.h"
#include "base/time.h"
#include "net/address.h"
#include "net/timer_wheel.h"

namespace weft::net {

/// Names one socket, listener, watch or signal of one loop. Generation-checked: a stale handle names nothing.
struct Handle {
  uint32_t index = UINT32_MAX;
  uint32_t generation = 0;
  bool is_valid() const { return index != UINT32_MAX; }
  bool operator==(const Handle&) const = default;
};

/// What a stream socket reports. The receiver may close the handle and destroy itself through
/// `Loop::destroy_later` from any of these, not inside them.
class SocketHandler {
 public:
  virtual void on_connected() {}               ///< a `connect` succeeded
  virtual void on_data(base::Slice data) = 0;  ///< repeats until paused
  virtual void on_end() = 0;                   ///< the peer will send no more; writing still works
  virtual void on_write_done(
      size_t bytes) = 0;  ///< these bytes left for the kernel; everything written so far when pending is 0
  virtual void on_error(const base::Error& error) = 0;  ///< the socket is dead (also: connect failed); close it

 protected:
  ~SocketHandler() = default;
};

/// A socket that came from accept, in transit to the loop that will own it (it may cross threads by `post`).
class AcceptedSocket {
 public:
  AcceptedSocket() = default;
  AcceptedSocket(int64_t id, Address peer, Address local) : id_(id), peer_(std::move(peer)), local_(std::move(local)) {}
  AcceptedSocket(AcceptedSocket&& o) noexcept
      : id_(std::exchange(o.id_, -1)), peer_(std::move(o.peer_)), local_(std::move(o.local_)) {}
  AcceptedSocket& operator=(AcceptedSocket&& o) noexcept {
    id_ = std::exchange(o.id_, -1);
    peer_ = std::move(o.peer_);
    local_ = std::move(o.local_);
    return *this;
  }

  const Address& peer() const { return peer_; }
  const Address& local() const { return local_; }
  /// A file descriptor in real backends, a connection number in simulation; -1 once taken.
  int64_t id() const { return id_; }
  int64_t take() { return std::exchange(id_, -1); }

 private:
  int64_t id_ = -1;
  Address peer_, local_;
};

class AcceptHandler {
 public:
  virtual void on_accept(AcceptedSocket socket) = 0;
  /// Accepting failed and pauses until descriptors are free again (EMFILE) — the loop retries by itself.
  virtual void on_accept_error(const base::Error& error) = 0;
  /// How many connections one readiness of the socket may bring; the loop has a limit of its own besides.
  virtual int accepts_per_event_max() const { return INT_MAX; }
  /// One readiness was worked off and brought `count` connections.
  virtual void on_accept_event(int /*count*/) {}

 protected:
  ~AcceptHandler() = default;
};

class DatagramHandler {
 public:
  virtual void on_datagram(base::Slice data, const Address& from) = 0;
  virtual void on_error(const base::Error& error) = 0;

 protected:
  ~DatagramHandler() = default;
};

/// What became readable or writable on a watched descriptor (for libraries with their own I/O, such as c-ares).
class WatchHandler {
 public:
  virtual void on_ready(int fd, bool readable, bool writable) = 0;

 protected:
  ~WatchHandler() = default;
};

class SignalHandler {
 public:
  virtual void on_signal(int signal) = 0;

 protected:
  ~SignalHandler() = default;
};

/// Destroyed at the end of a turn, when nothing on the stack can refer to it any more.
class Destroyable {
 public:
  virtual ~Destroyable() = default;
};

/// A call that runs at the end of the turn, once; cancels itself when destroyed. For work that must not happen
/// inside the call that asks for it (terminal callbacks, flushing).
class Deferred : public base::ListNode<> {
 public:
  using Callback = base::Delegate<void()>;
  Deferred() = default;
  explicit Deferred(Callback callback) : callback_(callback) {}
  void set_callback(Callback callback) { callback_ = callback; }
  bool is_pending() const { return is_linked(); }
  void cancel() { unlink(); }

 private:
  friend class Loop;
  Callback callback_;
};

/// A listening socket: owned by the process, lent to loops. In real backends a descriptor.
class ListenSocket {
 public:
  virtual ~ListenSocket() = default;
  virtual const Address& local_address() const = 0;  ///< with the port the system chose, when 0 was asked
  virtual int fd() const { return -1; }              ///< for fd passing; -1 in simulation
};

struct ListenOptions {
  bool reuse_port = false;  ///< one socket a worker on one address
  /// With reuse_port: the first socket of this process on the address. It first binds a throw-away socket without
  /// SO_REUSEPORT, so that a forgotten process is an error and not a silent sharer; workers after it set this false.
  bool is_first = true;
  bool ipv4_compat = false;  ///< an IPv6 socket takes IPv4 too (real backends)
  int backlog = 4096;
  uint32_t unix_mode = 0;  ///< permission bits of a unix socket; 0 leaves the umask's
};

/// TCP keep-alive probes: begun after `idle`, one each `interval`, the connection fails after `probes` unanswered ones.
/// 0 leaves a value to the system. Whole seconds.
struct KeepAlive {
  uint32_t probes = 0, idle_s = 0, interval_s = 0;
};

struct ConnectOptions {
  Address bind_to;                      ///< local address of IP connections; Family::None leaves it to the system
  std::optional<KeepAlive> keep_alive;  ///< of IP connections
};

/// One event loop. See the head of this file for the rules.
class Loop {
 public:
  explicit Loop(uint64_t seed) : random_(seed) {}
  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // ---- time and chance ----
  base::MonoTime now() const { return now_; }   ///< the start of this turn (cached; refreshed by the backend)
  virtual base::WallTime wall_now() const = 0;  ///< civil time; ms accuracy is enough
  base::Random& random() { return random_; }
  base::BlockPool& blocks() { return blocks_; }
  void arm(Timer& timer, base::Duration delay) { wheel_.arm(timer, now_, delay); }

  // ---- stream sockets ----
  /// Starts a connection; `on_connected` or `on_error` follows in a later turn (bad addresses and exhausted
  /// ports and descriptors too). Source of time limit: the caller's timer and `close`.
  virtual Handle connect(const Address& to, const ConnectOptions& options, SocketHandler& handler) = 0;
  /// Makes an accepted socket this loop's. Reading starts paused.
  virtual Handle adopt(AcceptedSocket socket, SocketHandler& handler) = 0;
  /// Changes who is told from now on (a listener's inspector hands the socket to a connection).
  virtual void set_handler(Handle handle, SocketHandler& handler) = 0;
  virtual void start_reading(Handle handle) = 0;
  virtual void pause_reading(Handle handle) = 0;
  /// Queues bytes behind those already queued; `on_write_done` reports progress (may be once for several writes).
  virtual void write(Handle handle, base::Chain chain) = 0;
  /// Sends FIN after what is queued.
  virtual void shutdown_write(Handle handle) = 0;
  /// Ends the handle now; queued bytes are dropped. `reset` sends RST instead of FIN. Stale handles are ignored.
  virtual void close(Handle handle, bool reset = false) = 0;
  /// Bytes queued and not yet given to the kernel.
  virtual size_t pending_bytes(Handle handle) const = 0;
  virtual Address local_address(Handle handle) const = 0;

  // ---- listening ----
  virtual base::Result<std::unique_ptr<ListenSocket>> listen(const Address& at, const ListenOptions& options) = 0;
  /// Accepts from `socket` until the handle is closed. Several loops may accept from one socket, which outlives the
  /// handles.
  virtual Handle start_accepting(ListenSocket& socket, AcceptHandler& handler) = 0;
  /// Accepts at once what the backlog still holds (for a drain), then closes the handle. The one call that
  /// reports from inside (`on_accept`), so that the caller may drop the listen socket right after it.
  virtual void finish_accepting(Handle handle) = 0;
  /// Ends an accepted socket that no loop wants.
  virtual void discard(AcceptedSocket socket) = 0;

  // ---- datagrams, watches, signals ----
  virtual base::Result<Handle> open_datagram(const Address& bind_to, DatagramHandler& handler) = 0;
  virtual void send_datagram(Handle handle, base::Slice data, const Address& to) = 0;
  /// Reports readiness of `fd`, level-triggered, until closed; call again to change the interest. Real backends only.
  virtual base::Result<Handle> watch(int fd, bool readable, bool writable, WatchHandler& handler) = 0;
  virtual void rewatch(Handle handle, bool readable, bool writable) = 0;
  virtual base::Result<Handle> watch_signal(int signal, SignalHandler& handler) = 0;

  // ---- descriptor passing over a unix stream socket ----
  /// Sends one zero byte that carries `fd` (SCM_RIGHTS); the caller keeps its own copy. Errors: Unavailable while
  /// queued bytes have not left (try again after `on_write_done`); Io; InvalidArgument for a stale handle.
  virtual base::Status send_descriptor(Handle handle, int fd) = 0;

  // ---- work ----
  /// Runs `task` on this loop in a later turn. Thread: any. The only cross-thread call besides `stop`.
  virtual void post(base::Task task) = 0;
  /// Runs `work` where blocking is allowed, then `done` on this loop. In simulation both run in a seeded later turn.
  virtual void offload(base::Task work, base::Task done) = 0;
  /// Runs `call` at the end of this turn (or of the next, when made at the end of this one). Pending calls stay one.
  void defer(Deferred& call) {
    if (!call.is_pending()) deferred_.push_back(call);
  }
  /// Destroys `object` at the end of this turn, after the deferred calls.
  void destroy_later(std::unique_ptr<Destroyable> object);

  /// Turns until `stop`. Thread: the one that owns the loop from now on.
  virtual void run() = 0;
  /// Makes `run` return after the current turn. Thread: any.
  virtual void stop() = 0;

 protected:
  /// The end of a turn: deferred calls, then the objects handed to destroy_later.
  void finish_turn();
  /// Only the second half. A backend's destructor calls it too, while its sockets can still be closed.
  void bury();
  bool has_deferred() { return !deferred_.is_empty() || !graveyard_.empty(); }

  base::BlockPool blocks_;  // first: outlives everything below
  base::MonoTime now_{};
  base::Random random_;
  TimerWheel wheel_{base::MonoTime{}};
  base::IntrusiveList<Deferred> deferred_;

 private:
  std::vector<std::unique_ptr<Destroyable>> graveyard_;
};

}  // namespace weft::net
