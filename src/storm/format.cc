#include "storm/format.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "storm/clauses.h"
#include "storm/diff.h"

namespace weft::storm {

namespace {

constexpr size_t kKindWidth = 7;        // of "command"
constexpr size_t kColumnWidthMax = 44;  // wider cells do not set a column

/// Where the text in quotes stands among clauses; else it is last.
constexpr std::string_view kText = "\"";

/// What makes the columns of a kind: its clauses, and where the marks of a command and the text of an aggregate stand.
std::span<const std::string_view> columns_of(Kind kind) {
  static constexpr std::string_view kCommand[] = {"by", "sees", "to", "->", "!", "fields"};
  static constexpr std::string_view kAggregate[] = {"key", kText, "commands"};
  switch (kind) {
    case Kind::Event: return kEventClauses;
    case Kind::Command: return kCommand;
    case Kind::Policy: return kPolicyClauses;
    case Kind::View: return kViewClauses;
    case Kind::Aggregate: return kAggregate;
    case Kind::Context: return kContextClauses;
    case Kind::Hotspot:
    case Kind::Opportunity: return kRemarkClauses;
    default: return {};
  }
}

std::string joined(std::span<const Token> tokens) {
  std::string out;
  for (const Token& token : tokens) {
    if (!out.empty() && token.kind != Token::Kind::Comma) out += ' ';
    out += token.kind == Token::Kind::Text ? in_quotes(token.text) : token.text;
  }
  return out;
}

std::string without_trailing_blanks(std::string line) {
  const size_t end = line.find_last_not_of(" \t");
  line.resize(end == std::string::npos ? 0 : end + 1);
  return line;
}

std::string padded(std::string text, size_t width) {
  const size_t length = characters(text);
  if (length < width) text.append(width - length, ' ');
  return text;
}

/// A statement on one line, cut into its clauses.
struct Row {
  uint32_t line = 0;
  std::string head;                                   // kind and name
  std::vector<std::pair<size_t, std::string>> cells;  // position among the kind's clauses, words
  std::string comment;
};

class Formatter {
 public:
  explicit Formatter(const Document& document) : document_(document) {
    for (const TextLine& line : document.lines) out_.push_back(line.content);
    for (const Finding& fault : document.faults) faulty_.insert(fault.place.line);
  }

  std::string run() {
    std::vector<Row> group;
    Kind kind = Kind::Lane;
    uint32_t next = 0;  // the line that would continue the group
    for (const Statement& statement : document_.statements) {
      if (is_faulty(statement)) continue;
      const std::optional<Kind> its = parse_kind(statement.tokens[0].text);
      const bool is_row = its && statement.first_line == statement.last_line;
      if (!group.empty() && (!is_row || *its != kind || statement.first_line != next)) align(group);
      if (is_row) {
        kind = *its;
        group.push_back(row(statement, kind));
      } else if (its) {
        several_lines(statement);
      } else {
        header(statement);
      }
      next = statement.last_line + 1;
    }
    if (!group.empty()) align(group);
    return finished();
  }

 private:
  bool is_faulty(const Statement& statement) const {
    const auto at = faulty_.lower_bound(statement.first_line);
    return at != faulty_.end() && *at <= statement.last_line;
  }

  std::string comment_at(uint32_t line) const {
    const std::string& content = document_.lines[line - 1].content;
    const size_t at = comment_of(content);
    return at == std::string::npos ? std::string() : without_trailing_blanks(content.substr(at));
  }
  void put(uint32_t line, std::string text, const std::string& comment) {
    out_[line - 1] = comment.empty() ? without_trailing_blanks(std::move(text))
                                     : without_trailing_blanks(std::move(text)) + "  " + comment;
  }

  static std::string kind_column(const Token& token) { return padded(token.text, kKindWidth) + " "; }

  Row row(const Statement& statement, Kind kind) const {
    const std::span<const Token> tokens = statement.tokens;
    Row made{statement.first_line,
             kind_column(tokens[0]) + joined(tokens.subspan(1, 1)),
             {},
             comment_at(statement.first_line)};
    const std::span<const std::string_view> clauses = columns_of(kind);
    for (size_t begin = 2; begin < tokens.size();) {
      size_t end = begin + 1;
      while (end < tokens.size() && !begins_clause(tokens, end, clauses)) ++end;
      made.cells.emplace_back(position(tokens[begin], clauses), joined(tokens.subspan(begin, end - begin)));
      begin = end;
    }
    std::ranges::stable_sort(made.cells, {}, &std::pair<size_t, std::string>::first);
    return made;
  }

