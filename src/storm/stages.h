// Purpose: where a workshop stands: what a stage still lacks, and which one comes next.
// Thread:  any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storm/board.h"
#include "storm/finding.h"

namespace weft::storm {

class Graph;

/// Events that chaotic exploration ends with at least.
inline constexpr size_t kFirstGateEvents = 3;

/// What stands in the way of leaving `stage`; empty: its gate is met.
Findings missing_to_leave(const Graph& graph, Stage stage);

struct NextStep {
  Stage stage;                ///< the board's
  std::optional<Stage> next;  ///< to work on; nullopt: the design is done
  Findings missing;           ///< what keeps `next` from being left; empty when it has not begun
  std::string advice;
};
/// The earliest stage up to the board's whose gate is not met, else the one after.
NextStep next_step(const Graph& graph);

/// What people do in a stage, in a sentence, and why then.
std::string_view advice_for(Stage stage);

}  // namespace weft::storm
