// Purpose: parses the start line and header lines of an HTTP/1 message, or its trailer lines, fed in any pieces, and
//          decides the message's framing. Does no I/O.
// Thread:  one worker.   Owner: H1Parser.
// Source:  RFC 9110, RFC 9112; where those leave a choice, the stricter one, because every leniency that two
//          programs exercise differently is a way to smuggle a request.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/connection.h"
#include "http/message.h"

namespace weft::http {

/// Why a message was refused: the status to answer with (upstream: the exchange answers 502) and Envoy's word.
struct H1Error {
  uint16_t status = 0;
  std::string_view detail;
};

/// How the end of a body is found, or what follows a head instead of one.
enum class H1Framing : uint8_t {
  None,    ///< no body: the message ends with its head
  Length,  ///< content-length bytes
  Chunked,
  UntilClose,  ///< responses only
  Tunnel,      ///< requests: nothing until 101 or 2xx, then bytes; responses: bytes until close
};

/// What a response parser must know of the request. A response's framing depends on it.
struct H1RequestContext {
  bool is_head = false;
  bool is_connect = false;
  bool is_upgrade = false;
};

/// What the head says about the message as a whole. Valid once the parser is done.
struct H1Facts {
  Version version = Version::Http11;
  uint16_t status = 0;  ///< responses
  H1Framing framing = H1Framing::None;
  uint64_t content_length = 0;  ///< with H1Framing::Length
  bool keeps_alive = true;      ///< what `connection` and the version say of the connection's life
  bool is_head = false;
  bool is_connect = false;
  bool is_upgrade = false;  ///< requests: a validated upgrade; responses: 101
};

/// Parses one head at a time into a HeaderMap. Lines are parsed as they come complete; a line in pieces waits in one
/// pool block. Connection-level fields never reach the map: they become H1Facts, and what `connection` names is
/// removed. Errors: `error()` after Failed; the parser must be restarted.   Cost: O(bytes), no allocation but the map's
/// block.
class H1HeadParser {
 public:
  enum class Kind : uint8_t { Request, Response, Trailers };
  enum class Progress : uint8_t { NeedMore, Done, Failed };

  H1HeadParser(Kind kind, const H1Options& options, bool is_secure, CodecCounters& counters)
      : options_(&options), counters_(&counters), kind_(kind), is_secure_(is_secure) {}
  ~H1HeadParser() { drop_partial(); }
  H1HeadParser(const H1HeadParser&) = delete;
  H1HeadParser& operator=(const H1HeadParser&) = delete;

  void restart(Kind kind);
  void set_context(const H1RequestContext& context) { context_ = context; }
  const H1RequestContext& context() const { return context_; }
  /// Takes bytes from the front of `bytes`, up to the end of the head.
  Progress feed(std::string_view& bytes, HeaderMap& into);

  /// Whether any byte of this head was seen (empty lines in front of it do not count).
  bool has_begun() const { return partial_ != nullptr || has_start_line_; }
  /// Whether the head's last line was read and none of its lines announced a body or tunnel.
  bool ended_without_body() const {
    return is_done_ && !seen_.content_length && !seen_.transfer_encoding && !seen_.upgrade && !facts_.is_connect;
  }
  const H1Facts& facts() const { return facts_; }
  /// Names, values and three bytes a line, of the head and its trailers so far: what Envoy counts.
  uint32_t field_bytes() const { return field_bytes_; }
  const H1Error& error() const { return error_; }

 private:
  /// Shorter names are lower-cased on the stack and looked up; longer ones are never known.
  static constexpr size_t kShortNameBytes = 64;
  enum class Target : uint8_t { Origin, Absolute, Authority, Asterisk };
  /// What header lines said, weighed when the head is complete.
  struct Seen {
    bool host : 1 = false;
    bool content_length : 1 = false;
    bool transfer_encoding : 1 = false;
    bool close : 1 = false;
    bool keep_alive : 1 = false;
    bool upgrade : 1 = false;
    bool nominations : 1 = false;
  };

  Progress parse_lines(std::string_view& bytes, HeaderMap& into);
  Progress feed_partial(std::string_view& bytes, HeaderMap& into);
  bool stash(std::string_view bytes, base::BlockPool& pool);
  void drop_partial();
  // Each returns the place behind the line; nullptr when it is incomplete, or refused (is_failed_).
  const char* line(const char* p, const char* end, HeaderMap& into);
  const char* request_line(const char* p, const char* end, HeaderMap& into);
  const char* status_line(const char* p, const char* end);
  const char* header_line(const char* p, const char* end, HeaderMap& into);
  const char* plain_lines(const char* p, const char* end, HeaderMap& into);
  const char* version_and_end(const char* p, const char* end);
  const char* empty_line(const char* p, const char* end, HeaderMap& into);

  bool take_target(std::string_view method, std::string_view target, HeaderMap& into);
  bool take_absolute_target(std::string_view method, std::string_view target, HeaderMap& into);
  bool take_header(HeaderId id, std::string_view name, std::string_view value, HeaderMap& into);
  bool take_trailer(HeaderId id, std::string_view name, std::string_view value, HeaderMap& into);
  bool take_host(std::string_view value, HeaderMap& into);
  bool take_content_length(std::string_view value, HeaderMap& into);
  bool take_transfer_encoding(std::string_view value);
  bool take_connection(std::string_view value, HeaderMap& into);
  bool take_te(std::string_view value, HeaderMap& into);
  bool is_dropped_for_underscore(std::string_view name);

  bool finish(HeaderMap& into);
  bool finish_request(HeaderMap& into);
  bool finish_response(HeaderMap& into);
  bool require_host(HeaderMap& into);
  bool settle_framing(HeaderMap& into);
  void settle_upgrade(HeaderMap& into);
  void remove_nominated(HeaderMap& into);

  const char* fail(uint16_t status, std::string_view detail);
  bool refuse(uint16_t status, std::string_view detail) { return fail(status, detail) != nullptr; }

  const H1Options* options_;
  CodecCounters* counters_;
  base::Block* partial_ = nullptr;
  uint32_t partial_size_ = 0;
  uint32_t head_bytes_ = 0;
  uint32_t lines_ = 0;
  uint32_t field_bytes_ = 0;
  H1Facts facts_;
  H1Error error_;
  H1RequestContext context_;
  Kind kind_;
  Target target_ = Target::Origin;
  Seen seen_;
  uint8_t empty_lines_ = 0;
  bool is_secure_;
  bool has_start_line_ = false;
  bool is_done_ = false;
  bool is_failed_ = false;
};

}  // namespace weft::http
