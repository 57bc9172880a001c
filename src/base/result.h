// Purpose: how an operating error travels: `Result<T>` is a value or an `Error`, and must be looked at.
// Thread:  any (values).
// Source:  tl::expected underneath (std::expected is C++23); the side and retry hints follow Pingora.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace weft::base {

/// What went wrong, coarse enough to switch on.
enum class ErrorCode : uint8_t {
  Internal,
  InvalidArgument,  ///< configuration or caller gave a value that breaks a rule
  NotFound,
  Io,               ///< the operating system refused; the message has errno's text
  ConnectFailed,    ///< no connection came to be (refused, unreachable, no port left)
  ConnectionReset,  ///< the peer aborted an established connection
  EndOfStream,      ///< the peer closed in an orderly way, where more was due
  Protocol,         ///< the peer broke the protocol
  LimitExceeded,    ///< a bound of base/limits.h or of the configuration was reached
  Tls,              ///< handshake or certificate verification failed
  Timeout,
  Unavailable,
  Cancelled,
};

/// Whose fault it is, seen from the proxy.
enum class Side : uint8_t { Local, Downstream, Upstream };

/// An operating error. Messages speak to a person and name place, value and rule.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  Side side = Side::Local;
  bool is_retryable = false;  ///< whether the same work tried again may succeed
  std::string message;

  Error() = default;
  Error(ErrorCode c, std::string text, Side s = Side::Local, bool retryable = false)
      : code(c), side(s), is_retryable(retryable), message(std::move(text)) {}
};

/// The stable, lower-case name of a code ("connection_reset").
std::string_view to_string(ErrorCode code);

/// A value or an Error. `[[nodiscard]]`: an ignored error is a compile error.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

using Status = Result<void>;

}  // namespace weft::base
