// Purpose: an event storming board as plain data: what the notation of docs/board.md says, with the place of each word.
// Thread:  any (values).   Owner: whoever parsed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::storm {

/// Where something is written. Units: lines and columns from 1, columns in characters (UTF-8 code points).
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 0;  ///< characters, for underlining; 0: unknown
  auto operator<=>(const Place&) const = default;
};

/// The steps of a workshop, in order. An element belongs to the first stage that allows it.
enum class Stage : uint8_t { Explore, Timeline, Pivotal, People, Problems, Commands, Policies, Aggregates, Design };
std::string_view to_string(Stage stage);
std::optional<Stage> parse_stage(std::string_view word);

enum class Kind : uint8_t {
  Actor,
  System,
  Event,
  Command,
  Policy,
  View,
  Aggregate,
  Context,
  Hotspot,
  Opportunity,
  Lane,
};
/// The word that begins a line of this kind ("event").
std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view word);

/// A name used where an element is meant.
struct Reference {
  std::string name;
  Place place;
  bool is_stray = false;  ///< the grammar has no place for it (a finding tells): it may be meant, or not
};

/// A declared property of an event, command or view.
struct Field {
  std::string name;
  std::string type;  ///< string int number bool date time uuid, or the name of an event or view; without the `[]`
  bool is_list = false;
  bool is_optional = false;
  std::optional<double> minimum, maximum;
  std::vector<std::string> values;  ///< of `one of`; empty: any
  Place place;
};

/// What every element has.
struct Element {
  Kind kind = Kind::Event;
  std::string name;  ///< of a hotspot and an opportunity: its text
  Place place;       ///< of the name
  std::string text;  ///< what stands in quotes behind it: purpose, invariant, note
  uint32_t lines = 1;
};

struct Participant : Element {};  ///< an actor or a system

struct Event : Element {
  std::vector<Reference> from;  ///< systems
  std::optional<Reference> key;
  std::vector<Reference> refs;
  std::optional<Place> pivotal;  ///< of the word
  std::string lane;              ///< empty: the board has none here
  std::vector<Field> fields;
  bool has_from = false;
};

struct Issuer : Reference {
  bool is_policy = false;
};

struct Command : Element {
  std::vector<Issuer> issuers;
  std::vector<Reference> sees;
  std::vector<Reference> to;                     ///< systems
  std::vector<std::vector<Reference>> outcomes;  ///< alternatives (`|`), each of events that happen together (`+`)
  std::vector<Reference> refusals;
  std::vector<Field> fields;
  bool has_by = false, has_arrow = false;  ///< the clause is there, even where what it says cannot be read
};

struct Policy : Element {
  std::vector<Reference> when, then;
  std::string guard;  ///< empty: none
  Place guard_place;
  bool has_when = false, has_then = false;
};

struct View : Element {
  std::vector<Reference> from;
  std::vector<Field> fields;
  bool has_from = false;
};

struct Aggregate : Element {
  std::vector<Reference> keys, commands;
  bool has_commands = false;
};

struct Context : Element {
  std::string role;  ///< core, supporting, generic; empty where it is not said
  std::vector<Reference> owns, fronts;
  std::string team;
  bool has_content = false;  ///< `owns` or `fronts` is there
};

/// A hotspot or an opportunity.
struct Remark : Element {
  std::vector<Reference> on;
  bool has_on = false;
};

struct Lane : Element {};

/// Everything of one file. Elements of a kind stand in the order of the file: for events that is the timeline.
struct Board {
  std::string name, title, source, type;
  std::optional<Stage> stage;
  std::vector<Lane> lanes;
  std::vector<Participant> actors, systems;
  std::vector<Event> events;
  std::vector<Command> commands;
  std::vector<Policy> policies;
  std::vector<View> views;
  std::vector<Aggregate> aggregates;
  std::vector<Context> contexts;
  std::vector<Remark> hotspots, opportunities;

  /// The header's stage; without one the latest that an element needs.
  Stage current_stage() const;
  /// Calls `visit(const Element&)` for all, kind by kind.
  template <typename Visit>
  void for_each(Visit visit) const {
    const auto all = [&](const auto& elements) {
      for (const auto& element : elements) visit(element);
    };
    all(actors), all(systems), all(events), all(commands), all(policies), all(views);
    all(aggregates), all(contexts), all(hotspots), all(opportunities), all(lanes);
  }
};

/// The stage an element of this kind belongs to.
Stage stage_of(Kind kind);

}  // namespace weft::storm
