// Purpose: the places of edges side by side in their gutters, in an order that crosses little.
// Thread:  any.   Owner: storm::solve.
#pragma once

#include <vector>

#include "storm/layout_route.h"

namespace weft::storm {

/// Places the grid anew for the edges in its gutters and gives every link its line and every tape its box.
/// Edges of one block share their way as far as it is the same; others never lie on each other.
/// Cost: O(n³) in the edges of the fullest gutter, with a bound on n above which order is left as found.
void draw_links(Grid& grid, std::vector<Route> routes);

}  // namespace weft::storm
