#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "observe/access_log_filter.h"
#include "proxy/header_log_filter.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

using observe::AccessLogFilterPointer;
using observe::Format;

constexpr std::string_view kFile = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
constexpr std::string_view kStdout = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
constexpr std::string_view kStderr = "envoy.extensions.access_loggers.stream.v3.StderrAccessLog";

// ---- formats ------------------------------------------------------------------------------------------------------

using FormatPointer = std::shared_ptr<const Format>;

FormatPointer text_format(const View& view, std::string_view field, const std::string& text, bool omit_empty_values) {
  auto format = Format::parse_text(text, omit_empty_values);
  if (format) return *format;
  view.fault(field, format.error().message);
  return Format::default_log_line();
}

FormatPointer json_format(const View& view, std::string_view field, bool omit_empty_values) {
  std::string json;
  const google::protobuf::Struct* structure = view.structure(field);
  if (!structure || !google::protobuf::util::MessageToJsonString(*structure, &json).ok())
    return Format::default_log_line();
  auto format = Format::parse_json(json, omit_empty_values);
  if (format) return *format;
  view.fault(field, format.error().message);
  return Format::default_log_line();
}

}  // namespace

FormatPointer translate_format(const View& view) {
  const bool omit_empty_values = view.flag("omit_empty_values");
  if (const View options = view.message("json_format_options"))
    options.accept("sort_properties", "properties are always sorted");
  if (view.has("json_format")) return json_format(view, "json_format", omit_empty_values);
  if (view.has("text_format_source")) {
    const auto data = translate_data(view, "text_format_source");
    return text_format(view, "text_format_source", data ? data->bytes : std::string(), omit_empty_values);
  }
  return text_format(view, "text_format", view.text("text_format"), omit_empty_values);
}

namespace {

// ---- filters ------------------------------------------------------------------------------------------------------

observe::Comparison comparison_of(const View& comparison) {
  const std::string op = comparison.choice("op");
  return op == "GE"   ? observe::Comparison::GreaterOrEqual
         : op == "LE" ? observe::Comparison::LessOrEqual
                      : observe::Comparison::Equal;
}

uint64_t flag_bits(const std::vector<std::string>& names) {
  constexpr int kFlags = 64;
  uint64_t bits = 0;
  for (int i = 0; i < kFlags; ++i) {
    for (const std::string& name : names) {
      if (observe::response_flags_text(1ull << i) == name) bits |= 1ull << i;
    }
  }
  return bits;
}

/// "DownstreamTunnelSuccessfullyEstablished", as %ACCESS_LOG_TYPE% says it.
const std::vector<std::string> kLogTypes = {"NotSet",
                                            "TcpUpstreamConnected",
                                            "TcpPeriodic",
                                            "TcpConnectionEnd",
                                            "DownstreamStart",
                                            "DownstreamPeriodic",
                                            "DownstreamEnd",
                                            "UpstreamPoolReady",
                                            "UpstreamPeriodic",
                                            "UpstreamEnd",
                                            "DownstreamTunnelSuccessfullyEstablished",
                                            "UdpTunnelUpstreamConnected",
                                            "UdpPeriodic",
                                            "UdpSessionEnd"};

std::vector<AccessLogFilterPointer> translate_filters(const View& view) {
  std::vector<AccessLogFilterPointer> filters;
  for (const View& filter : view.messages("filters")) {
    if (AccessLogFilterPointer made = translate_log_filter(filter)) filters.push_back(std::move(made));
  }
  return filters;
}

AccessLogFilterPointer translate_sampling(const View& view) {
  view.accept("runtime_key", kNoRuntime);
  const bool is_independent = view.flag("use_independent_randomness");
  const proxy::Fraction fraction = translate_fraction(view.message("percent_sampled"));
  return observe::sampling_filter(fraction.numerator, fraction.denominator, is_independent);
}

AccessLogFilterPointer translate_grpc_filter(const View& view) {
  std::vector<uint32_t> statuses;
  for (int64_t status : view.numbers("statuses")) statuses.push_back(static_cast<uint32_t>(status));
  return observe::grpc_status_filter(std::move(statuses), view.flag("exclude"));
}

AccessLogFilterPointer translate_type_filter(const View& view) {
  std::vector<std::string> types;
  for (int64_t type : view.numbers("types")) {
    if (type >= 0 && type < static_cast<int64_t>(kLogTypes.size()))
      types.push_back(kLogTypes[static_cast<size_t>(type)]);
  }
  return observe::log_type_filter(std::move(types), view.flag("exclude"));
}

}  // namespace

