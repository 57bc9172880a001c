// Purpose: x-request-id: random UUIDs (version 4) whose 15th character also says whether the request is traced.
// Thread:  any (pure; randomness is passed in).
// Source:  Envoy's UUIDRequestIDExtension; RFC 9562 §5.4.
#pragma once

#include <array>
#include <string_view>

#include "base/random.h"
#include "http/message.h"
#include "proxy/listener_config.h"

namespace weft::proxy {

/// "8ffffa8b-…": lower case, version 4 ('4' at index 14 means "not traced" to Envoy). No allocation: every request has
/// one.
struct RequestId {
  std::array<char, 36> text;
  std::string_view view() const { return {text.data(), text.size()}; }
};
RequestId make_request_id(base::Random& random);

/// Sets x-request-id as the connection manager is configured: made where there is none; at the edge an existing one is
/// replaced, or with preserve_external_request_id kept and marked "not traced".
void set_request_id(http::RequestHead& head, const HcmConfig& config, bool is_edge, base::Random& random);

}  // namespace weft::proxy
