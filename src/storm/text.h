// Purpose: a board file as lines and tokens, without loss: what is not edited prints as it came.
// Thread:  any (values).   Owner: storm::Document.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storm/board.h"

namespace weft::storm {

/// A physical line and how it ended ("\n", "\r\n" or nothing at the end of a file).
struct TextLine {
  std::string content;
  std::string ending;
};

std::vector<TextLine> split_lines(std::string_view text);
std::string join_lines(const std::vector<TextLine>& lines);

struct Token {
  enum class Kind : uint8_t { Word, Text, Arrow, Plus, Bar, Bang, Comma, End };
  Kind kind = Kind::End;
  std::string text;  ///< of a Text without its quotes and escapes
  Place place;
  bool is_torn = false;  ///< a Text whose closing quote is missing
  bool is_word(std::string_view word) const { return kind == Kind::Word && text == word; }
};

/// One element or header line with the indented lines that continue it.
struct Statement {
  uint32_t first_line = 0;    ///< from 1
  uint32_t last_line = 0;     ///< the last one that continues it
  bool is_orphan = false;     ///< begins with an indented line that continues nothing
  bool is_swallowed = false;  ///< is indented, and an element by its looks: it continues nothing
  std::vector<Token> tokens;
};

/// Cuts lines into statements. Blank lines and comments belong to none and end none.
/// Errors: none; what is wrong with a token is for the parser to say.
std::vector<Statement> split_statements(const std::vector<TextLine>& lines);

/// A text in the quotes of the notation.
std::string in_quotes(std::string_view text);

/// Where the comment of a line begins (its `#`, in bytes), or npos. A `#` inside quotes or inside a word begins none.
size_t comment_of(std::string_view line);

/// Bytes of the character that a text begins with; 0: none does (RFC 3629: no overlong form, no surrogate).
size_t length_of_character(std::string_view text);
/// Of one whole character; a single byte is its own.
uint32_t code_point(std::string_view character);
/// Characters of a UTF-8 text; a byte that is not UTF-8 counts as one.
uint32_t characters(std::string_view text);
/// The byte offset of the first byte that is not UTF-8 or is a control character; npos: all is text.
size_t find_broken_byte(std::string_view line);

}  // namespace weft::storm
