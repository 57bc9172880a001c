// Purpose: a time format parsed once (strftime's specifiers and Envoy's additions), written per line without a call to
//          strftime for the common specifiers. Private to this folder.
// Thread:  immutable.
// Source:  Envoy's DateFormatter (%s, %f, %3f, %6f, %9f; absl's %E3S, %E*S, %E3f, %Ez, %E4Y, %ET).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace weft::observe {

class TimeFormat {
 public:
  /// `format`: empty for "%Y-%m-%dT%H:%M:%E3SZ". Errors: InvalidArgument for a format that makes line breaks or ends in
  /// '%'.
  static base::Result<TimeFormat> parse(std::string_view format, bool is_local);

  void append(std::string& out, base::WallTime time) const;

 private:
  struct Piece {
    enum class Kind : uint8_t { Text, Specifier, Other, Fraction, SecondsWithFraction, Epoch, ZoneWithColon } kind;
    char specifier = 0;  ///< Specifier
    uint8_t digits = 0;  ///< of a fraction; 0: as many as needed
    std::string text;    ///< Text; Other: a whole strftime format ("%-d")
  };

  struct Specifier;
  static base::Result<Piece> piece_of(const Specifier& specifier);

  std::vector<Piece> pieces_;
  bool is_local_ = false;
};

/// Reads "2026-11-22T10:00:00.000Z" (the fraction is optional); the epoch where it is something else.
/// Clamped to what 64-bit nanoseconds hold: the years 1677 to 2262.
base::WallTime parse_rfc3339(std::string_view text);

}  // namespace weft::observe
