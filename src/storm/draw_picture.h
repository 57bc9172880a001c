// Purpose: the picture that options ask for.
// Thread:  any.
#pragma once

#include "storm/draw.h"
#include "storm/layout.h"

namespace weft::storm {

Picture picture_of(const Graph& graph, const DrawOptions& options);

}  // namespace weft::storm
