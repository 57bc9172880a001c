// Any target: what normalisation returns is its own normal form and has nothing left in it that could step upwards.
#include <string>

#include "base/assert.h"
#include "http/authority.h"
#include "http/path.h"

namespace {

using namespace weft;

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const std::string decoded = http::percent_decode(segment);
    if (decoded == "." || decoded == ".." || decoded.starts_with("..;") || decoded.starts_with(".;")) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  http::PathRules rules;
  rules.is_normalized = (data[0] & 1) != 0;
  rules.merges_slashes = (data[0] & 2) != 0;
  rules.escaped_slashes = static_cast<http::EscapedSlashes>(data[0] >> 2 & 3);
  const std::string_view target(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)http::parse_authority(target);
  (void)http::find_query_parameter(target, "a");
  std::string out(target);
  const http::PathVerdict verdict = http::normalize_path(target, rules, out);
  if (verdict == http::PathVerdict::Reject) return 0;
  const http::PathParts parts = http::split_path(out);
  if (!parts.path.starts_with('/')) return 0;
  if (rules.is_normalized) WEFT_ASSERT(!has_dot_segment(parts.path));
  if (rules.merges_slashes) WEFT_ASSERT(parts.path.find("//") == parts.path.npos);
  // The query and fragment are the client's own business.
  const http::PathParts before = http::split_path(target);
  WEFT_ASSERT(parts.query == before.query && parts.fragment == before.fragment);
  std::string again = "unset";
  WEFT_ASSERT(http::normalize_path(out, rules, again) == http::PathVerdict::Unchanged);
  return 0;
}
