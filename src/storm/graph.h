// Purpose: the board as a graph: names resolved to elements, and what causes, decides, feeds and owns what.
// Thread:  any.   Owner: whoever asks; borrows the board, which must stay.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "storm/board.h"
#include "storm/finding.h"

namespace weft::storm {

using Index = uint32_t;
using Indices = std::vector<Index>;

/// Each index once, in the order of the first time.
void add_once(Indices& to, Index index);

/// Who decides on a command, and what produces an event.
struct Decider {
  Kind kind = Kind::Aggregate;  ///< Aggregate or System
  Index index = 0;
};

/// One command that a policy issues because of one event, with the contexts on both sides.
struct Crossing {
  Index policy = 0, event = 0, command = 0;
  std::string from, to;
};

/// References that name nothing but are nearly right are followed to what was meant, so that one slip is one finding.
/// Cost: O(board) to make, O(1) to ask. Indices are positions in the board's vectors.
class Graph {
 public:
  explicit Graph(const Board& board);

  const Board& board() const { return board_; }
  /// Whether this name, ignoring case, is an earlier one's of its kind: nothing leads to such an element or from it.
  bool is_duplicate(const Element& element) const { return duplicates_.contains(&element); }
  std::optional<Index> find(Kind kind, std::string_view name) const;
  /// Every kind that has this name.
  std::vector<Kind> kinds_of(std::string_view name) const;
  /// What a wrong reference to `kind` was probably meant to be.
  std::optional<std::string> nearest_name(Kind kind, std::string_view name) const;
  /// `find`, else what was meant.
  std::optional<Index> resolve(Kind kind, std::string_view name) const;

  // Of each event.
  const Indices& producers(Index event) const { return producers_[event]; }  ///< commands
  const Indices& policies_on(Index event) const { return policies_on_[event]; }
  const Indices& views_of(Index event) const { return views_of_[event]; }
  const Indices& sources_of(Index event) const { return sources_[event]; }  ///< systems
  /// Whether a command leads to an event only because a wrong name was followed to what was meant. A guess spares
  /// findings (nothing is missing) and makes none.
  bool is_guess(Index command, Index event) const { return guessed_outcomes_.contains({command, event}); }
  /// Events whose policies issue a command that produces this one.
  Indices causes_of(Index event) const;

  // Of each command.
  const Indices& events_of(Index command) const { return events_[command]; }
  const Indices& aggregates_of(Index command) const { return aggregates_[command]; }
  const Indices& systems_of(Index command) const { return systems_[command]; }
  const Indices& issuing_policies(Index command) const {
    return issuing_policies_[command];
  }  ///< both ends agree or one says so
  const Indices& issuing_actors(Index command) const { return issuing_actors_[command]; }
  const Indices& views_seen(Index command) const { return views_seen_[command]; }

  // Of each policy.
  const Indices& triggers(Index policy) const { return triggers_[policy]; }
  const Indices& commands_of(Index policy) const { return commands_[policy]; }

  const Indices& feeds(Index view) const { return feeds_[view]; }      ///< events
  const Indices& readers(Index view) const { return readers_[view]; }  ///< commands
  const Indices& contexts_of_aggregate(Index aggregate) const { return owners_[aggregate]; }
  /// The context that fronts a system; nullopt: none does.
  std::optional<Index> context_of_system(Index system) const;

  // What the gates of the stages ask for.
  bool has_cause(Index event) const { return board_.events[event].has_from || !producers_[event].empty(); }
  bool has_issuer(Index command) const {
    return board_.commands[command].has_by || !issuing_policies_[command].empty();
  }
  bool has_decider(Index command) const {
    return !aggregates_[command].empty() || !board_.commands[command].to.empty();
  }

  /// Where a command is decided, and an event happens: a context's name, or that of a system without one, in lower
  /// case. Empty: nowhere yet.
  std::string context_of_command(Index command) const;
  std::string context_of_event(Index event) const;
  /// Policies whose command is decided in another context than their event happened in, an entry for each pair.
  std::vector<Crossing> crossings() const;

 private:
  using Names = std::unordered_map<std::string_view, Index>;
  template <typename Elements>
  void name(Kind kind, const Elements& elements);
  template <typename References>
  Indices resolve_all(Kind kind, const References& references) const;
  void link_commands();
  void link_policies();
  void link_owners();

  const Board& board_;
  std::unordered_set<const Element*> duplicates_;
  std::set<std::pair<Index, Index>> guessed_outcomes_, guessed_issuers_;  // command and event, command and policy
  Names names_[11];
  mutable std::map<std::pair<Kind, std::string>, std::optional<std::string>> nearest_;
  std::vector<Indices> producers_, policies_on_, views_of_, sources_;
  std::vector<Indices> events_, aggregates_, systems_, issuing_policies_, issuing_actors_, views_seen_;
  std::vector<Indices> triggers_, commands_, feeds_, readers_, owners_, fronts_;
};

}  // namespace weft::storm
