#include "base/result.h"

namespace weft::base {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::Internal: return "internal";
    case ErrorCode::InvalidArgument: return "invalid_argument";
    case ErrorCode::NotFound: return "not_found";
    case ErrorCode::Io: return "io";
    case ErrorCode::ConnectFailed: return "connect_failed";
    case ErrorCode::ConnectionReset: return "connection_reset";
    case ErrorCode::EndOfStream: return "end_of_stream";
    case ErrorCode::Protocol: return "protocol";
    case ErrorCode::LimitExceeded: return "limit_exceeded";
    case ErrorCode::Tls: return "tls";
    case ErrorCode::Timeout: return "timeout";
    case ErrorCode::Unavailable: return "unavailable";
    case ErrorCode::Cancelled: return "cancelled";
  }
  return "unknown";
}

}  // namespace weft::base
