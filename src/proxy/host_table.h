// Purpose: the virtual host of an authority by Envoy's order: exact, longest suffix wildcard, longest prefix wildcard,
// "*". Thread:  any (immutable once built).   Owner: the route table. Source:
// envoy/config/route/v3/route_components.proto, VirtualHost.domains.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace weft::proxy {

/// Domains to small numbers. Case-insensitive. Cost of a look-up: one hash for each distinct wildcard length.
class HostTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Errors: InvalidArgument when the domain is empty or taken, in any case of letters.
  base::Status add(std::string_view domain, uint32_t index);
  /// `host` without port where ports are ignored. kNone: no domain matches. An empty host matches only a lone "*".
  uint32_t find(std::string_view host) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Map = std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>>;
  using ByLength = std::map<size_t, Map, std::greater<>>;

  Map exact_;
  ByLength suffixes_, prefixes_;  ///< by length of what is fixed, longest first
  uint32_t any_ = kNone;
};

}  // namespace weft::proxy
