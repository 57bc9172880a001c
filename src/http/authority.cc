#include "http/authority.h"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace weft::http {
namespace {

constexpr std::array<bool, 256> make_host_characters() {
  std::array<bool, 256> allowed{};
  for (int c = 'a'; c <= 'z'; ++c) allowed[c] = allowed[c - 'a' + 'A'] = true;
  for (int c = '0'; c <= '9'; ++c) allowed[c] = true;
  for (char c : {'-', '.', '_', '~'}) allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}

constexpr std::array<bool, 256> kHostCharacter = make_host_characters();

bool is_ipv6(std::string_view inside_brackets) {
  char text[INET6_ADDRSTRLEN];
  if (inside_brackets.empty() || inside_brackets.size() >= sizeof(text)) return false;
  if (std::memchr(inside_brackets.data(), 0, inside_brackets.size()) != nullptr) return false;
  std::memcpy(text, inside_brackets.data(), inside_brackets.size());
  text[inside_brackets.size()] = 0;
  in6_addr address;
  return inet_pton(AF_INET6, text, &address) == 1;
}

// Length of the host at the front of `text`; 0 when there is none.
size_t host_size(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    return close != text.npos && is_ipv6(text.substr(1, close - 1)) ? close + 1 : 0;
  }
  size_t n = 0;
  while (n < text.size() && kHostCharacter[static_cast<unsigned char>(text[n])]) ++n;
  return n;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  const size_t n = host_size(text);
  if (n == 0) return std::nullopt;
  authority.host = text.substr(0, n);
  if (n == text.size()) return authority;
  if (text[n] != ':') return std::nullopt;
  authority.has_colon = true;
  const std::string_view digits = text.substr(n + 1);
  if (digits.size() > 5) return std::nullopt;
  uint32_t port = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > UINT16_MAX) return std::nullopt;
  if (!digits.empty()) authority.port = static_cast<uint16_t>(port);
  return authority;
}

}  // namespace weft::http
