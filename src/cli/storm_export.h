// Purpose: `weft storm export` and `weft storm import`: boards as contracts, contracts as a first board.
// Thread:  main.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

/// Adds both to `weft storm`; what they return goes to `status`.
void add_storm_export(CLI::App& storm, int& status);

}  // namespace weft::cli
