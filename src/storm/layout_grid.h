// Purpose: blocks in rows and columns with gutters between them that are as wide as the edges inside them need.
// Thread:  any.   Owner: the function that lays one view out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storm/layout.h"

namespace weft::storm {

enum class Align : uint8_t { Top, Middle, Bottom };

/// Something with a place in the grid. Blocks of one cell are stacked in the order they were added.
struct Block {
  int row = 0, column = 0;
  int rows = 1, columns = 1;  ///< more than one: the block is stretched over all of them, gutters included
  int width = 0, height = 0;  ///< pixels
  int offset = 0;             ///< pixels below the top of its row; set by `measure`
  Box box;                    ///< set by `place`
};

struct Link {
  size_t from = 0, to = 0;  ///< blocks
  std::vector<Point> line;  ///< set by `draw_links`
};

/// A line through the gutter left of a column that no edge may lie on.
struct Tape {
  int gutter = 0, row_first = 0, row_last = 0;
  Box box;
};

/// Rows and columns grow to what is in them; gutter g lies left of column g, gutter h above row h.
class Grid {
 public:
  size_t add(Block block);
  size_t link(size_t from, size_t to);
  void add_tape(Tape tape) { tapes_.push_back(tape); }
  void set_align(int row, Align align);
  /// The least height of the gutter above a row, the least width of every gutter between columns. Units: pixels.
  void set_gap(int row, int pixels);
  void set_column_gap(int pixels) { column_gap_ = pixels; }
  /// Room for a row in which nothing stands.
  void set_row_height(int row, int pixels);

  /// Sizes of rows and columns and places within rows. To be called before anything below, and after all of the above.
  void measure();
  /// Coordinates of everything, for gutters in which so many edges lie side by side.
  void place(const std::vector<int>& tracks_across, const std::vector<int>& tracks_down);

  const std::vector<Block>& blocks() const { return blocks_; }
  std::vector<Link>& links() { return links_; }
  const std::vector<Link>& links() const { return links_; }
  std::vector<Tape>& tapes() { return tapes_; }
  const std::vector<Tape>& tapes() const { return tapes_; }
  int rows() const { return static_cast<int>(row_heights_.size()); }
  int columns() const { return static_cast<int>(column_widths_.size()); }
  int width() const { return column_x_.back() + column_gutters_.back(); }
  int height() const { return row_y_.back() + row_gutters_.back(); }
  /// The ground of rows and columns without the gutters around it.
  Box area(int row_first, int row_last, int column_first, int column_last) const;
  int row_top(int row) const { return row_y_[static_cast<size_t>(row)] + row_gutters_[static_cast<size_t>(row)]; }
  int column_left(int column) const {
    return column_x_[static_cast<size_t>(column)] + column_gutters_[static_cast<size_t>(column)];
  }
  /// Where edge number `track` of a gutter lies.
  int track_x(int gutter, int track) const;
  int track_y(int gutter, int track) const;

 private:
  void measure_spans();

  std::vector<Block> blocks_;
  std::vector<Link> links_;
  std::vector<Tape> tapes_;
  std::vector<Align> aligns_;
  std::vector<int> row_heights_, column_widths_, row_gaps_;
  std::vector<int> row_gutters_, column_gutters_;  // sizes
  std::vector<int> row_y_, column_x_;              // where the gutters begin; one more than rows
  std::vector<int> tracks_across_, tracks_down_;
  int column_gap_ = 26;
};

/// Measures, finds ways for all links, and places everything.
void solve(Grid& grid);

}  // namespace weft::storm
