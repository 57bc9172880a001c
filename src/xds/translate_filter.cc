#include "proxy/fault_filter.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

using proxy::FaultConfig;

constexpr std::string_view kFilterConfig = "envoy.config.route.v3.FilterConfig";
constexpr std::string_view kFault = "envoy.extensions.filters.http.fault.v3.HTTPFault";

std::optional<FaultConfig::Delay> translate_delay(const View& view) {
  if (!view) return std::nullopt;
  FaultConfig::Delay delay;
  delay.fixed = view.duration("fixed_delay");
  view.has("header_delay");
  delay.percentage = translate_fraction(view.message("percentage"));
  return delay;
}

std::optional<FaultConfig::Abort> translate_abort(const View& view) {
  if (!view) return std::nullopt;
  FaultConfig::Abort abort;
  if (view.has("http_status")) abort.http_status = static_cast<uint16_t>(view.number("http_status"));
  if (view.has("grpc_status")) abort.grpc_status = static_cast<uint32_t>(view.number("grpc_status"));
  view.has("header_abort");
  abort.percentage = translate_fraction(view.message("percentage"));
  return abort;
}

std::optional<FaultConfig::RateLimit> translate_rate_limit(const View& view) {
  if (!view) return std::nullopt;
  FaultConfig::RateLimit limit;
  if (const View fixed = view.message("fixed_limit"))
    limit.fixed_kbps = static_cast<uint64_t>(fixed.number("limit_kbps"));
  view.has("header_limit");
  limit.percentage = translate_fraction(view.message("percentage"));
  return limit;
}

std::shared_ptr<const FaultConfig> translate_fault(const View& view) {
  auto config = std::make_shared<FaultConfig>();
  config->delay = translate_delay(view.message("delay"));
  config->abort = translate_abort(view.message("abort"));
  config->response_rate_limit = translate_rate_limit(view.message("response_rate_limit"));
  config->upstream_cluster = view.text("upstream_cluster");
  config->headers = translate_header_matchers(view, "headers");
  config->downstream_nodes = view.texts("downstream_nodes");
  if (const auto faults = view.wrapped_number("max_active_faults"))
    config->max_active_faults = static_cast<uint32_t>(*faults);
  config->disable_downstream_cluster_stats = view.flag("disable_downstream_cluster_stats");
  for (std::string_view field :
       {"delay_percent_runtime", "abort_percent_runtime", "delay_duration_runtime", "abort_http_status_runtime",
        "max_active_faults_runtime", "response_rate_limit_percent_runtime", "abort_grpc_status_runtime"}) {
    view.accept(field, kNoRuntime);
  }
  view.accept("filter_metadata", kMetadata);
  return config;
}

}  // namespace

std::shared_ptr<const proxy::FilterFactory> translate_http_filter(const View& payload) {
  if (payload.type() == kFault) return std::make_shared<proxy::FaultFilterFactory>(translate_fault(payload));
  refuse_type(payload, "Router and HTTPFault are");
  return nullptr;
}

namespace {

/// The configuration of one filter from its payload; null with a fault where there is none such.
std::shared_ptr<const void> translate_route_filter(const View& payload) {
  if (payload.type() == kFault) return translate_fault(payload);
  refuse_type(payload, "HTTPFault and FilterConfig are");
  return nullptr;
}

/// route.v3.FilterConfig. A `config` that is there and empty only turns the filter on, as in Envoy.
proxy::RouteFilterConfig translate_filter_config(const View& wrapper) {
  wrapper.accept("is_optional", "only filters that Weft knows are accepted");
  if (wrapper.flag("disabled")) {
    wrapper.accept("config", "a disabled filter's configuration is not looked at");
    return {nullptr, true};
  }
  if (!wrapper.has("config")) {
    wrapper.absent("config", "must be there unless the filter is disabled");
    return {};
  }
  const View config = wrapper.payload("config");
  return {config ? translate_route_filter(config) : nullptr, false};
}

}  // namespace

proxy::FilterConfigTable translate_per_filter_config(const View& view) {
  proxy::FilterConfigTable configs;
  for (const auto& [name, payload] : view.map("typed_per_filter_config")) {
    if (!payload) {
      view.absent("typed_per_filter_config", "each value must have \"@type\"");
    } else if (payload.type() == kFilterConfig) {
      configs.emplace(name, translate_filter_config(payload));
    } else {
      configs.emplace(name, proxy::RouteFilterConfig{translate_route_filter(payload), false});
    }
  }
  return configs;
}

}  // namespace weft::xds
