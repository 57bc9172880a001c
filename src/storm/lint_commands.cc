// C01 to C07: commands, who issues and who decides them.
#include <fmt/format.h>

#include <algorithm>

#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

void check_name(LintRun& run, const Command& command, const std::vector<std::string>& nouns) {
  if (!is_plain_ascii(command.name)) return;
  const std::string fault = fault_of_order(command.name, nouns);
  if (fault.empty()) return;
  const std::string meant = order_of(command.name);
  run.add("C01", command, fmt::format("'{}' {}: a command is an order", command.name, fault),
          meant.empty() || meant == command.name ? "VerbNoun, as one would tell somebody to do it"
                                                 : fmt::format("did you mean '{}'?", meant));
}

void check_flow(LintRun& run, Index index) {
  const Command& command = run.board.commands[index];
  if (!command.has_arrow) run.add("C02", command, fmt::format("'{}' leads to no event", command.name), "-> EVENT");
  if (!command.has_by && run.is_from(Stage::Aggregates))
    run.add("C03", command, fmt::format("nobody issues '{}'", command.name), "by ACTOR, or by policy NAME");
  const bool has_actor = std::ranges::any_of(command.issuers, [&](const Issuer& issuer) {
    return !issuer.is_policy &&
           (run.graph.find(Kind::Actor, issuer.name) || !run.graph.find(Kind::Policy, issuer.name));
  });
  if (has_actor && command.sees.empty() && run.is_from(Stage::Policies))
    run.add(
        "C04", command,
        fmt::format("what does {} look at before '{}'?",
                    run.graph.issuing_actors(index).empty() ? "the actor"
                                                            : run.board.actors[run.graph.issuing_actors(index)[0]].name,
                    command.name),
        "sees VIEW");
  if (command.refusals.empty())
    run.add("C05", command, fmt::format("'{}' is never refused: is there no rule to keep?", command.name), "! REFUSAL");
  if (run.is_from(Stage::Design) && !run.graph.has_decider(index))
    run.add("C07", command, fmt::format("nobody decides on '{}'", command.name),
            "list it with an aggregate, or send it to a system");
}

void check_keys(LintRun& run, Index index) {
  const Command& command = run.board.commands[index];
  for (const Index owner : run.graph.aggregates_of(index)) {
    const Aggregate& aggregate = run.board.aggregates[owner];
    if (aggregate.keys.empty()) continue;
    for (const Index produced : run.graph.events_of(index)) {
      const Event& event = run.board.events[produced];
      if (run.graph.is_guess(index, produced)) continue;
      if (!event.key || std::ranges::find(aggregate.keys, event.key->name, &Reference::name) != aggregate.keys.end())
        continue;
      run.add("C06", command,
              fmt::format("'{}' of {} (key {}) leads to '{}' with key {}", command.name, aggregate.name,
                          aggregate.keys[0].name, event.name, event.key->name),
              "an aggregate writes its own stream; another one reacts by a policy");
    }
  }
}

}  // namespace

std::vector<std::string> nouns_of(const Board& board) {
  std::vector<std::string> nouns;
  const auto add = [&](std::string_view name) {
    std::string noun = lower_case(name);
    if (std::ranges::find(nouns, noun) == nouns.end()) nouns.push_back(std::move(noun));
  };
  for (const Event& event : board.events) {
    if (nouns.size() > 1000) break;
    if (event.key) add(event.key->name);
    for (const Reference& reference : event.refs) add(reference.name);
  }
  for (const Aggregate& aggregate : board.aggregates) add(aggregate.name);
  return nouns;
}

void lint_commands(LintRun& run) {
  const std::vector<std::string> nouns = nouns_of(run.board);
  for (Index i = 0; i < run.board.commands.size(); ++i) {
    if (run.is_duplicate(run.board.commands[i])) continue;
    check_name(run, run.board.commands[i], nouns);
    check_flow(run, i);
    check_keys(run, i);
  }
}

}  // namespace weft::storm
