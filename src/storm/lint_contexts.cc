// X01 to X03: bounded contexts and their language.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "storm/emerge_keys.h"
#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

void check_owners(LintRun& run) {
  for (const Context& context : run.board.contexts)
    if (!context.has_content)
      run.add("X01", context, fmt::format("'{}' owns nothing", context.name), "owns AGGREGATE, or fronts SYSTEM");
  for (Index i = 0; i < run.board.aggregates.size(); ++i) {
    const Indices& owners = run.graph.contexts_of_aggregate(i);
    if (owners.size() < 2) continue;
    const Context& second = run.board.contexts[owners[1]];
    const auto place = std::ranges::find_if(second.owns, [&](const Reference& owned) {
      return run.graph.resolve(Kind::Aggregate, owned.name) == std::optional<Index>(i);
    });
    run.add("X01", place->place, second.name,
            fmt::format("'{}' is owned by '{}' too", run.board.aggregates[i].name, run.board.contexts[owners[0]].name),
            "an aggregate has one context");
  }
}

void check_commands(LintRun& run) {
  for (Index i = 0; i < run.board.commands.size(); ++i) {
    std::vector<std::string> contexts;
    const auto note = [&](Index context) {
      const std::string& name = run.board.contexts[context].name;
      if (std::ranges::find(contexts, name) == contexts.end()) contexts.push_back(name);
    };
    for (const Index aggregate : run.graph.aggregates_of(i))
      if (!run.graph.contexts_of_aggregate(aggregate).empty()) note(run.graph.contexts_of_aggregate(aggregate)[0]);
    for (const Index system : run.graph.systems_of(i))
      if (const std::optional<Index> context = run.graph.context_of_system(system)) note(*context);
    if (contexts.size() > 1)
      run.add("X02", run.board.commands[i],
              fmt::format("'{}' belongs to '{}' and is handled in '{}'", run.board.commands[i].name, contexts[0],
                          contexts[1]),
              "let a policy carry it over the border");
  }
}

// A word that is a key in one context, and leads an event of another that neither has nor refers to that key.
void check_language(LintRun& run) {
  std::map<std::string, std::string> home;  // key → context
  for (Index i = 0; i < run.board.events.size(); ++i) {
    const Event& event = run.board.events[i];
    const std::string context = run.graph.context_of_event(i);
    if (event.key && !context.empty() && event.from.empty()) home.try_emplace(lower_case(event.key->name), context);
  }
  // A context that refers to a key once means that thing.
  std::set<std::pair<std::string, std::string>> told;
  for (Index i = 0; i < run.board.events.size(); ++i) {
    const std::string context = run.graph.context_of_event(i);
    if (run.board.events[i].key) told.insert({lower_case(run.board.events[i].key->name), context});
    for (const Reference& reference : run.board.events[i].refs) told.insert({lower_case(reference.name), context});
  }
  for (Index i = 0; i < run.board.events.size(); ++i) {
    const Event& event = run.board.events[i];
    const std::string context = run.graph.context_of_event(i);
    if (!event.key || context.empty() || !event.from.empty()) continue;
    const std::vector<std::string> nouns = nouns_of_event(event.name);
    if (nouns.size() != 1) continue;  // "ReturnLabel" is no "return"
    const auto at = home.find(nouns[0]);
    const bool is_same =
        lower_case(event.key->name) == nouns[0] ||
        std::ranges::any_of(event.refs, [&](const Reference& ref) { return lower_case(ref.name) == nouns[0]; });
    if (at == home.end() || at->second == context || is_same || !told.insert({nouns[0], context}).second) continue;
    run.add("X03", event,
            fmt::format("'{}' means one thing in '{}' and another in '{}'", nouns[0], at->second, context),
            fmt::format("the same thing: ref {}; another: give it its own word", nouns[0]));
  }
}

// Two words for one thing: keys that are synonyms.
void check_synonyms(LintRun& run) {
  std::map<std::string, std::pair<std::string, Index>> first;  // common word → key, event
  std::set<std::string> told;
  for (Index i = 0; i < run.board.events.size(); ++i) {
    const Event& event = run.board.events[i];
    if (!event.key) continue;
    const std::string key = lower_case(event.key->name);
    const auto [at, is_new] = first.try_emplace(std::string(synonym_of(key)), key, i);
    if (is_new || at->second.first == key || !told.insert(key).second) continue;
    const std::string context = run.graph.context_of_event(i), other = run.graph.context_of_event(at->second.second);
    if (context.empty() || other.empty() || context == other) continue;
    run.add(
        "X03", event.key->place, event.name,
        fmt::format("'{}' in '{}' and '{}' in '{}': two words for one thing?", at->second.first, other, key, context),
        "one word for one thing, or say in a comment how they differ");
  }
}

// The words of an event's name, each as its common synonym: "ClientRegistered" and "CustomerRegistered" are one.
std::string meaning_of(std::string_view event) {
  std::string out;
  for (const std::string& word : split_words(event)) {
    const std::string base = stem(word);
    out += std::string(synonym_of(base)) + " ";
  }
  return out;
}

void check_synonymous_events(LintRun& run) {
  std::map<std::string, Index> first;
  for (Index i = 0; i < run.board.events.size(); ++i) {
    const auto [at, is_new] = first.try_emplace(meaning_of(run.board.events[i].name), i);
    if (is_new) continue;
    const Event &event = run.board.events[i], &other = run.board.events[at->second];
    const std::string context = run.graph.context_of_event(i), home = run.graph.context_of_event(at->second);
    if (context.empty() || home.empty() || context == home || is_near_duplicate(event.name, other.name)) continue;
    run.add(
        "X03", event,
        fmt::format("'{}' in '{}' and '{}' in '{}': two words for one thing?", other.name, home, event.name, context),
        "one word for one thing, or say in a comment how they differ");
  }
}

// A field of one name and two types, in two contexts.
void check_fields(LintRun& run) {
  static const std::set<std::string> kEverywhere = {"id",     "name", "status", "state", "type",  "kind", "note",
                                                    "reason", "time", "date",   "text",  "value", "code"};
  std::map<std::string, std::pair<std::string, std::string>> first;  // field → type, context
  for (Index i = 0; i < run.board.events.size(); ++i) {
    const Event& event = run.board.events[i];
    const std::string context = run.graph.context_of_event(i);
    if (context.empty()) continue;
    for (const Field& field : event.fields) {
      const std::string type = field.type + (field.is_list ? "[]" : "");
      const auto [at, is_new] = first.try_emplace(lower_case(field.name), type, context);
      if (is_new || at->second.first == type || at->second.second == context || kEverywhere.contains(at->first))
        continue;
      run.add("X03", field.place, event.name,
              fmt::format("'{}' is {} in '{}' and {} in '{}'", field.name, at->second.first, at->second.second, type,
                          context),
              "one word means one thing: give one of them another name");
    }
  }
}

}  // namespace

void lint_contexts(LintRun& run) {
  check_owners(run);
  check_commands(run);
  if (run.board.contexts.size() < 2) return;
  check_language(run);
  check_synonyms(run);
  check_synonymous_events(run);
  check_fields(run);
}

}  // namespace weft::storm
