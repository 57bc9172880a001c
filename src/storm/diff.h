// Purpose: what changed between two boards in meaning, and which changes break a contract.
// Thread:  any.
#pragma once

#include <string>
#include <vector>

#include "storm/board.h"

namespace weft::storm {

struct Change {
  enum class Type : uint8_t { Added, Removed, Renamed, Changed };
  Type type = Type::Changed;
  std::string kind;  ///< as of `to_string(Kind)`, or "board"
  std::string name;
  std::string was;  ///< the old name of what was renamed
  bool is_breaking = false;
  std::string message;
};
using Changes = std::vector<Change>;
std::string_view to_string(Change::Type type);

/// Layout, comments and the order of what is no event are no changes. Breaking is: an event removed, renamed or given
/// another CloudEvents type; a field of one removed; a field narrowed (its type, a bound, its values) or made required;
/// a required field added to a command. Cost: near linear; renames are guessed among what was removed and added.
Changes diff(const Board& before, const Board& after);

bool is_breaking(const Changes& changes);

}  // namespace weft::storm
