#include "http/h1_head.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/limits.h"
#include "http/authority.h"
#include "http/h1_characters.h"

namespace weft::http {
namespace {

constexpr std::string_view kCodecError = "http1.codec_error";
constexpr std::string_view kInvalidCharacters = "http1.invalid_characters";
constexpr std::string_view kInvalidUrl = "http1.invalid_url";
constexpr std::string_view kHeadersTooLarge = "http1.headers_too_large";
constexpr std::string_view kTooManyHeaders = "http1.too_many_headers";
constexpr uint32_t kFieldMarkBytes = 3;  // ':' and CR LF

// What Envoy takes without allow_custom_methods; the common ones first, because the search is linear.
constexpr std::string_view kMethods[] = {
    "GET",    "POST",      "PUT",    "HEAD",     "DELETE",    "PATCH",       "OPTIONS",    "CONNECT",    "TRACE",
    "ACL",    "BIND",      "COPY",   "LINK",     "LOCK",      "MERGE",       "MKACTIVITY", "MKCALENDAR", "MKCOL",
    "MOVE",   "M-SEARCH",  "NOTIFY", "PROPFIND", "PROPPATCH", "PURGE",       "REBIND",     "REPORT",     "SEARCH",
    "SOURCE", "SUBSCRIBE", "UNBIND", "UNLINK",   "UNLOCK",    "UNSUBSCRIBE", "CHECKOUT"};

// Headers that take_header does more with than to add them.
constexpr std::array<bool, kHeaderIdCount> kHasMeaning = [] {
  std::array<bool, kHeaderIdCount> table{};
  for (HeaderId id : {HeaderId::Host, HeaderId::ContentLength, HeaderId::TransferEncoding, HeaderId::Connection,
                      HeaderId::Te, HeaderId::KeepAlive, HeaderId::ProxyConnection, HeaderId::Http2Settings}) {
    table[static_cast<size_t>(id)] = true;
  }
  return table;
}();

bool is_method(std::string_view method) {
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

bool has_prefix_any_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (c != lower_prefix[i]) return false;
  }
  return true;
}

}  // namespace

void H1HeadParser::restart(Kind kind) {
  drop_partial();
  kind_ = kind;
  head_bytes_ = lines_ = 0;
  empty_lines_ = 0;
  is_done_ = is_failed_ = has_start_line_ = false;
  target_ = Target::Origin;
  error_ = {};
  if (kind == Kind::Trailers) return;  // The facts are still the head's.
  field_bytes_ = 0;
  facts_ = {};
  seen_ = {};
  context_ = {};
}

const char* H1HeadParser::fail(uint16_t status, std::string_view detail) {
  is_failed_ = true;
  error_ = {status, detail};
  return nullptr;
}

// ---------------------------------------------------------------- lines in pieces

H1HeadParser::Progress H1HeadParser::feed(std::string_view& bytes, HeaderMap& into) {
  if (partial_ != nullptr) {
    const Progress progress = feed_partial(bytes, into);
    if (progress != Progress::Done || is_done_) return progress;
  }
  return parse_lines(bytes, into);
}

// Parses complete lines straight from `bytes`; keeps what is left of the last one.
H1HeadParser::Progress H1HeadParser::parse_lines(std::string_view& bytes, HeaderMap& into) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  while (!is_done_) {
    const size_t room = options_->head_bytes_max - head_bytes_;
    const char* const window = static_cast<size_t>(end - p) > room ? p + room : end;
    const char* const next = line(p, window, into);
    if (next == nullptr) {
      if (!is_failed_ && window != end) fail(431, kHeadersTooLarge);
      if (!is_failed_) stash({p, static_cast<size_t>(end - p)}, into.pool());
      // A head that was refused as a whole ends behind its empty line.
      bytes.remove_prefix(is_done_ ? static_cast<size_t>(p + 2 - bytes.data()) : bytes.size());
      return is_failed_ ? Progress::Failed : Progress::NeedMore;
    }
    head_bytes_ += static_cast<uint32_t>(next - p);
    p = next;
    if (is_done_ || !has_start_line_ || kind_ == Kind::Trailers) continue;
    const char* const after = plain_lines(p, std::min(end, window), into);
    head_bytes_ += static_cast<uint32_t>(after - p);
    p = after;
    if (!is_failed_) continue;
    bytes = {};
    return Progress::Failed;
  }
  bytes = {p, static_cast<size_t>(end - p)};
  return Progress::Done;
}

