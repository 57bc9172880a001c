// Purpose: access log files in memory, for simulation and tests; they can be told to fail.
// Thread:  one, or with AccessLogs' thread stopped between accesses.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "observe/access_log_file.h"

namespace weft::observe {

class MemoryLogFiles final : public AccessLogFiles {
 public:
  base::Result<std::unique_ptr<AccessLogFile>> open(LogSink sink, const std::string& path) override;
  /// What was written to `path` ("stdout", "stderr" for those).
  const std::string& content(const std::string& path) { return contents_[path]; }

  bool is_full = false;        ///< writes fail
  bool is_unopenable = false;  ///< opening and reopening fail
  unsigned reopened = 0;

 private:
  class File;
  std::map<std::string, std::string> contents_;
};

}  // namespace weft::observe
