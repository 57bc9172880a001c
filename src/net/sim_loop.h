// Purpose: the loop of a simulation: same rules as the real ones, turns when the world says so.
// Thread:  one.   Owner: SimWorld.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/handle_table.h"
#include "net/loop.h"
#include "net/simulation.h"

namespace weft::net {

class SimWorld;
class SimStream;
class SimSignal;

struct SimReadyTag;
struct SimFlushTag;

/// A socket, listener or signal of a simulated loop.
class SimSource : public base::ListNode<SimReadyTag>, public base::ListNode<SimFlushTag> {
 public:
  enum class Kind : uint8_t { Stream, Acceptor, Datagram, Signal };
  explicit SimSource(Kind kind) : kind_(kind) {}
  virtual ~SimSource() = default;
  /// Delivers what has come.
  virtual void process() = 0;
  /// Sends what is queued.
  virtual void flush() {}
  virtual void close(bool reset) = 0;

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class SimLoop final : public Loop {
 public:
  SimLoop(SimWorld& world, std::string name, std::string host, uint64_t seed);
  ~SimLoop() override;

  base::WallTime wall_now() const override;
  Handle connect(const Address& to, const ConnectOptions& options, SocketHandler& handler) override;
  Handle adopt(AcceptedSocket socket, SocketHandler& handler) override;
  void set_handler(Handle handle, SocketHandler& handler) override;
  void start_reading(Handle handle) override;
  void pause_reading(Handle handle) override;
  void write(Handle handle, base::Chain chain) override;
  void shutdown_write(Handle handle) override;
  void close(Handle handle, bool reset) override;
  size_t pending_bytes(Handle handle) const override;
  Address local_address(Handle handle) const override;
  base::Result<std::unique_ptr<ListenSocket>> listen(const Address& at, const ListenOptions& options) override;
  Handle start_accepting(ListenSocket& socket, AcceptHandler& handler) override;
  void finish_accepting(Handle handle) override;
  void discard(AcceptedSocket socket) override;
  base::Result<Handle> open_datagram(const Address& bind_to, DatagramHandler& handler) override;
  void send_datagram(Handle handle, base::Slice data, const Address& to) override;
  base::Result<Handle> watch(int fd, bool readable, bool writable, WatchHandler& handler) override;
  void rewatch(Handle, bool, bool) override {}
  base::Result<Handle> watch_signal(int signal, SignalHandler& handler) override;
  base::Status send_descriptor(Handle handle, int fd) override;
  void post(base::Task task) override;
  void offload(base::Task work, base::Task done) override;
  void run() override;
  void stop() override { is_stopping_ = true; }

  // ---- for the world ----
  void turn();
  void set_now(base::MonoTime now) { now_ = now; }
  base::MonoTime next_timer() const;
  void wake_if_needed();
  void set_frozen(bool frozen);
  void raise_signal(int signal);
  Holdings holdings() const { return {sources_.size(), wheel_.armed_count(), blocks_.live_blocks()}; }
  /// Destroys what waits for it, while sockets can still be closed.
  void end();

  // ---- for the sources ----
  SimWorld& world() { return world_; }
  const std::string& host() const { return host_; }
  void make_ready(SimSource& source);
  void flush_later(SimSource& source);

 private:
  /// From something being ready to the turn that sees it: other things become ready meanwhile, as in a busy process.
  static constexpr base::Duration kTurnDelayMax = std::chrono::microseconds(30);
  static constexpr base::Duration kOffloadDelayMax = base::milliseconds(5);

  template <typename T>
  T* find(Handle handle, SimSource::Kind kind) const;
  SimStream* stream(Handle handle) const;
  void schedule_turn();
  void run_posts();
  void run_ready();
  void run_flush();
  bool has_work() { return has_deferred() || !posts_.empty() || !ready_.is_empty() || !flush_.is_empty(); }

  SimWorld& world_;
  std::string name_, host_;
  HandleTable<SimSource> sources_;
  base::IntrusiveList<SimSource, SimReadyTag> ready_;
  base::IntrusiveList<SimSource, SimFlushTag> flush_;
  std::vector<std::unique_ptr<SimSource>> closed_;
  std::vector<base::Task> posts_;
  base::MonoTime offload_done_{};  ///< jobs run one after the other
  bool is_turn_scheduled_ = false;
  bool is_frozen_ = false;
  bool is_stopping_ = false;
};

}  // namespace weft::net