// Completes the waiting line. Done: it was completed (the head may go on).
H1HeadParser::Progress H1HeadParser::feed_partial(std::string_view& bytes, HeaderMap& into) {
  const auto* const feed_end = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  std::string_view piece = feed_end != nullptr ? bytes.substr(0, feed_end - bytes.data() + 1) : bytes;
  const size_t room = options_->head_bytes_max - head_bytes_ - partial_size_;
  const bool is_too_long = piece.size() > room;
  if (is_too_long) piece = piece.substr(0, room);
  bytes.remove_prefix(piece.size());
  stash(piece, into.pool());
  if (feed_end == nullptr && !is_too_long) {
    // What can never become valid is refused now: a peer may wait for the answer before it ends the line.
    const bool ended_with_cr =
        partial_size_ > piece.size() && partial_->data()[partial_size_ - piece.size() - 1] == '\r';
    const char* const piece_end = piece.data() + piece.size();
    const char* const stop = find_value_end(piece.data(), piece_end);
    const bool may_become_valid = stop == piece_end || (*stop == '\r' && stop + 1 == piece_end);
    if (may_become_valid && !(ended_with_cr && !piece.empty())) return Progress::NeedMore;
  }
  const char* const start = partial_->data();
  const uint32_t size = partial_size_;
  const char* const next = line(start, start + size, into);
  if (next == nullptr && !is_failed_)
    fail(is_too_long ? 431 : 400, is_too_long ? kHeadersTooLarge : kInvalidCharacters);
  if (is_failed_) return Progress::Failed;
  WEFT_ASSERT(next == start + size);  // A line ends at its first LF and nowhere else.
  head_bytes_ += size;
  drop_partial();
  return Progress::Done;
}

// Appends to the waiting line; its size is bounded by the caller.
bool H1HeadParser::stash(std::string_view bytes, base::BlockPool& pool) {
  if (bytes.empty()) return true;
  const size_t needed = partial_size_ + bytes.size();
  if (partial_ == nullptr || partial_->capacity < needed) {
    base::Block* bigger = pool.allocate(partial_ == nullptr ? needed : needed * 2);
    if (partial_ != nullptr) {
      std::memcpy(bigger->data(), partial_->data(), partial_size_);
      base::Slice::adopt(partial_, 0, 0);
    }
    partial_ = bigger;
  }
  std::memcpy(partial_->data() + partial_size_, bytes.data(), bytes.size());
  partial_size_ = static_cast<uint32_t>(needed);
  return true;
}

void H1HeadParser::drop_partial() {
  if (partial_ != nullptr) base::Slice::adopt(partial_, 0, 0);
  partial_ = nullptr;
  partial_size_ = 0;
}

// ---------------------------------------------------------------- one line

const char* H1HeadParser::line(const char* p, const char* end, HeaderMap& into) {
  if (p == end) return nullptr;
  if (has_start_line_ || kind_ == Kind::Trailers) {
    return *p == '\r' ? empty_line(p, end, into) : header_line(p, end, into);
  }
  if (kind_ == Kind::Response) return status_line(p, end);
  return *p == '\r' ? empty_line(p, end, into) : request_line(p, end, into);
}

const char* H1HeadParser::empty_line(const char* p, const char* end, HeaderMap& into) {
  if (end - p < 2) return nullptr;
  if (p[1] != '\n') return fail(400, kInvalidCharacters);
  if (!has_start_line_ && kind_ == Kind::Request) {
    // RFC 9112 §2.2: an empty line in front of a request is skipped.
    if (empty_lines_++ >= base::kLeadingEmptyLinesMax) return fail(400, kCodecError);
    return p + 2;
  }
  is_done_ = true;
  if (kind_ != Kind::Trailers && !finish(into)) return nullptr;
  return p + 2;
}

