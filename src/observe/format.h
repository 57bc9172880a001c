// Purpose: Envoy's substitution format strings (`%REQ(x?y):z%`), parsed once and evaluated per request; for access
//          logs (text and JSON), header values and reply bodies.
// Thread:  a Format is immutable; evaluation on any worker.
// Source:  docs/root/configuration/observability/access_log/usage.rst.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "observe/request_info.h"

namespace weft::observe {

class Format {
 public:
  /// Errors: InvalidArgument naming the operator, its column and the rule. Unknown operators are refused.
  static base::Result<std::shared_ptr<const Format>> parse_text(std::string_view format,
                                                                bool omit_empty_values = false);
  /// `json`: a serialised JSON object whose strings may hold operators; keys sorted (Envoy sorts unless told
  /// otherwise). The result ends in '\n'.
  static base::Result<std::shared_ptr<const Format>> parse_json(std::string_view json, bool omit_empty_values = false,
                                                                bool sort_properties = true);
  /// Envoy's default access log line.
  static std::shared_ptr<const Format> default_log_line();
  /// No operators; `text` is the value.
  static std::shared_ptr<const Format> literal(std::string_view text);

  virtual ~Format() = default;
  /// Appends a log line to `out`. Absent values are "-" (empty with omit_empty_values); in JSON null (left out with
  /// it). Control characters of values are escaped: no value can begin a second line.
  virtual void append(std::string& out, const RequestInfo& info) const = 0;
  /// Appends a reply body: values as they are; JSON with the line's end, as in Envoy.
  virtual void append_body(std::string& out, const RequestInfo& info) const = 0;
  /// For header values: absent values are "" (Envoy 1.40). Line breaks cannot enter.
  virtual void append_header_value(std::string& out, const RequestInfo& info) const = 0;
  virtual bool is_literal() const = 0;
  virtual std::string_view literal_text() const = 0;
};

/// "UF,URX", or "-" for none. Source: Envoy's ResponseFlagUtils::toShortString.
std::string response_flags_text(uint64_t flags);
/// "UpstreamConnectionFailure,…" for %RESPONSE_FLAGS_LONG%.
std::string response_flags_long_text(uint64_t flags);
/// The bit of a short name ("UF"); 0 for an unknown one.
uint64_t response_flag_of(std::string_view name);

}  // namespace weft::observe
