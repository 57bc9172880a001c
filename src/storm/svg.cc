#include "storm/svg.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

namespace weft::storm {

namespace {

// Helvetica and Arial are narrower than DejaVu Sans, which text is measured for.
constexpr std::string_view kFonts = "Helvetica, Arial, 'DejaVu Sans', sans-serif";
constexpr int kTilt = -6;                     // degrees
constexpr int kRadius = 7;                    // of an edge's corners
constexpr std::string_view kInk = "#1d1d1f";  // on paper, in both themes

struct Theme {
  std::string_view wall, text, faint, edge, tape, context, context_line, lane;
};
constexpr Theme kLight = {"#fafaf7", "#1d1d1f", "#5c5c66", "#4a4a55", "#7c8aa5", "#f3eaf0", "#c2317f", "#eef0f4"};
constexpr Theme kDark = {"#1c1d22", "#f2f2f4", "#b9bac4", "#c9cad6", "#8d9bb8", "#2b2530", "#ff86bf", "#24262d"};

class Writer {
 public:
  Writer(const Picture& picture, const SvgOptions& options)
      : picture_(picture), options_(options), theme_(options.is_dark ? kDark : kLight) {}

  std::string write() {
    head();
    for (const Area& area : picture_.areas) write(area);
    for (const Box& tape : picture_.tapes)
      out_ += fmt::format(
          "<rect class=\"tape\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\" fill=\"{}\" fill-opacity=\"0.75\"/>\n",
          tape.x, tape.y, tape.width, tape.height, theme_.tape);
    out_ += "<g class=\"edges\" fill=\"none\" stroke-width=\"1.6\" stroke-linecap=\"round\" stroke=\"";
    out_ += fmt::format("{}\">\n", theme_.edge);
    for (const Edge& edge : picture_.edges) write(edge);
    out_ += "</g>\n";
    for (const Note& note : picture_.notes) write(note);
    for (const Label& label : picture_.labels) write(label);
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  void head() {
    const std::string size =
        options_.is_page ? "" : fmt::format(" width=\"{}\" height=\"{}\"", picture_.width, picture_.height);
    out_ += fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{} viewBox=\"0 0 {} {}\" role=\"{}\" aria-label=\"{}\" "
        "font-family=\"{}\" text-rendering=\"geometricPrecision\">\n",
        size, picture_.width, picture_.height, options_.is_page ? "group" : "img", escape_xml(picture_.title), kFonts);
    out_ += fmt::format("<title>{}</title>\n", escape_xml(picture_.title));
    out_ += fmt::format(
        "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
        "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0.5L8 4L0 7.5z\" fill=\"{}\"/></marker></defs>\n",
        theme_.edge);
    out_ += fmt::format("<rect class=\"wall\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n", picture_.width,
                        picture_.height, theme_.wall);
  }

  // Lines in the middle of a box, or from its left side.
  void write_text(const TextBlock& text, const Box& box, std::string_view fill, bool is_centred,
                  std::string_view extra = "") {
    const double line = text.size * 1.2;
    const double height = line * static_cast<double>(text.lines.size());
    const int x = is_centred ? box.x + box.width / 2 : box.x;
    // The baseline lies 0.9 of a size below the top of its line: what is above and below it is then even.
    double y = box.y + (box.height - height) / 2 + text.size * 0.94;
    out_ += fmt::format("<text font-size=\"{:.1f}\" fill=\"{}\"{}{}>", text.size, fill,
                        is_centred ? " text-anchor=\"middle\"" : "", extra);
    for (const std::string& each : text.lines) {
      out_ += fmt::format("<tspan x=\"{}\" y=\"{:.1f}\">{}</tspan>", x, y, escape_xml(each));
      y += line;
    }
    out_ += "</text>";
  }

  void write(const Area& area) {
    const bool is_lane = area.kind == Kind::Lane;
    out_ += is_lane ? std::string("<g class=\"lane\">")
                    : fmt::format("<g class=\"area\" data-kind=\"{}\" data-name=\"{}\"{}>", to_string(area.kind),
                                  escape_xml(area.name), focus(area.kind, area.name));
    out_ += fmt::format("<title>{}</title>", escape_xml(area.role.empty() ? area.name : area.name + ": " + area.role));
    out_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"{}\" stroke=\"{}\" stroke-width=\"1.2\"/>",
        area.box.x, area.box.y, area.box.width, area.box.height, is_lane ? theme_.lane : theme_.context,
        is_lane ? theme_.lane : theme_.context_line);
    write_text(area.text, area.header, is_lane ? theme_.text : theme_.context_line, false);
    out_ += "</g>\n";
  }

  std::string focus(Kind kind, const std::string& name) const {
    if (!options_.is_page) return "";
    return fmt::format(" tabindex=\"0\" role=\"button\" aria-label=\"{} {}\"", to_string(kind), escape_xml(name));
  }

