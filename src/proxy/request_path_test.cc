#include "proxy/request_path.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

class RequestPath : public WithHeads {
 protected:
  http::PathVerdict normalise(std::string_view path) {
    head_ = get("a.com", path);
    return normalize_request_path(head_, config_);
  }
  bool is_allowed(Lines lines, const Route* route = nullptr) {
    return is_upgrade_allowed(config_, route, request(lines));
  }

  HcmConfig config_;
  http::RequestHead head_{pool_};
};

TEST_F(RequestPath, IsLeftAloneUnlessConfigured) {
  EXPECT_EQ(normalise("/a/../b//c"), http::PathVerdict::Unchanged);
  EXPECT_EQ(head_.path(), "/a/../b//c");
}

TEST_F(RequestPath, IsNormalisedAndTheQueryIsNot) {
  config_.normalize_path = config_.merge_slashes = true;
  EXPECT_EQ(normalise("/a/../b//c?q=/../x"), http::PathVerdict::Changed);
  EXPECT_EQ(head_.path(), "/b/c?q=/../x");
}

TEST_F(RequestPath, EscapedSlashesAreHandledAsConfigured) {
  config_.escaped_slashes = HcmConfig::EscapedSlashes::UnescapeAndRedirect;
  EXPECT_EQ(normalise("/a%2Fb"), http::PathVerdict::Redirect);
  EXPECT_EQ(head_.path(), "/a/b");
  config_.escaped_slashes = HcmConfig::EscapedSlashes::RejectRequest;
  EXPECT_EQ(normalise("/a%2Fb"), http::PathVerdict::Reject);
  config_.escaped_slashes = HcmConfig::EscapedSlashes::UnescapeAndForward;
  EXPECT_EQ(normalise("/a%2Fb"), http::PathVerdict::Changed);
}

TEST_F(RequestPath, AFragmentIsRejected) {
  EXPECT_EQ(normalise("/a#b"), http::PathVerdict::Reject);
  EXPECT_EQ(normalise("/a?q#b"), http::PathVerdict::Reject);
}

TEST_F(RequestPath, AConnectHasNone) {
  config_.normalize_path = true;
  auto connect = request({{":method", "CONNECT"}, {":authority", "a.com:1"}});
  EXPECT_EQ(normalize_request_path(connect, config_), http::PathVerdict::Unchanged);
}

TEST_F(RequestPath, UpgradesNeedToBeAllowedByRouteOrConnectionManager) {
  const Lines websocket = {{":method", "GET"}, {"upgrade", "WebSocket"}};
  const Lines connect = {{":method", "CONNECT"}};
  EXPECT_TRUE(is_allowed({{":method", "GET"}}));
  EXPECT_FALSE(is_allowed(websocket));
  EXPECT_FALSE(is_allowed(connect));
  config_.upgrades = {{"websocket", true}, {"connect", false}};
  EXPECT_TRUE(is_allowed(websocket));
  EXPECT_FALSE(is_allowed(connect));
  Route route;
  RouteAction action;
  action.upgrades = {{.type = "websocket", .enabled = false}, {.type = "connect", .enabled = true}};
  route.action = action;
  EXPECT_FALSE(is_allowed(websocket, &route)) << "the route's word counts more";
  EXPECT_TRUE(is_allowed(connect, &route));
}

}  // namespace
}  // namespace weft::proxy
