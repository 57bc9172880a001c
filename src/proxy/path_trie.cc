#include "proxy/path_trie.h"

#include <algorithm>

namespace weft::proxy {

void PathTrie::add(std::string_view path, Rule rule, uint32_t route) {
  is_empty_ = false;
  building_[split_or_find(path)].routes[static_cast<size_t>(rule)].push_back(route);
}

/// The node at exactly `path`; makes it, splitting an edge where needed.
uint32_t PathTrie::split_or_find(std::string_view path) {
  uint32_t at = 0;
  while (!path.empty()) {
    auto& children = building_[at].children;
    const auto place = std::lower_bound(children.begin(), children.end(), path[0],
                                        [&](uint32_t child, char byte) { return building_[child].label[0] < byte; });
    const size_t position = static_cast<size_t>(place - children.begin());
    if (place == children.end() || building_[*place].label[0] != path[0]) {
      const auto leaf = static_cast<uint32_t>(building_.size());
      children.insert(place, leaf);
      building_.emplace_back().label = path;
      return leaf;
    }
    const uint32_t child = *place;
    const std::string& label = building_[child].label;
    const size_t common =
        static_cast<size_t>(std::mismatch(label.begin(), label.end(), path.begin(), path.end()).first - label.begin());
    if (common == label.size()) {
      at = child;
    } else {
      const auto middle = static_cast<uint32_t>(building_.size());
      Building node;
      node.label = label.substr(0, common);
      node.children = {child};
      building_[child].label.erase(0, common);
      building_[at].children[position] = middle;
      building_.push_back(std::move(node));
      at = middle;
    }
    path.remove_prefix(common);
  }
  return at;
}

void PathTrie::freeze() {
  // Breadth first, so that the children of a node are neighbours.
  std::vector<uint32_t> order = {0};
  for (size_t i = 0; i < order.size(); ++i) {
    const Building& from = building_[order[i]];
    Node& node = nodes_.emplace_back();
    node.label = static_cast<uint32_t>(labels_.size());
    node.label_size = static_cast<uint32_t>(from.label.size());
    labels_ += from.label;
    first_bytes_ += from.label.empty() ? '\0' : from.label[0];
    node.first_child = static_cast<uint32_t>(order.size());
    node.child_count = static_cast<uint32_t>(from.children.size());
    order.insert(order.end(), from.children.begin(), from.children.end());
    node.first_route = static_cast<uint32_t>(routes_.size());
    for (size_t rule = 0; rule < 3; ++rule) {
      node.route_counts[rule] = static_cast<uint32_t>(from.routes[rule].size());
      routes_.insert(routes_.end(), from.routes[rule].begin(), from.routes[rule].end());
    }
  }
  building_.clear();
  building_.shrink_to_fit();
}

uint32_t PathTrie::child(const Node& node, std::string_view rest) const {
  const char* first = first_bytes_.data() + node.first_child;
  const char* last = first + node.child_count;
  const char* found = std::lower_bound(first, last, rest[0]);
  if (found == last || *found != rest[0]) return 0;
  const auto index = static_cast<uint32_t>(found - first_bytes_.data());
  const Node& next = nodes_[index];
  return rest.starts_with(std::string_view(labels_).substr(next.label, next.label_size)) ? index : 0;
}

}  // namespace weft::proxy
