// Names to endpoints in simulated time, with a resolver that answers from a table.
#include "proxy/cluster_discovery.h"

#include <gtest/gtest.h>

#include "net/simulation.h"
#include "net/testing/scripted_resolver.h"
#include "observe/registry.h"
#include "proxy/stats.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

using base::milliseconds;
using base::seconds;

class Discovery : public ::testing::Test, private DiscoveryHandler {
 protected:
  Discovery() : loop_(world.add_loop("main")), resolver(loop_) {
    config.name = "up";
    config.discovery = ClusterConfig::Discovery::StrictDns;
    config.dns_family = ClusterConfig::DnsFamily::V4Only;
  }

  void name(const std::string& dns_name, uint16_t port = 80, uint32_t priority = 0) {
    EndpointConfig endpoint;
    endpoint.dns_name = dns_name;
    endpoint.dns_port = port;
    endpoint.priority = priority;
    endpoints_.endpoints.push_back(endpoint);
  }
  /// Adds the cluster as configured by now; further names are of the next one.
  void add(net::Resolver* its_resolver) {
    config.endpoints = std::make_shared<EndpointSet>(std::exchange(endpoints_, {}));
    clusters_.push_back(std::make_unique<ClusterState>(std::make_shared<ClusterConfig>(config)));
    auto& group = registry_.group({"cluster." + config.name + ".", "cluster.", {}}, kClusterStats, 0);
    discovery->add(*clusters_.back(), group, its_resolver);
  }
  void start() {
    add(&resolver);
    discovery->start();
    world.run_for(milliseconds(10));
  }
  int64_t stat(const std::string& of) { return registry_.value("cluster.up." + of); }
  /// "address@priority" of all, in order.
  std::string seen(size_t cluster = 0) const {
    std::string out;
    for (const auto& host : clusters_[cluster]->hosts()->hosts) {
      out += (out.empty() ? "" : " ") + host->address_text;
      if (host->priority != 0) out += "@" + std::to_string(host->priority);
    }
    return out;
  }
  /// How many lookups of "a" come within `time`.
  int lookups_in(base::Duration time) {
    const int before = resolver.lookups("a");
    world.run_for(time);
    return resolver.lookups("a") - before;
  }

  net::Simulation world{1};
  ClusterConfig config;
  int warm = 0, changes = 0;

 private:
  void on_endpoints(ClusterState& cluster, const EndpointSet& endpoints) override {
    changes += cluster.update_endpoints(endpoints, world.now()) ? 1 : 0;
  }
  void on_warm() override { ++warm; }

  net::Loop& loop_;
  observe::Registry registry_;
  EndpointSet endpoints_;
  std::vector<std::unique_ptr<ClusterState>> clusters_;

 protected:
  net::testing::ScriptedResolver resolver;
  std::unique_ptr<ClusterDiscovery> discovery{new ClusterDiscovery(loop_, *this)};
};

TEST_F(Discovery, MakesAnEndpointOfEachAddress) {
  resolver.set("a", {"10.0.0.2", "10.0.0.1"});
  name("a", 8080);
  start();
  EXPECT_EQ(seen(), "10.0.0.1:8080 10.0.0.2:8080");
  EXPECT_EQ(warm, 1);
  EXPECT_EQ(stat("update_attempt"), 1);
  EXPECT_EQ(stat("update_success"), 1);
  EXPECT_EQ(stat("update_no_rebuild"), 0);
}

TEST_F(Discovery, AsksAgainAtTheRefreshRate) {
  resolver.set("a", {"10.0.0.1"}, seconds(1));
  config.dns_refresh_rate = seconds(10);
  name("a");
  start();
  EXPECT_EQ(lookups_in(milliseconds(9980)), 0) << "the TTL of 1 s is not asked for";
  EXPECT_EQ(lookups_in(milliseconds(20)), 1);
  resolver.set("a", {"10.0.0.3"});
  EXPECT_EQ(lookups_in(milliseconds(10100)), 1);
  EXPECT_EQ(seen(), "10.0.0.3:80");
  EXPECT_EQ(stat("update_no_rebuild"), 1);
  EXPECT_EQ(changes, 2);
}

TEST_F(Discovery, AsksAgainWhenTheTtlIsOverWhereItCounts) {
  resolver.set("a", {"10.0.0.1"}, seconds(3));
  config.dns_refresh_rate = seconds(10);
  config.respect_dns_ttl = true;
  name("a");
  start();
  EXPECT_EQ(lookups_in(milliseconds(2980)), 0);
  EXPECT_EQ(lookups_in(milliseconds(20)), 1);
  resolver.set("a", {"10.0.0.1"}, seconds(0));
  EXPECT_EQ(lookups_in(seconds(3)), 1);
  EXPECT_EQ(lookups_in(seconds(9)), 0) << "a TTL of 0 leaves the refresh rate";
  EXPECT_EQ(lookups_in(seconds(2)), 1);
}

