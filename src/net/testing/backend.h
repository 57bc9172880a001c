// Purpose: a loop of each backend for tests that must hold on all of them.
// Thread:  the test's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"

namespace weft::net::testing {

enum class Backend { Epoll, Simulation };

/// A loop and what it needs to live.
class BackendLoop {
 public:
  virtual ~BackendLoop() = default;
  virtual Loop& loop() = 0;
  /// Another loop of the same world. Goes before this one.
  virtual std::unique_ptr<BackendLoop> make_sibling() = 0;
};

std::vector<Backend> all_backends();
std::string name_of(Backend backend);
std::unique_ptr<BackendLoop> make_backend(Backend backend);

}  // namespace weft::net::testing
