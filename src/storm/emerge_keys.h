// Purpose: what each event happens to: the key it has, or the one its words, its command and its refusals suggest.
// Thread:  any.   Owner: storm::emerge.
#pragma once

#include <string>
#include <vector>

#include "storm/graph.h"

namespace weft::storm {

struct EventKey {
  std::string key;
  bool is_inferred = false;
  std::string second;  ///< the next best guess; empty: none
};

/// One for each event.
std::vector<EventKey> keys_of_events(const Graph& graph);

/// The words of an event's name before its verb, in the singular: "CallForPapersOpened" → call, for, paper.
std::vector<std::string> nouns_of_event(std::string_view event);
/// The words of a command's name behind its verb.
std::vector<std::string> nouns_of_command(std::string_view command);

}  // namespace weft::storm
