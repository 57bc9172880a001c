#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "storm/draw.h"
#include "storm/draw_flow.h"
#include "storm/draw_page.h"
#include "storm/draw_picture.h"
#include "storm/svg.h"

namespace weft::storm {

namespace {

// JSON inside <script>: `<` would let a name end the element or open a comment.
std::string script_json(const nlohmann::ordered_json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<') out += "\\u003c";
    else out += c;
  }
  return out;
}

std::string board_json(const Flow& flow) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array(), edges = nlohmann::ordered_json::array();
  for (const NodeName& node : flow.nodes) nodes.push_back({{"kind", to_string(node.kind)}, {"name", node.name}});
  for (const FlowEdge& edge : flow.edges)
    edges.push_back({{"from", edge.from}, {"to", edge.to}, {"meaning", edge.meaning}});
  return script_json({{"nodes", std::move(nodes)}, {"edges", std::move(edges)}});
}

}  // namespace

std::string draw_html(const Graph& graph, const DrawOptions& options) {
  const Picture picture = picture_of(graph, options);
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += fmt::format("<title>{}</title>\n<style>{}</style>\n</head>\n", escape_xml(picture.title), kPageStyle);
  out += fmt::format("<body class=\"{}\">\n<main id=\"wall\">\n", options.is_dark ? "dark" : "light");
  out += to_svg(picture, {options.is_dark, true});
  out += "</main>";
  out += kPageBody;
  out +=
      fmt::format("<script type=\"application/json\" id=\"board\">{}</script>\n", board_json(flow_of(graph, picture)));
  out += fmt::format("<script>{}</script>\n</body>\n</html>\n", kPageScript);
  return out;
}

}  // namespace weft::storm
