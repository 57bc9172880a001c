#include "xds/validate.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <envoy/config/cluster/v3/cluster.pb.h>
#include <envoy/config/core/v3/base.pb.h>
#include <envoy/config/core/v3/protocol.pb.h>
#include <envoy/config/route/v3/route_components.pb.h>
#include <envoy/extensions/filters/http/router/v3/router.pb.h>
#include <envoy/extensions/transport_sockets/tls/v3/tls.pb.h>
#include <google/protobuf/any.pb.h>
#include <gtest/gtest.h>

#include "xds/known_types.h"
#include "xds/reader.h"

namespace weft::xds {
namespace {

template <typename Message>
std::string broken(std::string_view yaml) {
  link_known_types();
  Faults faults;
  Message message;
  const auto root = parse_yaml(yaml, "f", faults);
  read_message(*root, message, Place{}, "f", faults);
  EXPECT_EQ(faults.to_string(), "");
  Faults broken;
  validate_rules(message, Place{}, broken);
  return broken.to_string();
}

using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::Http2ProtocolOptions;
using envoy::config::core::v3::QuicKeepAliveSettings;
using envoy::config::route::v3::HeaderMatcher;
using envoy::config::route::v3::QueryParameterMatcher;
using envoy::config::route::v3::Route;
using envoy::config::route::v3::RouteMatch;
using envoy::config::route::v3::VirtualHost;
using envoy::extensions::filters::http::router::v3::Router;

TEST(Validate, wants_what_is_required) {
  EXPECT_EQ(broken<Cluster>("{}"), "name: must not be empty\n");
  EXPECT_EQ(broken<Route>("direct_response: {status: 200}"), "match: is required\n");
  EXPECT_EQ(broken<Route>("match: {prefix: /}"),
            "one of route, redirect, direct_response, filter_action, non_forwarding_action is required\n");
  EXPECT_EQ(broken<VirtualHost>("name: a"), "domains: must have at least 1 item\n");
}

TEST(Validate, applies_the_rules_of_a_oneof_only_to_the_one_chosen) {
  EXPECT_EQ(broken<RouteMatch>("prefix: /"), "");
  EXPECT_EQ(broken<RouteMatch>("path_separated_prefix: /a/"),
            "path_separated_prefix: \"/a/\": must match ^[^?#]+[^?#/]$\n");
}

TEST(Validate, keeps_numbers_and_durations_in_bounds) {
  EXPECT_EQ(broken<Http2ProtocolOptions>("max_concurrent_streams: 0"),
            "max_concurrent_streams: 0: must be at least 1 and at most 2147483647\n");
  EXPECT_EQ(broken<Http2ProtocolOptions>("initial_stream_window_size: 65534"),
            "initial_stream_window_size: 65534: must be at least 65535 and at most 2147483647\n");
  EXPECT_EQ(broken<Cluster>("{name: a, connect_timeout: 0s}"), "connect_timeout: 0s: must be more than 0s\n");
  EXPECT_EQ(broken<Cluster>("{name: a, preconnect_policy: {per_upstream_preconnect_ratio: 3.5}}"),
            "preconnect_policy.per_upstream_preconnect_ratio: 3.5: must be at least 1 and at most 3\n");
  EXPECT_EQ(broken<Cluster>("{name: a, dns_refresh_rate: 0.0005s}"),
            "dns_refresh_rate: 0.0005s: must be more than 0.001s\n");
}

TEST(Validate, reads_a_lower_bound_above_the_upper_as_outside_of) {
  EXPECT_EQ(broken<QuicKeepAliveSettings>("max_interval: 0s"), "");
  EXPECT_EQ(broken<QuicKeepAliveSettings>("max_interval: 1s"), "");
  EXPECT_EQ(broken<QuicKeepAliveSettings>("max_interval: 0.5s"),
            "max_interval: 0.5s: must be at most 0s or at least 1s\n");
}

TEST(Validate, checks_strings) {
  EXPECT_EQ(broken<HeaderMatcher>("name: \"a\\nb\""), "name: \"a\\x0ab\": must be a header name\n");
  EXPECT_EQ(broken<HeaderMatcher>("{name: a, prefix_match: ''}"), "prefix_match: must not be empty\n");
  EXPECT_EQ(
      broken<QueryParameterMatcher>("name: " + std::string(1025, 'a')).find(": must be at most 1024 bytes long") ==
          std::string::npos,
      false);
  EXPECT_EQ(broken<Router>("strict_check_headers: [x-envoy-max-retries, x-other]")
                .find("strict_check_headers[1]: \"x-other\": must be one of"),
            0u);
  EXPECT_EQ(broken<envoy::config::core::v3::UpstreamHttpProtocolOptions>("override_auto_sni_header: ''"), "");
  EXPECT_NE(broken<envoy::config::core::v3::UpstreamHttpProtocolOptions>("override_auto_sni_header: 'a b'"), "");
}

TEST(Validate, checks_booleans_enums_lists_and_maps) {
  EXPECT_EQ(broken<envoy::config::bootstrap::v3::Bootstrap>("stats_flush_on_admin: false"),
            "stats_flush_on_admin: false: must be true\n");
  EXPECT_EQ(broken<envoy::extensions::transport_sockets::tls::v3::SubjectAltNameMatcher>(
                "{san_type: SAN_TYPE_UNSPECIFIED, matcher: {exact: a}}"),
            "san_type: SAN_TYPE_UNSPECIFIED: not allowed here\n");
  EXPECT_EQ(broken<envoy::config::route::v3::InternalRedirectPolicy>("response_headers_to_copy: [a, b, a]"),
            "response_headers_to_copy[2]: \"a\": given twice\n");
  EXPECT_EQ(broken<envoy::config::core::v3::Metadata>("filter_metadata: {'': {}}"),
            "filter_metadata[\"\"]: key must not be empty\n");
  EXPECT_EQ(broken<envoy::config::route::v3::InternalRedirectPolicy>(
                "redirect_response_codes: [301, 302, 303, 307, 308, 304]"),
            "redirect_response_codes: 6 items: must have at most 5\n");
}

TEST(Validate, looks_into_any) {
  EXPECT_EQ(broken<google::protobuf::Any>(
                "{'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, connect_timeout: 0s}"),
            "name: must not be empty\nconnect_timeout: 0s: must be more than 0s\n");
}

}  // namespace
}  // namespace weft::xds
