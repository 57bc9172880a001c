// Purpose: what aggregates, pivotal events and contexts the flow of a board suggests, with reasons. It only ever
// suggests. Thread:  any.   Source: docs/board.md, "How aggregates emerge".
#pragma once

#include <string>
#include <vector>

#include "storm/graph.h"

namespace weft::storm {

struct AggregateCandidate {
  std::string name;  ///< the key as a name, until people find a better one
  std::string key;
  bool is_key_inferred = false;
  Indices commands, events;
  double confidence = 0;  ///< links inside it as a part of all its links; below 0.8 where the key is a guess
  std::vector<std::string> why, alternatives;
};

struct PivotalCandidate {
  Index event = 0;
  double score = 0;
};

struct ContextCandidate {
  std::string name;
  Indices aggregates;  ///< positions in Emerged::aggregates
  Indices commands, events;
  std::vector<std::string> why;
};

/// A command that is refused because of a state that another aggregate holds.
struct CrossRule {
  Index command = 0;
  size_t owner = 0;  ///< the command's; a position in Emerged::aggregates
  std::string refusal;
  size_t aggregate = 0;  ///< whose state it is; a position in Emerged::aggregates
  Index event = 0;       ///< that sets the state
};

struct Emerged {
  std::vector<AggregateCandidate> aggregates;  ///< in the order of the timeline
  std::vector<PivotalCandidate> pivotal;       ///< best first
  std::vector<ContextCandidate> contexts;
  std::vector<CrossRule> rules;
};

/// `keeps_declared`: commands of a declared aggregate stay together; otherwise what is declared plays no part.
/// Cost: near linear in the board.
Emerged emerge(const Graph& graph, bool keeps_declared = false);

}  // namespace weft::storm
