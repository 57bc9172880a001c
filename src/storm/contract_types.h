// Purpose: what a board says to programs: the CloudEvents type and source of its events, where policies and views live,
//          and a key of each element that every format takes.
// Thread:  any.   Owner: whoever exports; borrows the graph, which must stay.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storm/contract_text.h"
#include "storm/graph.h"

namespace weft::storm {

/// What a key stands for, where fields may refer to it.
struct Record {
  const Element* element = nullptr;
  const std::vector<Field>* fields = nullptr;
  size_t order = 0;  ///< events first, then views, each in the order of the board
};

/// Of two elements of a kind with one name only the first is in a contract, as it is the one that references mean.
/// Cost: O(board) to make, O(1) to ask.
class Contracts {
 public:
  explicit Contracts(const Graph& graph);

  const Graph& graph() const { return graph_; }
  const Board& board() const { return graph_.board(); }
  /// The title, else the name, else "Board".
  std::string title() const;
  /// "2.0.0" where the type pattern ends with ".v2"; "1.0.0" otherwise.
  std::string version() const;

  // What is in the contracts, in the order of the board.
  const Indices& events() const { return events_; }
  const Indices& commands() const { return commands_; }
  const Indices& policies() const { return policies_; }
  const Indices& views() const { return views_; }
  const Indices& contexts() const { return contexts_; }
  // Events, commands and views share one set of keys; the others have their own.
  const std::string& event_key(Index event) const { return event_keys_[event]; }
  const std::string& command_key(Index command) const { return command_keys_[command]; }
  const std::string& view_key(Index view) const { return view_keys_[view]; }
  /// The event or the view with this key; there is one.
  const Record& record(const std::string& key) const { return records_.find(key)->second; }
  const std::string& policy_key(Index policy) const { return policy_keys_[policy]; }
  const std::string& context_key(Index context) const { return context_keys_[context]; }

  /// What stands for `{context}`: the system an event comes from, as written; else the context of the command that
  /// produces it, or the name of the system that does; empty: nobody's yet.
  std::string producer_of(Index event) const;
  /// The board's pattern filled in; without one "BOARD.EVENT". A pattern that does not name the event gets it at its
  /// end.
  std::string type_of(Index event) const;
  /// A URI reference, never empty.
  std::string source_of(Index event) const;

  /// Where a policy acts: the contexts that decide on its commands; before they are drawn, where its events happen.
  std::vector<std::string> contexts_of_policy(Index policy) const;
  /// Where a view is kept: the contexts of the commands that look at it; unread, where its events happen.
  std::vector<std::string> contexts_of_view(Index view) const;
  /// The aggregates that decide on the commands behind an event.
  std::vector<std::string> aggregates_of_event(Index event) const;
  /// The questions that stick to an element.
  const std::vector<std::string>& hotspots_on(std::string_view name) const;

 private:
  const Graph& graph_;
  Indices events_, commands_, policies_, views_, contexts_;
  std::vector<std::string> event_keys_, command_keys_, policy_keys_, view_keys_, context_keys_;
  std::map<std::string, std::vector<std::string>, std::less<>> hotspots_;
  std::unordered_map<std::string, Record> records_;
};

}  // namespace weft::storm
