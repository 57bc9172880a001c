#include "cli/storm_command.h"

#include <fmt/core.h>

#include "cli/storm_files.h"

namespace weft::cli {

int fail(std::string_view verb, std::string_view message) {
  fmt::print(stderr, "weft storm {}: {}\n", verb, message);
  return kUnusable;
}

int fail(std::string_view verb, const base::Error& error) { return fail(verb, error.message); }

int print(std::string_view verb, std::string_view text) {
  const base::Status written = write_text("-", text);
  return written ? 0 : fail(verb, written.error());
}

}  // namespace weft::cli
