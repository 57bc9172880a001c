// Purpose: what an epoll loop waits for besides streams: listeners, datagrams, watched descriptors, signals.
// Thread:  the loop's.   Owner: the loop's handle table.
#pragma once

#include "net/epoll_loop.h"

namespace weft::net {

/// Accepts from a listen socket (borrowed), level-triggered; waits when descriptors run out.
class EpollAcceptor final : public EpollSource {
 public:
  EpollAcceptor(EpollLoop& loop, const ListenSocket& socket, AcceptHandler& handler);
  void start();
  void on_events(uint32_t events) override;
  void close(bool reset) override;
  /// Accepts until the backlog is empty.
  void drain();

 private:
  /// Connections accepted in one turn, so that an accept storm does not starve those that are open.
  static constexpr int kAcceptsPerTurnMax = 64;
  static constexpr base::Duration kRetryDelay = base::milliseconds(100);

  bool accept_one();
  void wait_for_descriptors(int error);

  EpollLoop& loop_;
  int fd_;
  Address local_;
  bool knows_local_;  ///< bound to one address; else each connection is asked for its own
  AcceptHandler* handler_;
  Timer retry_;
  bool is_closed_ = false;
};

class EpollDatagram final : public EpollSource {
 public:
  EpollDatagram(EpollLoop& loop, FileDescriptor fd, DatagramHandler& handler);
  int fd() const { return fd_.get(); }
  void send(base::Slice data, const Address& to);
  void on_events(uint32_t events) override;
  void close(bool reset) override;

 private:
  static constexpr int kDatagramsPerTurnMax = 32;
  void report_failure();

  EpollLoop& loop_;
  FileDescriptor fd_;
  DatagramHandler* handler_;
  Deferred failure_report_;
  int failure_ = 0;
  bool is_closed_ = false;
};

/// The descriptor is the caller's.
class EpollWatch final : public EpollSource {
 public:
  EpollWatch(EpollLoop& loop, int fd, WatchHandler& handler)
      : EpollSource(Kind::Watch), loop_(loop), fd_(fd), handler_(&handler) {}
  static uint32_t interest(bool readable, bool writable);
  int fd() const { return fd_; }
  void on_events(uint32_t events) override;
  void close(bool reset) override;

 private:
  EpollLoop& loop_;
  int fd_;
  WatchHandler* handler_;
};

class EpollSignal final : public EpollSource {
 public:
  EpollSignal(FileDescriptor fd, SignalHandler& handler)
      : EpollSource(Kind::Signal), fd_(std::move(fd)), handler_(&handler) {}
  int fd() const { return fd_.get(); }
  void on_events(uint32_t events) override;
  void close(bool reset) override;

 private:
  FileDescriptor fd_;
  SignalHandler* handler_;
  bool is_closed_ = false;
};

}  // namespace weft::net
