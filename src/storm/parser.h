// Purpose: turns statements into elements, clause by clause.
// Thread:  any.   Owner: storm::parse.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storm/document.h"

namespace weft::storm {

/// The tokens of one statement, with what can be said about them when they are not what is due.
class Cursor {
 public:
  Cursor(const Statement& statement, Findings& faults);

  const Token& peek() const { return at_ < tokens_.size() ? tokens_[at_] : end_; }
  const Token& peek_next() const { return at_ + 1 < tokens_.size() ? tokens_[at_ + 1] : end_; }
  Token take() { return at_ < tokens_.size() ? tokens_[at_++] : end_; }
  bool is_at_end() const { return at_ >= tokens_.size(); }
  bool accept(Token::Kind kind);
  bool accept_word(std::string_view word);
  /// Goes on as if `word` stood where a word like it stands.
  void replace(std::string_view word) { tokens_[at_].text = word; }
  void skip() { at_ += at_ < tokens_.size(); }

  void fault(const Place& place, std::string message, std::string hint = {});
  /// "expected WHAT, found 'x'" here.
  void expected(std::string_view what, std::string hint = {});
  /// What faults from now on are about.
  void set_element(std::string_view name) { element_ = name; }
  Findings& faults() { return faults_; }

 private:
  std::vector<Token> tokens_;
  Token end_;
  size_t at_ = 0;
  std::string element_;
  Findings& faults_;
};

/// Names parted by commas, up to the next clause word. A comma left out is a fault, and the name counts.
std::vector<Reference> read_names(Cursor& cursor, std::span<const std::string_view> clauses, std::string_view what);
/// What follows `fields`.
std::vector<Field> read_fields(Cursor& cursor, std::span<const std::string_view> clauses, const ReadFile& read_file);
/// The fields of a JSON Schema's `properties`. Errors: InvalidArgument, in words that follow the file's name.
base::Result<std::vector<Field>> fields_of_schema(std::string_view json, const Place& place);

}  // namespace weft::storm
