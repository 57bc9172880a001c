// What people read.
#include <fmt/format.h>

#include <algorithm>

#include "storm/accept.h"
#include "storm/lint.h"
#include "storm/lint_rules.h"
#include "storm/report.h"

namespace weft::storm {

namespace {

std::string counted(size_t count, std::string_view singular, std::string_view plural = {}) {
  if (count == 1) return fmt::format("1 {}", singular);
  return plural.empty() ? fmt::format("{} {}s", count, singular) : fmt::format("{} {}", count, plural);
}

std::string_view word_of(Level level) {
  return level == Level::Error ? "error" : level == Level::Warning ? "warning" : "info";
}

/// Characters of a line that are shown with a finding.
constexpr size_t kShownMax = 160;

// The line, and what of it is meant; of a long line what is around it.
std::string excerpt(const Document& document, const Place& place) {
  if (place.line == 0 || place.line > document.lines.size()) return {};
  std::string line = document.lines[place.line - 1].content;
  std::ranges::replace(line, '\t', ' ');
  size_t column = place.column > 0 ? place.column - 1 : 0;
  if (line.size() > kShownMax) {
    // Cut at bytes that begin a character.
    const auto begins = [&](size_t at) {
      return at >= line.size() || (static_cast<unsigned char>(line[at]) & 0xC0) != 0x80;
    };
    size_t at = 0;
    for (size_t i = 0; i < column && at < line.size(); ++i) do
        ++at;
      while (!begins(at));
    size_t from = at > kShownMax / 2 ? at - kShownMax / 2 : 0, to = std::min(from + kShownMax, line.size());
    while (!begins(from)) ++from;
    while (!begins(to)) ++to;
    column = characters(std::string_view(line).substr(from, at - from)) + (from > 0 ? 1 : 0);
    line = (from > 0 ? "…" : "") + line.substr(from, to - from) + (to < line.size() ? "…" : "");
  }
  const std::string number = fmt::format("{:>5}", place.line);
  const size_t length = std::clamp<size_t>(place.length, 1, kShownMax);
  return fmt::format("{} | {}\n{} | {}{}\n", number, line, std::string(number.size(), ' '), std::string(column, ' '),
                     std::string(length, '^'));
}

template <typename Elements>
std::string names(const Elements& elements, const Indices& indices) {
  std::vector<std::string> out;
  for (const Index index : indices) out.push_back(elements[index].name);
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string event_line(const Graph& graph, Index index) {
  const Board& board = graph.board();
  const Event& event = board.events[index];
  std::string cause;
  for (const Index command : graph.producers(index)) {
    std::vector<std::string> issuers;
    for (const Issuer& issuer : board.commands[command].issuers) issuers.push_back(issuer.name);
    cause += fmt::format("{}{}{}", cause.empty() ? "" : "; ", board.commands[command].name,
                         issuers.empty() ? "" : fmt::format(" by {}", fmt::join(issuers, ", ")));
  }
  if (!event.from.empty()) cause = event.from[0].name;
  std::vector<std::string> effects;
  for (const Index policy : graph.policies_on(index)) effects.push_back(board.policies[policy].name);
  return fmt::format("{} {:<28}{}{}\n", event.pivotal ? "┃" : " ", event.name, cause.empty() ? "" : "← " + cause,
                     effects.empty() ? "" : fmt::format("  → {}", fmt::join(effects, ", ")));
}

}  // namespace

std::string lint_text(const Document& document, const Findings& findings) {
  std::string out;
  size_t by_level[4] = {};
  for (const Finding& each : findings) {
    ++by_level[static_cast<size_t>(each.level)];
    out += fmt::format("{}:{}:{}: {} {}: {}\n", document.file, each.place.line, each.place.column, word_of(each.level),
                       each.rule, each.message);
    out += excerpt(document, each.place);
    if (!each.hint.empty()) out += fmt::format("      = {}\n", each.hint);
  }
  const Counts counts = count(document.board);
  out += fmt::format("{}: stage {}: {}, {}, {}, {}, {}, {}: {}, {}, {}\n", document.file,
                     to_string(document.board.current_stage()), counted(counts.events, "event"),
                     counted(counts.commands, "command"), counted(counts.policies, "policy", "policies"),
                     counted(counts.views, "view"), counted(counts.aggregates, "aggregate"),
                     counted(counts.contexts, "context"), counted(by_level[3], "error"),
                     counted(by_level[2], "warning"), counted(by_level[1], "note"));
  return out;
}

std::string emerge_text(const Graph& graph, const Emerged& emerged) {
  const Board& board = graph.board();
  std::string out = "Aggregates that the flow suggests (nothing is written; --write NAME accepts one):\n";
  for (const AggregateCandidate& each : emerged.aggregates) {
    out += fmt::format("\n? {}  key={}  {}, {}  confidence {:.2f}\n", each.name, each.key,
                       counted(each.commands.size(), "command"), counted(each.events.size(), "event"), each.confidence);
    out += fmt::format("    commands  {}\n    events    {}\n", names(board.commands, each.commands),
                       names(board.events, each.events));
    for (const std::string& why : each.why) out += fmt::format("    because   {}\n", why);
    for (const std::string& other : each.alternatives) out += fmt::format("    or        {}\n", other);
    if (each.commands.empty() || graph.find(Kind::Aggregate, each.name)) continue;
    for (const TextLine& line : split_lines(statement_of(graph, each))) out += "  + " + line.content + "\n";
  }
  out += "\nPivotal events, best first:\n";
  for (size_t i = 0; i < emerged.pivotal.size() && i < 8; ++i) {
    const Event& event = board.events[emerged.pivotal[i].event];
    out += fmt::format("  {:5.1f}  {}{}\n", emerged.pivotal[i].score, event.name, event.pivotal ? "  (declared)" : "");
  }
  out += "\nContexts:\n";
  for (const ContextCandidate& each : emerged.contexts)
    out += fmt::format("  {:<20} {}\n    because   {}\n", each.name, names(emerged.aggregates, each.aggregates),
                       fmt::join(each.why, "; "));
  if (!emerged.rules.empty())
    out += "\nRules that need another aggregate's state (check it when appending, or accept the race):\n";
  for (const CrossRule& each : emerged.rules)
    out += fmt::format("  {} ! {}: {} of {}\n", board.commands[each.command].name, each.refusal,
                       board.events[each.event].name, emerged.aggregates[each.aggregate].name);
  return out;
}

std::string show_text(const Document& document, const Graph& graph) {
  const Board& board = graph.board();
  std::string out = fmt::format("{}  {}\nstage {}\n", board.name.empty() ? document.file : board.name, board.title,
                                to_string(board.current_stage()));
  std::string lane;
  for (Index i = 0; i < board.events.size(); ++i) {
    if (board.events[i].lane != lane || i == 0) {
      lane = board.events[i].lane;
      out += lane.empty() ? "\n" : fmt::format("\nlane {}\n", lane);
    }
    out += event_line(graph, i);
  }
  for (const Aggregate& each : board.aggregates)
    out += fmt::format("{}aggregate {:<19}{}\n", &each == &board.aggregates[0] ? "\n" : "", each.name, each.text);
  for (const Context& each : board.contexts) {
    std::vector<std::string> owned;
    for (const Reference& name : each.owns) owned.push_back(name.name);
    for (const Reference& name : each.fronts) owned.push_back(name.name);
    out +=
        fmt::format("{}context {:<21}{}\n", &each == &board.contexts[0] ? "\n" : "", each.name, fmt::join(owned, ", "));
  }
  for (const Remark& each : board.hotspots)
    out += fmt::format("{}? {}\n", &each == &board.hotspots[0] ? "\n" : "", each.name);
  return out;
}

std::string next_text(const NextStep& step) {
  std::string out = fmt::format("stage {}{}\n{}\n", to_string(step.stage),
                                step.next ? fmt::format(", next: {}", to_string(*step.next)) : "", step.advice);
  for (const Finding& each : step.missing)
    out += fmt::format("  {} {}{}\n", each.rule, each.place.line > 0 ? fmt::format("line {}: ", each.place.line) : "",
                       each.message);
  return out;
}

std::string diff_text(const Changes& changes) {
  if (changes.empty()) return "no change in meaning\n";
  std::string out;
  for (const Change& each : changes)
    out += fmt::format("{} {:<8} {} {}: {}\n", each.is_breaking ? "BREAKS" : "      ", to_string(each.type), each.kind,
                       each.name, each.message);
  const auto breaking = static_cast<size_t>(std::ranges::count_if(changes, &Change::is_breaking));
  return out + fmt::format("{}, {} breaking\n", counted(changes.size(), "change"), breaking);
}

}  // namespace weft::storm
