// Purpose: how contracts are written down: keys and file names that every format takes, JSON and YAML text.
// Thread:  any (values).
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "storm/graph.h"

namespace weft::storm {

/// Members stand in the order they were added: the same board gives the same bytes.
using Json = nlohmann::ordered_json;

/// Indented, with a newline at its end. Bytes that are not UTF-8 become U+FFFD: what is printed is always JSON.
std::string printed_json(const Json& json);
/// The same as YAML in block style, readable by YAML 1.1 and 1.2 alike: every string that could be taken for something
/// else stands in double quotes.
std::string printed_yaml(const Json& json);

/// The names of references, or of other elements that have one.
template <typename References>
Json names(const References& references) {
  Json out = Json::array();
  for (const auto& reference : references) out.push_back(reference.name);
  return out;
}
/// Those at `indices`.
template <typename Elements>
Json names(const Elements& elements, const Indices& indices) {
  Json out = Json::array();
  for (const Index index : indices) out.push_back(elements[index].name);
  return out;
}

/// Adds a member whose key is new. Cost: O(1), where `object[key]` looks through all that are there.
void append(Json& object, std::string key, Json value);

/// Keys for the names of one document: letters, digits, '_' and '-' only (the regular expression of AsyncAPI's
/// components and a file name of any system). What does not fit is written as its code point: "Geprüft" gives
/// "Gepr_fc_ft".
class SafeKeys {
 public:
  /// A key that was not given before, not even in other case: the second "Order" is "Order_2".
  std::string add(std::string_view name);

 private:
  std::set<std::string> used_;
};

/// As `SafeKeys`, for a single name.
std::string safe_key(std::string_view name);
/// "talks[]" as a URI's part: what RFC 3986 does not call unreserved is percent-encoded, but for the characters of
/// `keep`.
std::string percent_encoded(std::string_view text, std::string_view keep = {});
/// Text as Markdown and MDX show it: every mark that would mean something there has a backslash, and a line's end is a
/// space.
std::string markdown_escaped(std::string_view text);
/// "CallForPapersOpened" as "Call for papers opened"; a name without ASCII letters stays as it is.
std::string words_of(std::string_view name);

}  // namespace weft::storm
