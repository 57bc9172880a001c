// Purpose: names to addresses. The seam between clusters and DNS: c-ares in the process, scripted answers in tests.
// Thread:  the loop's that the resolver was made for.   Owner: the process, one for each set of options; users borrow.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/address.h"

namespace weft::net {

/// Which records are asked for; Envoy's dns_lookup_family.
enum class DnsFamily : uint8_t {
  Auto,         ///< AAAA; A when there is none
  V4Only,       ///< A
  V6Only,       ///< AAAA
  V4Preferred,  ///< A; AAAA when there is none
  All,          ///< both, IPv4 first
};

/// What a name resolved to. Addresses have port 0, no duplicates, and are in the order of the answer.
struct DnsAnswer {
  std::vector<Address> addresses;
  base::Duration
      ttl{};  ///< the shortest of the records; zero where none is known (hosts file, literal): use the refresh rate
};

/// Whom a resolver asks, and how. Defaults are the system's: servers and search domains of /etc/resolv.conf, /etc/hosts
/// first.
struct ResolverOptions {
  std::vector<Address> servers;  ///< instead of the system's; port 0 is 53
  bool use_tcp = false;          ///< never UDP
  bool use_search_domains = true;
  base::Duration timeout{};  ///< of the first try of a server; zero leaves c-ares' 5 s
  int tries = 0;             ///< per server; zero leaves c-ares' 4

  bool operator==(const ResolverOptions&) const = default;
};

class ResolveHandler {
 public:
  /// Errors: NotFound when the name or its records do not exist (the resolver answered so), Timeout and Unavailable
  /// when no server gave an answer, InvalidArgument for what cannot be a name.
  virtual void on_resolved(base::Result<DnsAnswer> answer) = 0;

 protected:
  ~ResolveHandler() = default;
};

class Resolver {
 public:
  virtual ~Resolver() = default;

  /// Looks `name` up and tells `handler` once, in a later turn. A handler has at most one lookup at a time.
  virtual void resolve(std::string_view name, DnsFamily family, ResolveHandler& handler) = 0;
  /// Nothing more comes to `handler`. Does nothing when it waits for nothing.
  virtual void cancel(ResolveHandler& handler) = 0;
};

}  // namespace weft::net
