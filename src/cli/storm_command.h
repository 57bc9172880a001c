// Purpose: what the verbs of `weft storm` share: how they are added, how they print, how they fail.
// Thread:  main.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace weft::cli {

/// The exit code where something cannot be read or written.
inline constexpr int kUnusable = 2;

/// Tells "weft storm VERB: MESSAGE" on standard error; answers kUnusable.
int fail(std::string_view verb, std::string_view message);
int fail(std::string_view verb, const base::Error& error);
/// Writes to standard output, to its end: 0, or `fail`'s answer where it does not take all (a full disk, a closed
/// pipe).
int print(std::string_view verb, std::string_view text);

/// The subcommand `name`, whose callback runs `run(arguments)` for the exit code.
template <typename Arguments>
CLI::App* add(CLI::App& storm, int& status, std::string name, std::string summary, std::string examples,
              std::shared_ptr<Arguments> arguments, int (*run)(Arguments&)) {
  CLI::App* verb = storm.add_subcommand(std::move(name), std::move(summary));
  verb->footer("Examples:\n" + std::move(examples));
  verb->callback([arguments = std::move(arguments), run, &status] { status = run(*arguments); });
  return verb;
}

}  // namespace weft::cli
