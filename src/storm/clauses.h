// Purpose: the words that begin the clauses of each kind of element, in their usual order.
// Thread:  any (constants).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "storm/board.h"

namespace weft::storm {

inline constexpr std::array<std::string_view, 5> kEventClauses = {"from", "key", "ref", "pivotal", "fields"};
inline constexpr std::array<std::string_view, 4> kCommandClauses = {"by", "sees", "to", "fields"};
inline constexpr std::array<std::string_view, 3> kPolicyClauses = {"when", "if", "then"};
inline constexpr std::array<std::string_view, 2> kViewClauses = {"from", "fields"};
inline constexpr std::array<std::string_view, 2> kAggregateClauses = {"key", "commands"};
inline constexpr std::array<std::string_view, 6> kContextClauses = {"core", "supporting", "generic",
                                                                    "owns", "fronts",     "team"};
inline constexpr std::array<std::string_view, 1> kRemarkClauses = {"on"};

}  // namespace weft::storm
