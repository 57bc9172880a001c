#include "http/h1_serializer.h"

#include <array>
#include <cstring>
#include <utility>

#include "http/h1_characters.h"

namespace weft::http {
namespace {

// Chunks up to this size are copied behind their size line: one slice instead of three.
constexpr size_t kCopiedChunkBytesMax = 1024;
constexpr size_t kChunkSizeLineBytesMax = 18;  // 16 digits, CR, LF

// Never copied from a message: pseudo-headers, and what concerns one connection only.
constexpr std::array<bool, kHeaderIdCount> kNotCopied = [] {
  std::array<bool, kHeaderIdCount> skip{};
  for (HeaderId id : {HeaderId::Authority, HeaderId::Method, HeaderId::Path, HeaderId::Protocol, HeaderId::Scheme,
                      HeaderId::Status, HeaderId::Connection, HeaderId::TransferEncoding, HeaderId::KeepAlive,
                      HeaderId::ProxyConnection, HeaderId::Upgrade, HeaderId::Http2Settings, HeaderId::ContentLength}) {
    skip[static_cast<size_t>(id)] = true;
  }
  return skip;
}();

// Fills one block whose size was computed beforehand.
class Writer {
 public:
  Writer(base::BlockPool& pool, size_t bytes_max) : block_(pool.allocate(bytes_max)), p_(block_->data()) {}
  ~Writer() { WEFT_ASSERT(block_ == nullptr); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void put(std::string_view text) {
    copy_short(p_, text.data(), text.size());
    p_ += text.size();
  }
  /// Without its terminator. The size is known where it is called: one or two stores.
  template <size_t kSize>
  void put_literal(const char (&text)[kSize]) {
    std::memcpy(p_, text, kSize - 1);
    p_ += kSize - 1;
  }
  void put_name(std::string_view name, bool is_proper_case) {
    if (!is_proper_case) return put(name);
    bool at_start = true;
    for (char c : name) {
      *p_++ = at_start && c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
      at_start = !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    }
  }
  void put_line(std::string_view name, std::string_view value, bool is_proper_case) {
    put_name(name, is_proper_case);
    put_literal(": ");
    put(value);
    put_literal("\r\n");
  }
  void put_hex(uint64_t n) {
    char digits[16];
    size_t i = sizeof(digits);
    do {
      digits[--i] = "0123456789abcdef"[n & 15];
      n >>= 4;
    } while (n != 0);
    put({digits + i, sizeof(digits) - i});
  }
  base::Slice finish() {
    base::Block* const block = std::exchange(block_, nullptr);
    WEFT_ASSERT(p_ <= block->data() + block->capacity);
    return base::Slice::adopt(block, 0, static_cast<size_t>(p_ - block->data()));
  }

 private:
  base::Block* block_;
  char* p_;
};

// Room for the start line's fixed parts and for all lines that are added to a message's own.
constexpr size_t kFixedBytes = 256;

size_t head_bytes_max(const HeaderMap& head) {
  constexpr size_t kPerLine = 4;  // ": " and CR LF
  return head.bytes() + head.size() * kPerLine + kFixedBytes;
}

void put_fields(Writer& out, const HeaderMap& head, const H1HeadFormat& format) {
  const bool proper = format.is_proper_case;
  head.for_each([&](const Header& header) {
    if (!kNotCopied[static_cast<size_t>(header.id)]) out.put_line(header.name, header.value, proper);
  });
  switch (format.coding) {
    case H1BodyCoding::None:
    case H1BodyCoding::Length:
      if (const auto length = head.find(HeaderId::ContentLength)) out.put_line("content-length", *length, proper);
      break;
    case H1BodyCoding::EmptyBody: out.put_line("content-length", "0", proper); break;
    case H1BodyCoding::Chunked: out.put_line("transfer-encoding", "chunked", proper); break;
    case H1BodyCoding::UntilClose:
    case H1BodyCoding::Tunnel: break;
  }
}

void put_connection(Writer& out, H1ConnectionOption option, std::string_view protocol, bool proper) {
  switch (option) {
    case H1ConnectionOption::None: break;
    case H1ConnectionOption::Close: out.put_line("connection", "close", proper); break;
    case H1ConnectionOption::KeepAlive: out.put_line("connection", "keep-alive", proper); break;
    case H1ConnectionOption::Upgrade:
    case H1ConnectionOption::UpgradeAndClose:
      out.put_line("connection", option == H1ConnectionOption::Upgrade ? "upgrade" : "upgrade, close", proper);
      out.put_line("upgrade", protocol, proper);
      break;
  }
}

}  // namespace

base::Slice serialize_response_head(base::BlockPool& pool, const ResponseHead& head, const H1HeadFormat& format) {
  Writer out(pool, head_bytes_max(head));
  out.put(format.version == Version::Http10 ? "HTTP/1.0 " : "HTTP/1.1 ");
  const char digits[4] = {static_cast<char>('0' + head.status / 100 % 10),
                          static_cast<char>('0' + head.status / 10 % 10), static_cast<char>('0' + head.status % 10),
                          ' '};
  out.put({digits, sizeof(digits)});
  out.put(reason_phrase(head.status));
  out.put_literal("\r\n");
  put_fields(out, head, format);
  put_connection(out, format.connection, head.get(HeaderId::Upgrade), format.is_proper_case);
  out.put_literal("\r\n");
  return out.finish();
}

base::Slice serialize_request_head(base::BlockPool& pool, const RequestHead& head, const H1HeadFormat& format) {
  const std::string_view authority = head.authority();
  Writer out(pool, head_bytes_max(head) + authority.size() + format.websocket_key.size());
  const bool is_extended_connect = head.has(HeaderId::Protocol);
  out.put(is_extended_connect ? "GET" : head.method());
  out.put_literal(" ");
  if (head.is_connect()) {
    out.put(authority);
  } else {
    if (format.is_fully_qualified && head.path() != "*") {
      out.put(head.scheme());
      out.put_literal("://");
      out.put(authority);
    }
    out.put(head.path());
  }
  out.put_literal(" HTTP/1.1\r\n");
  out.put_line("host", authority, format.is_proper_case);
  put_fields(out, head, format);
  put_connection(out, format.connection, is_extended_connect ? head.protocol() : head.get(HeaderId::Upgrade),
                 format.is_proper_case);
  if (!format.websocket_key.empty()) out.put_line("sec-websocket-key", format.websocket_key, format.is_proper_case);
  out.put_literal("\r\n");
  return out.finish();
}

base::Slice serialize_trailers(base::BlockPool& pool, const HeaderMap& trailers, bool is_proper_case) {
  if (trailers.size() == 0) return last_chunk();
  Writer out(pool, head_bytes_max(trailers));
  out.put_literal("0\r\n");
  trailers.for_each([&](const Header& header) {
    if (!kNotCopied[static_cast<size_t>(header.id)]) out.put_line(header.name, header.value, is_proper_case);
  });
  out.put_literal("\r\n");
  return out.finish();
}

size_t field_bytes(std::string_view serialized_head) {
  const size_t start_line = serialized_head.find('\n') + 1;
  return serialized_head.size() - start_line - 2;
}

base::Chain serialize_chunk(base::BlockPool& pool, base::Chain data) {
  base::Chain chunk;
  const size_t size = data.size();
  if (size == 0) return chunk;
  const bool is_copied = size <= kCopiedChunkBytesMax;
  Writer out(pool, kChunkSizeLineBytesMax + 2 + (is_copied ? size : 0));
  out.put_hex(size);
  out.put_literal("\r\n");
  if (!is_copied) {
    chunk.append(out.finish());
    chunk.append(std::move(data));
    chunk.append(base::Slice::of_static("\r\n"));
    return chunk;
  }
  for (size_t i = 0; i < data.slice_count(); ++i) out.put(data.slice(i).view());
  out.put_literal("\r\n");
  chunk.append(out.finish());
  return chunk;
}

std::optional<uint64_t> declared_length(const HeaderMap& head) {
  constexpr size_t kDigitsMax = 18;  // all of them fit 64 bits
  const auto value = head.find(HeaderId::ContentLength);
  if (!value || value->empty() || value->size() > kDigitsMax) return std::nullopt;
  uint64_t length = 0;
  for (char c : *value) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return length;
}

base::Slice last_chunk() { return base::Slice::of_static("0\r\n\r\n"); }

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Entity";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 510: return "Not Extended";
    case 511: return "Network Authentication Required";
    default: return "";
  }
}

}  // namespace weft::http
