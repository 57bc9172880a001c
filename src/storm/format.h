// Purpose: the canonical layout of a board, and edits that touch only their lines.
// Thread:  any.
#pragma once

#include <string>

#include "storm/document.h"

namespace weft::storm {

/// The board with clauses in their usual order and in columns, one space elsewhere, two before a comment, no blanks at
/// line ends. Comments, empty lines and line breaks inside a statement stay; so does every byte of a statement that
/// cannot be read. What it says is the same, and formatting it again changes nothing.
std::string format(const Document& document);

/// The text with `statement` (a line without its end, or several) inserted behind the last element of `kind`, with an
/// empty line before it where there is none of that kind yet.
std::string insert_statement(const Document& document, Kind kind, std::string_view statement);

}  // namespace weft::storm
