#include "xds/tracker.h"

#include <envoy/config/cluster/v3/cluster.pb.h>
#include <gtest/gtest.h>

#include "xds/known_types.h"
#include "xds/reader.h"

namespace weft::xds {
namespace {

using envoy::config::cluster::v3::Cluster;

Cluster cluster_of(std::string_view yaml) {
  link_known_types();
  Faults faults;
  Cluster cluster;
  read_message(*parse_yaml(yaml, "f", faults), cluster, Place{}, "f", faults);
  EXPECT_EQ(faults.to_string(), "");
  return cluster;
}

TEST(Tracker, refuses_what_was_set_and_never_read) {
  const Cluster cluster = cluster_of("{name: a, alt_stat_name: b, connect_timeout: 1s}");
  Faults faults;
  Tracker tracker(cluster, faults, "x");
  EXPECT_EQ(tracker.root().text("name"), "a");
  tracker.refuse_unread();
  EXPECT_EQ(faults.to_string(),
            "x.connect_timeout: not implemented by Weft\nx.alt_stat_name: not implemented by Weft\n");
}

TEST(Tracker, looks_below_what_was_only_asked_for) {
  const Cluster cluster = cluster_of("{circuit_breakers: {thresholds: [{}, {max_requests: 3}]}}");
  Faults faults;
  Tracker tracker(cluster, faults);
  EXPECT_TRUE(tracker.root().has("circuit_breakers"));
  for (const View& thresholds : tracker.root().message("circuit_breakers").messages("thresholds"))
    thresholds.choice("priority");
  tracker.refuse_unread();
  EXPECT_EQ(faults.to_string(), "circuit_breakers.thresholds[1].max_requests: not implemented by Weft\n");
}

TEST(Tracker, follows_any_and_maps_with_their_keys) {
  const Cluster cluster = cluster_of(
      "{typed_extension_protocol_options: {k: {'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a, alt_stat_name: b}}}");
  Faults faults;
  Tracker tracker(cluster, faults);
  const auto options = tracker.root().map("typed_extension_protocol_options");
  ASSERT_EQ(options.size(), 1u);
  EXPECT_EQ(options[0].second.type(), "envoy.config.cluster.v3.Cluster");
  EXPECT_EQ(options[0].second.text("name"), "a");
  tracker.refuse_unread();
  EXPECT_EQ(faults.to_string(), "typed_extension_protocol_options[\"k\"].alt_stat_name: not implemented by Weft\n");
}

TEST(Tracker, lists_what_was_read_when_set_and_what_changes_nothing) {
  const Cluster cluster = cluster_of("{name: a, metadata: {filter_metadata: {x: {}}}}");
  Faults faults;
  Tracker tracker(cluster, faults);
  tracker.root().text("name");
  tracker.root().text("alt_stat_name");
  tracker.root().accept("metadata", "why");
  tracker.refuse_unread();
  EXPECT_TRUE(faults.is_empty()) << faults.to_string();
  const std::map<std::string, std::string> expected = {{"envoy.config.cluster.v3.Cluster.name", ""},
                                                       {"envoy.config.cluster.v3.Cluster.metadata", "why"}};
  EXPECT_EQ(tracker.supported(), expected);
}

TEST(Tracker, gives_defaults_for_an_absent_message) {
  const View absent;
  EXPECT_FALSE(absent);
  EXPECT_EQ(absent.text("anything"), "");
  EXPECT_EQ(absent.duration("anything"), std::nullopt);
  EXPECT_TRUE(absent.messages("anything").empty());
  EXPECT_FALSE(absent.message("a").message("b").flag("c"));
}

}  // namespace
}  // namespace weft::xds
