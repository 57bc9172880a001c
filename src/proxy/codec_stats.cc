#include "proxy/codec_stats.h"

#include <cstring>
#include <span>

#include "proxy/stats.h"
#include "proxy/worker.h"

namespace weft::proxy {
namespace {

using http::CodecCounters;
using observe::StatKind;

// X(name): a counter of the codec and of the statistics alike.
#define WEFT_HTTP1_CODEC_STATS(X)                  \
  X(dropped_headers_with_underscores)              \
  X(metadata_not_supported_error)                  \
  X(requests_rejected_with_underscores_in_headers) \
  X(response_flood)

#define WEFT_HTTP2_CODEC_STATS(X)                  \
  X(dropped_headers_with_underscores)              \
  X(goaway_sent)                                   \
  X(header_overflow)                               \
  X(headers_cb_no_stream)                          \
  X(inbound_empty_frames_flood)                    \
  X(inbound_priority_frames_flood)                 \
  X(inbound_window_update_frames_flood)            \
  X(keepalive_timeout)                             \
  X(outbound_control_flood)                        \
  X(outbound_flood)                                \
  X(requests_rejected_with_underscores_in_headers) \
  X(rx_messaging_error)                            \
  X(rx_reset)                                      \
  X(stream_refused_errors)                         \
  X(trailers)                                      \
  X(tx_flush_timeout)                              \
  X(tx_reset)

#define WEFT_CODEC_ROW(name) {#name, StatKind::Counter},
#define WEFT_CODEC_FIELD(name) &CodecCounters::name,

constexpr observe::StatTable::Row kHttp1Rows[] = {WEFT_HTTP1_CODEC_STATS(WEFT_CODEC_ROW)};
// Behind the counters: levels, and what needs options that are refused here, so that it stays 0.
constexpr observe::StatTable::Row kHttp2Rows[] = {
    WEFT_HTTP2_CODEC_STATS(WEFT_CODEC_ROW){"streams_active", StatKind::Gauge},
    {"pending_send_bytes", StatKind::Gauge},
    {"deferred_stream_close", StatKind::Gauge},
    {"metadata_empty_frames", StatKind::Counter}};
constexpr observe::StatTable kHttp1Table{kHttp1Rows, std::size(kHttp1Rows)};
constexpr observe::StatTable kHttp2Table{kHttp2Rows, std::size(kHttp2Rows)};
constexpr uint64_t CodecCounters::*kHttp1Fields[] = {WEFT_HTTP1_CODEC_STATS(WEFT_CODEC_FIELD)};
constexpr uint64_t CodecCounters::*kHttp2Fields[] = {WEFT_HTTP2_CODEC_STATS(WEFT_CODEC_FIELD)};
constexpr size_t kStreamsActive = std::size(kHttp2Fields), kPendingSendBytes = kStreamsActive + 1;

observe::StatScope inside(observe::StatScope scope, const char* prefix) {
  scope.prefix += prefix;
  scope.tag_free_prefix += prefix;
  return scope;
}

}  // namespace

CodecStats::CodecStats(Worker& worker, const observe::StatScope& scope, bool is_h2, observe::StatGroup* manager)
    : is_h2_(is_h2),
      group_(worker.stat_group(inside(scope, is_h2 ? "http2." : "http1."), is_h2 ? kHttp2Table : kHttp1Table)),
      manager_(manager) {
  if (is_h2) counters_.gauges = this;
}

void CodecStats::on_streams_active(int64_t change) { group_.gauge(kStreamsActive).add(change); }
void CodecStats::on_pending_send_bytes(int64_t change) { group_.gauge(kPendingSendBytes).add(change); }

void CodecStats::publish() {
  if (std::memcmp(&counters_, &published_, sizeof(counters_)) == 0) return;
  const std::span<uint64_t CodecCounters::*const> fields =
      is_h2_ ? std::span<uint64_t CodecCounters::*const>(kHttp2Fields) : kHttp1Fields;
  for (size_t i = 0; i < fields.size(); ++i) {
    const uint64_t added = counters_.*fields[i] - published_.*fields[i];
    if (added > 0) group_.counter(i).add(added);
  }
  const uint64_t floods = counters_.premature_resets - published_.premature_resets;
  if (manager_ != nullptr && floods > 0)
    manager_->counter(HttpStat::downstream_rq_too_many_premature_resets).add(floods);
  const uint64_t breaches = counters_.downstream_cx_protocol_error - published_.downstream_cx_protocol_error;
  if (manager_ != nullptr && breaches > 0) manager_->counter(HttpStat::downstream_cx_protocol_error).add(breaches);
  const uint64_t closes = counters_.delayed_close_timeout - published_.delayed_close_timeout;
  if (manager_ != nullptr && closes > 0) manager_->counter(HttpStat::downstream_cx_delayed_close_timeout).add(closes);
  published_ = counters_;
}

}  // namespace weft::proxy
