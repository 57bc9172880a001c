#include "sim/bootstrap.h"

#include <fmt/core.h>

namespace weft::sim {
namespace {

constexpr char kTypes[] = "\"@type\": type.googleapis.com/envoy.extensions.";

std::string join(const std::string& extra) { return extra.empty() ? std::string() : ", " + extra; }

std::string seconds_text(base::Duration duration) {
  return fmt::format("{}.{:03}s", base::to_milliseconds(duration) / 1000, base::to_milliseconds(duration) % 1000);
}

/// A PEM as a double-quoted YAML string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out + "\"";
}

std::string certificates(const net::TlsCertificate& own) {
  return "tls_certificates: [{certificate_chain: {inline_string: " + quoted(own.chain_pem) +
         "}, private_key: {inline_string: " + quoted(own.key_pem) + "}}]";
}

std::string socket(const std::string& address, uint16_t port) {
  return fmt::format("{{socket_address: {{address: {}, port_value: {}}}}}", address, port);
}

std::string transport_socket(const std::string& type, const std::string& context) {
  if (context.empty()) return "";
  return std::string(", transport_socket: {name: tls, typed_config: {") + kTypes + "transport_sockets.tls.v3." + type +
         ", " + context + "}}";
}

std::string route(const BootstrapParts& parts) {
  std::string out = "cluster: up, timeout: " + seconds_text(parts.timeout) + join(parts.route_extra);
  if (!parts.retry_on.empty()) {
    out += fmt::format(", retry_policy: {{retry_on: \"{}\", num_retries: {}{}}}", parts.retry_on, parts.retries,
                       join(parts.retry_extra));
  }
  return out;
}

std::string hcm(const BootstrapParts& parts, bool tells_attempts) {
  return std::string("{name: hcm, typed_config: {") + kTypes +
         "filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: " + parts.stat_prefix +
         ", route_config: {virtual_hosts: [{name: all, domains: [\"*\"]" +
         (tells_attempts ? ", include_request_attempt_count: true" : "") + ", routes: [{match: {prefix: /}, route: {" +
         route(parts) + "}}]}]}, http_filters: [{name: router, typed_config: {" + kTypes +
         "filters.http.router.v3.Router" + join(parts.router_extra) + "}}], access_log: [{name: log, typed_config: {" +
         kTypes +
         "access_loggers.file.v3.FileAccessLog, path: sim, log_format: {text_format_source: {inline_string: \"" +
         kLogFormat + "\\n\"}}}}]" + join(parts.hcm_extra) + "}}";
}

std::string cluster(const BootstrapParts& parts) {
  std::string endpoints;
  for (const std::string& upstream : parts.upstreams) {
    if (!endpoints.empty()) endpoints += ", ";
    endpoints += "{endpoint: {address: " + socket(upstream, parts.upstream_port) + "}}";
  }
  std::string out = "{name: up, connect_timeout: 1s, type: " + std::string(parts.is_dns ? "STRICT_DNS" : "STATIC") +
                    ", load_assignment: {cluster_name: up, endpoints: [{lb_endpoints: [" + endpoints +
                    "]}]}, circuit_breakers: {thresholds: [{track_remaining: true" + join(parts.thresholds) + "}]}" +
                    transport_socket("UpstreamTlsContext", parts.upstream_tls) + join(parts.cluster_extra);
  if (parts.upstream_h2) {
    out += std::string(
               ", typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: "
               "{") +
           kTypes +
           "upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: "
           "{initial_stream_window_size: 262144}}}}";
  }
  return out + "}";
}

}  // namespace

std::string make_bootstrap(const BootstrapParts& parts, bool tells_attempts) {
  return "static_resources:\n  listeners:\n  - {name: in, address: " + socket(parts.listen_ip, parts.listen_port) +
         ", filter_chains: [{name: chain, filters: [" + hcm(parts, tells_attempts) + "]" +
         transport_socket("DownstreamTlsContext", parts.downstream_tls) + "}]" + join(parts.listener_extra) +
         "}\n  clusters:\n  - " + cluster(parts) + "\n";
}

net::TlsCertificate Identities::issue(const std::string& name, base::Duration lifetime) {
  net::TestLeaf leaf;
  leaf.common_name = name;
  leaf.dns = {name + ".sim.example"};
  leaf.uris = {uri_of(name)};
  leaf.not_after = net::kTestNow + lifetime;
  return authority_.issue(leaf);
}

std::string Identities::server_context(const net::TlsCertificate& own, bool wants_client,
                                       const std::string& extra) const {
  std::string common = "alpn_protocols: [h2, http/1.1], " + certificates(own);
  if (wants_client) common += ", validation_context: {trusted_ca: {inline_string: " + quoted(authority_.pem()) + "}}";
  return std::string("require_client_certificate: ") + (wants_client ? "true" : "false") + join(extra) +
         ", common_tls_context: {" + common + "}";
}

std::string Identities::client_context(const net::TlsCertificate& own, const std::string& peer,
                                       const std::string& extra) const {
  return "sni: " + peer + ".sim.example" + join(extra) +
         ", common_tls_context: {tls_params: {tls_maximum_protocol_version: TLSv1_3}, " + certificates(own) +
         ", validation_context: {trusted_ca: {inline_string: " + quoted(authority_.pem()) +
         "}, match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: \"" + uri_of(peer) + "\"}}]}}";
}

std::shared_ptr<net::TlsContextConfig> Identities::client_config(const std::string& peer,
                                                                 const net::TlsCertificate* own) const {
  auto config = std::make_shared<net::TlsContextConfig>();
  config->trusted_ca_pem = authority_.pem();
  config->max_version = net::TlsVersion::Tls1_3;
  config->peer.session_scope = "client";
  config->peer.san_matchers = {{net::SanType::Uri, net::SanMatcher::Kind::Exact, uri_of(peer), false, "", nullptr}};
  if (own != nullptr) config->certificates = {*own};
  return config;
}

}  // namespace weft::sim