  void write(const Note& note) {
    const Box& box = note.box;
    const int x = box.x + (box.width - note.width) / 2, y = box.y + (box.height - note.height) / 2;
    const std::string turn = note.is_tilted ? fmt::format(" transform=\"rotate({} {:.1f} {:.1f})\"", kTilt,
                                                          box.x + box.width / 2.0, box.y + box.height / 2.0)
                                            : "";
    out_ += fmt::format("<g class=\"note\" data-kind=\"{}\" data-name=\"{}\"{}{}>", to_string(note.kind),
                        escape_xml(note.name), turn, focus(note.kind, note.name));
    const std::string whole = note.detail.empty() ? note.name : note.name + ": " + note.detail;
    out_ += fmt::format("<title>{}</title>", escape_xml(whole));
    const bool is_marked = note.is_pivotal || note.is_focus;
    out_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"/>",
        x, y, note.width, note.height, colour_of(note.kind), is_marked ? theme_.text : kInk, is_marked ? "2" : "0.4");
    write_text(note.text, {x, y, note.width, note.height - note.small.height()}, kInk, true);
    if (!note.small.lines.empty()) {
      // Right below the name, which is in the middle of what the small text leaves.
      const int below = y + (note.height - note.small.height() + note.text.height()) / 2;
      write_text(note.small, {x, below, note.width, note.small.height()}, kInk, true);
    }
    out_ += "</g>\n";
  }

  void write(const Label& label) {
    struct Look {
      std::string_view name, fill, stroke, text;
      int radius;
    };
    const auto look = [&]() -> Look {
      switch (label.style) {
        case LabelStyle::Title: return {"heading", "none", "none", theme_.text, 0};
        case LabelStyle::Crossing: return {"label", theme_.wall, theme_.edge, theme_.text, 8};
        case LabelStyle::Refusal: return {"refusal", theme_.wall, "#d64545", theme_.text, 2};
        case LabelStyle::Legend: return {"legend", colour_of(label.kind), "none", kInk, 3};
      }
      return {};
    }();
    out_ += fmt::format("<g class=\"{}\">", look.name);
    if (label.text.is_cut) out_ += fmt::format("<title>{}</title>", escape_xml(label.whole));
    const bool is_title = label.style == LabelStyle::Title;
    if (!is_title)
      out_ +=
          fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{}\" stroke=\"{}\"/>",
                      label.box.x, label.box.y, label.box.width, label.box.height, look.radius, look.fill, look.stroke);
    write_text(label.text, label.box, look.text, !is_title);
    out_ += "</g>\n";
  }

  void write(const Edge& edge) {
    out_ += fmt::format(
        "<path class=\"edge\" data-from=\"{}\" data-to=\"{}\" data-edge=\"{}\" data-from-kind=\"{}\" data-to-kind=\"{}\" d=\"",
        escape_xml(edge.from.name), escape_xml(edge.to.name), escape_xml(edge.meaning), to_string(edge.from.kind),
        to_string(edge.to.kind));
    for (const std::vector<Point>& line : edge.lines) write_line(line);
    out_ += "\" marker-end=\"url(#arrow)\"/>\n";
  }

  // Straight pieces with their corners rounded off.
  void write_line(std::vector<Point> line) {
    // Points in the middle of a straight piece are no corners.
    std::vector<Point> points;
    for (const Point& point : line) {
      const size_t n = points.size();
      if (n > 0 && points.back() == point) continue;
      if (n > 1 && ((points[n - 2].x == points[n - 1].x && points[n - 1].x == point.x) ||
                    (points[n - 2].y == points[n - 1].y && points[n - 1].y == point.y)))
        points.pop_back();
      points.push_back(point);
    }
    if (points.empty()) return;
    out_ += fmt::format("M{} {}", points[0].x, points[0].y);
    for (size_t i = 1; i + 1 < points.size(); ++i) {
      const auto half = [](Point a, Point b) { return (std::abs(a.x - b.x) + std::abs(a.y - b.y)) / 2; };
      const int radius = std::min({kRadius, half(points[i - 1], points[i]), half(points[i], points[i + 1])});
      const auto toward = [&](Point other) {
        const auto sign = [](int v) { return (v > 0) - (v < 0); };
        return Point{points[i].x + sign(other.x - points[i].x) * radius,
                     points[i].y + sign(other.y - points[i].y) * radius};
      };
      const Point in = toward(points[i - 1]), out = toward(points[i + 1]);
      out_ += fmt::format("L{} {}Q{} {} {} {}", in.x, in.y, points[i].x, points[i].y, out.x, out.y);
    }
    out_ += fmt::format("L{} {}", points.back().x, points.back().y);
  }

  const Picture& picture_;
  const SvgOptions& options_;
  const Theme& theme_;
  std::string out_;
};

}  // namespace

std::string_view colour_of(Kind kind) {
  switch (kind) {
    case Kind::Event: return "#ff9f40";
    case Kind::Command: return "#64aef2";
    case Kind::Actor: return "#fff06a";
    case Kind::Policy: return "#cbabee";
    case Kind::View: return "#86d38a";
    case Kind::System: return "#f7a8c8";
    case Kind::Aggregate: return "#fdf3b5";
    case Kind::Hotspot: return "#ff4fa0";
    case Kind::Opportunity: return "#b5e655";
    case Kind::Context: return "#f3eaf0";
    case Kind::Lane: return "#eef0f4";
  }
  return "#ffffff";
}

std::string to_svg(const Picture& picture, const SvgOptions& options) { return Writer(picture, options).write(); }

}  // namespace weft::storm
