#include "net/epoll_stream.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"

namespace weft::net {
namespace {

constexpr uint32_t kStreamEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr size_t kVectorsMax = 64;

#ifndef IP_BIND_ADDRESS_NO_PORT
constexpr int IP_BIND_ADDRESS_NO_PORT = 24;
#endif

}  // namespace

int EpollStream::begin_connect(const Address& to, const ConnectOptions& options) {
  fd_ = open_socket(to.family(), SOCK_STREAM);
  if (!fd_.is_open()) return errno;
  sockaddr_storage storage;
  if (to.is_ip()) {
    set_no_delay(fd_.get());
    if (options.keep_alive) set_keep_alive(fd_.get(), *options.keep_alive);
  }
  if (to.is_ip() && options.bind_to.is_ip()) {
    const int on = 1;  // The port is chosen by connect, so that one local port serves many remote ones.
    setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const socklen_t length = options.bind_to.to_sockaddr(&storage);
    if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) return errno;
  }
  const socklen_t length = to.to_sockaddr(&storage);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 && errno != EINPROGRESS) return errno;
  return loop_.add(fd_.get(), kStreamEvents, handle());
}

void EpollStream::start_connecting(const Address& to, const ConnectOptions& options) {
  connecting_to_ = std::make_unique<Address>(to);
  write_failure_ = begin_connect(to, options);
  if (write_failure_ != 0) loop_.make_ready(*this);
}

void EpollStream::start_adopted() {
  write_failure_ = loop_.add(fd_.get(), kStreamEvents, handle());
  if (write_failure_ != 0) loop_.make_ready(*this);
}

void EpollStream::start_reading() {
  if (wants_data_) return;
  wants_data_ = true;
  if ((may_have_data_ || has_error_) && !is_over()) loop_.make_ready(*this);
}

void EpollStream::write(base::Chain chain) {
  if (is_over() || wants_fin_ || write_failure_ != 0) return;
  output_.append(std::move(chain));
  if (connecting_to_ == nullptr && is_writable_) loop_.flush_later(*this);
}

void EpollStream::shutdown_write() {
  if (wants_fin_) return;
  wants_fin_ = true;
  if (connecting_to_ == nullptr && is_writable_ && !is_over()) loop_.flush_later(*this);
}

void EpollStream::on_events(uint32_t events) {
  if (is_over()) return;
  if (connecting_to_ != nullptr) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    finish_connecting();
    if (is_over()) return;
  }
  if ((events & EPOLLOUT) != 0) {
    is_writable_ = true;
    if (!output_.is_empty() || (wants_fin_ && !has_sent_fin_)) loop_.flush_later(*this);
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  may_have_data_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_hung_up_ = true;
  if ((events & EPOLLERR) != 0) has_error_ = true;
  if (!base::ListNode<ReadyTag>::is_linked()) process();  // else it has had its share of this turn
}

void EpollStream::finish_connecting() {
  const int error = take_socket_error(fd_.get());
  if (error != 0) return fail(error);
  connecting_to_.reset();
  is_writable_ = true;
  if (!output_.is_empty() || wants_fin_) loop_.flush_later(*this);
  handler_->on_connected();
}

void EpollStream::process() {
  if (is_over()) return;
  if (connecting_to_ != nullptr) {
    if (write_failure_ != 0) fail(write_failure_);
    return;
  }
  if (wants_data_ && may_have_data_ && !has_ended_) read();
  if (is_over()) return;
  const bool can_read_on = wants_data_ && may_have_data_ && !has_ended_;
  if (can_read_on) return;
  if (write_failure_ != 0) return fail(write_failure_);
  if (has_error_) look_for_error();
}

