// Purpose: a cluster's configuration and its endpoints as immutable typed data.
// Thread:  any (immutable).   Owner: the snapshot, by shared_ptr, one copy a version.
// Source:  envoy/config/cluster/v3/cluster.proto and its neighbours.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/time.h"
#include "http/connection.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "observe/metadata.h"
#include "proxy/route_config.h"

namespace weft::net {
struct TlsContextConfig;
}

namespace weft::proxy {

struct BreakerThresholds {
  uint32_t connections_max = base::kBreakerConnections;
  uint64_t connection_pools_max = UINT64_MAX;      ///< the process's, each for a host, protocol and name
  uint64_t connections_per_host_max = UINT64_MAX;  ///< per_host_thresholds
  uint32_t pending_requests_max = base::kBreakerPendingRequests;
  uint32_t requests_max = base::kBreakerRequests;
  uint32_t retries_max = base::kBreakerRetries;
  bool has_retry_budget = false;
  double retry_budget_percent = 20.0;
  uint32_t retry_budget_min_concurrency = 3;
  bool track_remaining = false;
};

/// cluster.v3.OutlierDetection, with Envoy's defaults. Each `enforcing_*` is the percent of detections that eject.
struct OutlierConfig {
  uint32_t consecutive_5xx = 5;
  uint32_t enforcing_consecutive_5xx = 100;
  uint32_t consecutive_gateway_failure = 5;
  uint32_t enforcing_consecutive_gateway_failure = 0;
  base::Duration interval = base::seconds(10);
  base::Duration base_ejection_time = base::seconds(30);
  base::Duration max_ejection_time = base::seconds(300);
  base::Duration max_ejection_time_jitter{};
  uint32_t max_ejection_percent = 10;
  bool always_eject_one_host = false;

  uint32_t success_rate_minimum_hosts = 5;
  uint32_t success_rate_request_volume = 100;
  uint32_t success_rate_stdev_factor = 1900;  ///< thousandths
  uint32_t enforcing_success_rate = 100;
  uint32_t failure_percentage_threshold = 85;
  uint32_t failure_percentage_minimum_hosts = 5;
  uint32_t failure_percentage_request_volume = 50;
  uint32_t enforcing_failure_percentage = 0;

  bool split_external_local_origin_errors = false;  ///< without it nothing below has an effect
  uint32_t consecutive_local_origin_failure = 5;
  uint32_t enforcing_consecutive_local_origin_failure = 100;
  uint32_t enforcing_local_origin_success_rate = 100;
  uint32_t enforcing_failure_percentage_local_origin = 0;
};

/// health_status of an assignment: degraded hosts take what the healthy ones cannot.
enum class HostHealth : uint8_t { Healthy, Degraded, Unhealthy };
constexpr size_t kHostHealths = 3;

struct Locality {
  std::string region, zone, sub_zone;
  bool operator==(const Locality&) const = default;
};

struct EndpointConfig {
  net::Address address;  ///< STATIC
  std::string dns_name;  ///< STRICT_DNS: resolved to addresses
  uint16_t dns_port = 0;
  std::string hostname;  ///< for auto_host_rewrite and health checks; default: dns_name
  uint32_t weight = 1;
  uint32_t priority = 0;
  HostHealth health = HostHealth::Healthy;
  std::shared_ptr<const Locality> locality;           ///< for /clusters; null: none
  std::shared_ptr<const observe::Metadata> metadata;  ///< null: none
};

/// The endpoints of a cluster at one moment: as configured, or as DNS last said.
struct EndpointSet {
  std::vector<EndpointConfig> endpoints;
  uint64_t version = 0;
};

struct ClusterConfig {
  std::string name, alt_stat_name;
  std::shared_ptr<const observe::Metadata> metadata;  ///< null: none
  enum class Discovery : uint8_t { Static, StrictDns } discovery = Discovery::Static;
  std::shared_ptr<const EndpointSet> endpoints;  ///< as in load_assignment

  // STRICT_DNS
  enum class DnsFamily : uint8_t { Auto, V4Only, V6Only, V4Preferred, All } dns_family = DnsFamily::Auto;
  base::Duration dns_refresh_rate = base::seconds(5);
  /// After failures: a random time up to `base`, doubled each time, at most `max`. Absent: the refresh rate.
  struct DnsBackOff {
    base::Duration base, max;
  };
  std::optional<DnsBackOff> dns_failure_back_off;
  bool respect_dns_ttl = false;
  bool wait_for_warm_on_init = true;
  net::ResolverOptions dns;

  enum class Balance : uint8_t { RoundRobin, LeastRequest, Random } balance = Balance::RoundRobin;
  uint32_t least_request_choices = 2;
  double least_request_bias = 1.0;
  bool least_request_full_scan = false;  ///< the least loaded of all, instead of `choices` drawn
  struct SlowStart {
    base::Duration window{};         ///< zero: none
    double aggression = 1.0;         ///< above 1 rises faster at first
    double min_weight_share = 0.10;  ///< of the weight
  } slow_start;
  double healthy_panic_threshold = 50.0;     ///< percent
  uint32_t overprovisioning_percent = 140;   ///< a priority counts as whole down to 100 / this of its hosts
  bool weighs_health_of_priorities = false;  ///< by the hosts' weights instead of their number

  bool close_connections_on_host_set_change = false;
  /// Ejection ends tunnels (CONNECT that ends here) at once, where other connections finish what they do.
  bool close_connections_on_host_health_failure = false;

  base::Duration connect_timeout = base::seconds(5);
  uint32_t buffer_bytes = base::kConnectionBufferBytes;
  std::array<BreakerThresholds, 2> breakers;  ///< [0] DEFAULT, [1] HIGH priority
  std::optional<OutlierConfig> outlier;

  enum class Protocol : uint8_t {
    Http1,
    Http2,
    Auto,
    Downstream
  } protocol = Protocol::Http1;  ///< Auto: by ALPN; Downstream: use_downstream_protocol_config
  http::H1Options h1;
  http::H2Options h2;
  std::optional<base::Duration> idle_timeout = base::seconds(3600);  ///< of a pooled connection; nullopt: none
  std::optional<base::Duration> max_connection_duration, max_stream_duration;
  uint32_t max_requests_per_connection = 0;  ///< 0: no limit

  std::shared_ptr<const net::TlsContextConfig> tls;  ///< null: plaintext
  std::string sni;
  bool auto_sni = false;             ///< the request's name is the SNI, unless it is an address
  bool auto_san_validation = false;  ///< the server's certificate must have the request's name
  std::string auto_sni_header;       ///< the request's name, where it is not the authority
  std::optional<net::KeepAlive> tcp_keepalive;
  net::Address bind_to;
  double preconnect_ratio = 1.0;

  uint64_t hash = 0;  ///< of the whole configuration, endpoints excluded: live state survives while it is equal
};

}  // namespace weft::proxy
