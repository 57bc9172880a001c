// Purpose: text on a note: how wide it is in any browser, and how it is broken into lines that stay on the note.
// Thread:  any (pure functions).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::storm {

/// Lines that fit, at one font size. Units: pixels.
struct TextBlock {
  std::vector<std::string> lines;
  double size = 13;
  bool is_cut = false;  ///< what did not fit is an ellipsis; the whole belongs into a <title>

  int height() const;
  int width() const;
};

struct TextLimits {
  int width = 0, height = 0;  ///< pixels
  double size_max = 13, size_min = 8;
  size_t lines_max = 12;
};

/// A width no usual sans font exceeds: the widest of DejaVu Sans, Helvetica and Arial for ASCII, about one em
/// for the rest.
/// Cost: O(length).
double text_width(std::string_view text, double size);

/// Breaks at blanks, `-`, `_` and where CamelCase begins a word. The font shrinks before a word is broken, and a word
/// is broken before text is cut.
TextBlock fit_text(std::string_view text, const TextLimits& limits);

/// For text and attribute values. What XML cannot hold (control characters, bytes that are not UTF-8) becomes U+FFFD.
std::string escape_xml(std::string_view text);

}  // namespace weft::storm
