// Purpose: request and response header changes as routes configure them.
// Thread:  any (immutable); evaluation on the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "observe/format.h"

namespace weft::proxy {

/// core.v3.HeaderValueOption.
struct HeaderAdd {
  enum class Action : uint8_t { AppendIfExistsOrAdd, AddIfAbsent, OverwriteIfExistsOrAdd, OverwriteIfExists };
  std::string name;  ///< lower case
  std::shared_ptr<const observe::Format> value;
  Action action = Action::AppendIfExistsOrAdd;
  bool keep_empty_value = false;
};

/// The additions and removals of one level (route, weighted cluster, virtual host, route configuration) and direction.
struct HeaderMutations {
  std::vector<HeaderAdd> adds;
  std::vector<std::string> removes;  ///< lower case; pseudo-headers and host are refused at translation

  bool is_empty() const { return adds.empty() && removes.empty(); }
  /// Removes first, then adds, as Envoy does. `info` feeds the command operators.
  void apply(http::HeaderMap& headers, const observe::RequestInfo& info) const;
};

}  // namespace weft::proxy
