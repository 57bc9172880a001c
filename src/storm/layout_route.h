// Purpose: which gutters an edge goes through: a cheapest way in the grid, before its gutters have their width.
// Thread:  any.   Owner: storm::solve.
#pragma once

#include <vector>

#include "storm/layout_grid.h"

namespace weft::storm {

/// Where a gutter between columns and one between rows meet.
struct Corner {
  int gutter = 0;  ///< left of this column
  int across = 0;  ///< above this row
  bool operator==(const Corner&) const = default;
};

/// One end of an edge, at the left or right side of its block.
struct Port {
  size_t block = 0;
  int row = 0;
  int gutter = 0;         ///< that the side looks at
  bool is_right = false;  ///< the right side of the block
  int offset = 0;         ///< pixels below the top of the row
};

/// From a port up or down a gutter to the first corner, along to the next, and so on: corners are the turns only.
/// No corner: both ports look at one gutter.
struct Route {
  Port from, to;
  bool is_straight = false;  ///< the ports face each other at one height
  std::vector<Corner> turns;
};

/// Cost: O(links · gutters · log).
std::vector<Route> find_routes(const Grid& grid);

}  // namespace weft::storm
