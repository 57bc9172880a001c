// Purpose: notes and labels in a grid, from which a picture is made.
// Thread:  any.   Owner: the function that lays one view out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storm/graph.h"
#include "storm/layout.h"
#include "storm/layout_grid.h"

namespace weft::storm {

/// An element by its kind and its position in the board.
struct Key {
  Kind kind = Kind::Event;
  Index index = 0;
  auto operator<=>(const Key&) const = default;
};

const Element& element_of(const Board& board, Key key);

class Scene {
 public:
  explicit Scene(const Board& board) : board_(board) {}

  const Board& board() const { return board_; }
  Grid& grid() { return grid_; }
  const Grid& grid() const { return grid_; }
  /// Returns the block. `place` says where; its size is the note's where the note's is larger.
  size_t add(Key key, Block place);
  size_t add(Note note, Block place);
  size_t add(Label label, Block place);
  /// Ground with notes on it, whose boxes are relative to it, as one block.
  size_t add(Area area, std::vector<Note> notes, Block place);
  void connect(size_t from, size_t to, std::string meaning);
  /// One edge that is written on in its middle.
  void connect(size_t from, size_t label, size_t to, std::string meaning);
  /// Ground under rows and columns; `header_row` has the name. `padding` around it, in pixels.
  void add_area(Area area, int row_first, int row_last, int column_first, int column_last, int padding);
  /// What the picture is about.
  void mark(Key key);

  /// Solves the grid.
  Picture finish(const std::string& title);

 private:
  struct Owner {
    std::optional<size_t> note, label, group;
  };
  struct Group {
    Area area;
    std::vector<Note> notes;
  };
  struct Ground {
    Area area;
    int row_first, row_last, column_first, column_last, padding;
  };
  struct Connection {
    std::vector<size_t> links;
    std::string meaning;
  };
  NodeName name_of(size_t block) const;
  void add_title(Picture& picture, const std::string& title) const;
  void add_legend(Picture& picture) const;
  void take_places(Picture& picture, Point by) const;
  void take_grounds(Picture& picture, Point by) const;
  void take_edges(Picture& picture, Point by) const;

  const Board& board_;
  Grid grid_;
  std::vector<Note> notes_;
  std::vector<Label> labels_;
  std::vector<Group> groups_;
  std::vector<Owner> owners_;  // of each block
  std::vector<Ground> grounds_;
  std::vector<Connection> connections_;
};

}  // namespace weft::storm
