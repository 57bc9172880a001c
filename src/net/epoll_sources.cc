#include "net/epoll_sources.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weft::net {
namespace {

bool is_unspecified(const Address& address) {
  const std::string_view bytes = address.ip_bytes();
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

bool is_out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

EpollAcceptor::EpollAcceptor(EpollLoop& loop, const ListenSocket& socket, AcceptHandler& handler)
    : EpollSource(Kind::Acceptor),
      loop_(loop),
      fd_(socket.fd()),
      local_(socket.local_address()),
      knows_local_(!local_.is_ip() || !is_unspecified(local_)),
      handler_(&handler),
      retry_(Timer::Callback::bind<&EpollAcceptor::start>(*this)) {}

// EPOLLEXCLUSIVE: of the loops that share the socket one wakes for a connection, not all.
void EpollAcceptor::start() {
  const int error = loop_.add(fd_, EPOLLIN | EPOLLEXCLUSIVE, handle());
  if (error != 0) loop_.arm(retry_, kRetryDelay);
}

void EpollAcceptor::on_events(uint32_t) {
  const int accepts_max = std::min(kAcceptsPerTurnMax, handler_->accepts_per_event_max());
  int count = 0;
  while (count < accepts_max && !is_closed_ && !retry_.is_armed() && accept_one()) ++count;
  if (!is_closed_) handler_->on_accept_event(count);
}

// False when the backlog is empty or accepting has to wait.
bool EpollAcceptor::accept_one() {
  sockaddr_storage storage;
  socklen_t length = sizeof storage;
  const int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EAGAIN) return false;
    if (is_out_of_resources(errno)) {
      wait_for_descriptors(errno);
      return false;
    }
    // ECONNABORTED and the like: that connection is gone, the next may be well. The rest is about the listen socket.
    return errno != EBADF && errno != EINVAL && errno != ENOTSOCK;
  }
  Address peer = Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
  handler_->on_accept(AcceptedSocket(fd, std::move(peer), knows_local_ ? local_ : local_address_of(fd)));
  return true;
}

void EpollAcceptor::wait_for_descriptors(int error) {
  loop_.remove(fd_);
  loop_.arm(retry_, kRetryDelay);
  handler_->on_accept_error(io_error("cannot accept on " + local_.to_string(), error));
}

void EpollAcceptor::drain() {
  while (!is_closed_ && accept_one()) {}
}

void EpollAcceptor::close(bool) {
  is_closed_ = true;
  if (!retry_.is_armed()) loop_.remove(fd_);
  retry_.cancel();
}

EpollDatagram::EpollDatagram(EpollLoop& loop, FileDescriptor fd, DatagramHandler& handler)
    : EpollSource(Kind::Datagram),
      loop_(loop),
      fd_(std::move(fd)),
      handler_(&handler),
      failure_report_(Deferred::Callback::bind<&EpollDatagram::report_failure>(*this)) {}

// A full socket buffer drops the datagram, as the network may.
void EpollDatagram::send(base::Slice data, const Address& to) {
  sockaddr_storage storage;
  const socklen_t length = to.to_sockaddr(&storage);
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (sendto(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL, address, length) >= 0) return;
  if (errno == EAGAIN || errno == EINTR) return;
  failure_ = errno;
  loop_.defer(failure_report_);
}

void EpollDatagram::report_failure() { handler_->on_error(io_error("cannot send a datagram", failure_)); }

void EpollDatagram::on_events(uint32_t) {
  for (int i = 0; i < kDatagramsPerTurnMax && !is_closed_; ++i) {
    base::Block* block = loop_.blocks().allocate(64 * 1024);
    sockaddr_storage storage;
    socklen_t length = sizeof storage;
    const ssize_t n =
        recvfrom(fd_.get(), block->data(), block->capacity, 0, reinterpret_cast<sockaddr*>(&storage), &length);
    base::Slice data = base::Slice::adopt(block, 0, n > 0 ? static_cast<size_t>(n) : 0);
    if (n >= 0) {
      handler_->on_datagram(std::move(data), Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      return handler_->on_error(io_error("cannot receive a datagram", errno));
    }
  }
}

void EpollDatagram::close(bool) {
  is_closed_ = true;
  failure_report_.cancel();
  fd_.reset();
}

uint32_t EpollWatch::interest(bool readable, bool writable) {
  return (readable ? uint32_t{EPOLLIN} : 0) | (writable ? uint32_t{EPOLLOUT} : 0);
}

// An error or hang-up is told as both, so that whichever the library waits for finds it.
void EpollWatch::on_events(uint32_t events) {
  const bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  handler_->on_ready(fd_, is_broken || (events & EPOLLIN) != 0, is_broken || (events & EPOLLOUT) != 0);
}

void EpollWatch::close(bool) { loop_.remove(fd_); }

void EpollSignal::on_events(uint32_t) {
  signalfd_siginfo info;
  while (!is_closed_ && ::read(fd_.get(), &info, sizeof info) == sizeof info) {
    handler_->on_signal(static_cast<int>(info.ssi_signo));
  }
}

void EpollSignal::close(bool) {
  is_closed_ = true;
  fd_.reset();
}

}  // namespace weft::net
