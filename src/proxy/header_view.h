// Purpose: shows header maps and byte counts of streams to `observe`, which does not know the types.
// Thread:  the worker's.   Owner: the exchange.
#pragma once

#include "http/connection.h"
#include "http/message.h"
#include "observe/request_info.h"

namespace weft::proxy {

class HeaderView final : public observe::HeaderLookup {
 public:
  HeaderView() = default;
  explicit HeaderView(const http::HeaderMap* headers) : map(headers) {}
  std::optional<std::string_view> find(std::string_view name) const override {
    return map != nullptr ? map->find(name) : std::nullopt;
  }
  size_t bytes() const override { return map != nullptr ? map->bytes() : 0; }

  const http::HeaderMap* map = nullptr;  ///< null: there are none
};

/// A stream's bytes as log lines have them.
inline observe::WireBytes wire_bytes_of(const http::StreamBytes& of) {
  return {of.wire_sent,        of.wire_received,        of.headers_sent,
          of.headers_received, of.decoded_headers_sent, of.decoded_headers_received};
}

}  // namespace weft::proxy
