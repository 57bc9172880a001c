// Purpose: what typed_per_filter_config says about one filter, over the levels that apply to one exchange.
// Thread:  any (pure functions over immutable configuration).
// Source:  Envoy's RouteEntryImplBase::filterDisabled and mostSpecificPerFilterConfig.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/route_config.h"

namespace weft::proxy {

/// Most specific first; all but `config` may be null.
struct FilterScope {
  const WeightedCluster* weighted = nullptr;
  const Route* route = nullptr;
  const VirtualHost* virtual_host = nullptr;
  const RouteConfig* config = nullptr;
};

/// Whether the filter `name` takes part: as the most specific level with an entry for it says, else `!is_disabled`, the
/// filter chain's own word.
bool is_filter_enabled(const FilterScope& scope, std::string_view name, bool is_disabled);
/// The configuration of the most specific level that has one; null: none has.
const void* find_filter_config(const FilterScope& scope, std::string_view name);

}  // namespace weft::proxy
