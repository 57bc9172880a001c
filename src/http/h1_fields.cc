// The part of H1HeadParser that gives header lines their meaning: hosts, framing, what belongs to the connection.
#include <algorithm>
#include <utility>

#include "http/authority.h"
#include "http/h1_characters.h"
#include "http/h1_head.h"

namespace weft::http {
namespace {

constexpr std::string_view kCodecError = "http1.codec_error";
constexpr std::string_view kInvalidTransferEncoding = "http1.invalid_transfer_encoding";
constexpr std::string_view kConnectionRejected = "http1.connection_header_rejected";

bool equals_any_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
         });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

// Calls `visit` with each element of a comma-separated list, empty ones included, until it returns false.
template <typename Visit>
bool for_each_element(std::string_view list, Visit visit) {
  while (true) {
    const size_t comma = list.find(',');
    if (!visit(trim(list.substr(0, comma)))) return false;
    if (comma == list.npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool has_element(std::string_view list, std::string_view lower) {
  return !for_each_element(list, [&](std::string_view element) { return !equals_any_case(element, lower); });
}

// Removing one of these would change whom the message is for or where it ends.
bool may_be_nominated(std::string_view name) {
  for (std::string_view fixed :
       {"host", "content-length", "transfer-encoding", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}) {
    if (equals_any_case(name, fixed)) return false;
  }
  return true;
}

}  // namespace

bool H1HeadParser::take_header(HeaderId id, std::string_view name, std::string_view value, HeaderMap& into) {
  switch (id) {
    case HeaderId::Unknown:
      if (options_->underscores != H1Options::Underscores::Allow && is_dropped_for_underscore(name)) return !is_failed_;
      if (name.size() < kShortNameBytes) into.add(HeaderId::Unknown, name, value);
      else into.add(name, value);  // Too long to have been lower-cased yet.
      return true;
    case HeaderId::Host:
      if (kind_ == Kind::Request) return take_host(value, into);
      break;
    case HeaderId::ContentLength: return take_content_length(value, into);
    case HeaderId::TransferEncoding: return take_transfer_encoding(value);
    case HeaderId::Connection: return take_connection(value, into);
    case HeaderId::Te: return take_te(value, into);
    case HeaderId::KeepAlive:
    case HeaderId::ProxyConnection:
    case HeaderId::Http2Settings: return true;  // The connection's own; never goes on.
    default: break;
  }
  into.add(id, value);
  return true;
}

// RFC 9110 §6.5.1: what frames, routes or authenticates a message counts only in its head.
bool H1HeadParser::take_trailer(HeaderId id, std::string_view name, std::string_view value, HeaderMap& into) {
  switch (id) {
    case HeaderId::Host:
    case HeaderId::ContentLength:
    case HeaderId::TransferEncoding:
    case HeaderId::Connection:
    case HeaderId::KeepAlive:
    case HeaderId::ProxyConnection:
    case HeaderId::Http2Settings:
    case HeaderId::Upgrade:
    case HeaderId::Te:
    case HeaderId::Trailer:
    case HeaderId::Authorization: return true;
    default: break;
  }
  if (options_->underscores != H1Options::Underscores::Allow && is_dropped_for_underscore(name)) return !is_failed_;
  if (options_->enable_trailers) into.add(name, value);
  return true;
}

bool H1HeadParser::is_dropped_for_underscore(std::string_view name) {
  if (name.find('_') == name.npos) return false;
  if (options_->underscores == H1Options::Underscores::Drop) {
    ++counters_->dropped_headers_with_underscores;
  } else {
    ++counters_->requests_rejected_with_underscores_in_headers;
    fail(400, "http1.unexpected_underscore");
  }
  return true;
}

bool H1HeadParser::take_host(std::string_view value, HeaderMap& into) {
  if (seen_.host) return refuse(400, kCodecError);
  if (!parse_authority(value)) return refuse(400, "http.invalid_authority");
  seen_.host = true;
  // RFC 9112 §3.2.2: the authority of an absolute target replaces `host`. For CONNECT likewise.
  if (target_ == Target::Origin || target_ == Target::Asterisk) into.set(HeaderId::Authority, value);
  return true;
}

bool H1HeadParser::take_content_length(std::string_view value, HeaderMap& into) {
  constexpr size_t kDigitsMax = 19;  // 2^63 has nineteen.
  if (seen_.content_length || value.empty() || value.size() > kDigitsMax) return refuse(400, kCodecError);
  if (value.front() == '0' && value.size() > 1) return refuse(400, kCodecError);
  uint64_t length = 0;
  for (char c : value) {
    if (c < '0' || c > '9') return refuse(400, kCodecError);
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  if (length > INT64_MAX) return refuse(400, kCodecError);
  seen_.content_length = true;
  facts_.content_length = length;
  into.add(HeaderId::ContentLength, value);
  return true;
}

// One line that says `chunked` and nothing else. Other codings are unknown (501); a `chunked` that is not alone and
// last, a second line and bytes that are no token are malformed (400).
bool H1HeadParser::take_transfer_encoding(std::string_view value) {
  if (seen_.transfer_encoding) return refuse(400, kInvalidTransferEncoding);
  seen_.transfer_encoding = true;
  if (equals_any_case(value, "chunked")) return true;
  bool is_chunked = false;
  const bool is_well_formed = for_each_element(value, [&](std::string_view coding) {
    if (!is_token(coding) || is_chunked) return false;
    is_chunked = equals_any_case(coding, "chunked");
    return true;
  });
  return refuse(is_well_formed ? 501 : 400, kInvalidTransferEncoding);
}

bool H1HeadParser::take_connection(std::string_view value, HeaderMap& into) {
  if (value == "keep-alive") {
    seen_.keep_alive = true;
    return true;
  }
  bool names_headers = false;
  const bool is_well_formed = for_each_element(value, [&](std::string_view option) {
    if (option.empty()) return true;
    if (!is_token(option)) return false;
    if (equals_any_case(option, "close")) seen_.close = true;
    else if (equals_any_case(option, "keep-alive")) seen_.keep_alive = true;
    else if (equals_any_case(option, "upgrade")) seen_.upgrade = true;
    else if (may_be_nominated(option)) names_headers = true;
    else return kind_ == Kind::Response;  // An upstream's mistake is ignored, a client's is an attempt.
    return true;
  });
  if (!is_well_formed) return refuse(400, kConnectionRejected);
  // Kept until the head is complete: the headers it names may come before it or after.
  if (names_headers) {
    seen_.nominations = true;
    into.add(HeaderId::Connection, value);
  }
  return true;
}

bool H1HeadParser::take_te(std::string_view value, HeaderMap& into) {
  if (has_element(value, "trailers") && !into.has(HeaderId::Te)) into.add(HeaderId::Te, "trailers");
  return true;
}

// ---------------------------------------------------------------- the whole head

bool H1HeadParser::finish(HeaderMap& into) {
  if (seen_.nominations) remove_nominated(into);
  return kind_ == Kind::Request ? finish_request(into) : finish_response(into);
}

void H1HeadParser::remove_nominated(HeaderMap& into) {
  while (into.has(HeaderId::Connection)) {
    const base::Slice list = base::Slice::copy_of(into.pool(), into.get(HeaderId::Connection));
    bool is_first = true;
    into.remove_if(
        [&](const Header& header) { return header.id == HeaderId::Connection && std::exchange(is_first, false); });
    for_each_element(list.view(), [&](std::string_view name) {
      const bool is_kept = name.empty() || equals_any_case(name, "te") || equals_any_case(name, "upgrade") ||
                           equals_any_case(name, "connection") || !may_be_nominated(name);
      if (!is_kept) into.remove(name);
      return true;
    });
  }
}

bool H1HeadParser::finish_request(HeaderMap& into) {
  if (facts_.version == Version::Http10 && !options_->accept_http_10) return refuse(426, "low_version");
  if (!require_host(into)) return false;
  if (!settle_framing(into)) return false;
  facts_.keeps_alive = facts_.version == Version::Http11 ? !seen_.close : seen_.keep_alive && !seen_.close;
  settle_upgrade(into);
  if (facts_.is_upgrade && equals_any_case(into.get(HeaderId::Upgrade), "websocket") &&
      !into.has(HeaderId::SecWebSocketKey)) {
    return refuse(400, "http1.websocket_key_missing");
  }
  if (facts_.is_connect) {
    // RFC 9110 §9.3.6: what follows the head of a CONNECT is the tunnel's, never a body.
    if (facts_.framing != H1Framing::None) return refuse(400, "http1.body_disallowed");
    into.remove(HeaderId::ContentLength);
    facts_.framing = H1Framing::Tunnel;
  }
  return true;
}

bool H1HeadParser::require_host(HeaderMap& into) {
  if (seen_.host || facts_.version == Version::Http10) {
    if (!into.get(HeaderId::Authority).empty()) return true;
    if (!options_->default_host_for_http_10.empty()) {
      into.set(HeaderId::Authority, options_->default_host_for_http_10);
      return true;
    }
  }
  return refuse(400, "missing_host_header");
}

// RFC 9112 §6.3, for requests.
bool H1HeadParser::settle_framing(HeaderMap& into) {
  if (seen_.transfer_encoding) {
    if (facts_.version == Version::Http10) return refuse(400, kInvalidTransferEncoding);
    if (seen_.content_length) {
      if (!options_->allow_chunked_length) return refuse(400, "http1.content_length_and_chunked_not_allowed");
      into.remove(HeaderId::ContentLength);
      seen_.close = true;  // RFC 9112 §6.1: whoever sent both is not trusted with another message.
    }
    facts_.framing = H1Framing::Chunked;
  } else if (seen_.content_length && facts_.content_length > 0) {
    facts_.framing = H1Framing::Length;
  }
  return true;
}

// An upgrade counts with `connection: upgrade`, in HTTP/1.1, and without a body; h2c never does.
void H1HeadParser::settle_upgrade(HeaderMap& into) {
  if (!into.has(HeaderId::Upgrade)) return;
  const std::string_view protocols = into.get(HeaderId::Upgrade);
  facts_.is_upgrade = seen_.upgrade && facts_.version == Version::Http11 && facts_.framing == H1Framing::None &&
                      !facts_.is_connect && is_token_character(protocols.empty() ? ' ' : protocols.front()) &&
                      into.count(HeaderId::Upgrade) == 1 && !has_element(protocols, "h2c");
  if (facts_.is_upgrade) {
    facts_.framing = H1Framing::Tunnel;
    into.remove(HeaderId::ContentLength);
  } else {
    into.remove(HeaderId::Upgrade);
  }
}

// RFC 9112 §6.3, for responses.
bool H1HeadParser::finish_response(HeaderMap& into) {
  const uint16_t status = facts_.status;
  const bool is_tunnel = context_.is_connect && status >= 200 && status < 300;
  facts_.keeps_alive = facts_.version == Version::Http11 ? !seen_.close : seen_.keep_alive && !seen_.close;
  facts_.is_upgrade = status == 101;
  if (status == 101) {
    if (!context_.is_upgrade || !into.has(HeaderId::Upgrade)) return refuse(502, "http1.unexpected_101");
    into.remove(HeaderId::ContentLength);
    facts_.framing = H1Framing::Tunnel;
    return true;
  }
  into.remove(HeaderId::Upgrade);
  if (is_tunnel) {
    into.remove(HeaderId::ContentLength);
    facts_.framing = H1Framing::Tunnel;
    return true;
  }
  if (status < 200 || status == 204) {
    into.remove(HeaderId::ContentLength);
    return true;
  }
  if (!settle_framing(into)) return false;
  if (seen_.close) facts_.keeps_alive = false;
  if (context_.is_head || status == 304) {
    facts_.framing = H1Framing::None;
  } else if (facts_.framing == H1Framing::None && !seen_.content_length) {
    facts_.framing = H1Framing::UntilClose;
    facts_.keeps_alive = false;
  }
  return true;
}

}  // namespace weft::http
