// Purpose: where access log lines end: a file, stdout or stderr; or memory, in simulation and tests.
// Thread:  the log thread's (or that of who calls AccessLogs::flush).
// Owner:   AccessLogs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::observe {

enum class LogSink : uint8_t { File, Stdout, Stderr };

class AccessLogFile {
 public:
  virtual ~AccessLogFile() = default;
  /// Appends whole lines. False: not all of them are there.
  virtual bool write(std::string_view lines) = 0;
  /// Opens the path again (after rotation). False: it could not be opened, and the old file is kept.
  virtual bool reopen() = 0;
};

class AccessLogFiles {
 public:
  virtual ~AccessLogFiles() = default;
  /// Errors: Io with the path and the system's reason.
  virtual base::Result<std::unique_ptr<AccessLogFile>> open(LogSink sink, const std::string& path) = 0;
};

/// The file system's.
std::unique_ptr<AccessLogFiles> make_posix_log_files();

}  // namespace weft::observe
