#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storm/parser.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

std::string shown(const Token& token) {
  switch (token.kind) {
    case Token::Kind::End: return "the end of the line";
    case Token::Kind::Text: return "a text in quotes";
    default: return "'" + token.text + "'";
  }
}

// What people type, or what an editor makes of it, where they mean `->`.
bool looks_like_arrow(std::string_view word) {
  constexpr std::array<std::string_view, 14> kArrows = {"=>", "-->", "==>", ">",  ">>", "--", "→",
                                                        "⇒",  "➔",   "⟶",   "–>", "—>", "–",  "=->"};
  return std::ranges::find(kArrows, word) != kArrows.end();
}

}  // namespace

Cursor::Cursor(const Statement& statement, Findings& faults) : faults_(faults) {
  for (const Token& token : statement.tokens) {
    tokens_.push_back(token);
    if (token.kind != Token::Kind::Word) continue;
    const bool is_split = token.text == ">" && tokens_.size() > 1 && tokens_[tokens_.size() - 2].text == "-";
    if (is_split) tokens_.pop_back();
    if (is_split || looks_like_arrow(token.text)) {
      tokens_.back().kind = Token::Kind::Arrow;
      tokens_.back().is_torn = true;
    }
  }
  if (tokens_.empty()) return;
  end_.place = tokens_.back().place;
  end_.place.column += end_.place.length;
  end_.place.length = 1;
}

bool Cursor::accept(Token::Kind kind) {
  if (peek().kind != kind) return false;
  skip();
  return true;
}

bool Cursor::accept_word(std::string_view word) {
  if (!peek().is_word(word)) return false;
  skip();
  return true;
}

void Cursor::fault(const Place& place, std::string message, std::string hint) {
  faults_.push_back({"SYN", place, element_, std::move(message), std::move(hint)});
}

void Cursor::expected(std::string_view what, std::string hint) {
  fault(peek().place, fmt::format("expected {}, found {}", what, shown(peek())), std::move(hint));
}

std::vector<Reference> read_names(Cursor& cursor, std::span<const std::string_view> clauses, std::string_view what) {
  std::vector<Reference> names;
  const auto is_clause = [&](const Token& token) {
    return token.kind == Token::Kind::Word && std::ranges::find(clauses, token.text) != clauses.end();
  };
  bool is_due = true, has_told = false;
  for (;;) {
    if (is_due && cursor.peek().kind == Token::Kind::Comma) {
      if (!has_told) cursor.expected(what, "one comma parts two names");
      has_told = true;
      cursor.skip();
      continue;
    }
    const bool is_name =
        cursor.peek().kind == Token::Kind::Word &&
        (!is_clause(cursor.peek()) || (names.empty() && cursor.peek_next().kind == Token::Kind::Comma));
    if (!is_name) {
      if (is_due && !has_told) cursor.expected(what);
      return names;
    }
    // A clause word with a slip is for the caller to tell.
    if (!is_due && nearest(cursor.peek().text, clauses)) return names;
    if (!is_due && !has_told)
      cursor.fault(cursor.peek().place, fmt::format("expected ',' or a clause, found '{}'", cursor.peek().text),
                   fmt::format("part names with commas: {}, {}", names.back().name, cursor.peek().text));
    has_told |= !is_due;
    Token token = cursor.take();
    names.push_back({std::move(token.text), token.place, !is_due});
    is_due = cursor.accept(Token::Kind::Comma);
  }
}

}  // namespace weft::storm
