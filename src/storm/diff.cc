#include "storm/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "storm/contract_types.h"
#include "storm/graph.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

using Properties = std::vector<std::pair<std::string_view, std::string>>;
using Renames = std::map<std::string, std::string>;  // old → new

template <typename References>
std::string sorted_names(const References& references) {
  std::vector<std::string> all;
  for (const auto& reference : references) all.push_back(reference.name);
  std::ranges::sort(all);
  return fmt::format("{}", fmt::join(all, ", "));
}

std::string outcomes(const Command& command) {
  std::vector<std::string> alternatives;
  for (const std::vector<Reference>& together : command.outcomes) {
    std::vector<std::string> events;
    for (const Reference& event : together) events.push_back(event.name);
    std::ranges::sort(events);
    alternatives.push_back(fmt::format("{}", fmt::join(events, " + ")));
  }
  std::ranges::sort(alternatives);
  return fmt::format("{}", fmt::join(alternatives, " | "));
}

Properties properties(const Participant& each) { return {{"text", each.text}}; }
Properties properties(const Lane& each) { return {{"text", each.text}}; }
Properties properties(const Event& each) {
  return {{"from", sorted_names(each.from)},
          {"key", each.key ? each.key->name : ""},
          {"ref", sorted_names(each.refs)},
          {"pivotal", each.pivotal ? "yes" : "no"},
          {"lane", each.lane},
          {"text", each.text}};
}
Properties properties(const Command& each) {
  return {{"by", sorted_names(each.issuers)}, {"sees", sorted_names(each.sees)},
          {"to", sorted_names(each.to)},      {"->", outcomes(each)},
          {"!", sorted_names(each.refusals)}, {"text", each.text}};
}
Properties properties(const Policy& each) {
  return {
      {"when", sorted_names(each.when)}, {"if", each.guard}, {"then", sorted_names(each.then)}, {"text", each.text}};
}
Properties properties(const View& each) { return {{"from", sorted_names(each.from)}, {"text", each.text}}; }
Properties properties(const Aggregate& each) {
  return {{"key", sorted_names(each.keys)}, {"commands", sorted_names(each.commands)}, {"text", each.text}};
}
Properties properties(const Context& each) {
  return {{"role", each.role},
          {"owns", sorted_names(each.owns)},
          {"fronts", sorted_names(each.fronts)},
          {"team", each.team},
          {"text", each.text}};
}
Properties properties(const Remark& each) { return {{"on", sorted_names(each.on)}}; }

const std::vector<Field>& fields_of(const Event& each) { return each.fields; }
const std::vector<Field>& fields_of(const Command& each) { return each.fields; }
const std::vector<Field>& fields_of(const View& each) { return each.fields; }
template <typename T>
std::vector<Field> fields_of(const T&) {
  return {};
}

std::string shown(const Field& field) {
  std::string text =
      fmt::format("{}{}:{}{}", field.name, field.is_optional ? "?" : "", field.type, field.is_list ? "[]" : "");
  if (field.minimum) text += fmt::format(">={}", *field.minimum);
  if (field.maximum) text += fmt::format("<={}", *field.maximum);
  if (!field.values.empty()) text += fmt::format(" one of {}", fmt::join(field.values, "|"));
  return text;
}

// Whether something that `before` allowed is not allowed by `after`.
bool is_narrower(const Field& before, const Field& after) {
  if (before.is_list != after.is_list) return true;
  const bool is_wider_type = (before.type == "int" && after.type == "number") ||
                             (after.type == "string" && before.type != "string" && before.type != "bool" &&
                              before.type != "int" && before.type != "number");
  if (before.type != after.type && !is_wider_type) return true;
  if (after.minimum && (!before.minimum || *after.minimum > *before.minimum)) return true;
  if (after.maximum && (!before.maximum || *after.maximum < *before.maximum)) return true;
  if (after.values.empty()) return false;
  if (before.values.empty()) return true;
  return std::ranges::any_of(before.values, [&](const std::string& value) {
    return std::ranges::find(after.values, value) == after.values.end();
  });
}

size_t shared_words(std::string_view a, std::string_view b) {
  std::vector<std::string> left = split_words(a);
  size_t shared = 0;
  for (const std::string& word : split_words(b)) {
    const auto at = std::ranges::find_if(left, [&](const std::string& other) { return stem(other) == stem(word); });
    if (at == left.end()) continue;
    left.erase(at);
    ++shared;
  }
  return shared;
}

