// Purpose: what the files of the translation share: the state of one run and the parts that several messages have in
//          common. Private to src/xds.
// Thread:  any, one run at a time.   Owner: translate_bootstrap.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "http/connection.h"
#include "net/address.h"
#include "observe/access_log_filter.h"
#include "proxy/snapshot.h"
#include "xds/load.h"
#include "xds/tracker.h"

namespace weft::xds {

/// One run of the translation.
struct Translation {
  std::map<std::string, View> secrets;  ///< static_resources.secrets by name
  std::set<std::string> used_secrets;
  std::set<std::string> cluster_names;
  std::string listener_name;  ///< of the listener at hand
  uint32_t buffer_bytes = 0;  ///< the same: its per_connection_buffer_limit_bytes
  net::ResolverOptions dns;   ///< of clusters that do not say otherwise
  proxy::NodeInfo node;
};

// ---- translate_common.cc: parts that many messages have ----

std::string lower_case(std::string_view text);

/// core.v3.Address that must be an IP or a unix socket. Nothing after a fault.
std::optional<net::Address> translate_address(const View& address);
/// A port and IP or name, unresolved.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
std::optional<HostPort> translate_socket_address(const View& socket_address);
std::vector<net::AddressRange> translate_ranges(const View& parent, std::string_view field);

/// The bytes behind core.v3.DataSource, and what to call them in messages. Empty content where absent.
struct Data {
  std::string bytes;
  std::string source = "<inline>";
};
std::optional<Data> translate_data(const View& parent, std::string_view field);
/// The bytes of each item of a list of DataSource.
std::vector<std::string> translate_data_list(const View& parent, std::string_view field);

/// core.v3.RuntimeFractionalPercent and type.v3.FractionalPercent.
proxy::Fraction translate_fraction(const View& fractional_percent);
proxy::Fraction translate_runtime_fraction(const View& runtime_fractional_percent);
/// core.v3.RuntimeUInt32, RuntimeDouble: the default value; Weft has no runtime layers that could change it.
uint32_t translate_runtime_number(const View& runtime_value);
double translate_runtime_real(const View& runtime_value);
constexpr std::string_view kNoRuntime = "Weft has no runtime layers: the default value holds";
/// core.v3.Metadata in the field "metadata", for the operators of formats that ask for it; null: none.
std::shared_ptr<const observe::Metadata> translate_metadata(const View& parent);
constexpr std::string_view kMetadata = "informative: no format can show this metadata";
constexpr std::string_view kNameless = "extensions are found by the type of their configuration";

std::shared_ptr<const proxy::Regex> translate_regex(const View& regex_matcher);
/// type.matcher.v3.RegexMatchAndSubstitute.
struct Substitution {
  std::shared_ptr<const proxy::Regex> regex;
  std::string text;
};
Substitution translate_substitution(const View& match_and_substitute);
proxy::StringMatcher translate_string_matcher(const View& string_matcher);
std::vector<proxy::HeaderMatcher> translate_header_matchers(const View& parent, std::string_view field);
proxy::HeaderMatcher translate_header_matcher(const View& header_matcher);

/// A number of a wrapper that must fit; the default where absent.
uint32_t number_or(const View& view, std::string_view field, uint32_t otherwise);
bool flag_or(const View& view, std::string_view field, bool otherwise);
base::Duration duration_or(const View& view, std::string_view field, base::Duration otherwise);

/// Refuses the payload of an Any because of its type; `known` says what would do.
void refuse_type(const View& payload, std::string_view known);
/// The payload of `field`, with a fault where there is none.
View required_payload(const View& view, std::string_view field);

// ---- translate_http_options.cc: protocol options of listeners and clusters ----

void translate_h1_options(const View& options, http::H1Options& h1);
void translate_h2_options(const View& options, http::H2Options& h2);
/// core.v3.HttpProtocolOptions' limits on heads; the durations are read by the caller.
void translate_head_limits(const View& common, http::H1Options& h1, http::H2Options& h2);

// ---- one file each ----

std::shared_ptr<const proxy::ListenerConfig> translate_listener(const View& listener, Translation& run);
std::shared_ptr<const proxy::HcmConfig> translate_hcm(const View& hcm, Translation& run);
std::shared_ptr<const proxy::RouteTable> translate_routes(const View& route_configuration, Translation& run);
std::shared_ptr<const proxy::ClusterConfig> translate_cluster(const View& cluster, Translation& run);
std::shared_ptr<const proxy::RetryPolicy> translate_retry_policy(const View& retry_policy);
proxy::HeaderMutations translate_mutations(const View& view, std::string_view direction);
std::vector<proxy::AccessLogConfig> translate_access_logs(const View& parent, std::string_view field);
/// accesslog.v3.AccessLogFilter; null where it has no kind, or (with a fault to come) one that Weft does not have.
std::shared_ptr<const observe::AccessLogFilter> translate_log_filter(const View& view);
/// core.v3.SubstitutionFormatString without its content_type, which not every user has.
std::shared_ptr<const observe::Format> translate_format(const View& view);
/// The items of a list of HeaderValueOption.
std::vector<proxy::HeaderAdd> translate_header_adds(const View& parent, std::string_view field);
/// Where `typed_per_filter_config` says something for a filter that Weft has.
proxy::FilterConfigTable translate_per_filter_config(const View& view);
/// The factory of an HTTP filter by its payload's type; null (with a fault) where Weft has none.
std::shared_ptr<const proxy::FilterFactory> translate_http_filter(const View& payload);
/// A cluster's type, name resolution and load assignment.
void translate_discovery(const View& cluster, const Translation& run, proxy::ClusterConfig& config);
/// dns_resolution_config and typed_dns_resolver_config, which bootstraps and clusters both have.
void translate_dns_resolution(const View& view, net::ResolverOptions& dns);

// ---- translate_tls.cc ----

/// DownstreamTlsContext.
/// `scope` keeps its sessions apart from those of other filter chains.
std::shared_ptr<const net::TlsContextConfig> translate_downstream_tls(const View& context, Translation& run,
                                                                      std::string scope);
/// UpstreamTlsContext; SNI and its relatives go to `cluster`.
void translate_upstream_tls(const View& context, Translation& run, proxy::ClusterConfig& cluster);

}  // namespace weft::xds
