// Purpose: the upstream half of an exchange: from the chosen route to a response: cluster, host, attempts, retries,
//          the timeouts of the route, replay of the body.
// Thread:  the owning worker's.   Owner: the exchange (or a LocalCall's).
// Source:  Envoy's router filter and UpstreamRequest, for order and names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/object_pool.h"
#include "http/connection.h"
#include "net/loop.h"
#include "observe/request_info.h"
#include "proxy/attempt_log.h"
#include "proxy/call_stats.h"
#include "proxy/deadline.h"
#include "proxy/host.h"
#include "proxy/pool.h"
#include "proxy/retry_policy.h"
#include "proxy/route_table.h"

namespace weft::proxy {

class Worker;
class WorkerCluster;
struct ExchangeOrigin;

/// An upstream attempt that will not be tried again and gave no (complete) response.
struct UpstreamFailure {
  bool after_head = false;  ///< the response had begun: reset the client's stream
  uint16_t status = 503;
  std::string_view body;
  std::string details;
  uint64_t flag = 0;
  bool is_overload = false;  ///< add x-envoy-overloaded
};

/// The exchange's ears. Nothing is delivered from inside a call to UpstreamCall but `on_upstream_failure` of `start`.
class UpstreamCallHandler {
 public:
  virtual void on_upstream_informational(http::ResponseHead& head) = 0;
  virtual void on_upstream_head(http::ResponseHead head, bool end) = 0;
  virtual void on_upstream_data(base::Slice data, bool end) = 0;
  virtual void on_upstream_trailers(http::HeaderMap trailers) = 0;
  virtual void on_upstream_failure(const UpstreamFailure& failure) = 0;
  /// The upstream side has taken request body bytes: give the credit back downstream.
  virtual void on_request_taken(size_t bytes) = 0;

 protected:
  ~UpstreamCallHandler() = default;
};

class UpstreamCall final : public base::Pooled, private http::ClientStreamHandler, private PoolCaller {
 public:
  UpstreamCall(Worker& worker, UpstreamCallHandler& handler, http::RequestHead& request, const ExchangeOrigin& origin,
               const RouteMatchResult& match, observe::RequestInfo& info, uint64_t random, base::MonoTime start,
               bool is_trusted);
  ~UpstreamCall();

  /// Chooses cluster and host and begins. `end`: no body follows. May call on_upstream_failure at once (no cluster, no
  /// host, overflow).
  void start(bool end);
  void send_data(base::Chain data, bool end);
  void send_trailers(std::unique_ptr<http::HeaderMap> trailers);
  /// The client's request is complete: the route's timeout runs from here.
  void on_request_complete();
  /// Response bytes that downstream has taken.
  void consume(size_t bytes);
  /// Ends all work; nothing is delivered afterwards.
  void cancel();
  const WeightedCluster* weighted() const { return weighted_; }
  uint32_t attempts() const { return attempts_; }
  /// Known once `start` has returned.
  const RequestTimeouts& timeouts() const { return timeouts_; }

 private:
  // http::ClientStreamHandler
  void on_informational(http::ResponseHead head) override;
  void on_response_head(http::ResponseHead head, bool end) override;
  void on_response_data(base::Slice data, bool end) override;
  void on_response_trailers(http::HeaderMap trailers) override;
  void on_request_writable() override;
  void on_stream_closed(const http::StreamEnd& end) override;
  // PoolCaller
  void on_connection_ready(PoolConnection& connection) override;
  void on_pool_failure(PoolFailure failure, std::string_view reason) override;

  // the way out
  bool choose_cluster();
  void read_timeouts(const RetryPolicy* policy);
  base::Duration since_start() const;
  AttemptTime attempt_time() const;
  void attempt();
  void forget_attempt();
  void begin_stream(PoolConnection& connection);
  void set_attempt_headers();
  void flush_waiting();
  void keep_for_replay(const base::Chain& data);
  void give_credit();
  bool has_whole_request_gone() const { return request_ended_ && waiting_.is_empty() && trailers_ == nullptr; }
  void arm_attempt_timers();

  // the way back
  bool decide_on_head(const http::HeaderMap* trailers);
  void accept_head();
  void on_held_head();
  void count_response(const http::ResponseHead& head, bool is_retried);
  void count_reset(http::StreamEnd::Kind kind, bool is_protocol_error);
  void finish_response(bool is_complete);
  void on_broken(ResetReason reason, std::string_view detail, uint64_t flag, std::string_view transport_failure);
  bool try_again(const RetryDecision& decision);
  void end_attempt();
  void take_bytes();
  void fail(uint16_t status, std::string_view body, std::string details, uint64_t flag, bool is_overload = false);
  void fail_without_host();
  void fail_timeout(std::string_view body, std::string_view details, uint64_t flag);
  void cancel_timers();
  void on_route_timeout();
  void on_per_try_timeout();
  void on_per_try_idle();
  void on_try_timeout(std::string_view details);
  void on_back_off_end();
  void on_max_duration();

  Worker& worker_;
  UpstreamCallHandler& handler_;
  http::RequestHead& request_;
  const ExchangeOrigin& origin_;
  const RouteMatchResult match_;
  const RouteAction& action_;
  const WeightedCluster* weighted_ = nullptr;
  observe::RequestInfo& info_;
  const uint64_t random_;
  const base::MonoTime start_;
  const bool is_trusted_;

  WorkerCluster* cluster_ = nullptr;
  Host* host_ = nullptr;
  HostPool* pool_ = nullptr;
  PoolConnection* connection_ = nullptr;
  http::ClientStream* stream_ = nullptr;
  std::shared_ptr<const TlsView> upstream_tls_;
  std::shared_ptr<const observe::Metadata> host_metadata_;  ///< of the last attempt, for the log
  std::string tls_name_;                                    ///< the request's, where the cluster's TLS follows it
  std::vector<Host*> tried_;
  std::optional<RetryState> retry_;
  std::optional<CallStats> call_stats_;
  std::unique_ptr<AttemptLog> attempt_log_;  ///< null: there is no upstream_log
  RequestTimeouts timeouts_;

  base::Chain waiting_;  ///< body not yet given to a stream
  base::Chain replay_;   ///< body given to streams, kept while a retry may need it
  std::unique_ptr<http::HeaderMap> trailers_;
  size_t credit_owed_ = 0;  ///< body bytes whose credit downstream has not got back
  uint64_t replay_bytes_max_ = 0;
  bool request_ended_ = false;  ///< all of the request has come to this object
  bool has_body_ = false;
  bool is_replayable_ = true;
  bool request_complete_ = false;
  bool response_begun_ = false;  ///< a final response head went downstream
  bool response_ended_ = false;
  bool is_done_ = false;
  bool is_high_priority_ = false;
  bool free_retry_used_ = false;
  bool was_timeout_retry_ = false;
  bool has_sent_end_ = false;  ///< to the present stream
  bool sent_request_ = false;  ///< the last stream had given bytes to the kernel
  bool is_backed_up_ = false;
  uint32_t attempts_ = 0;
  base::MonoTime attempt_start_{};
  std::optional<http::ResponseHead> held_head_;  ///< a head whose trailers may be in the same read
  bool held_head_ends_ = false;
  net::Deferred release_head_;
  base::MonoTime request_complete_at_;

  net::Timer route_timer_, per_try_timer_, per_try_idle_timer_, back_off_timer_, duration_timer_;
};

}  // namespace weft::proxy
