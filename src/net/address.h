// Purpose: where a socket is: IPv4 or IPv6 with a port, or the path of a unix socket.
// Thread:  any (values).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

struct sockaddr;

namespace weft::net {

/// A socket address. 20 bytes for IP; a unix path (at most 107 bytes; '@' first = abstract) is on the heap.
class Address {
 public:
  enum class Family : uint8_t { None, V4, V6, Unix };

  Address() = default;
  /// Errors: InvalidArgument when `ip` is not a literal. IPv6 zones ("fe80::1%eth0") are kept as scope ids.
  static base::Result<Address> parse(std::string_view ip, uint16_t port);
  static Address unix_path(std::string path);
  static Address v4(uint32_t host_order, uint16_t port);
  static Address from_sockaddr(const sockaddr* address, uint32_t length);
  /// Fills `storage` (a sockaddr_storage); returns its length.
  uint32_t to_sockaddr(void* storage) const;

  Family family() const { return family_; }
  bool is_ip() const { return family_ == Family::V4 || family_ == Family::V6; }
  bool is_loopback() const;
  uint16_t port() const { return port_; }
  Address with_port(uint16_t port) const;
  /// Network-order bytes of the IP: 4 or 16; empty for a unix path.
  std::string_view ip_bytes() const;
  const std::string& path() const { return path_; }

  std::string ip() const;         ///< "127.0.0.1", "::1"; the path of a unix socket
  std::string to_string() const;  ///< "127.0.0.1:80", "[::1]:80", the path

  bool operator==(const Address&) const = default;
  uint64_t hash() const;

 private:
  Family family_ = Family::None;
  uint16_t port_ = 0;
  uint32_t scope_ = 0;
  unsigned char ip_[16] = {};
  std::string path_;
};

/// An IP prefix ("10.0.0.0/8"); used for internal addresses and filter chains.
struct AddressRange {
  Address address;
  uint8_t prefix_bits = 0;

  static base::Result<AddressRange> parse(std::string_view ip, uint32_t prefix_bits);
  bool contains(const Address& other) const;  ///< V4-mapped IPv6 matches the V4 range
};

}  // namespace weft::net
