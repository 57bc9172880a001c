#include "storm/layout_grid.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "storm/layout_route.h"
#include "storm/layout_tracks.h"

namespace weft::storm {

namespace {

constexpr int kStackGap = 8;  // between the blocks of one cell
constexpr int kRowGap = 16;   // a gutter in which no edge lies
constexpr int kTrackDistance = 8;
constexpr int kTrackPadding = 13;  // between an edge and a block: room for an arrow head and its rounded corner

template <typename T>
T& at_index(std::vector<T>& all, int index, T filler) {
  if (static_cast<size_t>(index) >= all.size()) all.resize(static_cast<size_t>(index) + 1, filler);
  return all[static_cast<size_t>(index)];
}

int gutter_size(int gap, int tracks) {
  return tracks == 0 ? gap : std::max(gap, 2 * kTrackPadding + (tracks - 1) * kTrackDistance);
}

int track_offset(int size, int tracks, int track) {
  return (size - (tracks - 1) * kTrackDistance) / 2 + track * kTrackDistance;
}

}  // namespace

size_t Grid::add(Block block) {
  at_index(row_heights_, block.row + block.rows - 1, 0);
  at_index(column_widths_, block.column + block.columns - 1, 0);
  blocks_.push_back(block);
  return blocks_.size() - 1;
}

size_t Grid::link(size_t from, size_t to) {
  links_.push_back({from, to, {}});
  return links_.size() - 1;
}

void Grid::set_align(int row, Align align) { at_index(aligns_, row, Align::Middle) = align; }
void Grid::set_gap(int row, int pixels) { at_index(row_gaps_, row, kRowGap) = pixels; }
void Grid::set_row_height(int row, int pixels) {
  int& height = at_index(row_heights_, row, 0);
  height = std::max(height, pixels);
}

void Grid::measure() {
  if (row_heights_.empty()) row_heights_.push_back(0);
  if (column_widths_.empty()) column_widths_.push_back(0);
  at_index(aligns_, rows() - 1, Align::Middle);
  at_index(row_gaps_, rows(), kRowGap);
  std::map<std::pair<int, int>, int> filled;
  for (Block& block : blocks_) {
    int& column = column_widths_[static_cast<size_t>(block.column)];
    if (block.columns == 1) column = std::max(column, block.width);
    if (block.rows > 1) continue;
    int& height = filled[{block.row, block.column}];
    block.offset = height == 0 ? 0 : height + kStackGap;
    height = block.offset + block.height;
    int& row = row_heights_[static_cast<size_t>(block.row)];
    row = std::max(row, height);
  }
  measure_spans();
  for (Block& block : blocks_) {
    if (block.rows > 1) continue;
    const int spare = row_heights_[static_cast<size_t>(block.row)] - filled[{block.row, block.column}];
    const Align align = aligns_[static_cast<size_t>(block.row)];
    block.offset += align == Align::Top ? 0 : align == Align::Middle ? spare / 2 : spare;
  }
}

// A block over several rows or columns needs their sum; what lacks is shared by all of them.
void Grid::measure_spans() {
  const auto widen = [](std::vector<int>& sizes, int first, int count, int needed) {
    const auto begin = sizes.begin() + first;
    const int lacking = needed - std::accumulate(begin, begin + count, 0);
    if (lacking > 0) std::for_each(begin, begin + count, [&](int& size) { size += (lacking + count - 1) / count; });
  };
  for (const Block& block : blocks_) {
    if (block.columns > 1) widen(column_widths_, block.column, block.columns, block.width);
    if (block.rows > 1) widen(row_heights_, block.row, block.rows, block.height);
  }
}

void Grid::place(const std::vector<int>& tracks_across, const std::vector<int>& tracks_down) {
  tracks_across_ = tracks_across;
  tracks_down_ = tracks_down;
  row_gutters_.clear(), column_gutters_.clear();
  for (int h = 0; h <= rows(); ++h)
    row_gutters_.push_back(gutter_size(row_gaps_[static_cast<size_t>(h)], tracks_across[static_cast<size_t>(h)]));
  for (int g = 0; g <= columns(); ++g)
    column_gutters_.push_back(gutter_size(column_gap_, tracks_down[static_cast<size_t>(g)]));
  row_y_.assign(1, 0), column_x_.assign(1, 0);
  for (size_t r = 0; r < row_heights_.size(); ++r) row_y_.push_back(row_y_[r] + row_gutters_[r] + row_heights_[r]);
  for (size_t c = 0; c < column_widths_.size(); ++c)
    column_x_.push_back(column_x_[c] + column_gutters_[c] + column_widths_[c]);
  for (Block& block : blocks_) {
    const Box room = area(block.row, block.row + block.rows - 1, block.column, block.column + block.columns - 1);
    block.box = {room.x, room.y + block.offset, room.width, block.height};
    if (block.columns == 1) block.box.x += (room.width - block.width) / 2, block.box.width = block.width;
    if (block.rows > 1) block.box.height = room.height;
  }
}

Box Grid::area(int row_first, int row_last, int column_first, int column_last) const {
  const int x = column_left(column_first), y = row_top(row_first);
  return {x, y, column_x_[static_cast<size_t>(column_last) + 1] - x, row_y_[static_cast<size_t>(row_last) + 1] - y};
}

int Grid::track_x(int gutter, int track) const {
  const size_t g = static_cast<size_t>(gutter);
  return column_x_[g] + track_offset(column_gutters_[g], tracks_down_[g], track);
}

int Grid::track_y(int gutter, int track) const {
  const size_t h = static_cast<size_t>(gutter);
  return row_y_[h] + track_offset(row_gutters_[h], tracks_across_[h], track);
}

void solve(Grid& grid) {
  grid.measure();
  const std::vector<int> across(static_cast<size_t>(grid.rows()) + 1, 0),
      down(static_cast<size_t>(grid.columns()) + 1, 0);
  grid.place(across, down);
  const std::vector<Route> routes = find_routes(grid);
  draw_links(grid, routes);
}

}  // namespace weft::storm
