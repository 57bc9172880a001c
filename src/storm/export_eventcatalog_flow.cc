#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storm/export_eventcatalog.h"

namespace weft::storm {

namespace {

class Flow {
 public:
  explicit Flow(const Contracts& contracts)
      : contracts_(contracts), graph_(contracts.graph()), board_(contracts.board()) {}

  ExportedFile run() {
    issued_by_.resize(board_.actors.size());
    told_by_.resize(board_.systems.size());
    for (const Index command : contracts_.commands())
      for (const Index actor : graph_.issuing_actors(command)) issued_by_[actor].push_back(command);
    for (const Index event : contracts_.events())
      for (const Index system : graph_.sources_of(event)) told_by_[system].push_back(event);
    for (Index i = 0; i < board_.actors.size(); ++i)
      if (graph_.find(Kind::Actor, board_.actors[i].name) == i) actor(i);
    for (Index i = 0; i < board_.systems.size(); ++i)
      if (graph_.find(Kind::System, board_.systems[i].name) == i) system(i);
    for (const Index command : contracts_.commands()) this->command(command);
    for (const Index event : contracts_.events()) this->event(event);
    for (const Index policy : contracts_.policies()) this->policy(policy);
    const std::string id = safe_key(board_.name.empty() ? "board" : board_.name);
    const Json front = {{"id", id},
                        {"name", contracts_.title()},
                        {"version", contracts_.version()},
                        {"summary", "The flow of events on the board"},
                        {"steps", std::move(steps_)}};
    return {fmt::format("flows/{}/index.mdx", id), catalog_page(front, "<NodeGraph />\n")};
  }

 private:
  static std::string actor_step(Index i) { return fmt::format("actor-{}", i + 1); }
  static std::string system_step(Index i) { return fmt::format("system-{}", i + 1); }
  static std::string policy_step(Index i) { return fmt::format("policy-{}", i + 1); }
  static std::string command_step(Index i) { return fmt::format("command-{}", i + 1); }
  static std::string event_step(Index i) { return fmt::format("event-{}", i + 1); }

  void add(const std::string& id, std::string_view type, const std::string& title, const char* what, Json value,
           Json next) {
    Json step = {{"id", id}, {"type", type}, {"title", title}, {what, std::move(value)}};
    if (!next.empty()) step["next_steps"] = std::move(next);
    steps_.push_back(std::move(step));
  }
  static Json named(const Element& element) {
    Json out = {{"name", element.name}};
    if (!element.text.empty()) out["summary"] = element.text;
    return out;
  }
  Json message(const std::string& key) const { return {{"id", key}, {"version", contracts_.version()}}; }
  static Json next(const std::string& id, std::string_view label) { return {{"id", id}, {"label", label}}; }

  void actor(Index index) {
    Json steps = Json::array();
    for (const Index command : issued_by_[index]) steps.push_back(next(command_step(command), "issues"));
    add(actor_step(index), "actor", board_.actors[index].name, "actor", named(board_.actors[index]), std::move(steps));
  }

  void system(Index index) {
    Json steps = Json::array();
    for (const Index event : told_by_[index]) steps.push_back(next(event_step(event), "tells"));
    add(system_step(index), "node", board_.systems[index].name, "externalSystem", named(board_.systems[index]),
        std::move(steps));
  }

  void command(Index index) {
    Json steps = Json::array();
    for (const Index system : graph_.systems_of(index)) steps.push_back(next(system_step(system), "asks"));
    for (const Index event : graph_.events_of(index)) steps.push_back(next(event_step(event), "causes"));
    add(command_step(index), "message", board_.commands[index].name, "message", message(contracts_.command_key(index)),
        std::move(steps));
  }

  void event(Index index) {
    Json steps = Json::array();
    for (const Index policy : graph_.policies_on(index)) steps.push_back(next(policy_step(policy), "triggers"));
    add(event_step(index), "message", board_.events[index].name, "message", message(contracts_.event_key(index)),
        std::move(steps));
  }

  void policy(Index index) {
    const Policy& policy = board_.policies[index];
    Json steps = Json::array(), custom = {{"title", policy.name}, {"type", "Policy"}, {"color", "purple"}};
    for (const Index command : graph_.commands_of(index))
      steps.push_back(next(command_step(command), policy.guard.empty() ? "issues" : "if " + policy.guard));
    if (!policy.text.empty()) custom["summary"] = policy.text;
    add(policy_step(index), "node", policy.name, "custom", std::move(custom), std::move(steps));
  }

  const Contracts& contracts_;
  const Graph& graph_;
  const Board& board_;
  std::vector<Indices> issued_by_, told_by_;  ///< of each actor: commands; of each system: events
  Json steps_ = Json::array();
};

}  // namespace

ExportedFile catalog_flow(const Contracts& contracts) { return Flow(contracts).run(); }

}  // namespace weft::storm
