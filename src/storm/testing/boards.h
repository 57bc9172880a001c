// Purpose: boards for tests: the reference board and those of other domains.
// Thread:  any.
#pragma once

#include <string>
#include <vector>

#include "storm/document.h"

namespace weft::storm {

/// The names of all boards in tests/storm and of the reference board ("techtalks").
std::vector<std::string> board_names();
/// Its text; an error of the test where there is none.
std::string board_text(const std::string& name);
/// Parsed; an error of the test where it cannot be.
Document parsed(const std::string& text);
/// Every `from` as `to`; an error of the test where there is no `from`.
std::string replaced(std::string text, const std::string& from, const std::string& to);

}  // namespace weft::storm
