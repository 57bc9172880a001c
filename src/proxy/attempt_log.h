// Purpose: the router's upstream_log: lines about one attempt at one upstream host.
// Thread:  the owning worker's.   Owner: UpstreamCall, one an attempt, only where upstream_log is configured.
// Source:  Envoy's UpstreamRequest: what its own stream info knows of an attempt.
#pragma once

#include <memory>

#include "http/message.h"
#include "net/loop.h"
#include "observe/request_info.h"
#include "proxy/header_view.h"
#include "proxy/listener_config.h"

namespace weft::proxy {

class Worker;

class AttemptLog {
 public:
  /// `exchange`: what is known of the whole request; read whenever a line is written.
  AttemptLog(Worker& worker, const RouterConfig& router, const observe::RequestInfo& exchange, uint64_t random,
             base::MonoTime exchange_start);
  /// Writes the last line.
  ~AttemptLog();

  /// The attempt has a stream: with flush_upstream_log_on_upstream_stream this writes a line.
  void on_stream();
  void on_head(const http::ResponseHead& head);
  void on_trailers(const http::HeaderMap& trailers);
  void add_body_sent(size_t bytes) { body_sent_ += bytes; }
  void add_body_received(size_t bytes) { body_received_ += bytes; }
  void add_bytes(const observe::WireBytes& bytes) { bytes_ = bytes; }
  void set_flag(uint64_t flag) { flags_ |= flag; }

 private:
  void write(std::string_view type);
  void on_interval();

  Worker& worker_;
  const RouterConfig& router_;
  const observe::RequestInfo& exchange_;
  const uint64_t random_;
  const base::Duration start_;  ///< from the exchange's
  const base::MonoTime started_at_;
  net::Timer timer_;
  std::unique_ptr<http::ResponseHead> head_;
  std::unique_ptr<http::HeaderMap> trailers_;
  observe::WireBytes bytes_;
  uint64_t body_sent_ = 0, body_received_ = 0, flags_ = 0;
};

}  // namespace weft::proxy
