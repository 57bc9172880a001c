// The one program. Each verb is a file of this folder.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "cli/proxy_verb.h"
#include "cli/storm_verb.h"
#include "cli/version.h"

int main(int argc, char** argv) {
  CLI::App app("Weft: a service mesh for event-driven microservices", "weft");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(weft::cli::version()));
  int status = 0;
  weft::cli::add_proxy_verb(app, status);
  weft::cli::add_storm_verb(app, status);
  app.add_subcommand("version", "Print the version")->callback([] { fmt::print("weft {}\n", weft::cli::version()); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // A verb that is none would be told as one that is missing.
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !app.remaining(true).empty())
      fmt::print(stderr, "weft: {}: no such verb\n", app.remaining(true).front());
    // Help and version end well; anything else is a mistake on the command line.
    return app.exit(error) == 0 ? 0 : 2;
  }
  return status;
}
