// Purpose: the process's DNS resolver: c-ares, its sockets watched and its time-outs timed by a loop.
// Thread:  the loop's (c-ares is not thread-safe).   Owner: the process; one of it, on the main loop. Real loops only.
#pragma once

#include <memory>
#include <vector>

#include "net/loop.h"
#include "net/resolver.h"

namespace weft::net {

/// Defaults are the system's: servers and search domains of /etc/resolv.conf, /etc/hosts first.
struct ResolverOptions {
  std::vector<Address> servers;  ///< instead of the system's; port 0 is 53
  bool use_tcp = false;          ///< never UDP
  bool use_search_domains = true;
  base::Duration timeout{};  ///< of the first try of a server; zero leaves c-ares' 5 s
  int tries = 0;             ///< per server; zero leaves c-ares' 4
};

/// Errors: Unavailable when c-ares cannot start.
base::Result<std::unique_ptr<Resolver>> make_cares_resolver(Loop& loop, const ResolverOptions& options);

}  // namespace weft::net
