// Any text: the parser loses no byte, the linter and what emerges do not crash, and the layout is the layout of itself
// and says the same.
#include <string>
#include <string_view>

#include "base/assert.h"
#include "storm/diff.h"
#include "storm/emerge.h"
#include "storm/format.h"
#include "storm/lint.h"
#include "storm/stages.h"

namespace {

using namespace weft;

base::Result<std::string> no_file(std::string_view) { return base::Error(base::ErrorCode::NotFound, "no such file"); }

void check(const storm::Document& document) {
  for (const storm::Finding& finding : storm::lint(document)) {
    WEFT_ASSERT(storm::find_rule(finding.rule) != nullptr);
    WEFT_ASSERT(finding.place.line <= document.lines.size() + 1);
  }
  const storm::Graph graph(document.board);
  for (const storm::AggregateCandidate& each : storm::emerge(graph).aggregates)
    WEFT_ASSERT(each.confidence >= 0 && each.confidence <= 1);
  storm::emerge(graph, true);
  storm::next_step(graph);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const base::Result<storm::Document> document = storm::parse(text, "fuzz", no_file);
  if (!document) return 0;
  WEFT_ASSERT(document->text() == text);
  check(*document);
  const std::string layout = storm::format(*document);
  const base::Result<storm::Document> again = storm::parse(layout, "fuzz", no_file);
  WEFT_ASSERT(again && storm::diff(document->board, again->board).empty());
  WEFT_ASSERT(storm::format(*again) == layout);
  return 0;
}
