#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

Cursor::Cursor(const Statement& statement, Findings& faults) : tokens_(statement.tokens), faults_(faults) {
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
  for (bool is_due = true;;) {
    if (cursor.peek().kind != Token::Kind::Word ||
        (is_clause(cursor.peek()) && !(is_due && names.empty() && cursor.peek_next().kind == Token::Kind::Comma))) {
      if (is_due) cursor.expected(what);
      return names;
    }
    Token token = cursor.take();
    names.push_back({std::move(token.text), token.place});
    is_due = cursor.accept(Token::Kind::Comma);
    if (is_due || cursor.peek().kind != Token::Kind::Word || is_clause(cursor.peek())) {
      if (is_due) continue;
      return names;
    }
    if (nearest(cursor.peek().text, clauses)) return names;  // a clause word with a slip: the caller tells
    cursor.fault(cursor.peek().place, fmt::format("expected ',' or a clause, found '{}'", cursor.peek().text),
                 fmt::format("part names with commas: {}, {}", names.back().name, cursor.peek().text));
  }
}

}  // namespace weft::storm
