#include "storm/draw_flow.h"

#include <map>
#include <set>

#include "storm/layout_scene.h"

namespace weft::storm {

namespace {

class Builder {
 public:
  Builder(const Graph& graph, const Picture& picture) : graph_(graph), board_(graph.board()) {
    for (const Note& note : picture.notes) shown_.insert({note.kind, note.name});
    for (const Area& area : picture.areas) shown_.insert({area.kind, area.name});
  }

  Flow run() {
    add_nodes();
    for (Index i = 0; i < board_.events.size(); ++i) {
      for (const Index system : graph_.sources_of(i)) add({Kind::System, system}, {Kind::Event, i}, "leads to");
      for (const Index policy : graph_.policies_on(i)) add({Kind::Event, i}, {Kind::Policy, policy}, "triggers");
      for (const Index view : graph_.views_of(i)) add({Kind::Event, i}, {Kind::View, view}, "is shown in");
    }
    for (Index i = 0; i < board_.commands.size(); ++i) add_command(i);
    for (Index i = 0; i < board_.aggregates.size(); ++i)
      for (const Index context : graph_.contexts_of_aggregate(i))
        add({Kind::Context, context}, {Kind::Aggregate, i}, "owns");
    add_remarks(Kind::Hotspot, board_.hotspots), add_remarks(Kind::Opportunity, board_.opportunities);
    return std::move(flow_);
  }

 private:
  void add_nodes() {
    const auto all = [&](Kind kind, size_t count) {
      for (Index i = 0; i < count; ++i) {
        const NodeName name = {kind, element_of(board_, {kind, i}).name};
        if (!shown_.contains(name) || !nodes_.try_emplace(name, flow_.nodes.size()).second) continue;
        flow_.nodes.push_back(name);
      }
    };
    all(Kind::Actor, board_.actors.size()), all(Kind::System, board_.systems.size()),
        all(Kind::View, board_.views.size());
    all(Kind::Command, board_.commands.size()), all(Kind::Aggregate, board_.aggregates.size()),
        all(Kind::Event, board_.events.size());
    all(Kind::Policy, board_.policies.size()), all(Kind::Context, board_.contexts.size());
    all(Kind::Hotspot, board_.hotspots.size()), all(Kind::Opportunity, board_.opportunities.size());
  }

  void add(Key from, Key to, std::string meaning) {
    const auto source = nodes_.find({from.kind, element_of(board_, from).name}),
               target = nodes_.find({to.kind, element_of(board_, to).name});
    if (source == nodes_.end() || target == nodes_.end() || !known_.emplace(source->second, target->second).second)
      return;
    flow_.edges.push_back({source->second, target->second, std::move(meaning)});
  }

  void add_command(Index command) {
    const Key key = {Kind::Command, command};
    for (const Index actor : graph_.issuing_actors(command)) add({Kind::Actor, actor}, key, "issues");
    for (const Index policy : graph_.issuing_policies(command)) add({Kind::Policy, policy}, key, "issues");
    for (const Index view : graph_.views_seen(command)) add({Kind::View, view}, key, "is read for");
    for (const Index aggregate : graph_.aggregates_of(command)) add(key, {Kind::Aggregate, aggregate}, "is decided by");
    for (const Index system : graph_.systems_of(command)) add(key, {Kind::System, system}, "goes to");
    for (const Index event : graph_.events_of(command)) add(key, {Kind::Event, event}, "leads to");
  }

  void add_remarks(Kind kind, const std::vector<Remark>& remarks) {
    for (Index i = 0; i < remarks.size(); ++i)
      for (const Reference& on : remarks[i].on)
        for (const Kind target : graph_.kinds_of(on.name))
          add({kind, i}, {target, *graph_.find(target, on.name)}, "is about");
  }

  const Graph& graph_;
  const Board& board_;
  std::set<NodeName> shown_;
  std::map<NodeName, size_t> nodes_;
  std::set<std::pair<size_t, size_t>> known_;
  Flow flow_;
};

}  // namespace

Flow flow_of(const Graph& graph, const Picture& picture) { return Builder(graph, picture).run(); }

}  // namespace weft::storm
