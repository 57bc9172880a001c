// Purpose: `weft storm`: event storming boards on the command line.
// Thread:  main.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

/// Adds the verb; running it sets `status` to the exit code: 0, 1 for findings, 2 for what cannot be read.
void add_storm_verb(CLI::App& app, int& status);

}  // namespace weft::cli
