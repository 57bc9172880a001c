// Purpose: a route configuration as immutable typed data: what translation makes of Envoy's RouteConfiguration
//          and what `RouteTable` is compiled from.
// Thread:  any (immutable).   Owner: the snapshot, by shared_ptr, one copy a version.
// Source:  envoy/config/route/v3/route_components.proto; absent optionals mean Envoy's default, given beside each
// field.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "observe/metadata.h"
#include "proxy/header_mutation.h"
#include "proxy/matchers.h"

namespace weft::proxy {

/// core.v3.RuntimeFractionalPercent: matches when random(denominator) < numerator.
struct Fraction {
  uint32_t numerator = 100;
  uint32_t denominator = 100;
};

struct RouteMatch {
  enum class Path : uint8_t { Prefix, Exact, PathSeparatedPrefix, Regex, Connect };
  Path kind = Path::Prefix;
  std::string path = "/";
  std::shared_ptr<const Regex> regex;  ///< matched against the path without query
  bool case_sensitive = true;
  std::vector<HeaderMatcher> headers;
  std::vector<QueryMatcher> query;
  bool is_grpc = false;  ///< match only content-type application/grpc*
  std::optional<Fraction> runtime_fraction;
  std::optional<bool> tls_presented, tls_validated;  ///< tls_context matcher
};

/// The `retry_on` words as bits; both x-envoy-retry-on and x-envoy-retry-grpc-on.
enum RetryOn : uint32_t {
  kRetry5xx = 1u << 0,
  kRetryGatewayError = 1u << 1,
  kRetryReset = 1u << 2,
  kRetryConnectFailure = 1u << 3,
  kRetryRetriable4xx = 1u << 4,
  kRetryRefusedStream = 1u << 5,
  kRetryRetriableStatusCodes = 1u << 6,
  kRetryRetriableHeaders = 1u << 7,
  kRetryEnvoyRateLimited = 1u << 8,
  kRetryGrpcCancelled = 1u << 9,
  kRetryGrpcDeadlineExceeded = 1u << 10,
  kRetryGrpcInternal = 1u << 11,
  kRetryGrpcResourceExhausted = 1u << 12,
  kRetryGrpcUnavailable = 1u << 13,
  kRetryResetBeforeRequest = 1u << 14,
  kRetryHttp3PostConnectFailure = 1u << 15,
};

struct ResetHeader {  ///< RateLimitedRetryBackOff.ResetHeader
  std::string name;
  bool is_unix_timestamp = false;  ///< else seconds
};

/// route.v3.RetryPolicy.
struct RetryPolicy {
  uint32_t retry_on = 0;
  uint32_t num_retries = 1;
  std::optional<base::Duration> per_try_timeout, per_try_idle_timeout;
  base::Duration back_off_base = base::milliseconds(25);
  base::Duration back_off_max = base::milliseconds(250);  ///< default 10 × base
  std::vector<ResetHeader> reset_headers;                 ///< rate_limited_retry_back_off
  base::Duration reset_max_interval = base::seconds(300);
  std::vector<uint16_t> retriable_status_codes;
  std::vector<HeaderMatcher> retriable_headers, retriable_request_headers;
  bool avoid_previous_hosts = false;  ///< retry_host_predicate previous_hosts
  uint32_t host_selection_retry_max_attempts = 1;
};

/// What typed_per_filter_config says about one filter.
struct RouteFilterConfig {
  std::shared_ptr<const void> config;  ///< of the filter's own type; null: nothing but that it is on or off
  bool is_disabled = false;
};
using FilterConfigTable = std::map<std::string, RouteFilterConfig, std::less<>>;  ///< by the filter's name in the chain

struct WeightedCluster {
  std::string cluster;         ///< or…
  std::string cluster_header;  ///< …the request header that names it
  uint32_t weight = 0;
  HeaderMutations request_headers, response_headers;
  std::string host_rewrite_literal;
  FilterConfigTable filter_config;
};

/// How the path or host is rewritten before it goes upstream (also by redirects).
struct PathRewrite {
  std::string prefix;  ///< replaces the matched prefix/path, when has_prefix
  bool has_prefix = false;
  std::shared_ptr<const Regex> regex;  ///< on the path without query
  std::string substitution;
};

struct UpgradePolicy {
  std::string type;  ///< lower case: "websocket", "connect"
  bool enabled = true;
  bool connect_terminates = false;  ///< connect_config present: the payload goes as TCP to the cluster
  bool connect_allow_post = false;
};

struct RouteAction {
  std::string cluster;  ///< exactly one of cluster, cluster_header, weighted
  std::string cluster_header;
  std::vector<WeightedCluster> weighted;
  uint32_t weighted_total = 0;
  std::string weighted_random_header;  ///< WeightedCluster.header_name: its value replaces the random number
  uint16_t cluster_not_found_status = 503;