class Differ {
 public:
  Differ(const Board& before, const Board& after) : before_(before), after_(after), old_(before), new_(after) {}

  Changes run() {
    header();
    for_each_kind([&](const auto& before, const auto& after) { pair(before, after); });
    for_each_kind([&](const auto& before, const auto& after) { compare(before, after); });
    order();
    types();
    return std::move(changes_);
  }

 private:
  template <typename Visit>
  void for_each_kind(Visit visit) const {
    const auto each = [&](auto... members) { (visit(before_.*members, after_.*members), ...); };
    each(&Board::actors, &Board::systems, &Board::lanes, &Board::events, &Board::commands, &Board::policies,
         &Board::views, &Board::aggregates, &Board::contexts, &Board::hotspots, &Board::opportunities);
  }

  /// What an element of the board before is called now.
  const std::string& name_now(Kind kind, const std::string& name) const {
    const Renames& renames = renames_[static_cast<size_t>(kind)];
    const auto at = renames.find(name);
    return at == renames.end() ? name : at->second;
  }

  void add(Change::Type type, std::string_view kind, std::string name, bool is_breaking, std::string message,
           std::string was = {}) {
    changes_.push_back({type, std::string(kind), std::move(name), std::move(was), is_breaking, std::move(message)});
  }

  void header() {
    const auto field = [&](std::string_view what, const std::string& before, const std::string& after,
                           bool is_breaking) {
      if (before != after)
        add(Change::Type::Changed, "board", after_.name, is_breaking,
            fmt::format("{}: '{}' became '{}'", what, before, after));
    };
    field("name", before_.name, after_.name, false);
    field("title", before_.title, after_.title, false);
    field("stage", before_.stage ? std::string(to_string(*before_.stage)) : "",
          after_.stage ? std::string(to_string(*after_.stage)) : "", false);
    field("source", before_.source, after_.source, false);
    field("type", before_.type, after_.type, true);
  }

  // What is gone beside what is new: the same thing under another name, where enough of it is the same.
  template <typename Elements>
  void pair(const Elements& before, const Elements& after) {
    std::vector<const typename Elements::value_type*> gone, fresh;
    std::set<std::string_view> old_names, new_names;
    for (const auto& each : before) old_names.insert(each.name);
    for (const auto& each : after) new_names.insert(each.name);
    for (const auto& each : before)
      if (!new_names.contains(each.name)) gone.push_back(&each);
    for (const auto& each : after)
      if (!old_names.contains(each.name)) fresh.push_back(&each);
    if (gone.size() > 500 || fresh.size() > 500) return;
    Renames& renames = renames_[static_cast<size_t>(before.empty() ? Kind::Event : before[0].kind)];
    for (const auto* old : gone) {
      size_t best = 0;
      const typename Elements::value_type* match = nullptr;
      for (const auto* made : fresh) {
        const size_t likeness = alike(*old, *made);
        if (likeness > best) best = likeness, match = made;
      }
      if (match == nullptr || best < 4) continue;
      renames[old->name] = match->name;
      std::erase(fresh, match);
    }
  }

