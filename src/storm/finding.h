// Purpose: what is wrong or open on a board: rule, level, place, words; and the table of rules.
// Thread:  any (values).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storm/board.h"

namespace weft::storm {

enum class Level : uint8_t { Off, Info, Warning, Error };
/// As in JSON: "off", "info", "warn", "error".
std::string_view to_string(Level level);
std::optional<Level> parse_level(std::string_view word);

struct Rule {
  std::string_view id;
  Level level;
  std::string_view summary;  ///< one sentence of what must hold
};
/// All rules, in the order of docs/board.md.
std::span<const Rule> rules();
const Rule* find_rule(std::string_view id);

struct Finding {
  std::string rule;
  Place place;
  std::string element;  ///< name; empty: of no element
  std::string message;
  std::string hint;  ///< what to do; may be empty
  Level level = Level::Error;
};

using Findings = std::vector<Finding>;

}  // namespace weft::storm
