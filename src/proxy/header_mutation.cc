#include "proxy/header_mutation.h"

#include <utility>

namespace weft::proxy {

namespace {

/// Pseudo-headers and host steer the message itself; a configuration changes them by rewrites only.
bool is_protected(std::string_view name) { return name.starts_with(':') || name == "host"; }

bool is_wanted(const HeaderAdd& add, const http::HeaderMap& headers) {
  if (is_protected(add.name)) return false;
  switch (add.action) {
    case HeaderAdd::Action::AppendIfExistsOrAdd:
    case HeaderAdd::Action::OverwriteIfExistsOrAdd: return true;
    case HeaderAdd::Action::AddIfAbsent: return !headers.find(add.name);
    case HeaderAdd::Action::OverwriteIfExists: return headers.find(add.name).has_value();
  }
  return false;
}

bool is_overwrite(HeaderAdd::Action action) {
  return action == HeaderAdd::Action::OverwriteIfExists || action == HeaderAdd::Action::OverwriteIfExistsOrAdd;
}

}  // namespace

void HeaderMutations::apply(http::HeaderMap& headers, const observe::RequestInfo& info) const {
  for (const std::string& name : removes) {
    if (!is_protected(name)) headers.remove(std::string_view(name));
  }
  if (adds.empty()) return;

  // All values are made before any is set, so that each sees the headers as they were received.
  std::vector<std::pair<const HeaderAdd*, std::string>> values;
  values.reserve(adds.size());
  for (const HeaderAdd& add : adds) {
    std::string value;
    if (add.value != nullptr) add.value->append_header_value(value, info);
    if ((!value.empty() || add.keep_empty_value) && is_wanted(add, headers))
      values.emplace_back(&add, std::move(value));
  }
  for (const auto& [add, value] : values) {
    if (is_overwrite(add->action)) headers.set(std::string_view(add->name), value);
  }
  for (const auto& [add, value] : values) {
    if (!is_overwrite(add->action)) headers.add(std::string_view(add->name), value);
  }
}

}  // namespace weft::proxy
