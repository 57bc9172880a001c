#include "storm/layout_layers.h"

#include <algorithm>
#include <cmath>

namespace weft::storm {

size_t Layers::add(Key key, int layer) {
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (!nodes_[i].is_label && nodes_[i].key == key) return i;
  return add_again(key, layer);
}

size_t Layers::add_again(Key key, int layer) {
  Node node;
  node.key = key;
  node.layer = layer;
  nodes_.push_back(std::move(node));
  layers_ = std::max(layers_, layer + 1);
  return nodes_.size() - 1;
}

size_t Layers::add(Label label, int layer) {
  const size_t node = add_again({}, layer);
  nodes_[node].label = std::move(label);
  nodes_[node].is_label = true;
  return node;
}

size_t Layers::add_tall(Key key, int layer, int width) {
  const size_t node = add_again(key, layer);
  nodes_[node].tall_width = width;
  return node;
}

bool Layers::has(Key key) const {
  return std::ranges::any_of(nodes_, [&](const Node& node) { return !node.is_label && node.key == key; });
}

void Layers::connect(size_t from, size_t to, std::string meaning) {
  const bool is_known =
      std::ranges::any_of(lines_, [&](const Line& line) { return line.from == from && line.to == to; });
  if (is_known || from == to) return;
  lines_.push_back({from, to, std::move(meaning)});
  align(from, to);
}

void Layers::align(size_t a, size_t b) {
  nodes_[a].neighbours.push_back(b);
  nodes_[b].neighbours.push_back(a);
}

std::vector<size_t> Layers::nodes_of(int layer) const {
  std::vector<size_t> out;
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].layer == layer && nodes_[i].tall_width == 0) out.push_back(i);
  return out;
}

// The middle of the rows of what a node is joined to, towards the side that has its rows already.
double Layers::wish(const Node& node, int beside) const {
  double sum = 0;
  int count = 0;
  for (const size_t each : node.neighbours) {
    const Node& other = nodes_[each];
    const bool is_placed = beside < node.layer ? other.layer < node.layer : other.layer > node.layer;
    if (is_placed && other.tall_width == 0) sum += other.row, ++count;
  }
  return count > 0 ? sum / count : node.row;
}

// Sorts a layer by its wishes and gives each the nearest free row, as far up as down from where all would be best.
void Layers::order(int layer, int beside) {
  std::vector<size_t> in = nodes_of(layer);
  std::vector<double> wishes(nodes_.size(), 0);
  for (const size_t node : in) wishes[node] = wish(nodes_[node], beside);
  std::ranges::stable_sort(in, {}, [&](size_t node) { return wishes[node]; });
  double excess = 0;
  int next = -1'000'000;
  for (const size_t node : in) {
    nodes_[node].row = next = std::max(next, static_cast<int>(std::floor(wishes[node])));
    excess += next - wishes[node];
    ++next;
  }
  const int back = in.empty() ? 0 : static_cast<int>(std::lround(excess / static_cast<double>(in.size())));
  for (const size_t node : in) nodes_[node].row -= back;
}

void Layers::place(Scene& scene) {
  int widest = 0;
  for (int layer = 0; layer < layers_; ++layer) {
    const std::vector<size_t> in = nodes_of(layer);
    for (size_t i = 0; i < in.size(); ++i) nodes_[in[i]].row = static_cast<int>(i);
    if (in.size() > nodes_of(widest).size()) widest = layer;
  }
  // The fullest layer keeps its order at first; its neighbours follow it, and it follows them once.
  for (int layer = widest + 1; layer < layers_; ++layer) order(layer, layer - 1);
  for (int layer = widest - 1; layer >= 0; --layer) order(layer, layer + 1);
  int top = 0, bottom = 0;
  for (const Node& node : nodes_) top = std::min(top, node.row);
  for (Node& node : nodes_) node.row -= top, bottom = std::max(bottom, node.row);
  for (Node& node : nodes_) {
    Block place;
    place.row = node.row, place.column = node.layer;
    if (node.is_label) {
      node.block = scene.add(node.label, place);
    } else if (node.tall_width > 0) {
      constexpr int kTallHeight = 130;
      Note note = make_note(node.key.kind, element_of(scene.board(), node.key));
      enlarge(note, node.tall_width, kTallHeight);
      place.row = 0, place.rows = bottom + 1;
      node.block = scene.add(std::move(note), place);
    } else {
      node.block = scene.add(node.key, place);
    }
  }
  for (Line& line : lines_) scene.connect(nodes_[line.from].block, nodes_[line.to].block, std::move(line.meaning));
}

}  // namespace weft::storm
