// Purpose: writes HTTP/1 heads and chunk framing from the model, each head into one pool block.
// Thread:  one worker (pure functions of their arguments).   Owner: the returned slice owns its block.
// Source:  RFC 9112. What belongs to a connection is computed here, never copied from the message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/connection.h"
#include "http/message.h"

namespace weft::http {

/// How the body that follows a head is framed.
enum class H1BodyCoding : uint8_t {
  None,       ///< no body and nothing said about one (also: a content-length that the message has is kept)
  EmptyBody,  ///< content-length: 0
  Length,     ///< the message's content-length is kept
  Chunked,
  UntilClose,
  Tunnel,
};

/// What the connection itself has to say in a head.
enum class H1ConnectionOption : uint8_t { None, Close, KeepAlive, Upgrade, UpgradeAndClose };

struct H1HeadFormat {
  H1BodyCoding coding = H1BodyCoding::None;
  H1ConnectionOption connection = H1ConnectionOption::None;
  Version version = Version::Http11;  ///< of the status line
  bool is_proper_case = false;        ///< "Content-Type" for "content-type"
  bool is_fully_qualified = false;    ///< requests: absolute-form target
  std::string_view websocket_key;     ///< requests: added as sec-websocket-key when not empty
};

/// A status line and headers. `head.status` must be 100..999.
base::Slice serialize_response_head(base::BlockPool& pool, const ResponseHead& head, const H1HeadFormat& format);
/// A request line and headers. `:authority` becomes `host`; an extended CONNECT becomes a GET with `upgrade`.
base::Slice serialize_request_head(base::BlockPool& pool, const RequestHead& head, const H1HeadFormat& format);
/// The last chunk and its trailers.
base::Slice serialize_trailers(base::BlockPool& pool, const HeaderMap& trailers, bool is_proper_case);
/// Of a head's bytes those of its fields: without start line and empty line.
size_t field_bytes(std::string_view serialized_head);
/// `data` as one chunk; small data are copied into the framing's block. Empty data give an empty chain.
base::Chain serialize_chunk(base::BlockPool& pool, base::Chain data);
/// The last chunk without trailers.
base::Slice last_chunk();

/// The value of the message's content-length; nullopt when it has none, or one that is no number.
std::optional<uint64_t> declared_length(const HeaderMap& head);

/// The registered phrase of a status ("Not Found"); "" for others.
std::string_view reason_phrase(uint16_t status);

}  // namespace weft::http
