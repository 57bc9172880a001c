// Purpose: what the library knows, as text for people and as the JSON that docs/board.schema.json describes.
// Thread:  any.
#pragma once

#include <string>
#include <string_view>

#include "storm/diff.h"
#include "storm/document.h"
#include "storm/emerge.h"
#include "storm/finding.h"
#include "storm/stages.h"

namespace weft::storm {

// For people. Lines end with "\n"; no colours.
/// Each finding with its line of the file, then a sum.
std::string lint_text(const Document& document, const Findings& findings);
std::string emerge_text(const Graph& graph, const Emerged& emerged);
std::string show_text(const Document& document, const Graph& graph);
std::string next_text(const NextStep& step);
std::string diff_text(const Changes& changes);

// For programs: one document, indented, with a newline at its end.
std::string lint_json(const Document& document, const Findings& findings);
std::string emerge_json(const Graph& graph, const Emerged& emerged);
std::string show_json(const Document& document, const Graph& graph);
std::string next_json(const NextStep& step);
std::string diff_json(const Changes& changes);
/// SARIF 2.1.0, for code scanning. `version`: Weft's.
std::string lint_sarif(const Document& document, const Findings& findings, std::string_view version);
/// Annotations of GitHub Actions.
std::string lint_github(const Document& document, const Findings& findings);

}  // namespace weft::storm
