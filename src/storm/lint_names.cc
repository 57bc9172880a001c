// N01 N02 N03 G01: names and what refers to them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr std::array<std::string_view, 7> kScalars = {"string", "int", "number", "bool", "date", "time", "uuid"};

std::string_view article(Kind kind) {
  const std::string_view word = to_string(kind);
  return std::string_view("aeiou").find(word[0]) != std::string_view::npos ? "an" : "a";
}
std::string a(Kind kind) { return fmt::format("{} {}", article(kind), to_string(kind)); }

// Why what is there cannot stand there (the picture that explains everything).
std::string_view reason(Kind from, Kind to) {
  if (from == Kind::Event && to == Kind::Event)
    return "an event does not cause an event: a policy and a command stand between";
  if (from == Kind::Event && to == Kind::Actor) return "an actor does not cause an event: a command stands between";
  if (from == Kind::Event) return "an event comes from a system, or from a command that leads to it";
  if (from == Kind::Command && to == Kind::Command)
    return "a command does not lead to a command: an event and a policy stand between";
  if (from == Kind::Command && to == Kind::Event) return "an event does not issue a command: a policy stands between";
  if (from == Kind::Command && to == Kind::View) return "a view issues and answers nothing: it is seen";
  if (from == Kind::Policy && to == Kind::Event) return "a policy does not produce an event: a command stands between";
  if (from == Kind::Policy) return "a policy goes from events to commands";
  if (from == Kind::View) return "a view is made from events";
  if (from == Kind::Aggregate) return "an aggregate decides on commands and knows no other";
  return "a context owns aggregates and fronts systems";
}

class References {
 public:
  explicit References(LintRun& run) : run_(run) {}

  void check() {
    const Board& board = run_.board;
    for (const Event& event : board.events) all(event, Kind::System, event.from);
    for (const Command& command : board.commands) {
      for (const Issuer& issuer : command.issuers) this->issuer(command, issuer);
      all(command, Kind::View, command.sees);
      all(command, Kind::System, command.to);
      for (const std::vector<Reference>& together : command.outcomes) all(command, Kind::Event, together);
      fields(command, command.fields);
    }
    for (const Policy& policy : board.policies) {
      all(policy, Kind::Event, policy.when);
      all(policy, Kind::Command, policy.then);
    }
    for (const View& view : board.views) {
      all(view, Kind::Event, view.from);
      fields(view, view.fields);
    }
    for (const Event& event : board.events) fields(event, event.fields);
    for (const Aggregate& aggregate : board.aggregates) all(aggregate, Kind::Command, aggregate.commands);
    for (const Context& context : board.contexts) {
      all(context, Kind::Aggregate, context.owns);
      all(context, Kind::System, context.fronts);
    }
  }

 private:
  void all(const Element& owner, Kind kind, const std::vector<Reference>& references) {
    for (const Reference& reference : references) one(owner, kind, reference);
  }

  void one(const Element& owner, Kind kind, const Reference& reference) {
    if (reference.is_stray || run_.graph.find(kind, reference.name)) return;
    const std::vector<Kind> kinds = run_.graph.kinds_of(reference.name);
    if (!kinds.empty())
      return run_.add("G01", reference.place, owner.name,
                      fmt::format("'{}' is {}, where {} {} names {}", reference.name, a(kinds[0]), article(owner.kind),
                                  to_string(owner.kind), a(kind)),
                      std::string(reason(owner.kind, kinds[0])));
    unknown(owner, kind, reference.name, reference.place);
  }

  void unknown(const Element& owner, Kind kind, std::string_view name, const Place& place) {
    const std::optional<std::string> meant = run_.graph.nearest_name(kind, name);
    run_.add(
        "N02", place, owner.name, fmt::format("no {} '{}' on the board", to_string(kind), name),
        meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("declare it: {} {}", to_string(kind), name));
  }

  void issuer(const Command& command, const Issuer& issuer) {
    if (issuer.is_policy) return one(command, Kind::Policy, issuer);
    if (!run_.graph.find(Kind::Actor, issuer.name) && run_.graph.find(Kind::Policy, issuer.name))
      return run_.add("G01", issuer.place, command.name,
                      fmt::format("'{}' is a policy, where an actor is named", issuer.name),
                      fmt::format("by policy {}", issuer.name));
    one(command, Kind::Actor, issuer);
  }

