#include "storm/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

void add(Findings& missing, std::string_view rule, const Element& element, std::string message) {
  missing.push_back({std::string(rule), element.place, element.name, std::move(message), {}});
}

void missing_order(const Graph& graph, Findings& missing) {
  const std::vector<Event>& events = graph.board().events;
  std::vector<std::string_view> names;
  for (const Event& event : events) names.push_back(event.name);
  for (const auto& [first, second] : near_duplicates(names)) {
    const bool is_same = lower_case(names[first]) == lower_case(names[second]);
    add(missing, is_same ? "N01" : "E04", events[second],
        fmt::format("'{}' duplicates '{}'", names[second], names[first]));
  }
}

// Before there are commands, nothing ties an actor to a lane: then one of them for the board will do.
void missing_people(const Graph& graph, Findings& missing) {
  const Board& board = graph.board();
  if (board.actors.empty() && board.systems.empty()) {
    missing.push_back({"S02", {}, {}, "no actor and no system is on the board", {}});
    return;
  }
  if (board.commands.empty()) return;
  for (const Lane& lane : board.lanes) {
    bool has_event = false, has_somebody = false;
    for (Index i = 0; i < board.events.size(); ++i) {
      if (board.events[i].lane != lane.name) continue;
      has_event = true;
      has_somebody |= !graph.sources_of(i).empty();
      for (const Index command : graph.producers(i))
        has_somebody |= !board.commands[command].issuers.empty() || !board.commands[command].to.empty();
    }
    if (has_event && !has_somebody)
      add(missing, "S02", lane, fmt::format("lane '{}' has neither an actor nor a system", lane.name));
  }
}

// "2 commands without an issuer: A, B"
std::string summary(const Findings& missing) {
  std::vector<std::string> messages;
  for (const Finding& finding : missing) messages.push_back(finding.message);
  return listed(messages, 3);
}

}  // namespace

Findings missing_to_leave(const Graph& graph, Stage stage) {
  const Board& board = graph.board();
  Findings missing;
  switch (stage) {
    case Stage::Explore:
      if (board.events.size() < kFirstGateEvents)
        missing.push_back(
            {"S02",
             {},
             {},
             fmt::format("{} of at least {} events are on the board", board.events.size(), kFirstGateEvents),
             {}});
      break;
    case Stage::Timeline: missing_order(graph, missing); break;
    case Stage::People: missing_people(graph, missing); break;
    case Stage::Commands:
      for (Index i = 0; i < board.events.size(); ++i)
        if (!graph.has_cause(i))
          add(missing, "E02", board.events[i], fmt::format("nothing causes '{}'", board.events[i].name));
      break;
    case Stage::Policies:
      for (Index i = 0; i < board.commands.size(); ++i)
        if (!graph.has_issuer(i))
          add(missing, "C03", board.commands[i], fmt::format("nobody issues '{}'", board.commands[i].name));
      break;
    case Stage::Aggregates:
      for (Index i = 0; i < board.commands.size(); ++i)
        if (!graph.has_decider(i))
          add(missing, "C07", board.commands[i], fmt::format("nobody decides on '{}'", board.commands[i].name));
      break;
    case Stage::Pivotal:
    case Stage::Problems:
    case Stage::Design: break;
  }
  return missing;
}

NextStep next_step(const Graph& graph) {
  NextStep step{graph.board().current_stage(), std::nullopt, {}, {}};
  for (Stage stage = Stage::Explore; stage <= step.stage; stage = static_cast<Stage>(static_cast<int>(stage) + 1)) {
    step.missing = missing_to_leave(graph, stage);
    if (step.missing.empty()) continue;
    step.next = stage;
    step.advice = fmt::format("{} Still missing: {}.", advice_for(stage), summary(step.missing));
    return step;
  }
  if (step.stage == Stage::Design) {
    step.advice = "The design is done: export its contracts, and settle the hotspots that are open.";
    return step;
  }
  step.next = static_cast<Stage>(static_cast<int>(step.stage) + 1);
  step.advice =
      fmt::format("{} Nothing is missing to begin: set 'stage {}'.", advice_for(*step.next), to_string(*step.next));
  return step;
}

std::string_view advice_for(Stage stage) {
  constexpr std::array<std::string_view, 9> kAdvice = {
      "Let everybody write down what happens, in the past tense, alone and without order: events first, because everybody knows some and nobody all.",
      "Put the events in order, merge what is said twice, and let what runs in parallel have its own lane: gaps show only on a timeline.",
      "Mark the few events that most people wait for: they divide the flow into phases.",
      "Add who acts and which systems take part, one lane after the other: now it shows who is missing in the room.",
      "Ask what hurts and what would help; write hotspots and opportunities on the spot, and settle none of them now.",
      "Write the command before every event: what did somebody want, and when is it refused?",
      "Say who issues every command: an actor who looks at a view, or a policy (whenever … then …).",
      "Group the commands that keep one rule together, by behaviour and not by data, and name the groups last: 'weft storm emerge' shows what the flow suggests.",
      "Draw the lines around what belongs together: language, people and rules change at the borders of a context."};
  return kAdvice[static_cast<size_t>(stage)];
}

void lint_stages(LintRun& run) {
  if (!run.board.stage) return;
  std::optional<std::string> missing;  // computed once, where something is ahead
  const auto hint = [&](Stage needed) {
    if (!missing) missing = summary(missing_to_leave(run.graph, run.stage));
    if (missing->empty())
      return fmt::format("nothing is missing to leave '{}': set 'stage {}'", to_string(run.stage), to_string(needed));
    return fmt::format("to leave '{}': {}", to_string(run.stage), *missing);
  };
  const auto ahead = [&](std::string_view rule, const Place& place, std::string_view element, std::string_view what,
                         Stage needed) {
    run.add(rule, place, element,
            fmt::format("jumped to conclusions: {} belongs to stage '{}', and the board is at '{}'", what,
                        to_string(needed), to_string(run.stage)),
            hint(needed));
  };
  run.board.for_each([&](const Element& element) {
    const Stage needed = stage_of(element.kind);
    if (needed > run.stage)
      ahead(element.kind == Kind::Aggregate ? "A02" : "S01", element.place, element.name,
            fmt::format("{} '{}'", to_string(element.kind), element.name), needed);
  });
  if (run.stage >= Stage::Pivotal) return;
  for (const Event& event : run.board.events)
    if (event.pivotal) ahead("S01", *event.pivotal, event.name, "'pivotal'", Stage::Pivotal);
}

}  // namespace weft::storm
