// Purpose: the version of this program, as CMakeLists.txt has it.
// Thread:  any.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::cli {

/// "0.1.0".
std::string_view version();
/// The same as one number that grows from release to release: 10,203 for 1.2.3.
uint32_t version_number();

}  // namespace weft::cli
