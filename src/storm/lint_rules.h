// Purpose: what the rule functions of the linter share. Private to src/storm.
// Thread:  any.   Owner: storm::lint, for one run.
#pragma once

#include <string>
#include <string_view>

#include "storm/finding.h"
#include "storm/graph.h"

namespace weft::storm {

struct LintRun {
  const Board& board;
  const Graph graph;
  const Stage stage;
  Findings findings;
  explicit LintRun(const Board& b) : board(b), graph(b), stage(b.current_stage()) {}

  void add(std::string_view rule, const Place& place, std::string_view element, std::string message,
           std::string hint = {}) {
    findings.push_back({std::string(rule), place, std::string(element), std::move(message), std::move(hint)});
  }
  void add(std::string_view rule, const Element& element, std::string message, std::string hint = {}) {
    add(rule, element.place, element.name, std::move(message), std::move(hint));
  }
  /// Told by N01, and by nothing else.
  bool is_duplicate(const Element& element) const { return graph.is_duplicate(element); }
  bool is_from(Stage first) const { return stage >= first; }
};

/// Nouns that the board uses for things: keys, refs, aggregates, in lower case.
std::vector<std::string> nouns_of(const Board& board);
/// "A", "B" and "C": at most `limit` of them, then how many more.
std::string listed(const std::vector<std::string>& names, size_t limit = 5);

void lint_names(LintRun& run);       // N01 N02 N03 G01
void lint_stages(LintRun& run);      // S01 A02
void lint_events(LintRun& run);      // E01 to E07, O01
void lint_commands(LintRun& run);    // C01 to C07
void lint_policies(LintRun& run);    // P01 to P05
void lint_views(LintRun& run);       // V01 to V03, H01, H02
void lint_aggregates(LintRun& run);  // A01, A03 to A07
void lint_contexts(LintRun& run);    // X01 to X03

}  // namespace weft::storm
