#include "observe/access_log.h"

#include "base/limits.h"

namespace weft::observe {
namespace {

enum class FileStat {
  WriteBuffered,
  WriteCompleted,
  WriteFailed,
  FlushedByTimer,
  ReopenFailed,
  LinesDropped,
  WriteTotalBuffered
};
constexpr StatTable::Row kRows[] = {{"write_buffered", StatKind::Counter},    {"write_completed", StatKind::Counter},
                                    {"write_failed", StatKind::Counter},      {"flushed_by_timer", StatKind::Counter},
                                    {"reopen_failed", StatKind::Counter},     {"lines_dropped", StatKind::Counter},
                                    {"write_total_buffered", StatKind::Gauge}};
constexpr StatTable kTable = {kRows, std::size(kRows)};
constexpr unsigned kLogThread = UINT32_MAX;
/// A buffer that a burst made larger gives its memory back.
constexpr size_t kKeptBytes = 2 * base::kAccessLogFlushBytes;

StatScope filesystem_scope() { return {"filesystem.", "filesystem.", {}}; }

}  // namespace

struct AccessLogs::Log {
  LogSink sink;
  std::string path;
  std::unique_ptr<AccessLogFile> file;
  std::vector<std::unique_ptr<AccessLogWriter>> writers;
};

void AccessLogWriter::log(const Format& format, const AccessLogFilter* filter, const RequestInfo& info,
                          uint64_t random) {
  if (filter != nullptr && !filter->is_logged(info, random)) return;
  line_.clear();
  format.append(line_, info);
  write(line_);
}

void AccessLogWriter::write(std::string_view line) {
  size_t waiting;
  {
    std::lock_guard lock(mutex_);
    waiting = waiting_.size();
    if (waiting + line.size() > base::kAccessLogBufferBytesMax) {
      stats_.counter(FileStat::LinesDropped).add();
      return;
    }
    waiting_ += line;
  }
  stats_.counter(FileStat::WriteBuffered).add();
  stats_.gauge(FileStat::WriteTotalBuffered).add(static_cast<int64_t>(line.size()));
  if (waiting < base::kAccessLogFlushBytes && waiting + line.size() >= base::kAccessLogFlushBytes) logs_.wake();
}

AccessLogs::AccessLogs(AccessLogFiles& files, Registry& registry, base::Duration flush_interval)
    : files_(files),
      registry_(registry),
      flush_interval_(flush_interval),
      stats_(registry.group(filesystem_scope(), kTable, kLogThread)) {}

AccessLogs::~AccessLogs() {
  stop();
  for (auto& log : logs_) {
    for (auto& writer : log->writers) registry_.release(writer->stats_);
  }
  registry_.release(stats_);
}

base::Result<AccessLogWriter*> AccessLogs::writer(LogSink sink, const std::string& path, unsigned worker) {
  std::lock_guard lock(logs_mutex_);
  Log* log = nullptr;
  for (auto& candidate : logs_) {
    if (candidate->sink == sink && (sink != LogSink::File || candidate->path == path)) log = candidate.get();
  }
  if (log == nullptr) {
    auto file = files_.open(sink, path);
    if (!file) return file.error();
    logs_.push_back(std::make_unique<Log>(Log{sink, path, std::move(*file), {}}));
    log = logs_.back().get();
  }
  for (auto& writer : log->writers) {
    if (writer->worker_ == worker) return writer.get();
  }
  StatGroup& stats = registry_.group(filesystem_scope(), kTable, worker);
  log->writers.push_back(std::unique_ptr<AccessLogWriter>(new AccessLogWriter(*this, stats, worker)));
  return log->writers.back().get();
}

void AccessLogs::start_thread() {
  thread_ = std::thread([this] { run(); });
}

void AccessLogs::stop() {
  if (thread_.joinable()) {
    {
      std::lock_guard lock(wake_mutex_);
      is_stopping_ = true;
    }
    wake_condition_.notify_one();
    thread_.join();
  }
  flush();
}

void AccessLogs::reopen() {
  if (!thread_.joinable()) return write_waiting(true);
  {
    std::lock_guard lock(wake_mutex_);
    is_reopening_ = true;
  }
  wake_condition_.notify_one();
}

void AccessLogs::flush() { write_waiting(false); }

void AccessLogs::wake() {
  {
    std::lock_guard lock(wake_mutex_);
    is_woken_ = true;
  }
  wake_condition_.notify_one();
}

void AccessLogs::run() {
  std::unique_lock lock(wake_mutex_);
  while (!is_stopping_) {
    bool is_early =
        wake_condition_.wait_for(lock, flush_interval_, [this] { return is_woken_ || is_reopening_ || is_stopping_; });
    if (!is_early) stats_.counter(FileStat::FlushedByTimer).add();
    bool is_reopening = is_reopening_;
    is_woken_ = is_reopening_ = false;
    lock.unlock();
    write_waiting(is_reopening);
    lock.lock();
  }
}

void AccessLogs::write_waiting(bool is_reopening) {
  // A log is never removed, so that the disk is not waited for under the lock that a new writer needs.
  size_t count;
  {
    std::lock_guard lock(logs_mutex_);
    count = logs_.size();
  }
  for (size_t i = 0; i < count; ++i) {
    Log* log;
    {
      std::lock_guard lock(logs_mutex_);
      log = logs_[i].get();
    }
    write_log(*log);
    if (is_reopening && !log->file->reopen()) stats_.counter(FileStat::ReopenFailed).add();
  }
}

void AccessLogs::write_log(Log& log) {
  size_t count;
  {
    std::lock_guard lock(logs_mutex_);
    count = log.writers.size();
  }
  for (size_t i = 0; i < count; ++i) {
    AccessLogWriter* writer;
    {
      std::lock_guard lock(logs_mutex_);
      writer = log.writers[i].get();
    }
    {
      std::lock_guard lock(writer->mutex_);
      writer->taken_.swap(writer->waiting_);
    }
    if (writer->taken_.empty()) continue;
    bool is_written = log.file->write(writer->taken_);
    stats_.counter(is_written ? FileStat::WriteCompleted : FileStat::WriteFailed).add();
    stats_.gauge(FileStat::WriteTotalBuffered).subtract(static_cast<int64_t>(writer->taken_.size()));
    writer->taken_.clear();
    if (writer->taken_.capacity() > kKeptBytes) writer->taken_.shrink_to_fit();
  }
}

}  // namespace weft::observe
