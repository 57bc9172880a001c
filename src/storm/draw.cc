#include "storm/draw.h"

#include <fmt/core.h>

#include <vector>

#include "storm/draw_picture.h"
#include "storm/layout_views.h"
#include "storm/svg.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr std::string_view kLooks[] = {"timeline", "contexts", "aggregate", "event"};

base::Error unknown_look(const std::string& word) {
  std::string hint = "views are timeline, contexts, aggregate NAME and event NAME";
  if (const auto meant = nearest(word, kLooks)) hint = fmt::format("did you mean '{}'?", *meant);
  return {base::ErrorCode::InvalidArgument, fmt::format("--view {}: no such view; {}", word, hint)};
}

base::Result<Index> find_named(const Graph& graph, Kind kind, const std::string& name) {
  if (const std::optional<Index> found = graph.find(kind, name)) return *found;
  const std::optional<std::string> meant = graph.nearest_name(kind, name);
  return base::Error(base::ErrorCode::NotFound,
                     fmt::format("--view {} {}: the board has no such {}{}", to_string(kind), name, to_string(kind),
                                 meant ? fmt::format("; did you mean '{}'?", *meant) : std::string()));
}

}  // namespace

base::Result<DrawOptions> parse_look(const Graph& graph, std::span<const std::string> words) {
  DrawOptions options;
  if (words.empty()) return options;
  std::string word = words[0], name = words.size() > 1 ? words[1] : "";
  if (const size_t at = word.find('='); at != std::string::npos && words.size() == 1) {
    name = word.substr(at + 1);
    word.resize(at);
  }
  const bool has_name = word == "aggregate" || word == "event";
  if (word != "timeline" && word != "contexts" && !has_name) return unknown_look(word);
  if (words.size() > 2 || (!has_name && !name.empty()))
    return base::Error(base::ErrorCode::InvalidArgument, fmt::format("--view {} {}: '{}' is one word too many", word,
                                                                     name, words.size() > 2 ? words[2] : name));
  if (word == "contexts") options.look = DrawOptions::Look::Contexts;
  if (!has_name) return options;
  if (name.empty())
    return base::Error(base::ErrorCode::InvalidArgument,
                       fmt::format("--view {0}: the name of one is missing: --view {0} NAME", word));
  options.look = word == "event" ? DrawOptions::Look::Event : DrawOptions::Look::Aggregate;
  const base::Result<Index> index = find_named(graph, word == "event" ? Kind::Event : Kind::Aggregate, name);
  if (!index) return index.error();
  options.index = *index;
  return options;
}

Picture picture_of(const Graph& graph, const DrawOptions& options) {
  switch (options.look) {
    case DrawOptions::Look::Timeline: return lay_out_timeline(graph);
    case DrawOptions::Look::Contexts: return lay_out_contexts(graph);
    case DrawOptions::Look::Aggregate: return lay_out_aggregate(graph, options.index);
    case DrawOptions::Look::Event: return lay_out_event(graph, options.index);
  }
  return {};
}

std::string draw_svg(const Graph& graph, const DrawOptions& options) {
  return to_svg(picture_of(graph, options), {options.is_dark, false});
}

}  // namespace weft::storm