  PathRewrite path_rewrite;
  std::string host_rewrite_literal, host_rewrite_header;
  bool auto_host_rewrite = false;
  std::shared_ptr<const Regex> host_rewrite_path_regex;
  std::string host_rewrite_path_substitution;
  bool append_x_forwarded_host = false;

  std::optional<base::Duration> timeout;       ///< absent: 15 s; 0: none
  std::optional<base::Duration> idle_timeout;  ///< absent: the HCM's stream_idle_timeout; 0: none
  std::optional<base::Duration> max_grpc_timeout, grpc_timeout_offset;  ///< deprecated spelling of the next
  struct MaxStreamDuration {
    std::optional<base::Duration> max_stream_duration, grpc_timeout_header_max, grpc_timeout_header_offset;
  };
  std::optional<MaxStreamDuration> max_stream_duration;
  std::shared_ptr<const RetryPolicy> retry_policy;  ///< null: the virtual host's, else none
  std::vector<UpgradePolicy> upgrades;
  bool is_high_priority = false;
};

struct RedirectAction {
  bool https_redirect = false;
  std::string scheme_redirect, host_redirect, path_redirect;
  uint32_t port_redirect = 0;
  PathRewrite path_rewrite;
  uint16_t status = 301;
  bool strip_query = false;
};

struct DirectResponse {
  uint16_t status = 200;
  std::string body;
  std::shared_ptr<const observe::Format> body_format;  ///< null: `body` as it is
};

struct Route {
  std::string name;
  RouteMatch match;
  std::variant<RouteAction, RedirectAction, DirectResponse> action;
  HeaderMutations request_headers, response_headers;
  std::optional<uint64_t>
      body_buffer_bytes_max;  ///< request_body_buffer_limit / per_request_buffer_limit_bytes: for retries
  std::string stat_prefix;
  FilterConfigTable filter_config;                    ///< typed_per_filter_config; see filter_scope.h
  std::shared_ptr<const observe::Metadata> metadata;  ///< null: none
};

/// route.v3.VirtualCluster: requests that are counted apart.
struct VirtualCluster {
  std::string name;
  std::vector<HeaderMatcher> headers;  ///< all must match; none: every request
};

struct VirtualHost {
  std::string name;
  std::vector<std::string> domains;
  std::vector<Route> routes;
  enum class RequireTls : uint8_t { None, ExternalOnly, All } require_tls = RequireTls::None;
  HeaderMutations request_headers, response_headers;
  std::shared_ptr<const RetryPolicy> retry_policy;
  std::optional<uint64_t> body_buffer_bytes_max;
  bool include_attempt_count_in_request = false, include_attempt_count_in_response = false;
  bool include_is_timeout_retry_header = false;
  std::vector<VirtualCluster> virtual_clusters;  ///< with any, the last is "other", which matches all
  FilterConfigTable filter_config;
  std::shared_ptr<const observe::Metadata> metadata;  ///< null: none
};

struct RouteConfig {
  std::string name;
  std::vector<VirtualHost> virtual_hosts;
  HeaderMutations request_headers, response_headers;
  std::vector<std::string> internal_only_headers;
  bool most_specific_header_mutations_wins = false;
  std::optional<bool> validate_clusters;  ///< absent: true for inline configurations
  uint32_t direct_response_body_bytes_max = 4096;
  bool ignore_port_in_host_matching = false;
  bool ignore_path_parameters_in_path_matching = false;
  FilterConfigTable filter_config;
};

}  // namespace weft::proxy
