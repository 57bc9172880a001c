// Purpose: shows a header map to `observe`, which does not know the type.
// Thread:  the worker's.   Owner: the exchange.
#pragma once

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

}  // namespace weft::proxy
