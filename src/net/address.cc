#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xxhash.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"

namespace weft::net {
namespace {

base::Error not_a_literal(std::string_view ip) {
  return {base::ErrorCode::InvalidArgument, "malformed IP address: " + std::string(ip)};
}

// A zone is an interface name or its number.
bool parse_zone(std::string_view zone, uint32_t& scope) {
  const std::string text(zone);
  if (text.empty()) return false;
  scope = if_nametoindex(text.c_str());
  if (scope != 0) return true;
  char* end = nullptr;
  const unsigned long number = std::strtoul(text.c_str(), &end, 10);
  scope = static_cast<uint32_t>(number);
  return *end == '\0' && number > 0 && number <= UINT32_MAX;
}

constexpr unsigned char kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The bytes of `address` with a V4-mapped IPv6 address taken as the IPv4 address it carries.
std::string_view unmapped(const Address& address) {
  std::string_view bytes = address.ip_bytes();
  if (bytes.size() == 16 && std::memcmp(bytes.data(), kMappedPrefix, 12) == 0) bytes.remove_prefix(12);
  return bytes;
}

}  // namespace

base::Result<Address> Address::parse(std::string_view ip, uint16_t port) {
  Address a;
  a.port_ = port;
  const size_t percent = ip.find('%');
  const std::string text(ip.substr(0, percent));
  if (text.find('\0') != std::string::npos) return not_a_literal(ip);
  if (percent == std::string_view::npos && inet_pton(AF_INET, text.c_str(), a.ip_) == 1) {
    a.family_ = Family::V4;
    return a;
  }
  if (inet_pton(AF_INET6, text.c_str(), a.ip_) != 1) return not_a_literal(ip);
  a.family_ = Family::V6;
  if (percent != std::string_view::npos && !parse_zone(ip.substr(percent + 1), a.scope_)) return not_a_literal(ip);
  return a;
}

Address Address::unix_path(std::string path) {
  Address a;
  a.family_ = Family::Unix;
  a.path_ = std::move(path);
  return a;
}

Address Address::v4(uint32_t host_order, uint16_t port) {
  Address a;
  a.family_ = Family::V4;
  a.port_ = port;
  const uint32_t network_order = htonl(host_order);
  std::memcpy(a.ip_, &network_order, 4);
  return a;
}

Address Address::from_sockaddr(const sockaddr* address, uint32_t length) {
  Address a;
  if (length < sizeof(sa_family_t)) return a;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    return v4(ntohl(in.sin_addr.s_addr), ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof in);
    a.family_ = Family::V6;
    a.port_ = ntohs(in.sin6_port);
    a.scope_ = in.sin6_scope_id;
    std::memcpy(a.ip_, &in.sin6_addr, 16);
    return a;
  }
  if (address->sa_family == AF_UNIX) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(address);
    const size_t size = length - offsetof(sockaddr_un, sun_path);
    std::string path(un->sun_path, length > offsetof(sockaddr_un, sun_path) ? size : 0);
    if (!path.empty() && path[0] == '\0') {
      path[0] = '@';
    } else {
      path.resize(std::strlen(path.c_str()));
    }
    return unix_path(std::move(path));
  }
  return a;
}

uint32_t Address::to_sockaddr(void* storage) const {
  std::memset(storage, 0, sizeof(sockaddr_storage));
  switch (family_) {
    case Family::None: return 0;
    case Family::V4: {
      auto* in = static_cast<sockaddr_in*>(storage);
      in->sin_family = AF_INET;
      in->sin_port = htons(port_);
      std::memcpy(&in->sin_addr, ip_, 4);
      return sizeof(sockaddr_in);
    }
    case Family::V6: {
      auto* in = static_cast<sockaddr_in6*>(storage);
      in->sin6_family = AF_INET6;
      in->sin6_port = htons(port_);
      in->sin6_scope_id = scope_;
      std::memcpy(&in->sin6_addr, ip_, 16);
      return sizeof(sockaddr_in6);
    }
    case Family::Unix: {
      auto* un = static_cast<sockaddr_un*>(storage);
      un->sun_family = AF_UNIX;
      const size_t size = std::min(path_.size(), sizeof(un->sun_path) - 1);
      std::memcpy(un->sun_path, path_.data(), size);
      const bool is_abstract = size > 0 && path_[0] == '@';
      if (is_abstract) un->sun_path[0] = '\0';
      return static_cast<uint32_t>(offsetof(sockaddr_un, sun_path) + size + (is_abstract ? 0 : 1));
    }
  }
  return 0;
}

bool Address::is_loopback() const {
  if (!is_ip()) return false;
  const std::string_view bytes = unmapped(*this);
  if (bytes.size() == 4) return static_cast<unsigned char>(bytes[0]) == 127;
  return std::memcmp(ip_, &in6addr_loopback, 16) == 0;
}

Address Address::with_port(uint16_t port) const {
  Address a = *this;
  a.port_ = port;
  return a;
}

std::string_view Address::ip_bytes() const {
  const size_t size = family_ == Family::V4 ? 4 : family_ == Family::V6 ? 16 : 0;
  return {reinterpret_cast<const char*>(ip_), size};
}

std::string Address::ip() const {
  if (!is_ip()) return path_;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family_ == Family::V4 ? AF_INET : AF_INET6, ip_, text, sizeof text);
  std::string out = text;
  if (scope_ != 0) {
    char name[IF_NAMESIZE];
    out += '%';
    out += if_indextoname(scope_, name) != nullptr ? std::string(name) : std::to_string(scope_);
  }
  return out;
}

std::string Address::to_string() const {
  if (family_ == Family::V4) return ip() + ":" + std::to_string(port_);
  if (family_ == Family::V6) return "[" + ip() + "]:" + std::to_string(port_);
  return path_;
}

uint64_t Address::hash() const {
  if (!is_ip()) return XXH64(path_.data(), path_.size(), static_cast<uint64_t>(family_));
  const std::string_view bytes = ip_bytes();
  return XXH64(bytes.data(), bytes.size(), (static_cast<uint64_t>(scope_) << 32) | port_);
}

base::Result<AddressRange> AddressRange::parse(std::string_view ip, uint32_t prefix_bits) {
  base::Result<Address> address = Address::parse(ip, 0);
  if (!address) return address.error();
  const uint32_t bits_max = address->family() == Address::Family::V4 ? 32 : 128;
  if (prefix_bits > bits_max) {
    return base::Error(base::ErrorCode::InvalidArgument, "prefix length " + std::to_string(prefix_bits) + " of " +
                                                             std::string(ip) + ": must be 0.." +
                                                             std::to_string(bits_max));
  }
  return AddressRange{std::move(*address), static_cast<uint8_t>(prefix_bits)};
}

bool AddressRange::contains(const Address& other) const {
  std::string_view range = address.ip_bytes();
  std::string_view candidate = other.ip_bytes();
  if (range.size() == 4) candidate = unmapped(other);
  if (range.empty() || range.size() != candidate.size()) return false;
  const size_t whole = prefix_bits / 8;
  if (std::memcmp(range.data(), candidate.data(), whole) != 0) return false;
  const int rest = prefix_bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return (static_cast<unsigned char>(range[whole]) & mask) == (static_cast<unsigned char>(candidate[whole]) & mask);
}

}  // namespace weft::net
