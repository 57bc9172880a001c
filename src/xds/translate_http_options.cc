#include "xds/translation.h"

namespace weft::xds {

namespace {

http::H1Options::Underscores underscores_of(const std::string& action) {
  using Underscores = http::H1Options::Underscores;
  return action == "REJECT_REQUEST" ? Underscores::Reject
         : action == "DROP_HEADER"  ? Underscores::Drop
                                    : Underscores::Allow;
}

}  // namespace

void translate_h1_options(const View& options, http::H1Options& h1) {
  if (!options) return;
  h1.allow_absolute_url = flag_or(options, "allow_absolute_url", true);
  h1.accept_http_10 = options.flag("accept_http_10");
  h1.default_host_for_http_10 = options.text("default_host_for_http_10");
  h1.enable_trailers = options.flag("enable_trailers");
  h1.allow_chunked_length = options.flag("allow_chunked_length");
  h1.stream_error_on_invalid_message =
      flag_or(options, "override_stream_error_on_invalid_http_message", h1.stream_error_on_invalid_message);
  h1.send_fully_qualified_url = options.flag("send_fully_qualified_url");
  h1.proper_case_headers = options.message("header_key_format").has("proper_case_words");
  options.accept("use_balsa_parser", "chooses between parsers that Weft does not have");
  options.accept("allow_custom_methods", "Weft takes every method that is a token");
}

void translate_h2_options(const View& options, http::H2Options& h2) {
  if (!options) return;
  h2.hpack_table_bytes = number_or(options, "hpack_table_size", h2.hpack_table_bytes);
  h2.concurrent_streams_max = number_or(options, "max_concurrent_streams", h2.concurrent_streams_max);
  h2.stream_window_bytes = number_or(options, "initial_stream_window_size", h2.stream_window_bytes);
  h2.connection_window_bytes = number_or(options, "initial_connection_window_size", h2.connection_window_bytes);
  h2.allow_connect = options.flag("allow_connect");
  h2.outbound_frames_max = number_or(options, "max_outbound_frames", h2.outbound_frames_max);
  h2.outbound_control_frames_max = number_or(options, "max_outbound_control_frames", h2.outbound_control_frames_max);
  h2.empty_frames_max = number_or(options, "max_consecutive_inbound_frames_with_empty_payload", h2.empty_frames_max);
  h2.priority_frames_per_stream_max =
      number_or(options, "max_inbound_priority_frames_per_stream", h2.priority_frames_per_stream_max);
  h2.window_updates_per_data_frame_max =
      number_or(options, "max_inbound_window_update_frames_per_data_frame_sent", h2.window_updates_per_data_frame_max);
  if (options.flag("stream_error_on_invalid_http_messaging")) h2.stream_error_on_invalid_message = true;
  h2.stream_error_on_invalid_message =
      flag_or(options, "override_stream_error_on_invalid_http_message", h2.stream_error_on_invalid_message);
  options.accept("use_oghttp2_codec", "chooses between codecs that Weft does not have");
  if (const View keepalive = options.message("connection_keepalive")) {
    h2.keepalive_interval = duration_or(keepalive, "interval", {});
    h2.keepalive_timeout = duration_or(keepalive, "timeout", {});
    if (const View jitter = keepalive.message("interval_jitter")) h2.keepalive_jitter_percent = jitter.real("value");
    h2.keepalive_connection_idle_interval = duration_or(keepalive, "connection_idle_interval", {});
  }
}

void translate_head_limits(const View& common, http::H1Options& h1, http::H2Options& h2) {
  if (!common) return;
  h1.headers_count_max = h2.headers_count_max =
      number_or(common, "max_headers_count", static_cast<uint32_t>(h1.headers_count_max));
  h1.underscores = h2.underscores = underscores_of(common.choice("headers_with_underscores_action"));
}

}  // namespace weft::xds