TEST_F(Discovery, AddressesInAnotherOrderAreNoChange) {
  resolver.set("a", {"10.0.0.1", "10.0.0.2"});
  name("a");
  start();
  resolver.set("a", {"10.0.0.2", "10.0.0.1"});
  world.run_for(seconds(6));
  EXPECT_EQ(stat("update_no_rebuild"), 1);
  EXPECT_EQ(changes, 1);
}

TEST_F(Discovery, ANameThatIsGoneEmptiesTheCluster) {
  resolver.set("a", {"10.0.0.1"});
  name("a");
  start();
  resolver.remove("a");
  world.run_for(seconds(6));
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(stat("update_success"), 2) << "it is an answer";
  EXPECT_EQ(stat("update_failure"), 0);
  resolver.set("a", {"10.0.0.1"});
  world.run_for(seconds(6));
  EXPECT_EQ(seen(), "10.0.0.1:80");
}

TEST_F(Discovery, AFailureKeepsWhatWasKnown) {
  resolver.set("a", {"10.0.0.1"});
  name("a");
  start();
  resolver.set_error("a", base::ErrorCode::Timeout);
  EXPECT_EQ(lookups_in(seconds(26)), 5) << "without a failure rate the refresh rate holds";
  EXPECT_EQ(seen(), "10.0.0.1:80");
  EXPECT_EQ(stat("update_failure"), 5);
  EXPECT_EQ(changes, 1);
}

// Waits are random below 1, 2, 4, 4 … s: 20 of them take less than 1 + 2 + 18 × 4 = 75 s; at the refresh rate of 100 s
// there would be one lookup.
TEST_F(Discovery, FailuresBackOffUpToTheirMaximum) {
  config.dns_refresh_rate = seconds(100);
  config.dns_failure_back_off = {seconds(1), seconds(4)};
  resolver.set_error("a", base::ErrorCode::Unavailable);
  name("a");
  start();
  EXPECT_EQ(warm, 1) << "a failure is not waited out";
  EXPECT_GE(lookups_in(seconds(1)), 1);
  EXPECT_GE(lookups_in(seconds(75)), 18);
  resolver.set("a", {"10.0.0.1"});
  world.run_for(seconds(5));
  EXPECT_EQ(seen(), "10.0.0.1:80");
  EXPECT_EQ(lookups_in(seconds(94)), 0);
}

TEST_F(Discovery, ASuccessEndsTheBackOff) {
  config.dns_refresh_rate = seconds(10);
  config.dns_failure_back_off = {seconds(1), seconds(1000)};
  resolver.set_error("a", base::ErrorCode::Unavailable);
  name("a");
  start();
  world.run_for(seconds(200));
  resolver.set("a", {"10.0.0.1"});
  while (seen().empty()) world.run_for(seconds(1));
  resolver.set_error("a", base::ErrorCode::Unavailable);
  while (lookups_in(milliseconds(10)) == 0) continue;
  EXPECT_GE(lookups_in(milliseconds(1010)), 1) << "the first wait is below 1 s again";
}

TEST_F(Discovery, NamesAddressesAndPrioritiesOfOneClusterComeTogether) {
  resolver.set("a", {"10.0.0.1"});
  resolver.set("b", {"10.0.0.3", "10.0.0.2"});
  name("a");
  name("b", 81, 1);
  start();
  EXPECT_EQ(seen(), "10.0.0.1:80 10.0.0.2:81@1 10.0.0.3:81@1");
  resolver.remove("b");
  world.run_for(seconds(6));
  EXPECT_EQ(seen(), "10.0.0.1:80") << "the other name keeps its own";
}

TEST_F(Discovery, AHostKeepsItsCountsWhileItsAddressStays) {
  resolver.set("a", {"10.0.0.1", "10.0.0.2"});
  name("a");
  start();
  EXPECT_EQ(changes, 1);
  resolver.set("a", {"10.0.0.2", "10.0.0.9"});
  world.run_for(seconds(6));
  EXPECT_EQ(seen(), "10.0.0.2:80 10.0.0.9:80");
  EXPECT_EQ(changes, 2);
}

TEST_F(Discovery, TheLookupFamilyChoosesAmongTheAddresses) {
  using Family = ClusterConfig::DnsFamily;
  const std::pair<Family, std::string> kCases[] = {{Family::V4Only, "10.0.0.1:80"},
                                                   {Family::V6Only, "[fd00::1]:80"},
                                                   {Family::Auto, "[fd00::1]:80"},
                                                   {Family::V4Preferred, "10.0.0.1:80"},
                                                   {Family::All, "10.0.0.1:80 [fd00::1]:80"}};
  resolver.set("a", {"10.0.0.1", "fd00::1"});
  size_t cluster = 0;
  for (const auto& [family, expected] : kCases) {
    config.dns_family = family;
    name("a");
    add(&resolver);
    world.run_for(milliseconds(10));
    EXPECT_EQ(seen(cluster++), expected) << static_cast<int>(family);
  }
}

