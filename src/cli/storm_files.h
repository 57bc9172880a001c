// Purpose: boards from files, standard input and git revisions, and back; programs that are run for it.
// Thread:  main.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storm/document.h"

namespace weft::cli {

/// `-` is standard input. Errors: Io with the path and errno's text, or what `storm::parse` says.
base::Result<storm::Document> read_board(const std::string& path);
/// Errors: Io; LimitExceeded above base::kBoardBytesMax.
base::Result<std::string> read_text(const std::string& path);
/// `REVISION:PATH` as `git show` takes it.
base::Result<storm::Document> read_revision(const std::string& object);

/// A file that takes another's place whole: a reader sees the old or the new content, and a failure leaves the old one.
/// A link stays one, and so does what the file lets whom do.
class Replacement {
 public:
  explicit Replacement(const std::string& path);
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();

  /// To write to; -1 where there is no place for it, which `commit` tells.
  int fd() const { return fd_; }
  /// Errors: Io. After it the object is done.
  base::Status commit();

 private:
  std::string path_, fresh_;
  int fd_ = -1;
  int error_ = 0;
};

/// Replaces the file whole; `-` is standard output, flushed. Errors: Io.
base::Status write_text(const std::string& path, std::string_view text);

/// The exit code of a program that reads one descriptor and writes another; -1 with errno where it cannot be started.
/// What it says on standard error is ours to tell where `is_quiet`.
int run_program(std::vector<std::string> words, int in, int out, bool is_quiet = false);

}  // namespace weft::cli
