#include "storm/layout_tracks.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "storm/layout_ports.h"

namespace weft::storm {

namespace {

constexpr int kNear = 8;  // ends of two edges on one track keep this apart
constexpr size_t kOrderedMax = 160;
constexpr size_t kTapeSource = std::numeric_limits<size_t>::max();

/// A straight piece in one gutter, shared by the edges of one source.
struct Run {
  int first = 0, last = 0;  // keys
  size_t source = 0;
  int track = 0;
  std::vector<int> before, after;  // keys where something leaves to the left (up) and to the right (down)
};

/// All runs of one direction: of a gutter, those in it.
using Runs = std::map<int, std::vector<Run>>;

bool is_overlapping(const Run& a, const Run& b) { return a.first < b.last + kNear && b.first < a.last + kNear; }

// Crossings when `a` lies left of (above) `b`.
int crossings(const Run& a, const Run& b) {
  const auto within = [](const std::vector<int>& keys, const Run& run) {
    return std::ranges::count_if(keys, [&](int key) { return key >= run.first && key <= run.last; });
  };
  return static_cast<int>(within(b.before, a) + within(a.after, b));
}

// Moves each run to where it crosses the fewest others, until nothing gets better.
void order(std::vector<Run>& runs) {
  std::ranges::stable_sort(runs, {}, [](const Run& run) { return std::tuple(run.first, run.last, run.source); });
  if (runs.size() > kOrderedMax) return;
  constexpr int kPasses = 4;
  for (int pass = 0; pass < kPasses; ++pass) {
    bool is_better = false;
    for (size_t i = 0; i < runs.size(); ++i) {
      // The change in crossings when run i moves to place j, summed up step by step to both sides.
      int best = 0;
      size_t to = i;
      for (int change = 0; const int step : {-1, 1}) {
        change = 0;
        for (size_t j = i; step < 0 ? j > 0 : j + 1 < runs.size();) {
          j = step < 0 ? j - 1 : j + 1;
          if (is_overlapping(runs[i], runs[j])) {
            const int left = crossings(runs[i], runs[j]), right = crossings(runs[j], runs[i]);
            change += step < 0 ? left - right : right - left;
          }
          if (change < best) best = change, to = j;
        }
      }
      if (to == i) continue;
      is_better = true;
      if (to < i)
        std::rotate(runs.begin() + static_cast<long>(to), runs.begin() + static_cast<long>(i),
                    runs.begin() + static_cast<long>(i) + 1);
      if (to > i)
        std::rotate(runs.begin() + static_cast<long>(i), runs.begin() + static_cast<long>(i) + 1,
                    runs.begin() + static_cast<long>(to) + 1);
    }
    if (!is_better) return;
  }
}

// In that order, each on the first track right of all it would lie on. Returns the number of tracks.
int assign(std::vector<Run>& runs) {
  int tracks = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].track = 0;
    for (size_t j = 0; j < i; ++j)
      if (is_overlapping(runs[i], runs[j])) runs[i].track = std::max(runs[i].track, runs[j].track + 1);
    tracks = std::max(tracks, runs[i].track + 1);
  }
  return tracks;
}

/// The runs of all routes, and their lines once runs have tracks.
class Tracks {
 public:
  Tracks(Grid& grid, const std::vector<Route>& routes) : grid_(grid), routes_(routes) {}

  void settle() {
    for (const Route& route : routes_) add(route);
    for (const Tape& tape : grid_.tapes())
      down_[tape.gutter].push_back(
          {key_of_gutter(tape.row_first), key_of_gutter(tape.row_last + 1), kTapeSource, 0, {}, {}});
    for (Runs* runs : {&down_, &across_})
      for (auto& [gutter, in] : *runs) merge(in);
    for (const Route& route : routes_) connect(route);
    grid_.place(number(across_, grid_.rows()), number(down_, grid_.columns()));
  }

  void draw() {
    for (size_t i = 0; i < routes_.size(); ++i) grid_.links()[i].line = line(routes_[i]);
    constexpr int kTapeWidth = 6, kOverhang = 8;
    for (Tape& tape : grid_.tapes()) {
      const Run& run = find(down_, tape.gutter, kTapeSource, key_of_gutter(tape.row_first));
      const Box room = grid_.area(tape.row_first, tape.row_last, 0, 0);
      tape.box = {grid_.track_x(tape.gutter, run.track) - kTapeWidth / 2, room.y - kOverhang, kTapeWidth,
                  room.height + 2 * kOverhang};
    }
  }

