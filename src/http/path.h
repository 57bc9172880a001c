// Purpose: the target of a request as routing, authorisation and the upstream all see it: one normal form, or a
// refusal. Thread:  any (pure functions). Source:  RFC 3986 §6.2.2.3; Envoy's normalize_path, merge_slashes and
// path_with_escaped_slashes_action, but safe where
//          servers disagree: dot segments with path parameters ("..;x") and %00 are refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::http {

/// path ["?" query] ["#" fragment], split at the first of each; the delimiters belong to no part.
struct PathParts {
  std::string_view path, query, fragment;
  bool has_query = false, has_fragment = false;
};
PathParts split_path(std::string_view target);

/// What to do about %2F and %5C in the path.
enum class EscapedSlashes : uint8_t { Keep, Reject, UnescapeAndRedirect, UnescapeAndForward };

struct PathRules {
  bool is_normalized = false;  ///< remove dot segments, turn '\' into '/'
  bool merges_slashes = false;
  EscapedSlashes escaped_slashes = EscapedSlashes::Keep;
};

enum class PathVerdict : uint8_t {
  Unchanged,  ///< `out` was not touched
  Changed,    ///< go on with `out`
  Redirect,   ///< answer 307 to `out`
  Reject,     ///< answer 400
};

/// Brings `target` (origin form, with its query) into the form that `rules` ask for. The query is never changed.
/// Cost: O(bytes); allocates only where something changes.
PathVerdict normalize_path(std::string_view target, const PathRules& rules, std::string& out);

/// Calls `visit(name, value)` for each parameter, as written (nothing decoded), until it returns false.
template <typename Visit>
void for_each_query_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() < query.size() ? pair.size() + 1 : pair.size());
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view value = equals == pair.npos ? std::string_view("", 0) : pair.substr(equals + 1);
    if (!visit(pair.substr(0, equals), value)) return;
  }
}

/// First value of a query parameter of `target`; "" for one without '='.
std::optional<std::string_view> find_query_parameter(std::string_view target, std::string_view name);

/// `text` with each valid %XX decoded; what is not valid stays.
std::string percent_decode(std::string_view text);

}  // namespace weft::http
