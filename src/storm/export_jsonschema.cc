// JSON Schema, draft 2020-12. Nothing but the draft's own words: a strict validator refuses others.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storm/contract_schema.h"
#include "storm/contract_types.h"
#include "storm/export.h"

namespace weft::storm {

namespace {

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kDefinitions = "#/$defs/";
/// Where what no context has stands.
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

/// Makes the files of the folder: what a context has, and the records of others that it refers to.
class Folder {
 public:
  explicit Folder(const Contracts& contracts) : contracts_(contracts) {
    for (const Context& context : contracts.board().contexts) document_of(context.name);
  }

  ExportedFiles run() {
    for (const Index event : contracts_.events()) {
      Document& document = document_of(contracts_.graph().context_of_event(event));
      append(document.definitions, contracts_.event_key(event), schema_of_event(contracts_, event, &document.used));
    }
    for (const Index command : contracts_.commands()) {
      Document& document = document_of(contracts_.graph().context_of_command(command));
      append(document.definitions, contracts_.command_key(command),
             schema_of_command(contracts_, command, &document.used));
    }
    for (const Index view : contracts_.views()) {
      Document& document = document_of(context_of_view(contracts_, view));
      append(document.definitions, contracts_.view_key(view), schema_of_view(contracts_, view, &document.used));
    }
    return files();
  }

 private:
  struct Document {
    std::string context;
    Json definitions = Json::object();
    std::set<std::string> used;
  };

  Document& document_of(const std::string& context) {
    const std::string name = context.empty() ? std::string(kNowhere) : context;
    const auto known = std::ranges::find(documents_, name, &Document::context);
    if (known != documents_.end()) return *known;
    documents_.push_back({name, Json::object(), {}});
    return documents_.back();
  }

  ExportedFiles files() {
    ExportedFiles out;
    for (Document& document : documents_) {
      add_used_schemas(contracts_, document.used, kDefinitions, document.definitions);
      out.push_back({safe_key(document.context) + ".json", printed_json({{"$schema", kDialect},
                                                                         {"title", document.context},
                                                                         {"$defs", std::move(document.definitions)}})});
    }
    return out;
  }

  const Contracts& contracts_;
  std::vector<Document> documents_;
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

ExportedFiles export_jsonschema_contexts(const Graph& graph) {
  const Contracts contracts(graph);
  return Folder(contracts).run();
}

}  // namespace weft::storm
