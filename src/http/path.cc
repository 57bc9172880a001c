#include "http/path.h"

#include <algorithm>

namespace weft::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that the escape at text[i] stands for; -1 when there is no valid escape.
int escaped_byte(std::string_view text, size_t i) {
  if (text[i] != '%' || text.size() - i < 3) return -1;
  const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool has_escape_of(std::string_view path, std::string_view bytes) {
  for (size_t i = path.find('%'); i != path.npos; i = path.find('%', i + 1)) {
    const int byte = escaped_byte(path, i);
    if (byte >= 0 && bytes.find(static_cast<char>(byte)) != bytes.npos) return true;
  }
  return false;
}

std::string unescape_slashes(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    const int byte = escaped_byte(path, i);
    if (byte != '/' && byte != '\\') {
      out += path[i];
      continue;
    }
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

enum class Segment : uint8_t { Name, Dot, DotDot, Ambiguous };

// Escaped dots count as dots. A dot segment with parameters is a name to some servers and a step up to others.
Segment classify(std::string_view segment) {
  size_t dots = 0, i = 0;
  while (i < segment.size()) {
    if (segment[i] == '.') ++i;
    else if (escaped_byte(segment, i) == '.') i += 3;
    else break;
    if (++dots > 2) return Segment::Name;
  }
  if (dots == 0) return Segment::Name;
  if (i < segment.size()) {
    const bool has_parameters = segment[i] == ';' || escaped_byte(segment, i) == ';';
    return has_parameters ? Segment::Ambiguous : Segment::Name;
  }
  return dots == 1 ? Segment::Dot : Segment::DotDot;
}

// RFC 3986 §5.2.4 on an absolute path. False: the path must be refused.
bool remove_dot_segments(std::string_view path, std::string& out) {
  out.clear();
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/' in front of each segment
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    switch (classify(segment)) {
      case Segment::Ambiguous: return false;
      case Segment::Name:
        out += '/';
        out += segment;
        break;
      case Segment::DotDot: out.erase(std::min(out.rfind('/'), out.size())); [[fallthrough]];
      case Segment::Dot:
        if (path.empty()) out += '/';
        break;
    }
  }
  return true;
}

void merge_slashes(std::string& path) {
  const auto both_slashes = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), both_slashes), path.end());
}

// Nearly all paths have nothing of this and cost one scan.
bool may_need_work(std::string_view path) {
  return path.find_first_of("%\\") != path.npos || path.find("//") != path.npos || path.find("/.") != path.npos;
}

}  // namespace

PathParts split_path(std::string_view target) {
  PathParts parts;
  const size_t hash = target.find('#');
  parts.has_fragment = hash != target.npos;
  if (parts.has_fragment) parts.fragment = target.substr(hash + 1);
  target = target.substr(0, hash);
  const size_t question = target.find('?');
  parts.has_query = question != target.npos;
  if (parts.has_query) parts.query = target.substr(question + 1);
  parts.path = target.substr(0, question);
  return parts;
}

PathVerdict normalize_path(std::string_view target, const PathRules& rules, std::string& out) {
  const size_t path_size = std::min(target.find_first_of("?#"), target.size());
  const std::string_view path = target.substr(0, path_size);
  if (path.empty() || path.front() != '/' || !may_need_work(path)) return PathVerdict::Unchanged;
  std::string result(path);
  bool is_redirect = false;
  if (rules.escaped_slashes != EscapedSlashes::Keep && has_escape_of(path, "/\\")) {
    if (rules.escaped_slashes == EscapedSlashes::Reject) return PathVerdict::Reject;
    is_redirect = rules.escaped_slashes == EscapedSlashes::UnescapeAndRedirect;
    result = unescape_slashes(path);
  }
  if (rules.is_normalized) {
    if (has_escape_of(path, std::string_view("\0", 1))) return PathVerdict::Reject;
    std::replace(result.begin(), result.end(), '\\', '/');
    std::string normal;
    if (!remove_dot_segments(result, normal)) return PathVerdict::Reject;
    result = std::move(normal);
  }
  if (rules.merges_slashes) merge_slashes(result);
  if (result == path) return PathVerdict::Unchanged;
  out = std::move(result);
  out += target.substr(path_size);
  return is_redirect ? PathVerdict::Redirect : PathVerdict::Changed;
}

std::optional<std::string_view> find_query_parameter(std::string_view target, std::string_view name) {
  std::optional<std::string_view> found;
  for_each_query_parameter(split_path(target).query, [&](std::string_view key, std::string_view value) {
    if (key == name) found = value;
    return !found;
  });
  return found;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = escaped_byte(text, i);
    out += byte < 0 ? text[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return out;
}

}  // namespace weft::http
