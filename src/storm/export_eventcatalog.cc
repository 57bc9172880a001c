// The content of an EventCatalog: a folder of MDX pages whose front matter content.config.ts of EventCatalog 3 accepts.
// A context is a domain with one service; systems that no context fronts are external services.
#include "storm/export_eventcatalog.h"

#include <fmt/format.h>

#include <map>
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

template <typename Elements>
std::string listed(const Elements& elements, const Indices& indices) {
  std::string out;
  for (const Index index : indices) out += (out.empty() ? "" : ", ") + markdown_escaped(elements[index].name);
  return out;
}

std::string bullet(std::string_view what, const std::string& text) {
  return text.empty() ? std::string() : fmt::format("- {}: {}\n", what, text);
}

/// One context, or a system of nobody's: what its service sends and receives, without repetition, in order.
struct Service {
  Json sends = Json::array(), receives = Json::array();
  std::set<std::string> sent, received;
};

class Catalog {
 public:
  explicit Catalog(const Contracts& contracts)
      : contracts_(contracts), graph_(contracts.graph()), board_(contracts.board()), version_(contracts.version()) {}

  ExportedFiles run() {
    for (Index i = 0; i < board_.aggregates.size(); ++i)
      aggregate_keys_.push_back(aggregate_names_.add(board_.aggregates[i].name));
    for (Index i = 0; i < board_.systems.size(); ++i) system_keys_.push_back(system_names_.add(board_.systems[i].name));
    for (const Index event : contracts_.events()) add_event(event);
    for (const Index command : contracts_.commands()) add_command(command);
    link_services();
    collect_languages();
    std::map<std::string, std::string> asyncapi;
    for (ExportedFile& file : export_asyncapi_contexts(graph_)) asyncapi[file.path] = std::move(file.content);
    for (const Index context : contracts_.contexts())
      add_domain(context, asyncapi[contracts_.context_key(context) + ".json"]);
    for (Index system = 0; system < board_.systems.size(); ++system) add_system(system);
    return std::move(files_);
  }

 private:
  Json front(const std::string& id, const std::string& name, const std::string& summary) const {
    Json out = {{"id", id}, {"name", name}, {"version", version_}};
    if (!summary.empty()) out["summary"] = summary;
    return out;
  }
  // The team of a context owns what is in it.
  void set_owner(Json& front, const std::string& context) {
    const std::optional<Index> found = graph_.find(Kind::Context, context);
    if (!found || board_.contexts[*found].team.empty()) return;
    const std::string& team = board_.contexts[*found].team;
    const auto [at, is_new] = teams_.try_emplace(team);
    if (is_new) {
      at->second = team_names_.add(team);
      add(fmt::format("teams/{}.mdx", at->second),
          catalog_page({{"id", at->second}, {"name", team}, {"summary", fmt::format("The team {}", team)}}, {}));
    }
    front["owners"] = {at->second};
  }
  Json pointer(const std::string& id) const { return {{"id", id}, {"version", version_}}; }
  void add(std::string path, std::string content) { files_.push_back({std::move(path), std::move(content)}); }

  // schema.json beside the page, when the board says what the message carries.
  void add_schema(const std::string& folder, const std::string& name, const std::vector<Field>& fields, Json& front) {
    if (fields.empty()) return;
    std::set<std::string> used;
    Json schema = {{"$schema", kDialect}, {"title", name}}, definitions = Json::object();
    schema.update(schema_of(contracts_, fields, "#/$defs/", &used));
    add_used_schemas(contracts_, used, "#/$defs/", definitions);
    if (!definitions.empty()) schema["$defs"] = std::move(definitions);
    front["schemaPath"] = "schema.json";
    add(folder + "/schema.json", printed_json(schema));
  }

  std::string questions(std::string_view name) const {
    std::string out;
    for (const std::string& each : contracts_.hotspots_on(name)) out += fmt::format("- {}\n", markdown_escaped(each));
    return out.empty() ? out : "\n## Open questions\n\n" + out;
  }

  void add_event(Index index) {
    const Event& event = board_.events[index];
    const std::string folder = "events/" + contracts_.event_key(index);
    Json out = front(contracts_.event_key(index), event.name, event.text.empty() ? words_of(event.name) : event.text);
    Json badges = Json::array();
    if (event.pivotal)
      badges.push_back({{"content", "Pivotal"}, {"backgroundColor", "orange"}, {"textColor", "orange"}});
    for (const std::string& aggregate : contracts_.aggregates_of_event(index))
      badges.push_back({{"content", aggregate}, {"backgroundColor", "yellow"}, {"textColor", "yellow"}});
    if (!badges.empty()) out["badges"] = std::move(badges);
    set_owner(out, graph_.context_of_event(index));
    add_schema(folder, event.name, event.fields, out);
    std::string body = "## Cause and effect\n\n";
    body += bullet("CloudEvents type", markdown_escaped(contracts_.type_of(index)));
    body += bullet("Key", event.key ? markdown_escaped(event.key->name) : "");
    body += bullet("Caused by", listed(board_.commands, graph_.producers(index)));
    body += bullet("From", listed(board_.systems, graph_.sources_of(index)));
    body += bullet("Policies", listed(board_.policies, graph_.policies_on(index)));
    body += bullet("Views", listed(board_.views, graph_.views_of(index)));
    add(folder + "/index.mdx", catalog_page(out, body + questions(event.name) + "\n<NodeGraph />\n"));
  }