TEST_F(Discovery, IsWarmWhenEachClusterHasItsFirstAnswer) {
  resolver.set("a", {"10.0.0.1"});
  resolver.set_delay(seconds(-1));
  name("slow");
  add(&resolver);
  resolver.set_delay(seconds(2));
  name("a");
  discovery->start();
  world.run_for(seconds(30));
  EXPECT_EQ(warm, 0) << "one name never answers";
  EXPECT_EQ(seen(), "");
}

TEST_F(Discovery, OneAnswerOfSeveralNamesIsEnough) {
  resolver.set("a", {"10.0.0.1"});
  name("a");
  name("b");
  resolver.set_delay(seconds(2));
  start();
  EXPECT_EQ(warm, 0);
  world.run_for(seconds(2));
  EXPECT_EQ(warm, 1);
}

TEST_F(Discovery, AClusterThatNeedNotBeWarmIsNotWaitedFor) {
  config.wait_for_warm_on_init = false;
  resolver.set_delay(seconds(-1));
  name("a");
  start();
  EXPECT_EQ(warm, 1);
}

TEST_F(Discovery, WithoutNamesThereIsNothingToWaitFor) {
  start();
  EXPECT_EQ(warm, 1);
  EXPECT_EQ(stat("update_attempt"), 0);
}

TEST_F(Discovery, EachClusterAsksItsOwnResolver) {
  net::testing::ScriptedResolver other(world.add_loop("other"));
  other.set("a", {"10.9.9.9"});
  resolver.set("a", {"10.0.0.1"});
  name("a");
  add(&resolver);
  name("a");
  add(&other);
  world.run_for(seconds(1));
  EXPECT_EQ(seen(0), "10.0.0.1:80");
  EXPECT_EQ(seen(1), "10.9.9.9:80");
  discovery.reset();
}

// ------------------------------------------------------------------ on the assembled proxy

class DnsProxy : public WithProxy {
 protected:
  void name_upstream(const std::string& name) {
    cluster.discovery = ClusterConfig::Discovery::StrictDns;
    cluster.dns_family = ClusterConfig::DnsFamily::V4Only;
    auto endpoints = std::make_shared<EndpointSet>(*cluster.endpoints);
    endpoints->endpoints[0].dns_name = name;
    endpoints->endpoints[0].dns_port = endpoints->endpoints[0].address.port();
    cluster.endpoints = endpoints;
  }
};

class HostSetChange : public DnsProxy, public ::testing::WithParamInterface<bool> {};

TEST_P(HostSetChange, EndsTheConnectionsOfHostsThatLeaveAndWhereConfiguredAll) {
  net::testing::ScriptedResolver names(loop());
  names.set("up.test", {"127.0.0.1"});
  resolver = &names;
  route_to_upstream();
  name_upstream("up.test");
  cluster.close_connections_on_host_set_change = GetParam();
  start();
  world.run_for(seconds(1));
  EXPECT_TRUE(call("GET / HTTP/1.1\r\nhost: a\r\n").starts_with("HTTP/1.1 200"));
  names.set("up.test", {"127.0.0.1", "127.0.0.2"});
  world.run_for(seconds(6));
  EXPECT_EQ(stat("cluster.up.membership_total"), 2);
  EXPECT_EQ(stat("cluster.up.upstream_cx_destroy"), GetParam() ? 1 : 0);
  names.set("up.test", {"127.0.0.2"});
  world.run_for(seconds(6));
  EXPECT_EQ(stat("cluster.up.upstream_cx_destroy"), 1);
  stop();
}

INSTANTIATE_TEST_SUITE_P(EitherWay, HostSetChange, ::testing::Bool());

TEST_F(DnsProxy, AnswersWhenItsNamesAreResolvedAndFollowsThem) {
  net::testing::ScriptedResolver names(loop());
  names.set_delay(seconds(3));
  names.set("up.test", {"127.0.0.1"});
  resolver = &names;
  route_to_upstream();
  name_upstream("up.test");
  start();
  EXPECT_EQ(stat("server.live"), 0) << "the first answer is awaited";
  world.run_for(seconds(4));
  EXPECT_EQ(stat("server.live"), 1);
  EXPECT_TRUE(call("GET / HTTP/1.1\r\nhost: a\r\n").starts_with("HTTP/1.1 200"));
  names.remove("up.test");
  world.run_for(seconds(10));
  EXPECT_EQ(stat("cluster.up.membership_total"), 0);
  EXPECT_NE(call("GET / HTTP/1.1\r\nhost: a\r\n").find("no healthy upstream"), std::string::npos);
  names.set("up.test", {"127.0.0.1"});
  world.run_for(seconds(10));
  EXPECT_TRUE(call("GET / HTTP/1.1\r\nhost: a\r\n").starts_with("HTTP/1.1 200"));
  stop();
}

}  // namespace
}  // namespace weft::proxy
