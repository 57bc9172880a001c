#include "cli/storm_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/storm_command.h"
#include "cli/storm_files.h"
#include "storm/export.h"
#include "storm/import_asyncapi.h"

namespace weft::cli {

namespace {

/// Faults of a board that are told before it is exported; the rest is counted.
constexpr size_t kFaultsShown = 10;

struct Format {
  std::string_view name;
  std::string (*document)(const storm::Graph&);         ///< of the whole board; null: only folders
  storm::ExportedFiles (*folder)(const storm::Graph&);  ///< null: one document only
  std::vector<std::string_view> endings;  ///< of a file's name; the first one is the document's in a folder
};

const std::vector<Format>& formats() {
  static const std::vector<Format> kFormats = {
      {"asyncapi", storm::export_asyncapi, storm::export_asyncapi_contexts, {".json"}},
      {"jsonschema", storm::export_jsonschema, storm::export_jsonschema_contexts, {".json"}},
      {"eventcatalog", nullptr, storm::export_eventcatalog, {}},
      {"markdown", storm::export_markdown, nullptr, {".md", ".markdown"}},
      {"cloudevents", storm::export_cloudevents, storm::export_cloudevents_files, {".yaml", ".yml"}},
  };
  return kFormats;
}

struct ExportArguments {
  std::string format, file, out = "-";
};

void tell_faults(const storm::Document& document) {
  for (const storm::Finding& fault : std::span(document.faults).first(std::min(document.faults.size(), kFaultsShown)))
    fmt::print(stderr, "{}:{}:{}: {}: {}\n", document.file, fault.place.line, fault.place.column, fault.rule,
               fault.message);
  if (!document.faults.empty())
    fmt::print(stderr, "weft storm export: {} fault{} in {}: what could be read is exported\n", document.faults.size(),
               document.faults.size() == 1 ? "" : "s", document.file);
}

base::Status write_files(const std::string& folder, const storm::ExportedFiles& files) {
  for (const storm::ExportedFile& file : files) {
    const std::filesystem::path path = std::filesystem::path(folder) / file.path;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error)
      return base::Error(base::ErrorCode::Io, fmt::format("{}: {}", path.parent_path().string(), error.message()));
    if (base::Status written = write_text(path.string(), file.content); !written) return written;
  }
  return {};
}

// "shop.json" for "shop.board": what a folder gets from a format that has one document only.
std::string document_name(const std::string& file, const Format& format) {
  const std::string stem = file == "-" ? "board" : std::filesystem::path(file).stem().string();
  return (stem.empty() ? "board" : stem) + std::string(format.endings.front());
}

// A file's name has an ending, unless a folder of that name is there.
bool is_folder(const std::string& out, const Format& format) {
  if (out.ends_with('/') || std::filesystem::is_directory(out)) return true;
  if (!format.document) return true;
  return !std::filesystem::path(out).has_extension();
}

base::Status write_export(const ExportArguments& arguments, const Format& format, const storm::Graph& graph) {
  const auto refuse = [](std::string message) {
    return base::Error(base::ErrorCode::InvalidArgument, std::move(message));
  };
  if (arguments.out == "-") {
    if (!format.document) return refuse(fmt::format("{} is a folder: -o FOLDER", format.name));
    return write_text("-", format.document(graph));
  }
  if (is_folder(arguments.out, format)) {
    if (std::filesystem::is_regular_file(arguments.out))
      return refuse(fmt::format("{}: is a file, {} needs a folder", arguments.out, format.name));
    return write_files(arguments.out, format.folder ? format.folder(graph)
                                                    : storm::ExportedFiles{{document_name(arguments.file, format),
                                                                            format.document(graph)}});
  }
  const std::string ending = std::filesystem::path(arguments.out).extension().string();
  if (std::ranges::find(format.endings, ending) == format.endings.end())
    return refuse(fmt::format("{}: {} is written as {}, or into a folder (end its name with /)", arguments.out,
                              format.name, fmt::join(format.endings, " or ")));
  return write_text(arguments.out, format.document(graph));
}

int run_export(ExportArguments& arguments) {
  const auto format = std::ranges::find(formats(), arguments.format, &Format::name);
  if (format == formats().end()) {
    std::vector<std::string_view> known;
    for (const Format& each : formats()) known.push_back(each.name);
    return fail("export", fmt::format("unknown format '{}': formats are {}", arguments.format, fmt::join(known, ", ")));
  }
  const base::Result<storm::Document> document = read_board(arguments.file);
  if (!document) return fail("export", document.error().message);
  tell_faults(*document);
  if (document->board.events.empty() && document->board.commands.empty())
    return fail("export", fmt::format("{}: no event and no command: there is nothing to export", arguments.file));
  const storm::Graph graph(document->board);
  if (const base::Status written = write_export(arguments, *format, graph); !written)
    return fail("export", written.error().message);
  return 0;
}

struct ImportArguments {
  std::string format;
  std::vector<std::string> files;
  std::string out = "-";
};

int run_import(ImportArguments& arguments) {
  if (arguments.format != "asyncapi")
    return fail("import", fmt::format("unknown format '{}': asyncapi is what can be read", arguments.format));
  std::vector<storm::AsyncapiFile> files;
  for (const std::string& name : arguments.files) {
    base::Result<std::string> text = read_text(name);
    if (!text) return fail("import", text.error().message);
    files.push_back({name, std::move(*text)});
  }
  const base::Result<storm::Imported> imported = storm::import_asyncapi(files);
  if (!imported) return fail("import", imported.error().message);
  for (const std::string& unknown : imported->unknown) fmt::print(stderr, "weft storm import: unknown: {}\n", unknown);
  const base::Status written = write_text(arguments.out, imported->board);
  return written ? 0 : fail("import", written.error());
}

}  // namespace

void add_storm_export(CLI::App& storm, int& status) {
  const auto to = std::make_shared<ExportArguments>();
  CLI::App* verb = add(
      storm, status, "export", "Write a board as contracts and documents for other tools",
      "  weft storm export asyncapi shop.board -o asyncapi.json\n  weft storm export asyncapi shop.board -o contracts/\n"
      "  weft storm export jsonschema shop.board -o schemas.json\n  weft storm export eventcatalog shop.board -o catalog/\n"
      "  weft storm export markdown shop.board -o shop.md\n  weft storm export cloudevents shop.board -o - | kubectl apply -f -",
      to, run_export);
  verb->add_option("FORMAT", to->format,
                   "asyncapi, jsonschema, eventcatalog, markdown or cloudevents (Knative EventTypes)")
      ->required();
  verb->add_option("FILE", to->file, "The board; - is standard input")->required();
  verb->add_option("-o,--out", to->out, "A file for one document, a folder for one of each context; - prints")
      ->capture_default_str();

  const auto from = std::make_shared<ImportArguments>();
  verb = add(
      storm, status, "import", "Make a first board from existing contracts",
      "  weft storm import asyncapi asyncapi.json -o shop.board\n  weft storm import asyncapi orders.json payments.json -o shop.board",
      from, run_import);
  verb->add_option("FORMAT", from->format, "asyncapi (2.x and 3.x, as JSON)")->required();
  verb->add_option("FILE", from->files, "The documents; - is standard input")->required();
  verb->add_option("-o,--out", from->out, "The board to write; - prints")->capture_default_str();
}

}  // namespace weft::cli
