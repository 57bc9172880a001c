#include <fmt/format.h>

#include "xds/translation.h"

namespace weft::xds {

namespace {

using proxy::HcmConfig;

constexpr std::string_view kRouter = "envoy.extensions.filters.http.router.v3.Router";
constexpr std::string_view kUuid = "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig";

void translate_protocols(const View& view, HcmConfig& hcm) {
  const std::string codec = view.choice("codec_type");
  hcm.codec = codec == "HTTP1"   ? HcmConfig::Codec::Http1
              : codec == "HTTP2" ? HcmConfig::Codec::Http2
                                 : HcmConfig::Codec::Auto;
  if (codec == "HTTP3") view.fault("codec_type", "HTTP3: not implemented by Weft");
  const bool is_stream_error = flag_or(view, "stream_error_on_invalid_http_message", false);
  hcm.h1.stream_error_on_invalid_message = hcm.h2.stream_error_on_invalid_message = is_stream_error;
  translate_h1_options(view.message("http_protocol_options"), hcm.h1);
  translate_h2_options(view.message("http2_protocol_options"), hcm.h2);
  constexpr size_t kKilo = 1024;
  hcm.h1.head_bytes_max = hcm.h2.head_bytes_max =
      number_or(view, "max_request_headers_kb", static_cast<uint32_t>(base::kRequestHeadBytesMax / kKilo)) * kKilo;
  const View common = view.message("common_http_protocol_options");
  translate_head_limits(common, hcm.h1, hcm.h2);
  if (const auto idle = common.duration("idle_timeout"))
    hcm.idle_timeout = idle->count() > 0 ? std::optional(*idle) : std::nullopt;
  hcm.max_connection_duration = common.duration("max_connection_duration");
  hcm.max_stream_duration = common.duration("max_stream_duration");
  hcm.max_requests_per_connection = number_or(common, "max_requests_per_connection", 0);
}

void translate_timeouts(const View& view, HcmConfig& hcm) {
  hcm.request_timeout = duration_or(view, "request_timeout", {});
  hcm.request_headers_timeout = duration_or(view, "request_headers_timeout", {});
  hcm.stream_idle_timeout = duration_or(view, "stream_idle_timeout", base::seconds(300));
  hcm.drain_timeout = duration_or(view, "drain_timeout", base::seconds(5));
  hcm.delayed_close_timeout = duration_or(view, "delayed_close_timeout", base::seconds(1));
}

void translate_trust(const View& view, HcmConfig& hcm) {
  hcm.use_remote_address = flag_or(view, "use_remote_address", false);
  hcm.skip_xff_append = view.flag("skip_xff_append");
  hcm.append_x_forwarded_port = view.flag("append_x_forwarded_port");
  hcm.xff_num_trusted_hops = static_cast<uint32_t>(view.number("xff_num_trusted_hops"));
  hcm.represent_ipv4_as_ipv4_mapped_ipv6 = view.flag("represent_ipv4_remote_address_as_ipv4_mapped_ipv6");
  if (const View internal = view.message("internal_address_config")) {
    hcm.unix_sockets_are_internal = internal.flag("unix_sockets");
    hcm.internal_addresses = translate_ranges(internal, "cidr_ranges");
  }
  using Xfcc = HcmConfig::Xfcc;
  static const std::map<std::string, Xfcc> kDetails = {{"SANITIZE", Xfcc::Sanitize},
                                                       {"FORWARD_ONLY", Xfcc::ForwardOnly},
                                                       {"APPEND_FORWARD", Xfcc::AppendForward},
                                                       {"SANITIZE_SET", Xfcc::SanitizeSet},
                                                       {"ALWAYS_FORWARD_ONLY", Xfcc::AlwaysForwardOnly}};
  if (const auto found = kDetails.find(view.choice("forward_client_cert_details")); found != kDetails.end())
    hcm.xfcc = found->second;
  if (const View details = view.message("set_current_client_cert_details")) {
    hcm.xfcc_subject = flag_or(details, "subject", false);
    hcm.xfcc_cert = details.flag("cert");
    hcm.xfcc_chain = details.flag("chain");
    hcm.xfcc_dns = details.flag("dns");
    hcm.xfcc_uri = details.flag("uri");
  }
}

void translate_request_ids(const View& view, HcmConfig& hcm) {
  hcm.generate_request_id = flag_or(view, "generate_request_id", true);
  hcm.preserve_external_request_id = view.flag("preserve_external_request_id");
  hcm.always_set_request_id_in_response = view.flag("always_set_request_id_in_response");
  if (const View extension = view.message("request_id_extension")) {
    const View payload = required_payload(extension, "typed_config");
    if (payload && payload.type() != kUuid) return refuse_type(payload, "UuidRequestIdConfig is");
    payload.accept("pack_trace_reason", "Weft samples no traces, so there is no reason to pack");
    payload.accept("use_request_id_for_trace_sampling", "Weft samples no traces");
  }
}

void translate_heads(const View& view, HcmConfig& hcm) {
  hcm.via = view.text("via");
  if (const std::string name = view.text("server_name"); !name.empty()) hcm.server_name = name;
  using ServerHeader = HcmConfig::ServerHeader;
  const std::string server = view.choice("server_header_transformation");
  hcm.server_header = server == "APPEND_IF_ABSENT" ? ServerHeader::AppendIfAbsent
                      : server == "PASS_THROUGH"   ? ServerHeader::PassThrough
                                                   : ServerHeader::Overwrite;
  hcm.proxy_100_continue = view.flag("proxy_100_continue");
  if (const View scheme = view.message("scheme_header_transformation")) {
    hcm.scheme_overwrite = scheme.text("scheme_to_overwrite");
    hcm.scheme_matches_upstream = scheme.flag("match_upstream");
  }
  hcm.normalize_path = flag_or(view, "normalize_path", false);
  hcm.merge_slashes = view.flag("merge_slashes");
  using Slashes = HcmConfig::EscapedSlashes;
  const std::string slashes = view.choice("path_with_escaped_slashes_action");
  hcm.escaped_slashes = slashes == "REJECT_REQUEST"          ? Slashes::RejectRequest
                        : slashes == "UNESCAPE_AND_REDIRECT" ? Slashes::UnescapeAndRedirect
                        : slashes == "UNESCAPE_AND_FORWARD"  ? Slashes::UnescapeAndForward
                                                             : Slashes::KeepUnchanged;
  hcm.strip_matching_host_port = view.flag("strip_matching_host_port");
  hcm.strip_any_host_port = view.flag("strip_any_host_port");
  hcm.strip_trailing_host_dot = view.flag("strip_trailing_host_dot");
  if (hcm.strip_matching_host_port && hcm.strip_any_host_port)
    view.fault("strip_any_host_port", "only one of strip_matching_host_port and strip_any_host_port may be set");
  for (const View& upgrade : view.messages("upgrade_configs")) {
    proxy::UpgradeConfig config;
    config.type = lower_case(upgrade.text("upgrade_type"));
    config.enabled = flag_or(upgrade, "enabled", true);
    for (const proxy::UpgradeConfig& other : hcm.upgrades) {
      if (other.type == config.type)
        upgrade.fault("upgrade_type", fmt::format("{}: given twice", in_quotes(config.type)));
    }
    hcm.upgrades.push_back(std::move(config));
  }
}

void translate_logs(const View& view, HcmConfig& hcm) {
  hcm.access_logs = translate_access_logs(view, "access_log");
  // Two fields have a deprecated spelling of their own; only one spelling may be used.
  const View options = view.message("access_log_options");
  for (std::string_view field : {"access_log_flush_interval", "flush_access_log_on_new_request"}) {
    if (options && view.has(field))
      view.fault(field, fmt::format("only one of {} and access_log_options may be set", field));
  }
  const View& from = options ? options : view;
  hcm.access_log_flush_interval = from.duration("access_log_flush_interval");
  hcm.flush_access_log_on_new_request = from.flag("flush_access_log_on_new_request");
  if (options)
    hcm.flush_log_on_tunnel_successfully_established = options.flag("flush_log_on_tunnel_successfully_established");
}

void translate_router(const View& view, proxy::RouterConfig& router) {
  router.dynamic_stats = flag_or(view, "dynamic_stats", true);
  router.suppress_envoy_headers = view.flag("suppress_envoy_headers");
  router.suppress_grpc_request_failure_code_stats = view.flag("suppress_grpc_request_failure_code_stats");
  router.respect_expected_rq_timeout = view.flag("respect_expected_rq_timeout");
  router.strict_check_headers = view.texts("strict_check_headers");
  router.upstream_logs = translate_access_logs(view, "upstream_log");
  if (const View options = view.message("upstream_log_options")) {
    router.flush_upstream_log_on_upstream_stream = options.flag("flush_upstream_log_on_upstream_stream");
    router.upstream_log_flush_interval = options.duration("upstream_log_flush_interval");
  }
}

proxy::ReplyFormat translate_reply_format(const View& view) {
  proxy::ReplyFormat reply;
  reply.format = translate_format(view);
  const std::string type = view.text("content_type");
  reply.content_type = !type.empty() ? type : view.has("json_format") ? "application/json" : "text/plain";
  return reply;
}

proxy::LocalReplyConfig translate_local_replies(const View& view) {
  proxy::LocalReplyConfig config;
  for (const View& item : view.messages("mappers")) {
    proxy::ReplyMapper mapper;
    mapper.filter = translate_log_filter(item.message("filter"));
    if (const auto status = item.wrapped_number("status_code")) mapper.status = static_cast<uint16_t>(*status);
    if (auto body = translate_data(item, "body")) mapper.body = std::move(body->bytes);
    mapper.headers = translate_header_adds(item, "headers_to_add");
    if (const View format = item.message("body_format_override")) mapper.format = translate_reply_format(format);
    config.mappers.push_back(std::move(mapper));
  }
  if (const View format = view.message("body_format")) config.format = translate_reply_format(format);
  return config;
}

void translate_http_filters(const View& view, HcmConfig& hcm) {
  const std::vector<View> filters = view.messages("http_filters");
  if (filters.empty()) view.absent("http_filters", "must end with the router");
  std::set<std::string> names;
  for (size_t i = 0; i < filters.size(); ++i) {
    const View& filter = filters[i];
    const std::string name = filter.text("name");
    if (!name.empty() && !names.insert(name).second)
      filter.fault("name", fmt::format("{}: another filter of this chain has this name", in_quotes(name)));
    filter.accept("is_optional", "only filters that Weft knows are accepted");
    const View payload = required_payload(filter, "typed_config");
    if (!payload) continue;
    const bool is_last = i + 1 == filters.size();
    if (payload.type() == kRouter) {
      if (!is_last) filter.fault("the router must be the last filter");
      translate_router(payload, hcm.router);
      continue;
    }
    if (is_last) filter.fault("the last filter must be the router");
    proxy::FilterConfig config;
    config.name = name;
    config.is_disabled = filter.flag("disabled");
    config.factory = translate_http_filter(payload);
    if (config.factory) hcm.filters.push_back(std::move(config));
  }
}

}  // namespace

std::shared_ptr<const HcmConfig> translate_hcm(const View& view, Translation& run) {
  auto hcm = std::make_shared<HcmConfig>();
  hcm->stat_prefix = view.text("stat_prefix");
  hcm->h1.buffer_bytes = hcm->h2.buffer_bytes = run.buffer_bytes;
  translate_protocols(view, *hcm);
  translate_timeouts(view, *hcm);
  translate_trust(view, *hcm);
  translate_request_ids(view, *hcm);
  translate_heads(view, *hcm);
  translate_logs(view, *hcm);
  hcm->local_reply = translate_local_replies(view.message("local_reply_config"));
  if (flag_or(view, "add_user_agent", false)) {
    hcm->user_agent = run.node.cluster;
    hcm->node_id = run.node.id;
  }
  translate_http_filters(view, *hcm);
  view.accept("add_proxy_protocol_connection_state", "there is no PROXY protocol listener filter");
  if (const View routes = view.message("route_config")) hcm->routes = translate_routes(routes, run);
  return hcm;
}

}  // namespace weft::xds
