#include "cli/storm_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/limits.h"

extern char** environ;

namespace weft::cli {

namespace {

base::Error io_error(std::string_view what, int error) {
  return {base::ErrorCode::Io, fmt::format("{}: {}", what, std::strerror(error))};
}

// What is in a file, or why not, without its name.
base::Result<std::string> read_all(int fd) {
  std::string text;
  std::array<char, 65536> block;
  while (text.size() <= base::kBoardBytesMax) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::Error(base::ErrorCode::Io, std::strerror(errno));
    if (n == 0) return text;
    text.append(block.data(), static_cast<size_t>(n));
  }
  return base::Error(base::ErrorCode::LimitExceeded, fmt::format("has more than {} bytes", base::kBoardBytesMax));
}

base::Result<std::string> read_file(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return base::Error(base::ErrorCode::Io, std::strerror(errno));
  base::Result<std::string> text = read_all(fd);
  ::close(fd);
  return text;
}

base::Result<std::string> named(base::Result<std::string> text, std::string_view name) {
  if (!text) text.error().message = fmt::format("{}: {}", name, text.error().message);
  return text;
}

storm::ReadFile beside(const std::string& path) {
  return [folder = std::filesystem::path(path).parent_path()](std::string_view name) {
    return read_file((folder / name).string());
  };
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

base::Result<std::string> read_text(const std::string& path) {
  return named(read_file(path), path == "-" ? "standard input" : path);
}

base::Result<storm::Document> read_board(const std::string& path) {
  const base::Result<std::string> text = read_text(path);
  if (!text) return text.error();
  return storm::parse(*text, path, beside(path));
}

Replacement::Replacement(const std::string& path) : path_(path) {
  std::error_code error;
  if (const auto target = std::filesystem::canonical(path, error); !error) path_ = target.string();
  struct stat old {};
  const bool has_old = ::stat(path_.c_str(), &old) == 0;
  if (has_old && !S_ISREG(old.st_mode)) {  // a device or a pipe is written to and not replaced
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    error_ = fd_ < 0 ? errno : 0;
    return;
  }
  fresh_ = path_ + ".XXXXXX";
  fd_ = ::mkostemp(fresh_.data(), O_CLOEXEC);
  if (fd_ < 0) {
    error_ = errno;
    fresh_.clear();
    return;
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd_, has_old ? old.st_mode & 07777 : 0666 & ~mask);
}

base::Status Replacement::commit() {
  if (error_ == 0 && !fresh_.empty() && (::fsync(fd_) != 0 || ::rename(fresh_.c_str(), path_.c_str()) != 0))
    error_ = errno;
  if (error_ != 0) return io_error(path_, error_);
  fresh_.clear();
  return {};
}

Replacement::~Replacement() {
  if (fd_ >= 0) ::close(fd_);
  if (!fresh_.empty()) ::unlink(fresh_.c_str());
}

base::Status write_text(const std::string& path, std::string_view text) {
  if (path == "-") {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return io_error("standard output", errno);
    return {};
  }
  Replacement file(path);
  if (file.fd() >= 0 && !write_all(file.fd(), text)) return io_error(path, errno);
  return file.commit();
}

int run_program(std::vector<std::string> words, int in, int out, bool is_quiet) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (is_quiet) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return errno = error, -1;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

base::Result<storm::Document> read_revision(const std::string& object) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  if (!file) return io_error("a temporary file", errno);
  const int out = ::fileno(file.get());
  const int status = run_program({"git", "show", "--end-of-options", object}, STDIN_FILENO, out, true);
  if (status == -1) return io_error("git", errno);
  if (status != 0)
    return base::Error(base::ErrorCode::NotFound,
                       fmt::format("{}: neither a file nor a git revision with one", object));
  ::lseek(out, 0, SEEK_SET);
  const base::Result<std::string> text = named(read_all(out), object);
  if (!text) return text.error();
  const size_t colon = object.find(':');
  return storm::parse(*text, object, beside(colon == std::string::npos ? object : object.substr(colon + 1)));
}

}  // namespace weft::cli