  void add_command(Index index) {
    const Command& command = board_.commands[index];
    const std::string folder = "commands/" + contracts_.command_key(index);
    Json out = front(contracts_.command_key(index), command.name,
                     command.text.empty() ? words_of(command.name) : command.text),
         codes = {"200"};
    if (!command.refusals.empty()) codes.push_back("409");
    out["operation"] = {
        {"method", "POST"}, {"path", "/commands/" + percent_encoded(command.name)}, {"statusCodes", std::move(codes)}};
    set_owner(out, graph_.context_of_command(index));
    add_schema(folder, command.name, command.fields, out);
    std::string body = "## Cause and effect\n\n", refusals;
    for (const Reference& refusal : command.refusals)
      refusals += (refusals.empty() ? "" : ", ") + markdown_escaped(refusal.name);
    body += bullet("Issued by", listed(board_.actors, graph_.issuing_actors(index)));
    body += bullet("Issued by policy", listed(board_.policies, graph_.issuing_policies(index)));
    body += bullet("Looking at", listed(board_.views, graph_.views_seen(index)));
    body += bullet("Decided by", listed(board_.aggregates, graph_.aggregates_of(index)));
    body += bullet("Asked of", listed(board_.systems, graph_.systems_of(index)));
    body += bullet("Causes", listed(board_.events, graph_.events_of(index)));
    body += bullet("Refused with", refusals);
    add(folder + "/index.mdx", catalog_page(out, body + questions(command.name) + "\n<NodeGraph />\n"));
  }

  void sends(const std::string& context, const std::string& id) {
    if (Service& service = services_[context]; service.sent.insert(id).second) service.sends.push_back(pointer(id));
  }
  void receives(const std::string& context, const std::string& id) {
    if (Service& service = services_[context]; service.received.insert(id).second)
      service.receives.push_back(pointer(id));
  }

  void link_services() {
    told_by_.resize(board_.systems.size());
    asked_of_.resize(board_.systems.size());
    for (const Index event : contracts_.events())
      for (const Index system : graph_.sources_of(event)) told_by_[system].push_back(event);
    for (const Index command : contracts_.commands())
      for (const Index system : graph_.systems_of(command)) asked_of_[system].push_back(command);
    for (const Index event : contracts_.events()) sends(graph_.context_of_event(event), contracts_.event_key(event));
    for (const Index command : contracts_.commands())
      receives(graph_.context_of_command(command), contracts_.command_key(command));
    for (const Index policy : contracts_.policies())
      for (const std::string& context : contracts_.contexts_of_policy(policy)) {
        for (const Index event : graph_.triggers(policy)) receives(context, contracts_.event_key(event));
        for (const Index command : graph_.commands_of(policy)) sends(context, contracts_.command_key(command));
      }
    for (const Index view : contracts_.views())
      for (const std::string& context : contracts_.contexts_of_view(view))
        for (const Index event : graph_.feeds(view)) receives(context, contracts_.event_key(event));
  }

  void add_domain(Index index, const std::string& asyncapi) {
    const Context& context = board_.contexts[index];
    const std::string& key = contracts_.context_key(index);
    const std::string folder = "domains/" + key, service_id = key + "-service";
    const std::string summary =
        fmt::format("The {}context {}", context.role.empty() ? "" : context.role + " ", context.name);
    Json out = front(key, words_of(context.name), context.text.empty() ? summary : context.text),
         entities = Json::array();
    if (!context.role.empty())
      out["badges"] = {
          {{"content", words_of(context.role) + " subdomain"}, {"backgroundColor", "blue"}, {"textColor", "blue"}}};
    set_owner(out, context.name);
    out["services"] = {pointer(service_id)};
    for (const Reference& owned : context.owns)
      if (const std::optional<Index> aggregate = graph_.resolve(Kind::Aggregate, owned.name)) {
        add_aggregate(folder, context.name, *aggregate);
        entities.push_back(pointer(aggregate_keys_[*aggregate]));
      }
    if (!entities.empty()) out["entities"] = std::move(entities);
    std::string body = fmt::format("The bounded context {}.\n\n", markdown_escaped(context.name));
    body += bullet("Team", markdown_escaped(context.team));
    add(folder + "/index.mdx", catalog_page(out, body + questions(context.name) + "\n<NodeGraph />\n"));
    Json& terms = languages_[context.name];
    add(folder + "/ubiquitous-language.mdx",
        catalog_page({{"dictionary", terms.is_null() ? Json::array() : std::move(terms)}}, {}));

    Json service = front(service_id, words_of(context.name) + " service",
                         fmt::format("Decides and reacts for the context {}", context.name));
    set_owner(service, context.name);
    set_messages(service, context.name);
    service["specifications"] = {{{"type", "asyncapi"}, {"path", "asyncapi.json"}}};
    add(fmt::format("{}/services/{}/index.mdx", folder, service_id), catalog_page(service, "<NodeGraph />\n"));
    add(fmt::format("{}/services/{}/asyncapi.json", folder, service_id), asyncapi);
  }

