#include "storm/svg_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "storm/text.h"

namespace weft::storm {

namespace {

/// Thousandths of an em from U+0020 on, of the widest among DejaVu Sans and Liberation Sans (Arial, Helvetica).
constexpr std::array<uint16_t, 95> kWidths = {
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361,  318, 337, 637, 637, 637,
    637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 557, 1016, 685, 687, 723, 771, 667,
    611, 778, 752, 295, 500, 667, 558, 863, 749, 788, 667, 788, 723, 667,  611, 732, 685, 989, 686,
    667, 686, 391, 337, 391, 838, 557, 500, 613, 635, 550, 635, 616, 353,  635, 634, 278, 278, 580,
    278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592,  525, 637, 337, 637, 838};
constexpr double kLatin = 0.85;      // with accents and the like
constexpr double kOther = 1.0;       // of an em: CJK fills it, letters of other alphabets are narrower
constexpr double kPictograph = 1.4;  // emoji fonts draw outside the em
constexpr double kLineHeight = 1.2;
constexpr std::string_view kEllipsis = "…";

struct Character {
  uint32_t code = 0;
  size_t bytes = 1;
};

constexpr uint32_t kInvalid = 0xFFFD;

// The character at `at`; a byte that begins none is one of kInvalid.
Character decode(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at);
  const size_t bytes = length_of_character(rest);
  if (bytes == 0) return {kInvalid, 1};
  return {code_point(rest.substr(0, bytes)), bytes};
}

double em_of(uint32_t code) {
  if (code >= 0x20 && code < 0x7F) return kWidths[code - 0x20] / 1000.0;
  if (code >= 0xA0 && code < 0x250) return kLatin;
  return code >= 0x1F000 ? kPictograph : kOther;
}

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_small(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Pieces that may begin a line; together they are the text.
std::vector<std::string> split_pieces(std::string_view text) {
  std::vector<std::string> pieces(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] == '\n' || text[i] == '\t' ? ' ' : text[i];
    const bool is_word = i > 0 && is_upper(c) &&
                         (is_small(text[i - 1]) || (is_upper(text[i - 1]) && i + 1 < text.size() &&
                                                    is_small(text[i + 1]) && !is_small(text[i - 1])));
    const char before = i > 0 ? text[i - 1] : '\0';
    const bool is_behind =
        c != ' ' && (before == ' ' || before == '-' || before == '_' || before == '/' || before == '.');
    // Characters beyond ASCII: scripts without blanks may break anywhere between two of three bytes or more.
    const bool is_wide = static_cast<uint8_t>(c) >= 0xE3 && i > 0;
    if ((is_word || is_behind || is_wide) && !pieces.back().empty()) pieces.emplace_back();
    pieces.back() += c;
  }
  return pieces;
}

std::string without_blank(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// The piece in parts that fit: only for words that no font size has room for.
std::vector<std::string> break_piece(const std::string& piece, double size, double width) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < piece.size();) {
    const size_t bytes = decode(piece, i).bytes;
    const std::string next = parts.back() + piece.substr(i, bytes);
    if (!parts.back().empty() && text_width(without_blank(next), size) > width) parts.emplace_back();
    parts.back() += piece.substr(i, bytes);
    i += bytes;
  }
  return parts;
}

struct Wrapped {
  std::vector<std::string> lines;
  bool has_broken_word = false;
};

Wrapped wrap(const std::vector<std::string>& pieces, double size, double width) {
  Wrapped out;
  std::string line;
  const auto place = [&](const std::string& part) {
    if (!line.empty() && text_width(without_blank(line + part), size) > width) {
      out.lines.push_back(without_blank(std::move(line)));
      line.clear();
    }
    line += part;
  };
  for (const std::string& piece : pieces) {
    if (text_width(without_blank(piece), size) <= width) {
      place(piece);
      continue;
    }
    out.has_broken_word = true;
    for (const std::string& part : break_piece(piece, size, width)) place(part);
  }
  if (!without_blank(line).empty()) out.lines.push_back(without_blank(std::move(line)));
  return out;
}

size_t lines_within(const TextLimits& limits, double size) {
  const size_t by_height = static_cast<size_t>(std::max(1.0, limits.height / (size * kLineHeight)));
  return std::min(by_height, limits.lines_max);
}

void cut(TextBlock& block, size_t lines, double width) {
  if (block.lines.size() <= lines) return;
  block.lines.resize(lines);
  block.is_cut = true;
  std::string& last = block.lines.back();
  while (!last.empty() && text_width(last + std::string(kEllipsis), block.size) > width) {
    size_t at = last.size() - 1;
    while (at > 0 && (static_cast<uint8_t>(last[at]) & 0xC0) == 0x80) --at;
    last.resize(at);
  }
  last = without_blank(std::move(last)) + std::string(kEllipsis);
}

}  // namespace

int TextBlock::height() const {
  return static_cast<int>(std::ceil(static_cast<double>(lines.size()) * size * kLineHeight));
}

int TextBlock::width() const {
  double widest = 0;
  for (const std::string& line : lines) widest = std::max(widest, text_width(line, size));
  return static_cast<int>(std::ceil(widest));
}

double text_width(std::string_view text, double size) {
  double ems = 0;
  for (size_t i = 0; i < text.size();) {
    const Character character = decode(text, i);
    ems += em_of(character.code);
    i += character.bytes;
  }
  return ems * size;
}

TextBlock fit_text(std::string_view text, const TextLimits& limits) {
  // Text that cannot be shown whole need not be looked at whole: no font has room for more than this on a note.
  constexpr size_t kBytesMax = 2000;
  const std::vector<std::string> pieces = split_pieces(text.substr(0, kBytesMax));
  const double width = limits.width;
  TextBlock block;
  for (double size = limits.size_max; size >= limits.size_min; size -= 0.5) {
    Wrapped wrapped = wrap(pieces, size, width);
    if (!wrapped.has_broken_word && wrapped.lines.size() <= lines_within(limits, size)) {
      block.lines = std::move(wrapped.lines);
      block.size = size;
      return block;
    }
  }
  block.size = limits.size_min;
  block.lines = wrap(pieces, limits.size_min, width).lines;
  cut(block, lines_within(limits, limits.size_min), width);
  return block;
}

std::string escape_xml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Character character = decode(text, i);
    const bool is_control = character.code < 0x20 && character.code != '\t' && character.code != '\n';
    const bool is_bad =
        is_control || character.code == kInvalid || character.code == 0xFFFE || character.code == 0xFFFF;
    switch (is_bad ? 0 : character.code) {
      case 0: out += "\xEF\xBF\xBD"; break;
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += text.substr(i, character.bytes);
    }
    i += character.bytes;
  }
  return out;
}

}  // namespace weft::storm
