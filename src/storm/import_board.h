// Purpose: what was found in contracts, written down as a first board.
// Thread:  any (values).   Owner: import_asyncapi.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "storm/import_schema.h"

namespace weft::storm {

/// A message that says that something has happened.
struct FoundEvent {
  std::string name, text, key, address;
  std::vector<std::string> refs, from;
  std::vector<Field> fields;
  bool is_pivotal = false, is_sent = false;
};

/// What a document's application does, for the comment on contexts.
struct Application {
  std::string title;
  std::vector<std::string> sends;
};

/// All of it, in the order of the documents.
struct Found {
  std::string title, board;  ///< of the first document, and the board it was exported from
  std::vector<FoundEvent> events;
  std::set<std::string> systems;
  Records records;
  std::vector<Application> applications;
  std::vector<std::string> notes;  ///< what of a document is not on the board
};

/// `id:uuid, lines:Line[]`.
std::string fields_text(const std::vector<Field>& fields);
/// What is not in the documents, a line each.
std::vector<std::string> unknown_of(const Found& found);
/// A board that parses without faults, with `unknown` as comments.
std::string board_of(const Found& found, const std::vector<std::string>& unknown);

}  // namespace weft::storm
