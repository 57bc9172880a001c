#include "storm/board.h"

#include <algorithm>
#include <array>

namespace weft::storm {

namespace {

constexpr std::array<std::string_view, 9> kStages = {"explore",  "timeline", "pivotal",    "people", "problems",
                                                     "commands", "policies", "aggregates", "design"};
constexpr std::array<std::string_view, 11> kKinds = {"actor",     "system",  "event",   "command",     "policy", "view",
                                                     "aggregate", "context", "hotspot", "opportunity", "lane"};

template <typename T, size_t N>
std::optional<T> index_in(const std::array<std::string_view, N>& names, std::string_view word) {
  const auto at = std::ranges::find(names, word);
  if (at == names.end()) return std::nullopt;
  return static_cast<T>(at - names.begin());
}

}  // namespace

std::string_view to_string(Stage stage) { return kStages[static_cast<size_t>(stage)]; }
std::optional<Stage> parse_stage(std::string_view word) { return index_in<Stage>(kStages, word); }
std::string_view to_string(Kind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::optional<Kind> parse_kind(std::string_view word) { return index_in<Kind>(kKinds, word); }

Stage stage_of(Kind kind) {
  switch (kind) {
    case Kind::Event: return Stage::Explore;
    case Kind::Hotspot: return Stage::Timeline;
    case Kind::Lane: return Stage::Pivotal;
    case Kind::Actor:
    case Kind::System: return Stage::People;
    case Kind::Opportunity: return Stage::Problems;
    case Kind::Command: return Stage::Commands;
    case Kind::Policy:
    case Kind::View: return Stage::Policies;
    case Kind::Aggregate: return Stage::Aggregates;
    case Kind::Context: return Stage::Design;
  }
  return Stage::Explore;
}

Stage Board::current_stage() const {
  if (stage) return *stage;
  Stage latest = Stage::Explore;
  for_each([&](const Element& element) { latest = std::max(latest, stage_of(element.kind)); });
  for (const Event& event : events)
    if (event.pivotal) latest = std::max(latest, Stage::Pivotal);
  return latest;
}

}  // namespace weft::storm