  void set_messages(Json& front, const std::string& context) {
    Service& service = services_[context];
    if (!service.sends.empty()) front["sends"] = service.sends;
    if (!service.receives.empty()) front["receives"] = service.receives;
  }

  void add_aggregate(const std::string& folder, const std::string& context, Index index) {
    const Aggregate& aggregate = board_.aggregates[index];
    Json out = front(aggregate_keys_[index], aggregate.name,
                     aggregate.text.empty() ? words_of(aggregate.name) : aggregate.text);
    set_owner(out, context);
    out["aggregateRoot"] = true;
    if (!aggregate.keys.empty()) out["identifier"] = aggregate.keys[0].name;
    std::string commands;
    for (const Reference& command : aggregate.commands)
      commands += (commands.empty() ? "" : ", ") + markdown_escaped(command.name);
    add(fmt::format("{}/entities/{}/index.mdx", folder, aggregate_keys_[index]),
        catalog_page(out, bullet("Always true", markdown_escaped(aggregate.text)) + bullet("Decides on", commands) +
                              questions(aggregate.name)));
  }

  // A system that a context fronts is behind that context's service.
  void add_system(Index index) {
    if (graph_.context_of_system(index) || graph_.find(Kind::System, board_.systems[index].name) != index) return;
    const Participant& system = board_.systems[index];
    Json out = front(system_keys_[index], system.name,
                     system.text.empty() ? fmt::format("The system {}", system.name) : system.text),
         sent = Json::array(), received = Json::array();
    out["externalSystem"] = true;
    for (const Index event : told_by_[index]) sent.push_back(pointer(contracts_.event_key(event)));
    for (const Index command : asked_of_[index]) received.push_back(pointer(contracts_.command_key(command)));
    if (!sent.empty()) out["sends"] = std::move(sent);
    if (!received.empty()) out["receives"] = std::move(received);
    add(fmt::format("services/{}/index.mdx", system_keys_[index]), catalog_page(out, "<NodeGraph />\n"));
  }

  void add_term(const std::string& context, const std::string& id, const Element& element, std::string_view kind) {
    Json term = {{"id", fmt::format("{}-{}", kind, id)}, {"name", element.name}};
    term["summary"] = element.text.empty() ? fmt::format("{} ({})", words_of(element.name), kind) : element.text;
    Json& terms = languages_[context];
    if (terms.is_null()) terms = Json::array();
    terms.push_back(std::move(term));
  }

  void collect_languages() {
    for (Index i = 0; i < board_.aggregates.size(); ++i)
      for (const Index owner : graph_.contexts_of_aggregate(i))
        add_term(board_.contexts[owner].name, aggregate_keys_[i], board_.aggregates[i], "aggregate");
    for (const Index event : contracts_.events())
      add_term(graph_.context_of_event(event), contracts_.event_key(event), board_.events[event], "event");
    for (const Index command : contracts_.commands())
      add_term(graph_.context_of_command(command), contracts_.command_key(command), board_.commands[command],
               "command");
  }

  const Contracts& contracts_;
  const Graph& graph_;
  const Board& board_;
  const std::string version_;
  ExportedFiles files_;
  std::map<std::string, Service> services_;
  std::map<std::string, Json> languages_;     ///< of each context, what its words mean
  std::vector<Indices> told_by_, asked_of_;   ///< of each system: events and commands
  std::map<std::string, std::string> teams_;  ///< the key of each
  SafeKeys aggregate_names_, system_names_, team_names_;
  std::vector<std::string> aggregate_keys_, system_keys_;
};

}  // namespace

std::string catalog_page(const Json& front, std::string_view body) {
  return fmt::format("---\n{}---\n\n{}", printed_yaml(front), body);
}

ExportedFiles export_eventcatalog(const Graph& graph) {
  const Contracts contracts(graph);
  ExportedFiles files = Catalog(contracts).run();
  files.push_back(catalog_flow(contracts));
  return files;
}

}  // namespace weft::storm
