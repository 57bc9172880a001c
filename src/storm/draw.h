// Purpose: a board as a picture to look at, to click through and to paste into a document.
// Thread:  any (pure functions).
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "storm/graph.h"

namespace weft::storm {

struct DrawOptions {
  enum class Look : uint8_t { Timeline, Contexts, Aggregate, Event };
  Look look = Look::Timeline;
  Index index = 0;  ///< of the aggregate or the event
  bool is_dark = false;
};

/// `timeline`, `contexts`, `aggregate NAME`, `event NAME`, as two words or joined with `=`.
/// Errors: InvalidArgument, NotFound; the message has the word, and the nearest right one.
base::Result<DrawOptions> parse_look(const Graph& graph, std::span<const std::string> words);

/// The same board gives the same bytes.   Cost: O(notes · edges); 400 notes take milliseconds.
std::string draw_svg(const Graph& graph, const DrawOptions& options);
/// One page that needs nothing else: zoom, pan, search, and following an event from its causes to its effects.
std::string draw_html(const Graph& graph, const DrawOptions& options);
/// The notes of the same picture and all that connects them, as Mermaid's flowchart and as PlantUML.
std::string draw_mermaid(const Graph& graph, const DrawOptions& options);
std::string draw_plantuml(const Graph& graph, const DrawOptions& options);

}  // namespace weft::storm