void EpollStream::read() {
  size_t budget = base::kReadBytesPerTurnMax;
  while (wants_data_ && may_have_data_) {
    if (budget == 0) return loop_.make_ready(*this);
    const size_t wanted = expects_little_ ? base::BlockPool::kSmallBytes : base::BlockPool::kLargeBytes;
    base::Block* block = loop_.blocks().allocate(wanted);
    const ssize_t n = recv(fd_.get(), block->data(), block->capacity, 0);
    base::Slice data = base::Slice::adopt(block, 0, n > 0 ? static_cast<size_t>(n) : 0);
    if (n > 0) {
      budget -= std::min(budget, data.size());
      if (data.size() < block->capacity && !is_hung_up_) may_have_data_ = false;
      expects_little_ = data.size() < base::BlockPool::kSmallBytes;
      handler_->on_data(std::move(data));
      if (is_closed_) return;
    } else if (n == 0) {
      return end_reading();
    } else if (errno == EAGAIN) {
      may_have_data_ = false;
    } else if (errno != EINTR) {
      return fail(errno);
    }
  }
}

void EpollStream::end_reading() {
  may_have_data_ = false;
  has_ended_ = true;
  handler_->on_end();
}

// While nothing reads, an error is told at once unless data lies before it; that data may be what the user is
// holding back, such as the last response of a peer that then reset.
void EpollStream::look_for_error() {
  if (!has_ended_ && readable_bytes(fd_.get()) > 0) return;
  has_error_ = false;
  const int error = take_socket_error(fd_.get());
  if (error != 0) fail(error);
}

// One system call for up to kVectorsMax slices; the plain one where there is only one. Returns what it returned.
ssize_t EpollStream::send_slices(size_t& bytes) {
  if (output_.slice_count() == 1) {
    bytes = output_.size();
    return send(fd_.get(), output_.slice(0).data(), bytes, MSG_NOSIGNAL);
  }
  iovec vectors[kVectorsMax];
  const size_t count = std::min(output_.slice_count(), kVectorsMax);
  bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const base::Slice& slice = output_.slice(i);
    vectors[i] = {const_cast<char*>(slice.data()), slice.size()};
    bytes += slice.size();
  }
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  return sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
}

// False when there is nothing more to do now.
bool EpollStream::send_once(size_t& sent) {
  size_t bytes = 0;
  const ssize_t n = send_slices(bytes);
  if (n < 0) {
    if (errno == EINTR) return true;
    if (errno == EAGAIN) {
      is_writable_ = false;
    } else {
      fail_write(errno);
    }
    return false;
  }
  output_.remove_prefix(static_cast<size_t>(n));
  sent += static_cast<size_t>(n);
  if (static_cast<size_t>(n) < bytes) is_writable_ = false;
  return is_writable_ && !output_.is_empty();
}

void EpollStream::flush() {
  if (is_over() || write_failure_ != 0) return;
  size_t sent = 0;
  while (!output_.is_empty() && send_once(sent)) {
    if (sent < base::kConnectionBufferBytes) continue;
    loop_.flush_later(*this);  // enough for one turn
    break;
  }
  if (output_.is_empty() && wants_fin_ && !has_sent_fin_ && write_failure_ == 0) {
    has_sent_fin_ = true;
    shutdown(fd_.get(), SHUT_WR);
  }
  if (sent > 0) handler_->on_write_done(sent);
}

// What the peer sent before it went away (an early response, say) is delivered before the error.
void EpollStream::fail_write(int error) {
  write_failure_ = error;
  output_.clear();
  may_have_data_ = is_hung_up_ = true;
  loop_.make_ready(*this);
}

void EpollStream::fail(int error) {
  is_dead_ = true;
  output_.clear();
  const base::Error why = connecting_to_ != nullptr ? connect_error(*connecting_to_, error) : stream_error(error);
  handler_->on_error(why);
}

void EpollStream::close(bool reset) {
  is_closed_ = true;
  base::ListNode<ReadyTag>::unlink();
  base::ListNode<FlushTag>::unlink();
  output_.clear();
  if (reset && fd_.is_open()) {
    const linger now{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  fd_.reset();
}

}  // namespace weft::net
