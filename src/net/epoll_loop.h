// Purpose: the epoll backend: what is ready is done at once and optimistically, writes of a turn leave together.
// Thread:  the loop's own.   Owner: see loop.h.
//
// A turn: what epoll reported and what was left over → posts → timers → deferred calls and destructions → one sendmsg a
// socket → wait. Stream sockets are registered once, edge-triggered for everything, so that a request costs no
// epoll_ctl; a receive that is shorter than its buffer counts as drained, so that it costs no second receive.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "net/handle_table.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/posix_socket.h"

struct epoll_event;

namespace weft::net {

class EpollStream;

/// One registered descriptor of an epoll loop.
class EpollSource {
 public:
  enum class Kind : uint8_t { Stream, Acceptor, Datagram, Watch, Signal };

  explicit EpollSource(Kind kind) : kind_(kind) {}
  virtual ~EpollSource() = default;
  virtual void on_events(uint32_t events) = 0;
  /// Lets go of the descriptor; nothing is delivered afterwards. The object dies at the end of the turn.
  virtual void close(bool reset) = 0;

  Kind kind() const { return kind_; }
  Handle handle() const { return handle_; }
  void set_handle(Handle handle) { handle_ = handle; }

 private:
  Kind kind_;
  Handle handle_;
};

/// Lists that a stream may be on: with work left for the next turn, with bytes to send at the end of this one.
struct ReadyTag;
struct FlushTag;

class EpollLoop final : public Loop {
 public:
  EpollLoop(uint64_t seed, FileDescriptor epoll);
  ~EpollLoop() override;

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
  void rewatch(Handle handle, bool readable, bool writable) override;
  base::Result<Handle> watch_signal(int signal, SignalHandler& handler) override;
  base::Status send_descriptor(Handle handle, int fd) override;
  void post(base::Task task) override { mailbox_.post(std::move(task)); }
  void offload(base::Task work, base::Task done) override;
  void run() override;
  void stop() override;

  // ---- for the sources ----
  /// epoll_ctl ADD; returns errno, 0 when it went well.
  int add(int fd, uint32_t events, Handle handle);
  void change(int fd, uint32_t events, Handle handle);
  void remove(int fd);
  void make_ready(EpollStream& stream);
  void flush_later(EpollStream& stream);

 private:
  /// Events taken from one wait; what remains is reported by the next.
  static constexpr int kEventsMax = 256;
  static constexpr int kDeferredRoundsMax = 3;

  template <typename T>
  T* find(Handle handle, EpollSource::Kind kind) const;
  EpollStream* stream(Handle handle) const;
  Handle insert(std::unique_ptr<EpollSource> source);
  void turn();
  int wait(epoll_event* events);
  void run_posts();
  void run_ready();
  void flush();
  bool has_work();
  void refresh_clock();

  FileDescriptor epoll_;
  Mailbox mailbox_;
  BlockingThread blocking_;
  std::atomic<bool> is_stopping_{false};
  HandleTable<EpollSource> sources_;
  base::IntrusiveList<EpollStream, ReadyTag> ready_;
  base::IntrusiveList<EpollStream, FlushTag> flush_;
  std::vector<std::unique_ptr<EpollSource>> closed_;
  base::WallTime wall_at_{};  ///< civil time at `wall_from_`; read again every second
  base::MonoTime wall_from_{};
};

}  // namespace weft::net
