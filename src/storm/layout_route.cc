#include "storm/layout_route.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <queue>
#include <set>
#include <tuple>

namespace weft::storm {

namespace {

// Costs in pixels of way.
constexpr int kTurn = 50;
constexpr int kAgainstTime = 60;   // leaving to the left, arriving from the right
constexpr int kCompany = 10;       // for each other edge that is there already
constexpr int kOwnShare = 3;       // a way that an edge from the same note takes already costs a third
constexpr int kStraightLeast = 8;  // pixels that two sides must share to be joined by a straight line

enum Direction : uint8_t { Up, Down, Left, Right };

/// The corners of a grid as a graph of pieces of gutters, with what already lies in them.
class Map {
 public:
  explicit Map(const Grid& grid)
      : grid_(grid),
        down_(static_cast<size_t>(grid.columns()) + 1),
        across_(static_cast<size_t>(grid.rows()) + 1),
        wall_down_(down_ * across_),
        wall_across_(down_ * across_),
        users_down_(down_ * across_),
        users_across_(down_ * across_) {
    for (const Block& block : grid.blocks()) add_walls(block);
  }

  Route find(const Link& link);

 private:
  struct Step {
    int cost;
    size_t state;
    auto operator<=>(const Step&) const = default;
  };
  using Queue = std::priority_queue<Step, std::vector<Step>, std::greater<>>;

  size_t corner(int gutter, int across) const {
    return static_cast<size_t>(across) * down_ + static_cast<size_t>(gutter);
  }
  static size_t state(size_t corner, Direction direction) { return corner * 4 + direction; }
  int x(int gutter) const { return grid_.track_x(gutter, 0); }
  int y(int across) const { return grid_.track_y(across, 0); }

  void add_walls(const Block& block) {
    for (int g = block.column + 1; g < block.column + block.columns; ++g)
      for (int r = block.row; r < block.row + block.rows; ++r) wall_down_[corner(g, r)] = true;
    for (int h = block.row + 1; h < block.row + block.rows; ++h)
      for (int c = block.column; c < block.column + block.columns; ++c) wall_across_[corner(c, h)] = true;
  }

  Port port(size_t block, bool is_right) const {
    const Block& at = grid_.blocks()[block];
    const int row = at.row + (at.rows - 1) / 2;
    return {block, row, is_right ? at.column + at.columns : at.column, is_right,
            at.rows > 1 ? grid_.area(row, row, 0, 0).height / 2 : at.offset + at.height / 2};
  }

  int port_y(const Port& port) const { return grid_.row_top(port.row) + port.offset; }
  std::optional<Route> straight(const Link& link) const;
  int price(int length, const std::vector<size_t>& users, size_t source) const;
  void spread(const Link& link, size_t at, int cost, Queue& queue);
  void reach(size_t to, int cost, size_t from, Queue& queue);
  void begin(const Link& link, Queue& queue);
  Route trace(const Link& link, size_t last, bool arrives_left);
  void use(const Link& link, const std::vector<Corner>& way);

