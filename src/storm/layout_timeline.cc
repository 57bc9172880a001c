#include <algorithm>
#include <cmath>
#include <map>

#include "storm/layout_columns.h"
#include "storm/layout_views.h"

namespace weft::storm {

namespace {

constexpr double kRatio = 2.0;           // of width to height that is best, between 16:10 and 3:1
constexpr size_t kAggregateColumns = 6;  // over which one aggregate is stretched, so that edges find a way past it
constexpr int kClose = 10;               // pixels between notes that belong together
constexpr int kBandGap = 44;             // between rows of the wall
constexpr int kHeader = 17;              // for the names of contexts
constexpr int kLaneHeader = 20;
constexpr int kContextPadding = 8, kLanePadding = 14;

/// Columns that stand side by side in one row of the wall.
struct Band {
  const Strand* strand = nullptr;
  size_t first = 0, count = 0;
  std::span<const Column> columns() const { return std::span(strand->columns).subspan(first, count); }
};

// About `length` columns each, cut behind a pivotal event where one is near.
std::vector<Band> cut_bands(const Strand& strand, size_t length) {
  const size_t all = strand.columns.size();
  const size_t bands = (all + length - 1) / length;
  std::vector<Band> out;
  size_t first = 0;
  while (first < all) {
    const size_t left = bands - std::min(out.size(), bands - 1);
    const double ideal = static_cast<double>(all - first) / static_cast<double>(left);
    size_t best = all;
    double best_cost = left == 1 ? 0 : 1e9;
    for (size_t end = first + 1; end < all && left > 1; ++end) {
      if (strand.columns[end].is_joined) continue;
      // A row that is too long makes the whole wall wider, one that is too short only leaves room.
      const double away = (static_cast<double>(end - first) - ideal) / ideal;
      const double cost = (away > 0 ? 2 * away : -away) + (strand.columns[end - 1].is_phase_end ? 0 : 0.2);
      if (cost < best_cost) best_cost = cost, best = end;
    }
    out.push_back({&strand, first, best - first});
    first = best;
  }
  return out;
}

/// Puts bands below each other.
class Wall {
 public:
  Wall(const Graph& graph, const std::vector<Strand>& strands, size_t length)
      : graph_(graph), board_(graph.board()), scene_(board_) {
    for (const Strand& strand : strands) add(strand, length);
    connect();
  }
  Scene& scene() { return scene_; }

 private:
  void add(const Strand& strand, size_t length) {
    const int first = row_;
    const bool is_lane = !board_.lanes.empty();
    if (is_lane) {
      open_row(row_ == 0 ? kClose : kBandGap + kLanePadding, Align::Top);
      scene_.grid().set_row_height(row_ - 1, kLaneHeader);
    }
    size_t widest = 0;
    for (const Band& band : cut_bands(strand, length)) {
      add(band);
      widest = std::max(widest, band.count);
    }
    if (!is_lane || strand.lane.empty()) return;
    Area area;
    area.kind = Kind::Lane;
    area.name = strand.lane;
    area.text = fit_text(strand.lane, {112, kLaneHeader, 15, 8, 1});
    scene_.add_area(std::move(area), first, row_ - 1, 0, static_cast<int>(widest) - 1, kLanePadding);
  }

  int open_row(int gap, Align align) {
    scene_.grid().set_gap(row_, gap);
    scene_.grid().set_align(row_, align);
    scene_.grid().set_row_height(row_, 0);
    return row_++;
  }

  void add(const Band& band) {
    const std::span<const Column> columns = band.columns();
    const int first = row_;
    int gap = row_ == 0 ? kClose : kBandGap;
    if (std::ranges::any_of(columns, [](const Column& column) { return column.context.has_value(); })) {
      open_row(gap, Align::Top);
      scene_.grid().set_row_height(row_ - 1, kHeader);
      gap = kClose;
    }
    add_row(columns, &Column::issuers, gap, Align::Bottom);
    add_row(columns, &Column::commands, gap, Align::Bottom);
    add_row(columns, &Column::events, gap, Align::Top);
    add_deciders(columns, gap);
    add_row(columns, &Column::below, gap, Align::Top);
    if (row_ == first) return;
    for (size_t c = 0; c + 1 < columns.size(); ++c)
      if (columns[c].is_phase_end) scene_.grid().add_tape({static_cast<int>(c) + 1, first, row_ - 1, {}});
    if (columns.back().is_phase_end) scene_.grid().add_tape({static_cast<int>(columns.size()), first, row_ - 1, {}});
    add_contexts(columns, first);
  }

  void add_row(std::span<const Column> columns, std::vector<Key> Column::*part, int& gap, Align align) {
    if (std::ranges::all_of(columns, [&](const Column& column) { return (column.*part).empty(); })) return;
    open_row(gap, align);
    gap = kClose;
    for (size_t c = 0; c < columns.size(); ++c)
      for (const Key key : columns[c].*part) put(key, {row_ - 1, static_cast<int>(c)});
  }

