#include "storm/layout_scene.h"

#include <algorithm>
#include <ranges>

namespace weft::storm {

namespace {

constexpr int kMargin = 14;  // around the grid, whose outer gutters are there already
constexpr int kTitle = 34;
constexpr int kLeastWidth = 320;

void shift(Box& box, Point by) { box.x += by.x, box.y += by.y; }

}  // namespace

const Element& element_of(const Board& board, Key key) {
  switch (key.kind) {
    case Kind::Actor: return board.actors[key.index];
    case Kind::System: return board.systems[key.index];
    case Kind::Event: return board.events[key.index];
    case Kind::Command: return board.commands[key.index];
    case Kind::Policy: return board.policies[key.index];
    case Kind::View: return board.views[key.index];
    case Kind::Aggregate: return board.aggregates[key.index];
    case Kind::Context: return board.contexts[key.index];
    case Kind::Hotspot: return board.hotspots[key.index];
    case Kind::Opportunity: return board.opportunities[key.index];
    case Kind::Lane: return board.lanes[key.index];
  }
  return board.events[key.index];
}

size_t Scene::add(Key key, Block place) {
  Note note = make_note(key.kind, element_of(board_, key));
  note.is_pivotal = key.kind == Kind::Event && board_.events[key.index].pivotal.has_value();
  return add(std::move(note), place);
}

size_t Scene::add(Note note, Block place) {
  place.width = std::max(place.width, note.box.width);
  place.height = std::max(place.height, note.box.height);
  owners_.push_back({notes_.size(), {}, {}});
  notes_.push_back(std::move(note));
  return grid_.add(place);
}

size_t Scene::add(Label label, Block place) {
  place.width = std::max(place.width, label.box.width);
  place.height = std::max(place.height, label.box.height);
  owners_.push_back({{}, labels_.size(), {}});
  labels_.push_back(std::move(label));
  return grid_.add(place);
}

size_t Scene::add(Area area, std::vector<Note> notes, Block place) {
  place.width = std::max(place.width, area.box.width);
  place.height = std::max(place.height, area.box.height);
  owners_.push_back({{}, {}, groups_.size()});
  groups_.push_back({std::move(area), std::move(notes)});
  return grid_.add(place);
}

void Scene::connect(size_t from, size_t to, std::string meaning) {
  connections_.push_back({{grid_.link(from, to)}, std::move(meaning)});
}

void Scene::connect(size_t from, size_t label, size_t to, std::string meaning) {
  const size_t first = grid_.link(from, label);
  connections_.push_back({{first, grid_.link(label, to)}, std::move(meaning)});
}

void Scene::add_area(Area area, int row_first, int row_last, int column_first, int column_last, int padding) {
  grounds_.push_back({std::move(area), row_first, row_last, column_first, column_last, padding});
}

void Scene::mark(Key key) {
  for (Note& note : notes_)
    if (note.kind == key.kind && note.name == element_of(board_, key).name) note.is_focus = true;
}

NodeName Scene::name_of(size_t block) const {
  const Owner& owner = owners_[block];
  if (owner.group) return {groups_[*owner.group].area.kind, groups_[*owner.group].area.name};
  if (!owner.note) return {};
  return {notes_[*owner.note].kind, notes_[*owner.note].name};
}

void Scene::add_title(Picture& picture, const std::string& title) const {
  Label label;
  label.text = fit_text(title, {picture.width - 4 * kMargin, kTitle, 20, 9, 1});
  label.whole = title;
  label.box = {2 * kMargin, kMargin, picture.width - 4 * kMargin, kTitle};
  picture.labels.push_back(std::move(label));
}

// What the colours mean, right of the title where there is room.
void Scene::add_legend(Picture& picture) const {
  constexpr Kind kKinds[] = {Kind::Event,  Kind::Command,   Kind::Actor,   Kind::Policy,     Kind::View,
                             Kind::System, Kind::Aggregate, Kind::Hotspot, Kind::Opportunity};
  constexpr int kHeight = 20, kGap = 8, kPadding = 8;
  std::vector<Label> legend;
  int x = picture.width - 2 * kMargin;
  for (const Kind kind : std::views::reverse(kKinds)) {
    if (std::ranges::none_of(picture.notes, [&](const Note& note) { return note.kind == kind; })) continue;
    Label label;
    label.style = LabelStyle::Legend;
    label.kind = kind;
    label.text = {{std::string(to_string(kind))}, 11, false};
    const int width = label.text.width() + 2 * kPadding;
    x -= width;
    label.box = {x, kMargin + (kTitle - kHeight) / 2, width, kHeight};
    legend.push_back(std::move(label));
    x -= kGap;
  }
  Label& title = picture.labels.back();
  if (x < title.box.x + title.text.width() + 2 * kMargin) return;
  title.box.width = title.text.width();
  picture.labels.insert(picture.labels.end(), legend.rbegin(), legend.rend());
}

void Scene::take_places(Picture& picture, Point by) const {
  for (size_t block = 0; block < owners_.size(); ++block) {
    const Owner& owner = owners_[block];
    const Block& at = grid_.blocks()[block];
    Box box = at.box;
    shift(box, by);
    if (owner.note) {
      Note& note = picture.notes[*owner.note];
      if (at.columns > 1) note.width = box.width;
      if (at.rows > 1) note.height = box.height;
      note.box = box;
    } else if (owner.label) {
      picture.labels[*owner.label].box = box;
    } else {
      const Group& group = groups_[*owner.group];
      picture.areas.push_back(group.area);
      picture.areas.back().box = box;
      shift(picture.areas.back().header, {box.x, box.y});
      for (Note note : group.notes) {
        shift(note.box, {box.x, box.y});
        picture.notes.push_back(std::move(note));
      }
    }
  }
}

void Scene::take_grounds(Picture& picture, Point by) const {
  for (const Ground& ground : grounds_) {
    Area area = ground.area;
    area.box = grid_.area(ground.row_first, ground.row_last, ground.column_first, ground.column_last);
    area.header = {area.box.x, area.box.y, area.text.width(), area.text.height()};
    const int padding = ground.padding;
    area.box = {area.box.x - padding, area.box.y - padding, area.box.width + 2 * padding,
                area.box.height + 2 * padding};
    shift(area.box, by), shift(area.header, by);
    picture.areas.push_back(std::move(area));
  }
  // Lanes lie below the contexts inside them.
  std::ranges::stable_partition(picture.areas, [](const Area& area) { return area.kind == Kind::Lane; });
  for (const Tape& tape : grid_.tapes()) {
    picture.tapes.push_back(tape.box);
    shift(picture.tapes.back(), by);
  }
}

void Scene::take_edges(Picture& picture, Point by) const {
  const std::vector<Link>& links = grid_.links();
  for (const Connection& connection : connections_) {
    const NodeName from = name_of(links[connection.links.front()].from),
                   to = name_of(links[connection.links.back()].to);
    Edge edge = {from, to, connection.meaning, {}};
    for (const size_t link : connection.links) {
      edge.lines.push_back(links[link].line);
      for (Point& point : edge.lines.back()) point.x += by.x, point.y += by.y;
    }
    picture.edges.push_back(std::move(edge));
  }
}

Picture Scene::finish(const std::string& title) {
  solve(grid_);
  Picture picture;
  const Point by = {kMargin, kMargin + kTitle};
  picture.title = title;
  picture.width = std::max(kLeastWidth, grid_.width() + 2 * kMargin);
  picture.height = grid_.height() + by.y + kMargin;
  picture.notes = notes_;
  picture.labels = labels_;
  take_places(picture, by);
  take_grounds(picture, by);
  take_edges(picture, by);
  add_title(picture, title);
  add_legend(picture);
  return picture;
}

}  // namespace weft::storm
