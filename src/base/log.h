// Purpose: Weft's own log (not the access log): levels, one line each, to stderr or a file. spdlog is seen
//          only by log.cc, so that this header stays cheap.
// Thread:  any; a call that is filtered out by its level costs one relaxed load.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace weft::base {

enum class LogLevel : int { Trace, Debug, Info, Warning, Error, Critical, Off };

/// Lines below `level` are not written. Thread: any.
void set_log_level(LogLevel level);
LogLevel log_level();
/// Parses Envoy's names: trace, debug, info, warning|warn, error, critical, off. False: unknown.
bool parse_log_level(std::string_view name, LogLevel& level);
std::string_view to_string(LogLevel level);
/// Appends to `path` instead of stderr from now on; false with errno set when it cannot be opened.
bool open_log_file(const std::string& path);
/// Closes and opens the log file again (after rotation). Does nothing when logging to stderr.
void reopen_log_file();

bool is_logged(LogLevel level);
void write_log(LogLevel level, std::string_view line);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_logged(level)) write_log(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace weft::base
