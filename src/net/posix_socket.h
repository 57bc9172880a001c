// Purpose: the socket calls of the real backends, with errors as `base::Error` and descriptors that close themselves.
// Thread:  any.
#pragma once

#include <string_view>
#include <utility>

#include "base/result.h"
#include "net/address.h"
#include "net/loop.h"

namespace weft::net {

/// A descriptor that is closed with its owner.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

/// "what: errno's text". Codes: connect failures ConnectFailed, resets ConnectionReset, time-outs Timeout, else Io.
base::Error connect_error(const Address& to, int error);
base::Error stream_error(int error);
base::Error io_error(std::string_view what, int error);

/// Non-blocking and close-on-exec. Not open, with errno set, on failure.
FileDescriptor open_socket(Address::Family family, int type);
void set_no_delay(int fd);
void set_keep_alive(int fd, const KeepAlive& values);
/// Bytes that a receive would return now.
int readable_bytes(int fd);
/// The pending asynchronous error of the socket; 0 when there is none. Clears it.
int take_socket_error(int fd);
Address local_address_of(int fd);

/// The machine's own IPv4 address: of the first interface that is up and no loopback; 127.0.0.1 where there is none.
Address machine_address();

/// Binds and listens; see `Loop::listen` and `ListenOptions`.
base::Result<std::unique_ptr<ListenSocket>> listen_posix(const Address& at, const ListenOptions& options);
/// Sends one zero byte with `fd` attached. Returns errno, 0 when it was sent.
int send_descriptor_posix(int socket, int fd);

}  // namespace weft::net
