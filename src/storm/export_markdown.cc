// The board as a document for people: what happens in which order, who causes it, what always holds, and what is open.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "storm/contract_types.h"
#include "storm/export.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

std::string name_of(const Element& element) { return markdown_escaped(element.name); }

template <typename Elements>
std::string listed(const Elements& elements, const Indices& indices, std::string_view between = ", ") {
  std::string out;
  for (const Index index : indices) out += (out.empty() ? "" : std::string(between)) + name_of(elements[index]);
  return out;
}

std::string listed(const std::vector<Reference>& references) {
  std::string out;
  for (const Reference& each : references) out += (out.empty() ? "" : ", ") + markdown_escaped(each.name);
  return out;
}

class Writer {
 public:
  explicit Writer(const Contracts& contracts)
      : contracts_(contracts), graph_(contracts.graph()), board_(contracts.board()), out_(std::back_inserter(text_)) {}

  std::string run() {
    line("# {}", markdown_escaped(contracts_.title()));
    how_to_read();
    timeline();
    contexts();
    policies();
    views();
    people_and_systems();
    glossary();
    remarks("Open questions", "Hot spots of the board: what the people at the wall did not agree on or did not know.",
            board_.hotspots);
    remarks("Opportunities", "", board_.opportunities);
    return std::move(text_);
  }

