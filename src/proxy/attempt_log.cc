#include "proxy/attempt_log.h"

#include "proxy/worker.h"

namespace weft::proxy {

AttemptLog::AttemptLog(Worker& worker, const RouterConfig& router, const observe::RequestInfo& exchange,
                       uint64_t random, base::MonoTime exchange_start)
    : worker_(worker),
      router_(router),
      exchange_(exchange),
      random_(random),
      start_(worker.loop().now() - exchange_start),
      started_at_(worker.loop().now()),
      timer_(net::Timer::Callback::bind<&AttemptLog::on_interval>(*this)) {
  if (router.upstream_log_flush_interval) worker.loop().arm(timer_, *router.upstream_log_flush_interval);
}

AttemptLog::~AttemptLog() {
  timer_.cancel();
  write("UpstreamEnd");
}

void AttemptLog::on_stream() {
  if (router_.flush_upstream_log_on_upstream_stream) write("UpstreamPoolReady");
}

void AttemptLog::on_interval() {
  write("UpstreamPeriodic");
  worker_.loop().arm(timer_, *router_.upstream_log_flush_interval);
}

void AttemptLog::on_head(const http::ResponseHead& head) {
  head_ = std::make_unique<http::ResponseHead>(head.pool());
  head_->status = head.status;
  head.for_each([&](const http::Header& line) { head_->add(line.id, line.name, line.value); });
}

void AttemptLog::on_trailers(const http::HeaderMap& trailers) {
  trailers_ = std::make_unique<http::HeaderMap>(trailers.clone());
}

// Points of time are told from the attempt's own start.
void AttemptLog::write(std::string_view type) {
  observe::RequestInfo info = exchange_;
  info.start += start_;
  info.duration = worker_.loop().now() - started_at_;
  using Point = std::optional<base::Duration> observe::RequestInfo::*;
  for (const Point point :
       {&observe::RequestInfo::first_upstream_tx, &observe::RequestInfo::last_upstream_tx,
        &observe::RequestInfo::first_upstream_rx, &observe::RequestInfo::last_upstream_rx,
        &observe::RequestInfo::first_upstream_body_rx, &observe::RequestInfo::upstream_connect_begin,
        &observe::RequestInfo::upstream_connect_end, &observe::RequestInfo::upstream_handshake_end}) {
    if (!(info.*point)) continue;
    *(info.*point) -= start_;
  }
  info.request_received.reset();
  info.first_downstream_tx.reset();
  info.last_downstream_tx.reset();
  info.response_code = head_ != nullptr ? head_->status : 0;
  info.response_code_details.clear();
  info.flags = flags_;
  info.bytes_sent = body_sent_;
  info.bytes_received = body_received_;
  info.upstream_bytes = bytes_;
  info.downstream_bytes = {};
  info.earlier_attempts.clear();
  const HeaderView headers(head_.get()), trailers(trailers_.get());
  info.response_headers = &headers;
  info.response_trailers = &trailers;
  info.log_type = type;
  worker_.write_access_logs(router_.upstream_logs, info, random_);
}

}  // namespace weft::proxy
