#include "storm/accept.h"

#include <fmt/format.h>

#include <algorithm>

#include "storm/format.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

std::string context_statement(const Emerged& emerged, const ContextCandidate& candidate) {
  std::vector<std::string> owned;
  for (const Index aggregate : candidate.aggregates) owned.push_back(emerged.aggregates[aggregate].name);
  return fmt::format("context {}  owns {}", candidate.name, fmt::join(owned, ", "));
}

// Behind what the line says, before its comment.
std::string marked_pivotal(const Document& document, const Event& event) {
  std::vector<TextLine> lines = document.lines;
  std::string& line = lines[event.place.line - 1].content;
  const size_t comment = comment_of(line);
  const size_t end = line.find_last_not_of(" \t", comment == std::string::npos ? std::string::npos : comment - 1);
  line.insert(end + 1, "  pivotal");
  return join_lines(lines);
}

}  // namespace

std::string statement_of(const Graph& graph, const AggregateCandidate& candidate) {
  std::string text = fmt::format("aggregate {}  key {}\n  commands", candidate.name, candidate.key);
  for (const Index command : candidate.commands) text += " " + graph.board().commands[command].name;
  return text;
}

base::Result<std::string> accept(const Document& document, const Graph& graph, const Emerged& emerged,
                                 std::span<const std::string> names) {
  Document now = document;
  const auto take = [&](std::string text) {
    base::Result<Document> again = parse(text, document.file, document.read_file);
    if (again) now = std::move(*again);
  };
  for (const std::string& name : names) {
    const auto aggregate = std::ranges::find(emerged.aggregates, name, &AggregateCandidate::name);
    const auto context = std::ranges::find(emerged.contexts, name, &ContextCandidate::name);
    const std::optional<Index> event = graph.find(Kind::Event, name);
    if (aggregate != emerged.aggregates.end() && !aggregate->commands.empty()) {
      if (!graph.find(Kind::Aggregate, name))
        take(insert_statement(now, Kind::Aggregate, statement_of(graph, *aggregate)));
    } else if (context != emerged.contexts.end() && !context->aggregates.empty()) {
      if (!graph.find(Kind::Context, name))
        take(insert_statement(now, Kind::Context, context_statement(emerged, *context)));
    } else if (event) {
      const Event& marked = now.board.events[*event];
      if (!marked.pivotal) take(marked_pivotal(now, marked));
    } else {
      std::vector<std::string_view> known;
      for (const AggregateCandidate& each : emerged.aggregates) known.push_back(each.name);
      for (const ContextCandidate& each : emerged.contexts) known.push_back(each.name);
      const std::optional<std::string> meant = nearest(name, known);
      return base::Error(base::ErrorCode::NotFound,
                         fmt::format("{}: no aggregate, context or event of this name is suggested{}", name,
                                     meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
    }
  }
  return now.text();
}

std::string new_board(std::string_view name, std::string_view title) {
  return fmt::format(R"(board   {}{}
stage   explore

# What happens? One event a line, in the past tense, as people say it. Order comes later.
# event   OrderPlaced
# event   PaymentReceived
)",
                     kebab_case(name), title.empty() ? "" : fmt::format(" \"{}\"", title));
}

}  // namespace weft::storm