  // A clause word behind a comma is a name, and the text of a policy's `if` belongs to it.
  static bool begins_clause(std::span<const Token> tokens, size_t at, std::span<const std::string_view> clauses) {
    const Token &token = tokens[at], &before = tokens[at - 1];
    if (before.kind == Token::Kind::Comma) return false;
    if (token.kind == Token::Kind::Text)
      return !before.is_word("if") && !before.is_word("fields") && !before.is_word("of") &&
             before.kind != Token::Kind::Bar;
    return std::ranges::find(clauses, token.text) != clauses.end();
  }
  static size_t position(const Token& token, std::span<const std::string_view> clauses) {
    const std::string_view word = token.kind == Token::Kind::Text ? kText : std::string_view(token.text);
    return static_cast<size_t>(std::ranges::find(clauses, word) - clauses.begin());
  }

  void align(std::vector<Row>& group) {
    size_t head = 0;
    std::map<size_t, size_t> widths;
    for (const Row& each : group) {
      if (const size_t length = characters(each.head); length <= kColumnWidthMax) head = std::max(head, length);
      for (const auto& [position, text] : each.cells)
        if (const size_t length = characters(text); length <= kColumnWidthMax)
          widths[position] = std::max(widths[position], length);
        else widths.try_emplace(position, 0);
    }
    for (const Row& each : group) {
      std::string line = padded(each.head, head);
      auto cell = each.cells.begin();
      for (const auto& [position, width] : widths) {
        std::string text;
        for (; cell != each.cells.end() && cell->first == position; ++cell)
          text += (text.empty() ? "" : " ") + cell->second;
        line += " " + padded(std::move(text), width);
      }
      put(each.line, std::move(line), each.comment);
    }
    group.clear();
  }

  void several_lines(const Statement& statement) {
    size_t begin = 0;
    for (uint32_t line = statement.first_line; line <= statement.last_line; ++line) {
      size_t end = begin;
      while (end < statement.tokens.size() && statement.tokens[end].place.line == line) ++end;
      if (end == begin) continue;
      const std::span<const Token> tokens = std::span(statement.tokens).subspan(begin, end - begin);
      std::string text =
          line == statement.first_line ? kind_column(tokens[0]) + joined(tokens.subspan(1)) : "  " + joined(tokens);
      put(line, std::move(text), comment_at(line));
      begin = end;
    }
  }

  void header(const Statement& statement) {
    if (statement.first_line != statement.last_line) return several_lines(statement);
    put(statement.first_line, kind_column(statement.tokens[0]) + joined(std::span(statement.tokens).subspan(1)),
        comment_at(statement.first_line));
  }

  std::string finished() {
    // Line ends as the file has them.
    const bool has_returns = !document_.lines.empty() && document_.lines[0].ending == "\r\n";
    std::string text;
    for (std::string& line : out_) text += without_trailing_blanks(std::move(line)) + (has_returns ? "\r\n" : "\n");
    return text;
  }

  const Document& document_;
  std::vector<std::string> out_;
  std::set<uint32_t> faulty_;
};

}  // namespace

std::string format(const Document& document) {
  std::string text = Formatter(document).run();
  // A layout that would change what the board says is no layout.
  const base::Result<Document> again = parse(text, document.file, document.read_file);
  const bool is_same =
      again && again->faults.size() == document.faults.size() && diff(document.board, again->board).empty();
  return is_same ? text : document.text();
}

std::string insert_statement(const Document& document, Kind kind, std::string_view statement) {
  std::vector<TextLine> lines = document.lines;
  const std::string ending = lines.empty() || lines[0].ending.empty() ? "\n" : lines[0].ending;
  if (!lines.empty() && lines.back().ending.empty()) lines.back().ending = ending;
  size_t at = lines.size();
  bool has_kind = false;
  for (const Statement& each : document.statements)
    if (!each.tokens.empty() && each.tokens[0].text == to_string(kind)) {
      at = each.last_line;
      has_kind = true;
    }
  std::vector<TextLine> added;
  if (!has_kind && !lines.empty() && !lines.back().content.empty()) added.push_back({"", ending});
  for (TextLine& line : split_lines(statement)) added.push_back({std::move(line.content), ending});
  lines.insert(lines.begin() + static_cast<ptrdiff_t>(at), added.begin(), added.end());
  return join_lines(lines);
}

}  // namespace weft::storm
