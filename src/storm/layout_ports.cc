#include "storm/layout_ports.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

namespace weft::storm {

namespace {

constexpr int kPortDistance = 7;  // pixels between two edges at one side

/// Gives ports their offsets so that no two edges meet a side, or one height of a gutter, at one place.
class Ports {
 public:
  Ports(const Grid& grid, std::vector<Route>& routes) : grid_(grid), routes_(routes) {}

  void spread() {
    for (const Route& route : routes_)
      if (route.is_straight) take(route.from, route.from.block), take(route.to, route.from.block);
    std::map<std::pair<size_t, bool>, std::vector<Entry>> sides;
    for (size_t i = 0; i < routes_.size(); ++i) {
      Route& route = routes_[i];
      if (route.is_straight) continue;
      std::vector<Entry>& from = sides[{route.from.block, route.from.is_right}];
      const auto shared = std::ranges::find_if(from, [](const Entry& entry) { return entry.is_leaving; });
      if (shared == from.end()) from.push_back({towards(route, true), true, route.from.block, {&route.from}});
      else shared->ports.push_back(&route.from);
      sides[{route.to.block, route.to.is_right}].push_back(
          {towards(route, false), false, route.from.block, {&route.to}});
    }
    for (auto& [side, entries] : sides) settle(entries);
  }

 private:
  struct Entry {
    int towards = 0;  // the key the edge goes to or comes from
    bool is_leaving = false;
    size_t source = 0;
    std::vector<Port*> ports;
  };

  struct Taken {
    int offset;
    size_t source, block;
  };

  int towards(const Route& route, bool is_leaving) const {
    if (route.turns.empty()) return key_of(is_leaving ? route.to : route.from);
    return key_of_gutter(is_leaving ? route.turns.front().across : route.turns.back().across);
  }

  bool is_free(const Port& port, size_t source) const {
    const auto at = taken_.find({port.gutter, port.row});
    if (at == taken_.end()) return true;
    return std::ranges::none_of(at->second, [&](const auto& other) {
      return std::abs(other.offset - port.offset) < kPortDistance &&
             !(other.source == source && other.block == port.block);
    });
  }

  void take(const Port& port, size_t source) {
    taken_[{port.gutter, port.row}].push_back({port.offset, source, port.block});
  }

  // The free place nearest to `wanted` on this side; `wanted` where all is taken.
  void choose(Entry& entry, int top, int bottom, int wanted) {
    Port port = *entry.ports.front();
    port.offset = wanted;
    for (int distance = 1; !is_free(port, entry.source) && distance < bottom - top; ++distance) {
      for (const int offset : {wanted + distance, wanted - distance}) {
        if (offset < top || offset > bottom) continue;
        port.offset = offset;
        if (is_free(port, entry.source)) break;
      }
    }
    if (!is_free(port, entry.source)) port.offset = wanted;
    for (Port* each : entry.ports) each->offset = port.offset;
    take(port, entry.source);
  }

  // Where a straight edge meets this side already.
  std::optional<Taken> straight_at(const Port& port) const {
    const auto at = taken_.find({port.gutter, port.row});
    if (at == taken_.end()) return std::nullopt;
    const auto found = std::ranges::find(at->second, port.block, &Taken::block);
    return found == at->second.end() ? std::nullopt : std::optional(*found);
  }

  void settle(std::vector<Entry>& entries) {
    std::ranges::stable_sort(entries, {}, &Entry::towards);
    const Port& first = *entries.front().ports.front();
    const Block& block = grid_.blocks()[first.block];
    const int height = block.rows > 1 ? grid_.area(first.row, first.row, 0, 0).height : block.height;
    const int top = block.rows > 1 ? 0 : block.offset;
    const std::optional<Taken> straight = straight_at(first);
    if (!straight) return spread(entries, top, top + height);
    // What comes from above meets the side above the straight edge, the rest below; its own source leaves with it.
    std::vector<Entry> above, below;
    const int key = key_of(first) - first.offset + straight->offset;
    for (Entry& entry : entries) {
      if (entry.is_leaving && entry.source == straight->source)
        for (Port* each : entry.ports) each->offset = straight->offset;
      else (entry.towards < key ? above : below).push_back(std::move(entry));
    }
    spread(above, top, straight->offset);
    spread(below, straight->offset, top + height);
  }

  void spread(std::vector<Entry>& entries, int top, int bottom) {
    constexpr int kCorner = 5;
    for (size_t i = 0; i < entries.size(); ++i) {
      const int wanted = top + (bottom - top) * static_cast<int>(i + 1) / static_cast<int>(entries.size() + 1);
      choose(entries[i], top + kCorner, bottom - kCorner, wanted);
    }
  }

  const Grid& grid_;
  std::vector<Route>& routes_;
  std::map<std::pair<int, int>, std::vector<Taken>> taken_;
};

}  // namespace

void spread_ports(const Grid& grid, std::vector<Route>& routes) { Ports(grid, routes).spread(); }

}  // namespace weft::storm