 private:
  // Calls down(gutter, from, to) and across(gutter, from, to) with the keys of each piece in turn.
  template <typename Down, typename Across>
  static void walk(const Route& route, Down down, Across across) {
    if (route.is_straight) return;
    int key = key_of(route.from), gutter = route.from.gutter;
    for (size_t i = 0; i < route.turns.size(); i += 2) {
      const int at = route.turns[i].across;
      down(gutter, key, key_of_gutter(at));
      const int next = route.turns[i + 1].gutter;
      across(at, key_of_gutter(gutter), key_of_gutter(next));
      gutter = next;
      key = key_of_gutter(at);
    }
    down(gutter, key, key_of(route.to));
  }

  void add(const Route& route) {
    const auto to = [&](Runs& runs) {
      return [&runs, &route](int gutter, int from, int to) {
        runs[gutter].push_back({std::min(from, to), std::max(from, to), route.from.block, 0, {}, {}});
      };
    };
    walk(route, to(down_), to(across_));
  }

  static void merge(std::vector<Run>& runs) {
    std::ranges::stable_sort(runs, {}, [](const Run& run) { return std::tuple(run.source, run.first, run.last); });
    std::vector<Run> merged;
    for (Run& run : runs) {
      if (!merged.empty() && merged.back().source == run.source && run.first <= merged.back().last + kNear)
        merged.back().last = std::max(merged.back().last, run.last);
      else merged.push_back(std::move(run));
    }
    runs = std::move(merged);
  }

  static Run& find(Runs& runs, int gutter, size_t source, int key) {
    for (Run& run : runs[gutter])
      if (run.source == source && key >= run.first && key <= run.last) return run;
    return runs[gutter].front();
  }

  // Tells each run where others leave it, and to which side.
  void connect(const Route& route) {
    if (route.is_straight) return;
    const size_t source = route.from.block;
    const auto port = [&](const Port& at) {
      Run& run = find(down_, at.gutter, source, key_of(at));
      (at.is_right ? run.before : run.after).push_back(key_of(at));
    };
    port(route.from), port(route.to);
    for (const Corner& turn : route.turns) {
      Run& down = find(down_, turn.gutter, source, key_of_gutter(turn.across));
      Run& across = find(across_, turn.across, source, key_of_gutter(turn.gutter));
      const int along = key_of_gutter(turn.gutter), height = key_of_gutter(turn.across);
      if (across.first < along) down.before.push_back(height);
      if (across.last > along) down.after.push_back(height);
      if (down.first < height) across.before.push_back(along);
      if (down.last > height) across.after.push_back(along);
    }
  }

  static std::vector<int> number(Runs& runs, int count) {
    std::vector<int> tracks(static_cast<size_t>(count) + 1, 0);
    for (auto& [gutter, in] : runs) {
      order(in);
      tracks[static_cast<size_t>(gutter)] = assign(in);
    }
    return tracks;
  }

  std::vector<Point> line(const Route& route) {
    const size_t source = route.from.block;
    const auto end = [&](const Port& port) {
      const Box& box = grid_.blocks()[port.block].box;
      return Point{port.is_right ? box.right() : box.x, grid_.row_top(port.row) + port.offset};
    };
    const auto x = [&](int gutter, int key) { return grid_.track_x(gutter, find(down_, gutter, source, key).track); };
    std::vector<Point> points = {end(route.from)};
    int gutter = route.from.gutter, key = key_of(route.from);
    if (!route.is_straight) points.push_back({x(gutter, key), points.back().y});
    for (size_t i = 0; i < route.turns.size(); i += 2) {
      const int at = route.turns[i].across;
      const int y = grid_.track_y(at, find(across_, at, source, key_of_gutter(gutter)).track);
      points.push_back({points.back().x, y});
      gutter = route.turns[i + 1].gutter;
      points.push_back({x(gutter, key_of_gutter(at)), y});
    }
    const Point last = end(route.to);
    if (!route.is_straight) points.push_back({points.back().x, last.y});
    points.push_back(last);
    return points;
  }

  Grid& grid_;
  const std::vector<Route>& routes_;
  Runs down_, across_;
};

}  // namespace

void draw_links(Grid& grid, std::vector<Route> routes) {
  spread_ports(grid, routes);
  Tracks tracks(grid, routes);
  tracks.settle();
  tracks.draw();
}

}  // namespace weft::storm
