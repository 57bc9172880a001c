// Purpose: the process's DNS resolver: c-ares, its sockets watched and its time-outs timed by a loop.
// Thread:  the loop's (c-ares is not thread-safe).
// Owner:   the process; one for each set of options, on the main loop. Real loops only.
#pragma once

#include <memory>

#include "net/loop.h"
#include "net/resolver.h"

namespace weft::net {

/// Errors: Unavailable when c-ares cannot start.
base::Result<std::unique_ptr<Resolver>> make_cares_resolver(Loop& loop, const ResolverOptions& options);

}  // namespace weft::net
