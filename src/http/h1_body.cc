#include "http/h1_body.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "http/h1_characters.h"

namespace weft::http {
namespace {

constexpr uint8_t kSizeDigitsMax = 16;
// What each chunk earns back of the extension allowance, beside twice its data: an honest sender's extensions
// stay in proportion to its data, a flood of tiny chunks with long extensions does not.
constexpr uint32_t kExtensionBytesPerChunk = 16;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void H1BodyReader::start(H1Framing framing, uint64_t content_length) {
  extension_bytes_ = 0;
  left_ = 0;
  switch (framing) {
    case H1Framing::None: state_ = State::Complete; break;
    case H1Framing::Length:
      state_ = content_length > 0 ? State::Length : State::Complete;
      left_ = content_length;
      break;
    case H1Framing::Chunked: state_ = State::SizeFirst; break;
    case H1Framing::UntilClose:
    case H1Framing::Tunnel: state_ = State::UntilClose; break;
  }
}

H1BodyReader::Event H1BodyReader::next(base::Slice& in, base::Slice& out) {
  while (!in.is_empty()) {
    switch (state_) {
      case State::Complete: return Event::NeedMore;
      case State::UntilClose: out = std::move(in); return Event::Data;
      case State::Length:
      case State::Data: return take_data(in, out);
      default: break;
    }
    const Event event = read_framing(in);
    if (event != Event::Data) return event;
  }
  return Event::NeedMore;
}

H1BodyReader::Event H1BodyReader::take_data(base::Slice& in, base::Slice& out) {
  if (in.size() <= left_) {
    left_ -= in.size();
    out = std::move(in);
  } else {
    out = in.share(0, left_);
    in.remove_prefix(left_);
    left_ = 0;
  }
  if (left_ == 0) state_ = state_ == State::Length ? State::Complete : State::DataCr;
  return Event::Data;
}

// Reads chunk framing up to where data begin (Data), the trailers begin, or the bytes end.
H1BodyReader::Event H1BodyReader::read_framing(base::Slice& in) {
  const char* p = in.data();
  const char* const end = p + in.size();
  bool is_sound = true;
  while (p < end && state_ != State::Data && state_ != State::Complete && is_sound) is_sound = read_framing_byte(*p++);
  in.remove_prefix(static_cast<size_t>(p - in.data()));
  if (!is_sound) return Event::Failed;
  if (state_ == State::Complete) return Event::Trailers;
  return state_ == State::Data ? Event::Data : Event::NeedMore;
}

bool H1BodyReader::read_framing_byte(char c) {
  switch (state_) {
    case State::SizeFirst:
      left_ = 0;
      size_digits_ = 0;
      return read_size_digit(c);
    case State::Size:
      if (hex_value(c) >= 0) return read_size_digit(c);
      [[fallthrough]];
    case State::Blank:
      // RFC 9112 §7.1.1: blanks may stand in front of an extension, but not in front of the line's end.
      if (c == ';') state_ = State::Extension;
      else if (c == '\r' && state_ == State::Size) state_ = State::SizeLf;
      else if (is_blank(c)) state_ = State::Blank;
      else return false;
      return ++extension_bytes_ <= base::kChunkExtensionBytesMax;
    case State::Extension:
      if (c == '\r') state_ = State::SizeLf;
      else if (!is_value_character(c)) return false;
      return ++extension_bytes_ <= base::kChunkExtensionBytesMax;
    case State::SizeLf: return c == '\n' && end_size_line();
    case State::DataCr: state_ = State::DataLf; return c == '\r';
    case State::DataLf: state_ = State::SizeFirst; return c == '\n';
    default: return false;
  }
}

bool H1BodyReader::read_size_digit(char c) {
  const int value = hex_value(c);
  if (value < 0 || ++size_digits_ > kSizeDigitsMax) return false;
  left_ = left_ << 4 | static_cast<uint64_t>(value);
  state_ = State::Size;
  return left_ <= INT64_MAX;
}

bool H1BodyReader::end_size_line() {
  const uint64_t earned = kExtensionBytesPerChunk + 2 * std::min<uint64_t>(left_, base::kChunkExtensionBytesMax);
  extension_bytes_ -= static_cast<uint32_t>(std::min<uint64_t>(extension_bytes_, earned));
  state_ = left_ == 0 ? State::Complete : State::Data;
  return true;
}

}  // namespace weft::http
