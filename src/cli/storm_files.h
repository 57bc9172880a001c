// Purpose: boards from files, standard input and git revisions, and back.
// Thread:  main.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "storm/document.h"

namespace weft::cli {

/// `-` is standard input. Errors: Io with the path and errno's text, or what `storm::parse` says.
base::Result<storm::Document> read_board(const std::string& path);
base::Result<std::string> read_text(const std::string& path);
/// Replaces the file whole: a reader sees the old or the new text.
base::Status write_text(const std::string& path, std::string_view text);
/// `REVISION:PATH` as `git show` takes it.
base::Result<storm::Document> read_revision(const std::string& object);

}  // namespace weft::cli
