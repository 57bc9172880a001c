// Purpose: the host and port of a request, told apart and checked, so that routing, logs and the upstream see one host.
// Thread:  any (pure functions).
// Source:  RFC 3986 §3.2.2 and RFC 9110 §7.2, narrowed: what no DNS name or address literal needs is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::http {

/// host [":" port]. The views point into the parsed text.
struct Authority {
  std::string_view host;         ///< as written; an IPv6 literal keeps its brackets
  std::optional<uint16_t> port;  ///< absent when there is no colon or nothing behind it
  bool has_colon = false;
};

/// Splits and validates an authority. nullopt: empty host, userinfo, a comma, control or non-ASCII bytes, a
/// percent-encoded host, an IPv6 literal that is not one or has a zone, a port that is not 0..65535.
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace weft::http
