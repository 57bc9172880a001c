// Purpose: listeners, filter chains and the HTTP connection manager as immutable typed data.
// Thread:  any (immutable).   Owner: the snapshot, by shared_ptr, one copy a version.
// Source:  envoy/config/listener/v3/listener.proto, …/http_connection_manager.proto.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/time.h"
#include "http/connection.h"
#include "net/address.h"
#include "observe/access_log_file.h"
#include "observe/format.h"
#include "observe/metadata.h"
#include "proxy/filter.h"
#include "proxy/local_reply.h"
#include "proxy/route_table.h"

namespace weft::net {
struct TlsContextConfig;
}
namespace weft::observe {
class AccessLogFilter;
}

namespace weft::proxy {

/// One access log of a connection manager or listener.
struct AccessLogConfig {
  using Sink = observe::LogSink;
  Sink sink = Sink::File;
  std::string path;
  std::shared_ptr<const observe::Format> format;           ///< a whole line, newline included
  std::shared_ptr<const observe::AccessLogFilter> filter;  ///< null: every request
};

struct UpgradeConfig {
  std::string type;  ///< lower case
  bool enabled = true;
};

/// One entry of http_filters: a factory bound to its configuration.
struct FilterConfig {
  std::string name;
  std::shared_ptr<const FilterFactory> factory;
  bool is_disabled = false;
};

/// envoy.extensions.filters.http.router.v3.Router: the filter that every chain ends with.
struct RouterConfig {
  bool dynamic_stats = true;
  bool suppress_envoy_headers = false;
  bool suppress_grpc_request_failure_code_stats = false;
  bool respect_expected_rq_timeout = false;
  std::vector<std::string> strict_check_headers;
  std::vector<AccessLogConfig> upstream_logs;
  bool flush_upstream_log_on_upstream_stream = false;
  std::optional<base::Duration> upstream_log_flush_interval;
};

/// envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.
struct HcmConfig {
  std::string stat_prefix;
  enum class Codec : uint8_t { Auto, Http1, Http2 } codec = Codec::Auto;
  std::shared_ptr<const RouteTable> routes;
  std::vector<FilterConfig> filters;  ///< without the router, which is always last

  http::H1Options h1;
  http::H2Options h2;
  base::Duration request_timeout{};                                  ///< 0: none
  base::Duration request_headers_timeout{};                          ///< 0: none
  base::Duration stream_idle_timeout = base::seconds(300);           ///< 0: none
  std::optional<base::Duration> idle_timeout = base::seconds(3600);  ///< of a connection without streams
  std::optional<base::Duration> max_connection_duration, max_stream_duration;
  uint32_t max_requests_per_connection = 0;  ///< 0: no limit
  base::Duration drain_timeout = base::seconds(5);
  base::Duration delayed_close_timeout = base::seconds(1);

