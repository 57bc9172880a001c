// Purpose: Envoy's string, header and query-parameter matchers as plain data with one `matches` each.
// Thread:  any (immutable after the snapshot is built).   Owner: route tables.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace weft::proxy {

/// A compiled RE2 expression with full-match semantics (Envoy's safe_regex).
class Regex {
 public:
  /// Errors: InvalidArgument with RE2's reason; patterns above 1 KiB and programs above max_program_size are refused.
  static base::Result<std::shared_ptr<const Regex>> compile(std::string_view pattern);
  virtual ~Regex() = default;
  /// An invalid UTF-8 byte of `text` counts as U+FFFD, so that it cannot hide a text from a deny rule (CVE-2026-73552).
  virtual bool full_match(std::string_view text) const = 0;
  /// Replaces every match by `substitution` (RE2 rewrite syntax: \1). Source: Envoy's RegexMatchAndSubstitute.
  virtual std::string replace_all(std::string_view text, std::string_view substitution) const = 0;
  virtual const std::string& pattern() const = 0;
  /// Errors: InvalidArgument when `substitution` names a group that the pattern does not have.
  base::Status check_substitution(std::string_view substitution) const;
};

/// type.matcher.v3.StringMatcher.
struct StringMatcher {
  enum class Kind : uint8_t { Exact, Prefix, Suffix, Contains, Regex };
  Kind kind = Kind::Exact;
  bool ignore_case = false;  ///< no effect on Regex, as in Envoy
  std::string value;         ///< lower case when ignore_case
  std::shared_ptr<const class Regex> regex;

  bool matches(std::string_view text) const;
};

/// route.v3.HeaderMatcher. Each line of a repeated header is tested apart (Envoy 1.40).
struct HeaderMatcher {
  enum class Kind : uint8_t { Present, String, Range };
  std::string name;  ///< lower case; pseudo-headers too
  Kind kind = Kind::Present;
  bool present = true;  ///< Present: the value of present_match
  bool invert = false;
  bool treat_missing_as_empty = false;
  StringMatcher string;
  int64_t range_start = 0, range_end = 0;  ///< [start, end)

  bool matches(const http::HeaderMap& headers) const;
  /// The same for a header of one line, or of none.
  bool matches_line(std::optional<std::string_view> value) const;
};

/// route.v3.QueryParameterMatcher.
struct QueryMatcher {
  std::string name;
  bool is_presence = false;
  bool present = true;
  StringMatcher string;

  /// `query`: without '?'. The first parameter of that name counts; values are compared as sent (not decoded), as in
  /// Envoy.
  bool matches(std::string_view query) const;
};

}  // namespace weft::proxy
