#include "storm/layout.h"

#include <algorithm>
#include <cmath>

namespace weft::storm {

namespace {

// The papers of a workshop. Units: pixels.
constexpr int kSquare = 100;
constexpr int kWide = 120;
constexpr int kPadding = 7;
constexpr int kHotspot = 106;                       // tilted, it needs a little more than a square
constexpr int kHotspotRise = 12;                    // by how much more at least
constexpr double kSine = 0.1046, kCosine = 0.9946;  // of 6 degrees, rounded up

struct Paper {
  int width, height;
  double size_max;
};

Paper paper_of(Kind kind) {
  switch (kind) {
    case Kind::Event:
    case Kind::Command:
    case Kind::View: return {kSquare, kSquare, 16};
    case Kind::Actor: return {kSquare, 40, 15};
    case Kind::Policy: return {kWide, 62, 15};
    case Kind::System: return {kWide, 46, 15};
    case Kind::Aggregate: return {kWide, 46, 16};
    case Kind::Opportunity: return {kSquare, 0, 11};
    case Kind::Hotspot: return {kHotspot, 0, 11};
    default: return {kWide, 46, 13};
  }
}

// Remarks are sentences: their paper is as long as they need, up to a limit.
void fit_remark(Note& note, const Paper& paper) {
  constexpr int kHeightMax = 150;
  note.width = paper.width;
  note.text = fit_text(note.name, {paper.width - 2 * kPadding, kHeightMax, paper.size_max, 8.5, 12});
  note.height = std::max(40, note.text.height() + 2 * kPadding);
}

}  // namespace

Note make_note(Kind kind, const Element& element) {
  const Paper paper = paper_of(kind);
  Note note;
  note.kind = kind;
  note.name = element.name;
  note.detail = element.text;
  if (paper.height == 0) {
    fit_remark(note, paper);
  } else {
    note.width = paper.width, note.height = paper.height;
    note.text =
        fit_text(element.name, {paper.width - 2 * kPadding, paper.height - 2 * kPadding + 4, paper.size_max, 7.5, 8});
  }
  note.box = {0, 0, note.width, note.height};
  if (kind != Kind::Hotspot) return note;
  note.is_tilted = true;
  note.box.width = static_cast<int>(std::ceil(note.width * kCosine + note.height * kSine));
  note.box.height =
      std::max(note.height + kHotspotRise, static_cast<int>(std::ceil(note.height * kCosine + note.width * kSine)));
  return note;
}

void enlarge(Note& note, int width, int height) {
  note.width = width, note.height = height;
  const int inner = width - 2 * kPadding;
  note.text = fit_text(note.name, {inner, height / 2 - kPadding, 17, 8, 4});
  if (!note.detail.empty())
    note.small = fit_text(note.detail, {inner, height - note.text.height() - 3 * kPadding, 12, 8, 12});
  note.box = {0, 0, width, height};
}

}  // namespace weft::storm