  const Grid& grid_;
  size_t down_, across_;
  // Of each corner: the piece down to the next one, and the piece right to the next one.
  std::vector<bool> wall_down_, wall_across_;
  std::vector<std::vector<size_t>> users_down_, users_across_;
  std::vector<int> costs_;
  std::vector<size_t> came_from_;
};

constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

// Blocks side by side whose sides face each other.
std::optional<Route> Map::straight(const Link& link) const {
  const Block &from = grid_.blocks()[link.from], &to = grid_.blocks()[link.to];
  if (from.column + from.columns != to.column) return std::nullopt;
  const int row_first = std::max(from.row, to.row), row_last = std::min(from.row + from.rows, to.row + to.rows) - 1;
  if (row_first > row_last) return std::nullopt;
  const int row = from.rows == 1 ? from.row : to.rows == 1 ? to.row : (row_first + row_last) / 2;
  const int height = grid_.area(row, row, 0, 0).height;
  const auto top = [](const Block& block) { return block.rows > 1 ? 0 : block.offset; };
  const auto bottom = [&](const Block& block) { return block.rows > 1 ? height : block.offset + block.height; };
  const int first = std::max(top(from), top(to)), last = std::min(bottom(from), bottom(to));
  if (last - first < kStraightLeast) return std::nullopt;
  Route route;
  route.is_straight = true;
  route.from = {link.from, row, to.column, true, (first + last) / 2};
  route.to = {link.to, row, to.column, false, (first + last) / 2};
  return route;
}

int Map::price(int length, const std::vector<size_t>& users, size_t source) const {
  if (std::ranges::find(users, source) != users.end()) return length / kOwnShare;
  return length + kCompany * static_cast<int>(users.size());
}

void Map::reach(size_t to, int cost, size_t from, Queue& queue) {
  if (cost >= costs_[to]) return;
  costs_[to] = cost;
  came_from_[to] = from;
  queue.push({cost, to});
}

void Map::begin(const Link& link, Queue& queue) {
  for (const bool is_right : {true, false}) {
    const Port from = port(link.from, is_right);
    const int penalty = is_right ? 0 : kAgainstTime;
    const size_t above = corner(from.gutter, from.row), below = corner(from.gutter, from.row + 1);
    const auto& users = users_down_[above];
    reach(state(above, Up), penalty + price(port_y(from) - y(from.row), users, link.from), kNowhere, queue);
    reach(state(below, Down), penalty + price(y(from.row + 1) - port_y(from), users, link.from), kNowhere, queue);
  }
}

// On from a corner to its four neighbours.
void Map::spread(const Link& link, size_t at, int cost, Queue& queue) {
  const size_t here = at / 4;
  const Direction from = static_cast<Direction>(at % 4);
  const int g = static_cast<int>(here % down_), h = static_cast<int>(here / down_);
  const bool is_vertical = from == Up || from == Down;
  const int turn_across = is_vertical ? kTurn : 0, turn_down = is_vertical ? 0 : kTurn;
  const auto go = [&](Direction direction, size_t to, int length, const std::vector<size_t>& users, int turn) {
    reach(state(to, direction), cost + turn + price(length, users, link.from), at, queue);
  };
  if (from != Down && h > 0 && !wall_down_[corner(g, h - 1)])
    go(Up, corner(g, h - 1), y(h) - y(h - 1), users_down_[corner(g, h - 1)], turn_down);
  if (from != Up && h + 1 < static_cast<int>(across_) && !wall_down_[here])
    go(Down, corner(g, h + 1), y(h + 1) - y(h), users_down_[here], turn_down);
  if (from != Right && g > 0 && !wall_across_[corner(g - 1, h)])
    go(Left, corner(g - 1, h), x(g) - x(g - 1), users_across_[corner(g - 1, h)], turn_across);
  if (from != Left && g + 1 < static_cast<int>(down_) && !wall_across_[here])
    go(Right, corner(g + 1, h), x(g + 1) - x(g), users_across_[here], turn_across);
}

void Map::use(const Link& link, const std::vector<Corner>& way) {
  const auto add = [&](std::vector<size_t>& users) {
    if (std::ranges::find(users, link.from) == users.end()) users.push_back(link.from);
  };
  for (size_t i = 0; i + 1 < way.size(); ++i) {
    const Corner first = way[i], second = way[i + 1];
    if (first.gutter == second.gutter) add(users_down_[corner(first.gutter, std::min(first.across, second.across))]);
    else add(users_across_[corner(std::min(first.gutter, second.gutter), first.across)]);
  }
}

Route Map::trace(const Link& link, size_t last, bool arrives_left) {
  std::vector<Corner> way;
  for (size_t at = last; at != kNowhere; at = came_from_[at])
    way.push_back({static_cast<int>(at / 4 % down_), static_cast<int>(at / 4 / down_)});
  std::ranges::reverse(way);
  use(link, way);
  Route route;
  const Block& from = grid_.blocks()[link.from];
  route.from = port(link.from, way.front().gutter == from.column + from.columns);
  route.to = port(link.to, !arrives_left);
  const auto users = {corner(way.front().gutter, route.from.row), corner(way.back().gutter, route.to.row)};
  for (const size_t each : users)
    if (std::ranges::find(users_down_[each], link.from) == users_down_[each].end())
      users_down_[each].push_back(link.from);
  // A corner is a turn where the way changes between along and down; it begins and ends down a gutter.
  for (size_t i = 0; i < way.size(); ++i) {
    const bool was_down = i == 0 || way[i - 1].gutter == way[i].gutter;
    const bool is_down = i + 1 == way.size() || way[i + 1].gutter == way[i].gutter;
    if (was_down != is_down) route.turns.push_back(way[i]);
  }
  return route;
}

Route Map::find(const Link& link) {
  if (const std::optional<Route> route = straight(link)) return *route;
  constexpr int kFar = std::numeric_limits<int>::max();
  costs_.assign(down_ * across_ * 4, kFar);
  came_from_.assign(down_ * across_ * 4, kNowhere);
  Queue queue;
  begin(link, queue);
  while (!queue.empty()) {
    const Step step = queue.top();
    queue.pop();
    if (step.cost == costs_[step.state]) spread(link, step.state, step.cost, queue);
  }
  std::tuple<int, size_t, bool> best = {kFar, kNowhere, true};
  for (const bool arrives_left : {true, false}) {
    const Port to = port(link.to, !arrives_left);
    for (const auto& [across, direction] : {std::pair(to.row, Down), std::pair(to.row + 1, Up)}) {
      for (const Direction came : {direction, Left, Right}) {
        const size_t at = state(corner(to.gutter, across), came);
        if (costs_[at] == kFar) continue;
        const int rest =
            std::abs(port_y(to) - y(across)) + (came == direction ? 0 : kTurn) + (arrives_left ? 0 : kAgainstTime);
        best = std::min(best, {costs_[at] + rest, at, arrives_left});
      }
    }
    // Both look at one gutter of one row: no corner is needed.
    for (const bool leaves_right : {true, false}) {
      const Port from = port(link.from, leaves_right);
      if (from.gutter != to.gutter || from.row != to.row) continue;
      const int cost =
          std::abs(port_y(to) - port_y(from)) + (arrives_left ? 0 : kAgainstTime) + (leaves_right ? 0 : kAgainstTime);
      if (cost > std::get<0>(best)) continue;
      Route route;
      route.from = from, route.to = to;
      return route;
    }
  }
  return trace(link, std::get<1>(best), std::get<2>(best));
}

}  // namespace

std::vector<Route> find_routes(const Grid& grid) {
  Map map(grid);
  std::vector<Route> routes;
  for (const Link& link : grid.links()) routes.push_back(map.find(link));
  return routes;
}

}  // namespace weft::storm
