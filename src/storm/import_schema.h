// Purpose: a JSON Schema as the fields of a board, and names that a board takes.
// Thread:  any.   Owner: import_asyncapi, one reader for each document.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storm/board.h"
#include "storm/contract_text.h"

namespace weft::storm {

/// The member, or null where there is none or `object` is none.
const Json& member(const Json& object, std::string_view key);
/// The member's text; empty where it is no text.
std::string text_member(const Json& object, std::string_view key);

/// A text of one line, without control characters.
std::string one_line(std::string_view text);
/// In quotes, as a board has it.
std::string quoted_text(std::string_view text);
/// A name that a board takes, as like as can be: "order placed", "com.example.orders.order-placed.v1" and "OrderPlaced"
/// are all OrderPlaced; what is a name already stays.
std::string board_name(std::string_view text);
/// `minutes?:int[]>=15 one of 15|30`.
std::string text_of(const Field& field);

/// What a field refers to: declared as a view, for a board has no other records.
using Records = std::map<std::string, std::vector<Field>>;

class SchemaReader {
 public:
  /// `records` and `notes` collect what is found; `document` is what "#/…" is about.
  SchemaReader(const Json& document, std::string file, Records& records, std::vector<std::string>& notes)
      : document_(document), file_(std::move(file)), records_(records), notes_(notes) {}

  /// Follows `$ref` within the document. `name`: the last part of the last reference, when there was one.
  /// Null where it leads nowhere.
  const Json& resolve(const Json& value, std::string* name = nullptr) const;
  /// The fields of an object's schema, and the records they refer to. `owner` is for notes.
  std::vector<Field> fields_of(const Json& schema, const std::string& owner);

 private:
  void collect(const Json& schema, const std::string& owner, std::vector<Field>& fields, int depth);
  Field field_of(const std::string& name, const Json& schema, const std::string& owner);
  void set_type(const Json& schema, const std::string& owner, Field& field, int depth);
  void set_scalar(const Json& schema, std::string_view type, Field& field) const;
  void read_records();
  void note(std::string text) { notes_.push_back(file_ + ": " + std::move(text)); }

  const Json& document_;
  std::string file_;
  Records& records_;
  std::vector<std::string>& notes_;
  std::map<std::string, const Json*> pending_;  ///< records to read, by name
  size_t schemas_ = 0;
  std::set<std::string> seen_;  ///< records of this document
};

}  // namespace weft::storm
