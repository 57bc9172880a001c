#include "http/date.h"

#include <chrono>
#include <cstring>

namespace weft::http {
namespace {

void put_digits(char* p, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) p[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string_view DateCache::format(base::WallTime now) {
  using namespace std::chrono;
  const auto second = floor<seconds>(now);
  if (second.time_since_epoch().count() == second_) return {text_.data(), text_.size()};
  second_ = second.time_since_epoch().count();
  constexpr const char* kDays = "SunMonTueWedThuFriSat";
  constexpr const char* kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = floor<days>(second);
  const year_month_day date(day);
  const hh_mm_ss<seconds> time(second - day);
  std::memcpy(text_.data(), "Sun, 06 Nov 1994 08:49:37 GMT", kBytes);
  std::memcpy(&text_[0], kDays + 3 * weekday(day).c_encoding(), 3);
  put_digits(&text_[5], static_cast<unsigned>(date.day()), 2);
  std::memcpy(&text_[8], kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  put_digits(&text_[12], static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(&text_[17], static_cast<unsigned>(time.hours().count()), 2);
  put_digits(&text_[20], static_cast<unsigned>(time.minutes().count()), 2);
  put_digits(&text_[23], static_cast<unsigned>(time.seconds().count()), 2);
  return {text_.data(), text_.size()};
}

}  // namespace weft::http
