// Purpose: the parts of an EventCatalog's folder.
// Thread:  any.   Owner: storm::export_eventcatalog.
#pragma once

#include <string>
#include <string_view>

#include "storm/contract_types.h"
#include "storm/export.h"

namespace weft::storm {

/// A page: front matter as YAML, then MDX.
std::string catalog_page(const Json& front, std::string_view body);

/// The whole board as one flow: who issues what, what happens, and which policy goes on.
ExportedFile catalog_flow(const Contracts& contracts);

}  // namespace weft::storm
