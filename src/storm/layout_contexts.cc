#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "storm/layout_scene.h"
#include "storm/layout_views.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr int kPadding = 12, kGap = 10, kHeader = 24;
constexpr int kColumnGap = 34;
constexpr size_t kInRow = 2;  // notes side by side in a context

/// All policies that cross from one context to another.
struct Road {
  size_t from = 0, to = 0;  // seats
  std::vector<const Crossing*> crossings;
};

/// A context, or a system that none fronts, and where it is.
struct Seat {
  Key key;
  int row = 0, column = 0;
};

class Roads {
 public:
  explicit Roads(const Graph& graph)
      : graph_(graph), board_(graph.board()), crossings_(graph.crossings()), scene_(board_) {
    for (Index i = 0; i < board_.contexts.size(); ++i) find(board_.contexts[i].name);
    for (const Crossing& crossing : crossings_) add(crossing);
  }

  Picture draw() {
    arrange();
    std::vector<size_t> blocks;
    for (const Seat& seat : seats_) blocks.push_back(put(seat));
    for (const Road& road : roads_) {
      const Seat &from = seats_[road.from], &to = seats_[road.to];
      Block at;
      at.column = 2 * std::min(from.column, to.column) + 1;
      at.row = (from.row + to.row) / 2;
      scene_.connect(blocks[road.from], scene_.add(sign(road), at), blocks[road.to],
                     fmt::format("{} crossings", road.crossings.size()));
    }
    scene_.grid().set_column_gap(kColumnGap);
    const std::string& title = board_.title.empty() ? board_.name : board_.title;
    return scene_.finish(title.empty() ? "contexts" : "contexts · " + title);
  }

 private:
  std::optional<size_t> find(const std::string& name) {
    const std::string lower = lower_case(name);
    if (const auto known = by_name_.find(lower); known != by_name_.end()) return known->second;
    for (Index i = 0; i < board_.contexts.size(); ++i)
      if (lower_case(board_.contexts[i].name) == lower) return add_seat(lower, {Kind::Context, i});
    for (Index i = 0; i < board_.systems.size(); ++i)
      if (lower_case(board_.systems[i].name) == lower) return add_seat(lower, {Kind::System, i});
    return std::nullopt;
  }

  size_t add_seat(const std::string& lower, Key key) {
    seats_.push_back({key, 0, 0});
    by_name_.emplace(lower, seats_.size() - 1);
    return seats_.size() - 1;
  }

  void add(const Crossing& crossing) {
    const std::optional<size_t> from = find(crossing.from), to = find(crossing.to);
    if (!from || !to || from == to) return;
    const auto same =
        std::ranges::find_if(roads_, [&](const Road& road) { return road.from == *from && road.to == *to; });
    if (same != roads_.end()) return same->crossings.push_back(&crossing);
    roads_.push_back({*from, *to, {&crossing}});
  }

