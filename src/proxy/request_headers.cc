#include "proxy/request_headers.h"

#include <algorithm>

#include "proxy/ascii.h"
#include "proxy/request_id.h"
#include "proxy/retry_policy.h"
#include "proxy/xfcc.h"

namespace weft::proxy {

namespace {

using http::header_name;
using http::HeaderId;

/// Connection options that name no header.
bool is_connection_option(std::string_view token) {
  return token == "close" || token == "keep-alive" || token == "upgrade" || token == "http2-settings";
}

bool lists_trailers(std::string_view te) {
  bool found = false;
  for_each_part(te, ',', [&](std::string_view part) {
    found = equals_ignoring_case(trim(part.substr(0, part.find(';'))), "trailers");
    return !found;
  });
  return found;
}

void sanitize_te(http::RequestHead& head) {
  if (!head.has(HeaderId::Te)) return;
  bool has_trailers = false;
  head.for_each([&](const http::Header& line) {
    has_trailers = has_trailers || (line.id == HeaderId::Te && lists_trailers(line.value));
  });
  if (has_trailers) head.set(HeaderId::Te, "trailers");
  else head.remove(HeaderId::Te);
}

void remove_if_present(http::HeaderMap& headers, HeaderId id) {
  if (headers.has(id)) headers.remove(id);
}

void remove_hop_by_hop(http::RequestHead& head) {
  if (!head.is_upgrade()) {
    remove_if_present(head, HeaderId::Connection);
    remove_if_present(head, HeaderId::Upgrade);
  }
  constexpr http::HeaderIdSet kHopByHop{HeaderId::XEnvoyInternal, HeaderId::KeepAlive, HeaderId::ProxyConnection,
                                        HeaderId::TransferEncoding, HeaderId::Http2Settings};
  head.remove_all(kHopByHop);
  sanitize_te(head);
}

/// A referer is one URL without user or fragment, or it goes.
void sanitize_referer(http::RequestHead& head) {
  const auto referer = head.find(HeaderId::Referer);
  if (!referer) return;
  const size_t scheme = referer->find("://");
  bool is_valid = head.count(HeaderId::Referer) == 1 && referer->find_first_of("# \t") == std::string_view::npos;
  if (scheme != std::string_view::npos) {
    const std::string_view rest = referer->substr(scheme + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    is_valid = is_valid && scheme > 0 && !authority.empty() && authority.find('@') == std::string_view::npos;
  } else {
    is_valid = is_valid && referer->starts_with('/');
  }
  if (!is_valid) head.remove(HeaderId::Referer);
}

/// x-forwarded-for as one line; clients may send several.
void join_forwarded_for(http::RequestHead& head) {
  if (head.count(HeaderId::XForwardedFor) < 2) return;
  std::string all;
  head.for_each([&](const http::Header& line) {
    if (line.id != HeaderId::XForwardedFor) return;
    if (!all.empty()) all += ',';
    all += line.value;
  });
  head.set(HeaderId::XForwardedFor, all);
}

struct ForwardedAddress {
  net::Address address;  ///< Family::None: nothing usable
  bool is_single = false;
};

/// The address before the last `skip` ones of x-forwarded-for.
ForwardedAddress last_forwarded_for(const http::RequestHead& head, uint32_t skip) {
  if (!head.has(HeaderId::XForwardedFor)) return {};
  std::string_view text = head.get(HeaderId::XForwardedFor);
  for (uint32_t i = 0; i < skip; ++i) {
    const size_t comma = text.rfind(',');
    if (comma == std::string_view::npos) return {};
    text = text.substr(0, comma);
  }
  const size_t comma = text.rfind(',');
  const bool is_single = comma == std::string_view::npos && skip == 0;
  if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  auto address = net::Address::parse(trim(text), 0);
  if (!address) return {};
  return {std::move(*address), is_single};
}

std::string address_text(const net::Address& address, const HcmConfig& config) {
  const bool is_mapped = config.represent_ipv4_as_ipv4_mapped_ipv6 && address.family() == net::Address::Family::V4;
  return is_mapped ? "::ffff:" + address.ip() : address.ip();
}

void append_forwarded_for(http::RequestHead& head, const HcmConfig& config, const DownstreamPeer& peer) {
  if (!peer.remote.is_ip()) return;
  if (head.has(HeaderId::XForwardedFor) && head.get(HeaderId::XForwardedFor).empty())
    head.remove(HeaderId::XForwardedFor);
  if (peer.remote.is_loopback() && !peer.machine_ip.empty())
    head.append(header_name(HeaderId::XForwardedFor), peer.machine_ip);
  else head.append(header_name(HeaderId::XForwardedFor), address_text(peer.remote, config));
}

bool is_internal_address(const net::Address& address, const HcmConfig& config) {
  if (address.family() == net::Address::Family::Unix) return config.unix_sockets_are_internal;
  return std::any_of(config.internal_addresses.begin(), config.internal_addresses.end(),
                     [&](const net::AddressRange& range) { return range.contains(address); });
}

bool is_scheme(std::string_view text) {
  return equals_ignoring_case(text, "http") || equals_ignoring_case(text, "https");
}

void set_scheme(http::RequestHead& head, const HcmConfig& config, std::string_view of_connection) {
  if (!config.scheme_overwrite.empty()) {
    head.set(HeaderId::Scheme, config.scheme_overwrite);
    head.set(HeaderId::XForwardedProto, config.scheme_overwrite);
  }
  // In HTTP/1 the codec has put in what the connection is; a proxy in front of this one knows better.
  const bool is_guessed = head.version != http::Version::Http2 && head.scheme() == of_connection;
  if (!head.scheme().empty() && !is_guessed) return;
  if (is_guessed && head.get(HeaderId::XForwardedProto) == of_connection) return;  // the usual case
  const std::string forwarded = to_lower(head.get(HeaderId::XForwardedProto));
  head.set(HeaderId::Scheme, is_scheme(forwarded) ? std::string_view(forwarded) : of_connection);
}

/// What only internal callers may say.
void remove_internal_headers(http::RequestHead& head, bool is_edge,
                             const std::vector<std::string>& internal_only_headers) {
  constexpr http::HeaderIdSet kOfTheMesh{HeaderId::XEnvoyDecoratorOperation, HeaderId::XEnvoyDownstreamServiceCluster,
                                         HeaderId::XEnvoyDownstreamServiceNode, HeaderId::XEnvoyOriginalHost,
                                         HeaderId::XEnvoyOriginalPath};
  constexpr http::HeaderIdSet kControls{HeaderId::XEnvoyRetriableStatusCodes,
                                        HeaderId::XEnvoyRetriableHeaderNames,
                                        HeaderId::XEnvoyRetryOn,
                                        HeaderId::XEnvoyRetryGrpcOn,
                                        HeaderId::XEnvoyMaxRetries,
                                        HeaderId::XEnvoyUpstreamAltStatName,
                                        HeaderId::XEnvoyUpstreamRqTimeoutMs,
                                        HeaderId::XEnvoyUpstreamRqPerTryTimeoutMs,
                                        HeaderId::XEnvoyExpectedRqTimeoutMs,
                                        HeaderId::XEnvoyUpstreamRqTimeoutAltResponse,
                                        HeaderId::XEnvoyForceTrace,
                                        HeaderId::XEnvoyHedgeOnPerTryTimeout,
                                        HeaderId::XEnvoyIpTags,
                                        HeaderId::XEnvoyUpstreamStreamDurationMs,
                                        HeaderId::XEnvoyOriginalUrl};
  if (is_edge) head.remove_all(kOfTheMesh);
  head.remove_all(kControls);
  for (const std::string& name : internal_only_headers) head.remove(std::string_view(name));
}

/// add_user_agent: who this proxy is, for whoever is called next.
void add_user_agent(http::RequestHead& head, const HcmConfig& config) {
  if (config.user_agent.empty()) return;
  head.set(HeaderId::XEnvoyDownstreamServiceCluster, config.user_agent);
  if (head.get(HeaderId::UserAgent).empty()) head.set(HeaderId::UserAgent, config.user_agent);
  if (!config.node_id.empty()) head.set(HeaderId::XEnvoyDownstreamServiceNode, config.node_id);
}

void append_via(http::HeaderMap& headers, std::string_view via) {
  if (via.empty()) return;
  const auto present = headers.find(HeaderId::Via);
  headers.set(HeaderId::Via,
              present && !present->empty() ? std::string(*present) + ", " + std::string(via) : std::string(via));
}

}  // namespace

void normalize_host(http::RequestHead& head, const HcmConfig& config, uint16_t local_port) {
  if (!config.strip_trailing_host_dot && !config.strip_any_host_port && !config.strip_matching_host_port) return;
  std::string host(head.authority());
  const size_t size = host.size();
  if (config.strip_trailing_host_dot) {
    const size_t end = std::min(port_start(host), host.size());
    if (end > 0 && host[end - 1] == '.') host.erase(end - 1, 1);
  }
  // The port of a CONNECT says where to connect: it stays.
  if ((config.strip_any_host_port || config.strip_matching_host_port) && head.method() != "CONNECT") {
    const size_t colon = port_start(host);
    if (colon != std::string::npos) {
      const auto port = parse_number<uint16_t>(std::string_view(host).substr(colon + 1));
      if (port && (config.strip_any_host_port || *port == local_port)) host.resize(colon);
    }
  }
  if (host.size() != size) head.set(HeaderId::Authority, host);
}

bool remove_connection_named_headers(http::RequestHead& head) {
  constexpr size_t kNamedHeadersMax = 10;  // Envoy's bound
  if (!head.has(HeaderId::Connection)) return true;
  size_t count = 0;
  bool is_allowed = true;
  std::vector<std::string> named;
  head.for_each([&](const http::Header& line) {
    if (line.id != HeaderId::Connection) return;
    for_each_part(line.value, ',', [&](std::string_view token) {
      const std::string name = to_lower(token);
      if (++count >= kNamedHeadersMax) is_allowed = false;
      if (name.starts_with(':') || name == "x-forwarded-for" || name == "x-forwarded-host" ||
          name == "x-forwarded-proto")
        is_allowed = false;
      if (!is_connection_option(name) && name != "connection" && name != "te") named.push_back(name);
      return is_allowed;
    });
  });
  if (!is_allowed) return false;
  for (const std::string& name : named) head.remove(std::string_view(name));
  sanitize_te(head);
  return true;
}

RequestOrigin mutate_request_headers(http::RequestHead& head, const HcmConfig& config,
                                     const std::vector<std::string>& internal_only_headers, const DownstreamPeer& peer,
                                     base::Random& random) {
  const std::string_view scheme = peer.tls != nullptr ? "https" : "http";
  remove_hop_by_hop(head);
  sanitize_referer(head);
  join_forwarded_for(head);

  net::Address remote;
  bool may_be_internal = false;
  if (config.use_remote_address) {
    may_be_internal = !head.has(HeaderId::XForwardedFor);
    if (config.xff_num_trusted_hops > 0) remote = last_forwarded_for(head, config.xff_num_trusted_hops - 1).address;
    if (remote.family() == net::Address::Family::None) remote = peer.remote;
    if (!config.skip_xff_append) append_forwarded_for(head, config, peer);
    if (config.xff_num_trusted_hops == 0 || !head.has(HeaderId::XForwardedProto))
      head.set(HeaderId::XForwardedProto, scheme);
    if (config.xff_num_trusted_hops == 0 && config.append_x_forwarded_port)
      remove_if_present(head, HeaderId::XForwardedPort);  // no trusted proxy in front has set it
  } else {
    ForwardedAddress forwarded = last_forwarded_for(head, config.xff_num_trusted_hops);
    remote = std::move(forwarded.address);
    may_be_internal = forwarded.is_single;
  }
  if (!head.has(HeaderId::XForwardedProto)) head.set(HeaderId::XForwardedProto, scheme);
  if (config.append_x_forwarded_port && !head.has(HeaderId::XForwardedPort) && peer.local.is_ip())
    head.set(HeaderId::XForwardedPort, std::to_string(peer.local.port()));
  set_scheme(head, config, scheme);

  RequestOrigin origin;
  origin.is_internal =
      may_be_internal && remote.family() != net::Address::Family::None && is_internal_address(remote, config);
  if (remote.family() == net::Address::Family::None) remote = peer.remote;
  origin.is_edge = !origin.is_internal && config.use_remote_address;
  origin.remote = std::move(remote);
  if (origin.is_internal) head.set(HeaderId::XEnvoyInternal, "true");
  else remove_internal_headers(head, origin.is_edge, internal_only_headers);

  add_user_agent(head, config);
  append_via(head, config.via);
  if (origin.is_edge && origin.remote.is_ip()) head.set(HeaderId::XEnvoyExternalAddress, origin.remote.ip());
  set_request_id(head, config, origin.is_edge, random);
  set_forwarded_client_cert(head, config, peer.tls);
  return origin;
}

void mutate_response_headers(http::ResponseHead& response, const http::RequestHead& request, const HcmConfig& config,
                             std::string_view date) {
  if (!response.has(HeaderId::Date)) response.set(HeaderId::Date, date);
  using Server = HcmConfig::ServerHeader;
  if (config.server_header == Server::Overwrite ||
      (config.server_header == Server::AppendIfAbsent && !response.has(HeaderId::Server))) {
    response.set(HeaderId::Server, config.server_name);
  }
  const bool is_upgrade = request.is_upgrade() && response.has(HeaderId::Upgrade);
  if (!is_upgrade) {
    remove_if_present(response, HeaderId::Connection);
    remove_if_present(response, HeaderId::Upgrade);
  }
  constexpr http::HeaderIdSet kHopByHop{HeaderId::TransferEncoding, HeaderId::KeepAlive, HeaderId::ProxyConnection};
  response.remove_all(kHopByHop);
  const bool wants_id = config.always_set_request_id_in_response || request.has(HeaderId::XEnvoyForceTrace);
  if (const auto id = request.find(HeaderId::XRequestId); id && wants_id) response.set(HeaderId::XRequestId, *id);
  append_via(response, config.via);
}

std::optional<InvalidHeader> find_invalid_header(const std::vector<std::string>& strict_check_headers,
                                                 const http::RequestHead& head) {
  for (const std::string& name : strict_check_headers) {
    const auto value = head.find(name);
    if (!value) continue;
    std::string unknown;
    bool is_valid = true;
    if (name == "x-envoy-retry-on" || name == "x-envoy-retry-grpc-on") {
      parse_retry_on(*value, &unknown);
      is_valid = unknown.empty();
    } else {
      is_valid = parse_uint64(*value).has_value();
    }
    if (!is_valid) return InvalidHeader{name, std::string(*value)};
  }
  return std::nullopt;
}

}  // namespace weft::proxy
