// Purpose: the few text questions that matching and header work share: ASCII case, numbers as Envoy reads them, lists.
// Thread:  any (pure).
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::proxy {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

/// Without the spaces and tabs at both ends.
constexpr std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// A whole decimal number, spaces around it and a sign allowed; nullopt for anything else or out of range.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}
inline std::optional<int64_t> parse_int64(std::string_view text) { return parse_number<int64_t>(text); }
inline std::optional<uint64_t> parse_uint64(std::string_view text) { return parse_number<uint64_t>(text); }

/// Calls `visit` with each trimmed, non-empty part of a list; stops when it returns false.
template <typename Visit>
void for_each_part(std::string_view list, char separator, Visit visit) {
  while (!list.empty()) {
    const size_t end = list.find(separator);
    const std::string_view part = trim(list.substr(0, end));
    if (!part.empty() && !visit(part)) return;
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

/// The part of a path before query and fragment.
constexpr std::string_view path_only(std::string_view path_and_query) {
  return path_and_query.substr(0, path_and_query.find_first_of("?#"));
}

/// Where ":port" begins in an authority ("[::1]:80", "host:80"); npos when it has none. Source: Envoy's getPortStart.
constexpr size_t port_start(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return colon;
  const size_t bracket = authority.rfind(']');
  // Several colons without brackets are an IPv6 address without port.
  if (bracket != std::string_view::npos ? bracket + 1 != colon : authority.find(':') != colon)
    return std::string_view::npos;
  for (const char c : authority.substr(colon + 1)) {
    if (c < '0' || c > '9') return std::string_view::npos;
  }
  return colon;
}

}  // namespace weft::proxy
