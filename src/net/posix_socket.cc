#include "net/posix_socket.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::net {
namespace {

int native(Address::Family family) {
  return family == Address::Family::V6 ? AF_INET6 : family == Address::Family::Unix ? AF_UNIX : AF_INET;
}

void set_flag(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

void set_v6_only(int fd, const Address& at, bool ipv4_compat) {
  if (at.family() != Address::Family::V6) return;
  const int on = ipv4_compat ? 0 : 1;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
}

int bind_to(int fd, const Address& at) {
  sockaddr_storage storage;
  const socklen_t length = at.to_sockaddr(&storage);
  return bind(fd, reinterpret_cast<const sockaddr*>(&storage), length);
}

class PosixListenSocket final : public ListenSocket {
 public:
  PosixListenSocket(FileDescriptor fd, Address local) : fd_(std::move(fd)), local_(std::move(local)) {}
  const Address& local_address() const override { return local_; }
  int fd() const override { return fd_.get(); }

 private:
  FileDescriptor fd_;
  Address local_;
};

base::Error listen_error(const Address& at, int error) { return io_error("cannot listen on " + at.to_string(), error); }

// Who holds the address without SO_REUSEPORT, or with it, makes this bind fail. SO_REUSEADDR lets sockets in
// TIME_WAIT pass, never a listening one. Nothing listens on the throw-away socket, so no connection is lost.
base::Status probe_is_free(const Address& at, bool ipv4_compat) {
  FileDescriptor probe = open_socket(at.family(), SOCK_STREAM);
  if (!probe.is_open()) return listen_error(at, errno);
  set_flag(probe.get(), SOL_SOCKET, SO_REUSEADDR);
  set_v6_only(probe.get(), at, ipv4_compat);
  if (bind_to(probe.get(), at) != 0) return listen_error(at, errno);
  return {};
}

// The file of a process that is gone is removed; one that still answers is an error.
base::Status clear_unix_path(const Address& at) {
  if (at.path().empty() || at.path()[0] == '@') return {};
  struct stat info;
  if (lstat(at.path().c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return listen_error(at, EEXIST);
  FileDescriptor probe = open_socket(at.family(), SOCK_STREAM);
  sockaddr_storage storage;
  const socklen_t length = at.to_sockaddr(&storage);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0 || errno == EAGAIN) {
    return listen_error(at, EADDRINUSE);
  }
  unlink(at.path().c_str());
  return {};
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

base::Error io_error(std::string_view what, int error) {
  return {base::ErrorCode::Io, std::string(what) + ": " + std::strerror(error)};
}

base::Error connect_error(const Address& to, int error) {
  const base::ErrorCode code = error == ETIMEDOUT ? base::ErrorCode::Timeout : base::ErrorCode::ConnectFailed;
  return {code, "cannot connect to " + to.to_string() + ": " + std::strerror(error), base::Side::Local, true};
}

base::Error stream_error(int error) {
  base::ErrorCode code = base::ErrorCode::Io;
  if (error == ECONNRESET || error == EPIPE || error == ECONNABORTED) code = base::ErrorCode::ConnectionReset;
  if (error == ETIMEDOUT) code = base::ErrorCode::Timeout;
  return {code, std::strerror(error)};
}

FileDescriptor open_socket(Address::Family family, int type) {
  return FileDescriptor(socket(native(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void set_no_delay(int fd) { set_flag(fd, IPPROTO_TCP, TCP_NODELAY); }
void set_keep_alive(int fd, const KeepAlive& values) {
  set_flag(fd, SOL_SOCKET, SO_KEEPALIVE);
  const auto set = [fd](int option, uint32_t value) {
    const int number = static_cast<int>(value);
    if (number > 0) setsockopt(fd, IPPROTO_TCP, option, &number, sizeof number);
  };
  set(TCP_KEEPCNT, values.probes);
  set(TCP_KEEPIDLE, values.idle_s);
  set(TCP_KEEPINTVL, values.interval_s);
}

int readable_bytes(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

int take_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

Address local_address_of(int fd) {
  sockaddr_storage storage;
  socklen_t length = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
}

// SO_REUSEPORT has to be set on every socket of the address before it binds, the first one's included.
base::Result<std::unique_ptr<ListenSocket>> listen_posix(const Address& at, const ListenOptions& options) {
  const bool is_unix = at.family() == Address::Family::Unix;
  if (is_unix) {
    if (base::Status s = clear_unix_path(at); !s) return s.error();
  } else if (options.reuse_port && options.is_first && at.port() != 0) {
    if (base::Status s = probe_is_free(at, options.ipv4_compat); !s) return s.error();
  }
  FileDescriptor fd = open_socket(at.family(), SOCK_STREAM);
  if (!fd.is_open()) return listen_error(at, errno);
  if (!is_unix) {
    set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (options.reuse_port) set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    set_v6_only(fd.get(), at, options.ipv4_compat);
    set_no_delay(fd.get());  // accepted sockets inherit it
  }
  if (bind_to(fd.get(), at) != 0) return listen_error(at, errno);
  if (is_unix && options.unix_mode != 0 && at.path()[0] != '@' && chmod(at.path().c_str(), options.unix_mode) != 0) {
    return listen_error(at, errno);
  }
  if (::listen(fd.get(), options.backlog) != 0) return listen_error(at, errno);
  Address local = local_address_of(fd.get());
  return std::unique_ptr<ListenSocket>(std::make_unique<PosixListenSocket>(std::move(fd), std::move(local)));
}

int send_descriptor_posix(int socket, int fd) {
  char zero = 0;
  iovec vector{&zero, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

Address machine_address() {
  Address found = Address::v4(INADDR_LOOPBACK, 0);
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    const bool is_candidate = at->ifa_addr != nullptr && at->ifa_addr->sa_family == AF_INET &&
                              (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_candidate) continue;
    found = Address::v4(ntohl(reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr), 0);
    break;
  }
  freeifaddrs(list);
  return found;
}

}  // namespace weft::net
