#include "http/h2_headers.h"

#include <algorithm>
#include <cstdint>

namespace weft::http {
namespace {

bool is_pseudo(HeaderId id) { return id >= HeaderId::Authority && id <= HeaderId::Status; }

// A static name is not copied by nghttp2; a value always is.
void push(H2Lines& lines, std::string_view name, std::string_view value, bool is_name_static) {
  nghttp2_nv line;
  line.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
  line.value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
  line.namelen = name.size();
  line.valuelen = value.size();
  line.flags = is_name_static ? NGHTTP2_NV_FLAG_NO_COPY_NAME : NGHTTP2_NV_FLAG_NONE;
  lines.push_back(line);
}

void push(H2Lines& lines, HeaderId id, std::string_view value) { push(lines, header_name(id), value, true); }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// Whether a comma-separated list holds `word`, parameters aside.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = list.substr(0, comma);
    if (equals_ignoring_case(trim(item.substr(0, item.find(';'))), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// RFC 9113 §8.2.2: these have no meaning in HTTP/2, and a peer calls a message that has them malformed.
bool is_connection_level(HeaderId id) {
  switch (id) {
    case HeaderId::Connection:
    case HeaderId::KeepAlive:
    case HeaderId::ProxyConnection:
    case HeaderId::TransferEncoding:
    case HeaderId::Upgrade:
    case HeaderId::Http2Settings: return true;
    default: return false;
  }
}

enum class Section : uint8_t { Head, Trailers };

// Fields that frame or route a message mean nothing once its head is gone (RFC 9110 §6.5.1).
bool is_refused_in(Section section, HeaderId id) {
  return section == Section::Trailers &&
         (id == HeaderId::ContentLength || id == HeaderId::Te || id == HeaderId::Trailer);
}

void push_regular(H2Lines& lines, const HeaderMap& from, Section section) {
  const bool has_connection = from.has(HeaderId::Connection);
  const std::string_view nominated = has_connection ? from.get(HeaderId::Connection) : std::string_view();
  from.for_each([&](const Header& header) {
    if (is_pseudo(header.id) || is_connection_level(header.id) || header.id == HeaderId::Host) return;
    if (is_refused_in(section, header.id)) return;
    if (header.id == HeaderId::Te) {
      if (lists(header.value, "trailers")) push(lines, HeaderId::Te, "trailers");
      return;
    }
    if (has_connection && lists(nominated, header.name)) return;
    push(lines, header.name, header.value, header.id != HeaderId::Unknown);
  });
}

}  // namespace

void append_request_lines(H2Lines& lines, const RequestHead& head) {
  std::string_view authority = head.authority();
  if (authority.empty()) authority = head.get(HeaderId::Host);
  const bool is_h1_upgrade = head.is_upgrade() && !head.has(HeaderId::Protocol);
  push(lines, HeaderId::Method, is_h1_upgrade ? std::string_view("CONNECT") : head.method());
  if (is_h1_upgrade) push(lines, HeaderId::Protocol, head.get(HeaderId::Upgrade));
  if (head.has(HeaderId::Protocol)) push(lines, HeaderId::Protocol, head.protocol());
  if (!head.is_connect()) {
    push(lines, HeaderId::Scheme, head.has(HeaderId::Scheme) ? head.scheme() : std::string_view("http"));
    push(lines, HeaderId::Path, head.path());
  }
  if (!authority.empty()) push(lines, HeaderId::Authority, authority);
  push_regular(lines, head, Section::Head);
}

void append_response_lines(H2Lines& lines, const ResponseHead& head, std::string_view status_text) {
  push(lines, HeaderId::Status, status_text);
  push_regular(lines, head, Section::Head);
}

void append_trailer_lines(H2Lines& lines, const HeaderMap& trailers) {
  push_regular(lines, trailers, Section::Trailers);
}

bool has_plain_length(const HeaderMap& head) {
  const std::string_view length = head.get(HeaderId::ContentLength);
  return length.size() < 2 || length.front() != '0';
}

size_t bytes_of(const H2Lines& lines) {
  size_t bytes = 0;
  for (const nghttp2_nv& line : lines) bytes += line.namelen + line.valuelen;
  return bytes;
}

void H2BlockReader::begin(HeaderMap& into) {
  into_ = &into;
  cookie_.clear();
  bytes_ = count_ = 0;
  has_overflown_ = false;
}

// Most names of a request are entries of the static table: one comparison instead of a hash.
HeaderId H2BlockReader::id_of_static(std::string_view name) {
  const auto address = reinterpret_cast<uintptr_t>(name.data());
  KnownName& known = known_names_[(address ^ address >> 6) % known_names_.size()];
  if (known.address != name.data()) known = {name.data(), header_id(name)};
  return known.id;
}

H2BlockReader::Verdict H2BlockReader::add(std::string_view name, std::string_view value, bool is_name_static) {
  bytes_ += name.size() + value.size();
  ++count_;
  if (bytes_ > 2 * options_.head_bytes_max || count_ > 2 * options_.headers_count_max) return Verdict::Flood;
  // Pseudo-headers are not header lines to a user who counts them, but their bytes are bytes.
  if (name.starts_with(':')) --count_;
  if (bytes_ > options_.head_bytes_max || count_ > options_.headers_count_max) {
    has_overflown_ = true;
    return Verdict::Overflow;
  }
  if (options_.underscores != H1Options::Underscores::Allow && name.find('_') != std::string_view::npos) {
    if (options_.underscores == H1Options::Underscores::Reject) {
      ++counters_.requests_rejected_with_underscores_in_headers;
      return Verdict::Underscore;
    }
    ++counters_.dropped_headers_with_underscores;
    return Verdict::Ok;
  }
  const HeaderId id = is_name_static ? id_of_static(name) : header_id(name);
  if (id == HeaderId::Cookie) {
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
    return Verdict::Ok;
  }
  into_->add(id, name, value);
  return Verdict::Ok;
}

void H2BlockReader::finish(bool is_request) {
  if (!cookie_.empty()) into_->add(HeaderId::Cookie, cookie_);
  if (!is_request || !into_->has(HeaderId::Host)) return;
  if (into_->has(HeaderId::Authority)) {
    into_->remove(HeaderId::Host);
    return;
  }
  // Pseudo-headers come first, so the map is built again around the new one.
  HeaderMap rebuilt(into_->pool());
  rebuilt.add(HeaderId::Authority, into_->get(HeaderId::Host));
  into_->for_each([&](const Header& header) {
    if (header.id != HeaderId::Host) rebuilt.add(header.id, header.name, header.value);
  });
  *into_ = std::move(rebuilt);
}

}  // namespace weft::http
