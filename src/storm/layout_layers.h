// Purpose: notes in columns by how far they are in a flow, in an order that crosses little.
// Thread:  any.   Owner: the function that lays one view out.
#pragma once

#include <string>
#include <vector>

#include "storm/layout_scene.h"

namespace weft::storm {

class Layers {
 public:
  /// A note in column `layer`; one that is there already is not added again. Returns its number.
  size_t add(Key key, int layer);
  /// One more note of an element, for an actor or a view near its use.
  size_t add_again(Key key, int layer);
  size_t add(Label label, int layer);
  /// In the middle, over all rows.
  size_t add_tall(Key key, int layer, int width);
  bool has(Key key) const;
  void connect(size_t from, size_t to, std::string meaning);
  /// Stands beside, without an edge.
  void align(size_t a, size_t b);

  void place(Scene& scene);

 private:
  struct Node {
    Key key;
    Label label;
    int layer = 0, row = 0, tall_width = 0;
    bool is_label = false;
    std::vector<size_t> neighbours;
    size_t block = 0;
  };
  struct Line {
    size_t from, to;
    std::string meaning;
  };
  std::vector<size_t> nodes_of(int layer) const;
  void order(int layer, int beside);
  double wish(const Node& node, int beside) const;

  std::vector<Node> nodes_;
  std::vector<Line> lines_;
  int layers_ = 0;
};

}  // namespace weft::storm