  void fields(const Element& owner, const std::vector<Field>& fields) {
    for (const Field& field : fields) {
      if (std::ranges::find(kScalars, field.type) != kScalars.end()) continue;
      if (run_.graph.find(Kind::View, field.type) || run_.graph.find(Kind::Event, field.type)) continue;
      std::vector<std::string_view> names(kScalars.begin(), kScalars.end());
      for (const View& view : run_.board.views) names.push_back(view.name);
      for (const Event& event : run_.board.events) names.push_back(event.name);
      const std::optional<std::string> meant = nearest(field.type, names);
      run_.add("N02", field.place, owner.name,
               fmt::format("field '{}' has the unknown type '{}'", field.name, field.type),
               meant ? fmt::format("did you mean '{}'?", *meant)
                     : fmt::format("types are {}, a view or an event", fmt::join(kScalars, ", ")));
    }
  }

  LintRun& run_;
};

template <typename Elements>
void check_unique(LintRun& run, const Elements& elements) {
  std::unordered_map<std::string, const Element*> first;
  for (const auto& element : elements) {
    const auto [at, is_new] = first.try_emplace(lower_case(element.name), &element);
    if (is_new) continue;
    const bool is_same = at->second->name == element.name;
    run.add("N01", element,
            is_same ? fmt::format("{} '{}' is declared twice, first in line {}", to_string(element.kind), element.name,
                                  at->second->place.line)
                    : fmt::format("'{}' differs from '{}' in line {} by case only", element.name, at->second->name,
                                  at->second->place.line),
            "give one of them another name");
  }
}

template <typename Elements>
void check_near(LintRun& run, const Elements& elements) {
  std::vector<std::string_view> names;
  for (const auto& element : elements) names.push_back(element.name);
  for (const auto& [first, second] : near_duplicates(names)) {
    if (lower_case(names[first]) == lower_case(names[second])) continue;  // N01
    run.add("N03", elements[second],
            fmt::format("'{}' is nearly '{}' in line {}", names[second], names[first], elements[first].place.line),
            "one thing has one name, and two things have two");
  }
}

// Both ends of `by policy P` and `then C` say the same; the line that is silent is told.
void check_both_ends(LintRun& run) {
  const Board& board = run.board;
  for (Index i = 0; i < board.commands.size(); ++i) {
    if (run.is_duplicate(board.commands[i])) continue;
    for (const Issuer& issuer : board.commands[i].issuers) {
      // A name that is only nearly right has its finding already.
      const std::optional<Index> policy = issuer.is_policy ? run.graph.find(Kind::Policy, issuer.name) : std::nullopt;
      if (!policy || !board.policies[*policy].has_then) continue;
      const Indices& commands = run.graph.commands_of(*policy);
      if (std::ranges::find(commands, i) == commands.end())
        run.add("N02", board.policies[*policy],
                fmt::format("command '{}' is by policy '{}', which does not name it", board.commands[i].name,
                            board.policies[*policy].name),
                fmt::format("then {}", board.commands[i].name));
    }
  }
  for (Index i = 0; i < board.policies.size(); ++i)
    for (const Reference& then : board.policies[i].then) {
      const std::optional<Index> command = run.graph.find(Kind::Command, then.name);
      if (!command || !board.commands[*command].has_by || run.is_duplicate(board.policies[i])) continue;
      const Command& called = board.commands[*command];
      const bool is_named = std::ranges::any_of(called.issuers, [&](const Issuer& issuer) {
        return run.graph.resolve(Kind::Policy, issuer.name) == std::optional<Index>(i);
      });
      if (!is_named)
        run.add("N02", called,
                fmt::format("policy '{}' issues '{}', which does not say so", board.policies[i].name, called.name),
                fmt::format("by policy {}", board.policies[i].name));
    }
}

}  // namespace

void lint_names(LintRun& run) {
  const Board& board = run.board;
  const auto unique = [&](const auto&... elements) { (check_unique(run, elements), ...); };
  unique(board.actors, board.systems, board.events, board.commands, board.policies, board.views, board.aggregates,
         board.contexts);
  const auto near = [&](const auto&... elements) { (check_near(run, elements), ...); };
  near(board.actors, board.systems, board.commands, board.policies, board.views, board.aggregates, board.contexts);
  References(run).check();
  check_both_ends(run);
}

}  // namespace weft::storm
