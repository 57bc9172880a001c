// Knative EventType, eventing.knative.dev/v1beta2: `type` is all that must be there, `source` and `schema` are URIs,
// and `schemaData` carries the schema itself.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "storm/contract_schema.h"
#include "storm/contract_types.h"
#include "storm/export.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

/// Characters of an object's name: a DNS subdomain has 253, and 63 are what a label's value may repeat of it.
constexpr size_t kNameLengthMax = 63;

// A DNS-1123 label: lower-case letters, digits and '-', beginning and ending with a letter or digit.
std::string dns_name(std::string_view name, SafeKeys& used) {
  std::string out = lower_case(safe_key(is_plain_ascii(name) ? kebab_case(name) : std::string(name)));
  std::ranges::replace(out, '_', '-');
  const auto trim = [&] {
    while (!out.empty() && out.back() == '-') out.pop_back();
  };
  out.erase(0, std::min(out.find_first_not_of('-'), out.size()));
  if (out.size() > kNameLengthMax - 8) out.resize(kNameLengthMax - 8);  // room for a number
  trim();
  if (out.empty()) out = "event";
  std::string key = used.add(out);
  while (key.find('_') != std::string::npos) {
    std::ranges::replace(key, '_', '-');
    key = used.add(key);
  }
  return key;
}

Json resource(const Contracts& contracts, Index index, const std::string& name) {
  const Event& event = contracts.board().events[index];
  Json labels = Json::object();
  if (const std::string context = contracts.graph().context_of_event(index); !context.empty()) {
    SafeKeys unused;
    labels["weft.dev/context"] = dns_name(context, unused);
  }
  Json metadata = {{"name", name}};
  if (!labels.empty()) metadata["labels"] = std::move(labels);
  if (event.key) metadata["annotations"] = {{"weft.dev/key", event.key->name}};

  Json spec = {{"type", contracts.type_of(index)}, {"source", contracts.source_of(index)}};
  if (!event.fields.empty()) {
    std::set<std::string> used;
    Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", event.name}};
    schema.update(schema_of(contracts, event.fields, "#/$defs/", &used));
    Json definitions = Json::object();
    add_used_schemas(contracts, used, "#/$defs/", definitions);
    if (!definitions.empty()) schema["$defs"] = std::move(definitions);
    spec["schemaData"] = schema.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  spec["description"] = event.text.empty() ? words_of(event.name) : event.text;
  return {{"apiVersion", "eventing.knative.dev/v1beta2"},
          {"kind", "EventType"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

}  // namespace

ExportedFiles export_cloudevents_files(const Graph& graph) {
  const Contracts contracts(graph);
  SafeKeys names;
  ExportedFiles files;
  for (const Index event : contracts.events()) {
    const std::string name = dns_name(graph.board().events[event].name, names);
    files.push_back({name + ".yaml", printed_yaml(resource(contracts, event, name))});
  }
  return files;
}

std::string export_cloudevents(const Graph& graph) {
  std::string out;
  for (const ExportedFile& file : export_cloudevents_files(graph)) out += "---\n" + file.content;
  return out;
}

}  // namespace weft::storm