  // 4 is enough: a slip of the finger, or what surrounds an event, or several things that say the same.
  template <typename T>
  size_t alike(const T& before, const T& after) const {
    if (before.kind == Kind::Hotspot || before.kind == Kind::Opportunity) return 0;
    const size_t words = 2 * shared_words(before.name, after.name);
    size_t likeness = (distance(before.name, after.name, 2) <= 2 ? 4 : 0) +
                      (before.kind == Kind::Event ? std::min<size_t>(words, 2) : words);
    const Properties left = properties(before), right = properties(after);
    for (size_t i = 0; i < left.size() && before.kind != Kind::Event; ++i)
      if (!left[i].second.empty() && left[i].second == right[i].second)
        likeness += left[i].first == "key" || left[i].first == "role" || left[i].first == "team" ? 1 : 2;
    return likeness + neighbourhood(before, after);
  }
  size_t neighbourhood(const Event& before, const Event& after) const {
    const std::optional<Index> old_at = old_.find(Kind::Event, before.name),
                               new_at = new_.find(Kind::Event, after.name);
    const auto surroundings = [](const Graph& graph, Index event) {
      std::set<std::string> names;
      for (const Index command : graph.producers(event)) names.insert(graph.board().commands[command].name);
      for (const Index policy : graph.policies_on(event)) names.insert(graph.board().policies[policy].name);
      for (const Index view : graph.views_of(event)) names.insert(graph.board().views[view].name);
      return names;
    };
    const std::set<std::string> left = surroundings(old_, *old_at), right = surroundings(new_, *new_at);
    return !left.empty() && left == right ? 4 : 0;
  }
  size_t neighbourhood(const Participant& before, const Participant& after) const {
    const auto uses = [](const Board& board, const std::string& name) {
      std::set<std::string> names;
      const auto is_it = [&](const Reference& reference) { return reference.name == name; };
      for (const Event& event : board.events)
        if (std::ranges::any_of(event.from, is_it)) names.insert(event.name);
      for (const Command& command : board.commands)
        if (std::ranges::any_of(command.issuers, is_it) || std::ranges::any_of(command.to, is_it))
          names.insert(command.name);
      return names;
    };
    const std::set<std::string> left = uses(before_, before.name);
    return !left.empty() && left == uses(after_, after.name) ? 4 : 0;
  }
  template <typename T>
  size_t neighbourhood(const T&, const T&) const {
    return 0;
  }

  // What is declared twice is compared in the order of the file.
  template <typename Elements>
  void compare(const Elements& before, const Elements& after) {
    std::map<std::string_view, std::vector<const typename Elements::value_type*>> made;
    for (const auto& each : after) made[each.name].push_back(&each);
    std::map<std::string_view, size_t> taken;
    for (const auto& old : before) {
      const std::string& name = name_now(old.kind, old.name);
      const std::string_view kind = to_string(old.kind);
      const auto at = made.find(name);
      if (at == made.end() || taken[at->first] == at->second.size()) {
        add(Change::Type::Removed, kind, old.name, old.kind == Kind::Event,
            fmt::format("{} '{}' was removed", kind, old.name));
        continue;
      }
      if (name != old.name)
        add(Change::Type::Renamed, kind, name, old.kind == Kind::Event,
            fmt::format("{} '{}' is called '{}' now", kind, old.name, name), old.name);
      contents(old, *at->second[taken[at->first]++]);
    }
    for (const auto& each : after) {
      if (taken[each.name] > 0 && taken[each.name]-- > 0) continue;
      add(Change::Type::Added, to_string(each.kind), each.name, false,
          fmt::format("{} '{}' was added", to_string(each.kind), each.name));
    }
  }

  template <typename T>
  void contents(const T& before, const T& after) {
    const std::string_view kind = to_string(after.kind);
    const Properties left = properties(renamed(before)), right = properties(after);
    for (size_t i = 0; i < left.size(); ++i)
      if (left[i].second != right[i].second)
        add(Change::Type::Changed, kind, after.name, false,
            fmt::format("{}: '{}' became '{}'", left[i].first, left[i].second, right[i].second));
    fields(after, kind, fields_of(before), fields_of(after));
  }

  void fields(const Element& owner, std::string_view kind, const std::vector<Field>& before,
              const std::vector<Field>& after) {
    const bool is_event = owner.kind == Kind::Event, is_contract = is_event || owner.kind == Kind::Command;
    for (const Field& old : before) {
      const auto made = std::ranges::find(after, old.name, &Field::name);
      if (made == after.end()) {
        add(Change::Type::Changed, kind, owner.name, is_event, fmt::format("field '{}' was removed", old.name));
        continue;
      }
      if (shown(old) == shown(*made)) continue;
      const bool is_required_now = old.is_optional && !made->is_optional;
      const bool is_narrowed = is_narrower(old, *made);
      add(Change::Type::Changed, kind, owner.name, is_contract && (is_required_now || is_narrowed),
          fmt::format("field '{}' became '{}'{}", shown(old), shown(*made),
                      is_required_now ? ": it is required now"
                      : is_narrowed   ? ": it allows less"
                                      : ""));
    }
    for (const Field& made : after) {
      if (std::ranges::find(before, made.name, &Field::name) != before.end()) continue;
      const bool is_demanded = owner.kind == Kind::Command && !made.is_optional;
      add(Change::Type::Changed, kind, owner.name, is_demanded,
          fmt::format("field '{}' was added{}", shown(made), is_demanded ? ": callers must send it" : ""));
    }
  }

