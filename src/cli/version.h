// Purpose: the version of this program, as CMakeLists.txt has it.
// Thread:  any.
#pragma once

#include <string_view>

namespace weft::cli {

/// "0.1.0".
std::string_view version();

}  // namespace weft::cli
