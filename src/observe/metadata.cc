#include "observe/metadata.h"

#include <nlohmann/json.hpp>

namespace weft::observe {
namespace {

using Json = nlohmann::json;

/// `add(path, value)` for `value` and, where it is an object, for all in it.
template <typename Add>
void walk(const std::string& path, const Json& value, const Add& add) {
  add(path, value);
  if (!value.is_object()) return;
  for (const auto& [key, inner] : value.items()) {
    if (key.find(':') == std::string::npos) walk(path + ":" + key, inner, add);
  }
}

}  // namespace

Metadata::Metadata(std::string_view filter_metadata) {
  const Json json = Json::parse(filter_metadata, nullptr, false);
  if (!json.is_object()) return;
  for (const auto& [name, keys] : json.items()) {
    walk(name, keys, [this](const std::string& path, const Json& value) {
      if (value.is_null()) return;
      if (value.is_string()) values_[path] = {value.get<std::string>(), true};
      else values_[path] = {value.dump(-1, ' ', false, Json::error_handler_t::replace), false};
    });
  }
}

const Metadata::Value* Metadata::find(std::string_view path) const {
  const auto found = values_.find(path);
  return found != values_.end() ? &found->second : nullptr;
}

}  // namespace weft::observe
