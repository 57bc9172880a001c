#include "storm/import_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "storm/words.h"

namespace weft::storm {

namespace {

/// Notes on a board; more would be longer than it. The rest is counted.
constexpr size_t kNotesMax = 200;

// "com.example.{event}.v1" where every address is that with the event's name.
std::string type_pattern(const Found& found) {
  std::string pattern;
  for (const FoundEvent& event : found.events) {
    const size_t at = event.address.rfind(event.name);
    if (at == std::string::npos || event.address.find_first_of(" {}\"#") != std::string::npos) return {};
    const std::string own = event.address.substr(0, at) + "{event}" + event.address.substr(at + event.name.size());
    if (!pattern.empty() && pattern != own) return {};
    pattern = own;
  }
  return pattern == "{event}" ? std::string() : pattern;
}

std::string name_of(const Found& found) {
  if (!found.board.empty()) return board_name(one_line(found.board));
  const std::string name = found.title.empty() ? std::string() : kebab_case(board_name(found.title));
  return name.empty() ? "imported" : name;
}

std::string header(const Found& found) {
  std::string out =
      fmt::format("board {}{}\n", name_of(found), found.title.empty() ? "" : " " + quoted_text(found.title));
  const bool is_pivotal = std::ranges::any_of(found.events, &FoundEvent::is_pivotal);
  out += fmt::format("stage {}\n", !found.systems.empty() ? "people" : is_pivotal ? "pivotal" : "explore");
  if (const std::string pattern = type_pattern(found); !pattern.empty()) out += "type " + pattern + "\n";
  return out;
}

// The events whose fields lead to each record.
std::map<std::string, std::vector<std::string>> users_of_records(const Found& found) {
  std::map<std::string, std::vector<std::string>> users;
  for (const FoundEvent& event : found.events) {
    std::set<std::string> seen;
    std::vector<const std::vector<Field>*> open = {&event.fields};
    while (!open.empty()) {
      const std::vector<Field>& fields = *open.back();
      open.pop_back();
      for (const Field& field : fields) {
        const auto record = found.records.find(field.type);
        if (record == found.records.end() || !seen.insert(field.type).second) continue;
        users[field.type].push_back(event.name);
        open.push_back(&record->second);
      }
    }
  }
  return users;
}

std::string line_of(const FoundEvent& event) {
  std::string out = "event " + event.name;
  const auto list = [&](std::string_view clause, const std::vector<std::string>& names) {
    if (!names.empty()) out += fmt::format(" {} {}", clause, fmt::join(names, ", "));
  };
  list("from", event.from);
  if (!event.key.empty()) out += " key " + event.key;
  list("ref", event.refs);
  if (event.is_pivotal) out += " pivotal";
  if (!event.text.empty()) out += " " + quoted_text(event.text);
  if (!event.fields.empty()) out += " fields " + fields_text(event.fields);
  return out + "\n";
}

}  // namespace

std::string fields_text(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) out += (out.empty() ? "" : ", ") + text_of(field);
  return out;
}

std::vector<std::string> unknown_of(const Found& found) {
  std::vector<std::string> out;
  for (const Application& each : found.applications)
    if (!each.sends.empty())
      out.push_back(fmt::format("contexts: {} sends {}: is it one?",
                                each.title.empty() ? "an application" : quoted_text(each.title),
                                fmt::join(each.sends, ", ")));
  out.push_back("causes: the command, the actor or the system behind each event");
  out.push_back("policies: what is done because of an event, and by whom");
  if (type_pattern(found).empty()) out.push_back("type: the pattern of the CloudEvents types of all events");
  const auto keyless = std::ranges::count_if(found.events, [](const FoundEvent& event) { return event.key.empty(); });
  if (keyless > 0)
    out.push_back(
        fmt::format("keys: whose history an event belongs to ({} of {} events)", keyless, found.events.size()));
  for (const FoundEvent& event : found.events)
    if (!event.is_sent) out.push_back(fmt::format("{}: who sends it; here it is only received", event.name));
  const size_t own = out.size();
  out.insert(out.end(), found.notes.begin(), found.notes.end());
  for (std::string& each : out) each = one_line(each);
  if (out.size() > own + kNotesMax) {
    const size_t more = out.size() - own - kNotesMax;
    out.resize(own + kNotesMax);
    out.push_back(fmt::format("{} more", more));
  }
  return out;
}

std::string board_of(const Found& found, const std::vector<std::string>& unknown) {
  std::string out;
  out = header(found) +
        fmt::format("\n# {} in the order of the documents: put them into the order in which they happen.\n",
                    found.events.size() == 1 ? "One event" : fmt::format("{} events", found.events.size()));
  for (const std::string& system : found.systems) out += "system " + system + "\n";
  std::set<std::string> named;
  for (const FoundEvent& event : found.events) named.insert(event.name);
  for (const FoundEvent& event : found.events) out += line_of(event);
  const std::map<std::string, std::vector<std::string>> users = users_of_records(found);
  for (const auto& [name, fields] : found.records) {
    if (named.contains(name)) continue;
    const auto at = users.find(name);
    const std::string from = at == users.end() ? "" : fmt::format(" from {}", fmt::join(at->second, ", "));
    out += fmt::format("view {}{}{}{}  # allow S01, V02: a record that fields refer to\n", name, from,
                       fields.empty() ? "" : " fields ", fields_text(fields));
  }
  out += "\n";
  for (const std::string& each : unknown) out += "# unknown: " + each + "\n";
  return out;
}

}  // namespace weft::storm
