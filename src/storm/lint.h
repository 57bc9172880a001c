// Purpose: holds a board to the rules of event storming, each by its id in docs/board.md.
// Thread:  any.
#pragma once

#include <map>
#include <string>

#include "storm/document.h"
#include "storm/finding.h"

namespace weft::storm {

struct LintOptions {
  std::map<std::string, Level, std::less<>> levels;  ///< by rule; others keep theirs
};

/// All findings, in the order of the file, those of the parser included and suppressed ones left out.
/// A line is excused by a comment on it, or on a line of its own above it: `# allow E05: it is what organizers say`.
/// Cost: near linear in the board.
Findings lint(const Document& document, const LintOptions& options = {});

/// "E05=off". Errors: InvalidArgument, naming the rule or level that is none.
base::Status read_severity(std::string_view text, LintOptions& options);
/// {"severity": {"E05": "off"}}. Errors: InvalidArgument with the file's name; nothing else may be in it.
base::Status read_lint_config(std::string_view json, std::string_view file, LintOptions& options);

struct Counts {
  size_t events, commands, policies, views, aggregates, contexts, hotspots, actors, systems;
};
Counts count(const Board& board);

}  // namespace weft::storm
