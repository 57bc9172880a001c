// Purpose: one stream socket of the epoll backend: connecting, reading, writing, both ends, errors.
// Thread:  the loop's.   Owner: the loop's handle table.
#pragma once

#include <sys/types.h>

#include "net/epoll_loop.h"

namespace weft::net {

class EpollStream final : public EpollSource, public base::ListNode<ReadyTag>, public base::ListNode<FlushTag> {
 public:
  EpollStream(EpollLoop& loop, FileDescriptor fd, SocketHandler& handler)
      : EpollSource(Kind::Stream), loop_(loop), fd_(std::move(fd)), handler_(&handler) {}

  /// Begins to connect; failures are reported in a later turn. Call once it has its handle.
  void start_connecting(const Address& to, const ConnectOptions& options);
  /// Registers a socket that is connected already.
  void start_adopted();

  void set_handler(SocketHandler& handler) { handler_ = &handler; }
  void start_reading();
  void pause_reading() { wants_data_ = false; }
  void write(base::Chain chain);
  void shutdown_write();
  size_t pending_bytes() const { return output_.size(); }
  int fd() const { return fd_.get(); }

  void on_events(uint32_t events) override;
  void close(bool reset) override;
  /// Does what was left for a later turn.
  void process();
  /// Sends what is queued.
  void flush();

 private:
  bool is_over() const { return is_closed_ || is_dead_; }
  int begin_connect(const Address& to, const ConnectOptions& options);
  void finish_connecting();
  void read();
  void end_reading();
  ssize_t send_slices(size_t& bytes);
  bool send_once(size_t& sent);
  void fail_write(int error);
  void fail(int error);
  void look_for_error();

  EpollLoop& loop_;
  FileDescriptor fd_;
  SocketHandler* handler_;
  base::Chain output_;
  std::unique_ptr<Address> connecting_to_;  ///< set while connecting, for the error's message
  int write_failure_ = 0;                   ///< errno of a failed send; reported after what can still be read
  bool wants_data_ = false;
  bool may_have_data_ = false;  ///< epoll said so and no receive has come back short since
  /// The last receive was small, so the next gets a small block: what a waiting request holds of it stays small too.
  /// Costs one receive more where it was wrong.
  bool expects_little_ = true;
  bool is_hung_up_ = false;  ///< the peer's end or an error is behind the data: receive until it shows
  bool has_error_ = false;   ///< EPOLLERR, not yet explained
  bool is_writable_ = true;
  bool has_ended_ = false;  ///< on_end was delivered
  bool wants_fin_ = false;
  bool has_sent_fin_ = false;
  bool is_dead_ = false;  ///< on_error was delivered
  bool is_closed_ = false;
};

}  // namespace weft::net
