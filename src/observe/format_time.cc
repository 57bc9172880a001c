#include "observe/format_time.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace weft::observe {
namespace {

constexpr std::string_view kDefaultFormat = "%Y-%m-%dT%H:%M:%E3SZ";
constexpr std::string_view kFastSpecifiers = "YmdHMSTFDReyz";

void append_digits(std::string& out, int64_t value, int width, char fill = '0') {
  char buffer[20];
  int at = 20;
  do {
    buffer[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (20 - at < width) buffer[--at] = fill;
  out.append(buffer + at, static_cast<size_t>(20 - at));
}

void append_fraction(std::string& out, int64_t nanoseconds, uint8_t digits) {
  char buffer[9];
  for (int i = 8; i >= 0; --i) {
    buffer[i] = static_cast<char>('0' + nanoseconds % 10);
    nanoseconds /= 10;
  }
  size_t count = digits;
  if (digits == 0) {
    count = 9;
    while (count > 0 && buffer[count - 1] == '0') --count;
  }
  out.append(buffer, count);
}

void append_zone(std::string& out, const std::tm& tm, bool with_colon) {
  long minutes = tm.tm_gmtoff / 60;
  out += minutes < 0 ? '-' : '+';
  if (minutes < 0) minutes = -minutes;
  append_digits(out, minutes / 60, 2);
  if (with_colon) out += ':';
  append_digits(out, minutes % 60, 2);
}

void append_clock(std::string& out, const std::tm& tm, bool with_seconds) {
  append_digits(out, tm.tm_hour, 2);
  out += ':';
  append_digits(out, tm.tm_min, 2);
  if (!with_seconds) return;
  out += ':';
  append_digits(out, tm.tm_sec, 2);
}

void append_specifier(std::string& out, char specifier, const std::tm& tm) {
  switch (specifier) {
    case 'Y': return append_digits(out, tm.tm_year + 1900, 1);
    case 'y': return append_digits(out, tm.tm_year % 100, 2);
    case 'm': return append_digits(out, tm.tm_mon + 1, 2);
    case 'd': return append_digits(out, tm.tm_mday, 2);
    case 'e': return append_digits(out, tm.tm_mday, 2, ' ');
    case 'H': return append_digits(out, tm.tm_hour, 2);
    case 'M': return append_digits(out, tm.tm_min, 2);
    case 'S': return append_digits(out, tm.tm_sec, 2);
    case 'T': return append_clock(out, tm, true);
    case 'R': return append_clock(out, tm, false);
    case 'z': return append_zone(out, tm, false);
    case 'F':
      append_digits(out, tm.tm_year + 1900, 1);
      out += '-';
      append_digits(out, tm.tm_mon + 1, 2);
      out += '-';
      return append_digits(out, tm.tm_mday, 2);
    case 'D':
      append_digits(out, tm.tm_mon + 1, 2);
      out += '/';
      append_digits(out, tm.tm_mday, 2);
      out += '/';
      return append_digits(out, tm.tm_year % 100, 2);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

namespace {

/// Broken-down UTC. gmtime_r would take a lock of the C library that all workers share.
std::tm utc_of(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = static_cast<int>((time - day).count());
  std::tm tm{};
  tm.tm_year = static_cast<int>(date.year()) - 1900;
  tm.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  tm.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  tm.tm_hour = seconds / 3600;
  tm.tm_min = seconds / 60 % 60;
  tm.tm_sec = seconds % 60;
  tm.tm_wday = static_cast<int>(std::chrono::weekday(day).c_encoding());
  tm.tm_yday = static_cast<int>((day - std::chrono::sys_days(date.year() / 1 / 1)).count());
  tm.tm_zone = "UTC";
  return tm;
}

}  // namespace

/// One "%…x" taken apart.
struct TimeFormat::Specifier {
  std::string_view text;     ///< the whole of it
  bool has_flags = false;    ///< of strftime: - _ 0 ^ #
  bool is_extended = false;  ///< %E…
  bool has_star = false;     ///< %E*S
  uint8_t digits = 0;        ///< one digit 1..9, else 0
  char last = 0;

  static base::Result<Specifier> at_front_of(std::string_view format) {
    Specifier s;
    size_t i = 1;
    while (i < format.size() && std::string_view("-_0^#").find(format[i]) != std::string_view::npos) ++i;
    s.has_flags = i > 1;
    if (i < format.size() && (format[i] == 'E' || format[i] == 'O')) s.is_extended = format[i++] == 'E';
    if (i < format.size() && format[i] == '*') {
      s.has_star = true;
      ++i;
    }
    size_t first_digit = i;
    while (i < format.size() && is_digit(format[i])) ++i;
    if (i == first_digit + 1) s.digits = static_cast<uint8_t>(format[first_digit] - '0');
    if (i >= format.size())
      return base::Error(base::ErrorCode::InvalidArgument, "time format: ends within a specifier");
    s.last = format[i];
    s.text = format.substr(0, i + 1);
    return s;
  }
};

base::Result<TimeFormat::Piece> TimeFormat::piece_of(const Specifier& s) {
  const bool is_bare = s.text.size() == 2;
  if (s.last == 'n') return base::Error(base::ErrorCode::InvalidArgument, "time format: %n would break the line");
  if (!s.has_flags) {
    if (is_bare && s.last == '%') return Piece{Piece::Kind::Text, 0, 0, "%"};
    if (is_bare && s.last == 's') return Piece{Piece::Kind::Epoch};
    if (is_bare && s.last == 'f') return Piece{Piece::Kind::Fraction, 0, 9};
    if (is_bare && kFastSpecifiers.find(s.last) != std::string_view::npos) return Piece{Piece::Kind::Specifier, s.last};
    if (s.last == 'f' && (s.digits != 0 || s.has_star)) return Piece{Piece::Kind::Fraction, 0, s.digits};
    if (s.is_extended && s.last == 'S' && (s.digits != 0 || s.has_star))
      return Piece{Piece::Kind::SecondsWithFraction, 0, s.digits};
    if (s.is_extended && s.last == 'z' && s.digits == 0) return Piece{Piece::Kind::ZoneWithColon};
    if (s.is_extended && s.last == 'T') return Piece{Piece::Kind::Text, 0, 0, "T"};
    if (s.is_extended && s.last == 'Y' && s.digits == 4) return Piece{Piece::Kind::Specifier, 'Y'};
  }
  if (s.has_star) {
    return base::Error(base::ErrorCode::InvalidArgument, "time format: unknown specifier " + std::string(s.text));
  }
  return Piece{Piece::Kind::Other, 0, 0, std::string(s.text)};
}

base::Result<TimeFormat> TimeFormat::parse(std::string_view format, bool is_local) {
  TimeFormat result;
  result.is_local_ = is_local;
  if (format.empty()) format = kDefaultFormat;
  if (format.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) {
    return base::Error(base::ErrorCode::InvalidArgument, "time format: must not hold a line break");
  }
  while (!format.empty()) {
    size_t text = std::min(format.find('%'), format.size());
    if (text > 0) result.pieces_.push_back({Piece::Kind::Text, 0, 0, std::string(format.substr(0, text))});
    format.remove_prefix(text);
    if (format.empty()) break;
    base::Result<Specifier> specifier = Specifier::at_front_of(format);
    if (!specifier) return specifier.error();
    base::Result<Piece> piece = piece_of(*specifier);
    if (!piece) return piece.error();
    result.pieces_.push_back(std::move(*piece));
    format.remove_prefix(specifier->text.size());
  }
  return result;
}

void TimeFormat::append(std::string& out, base::WallTime time) const {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto epoch = static_cast<time_t>(seconds.time_since_epoch().count());
  int64_t nanoseconds = (time - seconds).count();
  std::tm tm{};
  if (is_local_) localtime_r(&epoch, &tm);
  else tm = utc_of(seconds);
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::Text: out += piece.text; break;
      case Piece::Kind::Specifier: append_specifier(out, piece.specifier, tm); break;
      case Piece::Kind::Fraction: append_fraction(out, nanoseconds, piece.digits); break;
      case Piece::Kind::SecondsWithFraction: {
        append_digits(out, tm.tm_sec, 2);
        out += '.';
        size_t before = out.size();
        append_fraction(out, nanoseconds, piece.digits);
        if (out.size() == before) out.pop_back();
        break;
      }
      case Piece::Kind::Epoch:
        if (epoch < 0) out += '-';
        append_digits(out, epoch < 0 ? -epoch : epoch, 1);
        break;
      case Piece::Kind::ZoneWithColon: append_zone(out, tm, true); break;
      case Piece::Kind::Other: {
        char buffer[128];
        out.append(buffer, std::strftime(buffer, sizeof buffer, piece.text.c_str(), &tm));
        break;
      }
    }
  }
}

base::WallTime parse_rfc3339(std::string_view text) {
  std::tm tm{};
  auto number = [&](size_t at, size_t count, int& value) {
    return text.size() >= at + count &&
           std::from_chars(text.data() + at, text.data() + at + count, value).ec == std::errc();
  };
  bool is_whole = number(0, 4, tm.tm_year) && number(5, 2, tm.tm_mon) && number(8, 2, tm.tm_mday) &&
                  number(11, 2, tm.tm_hour) && number(14, 2, tm.tm_min) && number(17, 2, tm.tm_sec);
  if (!is_whole) return {};
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  // Nanoseconds in 64 bits end in the year 2262; certificates that "never expire" say 9999.
  constexpr auto kFirst = std::chrono::ceil<std::chrono::seconds>(base::Duration::min());
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(base::Duration::max());
  return base::WallTime(std::clamp(std::chrono::seconds(timegm(&tm)), kFirst, kLast));
}

}  // namespace weft::observe
