#include <fmt/format.h>

#include "xds/digest.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

constexpr std::string_view kTlsInspector = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
constexpr std::string_view kHcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
constexpr std::string_view kRawBuffer = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
constexpr std::string_view kDownstreamTls = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

void translate_listener_filters(const View& view, proxy::ListenerConfig& listener) {
  for (const View& filter : view.messages("listener_filters")) {
    filter.accept("name", kNameless);
    const View payload = required_payload(filter, "typed_config");
    if (!payload) continue;
    if (payload.type() != kTlsInspector) {
      refuse_type(payload, "the TLS inspector is");
      continue;
    }
    listener.has_tls_inspector = true;
    payload.accept("initial_read_buffer_size", "the loop supplies buffers when data is there");
  }
}

std::vector<std::string> translate_server_names(const View& match) {
  std::vector<std::string> names;
  const std::vector<std::string> given = match.texts("server_names");
  for (size_t i = 0; i < given.size(); ++i) {
    const bool is_wildcard = given[i].starts_with("*.");
    if (given[i].find('*', is_wildcard ? 1 : 0) != std::string::npos) {
      match.fault(
          fmt::format("server_names[{}]", i),
          fmt::format("{}: a wildcard must be the whole first label, as \"*.example.com\"", in_quotes(given[i])));
    }
    names.push_back(lower_case(given[i]));
  }
  return names;
}

proxy::FilterChainMatch translate_match(const View& view) {
  proxy::FilterChainMatch match;
  if (!view) return match;
  if (const auto port = view.wrapped_number("destination_port")) match.destination_port = static_cast<uint16_t>(*port);
  match.prefix_ranges = translate_ranges(view, "prefix_ranges");
  match.direct_source_prefix_ranges = translate_ranges(view, "direct_source_prefix_ranges");
  match.source_prefix_ranges = translate_ranges(view, "source_prefix_ranges");
  for (int64_t port : view.numbers("source_ports")) match.source_ports.push_back(static_cast<uint16_t>(port));
  using SourceType = proxy::FilterChainMatch::SourceType;
  const std::string source = view.choice("source_type");
  match.source_type = source == "EXTERNAL"              ? SourceType::External
                      : source == "SAME_IP_OR_LOOPBACK" ? SourceType::SameIpOrLoopback
                                                        : SourceType::Any;
  match.server_names = translate_server_names(view);
  match.transport_protocol = view.text("transport_protocol");
  match.application_protocols = view.texts("application_protocols");
  return match;
}

void translate_transport_socket(const View& view, Translation& run, proxy::FilterChainConfig& chain) {
  const View socket = view.message("transport_socket");
  if (!socket) return;
  socket.accept("name", kNameless);
  const View payload = required_payload(socket, "typed_config");
  if (!payload || payload.type() == kRawBuffer) return;
  if (payload.type() != kDownstreamTls) return refuse_type(payload, "DownstreamTlsContext and RawBuffer are");
  chain.tls = translate_downstream_tls(payload, run, fmt::format("{}|{}", run.listener_name, view.path()));
}

void translate_network_filters(const View& view, Translation& run, proxy::FilterChainConfig& chain) {
  const std::vector<View> filters = view.messages("filters");
  if (filters.empty()) view.absent("filters", "must hold an HttpConnectionManager");
  for (size_t i = 0; i < filters.size(); ++i) {
    filters[i].accept("name", kNameless);
    const View payload = required_payload(filters[i], "typed_config");
    if (!payload) continue;
    if (payload.type() != kHcm) {
      refuse_type(payload, "HttpConnectionManager is");
      continue;
    }
    if (i + 1 < filters.size())
      filters[i + 1].fault("stands behind the HttpConnectionManager, which must be the last filter");
    chain.hcm = translate_hcm(payload, run);
  }
}

proxy::FilterChainConfig translate_filter_chain(const View& view, Translation& run) {
  proxy::FilterChainConfig chain;
  chain.name = view.text("name");
  chain.match = translate_match(view.message("filter_chain_match"));
  chain.transport_connect_timeout = duration_or(view, "transport_socket_connect_timeout", {});
  chain.metadata = translate_metadata(view);
  translate_transport_socket(view, run, chain);
  translate_network_filters(view, run, chain);
  return chain;
}

/// Two chains that take the same connections are a mistake in one of them.
void check_distinct_matches(const std::vector<View>& chains) {
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < chains.size(); ++i) {
    const auto [other, is_first] = seen.emplace(chains[i].message("filter_chain_match").serialized(), i);
    if (!is_first)
      chains[i].fault("filter_chain_match", fmt::format("the same as that of filter_chains[{}]", other->second));
  }
}

void translate_socket(const View& view, proxy::ListenerConfig& listener) {
  if (const View address = view.message("address")) {
    if (const auto parsed = translate_address(address)) listener.address = *parsed;
    if (const View pipe = address.message("pipe")) listener.unix_mode = static_cast<uint32_t>(pipe.number("mode"));
  } else {
    view.absent("address", "is required");
  }
  for (const View& additional : view.messages("additional_addresses")) {
    if (const auto parsed = translate_address(additional.message("address")))
      listener.additional_addresses.push_back(*parsed);
  }
  const View balance = view.message("connection_balance_config");
  listener.exact_balance = balance.has("exact_balance");
  view.accept("reuse_port", "deprecated; enable_reuse_port decides");
  listener.enable_reuse_port = flag_or(view, "enable_reuse_port", true);
  listener.tcp_backlog = number_or(view, "tcp_backlog_size", 0);
  listener.accepts_per_event_max = number_or(view, "max_connections_to_accept_per_socket_event", 0);
  listener.bind_to_port = flag_or(view, "bind_to_port", flag_or(view.message("deprecated_v1"), "bind_to_port", true));
  view.accept("ignore_global_conn_limit", "there is no global limit of connections");
  view.accept("bypass_overload_manager", "there is no overload manager");
}

}  // namespace

std::shared_ptr<const proxy::ListenerConfig> translate_listener(const View& view, Translation& run) {
  auto listener = std::make_shared<proxy::ListenerConfig>();
  translate_socket(view, *listener);
  listener->name = view.text("name");
  if (listener->name.empty()) listener->name = listener->address.to_string();
  run.listener_name = listener->name;
  listener->stat_prefix = view.text("stat_prefix");
  listener->buffer_bytes = number_or(view, "per_connection_buffer_limit_bytes", listener->buffer_bytes);
  run.buffer_bytes = listener->buffer_bytes;
  listener->listener_filters_timeout = duration_or(view, "listener_filters_timeout", base::seconds(15));
  listener->continue_on_listener_filters_timeout = view.flag("continue_on_listener_filters_timeout");
  listener->metadata = translate_metadata(view);
  listener->is_inbound = view.choice("traffic_direction") == "INBOUND";
  translate_listener_filters(view, *listener);
  listener->access_logs = translate_access_logs(view, "access_log");

  const std::vector<View> chains = view.messages("filter_chains");
  for (const View& chain : chains) listener->filter_chains.push_back(translate_filter_chain(chain, run));
  check_distinct_matches(chains);
  if (const View chain = view.message("default_filter_chain"))
    listener->default_filter_chain = translate_filter_chain(chain, run);
  if (chains.empty() && !listener->default_filter_chain)
    view.absent("filter_chains", "must have at least 1 item, or there must be a default_filter_chain");
  listener->hash = digest(view.serialized());
  return listener;
}

}  // namespace weft::xds
