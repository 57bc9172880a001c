#include "storm/graph.h"

#include <algorithm>

#include "storm/words.h"

namespace weft::storm {

namespace {

/// Wrong names that are compared with all right ones; a board with more has another trouble.
constexpr size_t kGuessesMax = 200;

}  // namespace

void add_once(Indices& to, Index index) {
  if (std::ranges::find(to, index) == to.end()) to.push_back(index);
}

template <typename Elements>
void Graph::name(Kind kind, const Elements& elements) {
  Names& names = names_[static_cast<size_t>(kind)];
  names.reserve(elements.size());
  std::unordered_set<std::string> seen;
  for (Index i = 0; i < elements.size(); ++i) {
    names.try_emplace(elements[i].name, i);
    if (!seen.insert(lower_case(elements[i].name)).second) duplicates_.insert(&elements[i]);
  }
}

template <typename References>
Indices Graph::resolve_all(Kind kind, const References& references) const {
  Indices out;
  for (const auto& reference : references)
    if (const std::optional<Index> found = resolve(kind, reference.name)) add_once(out, *found);
  return out;
}

Graph::Graph(const Board& board) : board_(board) {
  name(Kind::Actor, board.actors);
  name(Kind::System, board.systems);
  name(Kind::Event, board.events);
  name(Kind::Command, board.commands);
  name(Kind::Policy, board.policies);
  name(Kind::View, board.views);
  name(Kind::Aggregate, board.aggregates);
  name(Kind::Context, board.contexts);
  name(Kind::Lane, board.lanes);
  producers_.resize(board.events.size());
  policies_on_.resize(board.events.size());
  views_of_.resize(board.events.size());
  for (const Event& event : board.events) sources_.push_back(resolve_all(Kind::System, event.from));
  link_commands();
  link_policies();
  link_owners();
}

void Graph::link_commands() {
  readers_.resize(board_.views.size());
  aggregates_.resize(board_.commands.size());
  for (Index i = 0; i < board_.commands.size(); ++i) {
    if (is_duplicate(board_.commands[i])) {
      for (std::vector<Indices>* of : {&events_, &systems_, &views_seen_, &issuing_policies_, &issuing_actors_})
        of->emplace_back();
      continue;
    }
    const Command& command = board_.commands[i];
    Indices events;
    for (const std::vector<Reference>& together : command.outcomes)
      for (const Reference& outcome : together) {
        const std::optional<Index> event = resolve(Kind::Event, outcome.name);
        if (!event) continue;
        add_once(events, *event);
        if (board_.events[*event].name != outcome.name) guessed_outcomes_.insert({i, *event});
      }
    for (const Index event : events) add_once(producers_[event], i);
    events_.push_back(std::move(events));
    systems_.push_back(resolve_all(Kind::System, command.to));
    views_seen_.push_back(resolve_all(Kind::View, command.sees));
    for (const Index view : views_seen_.back()) add_once(readers_[view], i);
    Indices policies, actors;
    for (const Issuer& issuer : command.issuers) {
      const bool is_policy = issuer.is_policy || (!find(Kind::Actor, issuer.name) && find(Kind::Policy, issuer.name));
      if (const std::optional<Index> found = resolve(is_policy ? Kind::Policy : Kind::Actor, issuer.name))
        add_once(is_policy ? policies : actors, *found);
      if (is_policy && !find(Kind::Policy, issuer.name))
        if (const std::optional<Index> guess = resolve(Kind::Policy, issuer.name)) guessed_issuers_.insert({i, *guess});
    }
    issuing_policies_.push_back(std::move(policies));
    issuing_actors_.push_back(std::move(actors));
  }
}

void Graph::link_policies() {
  for (Index i = 0; i < board_.policies.size(); ++i) {
    if (is_duplicate(board_.policies[i])) {
      triggers_.emplace_back(), commands_.emplace_back();
      continue;
    }
    triggers_.push_back(resolve_all(Kind::Event, board_.policies[i].when));
    commands_.push_back(resolve_all(Kind::Command, board_.policies[i].then));
    for (const Index event : triggers_.back()) add_once(policies_on_[event], i);
    for (const Index command : commands_.back()) add_once(issuing_policies_[command], i);
  }
  for (Index i = 0; i < board_.views.size(); ++i) {
    feeds_.push_back(is_duplicate(board_.views[i]) ? Indices() : resolve_all(Kind::Event, board_.views[i].from));
    for (const Index event : feeds_.back()) add_once(views_of_[event], i);
  }
}

void Graph::link_owners() {
  owners_.resize(board_.aggregates.size());
  fronts_.resize(board_.systems.size());
  for (Index i = 0; i < board_.aggregates.size(); ++i) {
    if (is_duplicate(board_.aggregates[i])) continue;
    for (const Index command : resolve_all(Kind::Command, board_.aggregates[i].commands))
      add_once(aggregates_[command], i);
  }
  for (Index i = 0; i < board_.contexts.size(); ++i) {
    if (is_duplicate(board_.contexts[i])) continue;
    for (const Index aggregate : resolve_all(Kind::Aggregate, board_.contexts[i].owns)) add_once(owners_[aggregate], i);
    for (const Index system : resolve_all(Kind::System, board_.contexts[i].fronts)) add_once(fronts_[system], i);
  }
}

std::optional<Index> Graph::find(Kind kind, std::string_view name) const {
  const Names& names = names_[static_cast<size_t>(kind)];
  const auto at = names.find(name);
  if (at == names.end()) return std::nullopt;
  return at->second;
}

std::vector<Kind> Graph::kinds_of(std::string_view name) const {
  std::vector<Kind> kinds;
  for (size_t kind = 0; kind < std::size(names_); ++kind)
    if (names_[kind].contains(name)) kinds.push_back(static_cast<Kind>(kind));
  return kinds;
}

std::optional<std::string> Graph::nearest_name(Kind kind, std::string_view name) const {
  const auto known = nearest_.find({kind, std::string(name)});
  if (known != nearest_.end()) return known->second;
  if (nearest_.size() >= kGuessesMax) return std::nullopt;
  const auto at = nearest_.try_emplace({kind, std::string(name)}).first;
  std::vector<std::string_view> candidates;
  for (const auto& [candidate, index] : names_[static_cast<size_t>(kind)]) candidates.push_back(candidate);
  std::ranges::sort(candidates);  // of equals the first: no behaviour depends on hash order
  at->second = nearest(name, candidates);
  return at->second;
}

std::optional<Index> Graph::resolve(Kind kind, std::string_view name) const {
  if (const std::optional<Index> found = find(kind, name)) return found;
  if (!kinds_of(name).empty()) return std::nullopt;  // it is something else
  if (const std::optional<std::string> meant = nearest_name(kind, name)) return find(kind, *meant);
  return std::nullopt;
}

Indices Graph::causes_of(Index event) const {
  Indices causes;
  for (const Index command : producers_[event]) {
    if (is_guess(command, event)) continue;
    for (const Index policy : issuing_policies_[command]) {
      if (guessed_issuers_.contains({command, policy})) continue;
      for (const Index trigger : triggers_[policy]) add_once(causes, trigger);
    }
  }
  return causes;
}

std::optional<Index> Graph::context_of_system(Index system) const {
  if (fronts_[system].empty()) return std::nullopt;
  return fronts_[system].front();
}

std::string Graph::context_of_command(Index command) const {
  for (const Index aggregate : aggregates_[command])
    if (!owners_[aggregate].empty()) return board_.contexts[owners_[aggregate].front()].name;
  if (!aggregates_[command].empty()) return {};
  for (const Index system : systems_[command]) {
    if (const std::optional<Index> context = context_of_system(system)) return board_.contexts[*context].name;
    return kebab_case(board_.systems[system].name);
  }
  return {};
}

std::string Graph::context_of_event(Index event) const {
  for (const Index system : sources_[event]) {
    if (const std::optional<Index> context = context_of_system(system)) return board_.contexts[*context].name;
    return kebab_case(board_.systems[system].name);
  }
  for (const Index command : producers_[event])
    if (std::string context = context_of_command(command); !context.empty()) return context;
  return {};
}

std::vector<Crossing> Graph::crossings() const {
  std::vector<Crossing> out;
  for (Index policy = 0; policy < board_.policies.size(); ++policy)
    for (const Index command : commands_[policy])
      for (const Index event : triggers_[policy]) {
        std::string from = context_of_event(event), to = context_of_command(command);
        if (from.empty() || to.empty() || from == to) continue;
        out.push_back({policy, event, command, std::move(from), std::move(to)});
      }
  return out;
}

}  // namespace weft::storm
