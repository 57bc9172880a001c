// Purpose: writes what people have accepted into a board, and begins a new one.
// Thread:  any.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "storm/document.h"
#include "storm/emerge.h"

namespace weft::storm {

/// The statement that declares a candidate ("aggregate Poll  key poll\n  commands …").
std::string statement_of(const Graph& graph, const AggregateCandidate& candidate);

/// The board's text with the named aggregates and contexts declared and the named events marked as pivotal; every other
/// line stays. What is declared already stays too. Errors: NotFound, naming what nothing suggests.
base::Result<std::string> accept(const Document& document, const Graph& graph, const Emerged& emerged,
                                 std::span<const std::string> names);

/// A board at its first stage, with the notation in comments.
std::string new_board(std::string_view name, std::string_view title);

}  // namespace weft::storm
