#include "observe/access_log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::observe {
namespace {

int open_for_appending(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

class PosixLogFile final : public AccessLogFile {
 public:
  PosixLogFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixLogFile() override {
    if (!path_.empty()) ::close(fd_);
  }

  bool write(std::string_view lines) override {
    // A write that failed half-way left a torn line: the next one must not continue it.
    if (is_torn_ && !write_all("\n")) return false;
    return write_all(lines);
  }

  bool reopen() override {
    if (path_.empty()) return true;
    int fd = open_for_appending(path_);
    if (fd < 0) return false;
    ::close(fd_);
    fd_ = fd;
    is_torn_ = false;
    return true;
  }

 private:
  bool write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      is_torn_ = bytes[static_cast<size_t>(written) - 1] != '\n';
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }

  int fd_;
  std::string path_;  ///< empty: stdout or stderr, which are not ours to close
  bool is_torn_ = false;
};

class PosixLogFiles final : public AccessLogFiles {
 public:
  base::Result<std::unique_ptr<AccessLogFile>> open(LogSink sink, const std::string& path) override {
    switch (sink) {
      case LogSink::Stdout: return std::unique_ptr<AccessLogFile>(std::make_unique<PosixLogFile>(STDOUT_FILENO, ""));
      case LogSink::Stderr: return std::unique_ptr<AccessLogFile>(std::make_unique<PosixLogFile>(STDERR_FILENO, ""));
      case LogSink::File: break;
    }
    int fd = open_for_appending(path);
    if (fd < 0) return base::Error(base::ErrorCode::Io, "access log " + path + ": " + std::strerror(errno));
    return std::unique_ptr<AccessLogFile>(std::make_unique<PosixLogFile>(fd, path));
  }
};

}  // namespace

std::unique_ptr<AccessLogFiles> make_posix_log_files() { return std::make_unique<PosixLogFiles>(); }

}  // namespace weft::observe
