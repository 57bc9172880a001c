// AsyncAPI 3.0.0. Events are channels of their own, in CloudEvents' binary mode of HTTP; commands are requests that are
// answered, and what they refuse is an answer and no event.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "storm/contract_schema.h"
#include "storm/contract_types.h"
#include "storm/export.h"

namespace weft::storm {

namespace {

constexpr std::string_view kSchemas = "#/components/schemas/";
// What a header's value must not have as it is (CloudEvents HTTP binding, 3.1.3.2): all but '"', '%' of U+0021–U+007E.
constexpr std::string_view kHeaderMarks = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// What one document is about.
struct Scope {
  std::string context;  ///< empty: all of the board
  Indices events, commands, policies, views;
};

Json refers_to(const std::string& pointer) { return {{"$ref", pointer}}; }

void set(Json& object, const char* key, Json value) {
  if (!value.empty() && value != "") object[key] = std::move(value);
}

// The attributes that every event has. Traits are merged into a message, and lists of `required` are not: hence two.
Json common_trait(bool is_keyed) {
  const Json text = {{"type", "string"}, {"minLength", 1}};
  Json properties = {{"ce-specversion", {{"type", "string"}, {"const", "1.0"}}},
                     {"ce-id", text},
                     {"ce-source", {{"type", "string"}, {"format", "uri-reference"}, {"minLength", 1}}},
                     {"ce-type", text},
                     {"ce-subject", text},
                     {"ce-time", {{"type", "string"}, {"format", "date-time"}}}};
  properties["ce-id"]["description"] = "Unique together with ce-source; the same again is the same event.";
  Json required = {"ce-specversion", "ce-id", "ce-source", "ce-type"};
  if (is_keyed) {
    properties["ce-partitionkey"] = text;
    properties["ce-partitionkey"]["description"] = "Events with one key are delivered in order.";
    required.push_back("ce-partitionkey");
  }
  Json headers = {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
  return {{"headers", std::move(headers)}, {"contentType", "application/json"}};
}

class Writer {
 public:
  Writer(const Contracts& contracts, const Scope& scope)
      : contracts_(contracts), graph_(contracts.graph()), board_(contracts.board()), scope_(scope) {}

  std::string run() {
    for (const Index event : scope_.events) send(event);
    for (const Index policy : scope_.policies)
      for (const Index event : graph_.triggers(policy)) receive_by_policy(policy, event);
    for (const Index view : scope_.views)
      for (const Index event : graph_.feeds(view)) receive_by_view(view, event);
    for (const Index command : scope_.commands) handle(command);
    add_used_schemas(contracts_, used_, kSchemas, schemas_);

    Json components = {{"messages", std::move(messages_)}, {"schemas", std::move(schemas_)}};
    components["messageTraits"] = {{"CloudEvent", common_trait(false)}, {"CloudEventWithKey", common_trait(true)}};
    return printed_json({{"asyncapi", "3.0.0"},
                         {"info", info()},
                         {"defaultContentType", "application/json"},
                         {"channels", std::move(channels_)},
                         {"operations", std::move(operations_)},
                         {"components", std::move(components)}});
  }

 private:
  Json info() const {
    Json out = {{"title", contracts_.title() + (scope_.context.empty() ? "" : ": " + scope_.context)},
                {"version", contracts_.version()}};
    out["description"] = scope_.context.empty()
                             ? "All events and commands of the board."
                             : fmt::format("What the context '{}' sends, receives and is asked for.", scope_.context);
    set(out, "x-weft-board", board_.name);
    if (const std::optional<Index> context = graph_.find(Kind::Context, scope_.context)) {
      set(out, "x-weft-context", board_.contexts[*context].name);
      set(out, "x-weft-role", board_.contexts[*context].role);
      set(out, "x-weft-team", board_.contexts[*context].team);
      set(out, "x-weft-aggregates", names(board_.contexts[*context].owns));
      set(out, "x-weft-systems", names(board_.contexts[*context].fronts));
    }
    return out;
  }

  // Who asked for an event, and why.
  Json causes_of(Index event) const {
    Json causes = Json::array();
    for (const Index command : graph_.producers(event)) {
      Json cause = {{"command", board_.commands[command].name}};
      set(cause, "actors", names(board_.actors, graph_.issuing_actors(command)));
      set(cause, "policies", names(board_.policies, graph_.issuing_policies(command)));
      set(cause, "systems", names(board_.systems, graph_.systems_of(command)));
      causes.push_back(std::move(cause));
    }
    for (const Index system : graph_.sources_of(event)) causes.push_back({{"system", board_.systems[system].name}});
    return causes;
  }

  Json trait_of(Index event) const {
    const Event& each = board_.events[event];
    Json properties = {
        {"ce-type", {{"type", "string"}, {"const", percent_encoded(contracts_.type_of(event), kHeaderMarks)}}},
        {"ce-source", {{"type", "string"}, {"examples", {contracts_.source_of(event)}}}}};
    if (each.key) {
      properties["ce-partitionkey"] = {{"type", "string"},
                                       {"description", fmt::format("The id of the {}", each.key->name)}};
      properties["ce-subject"] = {{"type", "string"}, {"examples", {percent_encoded(each.key->name) + "/42"}}};
    }
    return {{"headers", {{"type", "object"}, {"properties", std::move(properties)}}}};
  }

  Json message_of(Index event) {
    const Event& each = board_.events[event];
    const std::string& key = contracts_.event_key(event);
    Json schema = schema_of(contracts_, each.fields, kSchemas, &used_);
    set(schema, "description", each.text);
    append(schemas_, key, std::move(schema));
    Json message = {{"name", each.name}, {"title", words_of(each.name)}};
    set(message, "summary", each.text);
    message["contentType"] = "application/json";
    message["traits"] = {
        refers_to(each.key ? "#/components/messageTraits/CloudEventWithKey" : "#/components/messageTraits/CloudEvent"),
        trait_of(event)};
    message["payload"] = refers_to(fmt::format("{}{}", kSchemas, key));
    set(message, "x-weft-context", graph_.context_of_event(event));
    set(message, "x-weft-lane", each.lane);
    if (each.key) message["x-weft-key"] = each.key->name;
    set(message, "x-weft-refs", names(each.refs));
    if (each.pivotal) message["x-weft-pivotal"] = true;
    const std::vector<std::string> aggregates = contracts_.aggregates_of_event(event);
    if (aggregates.size() == 1) message["x-weft-aggregate"] = aggregates[0];
    if (aggregates.size() > 1) message["x-weft-aggregate"] = aggregates;
    set(message, "x-weft-from", names(board_.systems, graph_.sources_of(event)));
    set(message, "x-weft-causes", causes_of(event));
    set(message, "x-weft-hotspots", contracts_.hotspots_on(each.name));
    return message;
  }

  // The channel of an event with its message, once, whoever needs it.
  const std::string& channel_of(Index event) {
    const std::string& key = contracts_.event_key(event);
    if (!are_there_.insert(event).second) return key;
    append(messages_, key, message_of(event));
    append(channels_, key,
           {{"address", contracts_.type_of(event)},
            {"title", words_of(board_.events[event].name)},
            {"messages", {{key, refers_to("#/components/messages/" + key)}}}});
    return key;
  }

  Json operation(std::string_view action, const std::string& channel, const std::string& message) const {
    Json out = {{"action", action}, {"channel", refers_to("#/channels/" + channel)}};
    out["messages"] = Json::array({refers_to(fmt::format("#/channels/{}/messages/{}", channel, message))});
    return out;
  }

  void send(Index event) {
    const std::string& key = channel_of(event);
    Json out = operation("send", key, key);
    set(out, "x-weft-context", graph_.context_of_event(event));
    append(operations_, operation_keys_.add("send_" + key), std::move(out));
  }

  void receive_by_policy(Index policy, Index event) {
    const Policy& each = board_.policies[policy];
    const std::string& key = channel_of(event);
    Json out = operation("receive", key, key);
    const Json then = names(board_.commands, graph_.commands_of(policy));
    out["summary"] = fmt::format(
        "Whenever {}{}, then {}", board_.events[event].name,
        each.guard.empty() ? "" : fmt::format(" (if {})", each.guard),
        then.empty() ? "nothing yet" : fmt::format("{}", fmt::join(then.get<std::vector<std::string>>(), ", ")));
    set(out, "description", each.text);
    out["x-weft-policy"] = each.name;
    set(out, "x-weft-guard", each.guard);
    set(out, "x-weft-commands", then);
    set(out, "x-weft-contexts", contracts_.contexts_of_policy(policy));
    set(out, "x-weft-hotspots", contracts_.hotspots_on(each.name));
    append(operations_, operation_keys_.add(fmt::format("receive_{}_{}", contracts_.policy_key(policy), key)),
           std::move(out));
  }

  void receive_by_view(Index view, Index event) {
    const View& each = board_.views[view];
    const std::string& key = channel_of(event);
    Json out = operation("receive", key, key);
    out["summary"] = fmt::format("{} is part of the view {}", board_.events[event].name, each.name);
    set(out, "description", each.text);
    out["x-weft-view"] = each.name;
    set(out, "x-weft-contexts", contracts_.contexts_of_view(view));
    set(out, "x-weft-hotspots", contracts_.hotspots_on(each.name));
    append(operations_, operation_keys_.add(fmt::format("receive_{}_{}", contracts_.view_key(view), key)),
           std::move(out));
  }

  // Inline: components/messages are events.
  Json command_messages(Index command) {
    const Command& each = board_.commands[command];
    Json request = {{"name", each.name}, {"title", words_of(each.name)}};
    set(request, "summary", each.text);
    request["contentType"] = "application/json";
    request["payload"] = schema_of(contracts_, each.fields, kSchemas, &used_);
    const std::string& key = contracts_.command_key(command);
    Json messages = {{key, std::move(request)}};
    messages[key + "_accepted"] = {{"name", each.name + "Accepted"},
                                   {"summary", "2xx: decided, and what it caused is stored"},
                                   {"payload", {{"type", "object"}}}};
    if (!each.refusals.empty()) {
      std::set<std::string> reasons;
      for (const Reference& refusal : each.refusals) reasons.insert(refusal.name);
      const Json properties = {{"refusal", {{"type", "string"}, {"enum", reasons}}}};
      messages[key + "_refused"] = {
          {"name", each.name + "Refused"},
          {"summary", "4xx: refused; nothing is stored, and no event happens"},
          {"payload", {{"type", "object"}, {"properties", properties}, {"required", {"refusal"}}}}};
    }
    return messages;
  }

  void handle(Index command) {
    const Command& each = board_.commands[command];
    const std::string& key = contracts_.command_key(command);
    const std::string pointer = "#/channels/" + key;
    append(channels_, key,
           {{"address", "/commands/" + percent_encoded(each.name)},
            {"title", words_of(each.name)},
            {"messages", command_messages(command)}});
    Json out = operation("receive", key, key),
         answers = Json::array({refers_to(fmt::format("{}/messages/{}_accepted", pointer, key))});
    if (!each.refusals.empty()) answers.push_back(refers_to(fmt::format("{}/messages/{}_refused", pointer, key)));
    set(out, "summary", each.text);
    out["reply"] = {{"channel", refers_to(pointer)}, {"messages", std::move(answers)}};
    out["bindings"] = {{"http", {{"method", "POST"}, {"bindingVersion", "0.3.0"}}}};
    out["x-weft-command"] = each.name;
    set(out, "x-weft-context", graph_.context_of_command(command));
    set(out, "x-weft-aggregate", names(board_.aggregates, graph_.aggregates_of(command)));
    set(out, "x-weft-systems", names(board_.systems, graph_.systems_of(command)));
    set(out, "x-weft-actors", names(board_.actors, graph_.issuing_actors(command)));
    set(out, "x-weft-policies", names(board_.policies, graph_.issuing_policies(command)));
    set(out, "x-weft-sees", names(board_.views, graph_.views_seen(command)));
    Json outcomes = Json::array();
    for (const std::vector<Reference>& together : each.outcomes) outcomes.push_back(names(together));
    set(out, "x-weft-outcomes", std::move(outcomes));
    set(out, "x-refusals", names(each.refusals));
    set(out, "x-weft-hotspots", contracts_.hotspots_on(each.name));
    append(operations_, operation_keys_.add("handle_" + key), std::move(out));
  }

  const Contracts& contracts_;
  const Graph& graph_;
  const Board& board_;
  const Scope& scope_;
  Json channels_ = Json::object(), operations_ = Json::object(), messages_ = Json::object(), schemas_ = Json::object();
  std::set<Index> are_there_;  ///< events with a channel
  std::set<std::string> used_;
  SafeKeys operation_keys_;
};

Scope whole(const Contracts& contracts) {
  return {{}, contracts.events(), contracts.commands(), contracts.policies(), contracts.views()};
}

// A policy or a view that acts in several contexts is in each of them.
std::map<std::string, Scope> scopes(const Contracts& contracts) {
  std::map<std::string, Scope> out;
  for (const Index event : contracts.events()) out[contracts.graph().context_of_event(event)].events.push_back(event);
  for (const Index command : contracts.commands())
    out[contracts.graph().context_of_command(command)].commands.push_back(command);
  for (const Index policy : contracts.policies())
    for (const std::string& context : contracts.contexts_of_policy(policy)) out[context].policies.push_back(policy);
  for (const Index view : contracts.views())
    for (const std::string& context : contracts.contexts_of_view(view)) out[context].views.push_back(view);
  return out;
}

}  // namespace

std::string export_asyncapi(const Graph& graph) {
  const Contracts contracts(graph);
  return Writer(contracts, whole(contracts)).run();
}

ExportedFiles export_asyncapi_contexts(const Graph& graph) {
  const Contracts contracts(graph);
  if (contracts.contexts().empty())
    return {{safe_key(graph.board().name.empty() ? "board" : graph.board().name) + ".json",
             Writer(contracts, whole(contracts)).run()}};
  ExportedFiles files;
  std::map<std::string, Scope> by_context = scopes(contracts);
  for (const Index context : contracts.contexts()) {
    const std::string& name = graph.board().contexts[context].name;
    Scope& scope = by_context[name];
    scope.context = name;
    files.push_back({contracts.context_key(context) + ".json", Writer(contracts, scope).run()});
  }
  return files;
}

}  // namespace weft::storm
