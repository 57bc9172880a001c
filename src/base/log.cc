#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <mutex>

namespace weft::base {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"trace", "debug", "info", "warning", "error", "critical", "off"};

spdlog::level::level_enum native(LogLevel level) {
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level));
}

// The process has one log; this glue owns it. The mutex guards only the swap of the sink.
struct State {
  std::mutex mutex;
  std::atomic<int> level{static_cast<int>(LogLevel::Info)};
  std::string path;
  std::shared_ptr<spdlog::logger> logger;
};

// spdlog passes everything on; the level is ours, so that it survives a change of sink.
std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("weft", std::move(sink));
  logger->set_pattern("[%Y-%m-%d %H:%M:%S.%e][%t][%l] %v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

State& state() {
  static State s;
  static const bool made = [] {
    s.logger = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    return true;
  }();
  (void)made;
  return s;
}

bool use_file(State& s, const std::string& path) {
  try {
    auto logger = make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
    s.logger = std::move(logger);
    s.path = path;
    return true;
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
}

}  // namespace

void set_log_level(LogLevel level) { state().level.store(static_cast<int>(level), std::memory_order_relaxed); }

LogLevel log_level() { return static_cast<LogLevel>(state().level.load(std::memory_order_relaxed)); }

bool parse_log_level(std::string_view name, LogLevel& level) {
  if (name == "warn") name = "warning";
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] != name) continue;
    level = static_cast<LogLevel>(i);
    return true;
  }
  return false;
}

std::string_view to_string(LogLevel level) { return kNames[static_cast<size_t>(level)]; }

bool open_log_file(const std::string& path) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  return use_file(s, path);
}

void reopen_log_file() {
  State& s = state();
  std::lock_guard lock(s.mutex);
  if (!s.path.empty()) use_file(s, s.path);
}

bool is_logged(LogLevel level) { return level >= log_level(); }

void write_log(LogLevel level, std::string_view line) {
  State& s = state();
  std::shared_ptr<spdlog::logger> logger;
  {
    std::lock_guard lock(s.mutex);
    logger = s.logger;
  }
  logger->log(native(level), line);
}

}  // namespace weft::base