const char* H1HeadParser::request_line(const char* p, const char* end, HeaderMap& into) {
  const char* q = p;
  while (q < end && is_token_character(*q)) ++q;
  if (q == end) return nullptr;
  const std::string_view method(p, static_cast<size_t>(q - p));
  if (*q != ' ') return fail(400, kCodecError);
  if (!is_method(method)) return fail(400, kCodecError);
  const char* const target = ++q;
  q = find_target_end(q, end);
  if (q == end) return nullptr;
  if (*q != ' ' || q == target) {
    const bool is_control = static_cast<unsigned char>(*q) < 0x20 || *q == 0x7f;
    return fail(400, *q == '#' ? kInvalidUrl : is_control && q != target ? kInvalidCharacters : kCodecError);
  }
  const char* const next = version_and_end(q + 1, end);
  if (next == nullptr) return nullptr;
  into.add(HeaderId::Method, method);
  facts_.is_head = method == "HEAD";
  facts_.is_connect = method == "CONNECT";
  if (!take_target(method, {target, static_cast<size_t>(q - target)}, into)) return nullptr;
  has_start_line_ = true;
  return next;
}

// "HTTP/1.1" CRLF. Another version that is well formed gets 505.
const char* H1HeadParser::version_and_end(const char* p, const char* end) {
  constexpr std::string_view kLine = "HTTP/1.1\r\n";
  const size_t n = std::min<size_t>(kLine.size(), static_cast<size_t>(end - p));
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (n == kLine.size() && std::memcmp(p, kLine.data(), n) == 0) {
    facts_.version = Version::Http11;
    return p + n;
  }
  for (size_t i = 0; i < n; ++i) {
    const bool fits = i == 5 || i == 7 ? is_digit(p[i]) : p[i] == kLine[i];
    if (!fits) return fail(400, kCodecError);
  }
  if (n < kLine.size()) return nullptr;
  if (p[5] != '1' || p[7] != '0') return fail(505, kCodecError);
  facts_.version = Version::Http10;
  return p + n;
}

const char* H1HeadParser::status_line(const char* p, const char* end) {
  constexpr std::string_view kShape = "HTTP/1.v ddd";
  constexpr size_t kStatusEnd = kShape.size();
  uint16_t status = 0;
  for (size_t i = 0; i < std::min<size_t>(kStatusEnd, static_cast<size_t>(end - p)); ++i) {
    const bool is_digit = p[i] >= '0' && p[i] <= '9';
    const bool fits = kShape[i] == 'd' ? is_digit : kShape[i] == 'v' ? p[i] == '0' || p[i] == '1' : p[i] == kShape[i];
    if (!fits) return fail(502, kCodecError);
    if (kShape[i] == 'd') status = static_cast<uint16_t>(status * 10 + (p[i] - '0'));
  }
  if (end - p <= static_cast<ptrdiff_t>(kStatusEnd)) return nullptr;
  if (status < 100) return fail(502, kCodecError);
  // Many servers leave out the space behind the status when they have no reason phrase.
  if (p[kStatusEnd] != ' ' && p[kStatusEnd] != '\r') return fail(502, kCodecError);
  const char* const q = find_value_end(p + kStatusEnd, end);
  if (end - q < 2) return q < end && *q != '\r' ? fail(502, kInvalidCharacters) : nullptr;
  if (q[0] != '\r' || q[1] != '\n') return fail(502, kInvalidCharacters);
  facts_.version = p[7] == '0' ? Version::Http10 : Version::Http11;
  facts_.status = status;
  has_start_line_ = true;
  return q + 2;
}

// The lines nearly every message is made of, parsed in one tight loop: plain names, one blank, nothing to trim.
// Stops at the first line that is not like that and leaves it to header_line; may set is_failed_.
const char* H1HeadParser::plain_lines(const char* p, const char* end, HeaderMap& into) {
  char lower[kShortNameBytes];
  while (true) {
    const size_t n = copy_plain_name(p, end, lower);
    if (n == 0 || n == kShortNameBytes || lines_ >= options_->headers_count_max) return p;
    const char* const value = p + n + 1 + (p[n + 1] == ' ' ? 1 : 0);
    const char* const stop = find_value_end(value, end);
    if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n') return p;
    if (stop > value && (is_blank(*value) || is_blank(stop[-1]))) return p;
    ++lines_;
    field_bytes_ += static_cast<uint32_t>(stop - value + n) + kFieldMarkBytes;
    const std::string_view name(lower, n);
    const HeaderId id = header_id(name);
    const std::string_view text(value, static_cast<size_t>(stop - value));
    if (id == HeaderId::Unknown) into.add(id, name, text);
    else if (!kHasMeaning[static_cast<size_t>(id)]) into.add(id, text);
    else if (!take_header(id, name, text, into)) return p;
    p = stop + 2;
  }
}

