// Purpose: JSON Schemas of what events, commands and views carry.
// Thread:  any.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "storm/contract_types.h"

namespace weft::storm {

/// The schema of declared fields. A field whose type is an event or a view refers to `references` followed by its key;
/// each key that is used is added to `used`. Without fields: an object that may have any. `references`: "#/$defs/",
/// "#/components/schemas/".
Json schema_of(const Contracts& contracts, const std::vector<Field>& fields, std::string_view references,
               std::set<std::string>* used = nullptr);

/// Adds the schemas that those in `used` need, those that these need, and so on, to `schemas` under their keys, in the
/// order of the board.
void add_used_schemas(const Contracts& contracts, std::set<std::string> used, std::string_view references,
                      Json& schemas);

}  // namespace weft::storm
