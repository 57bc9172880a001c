#include "cli/storm_verb.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/storm_command.h"
#include "cli/storm_draw.h"
#include "cli/storm_export.h"
#include "cli/storm_files.h"
#include "cli/version.h"
#include "storm/accept.h"
#include "storm/diff.h"
#include "storm/emerge.h"
#include "storm/format.h"
#include "storm/lint.h"
#include "storm/report.h"
#include "storm/stages.h"

namespace weft::cli {

namespace {

// ---- new ----

struct NewArguments {
  std::string file, title;
};

int run_new(NewArguments& arguments) {
  const std::string name = arguments.file == "-" ? "board" : std::filesystem::path(arguments.file).stem().string();
  const std::string text = storm::new_board(name, arguments.title);
  if (arguments.file == "-") return print("new", text);
  if (std::filesystem::exists(arguments.file))
    return fail("new", {base::ErrorCode::InvalidArgument, arguments.file + ": is there already"});
  if (const base::Status written = write_text(arguments.file, text); !written) return fail("new", written.error());
  return print("new", fmt::format("{0}: write events into it, then: weft storm show {0} --next\n", arguments.file));
}

// ---- fmt ----

struct FmtArguments {
  std::vector<std::string> files;
  bool is_check = false;
};

int run_fmt(FmtArguments& arguments) {
  int status = 0;
  for (const std::string& file : arguments.files) {
    const base::Result<storm::Document> document = read_board(file);
    if (!document) return fail("fmt", document.error());
    const std::string text = storm::format(*document);
    const bool is_changed = text != document->text();
    if (arguments.is_check) {
      if (is_changed) status = std::max(status, print("fmt", file + ": would change\n"));
      status = std::max<int>(status, is_changed);
    } else if (file == "-") {
      status = std::max(status, print("fmt", text));
    } else if (is_changed) {
      if (const base::Status written = write_text(file, text); !written) return fail("fmt", written.error());
    }
  }
  return status;
}

// ---- lint ----

struct LintArguments {
  std::string file, format = "text", config;
  bool is_json = false;
  std::vector<std::string> severities;
  std::string fail_on = "error";
};

int run_lint(LintArguments& arguments) {
  storm::LintOptions options;
  if (!arguments.config.empty()) {
    const base::Result<std::string> text = read_text(arguments.config);
    if (!text) return fail("lint", text.error());
    const base::Status read = storm::read_lint_config(*text, arguments.config, options);
    if (!read) return fail("lint", read.error());
  }
  for (const std::string& each : arguments.severities)
    if (const base::Status read = storm::read_severity(each, options); !read) return fail("lint", read.error());
  const base::Result<storm::Document> document = read_board(arguments.file);
  if (!document) return fail("lint", document.error());
  const storm::Findings findings = storm::lint(*document, options);
  const std::string& format = arguments.is_json ? "json" : arguments.format;
  const std::string text = format == "json"     ? storm::lint_json(*document, findings)
                           : format == "sarif"  ? storm::lint_sarif(*document, findings, version())
                           : format == "github" ? storm::lint_github(*document, findings)
                                                : storm::lint_text(*document, findings);
  if (const int failed = print("lint", text); failed != 0) return failed;
  const storm::Level limit = storm::parse_level(arguments.fail_on).value_or(storm::Level::Error);
  return std::ranges::any_of(findings, [&](const storm::Finding& each) { return each.level >= limit; }) ? 1 : 0;
}

// ---- show ----

struct ShowArguments {
  std::string file;
  bool is_json = false, is_next = false;
};

int run_show(ShowArguments& arguments) {
  const base::Result<storm::Document> document = read_board(arguments.file);
  if (!document) return fail("show", document.error());
  const storm::Graph graph(document->board);
  if (arguments.is_next) {
    const storm::NextStep step = storm::next_step(graph);
    return print("show", arguments.is_json ? storm::next_json(step) : storm::next_text(step));
  }
  return print("show", arguments.is_json ? storm::show_json(*document, graph) : storm::show_text(*document, graph));
}

// ---- emerge ----

struct EmergeArguments {
  std::string file;
  bool is_json = false, keeps_declared = false;
  std::vector<std::string> write;
};

int write_accepted(const EmergeArguments& arguments, const storm::Document& document, const storm::Graph& graph,
                   const storm::Emerged& emerged) {
  const base::Result<std::string> text = storm::accept(document, graph, emerged, arguments.write);
  if (!text) return fail("emerge", text.error());
  const base::Status written = write_text(arguments.file, *text);
  return written ? 0 : fail("emerge", written.error());
}

int run_emerge(EmergeArguments& arguments) {
  const base::Result<storm::Document> document = read_board(arguments.file);
  if (!document) return fail("emerge", document.error());
  const storm::Graph graph(document->board);
  const storm::Emerged emerged = storm::emerge(graph, arguments.keeps_declared);
  if (!arguments.write.empty()) return write_accepted(arguments, *document, graph, emerged);
  return print("emerge", arguments.is_json ? storm::emerge_json(graph, emerged) : storm::emerge_text(graph, emerged));
}

// ---- diff ----

struct DiffArguments {
  std::string before, after;
  bool is_json = false;
};

// A file, `REVISION:PATH`, or a revision alone of the other side's file.
base::Result<storm::Document> read_side(const std::string& side, const std::string& other) {
  if (side == "-" || std::filesystem::exists(side)) return read_board(side);
  if (side.find(':') != std::string::npos) return read_revision(side);
  if (std::filesystem::exists(other)) {
    const std::string path = std::filesystem::path(other).is_absolute() ? other : "./" + other;
    base::Result<storm::Document> document = read_revision(side + ":" + path);
    if (document) return document;
  }
  return base::Error(base::ErrorCode::NotFound, side + ": neither a file nor a git revision of the other one");
}

int run_diff(DiffArguments& arguments) {
  const base::Result<storm::Document> before = read_side(arguments.before, arguments.after);
  if (!before) return fail("diff", before.error());
  const base::Result<storm::Document> after = read_side(arguments.after, arguments.before);
  if (!after) return fail("diff", after.error());
  const storm::Changes changes = storm::diff(before->board, after->board);
  if (const int failed = print("diff", arguments.is_json ? storm::diff_json(changes) : storm::diff_text(changes)))
    return failed;
  return storm::is_breaking(changes) ? 1 : 0;
}

void add_readers(CLI::App& storm, int& status) {
  const auto lint = std::make_shared<LintArguments>();
  CLI::App* verb = add(
      storm, status, "lint", "Hold a board to the rules of event storming; exit 1 for errors",
      "  weft storm lint shop.board\n  weft storm lint shop.board --format sarif > lint.sarif\n  weft storm lint shop.board --severity C05=off --fail-on warn",
      lint, run_lint);
  verb->add_option("FILE", lint->file, "The board; - is standard input")->required();
  verb->add_flag("--json", lint->is_json, "The same as --format json");
  verb->add_option("--format", lint->format, "text, json, sarif (code scanning) or github (annotations)")
      ->check(CLI::IsMember({"text", "json", "sarif", "github"}))
      ->capture_default_str();
  verb->add_option("--severity", lint->severities, "RULE=off|info|warn|error, repeatable; goes before --config")
      ->allow_extra_args(false);
  verb->add_option("--config", lint->config, "JSON: {\"severity\": {\"C05\": \"off\"}}");
  verb->add_option("--fail-on", lint->fail_on, "Exit 1 from this level on: error, warn or info")
      ->check(CLI::IsMember({"error", "warn", "info"}))
      ->capture_default_str();

  const auto show = std::make_shared<ShowArguments>();
  verb = add(
      storm, status, "show", "Show the timeline, or what the workshop should do next",
      "  weft storm show shop.board\n  weft storm show shop.board --next\n  weft storm show shop.board --json | jq .events",
      show, run_show);
  verb->add_option("FILE", show->file, "The board; - is standard input")->required();
  verb->add_flag("--next", show->is_next, "The stage to work on, what it lacks, and why");
  verb->add_flag("--json", show->is_json, "For programs: docs/board.schema.json");

  const auto diff = std::make_shared<DiffArguments>();
  verb = add(
      storm, status, "diff", "What changed in meaning; exit 1 when a contract breaks",
      "  weft storm diff old.board new.board\n  weft storm diff main shop.board\n  weft storm diff v1:shop.board v2:shop.board --json",
      diff, run_diff);
  verb->add_option("A", diff->before, "A file, REVISION:PATH, or a revision of B's file")->required();
  verb->add_option("B", diff->after, "The same of A's")->required();
  verb->add_flag("--json", diff->is_json, "For programs: docs/board.schema.json");
}

void add_writers(CLI::App& storm, int& status) {
  const auto made = std::make_shared<NewArguments>();
  CLI::App* verb = add(storm, status, "new", "Begin a board at the first stage",
                       "  weft storm new shop.board --title \"The shop\"", made, run_new);
  verb->add_option("FILE", made->file, "The board to make; its name is the board's; - prints it")->required();
  verb->add_option("--title", made->title, "What it is about");

  const auto layout = std::make_shared<FmtArguments>();
  verb = add(storm, status, "fmt", "Lay a board out in columns, in place",
             "  weft storm fmt shop.board\n  weft storm fmt --check *.board\n  weft storm fmt - < shop.board", layout,
             run_fmt);
  verb->add_option("FILE", layout->files, "Boards; - reads standard input and prints")->required();
  verb->add_flag("--check", layout->is_check, "Change nothing; exit 1 if something would");

  const auto emerge = std::make_shared<EmergeArguments>();
  verb = add(
      storm, status, "emerge", "Aggregates, pivotal events and contexts that the flow suggests",
      "  weft storm emerge shop.board\n  weft storm emerge shop.board --json\n  weft storm emerge shop.board --write Order --write Payment",
      emerge, run_emerge);
  verb->add_option("FILE", emerge->file, "The board; - is standard input")->required();
  verb->add_flag("--keep", emerge->keeps_declared, "Leave the commands of declared aggregates together");
  verb->add_option("--write", emerge->write, "Accept the aggregate, context or pivotal event of this name, repeatable")
      ->allow_extra_args(false);
  verb->add_flag("--json", emerge->is_json, "For programs: docs/board.schema.json");
}

}  // namespace

void add_storm_verb(CLI::App& app, int& status) {
  CLI::App* storm =
      app.add_subcommand("storm", "Event storming: boards that are linted, compared and turned into contracts");
  storm->require_subcommand(1);
  storm->footer("A board is a text file: docs/board.md. How to run the workshop: docs/guide/event-storming.md.");
  add_writers(*storm, status);
  add_readers(*storm, status);
  add_storm_draw(*storm, status);
  add_storm_export(*storm, status);
}

}  // namespace weft::cli