AccessLogFilterPointer translate_log_filter(const View& view) {
  if (const View status = view.message("status_code_filter")) {
    const View comparison = status.message("comparison");
    return observe::status_code_filter(comparison_of(comparison),
                                       translate_runtime_number(comparison.message("value")));
  }
  if (const View duration = view.message("duration_filter")) {
    const View comparison = duration.message("comparison");
    return observe::duration_filter(comparison_of(comparison), translate_runtime_number(comparison.message("value")));
  }
  if (view.has("not_health_check_filter")) return observe::not_health_check_filter();
  if (const View runtime = view.message("runtime_filter")) return translate_sampling(runtime);
  if (const View both = view.message("and_filter")) return observe::and_filter(translate_filters(both));
  if (const View either = view.message("or_filter")) return observe::or_filter(translate_filters(either));
  if (const View header = view.message("header_filter"))
    return proxy::header_log_filter(translate_header_matcher(header.message("header")));
  if (const View flags = view.message("response_flag_filter"))
    return observe::response_flag_filter(flag_bits(flags.texts("flags")));
  if (const View grpc = view.message("grpc_status_filter")) return translate_grpc_filter(grpc);
  if (const View types = view.message("log_type_filter")) return translate_type_filter(types);
  // Nothing is traced, so nothing is traceable; and no filter sets metadata, so no key is ever found.
  if (view.has("traceable_filter")) return observe::constant_filter(false);
  if (const View metadata = view.message("metadata_filter")) {
    metadata.accept("matcher", "no filter of Weft sets metadata, so no key is ever found");
    return observe::constant_filter(flag_or(metadata, "match_if_key_not_found", true));
  }
  return nullptr;  // another kind, which is refused as unread, or none, which the rules refuse
}

namespace {

// ---- sinks --------------------------------------------------------------------------------------------------------

bool translate_sink(const View& payload, proxy::AccessLogConfig& log) {
  log.format = Format::default_log_line();
  if (payload.type() == kFile) {
    log.sink = proxy::AccessLogConfig::Sink::File;
    log.path = payload.text("path");
    if (payload.has("format")) log.format = text_format(payload, "format", payload.text("format"), false);
    if (payload.has("json_format")) log.format = json_format(payload, "json_format", false);
    if (payload.has("typed_json_format")) log.format = json_format(payload, "typed_json_format", false);
  } else if (payload.type() == kStdout || payload.type() == kStderr) {
    log.sink = payload.type() == kStdout ? proxy::AccessLogConfig::Sink::Stdout : proxy::AccessLogConfig::Sink::Stderr;
  } else {
    refuse_type(payload, "FileAccessLog, StdoutAccessLog and StderrAccessLog are");
    return false;
  }
  if (const View format = payload.message("log_format")) {
    format.accept("content_type", "only local replies have a content type");
    log.format = translate_format(format);
  }
  return true;
}

}  // namespace

std::vector<proxy::AccessLogConfig> translate_access_logs(const View& parent, std::string_view field) {
  std::vector<proxy::AccessLogConfig> logs;
  for (const View& view : parent.messages(field)) {
    proxy::AccessLogConfig log;
    view.accept("name", kNameless);
    if (const View filter = view.message("filter")) log.filter = translate_log_filter(filter);
    const View payload = required_payload(view, "typed_config");
    if (payload && translate_sink(payload, log)) logs.push_back(std::move(log));
  }
  return logs;
}

}  // namespace weft::xds
