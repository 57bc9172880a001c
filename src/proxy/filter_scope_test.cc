#include "proxy/filter_scope.h"

#include <gtest/gtest.h>

#include "proxy/fault_filter.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

std::shared_ptr<const FaultConfig> abort_with(uint16_t status) {
  auto config = std::make_shared<FaultConfig>();
  config->abort = FaultConfig::Abort();
  config->abort->http_status = status;
  config->abort->percentage = {100, 100};
  return config;
}

class FilterScopes : public WithProxy {
 protected:
  /// A fault filter that aborts with 418, disabled or not, before an upstream.
  void begin(bool is_disabled) {
    hcm.filters.push_back({"fault", std::make_shared<FaultFilterFactory>(abort_with(418)), is_disabled});
    route_to_upstream();
    if (adjust) adjust();
    start();
  }
  std::string status() { return call("GET / HTTP/1.1\r\nhost: a\r\n").substr(9, 3); }
  VirtualHost& host() { return routes.virtual_hosts[0]; }
  Route& route() { return host().routes[0]; }

  std::function<void()> adjust;
};

TEST_F(FilterScopes, ADisabledFilterDoesNothing) {
  begin(true);
  EXPECT_EQ(status(), "200");
}

TEST_F(FilterScopes, AConfigurationOfARouteTurnsItOn) {
  adjust = [&] { route().filter_config["fault"] = {abort_with(419), false}; };
  begin(true);
  EXPECT_EQ(status(), "419");
}

TEST_F(FilterScopes, ALevelMayTurnItOffOrOnWithoutAConfiguration) {
  adjust = [&] {
    host().filter_config["fault"] = {nullptr, true};
    Route enabled = route();
    enabled.match.path = "/on";
    enabled.filter_config["fault"] = {nullptr, false};
    host().routes.insert(host().routes.begin(), enabled);
  };
  begin(false);
  EXPECT_EQ(status(), "200");
  EXPECT_EQ(call("GET /on HTTP/1.1\r\nhost: a\r\n").substr(9, 3), "418") << "the route's word is the more specific one";
}

TEST_F(FilterScopes, AWeightedClusterIsTheMostSpecificLevel) {
  adjust = [&] {
    auto& action = std::get<RouteAction>(route().action);
    action.cluster.clear();
    WeightedCluster only;
    only.cluster = "up";
    only.weight = action.weighted_total = 1;
    only.filter_config["fault"] = {abort_with(420), false};
    action.weighted = {only};
    route().filter_config["fault"] = {abort_with(419), false};
  };
  begin(false);
  EXPECT_EQ(status(), "420");
}

TEST(FilterScope, AnEntryWithoutConfigurationLeavesTheNextLevels) {
  RouteConfig config;
  VirtualHost host;
  Route route;
  const auto value = std::make_shared<const int>(1);
  config.filter_config["f"] = {value, false};
  route.filter_config["f"] = {nullptr, false};
  const FilterScope scope{nullptr, &route, &host, &config};
  EXPECT_EQ(find_filter_config(scope, "f"), value.get());
  EXPECT_TRUE(is_filter_enabled(scope, "f", true));
  EXPECT_EQ(find_filter_config(scope, "g"), nullptr);
  EXPECT_FALSE(is_filter_enabled(scope, "g", true));
}

}  // namespace
}  // namespace weft::proxy
