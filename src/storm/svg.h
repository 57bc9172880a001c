// Purpose: a picture as SVG text.
// Thread:  any (pure function).
#pragma once

#include <string>

#include "storm/layout.h"

namespace weft::storm {

struct SvgOptions {
  bool is_dark = false;
  bool is_page = false;  ///< part of an HTML page: notes take the focus, the page sets the size
};

/// Every note is `<g data-kind data-name>`, every edge `<path data-from data-to data-edge>`.
std::string to_svg(const Picture& picture, const SvgOptions& options);

/// The paper of a kind, as CSS.
std::string_view colour_of(Kind kind);

}  // namespace weft::storm
