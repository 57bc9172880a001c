#include "storm/contract_types.h"

#include <algorithm>

#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr std::string_view kContextPlace = "{context}";
constexpr std::string_view kEventPlaces[] = {"{event}", "{name}"};
// What a URI may have beyond letters and digits (RFC 3986, reserved and '%').
constexpr std::string_view kUriMarks = ":/?#[]@!$&'()*+,;=%";

void add(std::vector<std::string>& to, std::string name) {
  if (!name.empty() && std::ranges::find(to, name) == to.end()) to.push_back(std::move(name));
}

template <typename Elements>
void collect(const Graph& graph, Kind kind, const Elements& elements, SafeKeys& keys, Indices& indices,
             std::vector<std::string>& out) {
  for (Index i = 0; i < elements.size(); ++i) {
    const bool is_first = graph.find(kind, elements[i].name) == i;
    if (is_first) indices.push_back(i);
    out.push_back(is_first ? keys.add(elements[i].name) : out[*graph.find(kind, elements[i].name)]);
  }
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// An event that is nobody's has no context in its type, and no empty part either.
void replace_context(std::string& type, std::string_view producer) {
  if (producer.empty()) {
    replace_all(type, "{context}.", "");
    replace_all(type, ".{context}", "");
  }
  replace_all(type, kContextPlace, producer);
}

}  // namespace

Contracts::Contracts(const Graph& graph) : graph_(graph) {
  SafeKeys messages, policies, contexts;
  collect(graph, Kind::Event, board().events, messages, events_, event_keys_);
  collect(graph, Kind::View, board().views, messages, views_, view_keys_);
  collect(graph, Kind::Command, board().commands, messages, commands_, command_keys_);
  collect(graph, Kind::Policy, board().policies, policies, policies_, policy_keys_);
  collect(graph, Kind::Context, board().contexts, contexts, contexts_, context_keys_);
  for (const Index i : events_)
    records_[event_keys_[i]] = {&board().events[i], &board().events[i].fields, records_.size()};
  for (const Index i : views_) records_[view_keys_[i]] = {&board().views[i], &board().views[i].fields, records_.size()};
  for (const Remark& hotspot : board().hotspots)
    for (const Reference& on : hotspot.on) add(hotspots_[on.name], hotspot.name);
}

std::string Contracts::title() const {
  if (!board().title.empty()) return board().title;
  return board().name.empty() ? "Board" : board().name;
}

std::string Contracts::version() const {
  const std::string& type = board().type;
  const size_t digits = type.find_last_not_of("0123456789");
  const bool is_versioned =
      digits != std::string::npos && digits >= 1 && digits + 1 < type.size() && type.substr(digits - 1, 2) == ".v";
  return (is_versioned ? type.substr(digits + 1) : "1") + ".0.0";
}

std::string Contracts::producer_of(Index event) const {
  if (!graph_.sources_of(event).empty()) return board().systems[graph_.sources_of(event).front()].name;
  for (const Index command : graph_.producers(event)) {
    std::string context = graph_.context_of_command(command);
    if (context.empty()) continue;
    const Indices& systems = graph_.systems_of(command);
    const bool is_of_system =
        graph_.aggregates_of(command).empty() && !systems.empty() && !graph_.context_of_system(systems.front());
    return is_of_system ? board().systems[systems.front()].name : context;
  }
  return {};
}

std::string Contracts::type_of(Index event) const {
  std::string type = board().type.empty() ? (board().name.empty() ? "board" : board().name) : board().type;
  const bool names_event =
      std::ranges::any_of(kEventPlaces, [&](std::string_view place) { return type.find(place) != std::string::npos; });
  if (!names_event) type += ".{event}";
  replace_context(type, producer_of(event));
  for (const std::string_view place : kEventPlaces) replace_all(type, place, board().events[event].name);
  // Braces left over are placeholders that nobody fills; in an address they would be parameters.
  std::erase_if(type, [](char c) { return c == '{' || c == '}'; });
  return type;
}

std::string Contracts::source_of(Index event) const {
  std::string source = percent_encoded(board().source, kUriMarks);
  while (source.ends_with('/')) source.pop_back();
  const std::string producer = percent_encoded(producer_of(event));
  if (producer.empty()) return source.empty() ? "/" : source;
  return source + "/" + producer;
}

std::vector<std::string> Contracts::contexts_of_policy(Index policy) const {
  std::vector<std::string> contexts;
  for (const Index command : graph_.commands_of(policy)) add(contexts, graph_.context_of_command(command));
  if (contexts.empty())
    for (const Index event : graph_.triggers(policy)) add(contexts, graph_.context_of_event(event));
  return contexts;
}

std::vector<std::string> Contracts::contexts_of_view(Index view) const {
  std::vector<std::string> contexts;
  for (const Index command : graph_.readers(view)) add(contexts, graph_.context_of_command(command));
  if (contexts.empty())
    for (const Index event : graph_.feeds(view)) add(contexts, graph_.context_of_event(event));
  return contexts;
}

std::vector<std::string> Contracts::aggregates_of_event(Index event) const {
  std::vector<std::string> names;
  for (const Index command : graph_.producers(event))
    for (const Index aggregate : graph_.aggregates_of(command)) add(names, board().aggregates[aggregate].name);
  return names;
}

const std::vector<std::string>& Contracts::hotspots_on(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto at = hotspots_.find(name);
  return at == hotspots_.end() ? kNone : at->second;
}

}  // namespace weft::storm
