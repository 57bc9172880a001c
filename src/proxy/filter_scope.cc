#include "proxy/filter_scope.h"

#include <array>

namespace weft::proxy {

namespace {

/// Calls `visit` with each level's entry for `name` until it returns true.
template <typename Visit>
void for_each_entry(const FilterScope& scope, std::string_view name, Visit visit) {
  const std::array<const FilterConfigTable*, 4> levels = {
      scope.weighted != nullptr ? &scope.weighted->filter_config : nullptr,
      scope.route != nullptr ? &scope.route->filter_config : nullptr,
      scope.virtual_host != nullptr ? &scope.virtual_host->filter_config : nullptr, &scope.config->filter_config};
  for (const FilterConfigTable* level : levels) {
    if (level == nullptr || level->empty()) continue;
    const auto entry = level->find(name);
    if (entry != level->end() && visit(entry->second)) return;
  }
}

}  // namespace

bool is_filter_enabled(const FilterScope& scope, std::string_view name, bool is_disabled) {
  for_each_entry(scope, name, [&](const RouteFilterConfig& entry) {
    is_disabled = entry.is_disabled;
    return true;
  });
  return !is_disabled;
}

const void* find_filter_config(const FilterScope& scope, std::string_view name) {
  const void* found = nullptr;
  for_each_entry(scope, name, [&](const RouteFilterConfig& entry) {
    found = entry.config.get();
    return found != nullptr;
  });
  return found;
}

}  // namespace weft::proxy