  // With the names that its references have now.
  template <typename T>
  T renamed(const T& element) const {
    T copy = element;
    rename_references(copy);
    return copy;
  }
  template <typename References>
  void rename(Kind kind, References& references) const {
    for (auto& reference : references) reference.name = name_now(kind, reference.name);
  }
  void rename_references(Event& each) const {
    rename(Kind::System, each.from);
    each.lane = name_now(Kind::Lane, each.lane);
  }
  void rename_references(Command& each) const {
    for (Issuer& issuer : each.issuers)
      issuer.name = name_now(issuer.is_policy ? Kind::Policy : Kind::Actor, issuer.name);
    rename(Kind::View, each.sees);
    rename(Kind::System, each.to);
    for (std::vector<Reference>& together : each.outcomes) rename(Kind::Event, together);
  }
  void rename_references(Policy& each) const {
    rename(Kind::Event, each.when);
    rename(Kind::Command, each.then);
  }
  void rename_references(View& each) const { rename(Kind::Event, each.from); }
  void rename_references(Aggregate& each) const { rename(Kind::Command, each.commands); }
  void rename_references(Context& each) const {
    rename(Kind::Aggregate, each.owns);
    rename(Kind::System, each.fronts);
  }
  void rename_references(Remark& each) const {
    for (const Renames& renames : renames_)
      for (Reference& on : each.on)
        if (const auto at = renames.find(on.name); at != renames.end()) on.name = at->second;
  }
  void rename_references(Element&) const {}

  // The order of events is the timeline: what is not in the longest run that kept its order has moved.
  void order() {
    std::vector<Index> now;
    for (const Event& event : before_.events) {
      const std::optional<Index> at = new_.find(Kind::Event, name_now(Kind::Event, event.name));
      if (at && !old_.is_duplicate(event)) now.push_back(*at);
    }
    std::vector<size_t> tails, previous(now.size());  // of runs by length; patience sorting
    for (size_t i = 0; i < now.size(); ++i) {
      const auto at = std::ranges::lower_bound(tails, now[i], {}, [&](size_t tail) { return now[tail]; });
      previous[i] = at == tails.begin() ? i : *(at - 1);
      if (at == tails.end()) tails.push_back(i);
      else *at = i;
    }
    std::set<Index> kept;
    for (size_t i = tails.empty() ? 0 : tails.back(); !tails.empty(); i = previous[i]) {
      kept.insert(now[i]);
      if (previous[i] == i) break;
    }
    std::ranges::sort(now);
    for (const Index event : now) {
      if (kept.contains(event)) continue;
      add(Change::Type::Changed, "event", after_.events[event].name, false,
          event == 0 ? "stands first on the timeline now"
                     : fmt::format("stands behind '{}' on the timeline now", after_.events[event - 1].name));
    }
  }

  // An event that moved to another context has another type where the pattern names the context: what contracts say.
  void types() {
    if (after_.type != before_.type || after_.type.find("{context}") == std::string::npos) return;
    const Contracts old_contracts(old_), contracts(new_);
    for (Index i = 0; i < before_.events.size(); ++i) {
      const std::optional<Index> now = new_.find(Kind::Event, name_now(Kind::Event, before_.events[i].name));
      if (!now) continue;
      const std::string old_context = old_contracts.producer_of(i), context = contracts.producer_of(*now);
      if (old_context.empty() || context.empty() || old_context == context) continue;
      add(Change::Type::Changed, "event", after_.events[*now].name, true,
          fmt::format("its type has the context '{}' in place of '{}'{}", context, old_context,
                      name_now(Kind::Context, old_context) != old_context ? " (the context was renamed)" : ""));
    }
  }

  const Board &before_, &after_;
  const Graph old_, new_;
  std::array<Renames, 11> renames_;
  Changes changes_;
};

}  // namespace

std::string_view to_string(Change::Type type) {
  constexpr std::array<std::string_view, 4> kTypes = {"added", "removed", "renamed", "changed"};
  return kTypes[static_cast<size_t>(type)];
}

Changes diff(const Board& before, const Board& after) { return Differ(before, after).run(); }

bool is_breaking(const Changes& changes) { return std::ranges::any_of(changes, &Change::is_breaking); }

}  // namespace weft::storm
