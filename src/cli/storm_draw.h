// Purpose: `weft storm draw`: a board as SVG, PNG, HTML, Mermaid or PlantUML.
// Thread:  main.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

/// Adds the verb to `weft storm`. `status` becomes 2 when nothing could be drawn.
void add_storm_draw(CLI::App& storm, int& status);

}  // namespace weft::cli
