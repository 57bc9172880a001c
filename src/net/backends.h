// Purpose: where real loops come from; the only header of `net/` that knows which backends exist.
// Thread:  the loop belongs to the thread that calls `run`.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "net/loop.h"

namespace weft::net {

/// A seed from the system's own randomness, for `make_epoll_loop`.
uint64_t system_seed();

/// A loop on epoll. `seed` feeds `Loop::random` (take it from the system).
/// Errors: Io when the process is out of descriptors.
base::Result<std::unique_ptr<Loop>> make_epoll_loop(uint64_t seed);

}  // namespace weft::net
