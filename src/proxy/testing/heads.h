// Purpose: heads for tests from lists of lines.
// Thread:  one.   Owner: the fixture's pool outlives the heads.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>
#include <utility>

#include "http/message.h"

namespace weft::proxy {

using Lines = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// A fixture with a pool that makes heads.
class WithHeads : public ::testing::Test {
 protected:
  http::RequestHead request(Lines lines) {
    http::RequestHead head(pool_);
    for (const auto& [name, value] : lines) head.add(name, value);
    return head;
  }
  /// GET http://`authority``path`, and further lines.
  http::RequestHead get(std::string_view authority, std::string_view path, Lines lines = {}) {
    http::RequestHead head =
        request({{":method", "GET"}, {":scheme", "http"}, {":authority", authority}, {":path", path}});
    for (const auto& [name, value] : lines) head.add(name, value);
    return head;
  }
  http::ResponseHead response(uint16_t status, Lines lines = {}) {
    http::ResponseHead head(pool_);
    head.status = status;
    for (const auto& [name, value] : lines) head.add(name, value);
    return head;
  }

  base::BlockPool pool_;
};

}  // namespace weft::proxy
