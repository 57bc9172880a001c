// Purpose: finds every route whose path rule (exact, prefix, path-separated prefix) takes a path, in O(path length),
//          however many routes there are.
// Thread:  any (immutable once frozen).   Owner: the route table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::proxy {

/// A radix tree over bytes; each node lists the routes whose rule ends there. Add, freeze, then visit.
class PathTrie {
 public:
  enum class Rule : uint8_t { Prefix, Exact, SeparatedPrefix };

  PathTrie() : building_(1) {}

  /// Routes must be added in ascending order of `route`.
  void add(std::string_view path, Rule rule, uint32_t route);
  /// Packs the tree; nothing can be added afterwards.
  void freeze();
  bool is_empty() const { return is_empty_; }

  /// Calls `visit(std::span<const uint32_t>)` with each non-empty, ascending list of routes whose rule takes `path`.
  template <typename Visit>
  void visit(std::string_view path, Visit visit) const {
    if (is_empty_) return;
    uint32_t at = 0;
    size_t depth = 0;
    while (true) {
      const Node& node = nodes_[at];
      visit_list(node, Rule::Prefix, visit);
      const bool is_end = depth == path.size();
      if (is_end) visit_list(node, Rule::Exact, visit);
      if (is_end || path[depth] == '/') visit_list(node, Rule::SeparatedPrefix, visit);
      if (is_end) return;
      at = child(node, path.substr(depth));
      if (at == 0) return;
      depth += nodes_[at].label_size;
    }
  }

 private:
  struct Building {
    std::string label;
    std::vector<uint32_t> children;  ///< sorted by first byte of the label
    std::vector<uint32_t> routes[3];
  };
  struct Node {
    uint32_t label = 0, label_size = 0;         ///< in labels_
    uint32_t first_child = 0, child_count = 0;  ///< consecutive in nodes_
    uint32_t first_route = 0;                   ///< in routes_: the three lists one behind the other
    uint32_t route_counts[3] = {};
  };

  template <typename Visit>
  void visit_list(const Node& node, Rule rule, Visit& visit) const {
    const auto which = static_cast<size_t>(rule);
    if (node.route_counts[which] == 0) return;
    uint32_t first = node.first_route;
    for (size_t i = 0; i < which; ++i) first += node.route_counts[i];
    visit(std::span<const uint32_t>(routes_.data() + first, node.route_counts[which]));
  }
  /// The child whose whole label begins `rest` (not empty); 0 when there is none.
  uint32_t child(const Node& node, std::string_view rest) const;
  uint32_t split_or_find(std::string_view path);

  std::vector<Building> building_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> routes_;
  std::string labels_, first_bytes_;  ///< first_bytes_[i]: of the label of nodes_[i]
  bool is_empty_ = true;
};

}  // namespace weft::proxy
