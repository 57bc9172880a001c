#include "cli/storm_draw.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/storm_command.h"
#include "cli/storm_files.h"
#include "storm/draw.h"
#include "storm/words.h"

namespace weft::cli {

namespace {

constexpr std::array<std::string_view, 5> kFormats = {"svg", "png", "html", "mmd", "puml"};

struct DrawArguments {
  std::string file, out, theme = "light";
  std::vector<std::string> look;
};

std::string not_one_of(std::string_view what, std::string_view word, std::span<const std::string_view> candidates) {
  if (const auto meant = storm::nearest(word, candidates)) return fmt::format("{}: did you mean '{}'?", what, *meant);
  std::string all;
  for (const std::string_view each : candidates) all += (all.empty() ? "" : ", ") + std::string(each);
  return fmt::format("{}: must be one of {}", what, all);
}

// Weft links no rasteriser: Debian's librsvg2-bin has a small, well kept one.
base::Status write_png(const std::string& path, const std::string& svg) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  if (!file || std::fwrite(svg.data(), 1, svg.size(), file.get()) != svg.size() || std::fflush(file.get()) != 0)
    return base::Error(base::ErrorCode::Io, fmt::format("a temporary file: {}", std::strerror(errno)));
  std::rewind(file.get());
  Replacement picture(path);
  if (picture.fd() < 0) return picture.commit();
  const int status = run_program({"rsvg-convert", "--format=png", "--keep-aspect-ratio", "--unlimited"},
                                 ::fileno(file.get()), picture.fd());
  if (status == 0) return picture.commit();
  if (status == -1 && errno == ENOENT)
    return base::Error(
        base::ErrorCode::NotFound,
        fmt::format("{}: PNG needs rsvg-convert, which is not installed: apt-get install librsvg2-bin, or draw an .svg",
                    path));
  return base::Error(base::ErrorCode::Internal,
                     status == -1 ? fmt::format("rsvg-convert: {}", std::strerror(errno))
                                  : fmt::format("{}: rsvg-convert failed with exit code {}", path, status));
}

base::Status write_picture(const std::string& path, const std::string& format, const storm::Graph& graph,
                           const storm::DrawOptions& options) {
  if (format == "png") return write_png(path, storm::draw_svg(graph, options));
  if (format == "html") return write_text(path, storm::draw_html(graph, options));
  if (format == "mmd") return write_text(path, storm::draw_mermaid(graph, options));
  if (format == "puml") return write_text(path, storm::draw_plantuml(graph, options));
  return write_text(path, storm::draw_svg(graph, options));
}

// `--view timeline shop.board`: the option may have taken the board for its second word.
void take_back_file(DrawArguments& arguments) {
  if (!arguments.file.empty() || arguments.look.size() < 2) return;
  arguments.file = arguments.look.back();
  arguments.look.pop_back();
}

int run_draw(DrawArguments& arguments) {
  take_back_file(arguments);
  if (arguments.file.empty()) return fail("draw", "FILE is missing: the board to draw, or - for standard input");
  std::string format = storm::lower_case(std::filesystem::path(arguments.out).extension().string());
  if (!format.empty()) format.erase(0, 1);
  if (arguments.out != "-" && std::ranges::find(kFormats, format) == kFormats.end())
    return fail("draw", not_one_of(fmt::format("-o {}: cannot draw {}", arguments.out,
                                               format.empty() ? "a file without an extension" : "'." + format + "'"),
                                   format, kFormats));
  constexpr std::array<std::string_view, 2> kThemes = {"light", "dark"};
  if (std::ranges::find(kThemes, arguments.theme) == kThemes.end())
    return fail("draw", not_one_of(fmt::format("--theme {}", arguments.theme), arguments.theme, kThemes));
  const base::Result<storm::Document> document = read_board(arguments.file);
  if (!document) return fail("draw", document.error());
  const storm::Graph graph(document->board);
  base::Result<storm::DrawOptions> options = storm::parse_look(graph, arguments.look);
  if (!options) return fail("draw", options.error());
  options->is_dark = arguments.theme == "dark";
  if (const base::Status written = write_picture(arguments.out, format, graph, *options); !written)
    return fail("draw", written.error());
  return 0;
}

}  // namespace

void add_storm_draw(CLI::App& storm, int& status) {
  const auto arguments = std::make_shared<DrawArguments>();
  CLI::App* verb = add(
      storm, status, "draw", "Draw a board: the wall, a context map, one aggregate, one event",
      "  weft storm draw shop.board -o shop.svg\n  weft storm draw shop.board -o shop.html --theme dark\n"
      "  weft storm draw shop.board -o order.png --view aggregate Order\n  weft storm draw - -o - < shop.board > shop.svg\n"
      "PNG is made by rsvg-convert (Debian: librsvg2-bin).",
      arguments, run_draw);
  verb->add_option("FILE", arguments->file, "The board; - is standard input");
  verb->add_option("-o,--out", arguments->out,
                   "FILE.svg, .png, .html, .mmd (Mermaid) or .puml (PlantUML); - prints SVG")
      ->required();
  verb->add_option("--view", arguments->look, "timeline (default), contexts, aggregate NAME or event NAME")
      ->expected(1, 2);
  verb->add_option("--theme", arguments->theme, "light or dark")->capture_default_str();
}

}  // namespace weft::cli