const char* H1HeadParser::header_line(const char* p, const char* end, HeaderMap& into) {
  char lower[kShortNameBytes];
  size_t n = copy_plain_name(p, end, lower);
  if (n == 0) {
    const size_t short_end = std::min<size_t>(kShortNameBytes, static_cast<size_t>(end - p));
    for (; n < short_end; ++n) {
      const char c = kTokenLower[static_cast<unsigned char>(p[n])];
      if (c == 0) break;
      lower[n] = c;
    }
  }
  const bool is_short = n < kShortNameBytes;
  while (!is_short && p + n < end && is_token_character(p[n])) ++n;
  if (p + n == end) return nullptr;
  // Also refuses a line that begins with a blank: an obsolete fold, or a header in front of the first one.
  if (p[n] != ':' || n == 0) return fail(400, p[n] == '\0' ? kInvalidCharacters : kCodecError);
  const char* value = p + n + 1;
  while (value < end && is_blank(*value)) ++value;
  const char* const stop = find_value_end(value, end);
  if (end - stop < 2) return stop < end && *stop != '\r' ? fail(400, kInvalidCharacters) : nullptr;
  if (stop[0] != '\r' || stop[1] != '\n') return fail(400, kInvalidCharacters);
  const char* value_end = stop;
  while (value_end > value && is_blank(value_end[-1])) --value_end;

  if (++lines_ > options_->headers_count_max) return fail(431, kTooManyHeaders);
  if (n > UINT16_MAX) return fail(431, kHeadersTooLarge);
  field_bytes_ += static_cast<uint32_t>(value_end - value + n) + kFieldMarkBytes;
  const std::string_view name = is_short ? std::string_view(lower, n) : std::string_view(p, n);
  const HeaderId id = is_short ? header_id(name) : HeaderId::Unknown;
  const std::string_view text(value, static_cast<size_t>(value_end - value));
  const bool is_taken =
      kind_ == Kind::Trailers ? take_trailer(id, name, text, into) : take_header(id, name, text, into);
  return is_taken ? stop + 2 : nullptr;
}

// ---------------------------------------------------------------- targets

bool H1HeadParser::take_target(std::string_view method, std::string_view target, HeaderMap& into) {
  into.add(HeaderId::Scheme, is_secure_ ? "https" : "http");
  if (facts_.is_connect) {
    target_ = Target::Authority;
    const auto authority = parse_authority(target);
    if (!authority || !authority->port || *authority->port == 0) return refuse(400, kInvalidUrl);
    into.add(HeaderId::Authority, target);
    return true;
  }
  if (target.front() == '/') {
    into.add(HeaderId::Authority, "");  // A place among the pseudo-headers; `host` fills it.
    into.add(HeaderId::Path, target);
    return true;
  }
  if (target == "*") {
    if (method != "OPTIONS") return refuse(400, kInvalidUrl);
    target_ = Target::Asterisk;
    into.add(HeaderId::Authority, "");
    into.add(HeaderId::Path, target);
    return true;
  }
  return take_absolute_target(method, target, into);
}

bool H1HeadParser::take_absolute_target(std::string_view method, std::string_view target, HeaderMap& into) {
  const bool is_http = has_prefix_any_case(target, "http://");
  if (!options_->allow_absolute_url || (!is_http && !has_prefix_any_case(target, "https://"))) {
    return refuse(400, kInvalidUrl);
  }
  target_ = Target::Absolute;
  into.set(HeaderId::Scheme, is_http ? "http" : "https");
  target.remove_prefix(is_http ? 7 : 8);
  const size_t authority_end = std::min(target.find_first_of("/?"), target.size());
  const std::string_view authority = target.substr(0, authority_end);
  const std::string_view path = target.substr(authority_end);
  if (!parse_authority(authority)) return refuse(400, kInvalidUrl);
  into.add(HeaderId::Authority, authority);
  if (path.empty()) {
    into.add(HeaderId::Path, method == "OPTIONS" ? "*" : "/");
  } else if (path.front() == '/') {
    into.add(HeaderId::Path, path);
  } else {
    into.add(HeaderId::Path, std::string("/").append(path));
  }
  return true;
}

}  // namespace weft::http
