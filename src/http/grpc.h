// Purpose: what a proxy must know of gRPC: message framing, timeouts, status codes and their HTTP counterparts.
// Thread:  any (pure functions); GrpcMessageReader belongs to one call.
// Source:  gRPC over HTTP/2 (PROTOCOL-HTTP2.md), http-grpc-status-mapping.md; Envoy where the two leave a choice.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/slice.h"
#include "base/time.h"
#include "http/message.h"

namespace weft::http {

enum class GrpcStatus : uint8_t {
  Ok,
  Canceled,
  Unknown,
  InvalidArgument,
  DeadlineExceeded,
  NotFound,
  AlreadyExists,
  PermissionDenied,
  ResourceExhausted,
  FailedPrecondition,
  Aborted,
  OutOfRange,
  Unimplemented,
  Internal,
  Unavailable,
  DataLoss,
  Unauthenticated,
};

/// Envoy's spelling ("DeadlineExceeded"), as access logs print it.
std::string_view to_string(GrpcStatus status);
/// The word of retry policies and of gRPC itself ("DEADLINE_EXCEEDED").
std::string_view upper_case_name(GrpcStatus status);
/// The value of `grpc-status`. nullopt: not a number of a known status.
std::optional<GrpcStatus> parse_grpc_status(std::string_view value);
/// The decimal number, as `grpc-status` carries it. Static text.
std::string_view to_number(GrpcStatus status);

GrpcStatus grpc_status_of_http(uint16_t http_status);
uint16_t http_status_of_grpc(GrpcStatus status);

/// application/grpc, application/grpc+proto, application/grpc;…; not application/grpc-web.
bool is_grpc_content_type(std::string_view content_type);
inline bool is_grpc(const HeaderMap& head) { return is_grpc_content_type(head.get(HeaderId::ContentType)); }

/// The value of `grpc-timeout`: 1 to 8 digits and a unit. Values above `at_most` become that (99999999H overflows).
/// nullopt: malformed, which is treated as absent.
std::optional<base::Duration> parse_grpc_timeout(std::string_view value,
                                                 base::Duration at_most = base::Duration::max());

/// The text of a `grpc-timeout`, in the finest unit from milliseconds up that fits eight digits; microseconds below
/// one millisecond. Rounded down, so that a deadline never grows on its way; negative durations are 0.
struct GrpcTimeoutText {
  std::array<char, 10> text;
  uint8_t size;
  std::string_view view() const { return {text.data(), size}; }
};
GrpcTimeoutText format_grpc_timeout(base::Duration timeout);

/// Percent-encodes a `grpc-message`; decoding leaves invalid escapes as they are.
std::string encode_grpc_message(std::string_view message);
std::string decode_grpc_message(std::string_view value);

/// Bytes in front of each message: a flag and the length, big endian.
inline constexpr size_t kGrpcFrameHeaderBytes = 5;
struct GrpcFrameHeader {
  bool is_compressed = false;
  uint32_t message_bytes = 0;
};
void write_grpc_frame_header(const GrpcFrameHeader& header, char (&out)[kGrpcFrameHeaderBytes]);
/// One message with its frame header, ready to be sent.
base::Chain frame_grpc_message(base::BlockPool& pool, std::string_view message);

/// Cuts a stream of slices into messages. Allocates nothing by a length that was only claimed.
class GrpcMessageReader {
 public:
  enum class Event : uint8_t {
    NeedMore,
    Message,   ///< `take_message()`
    TooLarge,  ///< above the limit; the call must end (RESOURCE_EXHAUSTED)
    Invalid,   ///< a flag other than 0 and 1
  };
  explicit GrpcMessageReader(size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  /// Takes bytes from the front of `in`.
  Event next(base::Slice& in);
  base::Chain take_message() { return std::move(message_); }
  bool is_compressed() const { return header_.is_compressed; }
  /// Whether the stream may end here.
  bool is_between_messages() const { return header_bytes_ == 0; }

 private:
  size_t message_bytes_max_;
  char raw_header_[kGrpcFrameHeaderBytes];
  uint8_t header_bytes_ = 0;
  GrpcFrameHeader header_;
  base::Chain message_;
};

}  // namespace weft::http
