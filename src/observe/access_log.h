// Purpose: access logs that never hold up a request: workers append lines to bounded buffers, one thread writes them.
//          A full buffer or a failing disk drops lines and counts them.
// Thread:  see each method. AccessLogs belongs to the process, an AccessLogWriter to one worker.
// Owner:   AccessLogs owns logs and writers until it is destroyed, which writes what is left.
// Source:  Envoy's AccessLogManager: flushed at 64 KiB and every --file-flush-interval-msec; its filesystem.*
// statistics.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "observe/access_log_file.h"
#include "observe/access_log_filter.h"
#include "observe/format.h"
#include "observe/registry.h"

namespace weft::observe {

class AccessLogs;

/// One worker's end of one log. Thread: that worker's.
class AccessLogWriter {
 public:
  /// Writes the line of `info` unless `filter` (null: none) says no. No allocation in steady state.
  void log(const Format& format, const AccessLogFilter* filter, const RequestInfo& info, uint64_t random);
  /// Writes a whole line, line end included.
  void write(std::string_view line);

 private:
  friend class AccessLogs;
  AccessLogWriter(AccessLogs& logs, StatGroup& stats, unsigned worker) : logs_(logs), stats_(stats), worker_(worker) {}

  AccessLogs& logs_;
  StatGroup& stats_;
  const unsigned worker_;
  std::string line_;  ///< the worker's
  std::mutex mutex_;  ///< guards waiting_; held for a copy or a swap
  std::string waiting_;
  std::string taken_;  ///< the log thread's
};

class AccessLogs {
 public:
  /// `files` and `registry` outlive this.
  AccessLogs(AccessLogFiles& files, Registry& registry, base::Duration flush_interval = base::seconds(10));
  ~AccessLogs();
  AccessLogs(const AccessLogs&) = delete;
  AccessLogs& operator=(const AccessLogs&) = delete;

  /// The end of the log at `path` (ignored for stdout and stderr) for `worker`; opens the log when it is new. The same
  /// log and worker give the same writer. Errors: Io when it cannot be opened. Thread: any.
  base::Result<AccessLogWriter*> writer(LogSink sink, const std::string& path, unsigned worker);

  /// Starts the log thread. Without it (in simulation) `flush` and `reopen` do the work in the caller.
  void start_thread();
  /// Writes what is left and ends the thread. Workers must not log any more.
  void stop();
  /// Opens every file again after writing what waits to the old one. Thread: any.
  void reopen();
  /// Writes all that waits, now, in the caller. Not while the thread runs.
  void flush();

 private:
  friend class AccessLogWriter;
  struct Log;

  void wake();
  void run();
  void write_waiting(bool is_reopening);
  void write_log(Log& log);

  AccessLogFiles& files_;
  Registry& registry_;
  const base::Duration flush_interval_;
  StatGroup& stats_;  ///< of the log thread

  std::mutex logs_mutex_;  ///< guards the list and each log's writers
  std::vector<std::unique_ptr<Log>> logs_;

  std::mutex wake_mutex_;  ///< guards the three flags
  std::condition_variable wake_condition_;
  bool is_woken_ = false, is_reopening_ = false, is_stopping_ = false;
  std::thread thread_;
};

}  // namespace weft::observe
