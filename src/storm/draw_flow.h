// Purpose: what leads to what on a board, for pages and text formats that draw by themselves.
// Thread:  any (values).
#pragma once

#include <string>
#include <vector>

#include "storm/graph.h"
#include "storm/layout.h"

namespace weft::storm {

struct FlowEdge {
  size_t from = 0, to = 0;  ///< nodes
  std::string meaning;
};

/// Each element once, in the order of the board, and the edges in the order of what they leave.
struct Flow {
  std::vector<NodeName> nodes;
  std::vector<FlowEdge> edges;
};

/// Of the elements that are on the picture. Cost: O(board · log).
Flow flow_of(const Graph& graph, const Picture& picture);

}  // namespace weft::storm
