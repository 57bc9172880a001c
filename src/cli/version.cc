#include "cli/version.h"

namespace weft::cli {

std::string_view version() { return WEFT_VERSION; }

uint32_t version_number() {
  uint32_t number = 0, part = 0;
  for (const char c : version()) {
    if (c != '.') {
      part = part * 10 + static_cast<uint32_t>(c - '0');
      continue;
    }
    number = (number + part) * 100;
    part = 0;
  }
  return number + part;
}

}  // namespace weft::cli
