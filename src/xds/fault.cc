#include "xds/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_set>

namespace weft::xds {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Letters of another case count as the same: enums are written in capitals, fields are not.
size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  for (size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t substituted = diagonal + (lower(left[i - 1]) == lower(right[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

/// Calls with "a", "a.b", "a.b[0]" and "a.b[0].c" for "a.b[0].c", and with "" first.
template <typename Call>
void for_each_ancestor(std::string_view path, Call call) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (i == 0 || path[i] == '.' || path[i] == '[') call(path.substr(0, i));
  }
  call(path);
}

}  // namespace

std::string Fault::to_string() const {
  std::string line;
  if (!file.empty()) line += file + ":";
  if (mark.line > 0) line += fmt::format("{}:{}:", mark.line, mark.column);
  if (!line.empty()) line += " ";
  if (!path.empty()) line += path + ": ";
  return line + message;
}

void Faults::simplify() {
  std::unordered_set<std::string_view> not_implemented;
  std::unordered_set<std::string_view> at_or_above_refusals;
  for (const Fault& fault : list_) {
    if (fault.is_absence || fault.path.empty()) continue;
    if (fault.message == kNotImplemented) not_implemented.insert(fault.path);
    for_each_ancestor(fault.path, [&](std::string_view path) { at_or_above_refusals.insert(path); });
  }
  const auto is_explained = [&](const Fault& fault) {
    if (fault.is_absence && at_or_above_refusals.contains(fault.path)) return true;
    bool is_below = false;
    for_each_ancestor(fault.path, [&](std::string_view path) {
      const bool is_itself = path.size() == fault.path.size() && fault.message == kNotImplemented;
      if (!is_itself && not_implemented.contains(path)) is_below = true;
    });
    return is_below;
  };
  std::vector<Fault> kept;
  std::unordered_set<std::string> seen;
  for (const Fault& fault : list_) {
    if (!is_explained(fault) && seen.insert(fault.path + ": " + fault.message).second) kept.push_back(fault);
  }
  list_ = std::move(kept);
}

void Faults::sort() {
  std::stable_sort(list_.begin(), list_.end(), [](const Fault& left, const Fault& right) {
    return std::tie(left.file, left.mark.line, left.mark.column) <
           std::tie(right.file, right.mark.line, right.mark.column);
  });
}

std::string Faults::to_string() const {
  std::string text;
  for (const Fault& fault : list_) text += fault.to_string() + "\n";
  return text;
}

std::string Place::to_string() const {
  const std::string above = parent ? parent->to_string() : std::string();
  if (index >= 0) return fmt::format("{}[{}]", above, index);
  if (is_key) return fmt::format("{}[\"{}\"]", above, name);
  if (name.empty()) return above;
  return above.empty() ? std::string(name) : fmt::format("{}.{}", above, name);
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kShown = 60;
  std::string result = "\"";
  for (unsigned char byte : text.substr(0, kShown)) {
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += static_cast<char>(byte);
    }
  }
  return result + (text.size() > kShown ? "…\"" : "\"");
}

std::string suggestion(std::string_view text, const std::vector<std::string_view>& candidates) {
  constexpr size_t kLongest = 80;
  if (text.size() > kLongest) return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, text.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    const size_t distance = edit_distance(text, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", best);
}

}  // namespace weft::xds
