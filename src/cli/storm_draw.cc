#include "cli/storm_draw.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/storm_files.h"
#include "storm/draw.h"
#include "storm/words.h"

extern char** environ;

namespace weft::cli {

namespace {

constexpr int kFailed = 2;
constexpr std::array<std::string_view, 5> kFormats = {"svg", "png", "html", "mmd", "puml"};

struct DrawArguments {
  std::string file, out, theme = "light";
  std::vector<std::string> look;
};

int fail(const std::string& message) {
  fmt::print(stderr, "weft storm draw: {}\n", message);
  return kFailed;
}

std::string not_one_of(std::string_view what, std::string_view word, std::span<const std::string_view> candidates) {
  if (const auto meant = storm::nearest(word, candidates)) return fmt::format("{}: did you mean '{}'?", what, *meant);
  std::string all;
  for (const std::string_view each : candidates) all += (all.empty() ? "" : ", ") + std::string(each);
  return fmt::format("{}: must be one of {}", what, all);
}

std::string io_message(const std::string& path) { return fmt::format("{}: {}", path, std::strerror(errno)); }

/// A file descriptor that is closed with it.
struct Descriptor {
  int fd = -1;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// The exit code of a program that reads one descriptor and writes another; -1 with errno where it cannot be started.
int run_program(std::vector<std::string> words, int in, int out) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return errno = error, -1;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// Weft links no rasteriser: Debian's librsvg2-bin has a small, well kept one.
base::Status write_png(const std::string& path, const std::string& svg) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  if (!file || std::fwrite(svg.data(), 1, svg.size(), file.get()) != svg.size() || std::fflush(file.get()) != 0)
    return base::Error(base::ErrorCode::Io, io_message("a temporary file"));
  std::rewind(file.get());
  const std::string fresh = path + ".new";
  const Descriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (out.fd < 0) return base::Error(base::ErrorCode::Io, io_message(fresh));
  const int status =
      run_program({"rsvg-convert", "--format=png", "--keep-aspect-ratio", "--unlimited"}, ::fileno(file.get()), out.fd);
  const int reason = errno;
  std::error_code error;
  if (status == 0) std::filesystem::rename(fresh, path, error);
  if (status == 0 && !error) return {};
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);
  if (status == 0) return base::Error(base::ErrorCode::Io, fmt::format("{}: {}", path, error.message()));
  if (status == -1 && reason == ENOENT)
    return base::Error(
        base::ErrorCode::NotFound,
        fmt::format("{}: PNG needs rsvg-convert, which is not installed: apt-get install librsvg2-bin, or draw an .svg",
                    path));
  return base::Error(base::ErrorCode::Internal,
                     status == -1 ? fmt::format("rsvg-convert: {}", std::strerror(reason))
                                  : fmt::format("{}: rsvg-convert failed with exit code {}", path, status));
}

base::Status write_picture(const std::string& path, const std::string& format, const storm::Graph& graph,
                           const storm::DrawOptions& options) {
  if (path == "-") {
    const std::string svg = storm::draw_svg(graph, options);
    if (std::fwrite(svg.data(), 1, svg.size(), stdout) != svg.size() || std::fflush(stdout) != 0)
      return base::Error(base::ErrorCode::Io, io_message("standard output"));
    return {};
  }
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
  if (arguments.file.empty()) return fail("FILE is missing: the board to draw, or - for standard input");
  std::string format = storm::lower_case(std::filesystem::path(arguments.out).extension().string());
  if (!format.empty()) format.erase(0, 1);
  if (arguments.out != "-" && std::ranges::find(kFormats, format) == kFormats.end())
    return fail(not_one_of(fmt::format("-o {}: cannot draw {}", arguments.out,
                                       format.empty() ? "a file without an extension" : "'." + format + "'"),
                           format, kFormats));
  constexpr std::array<std::string_view, 2> kThemes = {"light", "dark"};
  if (std::ranges::find(kThemes, arguments.theme) == kThemes.end())
    return fail(not_one_of(fmt::format("--theme {}", arguments.theme), arguments.theme, kThemes));
  const base::Result<storm::Document> document = read_board(arguments.file);
  if (!document) return fail(document.error().message);
  const storm::Graph graph(document->board);
  base::Result<storm::DrawOptions> options = storm::parse_look(graph, arguments.look);
  if (!options) return fail(options.error().message);
  options->is_dark = arguments.theme == "dark";
  if (const base::Status written = write_picture(arguments.out, format, graph, *options); !written)
    return fail(written.error().message);
  return 0;
}

}  // namespace

void add_storm_draw(CLI::App& storm, int& status) {
  const auto arguments = std::make_shared<DrawArguments>();
  CLI::App* verb = storm.add_subcommand("draw", "Draw a board: the wall, a context map, one aggregate, one event");
  verb->footer(
      "Examples:\n  weft storm draw shop.board -o shop.svg\n  weft storm draw shop.board -o shop.html --theme dark\n"
      "  weft storm draw shop.board -o order.png --view aggregate Order\n  weft storm draw - -o - < shop.board > shop.svg\n"
      "PNG is made by rsvg-convert (Debian: librsvg2-bin).");
  verb->add_option("FILE", arguments->file, "The board; - is standard input");
  verb->add_option("-o,--out", arguments->out,
                   "FILE.svg, .png, .html, .mmd (Mermaid) or .puml (PlantUML); - prints SVG")
      ->required();
  verb->add_option("--view", arguments->look, "timeline (default), contexts, aggregate NAME or event NAME")
      ->expected(1, 2);
  verb->add_option("--theme", arguments->theme, "light or dark")->capture_default_str();
  verb->callback([arguments, &status] { status = run_draw(*arguments); });
}

}  // namespace weft::cli
