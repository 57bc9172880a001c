#include "cli/storm_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/limits.h"

extern char** environ;

namespace weft::cli {

namespace {

base::Error io_error(std::string_view what) {
  return {base::ErrorCode::Io, fmt::format("{}: {}", what, std::strerror(errno))};
}

// A little more than a board may have, so that one that is too long is told as such.
base::Result<std::string> read_all(int fd, const std::string& name) {
  std::string text;
  std::array<char, 65536> block;
  while (text.size() <= base::kBoardBytesMax) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(name);
    if (n == 0) break;
    text.append(block.data(), static_cast<size_t>(n));
  }
  return text;
}

storm::ReadFile beside(const std::string& path) {
  return [folder = std::filesystem::path(path).parent_path()](std::string_view name) -> base::Result<std::string> {
    const base::Result<std::string> text = read_text((folder / name).string());
    if (!text) return base::Error(text.error().code, std::strerror(errno));
    return text;
  };
}

}  // namespace

base::Result<std::string> read_text(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error(path);
  base::Result<std::string> text = read_all(fd, path);
  ::close(fd);
  return text;
}

base::Result<storm::Document> read_board(const std::string& path) {
  const base::Result<std::string> text = read_text(path);
  if (!text) return text.error();
  return storm::parse(*text, path, beside(path));
}

base::Status write_text(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  struct stat old {};
  const mode_t mode = ::stat(path.c_str(), &old) == 0 ? old.st_mode & 07777 : 0644;
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return io_error(fresh);
  bool is_written = true;
  while (!text.empty() && is_written) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) text.remove_prefix(static_cast<size_t>(n));
    is_written = n >= 0 || errno == EINTR;
  }
  is_written = is_written && ::fsync(fd) == 0;
  const base::Error failure = is_written ? base::Error() : io_error(fresh);
  ::close(fd);
  if (!is_written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const base::Error why = is_written ? io_error(path) : failure;
    ::unlink(fresh.c_str());
    return why;
  }
  return {};
}

base::Result<storm::Document> read_revision(const std::string& object) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return io_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);  // what it says, we say
  std::string name = "git", verb = "show", end = "--end-of-options", what = object;
  char* arguments[] = {name.data(), verb.data(), end.data(), what.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, "git", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return base::Error(base::ErrorCode::Io, fmt::format("git: {}", std::strerror(error)));
  }
  const base::Result<std::string> text = read_all(ends[0], object);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (!text) return text.error();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return base::Error(base::ErrorCode::NotFound,
                       fmt::format("{}: neither a file nor a git revision with one", object));
  const size_t colon = object.find(':');
  return storm::parse(*text, object, beside(colon == std::string::npos ? object : object.substr(colon + 1)));
}

}  // namespace weft::cli
