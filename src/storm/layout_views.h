// Purpose: where everything stands in each view of a board.
// Thread:  any (pure functions).
#pragma once

#include "storm/graph.h"
#include "storm/layout.h"

namespace weft::storm {

/// The wall: events from left to right, each with what leads to it above and what it belongs to below.
Picture lay_out_timeline(const Graph& graph);
/// Contexts with their aggregates, and which policies cross from one to another.
Picture lay_out_contexts(const Graph& graph);
/// What an aggregate is asked, what it answers and what it refuses.
Picture lay_out_aggregate(const Graph& graph, Index aggregate);
/// What leads to an event and what it leads to.
Picture lay_out_event(const Graph& graph, Index event);

}  // namespace weft::storm
