#include "proxy/matchers.h"

#include "http/path.h"
#include "proxy/ascii.h"

namespace weft::proxy {

bool StringMatcher::matches(std::string_view text) const {
  std::string lowered;
  if (ignore_case && kind != Kind::Regex) {
    lowered = to_lower(text);
    text = lowered;
  }
  switch (kind) {
    case Kind::Exact: return text == value;
    case Kind::Prefix: return text.starts_with(value);
    case Kind::Suffix: return text.ends_with(value);
    case Kind::Contains: return text.find(value) != std::string_view::npos;
    case Kind::Regex: return regex != nullptr && regex->full_match(text);
  }
  return false;
}

namespace {

bool is_line_match(const HeaderMatcher& matcher, std::string_view value) {
  switch (matcher.kind) {
    case HeaderMatcher::Kind::Present: return matcher.present;
    case HeaderMatcher::Kind::String: return matcher.string.matches(value);
    case HeaderMatcher::Kind::Range: {
      const std::optional<int64_t> number = parse_int64(value);
      return number && *number >= matcher.range_start && *number < matcher.range_end;
    }
  }
  return false;
}

}  // namespace

bool HeaderMatcher::matches(const http::HeaderMap& headers) const {
  bool is_there = false;
  bool is_match = false;
  http::HeaderId id = http::header_id(name);
  // `host` is what HTTP/1.1 calls :authority; requests have the one form only.
  if (id == http::HeaderId::Host && !headers.has(id)) id = http::HeaderId::Authority;
  if (id == http::HeaderId::Unknown || headers.has(id)) {
    const size_t count = headers.size();
    for (size_t i = 0; i < count && !is_match; ++i) {
      const http::Header line = headers.at(i);
      if (id == http::HeaderId::Unknown ? line.id != id || line.name != name : line.id != id) continue;
      is_there = true;
      is_match = is_line_match(*this, line.value);
    }
  }
  if (!is_there) {
    // A missing header matches no value matcher, inverted or not, unless it counts as empty.
    if (!treat_missing_as_empty) return kind == Kind::Present && present == invert;
    is_match = is_line_match(*this, {});
  }
  return is_match != invert;
}

bool HeaderMatcher::matches_line(std::optional<std::string_view> value) const {
  if (!value && !treat_missing_as_empty) return kind == Kind::Present && present == invert;
  return is_line_match(*this, value.value_or(std::string_view())) != invert;
}

bool QueryMatcher::matches(std::string_view query) const {
  std::optional<std::string_view> value;
  http::for_each_query_parameter(query, [&](std::string_view key, std::string_view text) {
    if (key == name) value = text;
    return !value;
  });
  if (is_presence) return value.has_value() == present;
  return value && string.matches(*value);
}

}  // namespace weft::proxy