 private:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(out_, format, std::forward<Arguments>(arguments)...);
    text_ += "\n";
  }

  void section(std::string_view title) { line("\n## {}\n", title); }

  void how_to_read() {
    line("\nThis document was written by `weft storm export markdown`{}; change the board, not this file.\n",
         board_.name.empty() ? "" : fmt::format(" from the board {}", markdown_escaped(board_.name)));
    line(
        "An **event** is something that has happened, named in the past tense; the timeline lists events in order. A **command** is");
    line(
        "what somebody wants to happen; it may be refused. A **policy** reacts: *whenever* an event happens, *then* a command is issued.");
    line(
        "A **view** is what somebody looks at before deciding. An **aggregate** decides on commands and keeps its rule true. A");
    line("**context** is a part of the system with its own language. A **pivotal** event ends a phase.");
    line("\n{} events, {} commands, {} policies, {} views, {} aggregates, {} contexts, {} open questions.",
         contracts_.events().size(), contracts_.commands().size(), contracts_.policies().size(),
         contracts_.views().size(), board_.aggregates.size(), contracts_.contexts().size(), board_.hotspots.size());
  }

  // A pivotal event is the last one of its phase.
  void timeline() {
    if (contracts_.events().empty()) return;
    section("Timeline");
    size_t phase = 0;
    bool is_open = false;
    for (const Index index : contracts_.events()) {
      const Event& event = board_.events[index];
      if (!is_open) {
        line("{}### Phase {}\n", phase == 0 ? "" : "\n", phase + 1);
        line("| Event | Caused by | Then | Key | Context |\n|---|---|---|---|---|");
        ++phase;
      }
      is_open = !event.pivotal;
      line("| {}{} | {} | {} | {} | {} |",
           event.pivotal ? fmt::format("**{}** (pivotal)", name_of(event)) : name_of(event),
           event.text.empty() ? "" : fmt::format("<br>{}", markdown_escaped(event.text)), cause_of(index),
           effect_of(index), event.key ? markdown_escaped(event.key->name) : "",
           markdown_escaped(graph_.context_of_event(index)));
    }
  }

  std::string cause_of(Index event) const {
    std::string out;
    const auto add = [&](const std::string& text) { out += (out.empty() ? "" : "<br>") + text; };
    for (const Index command : graph_.producers(event)) {
      const std::string issuers = issuers_of(command);
      add(name_of(board_.commands[command]) + (issuers.empty() ? "" : " by " + issuers));
    }
    for (const Index system : graph_.sources_of(event)) add(name_of(board_.systems[system]));
    return out.empty() ? "?" : out;
  }

  std::string issuers_of(Index command) const {
    std::string out = listed(board_.actors, graph_.issuing_actors(command));
    for (const Index policy : graph_.issuing_policies(command))
      out += (out.empty() ? "policy " : ", policy ") + name_of(board_.policies[policy]);
    return out;
  }

  std::string effect_of(Index event) const {
    std::string out;
    for (const Index policy : graph_.policies_on(event)) {
      const Policy& each = board_.policies[policy];
      out += fmt::format("{}{}{}", out.empty() ? "" : "<br>",
                         each.guard.empty() ? "" : fmt::format("if {}: ", markdown_escaped(each.guard)),
                         listed(board_.commands, graph_.commands_of(policy)));
    }
    return out;
  }

  void contexts() {
    if (board_.contexts.empty() && board_.aggregates.empty()) return;
    section("Contexts");
    std::vector<bool> is_told(board_.aggregates.size(), false);
    for (const Index index : contracts_.contexts()) {
      const Context& context = board_.contexts[index];
      line("### {}\n", name_of(context));
      if (!context.text.empty()) line("{}\n", markdown_escaped(context.text));
      if (!context.role.empty()) line("- Role: {}", markdown_escaped(context.role));
      if (!context.team.empty()) line("- Team: {}", markdown_escaped(context.team));
      if (!context.fronts.empty()) line("- In front of: {}", listed(context.fronts));
      line("");
      for (const Reference& owned : context.owns)
        if (const std::optional<Index> aggregate = graph_.resolve(Kind::Aggregate, owned.name);
            aggregate && !is_told[*aggregate]) {
          is_told[*aggregate] = true;
          this->aggregate(*aggregate);
        }
    }
    bool is_first = true;
    for (Index i = 0; i < board_.aggregates.size(); ++i) {
      if (is_told[i]) continue;
      if (std::exchange(is_first, false)) line("### Aggregates without a context\n");
      aggregate(i);
    }
  }

  void aggregate(Index index) {
    const Aggregate& aggregate = board_.aggregates[index];
    line("#### {}\n", name_of(aggregate));
    if (!aggregate.keys.empty()) line("- Key: {}", listed(aggregate.keys));
    if (!aggregate.text.empty()) line("- Always true: {}", markdown_escaped(aggregate.text));
    for (const Reference& reference : aggregate.commands) {
      const std::optional<Index> command = graph_.resolve(Kind::Command, reference.name);
      if (!command) continue;
      const Command& each = board_.commands[*command];
      const std::string events = outcomes_of(each), issuers = issuers_of(*command);
      line("- **{}**{}{}{}", name_of(each), issuers.empty() ? "" : " by " + issuers,
           events.empty() ? "" : ": " + events,
           each.refusals.empty() ? "" : fmt::format("; refused with {}", listed(each.refusals)));
    }
    line("");
  }

  // "PollClosed, or PollClosed and PollTied".
  static std::string outcomes_of(const Command& command) {
    std::string out;
    for (const std::vector<Reference>& together : command.outcomes) {
      out += out.empty() ? "" : ", or ";
      for (size_t i = 0; i < together.size(); ++i) out += (i == 0 ? "" : " and ") + markdown_escaped(together[i].name);
    }
    return out;
  }

  void policies() {
    if (contracts_.policies().empty()) return;
    section("Policies");
    for (const Index index : contracts_.policies()) {
      const Policy& policy = board_.policies[index];
      const std::string when = listed(board_.events, graph_.triggers(index), " or "),
                        then = listed(board_.commands, graph_.commands_of(index), " and ");
      line("- **{}**: Whenever {}{}, then {}.{}", name_of(policy), when.empty() ? "?" : when,
           policy.guard.empty() ? "" : fmt::format(" and {}", markdown_escaped(policy.guard)),
           then.empty() ? "?" : then, policy.text.empty() ? "" : " " + markdown_escaped(policy.text));
    }
  }

  void views() {
    if (contracts_.views().empty()) return;
    section("Views");
    line("| View | Made from | Looked at for | Note |\n|---|---|---|---|");
    for (const Index index : contracts_.views())
      line("| {} | {} | {} | {} |", name_of(board_.views[index]), listed(board_.events, graph_.feeds(index)),
           listed(board_.commands, graph_.readers(index)), markdown_escaped(board_.views[index].text));
  }

  void people_and_systems() {
    const auto participants = [&](const std::vector<Participant>& all) {
      for (const Participant& each : all)
        line("- **{}**{}", name_of(each), each.text.empty() ? "" : ": " + markdown_escaped(each.text));
    };
    if (!board_.actors.empty()) section("People");
    participants(board_.actors);
    if (!board_.systems.empty()) section("Systems");
    participants(board_.systems);
  }

  void glossary() {
    std::vector<std::pair<std::string, std::string>> terms;  // in lower case to sort by; the line
    board_.for_each([&](const Element& element) {
      if (element.kind == Kind::Hotspot || element.kind == Kind::Opportunity) return;
      terms.emplace_back(lower_case(element.name), fmt::format("- **{}** ({}){}", name_of(element),
                                                               to_string(element.kind), meaning_of(element)));
    });
    for (Index i = 0; i < board_.commands.size(); ++i)
      for (const Reference& refusal : board_.commands[i].refusals)
        terms.emplace_back(lower_case(refusal.name),
                           fmt::format("- **{}** (refusal): an answer of {}", markdown_escaped(refusal.name),
                                       name_of(board_.commands[i])));
    std::ranges::sort(terms);
    if (terms.empty()) return;
    section("Glossary");
    for (const auto& [key, term] : terms) line("{}", term);
  }

  std::string meaning_of(const Element& element) const {
    if (!element.text.empty()) return ": " + markdown_escaped(element.text);
    const std::string words = words_of(element.name);
    return words == element.name ? std::string() : ": " + markdown_escaped(lower_case(words));
  }

  void remarks(std::string_view title, std::string_view introduction, const std::vector<Remark>& all) {
    if (all.empty()) return;
    section(title);
    if (!introduction.empty()) line("{}\n", introduction);
    for (const Remark& each : all)
      line("- {}{}", markdown_escaped(each.name), each.on.empty() ? "" : fmt::format(" (on {})", listed(each.on)));
  }

  const Contracts& contracts_;
  const Graph& graph_;
  const Board& board_;
  std::string text_;
  std::back_insert_iterator<std::string> out_;
};

}  // namespace

std::string export_markdown(const Graph& graph) {
  const Contracts contracts(graph);
  return Writer(contracts).run();
}

}  // namespace weft::storm
