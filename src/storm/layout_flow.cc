#include <fmt/core.h>

#include <algorithm>

#include "storm/layout_layers.h"
#include "storm/layout_views.h"

namespace weft::storm {

namespace {

constexpr int kColumnGap = 44;

// Who issues a command, after a look at what: actors and views stand near each use, policies once.
void add_issuers(const Graph& graph, Layers& layers, Index command, size_t to, int layer) {
  std::vector<size_t> actors;
  for (const Index actor : graph.issuing_actors(command)) {
    actors.push_back(layers.add_again({Kind::Actor, actor}, layer));
    layers.connect(actors.back(), to, "issues");
  }
  for (const Index view : graph.views_seen(command)) {
    const size_t from = layers.add_again({Kind::View, view}, layer - 1);
    layers.connect(from, actors.empty() ? to : actors.front(), "is read by");
  }
  for (const Index policy : graph.issuing_policies(command)) {
    const size_t from = layers.add({Kind::Policy, policy}, layer);
    layers.connect(from, to, "issues");
    for (const Index event : graph.triggers(policy))
      layers.connect(layers.add({Kind::Event, event}, layer - 1), from, "triggers");
  }
}

Label refusal(const std::vector<Reference>& refusals) {
  constexpr int kWidth = 128, kPadding = 6;
  Label label;
  label.style = LabelStyle::Refusal;
  for (const Reference& each : refusals) label.whole += (label.whole.empty() ? "refused: " : ", ") + each.name;
  label.text = fit_text(label.whole, {kWidth - 2 * kPadding, 120, 11, 8, 8});
  label.box = {0, 0, kWidth, label.text.height() + 2 * kPadding};
  return label;
}

std::string title_of(const Board& board, Key key) {
  const std::string& name = board.title.empty() ? board.name : board.title;
  return fmt::format("{} {}{}{}", to_string(key.kind), element_of(board, key).name, name.empty() ? "" : " · ", name);
}

}  // namespace

Picture lay_out_aggregate(const Graph& graph, Index aggregate) {
  enum Layer { Causes, Issuers, Commands, Rule, Events, Effects };
  constexpr int kRuleWidth = 170;
  const Board& board = graph.board();
  Layers layers;
  const size_t rule = layers.add_tall({Kind::Aggregate, aggregate}, Rule, kRuleWidth);
  // Events first: a policy's trigger that this aggregate itself produces stands among its events.
  Indices commands;
  for (Index command = 0; command < board.commands.size(); ++command) {
    const Indices& in = graph.aggregates_of(command);
    if (std::ranges::find(in, aggregate) == in.end()) continue;
    commands.push_back(command);
    const size_t from = layers.add({Kind::Command, command}, Commands);
    layers.connect(from, rule, "is decided by");
    for (const Index event : graph.events_of(command)) {
      const size_t to = layers.add({Kind::Event, event}, Events);
      layers.connect(rule, to, "leads to");
      layers.align(from, to);
    }
    if (board.commands[command].refusals.empty()) continue;
    const size_t to = layers.add(refusal(board.commands[command].refusals), Events);
    layers.align(from, to);
    layers.connect(rule, to, "refuses");
  }
  for (const Index command : commands)
    add_issuers(graph, layers, command, layers.add({Kind::Command, command}, Commands), Issuers);
  for (const Index command : commands)
    for (const Index event : graph.events_of(command))
      for (const Index policy : graph.policies_on(event))
        layers.connect(layers.add({Kind::Event, event}, Events), layers.add({Kind::Policy, policy}, Effects),
                       "triggers");
  Scene scene(board);
  scene.grid().set_column_gap(kColumnGap);
  layers.place(scene);
  return scene.finish(title_of(board, {Kind::Aggregate, aggregate}));
}

Picture lay_out_event(const Graph& graph, Index event) {
  enum Layer { Causes, Issuers, Commands, Rule, Focus, Effects, Next, Then };
  const Board& board = graph.board();
  Layers layers;
  const size_t focus = layers.add({Kind::Event, event}, Focus);
  for (const Index command : graph.producers(event)) {
    const size_t from = layers.add({Kind::Command, command}, Commands);
    std::vector<Key> deciders;
    for (const Index aggregate : graph.aggregates_of(command)) deciders.push_back({Kind::Aggregate, aggregate});
    for (const Index system : graph.systems_of(command)) deciders.push_back({Kind::System, system});
    for (const Key key : deciders) {
      const size_t rule = layers.add(key, Rule);
      layers.connect(from, rule, "is decided by");
      layers.connect(rule, focus, "leads to");
    }
    if (deciders.empty()) layers.connect(from, focus, "leads to");
    add_issuers(graph, layers, command, from, Issuers);
  }
  for (const Index system : graph.sources_of(event))
    layers.connect(layers.add({Kind::System, system}, Rule), focus, "leads to");
  for (const Index policy : graph.policies_on(event)) {
    const size_t reaction = layers.add({Kind::Policy, policy}, Effects);
    layers.connect(focus, reaction, "triggers");
    for (const Index command : graph.commands_of(policy)) {
      const size_t next = layers.add({Kind::Command, command}, Next);
      layers.connect(reaction, next, "issues");
      for (const Index then : graph.events_of(command))
        layers.connect(next, layers.add({Kind::Event, then}, Then), "leads to");
    }
  }
  for (const Index view : graph.views_of(event))
    layers.connect(focus, layers.add_again({Kind::View, view}, Effects), "is shown in");
  Scene scene(board);
  scene.grid().set_column_gap(kColumnGap);
  layers.place(scene);
  scene.mark({Kind::Event, event});
  return scene.finish(title_of(board, {Kind::Event, event}));
}

}  // namespace weft::storm
