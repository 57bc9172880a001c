#include <fmt/core.h>

#include "storm/draw.h"
#include "storm/draw_flow.h"
#include "storm/draw_picture.h"
#include "storm/svg.h"

namespace weft::storm {

namespace {

// What could end a string, begin markup or a line is spelled as a character reference. Of PlantUML's marks those that
// are doubled: `--`, `__`, `//`, `**`.
std::string escape_label(std::string_view text, bool is_mermaid) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_mark = std::string_view("\"<>#&`\\[]{}|;~").find(c) != std::string_view::npos;
    const bool is_doubled =
        !is_mermaid && i > 0 && text[i - 1] == c && std::string_view("-_/*'^").find(c) != std::string_view::npos;
    if (c == '\n' || c == '\r' || c == '\t') {
      out += ' ';
    } else if (!is_mark && !is_doubled) {
      out += c;
    } else if (is_mermaid) {
      out += fmt::format("#{};", static_cast<int>(c));
    } else {
      out += fmt::format("<U+{:04X}>", static_cast<int>(c));
    }
  }
  return out;
}

bool is_dashed(const FlowEdge& edge) {
  return edge.meaning == "is about" || edge.meaning == "owns" || edge.meaning == "is shown in" ||
         edge.meaning == "is read for";
}

constexpr Kind kDrawn[] = {Kind::Event,  Kind::Command,   Kind::Actor,   Kind::Policy,  Kind::View,
                           Kind::System, Kind::Aggregate, Kind::Context, Kind::Hotspot, Kind::Opportunity};

}  // namespace

std::string draw_mermaid(const Graph& graph, const DrawOptions& options) {
  const Picture picture = picture_of(graph, options);
  const Flow flow = flow_of(graph, picture);
  std::string out = options.is_dark ? "%%{init: {\"theme\": \"dark\"}}%%\nflowchart LR\n" : "flowchart LR\n";
  for (const Kind kind : kDrawn)
    out += fmt::format("  classDef {} fill:{},stroke:#333,color:#1d1d1f\n", to_string(kind), colour_of(kind));
  for (size_t i = 0; i < flow.nodes.size(); ++i)
    out +=
        fmt::format("  n{}[\"{}\"]:::{}\n", i, escape_label(flow.nodes[i].name, true), to_string(flow.nodes[i].kind));
  for (const FlowEdge& edge : flow.edges)
    out += fmt::format("  n{} {}|{}| n{}\n", edge.from, is_dashed(edge) ? "-.->" : "-->", edge.meaning, edge.to);
  return out;
}

std::string draw_plantuml(const Graph& graph, const DrawOptions& options) {
  const Picture picture = picture_of(graph, options);
  const Flow flow = flow_of(graph, picture);
  std::string out = "@startuml\n";
  out +=
      fmt::format("title {}\nleft to right direction\nskinparam shadowing false\n", escape_label(picture.title, false));
  if (options.is_dark)
    out +=
        "skinparam backgroundColor #1c1d22\nskinparam arrowColor #c9cad6\nskinparam titleFontColor #f2f2f4\nskinparam arrowFontColor #f2f2f4\n";
  for (size_t i = 0; i < flow.nodes.size(); ++i)
    out += fmt::format("rectangle \"{}\" as n{} <<{}>> {}\n", escape_label(flow.nodes[i].name, false), i,
                       to_string(flow.nodes[i].kind), colour_of(flow.nodes[i].kind));
  for (const FlowEdge& edge : flow.edges)
    out += fmt::format("n{} {} n{} : {}\n", edge.from, is_dashed(edge) ? "..>" : "-->", edge.to, edge.meaning);
  return out + "@enduml\n";
}

}  // namespace weft::storm
