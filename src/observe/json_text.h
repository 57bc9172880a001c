// Purpose: writes JSON text without building a tree: for log lines and large listings.
// Thread:  any (functions).
#pragma once

#include <string>
#include <string_view>

namespace weft::observe {

/// Appends `text` as a quoted JSON string. Control characters are escaped; bytes that are not UTF-8 become U+FFFD, so
/// that what a peer sends cannot break a reader.
void append_json_string(std::string& out, std::string_view text);

/// Appends `value` as JSON's shortest number; NaN and infinities become null.
void append_json_number(std::string& out, double value);

/// Appends `text` with control characters (line breaks, escapes, DEL) as \n, \r, \t or \xNN, and backslashes as they
/// are: a header value or SNI cannot begin a second log line.
void append_without_controls(std::string& out, std::string_view text);

}  // namespace weft::observe
