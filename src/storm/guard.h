// Purpose: what guards of policies say of each other: whether of several always exactly one holds.
// Thread:  any (pure functions).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::storm {

/// How guards on one event stand to each other.
struct Coverage {
  bool is_known = false;         ///< false: some guard is prose, nothing can be said
  std::string overlap;           ///< a case in which two hold ("talks = 3, slots = 3"); empty: none
  size_t first = 0, second = 0;  ///< which two
  std::string gap;               ///< a case in which none holds; empty: none
};

/// Understands comparisons of names, numbers and sums (`1 <= talks <= slots`, `amount > 2 * limit`), `and`, `or`,
/// `not`, "at least", "more than" and the like, `otherwise`, and one piece of prose beside its negation ("paid", "not
/// paid"). Quantities are taken for whole numbers from 0 on unless a guard has a fraction or a negative number. Cost:
/// bounded; guards of more than three quantities count as prose.
Coverage cover(std::span<const std::string_view> guards);

/// Whether a guard speaks of time that has to pass ("3 days after", "deadline is over").
bool speaks_of_time(std::string_view text);
/// Whether it counts time at all ("within 24 hours", "24h").
bool counts_time(std::string_view text);

}  // namespace weft::storm
