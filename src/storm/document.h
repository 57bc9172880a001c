// Purpose: a board file: its text without loss, the board it says, and what of it cannot be read.
// Thread:  any (values).   Owner: whoever opened it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storm/board.h"
#include "storm/finding.h"
#include "storm/text.h"

namespace weft::storm {

/// Reads a file that a board names (a JSON Schema), by its path as written.
using ReadFile = std::function<base::Result<std::string>(std::string_view path)>;

struct Document {
  std::string file;  ///< as it is called in messages
  std::vector<TextLine> lines;
  std::vector<Statement> statements;
  Board board;
  ReadFile read_file;  ///< that it was parsed with
  Findings faults;     ///< of rules SYN and N01: what is read is on the board all the same

  std::string text() const { return join_lines(lines); }
};

/// Reads a board. Every fault is told, none stops the rest; a word that is nearly a keyword is taken for it.
/// Errors: InvalidArgument when this is no text at all (a NUL byte), LimitExceeded above base::kBoardBytesMax or
/// base::kBoardElementsMax.
/// Cost: O(length).   Source: docs/board.md.
base::Result<Document> parse(std::string_view text, std::string_view file, const ReadFile& read_file = {});

}  // namespace weft::storm
