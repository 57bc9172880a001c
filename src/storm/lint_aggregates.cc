// A01 and A03 to A07: aggregates.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storm/emerge.h"
#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

void check_name(LintRun& run, const Aggregate& aggregate) {
  constexpr std::array<std::string_view, 12> kTechnical = {"manager", "service",    "data",       "table",
                                                           "record",  "entity",     "repository", "handler",
                                                           "info",    "controller", "object",     "store"};
  const std::vector<std::string> words = split_words(aggregate.name);
  if (words.empty() || !is_plain_ascii(aggregate.name)) return;
  if (words.size() > 1 && std::ranges::find(kTechnical, words.back()) != kTechnical.end())
    return run.add("A03", aggregate, fmt::format("'{}' is named after a piece of software", aggregate.name),
                   fmt::format("what do people call it? {}", pascal_case(std::span(words).first(words.size() - 1))));
  if (is_plural(words.back()))
    run.add("A03", aggregate, fmt::format("'{}' is plural: an aggregate is one thing", aggregate.name),
            "name one of them");
}

void check_keys(LintRun& run) {
  std::map<std::string_view, const Aggregate*> owner;
  for (const Aggregate& aggregate : run.board.aggregates) {
    if (run.is_duplicate(aggregate)) continue;
    if (aggregate.keys.size() > 1)
      run.add("A04", aggregate.keys[1].place, aggregate.name,
              fmt::format("'{}' has two keys, '{}' and '{}'", aggregate.name, aggregate.keys[0].name,
                          aggregate.keys[1].name),
              "two keys are two aggregates");
    for (const Reference& key : aggregate.keys) {
      const auto [at, is_new] = owner.try_emplace(key.name, &aggregate);
      if (!is_new && at->second != &aggregate)
        run.add("A04", key.place, aggregate.name,
                fmt::format("key '{}' is that of '{}' too", key.name, at->second->name), "one key is one aggregate");
    }
  }
}

// A command that nobody decides on is C07 and no difference to the flow.
void check_flow(LintRun& run) {
  if (run.board.aggregates.empty()) return;
  const Emerged emerged = emerge(run.graph);
  std::vector<size_t> cluster(run.board.commands.size(), ~size_t{0});
  for (size_t i = 0; i < emerged.aggregates.size(); ++i)
    for (const Index command : emerged.aggregates[i].commands) cluster[command] = i;
  // A key that was only guessed from words is no evidence against what people have written.
  const auto has_guessed_key = [&](Index command) {
    return std::ranges::any_of(run.graph.events_of(command), [&](Index event) { return !run.board.events[event].key; });
  };
  std::vector<Indices> commands(run.board.aggregates.size());
  for (Index command = 0; command < run.board.commands.size(); ++command)
    for (const Index aggregate : run.graph.aggregates_of(command)) commands[aggregate].push_back(command);
  for (Index i = 0; i < run.board.aggregates.size(); ++i) {
    const Aggregate& aggregate = run.board.aggregates[i];
    std::vector<std::string> apart;
    size_t first = ~size_t{0};
    for (const Index command : commands[i]) {
      if (cluster[command] == ~size_t{0} || run.graph.events_of(command).empty() || has_guessed_key(command)) continue;
      if (first == ~size_t{0}) first = cluster[command];
      if (cluster[command] != first) apart.push_back(run.board.commands[command].name);
    }
    if (first == ~size_t{0}) continue;
    if (!apart.empty())
      run.add("A06", aggregate,
              fmt::format("the flow keeps {} apart from the rest of '{}'", listed(apart), aggregate.name),
              "weft storm emerge shows why");
    std::vector<std::string> together;
    for (const Index command : emerged.aggregates[first].commands) {
      const Indices& owners = run.graph.aggregates_of(command);
      if (!owners.empty() && std::ranges::find(owners, i) == owners.end() && owners[0] > i && !has_guessed_key(command))
        together.push_back(run.board.commands[command].name);
    }
    if (!together.empty())
      run.add("A06", aggregate, fmt::format("the flow puts {} with '{}'", listed(together), aggregate.name),
              "weft storm emerge shows why");
  }
}

// The numbers of an invariant with the word in front of and behind each: "questions >= 15 min" and "at least 15
// minutes".
std::vector<std::pair<std::string, std::vector<std::string>>> bounds_of(std::string_view invariant) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(invariant) + " ") {
    const bool is_part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_part) word += c;
    if (!is_part && !word.empty()) words.push_back(stem(lower_case(std::exchange(word, {}))));
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> bounds;
  for (const std::string& each : words)
    if (each[0] >= '0' && each[0] <= '9') bounds.emplace_back(each, words);
  return bounds;
}

void check_invariants(LintRun& run) {
  const std::vector<Aggregate>& all = run.board.aggregates;
  if (all.size() > 200) return;
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      if (run.is_duplicate(all[i]) || run.is_duplicate(all[j])) continue;
      for (const auto& [bound, words] : bounds_of(all[i].text)) {
        const auto others = bounds_of(all[j].text);
        const auto same = std::ranges::find(others, bound, &std::pair<std::string, std::vector<std::string>>::first);
        if (same == others.end()) continue;
        const auto is_shared = [&](const std::string& word) {
          return word.size() > 4 && std::ranges::find(same->second, word) != same->second.end();
        };
        if (std::ranges::none_of(words, is_shared)) continue;
        run.add("A07", all[i], fmt::format("'{}' and '{}' both keep a rule of {}", all[j].name, all[i].name, bound),
                "legal: one plans, the other enforces; see that they agree");
        break;
      }
    }
}

}  // namespace

void lint_aggregates(LintRun& run) {
  for (const Aggregate& aggregate : run.board.aggregates) {
    if (run.is_duplicate(aggregate)) continue;
    if (!aggregate.has_commands)
      run.add("A01", aggregate, fmt::format("'{}' has no command", aggregate.name), "commands C …");
    if (aggregate.text.empty())
      run.add("A05", aggregate, fmt::format("what must always hold for '{}'?", aggregate.name), "say it in quotes");
    check_name(run, aggregate);
  }
  check_keys(run);
  check_flow(run);
  check_invariants(run);
}

}  // namespace weft::storm
