// Purpose: a picture of a board before it is ink: notes, areas, labels and edges with their places.
// Thread:  any (values).   Owner: whoever asked for the picture.
#pragma once

#include <string>
#include <vector>

#include "storm/board.h"
#include "storm/svg_text.h"

namespace weft::storm {

struct Point {
  int x = 0, y = 0;
  bool operator==(const Point&) const = default;
};

/// Units: pixels from the upper left corner.
struct Box {
  int x = 0, y = 0, width = 0, height = 0;
  int right() const { return x + width; }
  int bottom() const { return y + height; }
  bool overlaps(const Box& other) const {
    return x < other.right() && other.x < right() && y < other.bottom() && other.y < bottom();
  }
  bool contains(const Box& other) const {
    return x <= other.x && y <= other.y && other.right() <= right() && other.bottom() <= bottom();
  }
};

/// A sticky note. A tilted one is turned around the middle of its box, which has room for it.
struct Note {
  Kind kind = Kind::Event;
  std::string name;
  Box box;                    ///< the room it takes
  int width = 0, height = 0;  ///< of the paper
  TextBlock text, small;      ///< the name, and below it what the rule is where the view shows it
  std::string detail;         ///< what the board says in quotes; shown when pointed at
  bool is_tilted = false, is_pivotal = false, is_focus = false;
};

enum class LabelStyle : uint8_t { Title, Crossing, Refusal, Legend };

/// Words that are no note.
struct Label {
  LabelStyle style = LabelStyle::Title;
  Kind kind = Kind::Event;  ///< whose colour a legend explains
  Box box;
  TextBlock text;
  std::string whole;
};

/// The ground that belongs to a bounded context or a lane, with its name in `header`.
struct Area {
  Kind kind = Kind::Context;
  std::string name, role;
  Box box, header;
  TextBlock text;
};

struct NodeName {
  Kind kind = Kind::Event;
  std::string name;
  auto operator<=>(const NodeName&) const = default;
};

/// A way from note to note that passes through no other: one or more lines of horizontal and vertical pieces.
struct Edge {
  NodeName from, to;
  std::string meaning;  ///< "triggers", "issues", …
  std::vector<std::vector<Point>> lines;
};

struct Picture {
  std::string title;
  int width = 0, height = 0;
  std::vector<Area> areas;
  std::vector<Box> tapes;  ///< behind pivotal events
  std::vector<Note> notes;
  std::vector<Label> labels;
  std::vector<Edge> edges;
};

/// Makes a note larger than its form, with its detail below its name.
void enlarge(Note& note, int width, int height);

/// A note of the form its kind has on a wall; only its place is missing.
Note make_note(Kind kind, const Element& element);

}  // namespace weft::storm