  // Rows of about as many places as there are rows; then places change seats as long as that shortens the roads.
  void arrange() {
    const size_t columns =
        std::max<size_t>(1, static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(seats_.size())))));
    std::vector<size_t> order(seats_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto length = [&] {
      double sum = 0;
      for (const Road& road : roads_) {
        const auto [a, b] = std::pair(order[road.from], order[road.to]);
        const double across = static_cast<double>(b % columns) - static_cast<double>(a % columns);
        const double down = static_cast<double>(b / columns) - static_cast<double>(a / columns);
        sum += std::abs(across) + std::abs(down) * 0.8 +
               (across < 0    ? 0.6
                : across == 0 ? 0.3
                              : 0) +
               (across * down != 0 ? 0.4 : 0);
      }
      return sum;
    };
    constexpr size_t kSwappedMax = 60;  // more contexts than that keep the order of the file
    double best = length();
    bool is_better = seats_.size() <= kSwappedMax;
    for (int pass = 0; is_better && pass < 6; ++pass) {
      is_better = false;
      for (size_t a = 0; a < order.size(); ++a)
        for (size_t b = a + 1; b < order.size(); ++b) {
          std::swap(order[a], order[b]);
          const double now = length();
          if (now < best - 1e-9) best = now, is_better = true;
          else std::swap(order[a], order[b]);
        }
    }
    for (size_t i = 0; i < order.size(); ++i)
      seats_[i].row = static_cast<int>(order[i] / columns), seats_[i].column = static_cast<int>(order[i] % columns);
  }

  size_t put(const Seat& seat) {
    const Block at = {seat.row, 2 * seat.column};
    if (seat.key.kind != Kind::Context) return scene_.add(seat.key, at);
    const Context& context = board_.contexts[seat.key.index];
    std::vector<Note> notes;
    for (const Reference& reference : context.owns)
      if (const auto index = graph_.resolve(Kind::Aggregate, reference.name))
        notes.push_back(make_note(Kind::Aggregate, board_.aggregates[*index]));
    for (const Reference& reference : context.fronts)
      if (const auto index = graph_.resolve(Kind::System, reference.name))
        notes.push_back(make_note(Kind::System, board_.systems[*index]));
    Area area;
    area.name = context.name;
    area.role = context.role;
    const int columns = static_cast<int>(std::clamp<size_t>(notes.size(), 1, kInRow));
    const int width = notes.empty() ? 120 : notes.front().width, height = notes.empty() ? 0 : notes.front().height;
    for (size_t i = 0; i < notes.size(); ++i) {
      notes[i].box.x = kPadding + static_cast<int>(i % kInRow) * (width + kGap);
      notes[i].box.y = kPadding + kHeader + static_cast<int>(i / kInRow) * (height + kGap);
    }
    const int rows = static_cast<int>((notes.size() + kInRow - 1) / kInRow);
    area.box = {0, 0, columns * width + (columns - 1) * kGap + 2 * kPadding,
                kHeader + rows * (height + kGap) - (rows > 0 ? kGap : 0) + 2 * kPadding};
    const std::string title = context.role.empty() ? context.name : fmt::format("{} ({})", context.name, context.role);
    area.text = fit_text(title, {area.box.width - 2 * kPadding, kHeader, 16, 7, 2});
    area.header = {kPadding, kPadding - 4, area.text.width(), area.text.height()};
    return scene_.add(std::move(area), std::move(notes), at);
  }

  Label sign(const Road& road) const {
    constexpr int kWidth = 230, kInner = kWidth - 16;
    constexpr size_t kShownMax = 4;
    Label label;
    label.style = LabelStyle::Crossing;
    label.text.size = 10.5;
    for (size_t i = 0; i < road.crossings.size(); ++i) {
      const Crossing& each = *road.crossings[i];
      const std::string event = board_.events[each.event].name, command = "→ " + board_.commands[each.command].name;
      label.whole += fmt::format("{} {}\n", event, command);
      if (i >= kShownMax) continue;
      std::vector<std::string> lines = {event + " " + command};
      if (text_width(lines[0], label.text.size) > kInner) lines = {event, command};
      for (const std::string& line : lines) {
        const TextBlock block = fit_text(line, {kInner, 13, label.text.size, label.text.size, 1});
        label.text.lines.push_back(block.lines.empty() ? line : block.lines.front());
        label.text.is_cut |= block.is_cut;
      }
    }
    if (road.crossings.size() > kShownMax)
      label.text.lines.push_back(fmt::format("and {} more", road.crossings.size() - kShownMax));
    label.text.is_cut |= road.crossings.size() > kShownMax;
    label.text.lines.insert(
        label.text.lines.begin(),
        fmt::format("{} {}", road.crossings.size(), road.crossings.size() == 1 ? "crossing" : "crossings"));
    label.box = {0, 0, kWidth, label.text.height() + 12};
    return label;
  }

  const Graph& graph_;
  const Board& board_;
  const std::vector<Crossing> crossings_;
  std::map<std::string, size_t> by_name_;
  std::vector<Seat> seats_;
  std::vector<Road> roads_;
  Scene scene_;
};

}  // namespace

Picture lay_out_contexts(const Graph& graph) { return Roads(graph).draw(); }

}  // namespace weft::storm