  bool generate_request_id = true, preserve_external_request_id = false, always_set_request_id_in_response = false;
  bool use_remote_address = false, skip_xff_append = false, append_x_forwarded_port = false;
  std::string user_agent, node_id;  ///< add_user_agent: the node's cluster and id; empty: not added
  uint32_t xff_num_trusted_hops = 0;
  std::vector<net::AddressRange> internal_addresses;  ///< internal_address_config.cidr_ranges
  bool unix_sockets_are_internal = false;
  bool represent_ipv4_as_ipv4_mapped_ipv6 = false;
  std::string via;
  std::string server_name = "envoy";
  enum class ServerHeader : uint8_t { Overwrite, AppendIfAbsent, PassThrough } server_header = ServerHeader::Overwrite;
  bool proxy_100_continue = false;
  bool normalize_path = false, merge_slashes = false;
  enum class EscapedSlashes : uint8_t {
    KeepUnchanged,
    RejectRequest,
    UnescapeAndRedirect,
    UnescapeAndForward
  } escaped_slashes = EscapedSlashes::KeepUnchanged;
  bool strip_matching_host_port = false, strip_any_host_port = false, strip_trailing_host_dot = false;
  std::string scheme_overwrite;  ///< scheme_header_transformation
  bool scheme_matches_upstream = false;
  std::vector<UpgradeConfig> upgrades;
  enum class Xfcc : uint8_t {
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForwardOnly
  } xfcc = Xfcc::Sanitize;
  bool xfcc_subject = false, xfcc_cert = false, xfcc_chain = false, xfcc_dns = false, xfcc_uri = false;
  std::vector<AccessLogConfig> access_logs;
  LocalReplyConfig local_reply;
  std::optional<base::Duration> access_log_flush_interval;  ///< a line each time, besides that of the end
  bool flush_access_log_on_new_request = false, flush_log_on_tunnel_successfully_established = false;
  RouterConfig router;
};

/// Which connections a filter chain takes; empty lists match everything.
struct FilterChainMatch {
  std::optional<uint16_t> destination_port;
  std::vector<net::AddressRange> prefix_ranges, source_prefix_ranges, direct_source_prefix_ranges;
  std::vector<std::string> server_names;  ///< lower case; "*.example.com" is a suffix
  std::string transport_protocol;         ///< "tls", "raw_buffer", "" any
  std::vector<std::string> application_protocols;
  std::vector<uint16_t> source_ports;
  enum class SourceType : uint8_t { Any, SameIpOrLoopback, External } source_type = SourceType::Any;

  bool is_empty() const {
    return !destination_port && prefix_ranges.empty() && source_prefix_ranges.empty() &&
           direct_source_prefix_ranges.empty() && server_names.empty() && transport_protocol.empty() &&
           application_protocols.empty() && source_ports.empty() && source_type == SourceType::Any;
  }
};

struct FilterChainConfig {
  std::string name;
  FilterChainMatch match;
  std::shared_ptr<const net::TlsContextConfig> tls;  ///< null: plaintext
  base::Duration transport_connect_timeout{};        ///< TLS handshake; 0: none (and see base::limits)
  std::shared_ptr<const HcmConfig> hcm;
  std::shared_ptr<const observe::Metadata> metadata;  ///< null: none
};

struct ListenerConfig {
  std::string name;
  std::string stat_prefix;  ///< empty: the address
  net::Address address;
  std::vector<net::Address> additional_addresses;
  bool has_tls_inspector = false;
  base::Duration listener_filters_timeout = base::seconds(15);  ///< 0: none
  bool continue_on_listener_filters_timeout = false;
  std::shared_ptr<const observe::Metadata> metadata;  ///< null: none
  std::vector<FilterChainConfig> filter_chains;
  std::optional<FilterChainConfig> default_filter_chain;
  uint32_t buffer_bytes = base::kConnectionBufferBytes;
  bool exact_balance = false;
  bool enable_reuse_port = true;
  uint32_t tcp_backlog = 0;            ///< 0: the system's
  uint32_t accepts_per_event_max = 0;  ///< 0: all that wait
  bool is_inbound = false;             ///< traffic_direction INBOUND: what /drain_listeners?inboundonly drains
  uint32_t unix_mode = 0;
  bool bind_to_port = true;
  std::vector<AccessLogConfig> access_logs;
  uint64_t hash = 0;
};

/// Calls `visit` with each list of access logs that a listener writes: its own, its connection managers', their
/// routers'.
template <typename Visit>
void for_each_access_log(const ListenerConfig& config, Visit visit) {
  const auto visit_chain = [&](const FilterChainConfig& chain) {
    visit(chain.hcm->access_logs);
    visit(chain.hcm->router.upstream_logs);
  };
  visit(config.access_logs);
  for (const FilterChainConfig& chain : config.filter_chains) visit_chain(chain);
  if (config.default_filter_chain) visit_chain(*config.default_filter_chain);
}

}  // namespace weft::proxy