  void put(Key key, Block place) {
    const size_t block = scene_.add(key, place);
    first_.try_emplace(key, block);
  }

  // Neighbours of one aggregate share its note; a tape parts them.
  void add_deciders(std::span<const Column> columns, int& gap) {
    if (std::ranges::all_of(columns, [](const Column& column) { return column.deciders.empty() && !column.aggregate; }))
      return;
    open_row(gap, Align::Top);
    gap = kClose;
    for (size_t c = 0; c < columns.size();) {
      size_t end = c + 1;
      if (columns[c].aggregate) {
        while (end < columns.size() && columns[end].aggregate == columns[c].aggregate &&
               !columns[end - 1].is_phase_end && columns[end].deciders.empty())
          ++end;
        // A long run is parted evenly.
        const size_t parts = (end - c + kAggregateColumns - 1) / kAggregateColumns;
        end = c + (end - c + parts - 1) / parts;
        put({Kind::Aggregate, *columns[c].aggregate}, {row_ - 1, static_cast<int>(c), 1, static_cast<int>(end - c)});
      }
      for (const Key key : columns[c].deciders) put(key, {row_ - 1, static_cast<int>(c)});
      c = end;
    }
  }

  void add_contexts(std::span<const Column> columns, int first) {
    for (size_t c = 0; c < columns.size();) {
      size_t end = c + 1;
      while (end < columns.size() && columns[end].context == columns[c].context) ++end;
      if (columns[c].context) {
        const Context& context = board_.contexts[*columns[c].context];
        Area area;
        area.name = context.name;
        area.role = context.role;
        area.text = fit_text(context.name, {112, kHeader, 13.5, 6.5, 1});
        scene_.add_area(std::move(area), first, row_ - 1, static_cast<int>(c), static_cast<int>(end) - 1,
                        kContextPadding);
      }
      c = end;
    }
  }

  void connect() {
    for (Index policy = 0; policy < board_.policies.size(); ++policy) {
      for (const Index event : graph_.triggers(policy))
        connect({Kind::Event, event}, {Kind::Policy, policy}, "triggers");
    }
    for (Index command = 0; command < board_.commands.size(); ++command) {
      for (const Index policy : graph_.issuing_policies(command))
        connect({Kind::Policy, policy}, {Kind::Command, command}, "issues");
      for (const Index event : graph_.events_of(command))
        connect({Kind::Command, command}, {Kind::Event, event}, "leads to");
    }
  }

  // Notes of one column say by standing together what an edge would say.
  void connect(Key from, Key to, std::string meaning) {
    const auto source = first_.find(from), target = first_.find(to);
    if (source == first_.end() || target == first_.end()) return;
    const Block &a = scene_.grid().blocks()[source->second], &b = scene_.grid().blocks()[target->second];
    const bool is_near = a.column == b.column && std::abs(a.row - b.row) == 1;
    if (!is_near || meaning == "triggers") scene_.connect(source->second, target->second, std::move(meaning));
  }

  const Graph& graph_;
  const Board& board_;
  Scene scene_;
  int row_ = 0;
  std::map<Key, size_t> first_;  // the block of each element
};

// How far a wall with such long rows is from a good shape.
double misfit(const Graph& graph, const std::vector<Strand>& strands, size_t length) {
  Wall wall(graph, strands, length);
  Grid& grid = wall.scene().grid();
  grid.measure();
  grid.place(std::vector<int>(static_cast<size_t>(grid.rows()) + 1, 1),
             std::vector<int>(static_cast<size_t>(grid.columns()) + 1, 1));
  return std::abs(std::log(static_cast<double>(grid.width()) / grid.height() / kRatio));
}

}  // namespace

Picture lay_out_timeline(const Graph& graph) {
  const std::vector<Strand> strands = arrange(graph);
  size_t longest = 1;
  for (const Strand& strand : strands) longest = std::max(longest, strand.columns.size());
  size_t best = longest;
  double best_misfit = 1e9;
  // Rows of all, half, a third of the columns, and so on: what is in between gives the same rows.
  for (size_t bands = 1, last = 0; bands <= longest; ++bands) {
    const size_t length = (longest + bands - 1) / bands;
    if (length == last) continue;
    last = length;
    const double now = misfit(graph, strands, length);
    if (now < best_misfit) best_misfit = now, best = length;
    if (now > best_misfit + 0.7) break;  // taller and taller from here on
  }
  Wall wall(graph, strands, best);
  const Board& board = graph.board();
  return wall.scene().finish(board.title.empty() ? board.name : board.title);
}

}  // namespace weft::storm
