// JSON Schema, draft 2020-12. Nothing but the draft's own words: a strict validator refuses others.
#include <fmt/format.h>

#include <set>
#include <string>
#include <utility>

#include "storm/contract_schema.h"
#include "storm/contract_types.h"
#include "storm/export.h"

namespace weft::storm {

namespace {

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kDefinitions = "#/$defs/";
/// The folder of what no context has.
constexpr std::string_view kNowhere = "unassigned";

Json described(std::string title, const std::string& text, std::string comment, Json schema) {
  Json out = {{"title", std::move(title)}};
  if (!text.empty()) out["description"] = text;
  out["$comment"] = std::move(comment);
  out.update(schema);
  return out;
}

std::string comment_of(std::string_view kind, const std::string& context, bool has_fields) {
  return fmt::format("{}{}{}", kind, context.empty() ? "" : " of " + context,
                     has_fields ? "" : "; its fields are not declared on the board");
}

Json schema_of_event(const Contracts& contracts, Index index, std::set<std::string>* used = nullptr) {
  const Event& event = contracts.board().events[index];
  return described(event.name, event.text,
                   comment_of("event", contracts.graph().context_of_event(index), !event.fields.empty()),
                   schema_of(contracts, event.fields, kDefinitions, used));
}

Json schema_of_command(const Contracts& contracts, Index index, std::set<std::string>* used = nullptr) {
  const Command& command = contracts.board().commands[index];
  return described(command.name, command.text,
                   comment_of("command", contracts.graph().context_of_command(index), !command.fields.empty()),
                   schema_of(contracts, command.fields, kDefinitions, used));
}

std::string context_of_view(const Contracts& contracts, Index index) {
  const std::vector<std::string> contexts = contracts.contexts_of_view(index);
  return contexts.empty() ? std::string() : contexts.front();
}

Json schema_of_view(const Contracts& contracts, Index index, std::set<std::string>* used = nullptr) {
  const View& view = contracts.board().views[index];
  return described(view.name, view.text, comment_of("view", context_of_view(contracts, index), !view.fields.empty()),
                   schema_of(contracts, view.fields, kDefinitions, used));
}

/// Makes the files of the folder.
class Folder {
 public:
  explicit Folder(const Contracts& contracts) : contracts_(contracts) {}

  ExportedFiles run() {
    for (const Index event : contracts_.events()) {
      std::set<std::string> used;
      Json schema = schema_of_event(contracts_, event, &used);
      add(contracts_.graph().context_of_event(event), contracts_.event_key(event), std::move(schema), used);
    }
    for (const Index command : contracts_.commands()) {
      std::set<std::string> used;
      Json schema = schema_of_command(contracts_, command, &used);
      add(contracts_.graph().context_of_command(command), contracts_.command_key(command), std::move(schema), used);
    }
    for (const Index view : contracts_.views()) {
      std::set<std::string> used;
      Json schema = schema_of_view(contracts_, view, &used);
      add(context_of_view(contracts_, view), contracts_.view_key(view), std::move(schema), used);
    }
    return std::move(files_);
  }

 private:
  void add(const std::string& context, const std::string& key, Json schema, const std::set<std::string>& used) {
    Json out = {{"$schema", kDialect}};
    out.update(schema);
    if (!used.empty()) {
      Json definitions = Json::object();
      add_used_schemas(contracts_, used, kDefinitions, definitions);
      out["$defs"] = std::move(definitions);
    }
    files_.push_back({fmt::format("{}/{}.json", context.empty() ? std::string(kNowhere) : safe_key(context), key),
                      printed_json(out)});
  }

  const Contracts& contracts_;
  ExportedFiles files_;
};

}  // namespace

std::string export_jsonschema(const Graph& graph) {
  const Contracts contracts(graph);
  Json definitions = Json::object();
  for (const Index event : contracts.events())
    append(definitions, contracts.event_key(event), schema_of_event(contracts, event));
  for (const Index command : contracts.commands())
    append(definitions, contracts.command_key(command), schema_of_command(contracts, command));
  for (const Index view : contracts.views())
    append(definitions, contracts.view_key(view), schema_of_view(contracts, view));
  return printed_json({{"$schema", kDialect}, {"title", contracts.title()}, {"$defs", std::move(definitions)}});
}

ExportedFiles export_jsonschema_files(const Graph& graph) {
  const Contracts contracts(graph);
  return Folder(contracts).run();
}

}  // namespace weft::storm
