// E01 to E07 and O01: events, their names, causes, effects and order.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr std::array<std::string_view, 6> kTechnical = {"created", "updated", "deleted", "saved", "clicked", "viewed"};

/// Whether most events have words that no table of English verbs knows: then nothing is said about tenses.
bool is_in_another_language(const std::vector<Event>& events) {
  const auto is_unknown = [](const Event& event) {
    return is_plain_ascii(event.name) && !is_past_tense(event.name) && past_tense_of(event.name).empty();
  };
  return events.size() >= 3 && static_cast<size_t>(std::ranges::count_if(events, is_unknown)) * 2 > events.size();
}

void check_name(LintRun& run, const Event& event, bool is_foreign) {
  if (!is_plain_ascii(event.name)) return;
  if (!is_past_tense(event.name)) {
    const std::string meant = past_tense_of(event.name);
    if (meant.empty() && is_foreign) return;
    run.add("E01", event, fmt::format("'{}' is not past tense", event.name),
            meant.empty() ? "an event tells what has happened: NounVerbed" : fmt::format("did you mean '{}'?", meant));
    return;
  }
  const std::vector<std::string> words = split_words(event.name);
  const auto technical = std::ranges::find(kTechnical, words.back());
  if (technical != kTechnical.end())
    run.add("E05", event, fmt::format("'{}' tells what happened to data", event.name),
            fmt::format("what do people in the domain call it when something is {}?", *technical));
}

// Answers which events are near duplicates: their names are told once.
std::vector<bool> check_duplicates(LintRun& run) {
  std::vector<bool> is_near(run.board.events.size(), false);
  std::vector<std::string_view> names;
  for (const Event& event : run.board.events) names.push_back(event.name);
  for (const auto& [first, second] : near_duplicates(names)) {
    if (lower_case(names[first]) == lower_case(names[second])) continue;  // N01
    is_near[second] = true;
    run.add(
        "E04", run.board.events[second],
        fmt::format("'{}' is nearly '{}' in line {}", names[second], names[first], run.board.events[first].place.line),
        "merge them, or tell them apart by name");
  }
  return is_near;
}

void check_cause(LintRun& run, Index index) {
  const Event& event = run.board.events[index];
  if (run.graph.has_cause(index) || !run.is_from(Stage::Policies)) return;
  run.add("E02", event, fmt::format("nothing causes '{}'", event.name),
          "a command leads to it (-> …), or it comes from a system");
}

void check_effect(LintRun& run, Index index) {
  const Event& event = run.board.events[index];
  if (!run.is_from(Stage::Policies) || !run.graph.policies_on(index).empty() || !run.graph.views_of(index).empty())
    return;
  run.add("E03", event, fmt::format("nobody reacts to '{}'", event.name),
          "who wants to know? a policy, or a view that somebody reads");
}

void check_producers(LintRun& run, Index index) {
  Indices aggregates;
  for (const Index command : run.graph.producers(index)) {
    if (run.graph.is_guess(command, index)) continue;
    for (const Index aggregate : run.graph.aggregates_of(command))
      if (std::ranges::find(aggregates, aggregate) == aggregates.end()) aggregates.push_back(aggregate);
  }
  if (aggregates.size() < 2) return;
  run.add("E07", run.board.events[index],
          fmt::format("'{}' comes from two aggregates, {} and {}", run.board.events[index].name,
                      run.board.aggregates[aggregates[0]].name, run.board.aggregates[aggregates[1]].name),
          "one aggregate decides; the other reacts by a policy");
}

// Lanes run beside each other, so only what is in one lane has an order.
void check_order(LintRun& run, Index index) {
  // A policy that waits for nothing known is a cause that may be anywhere.
  for (const Index command : run.graph.producers(index))
    for (const Issuer& issuer : run.board.commands[command].issuers) {
      const std::optional<Index> policy = run.graph.find(Kind::Policy, issuer.name);
      if (issuer.is_policy && (!policy || run.graph.triggers(*policy).empty())) return;
    }
  const Indices causes = run.graph.causes_of(index);
  const Event& event = run.board.events[index];
  if (causes.empty()) return;
  const bool is_early = std::ranges::all_of(
      causes, [&](Index cause) { return cause > index && run.board.events[cause].lane == event.lane; });
  if (!is_early) return;
  run.add("O01", event,
          fmt::format("'{}' stands before its cause '{}' in line {}", event.name, run.board.events[causes[0]].name,
                      run.board.events[causes[0]].place.line),
          "the order of the file is the timeline: move it down");
}

}  // namespace

void lint_events(LintRun& run) {
  const std::vector<Event>& events = run.board.events;
  // A board that has no keys yet is not asked for them before aggregates are.
  const bool has_keys = std::ranges::any_of(events, [](const Event& event) { return event.key.has_value(); });
  const bool wants_keys = run.is_from(Stage::Aggregates) || (run.is_from(Stage::Commands) && has_keys);
  const std::vector<bool> is_near = check_duplicates(run);
  const bool is_foreign = is_in_another_language(events);
  for (Index i = 0; i < events.size(); ++i) {
    if (run.is_duplicate(events[i])) continue;
    if (!is_near[i]) check_name(run, events[i], is_foreign);
    check_cause(run, i);
    check_effect(run, i);
    if (wants_keys && !events[i].key)
      run.add("E06", events[i], fmt::format("'{}' has no key", events[i].name), "key NOUN: what it happens to");
    check_producers(run, i);
    check_order(run, i);
  }
}

}  // namespace weft::storm
