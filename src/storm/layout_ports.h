// Purpose: where edges meet the sides of their blocks.
// Thread:  any.   Owner: storm::draw_links.
#pragma once

#include <vector>

#include "storm/layout_route.h"

namespace weft::storm {

/// Places along a gutter before anything has coordinates: gutter h is at 2·h units, row r at 2·r + 1 and its pixels.
inline constexpr int kKeyUnit = 100'000;
inline int key_of(const Port& port) { return (2 * port.row + 1) * kKeyUnit + port.offset; }
inline int key_of_gutter(int gutter) { return 2 * gutter * kKeyUnit; }

/// Gives ports their offsets: in the order edges arrive in, and no two of different sources at one height of a gutter.
void spread_ports(const Grid& grid, std::vector<Route>& routes);

}  // namespace weft::storm
