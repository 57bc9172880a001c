// Purpose: a board as columns of a wall: each event with the notes that stand above and below it.
// Thread:  any (values).   Owner: lay_out_timeline.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storm/graph.h"
#include "storm/layout_scene.h"

namespace weft::storm {

/// From top to bottom. Notes of one element may stand in several columns where it is an actor, a view or a system.
struct Column {
  std::vector<Key> issuers, commands, events, deciders, below;
  std::optional<Index> aggregate, context;
  bool is_phase_end = false;  ///< the event is pivotal
  bool is_joined = false;     ///< belongs to the event of the column before
};

/// What belongs together on the wall, in the order of the file.
struct Strand {
  std::string lane;  ///< empty: the board has none, or these events stand in none
  std::vector<Column> columns;
};

/// Every element of the board but lanes and contexts is in some column.
/// Cost: O(board).
std::vector<Strand> arrange(const Graph& graph);

}  // namespace weft::storm
