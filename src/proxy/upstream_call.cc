#include "proxy/upstream_call.h"

#include <utility>

#include "http/grpc.h"
#include "net/tls_session.h"
#include "proxy/exchange.h"
#include "proxy/request_path.h"
#include "proxy/rewrite.h"
#include "proxy/stats.h"
#include "proxy/upstream_name.h"
#include "proxy/worker.h"
#include "proxy/worker_cluster.h"

namespace weft::proxy {

using base::Duration;
using http::HeaderId;
using http::StreamEnd;

namespace {

// Bodies of requests without a retry policy are kept for the free retry of a reused connection only this far.
constexpr size_t kFreeRetryBodyBytesMax = 64 * 1024;

std::string before_head(std::string_view reason, std::string_view transport_failure) {
  std::string details = "upstream_reset_before_response_started{";
  details.append(reason);
  if (!transport_failure.empty()) details.append("|").append(transport_failure);
  for (char& c : details) {
    if (c == ' ') c = '_';  // details are one token in the log
  }
  return details + "}";
}

// Clients are not told addresses and certificates: the transport's reason is for the log.
std::string reset_body(std::string_view reason, bool was_retried) {
  std::string text = "upstream connect error or disconnect/reset before headers. ";
  text += was_retried ? "retried and the latest reset reason: " : "reset reason: ";
  for (const char c : reason) text += c == '_' ? ' ' : c;
  return text;
}

}  // namespace

UpstreamCall::UpstreamCall(Worker& worker, UpstreamCallHandler& handler, http::RequestHead& request,
                           const ExchangeOrigin& origin, const RouteMatchResult& match, observe::RequestInfo& info,
                           uint64_t random, base::MonoTime start, bool is_trusted)
    : worker_(worker),
      handler_(handler),
      request_(request),
      origin_(origin),
      match_(match),
      action_(std::get<RouteAction>(match.route->action)),
      info_(info),
      random_(random),
      start_(start),
      is_trusted_(is_trusted),
      release_head_(net::Deferred::Callback::bind<&UpstreamCall::on_held_head>(*this)),
      route_timer_(net::Timer::Callback::bind<&UpstreamCall::on_route_timeout>(*this)),
      per_try_timer_(net::Timer::Callback::bind<&UpstreamCall::on_per_try_timeout>(*this)),
      per_try_idle_timer_(net::Timer::Callback::bind<&UpstreamCall::on_per_try_idle>(*this)),
      back_off_timer_(net::Timer::Callback::bind<&UpstreamCall::on_back_off_end>(*this)),
      duration_timer_(net::Timer::Callback::bind<&UpstreamCall::on_max_duration>(*this)) {}

UpstreamCall::~UpstreamCall() { cancel(); }

// ------------------------------------------------------------------ the way out

bool UpstreamCall::choose_cluster() {
  weighted_ = pick_weighted(action_, request_, random_);
  const std::string_view name = cluster_name_of(action_, weighted_, request_);
  cluster_ = name.empty() ? nullptr : worker_.find_cluster(name);
  if (cluster_ != nullptr) {
    info_.upstream_cluster = cluster_->name();
    info_.upstream_cluster_alt_name = cluster_->config().alt_stat_name;
    info_.set(observe::MetadataSource::Cluster, cluster_->config().metadata.get());
    return true;
  }
  origin_.stats->counter(HttpStat::no_cluster).add();
  fail(action_.cluster_not_found_status, "", "cluster_not_found", observe::kNoClusterFound);
  return false;
}

void UpstreamCall::start(bool end) {
  if (end) request_ended_ = true;
  has_body_ = !end;
  if (!choose_cluster()) return;
  is_high_priority_ = action_.is_high_priority;
  const RetryPolicy* policy =
      action_.retry_policy != nullptr ? action_.retry_policy.get() : match_.virtual_host->retry_policy.get();
  read_timeouts(policy);
  const VirtualCluster* virtual_cluster = find_virtual_cluster(*match_.virtual_host, request_);
  if (virtual_cluster != nullptr) info_.virtual_cluster_name = virtual_cluster->name;
  call_stats_.emplace(worker_, *cluster_, match_, virtual_cluster, origin_.hcm->router, request_);
  retry_.emplace(policy, request_, cluster_->breaker(is_high_priority_));
  const auto& limit = match_.route->body_buffer_bytes_max ? match_.route->body_buffer_bytes_max
                                                          : match_.virtual_host->body_buffer_bytes_max;
  replay_bytes_max_ = limit ? *limit : origin_.buffer_bytes;
  if (!retry_->is_enabled()) replay_bytes_max_ = std::min<uint64_t>(replay_bytes_max_, kFreeRetryBodyBytesMax);
  info_.attempt_count = 1;
  tls_name_ = upstream_tls_name(cluster_->config(), action_, weighted_, request_);
  finalize_request_headers({&origin_.hcm->routes->config(), match_.virtual_host, match_.route, weighted_}, request_,
                           info_, !origin_.hcm->router.suppress_envoy_headers);
  if (request_complete_) on_request_complete();
  attempt();
}

void UpstreamCall::attempt() {
  ++attempts_;
  attempt_start_ = worker_.loop().now();
  info_.attempt_count = attempts_;
  if (attempts_ > 1) forget_attempt();
  host_ =
      cluster_->choose_host(retry_->avoids_previous_hosts() ? std::span<Host* const>(tried_) : std::span<Host* const>(),
                            retry_->host_attempts_max());
  if (host_ == nullptr) {
    cluster_->stats().counter(ClusterStat::upstream_cx_none_healthy).add();
    return fail_without_host();
  }
  if (attempts_ > 1 || retry_->is_enabled()) tried_.push_back(host_);
  info_.upstream_host = host_->address_text;
  info_.upstream_hostname = host_->hostname;
  host_metadata_ = host_->metadata;
  info_.set(observe::MetadataSource::UpstreamHost, host_metadata_.get());
  const RouterConfig& router = origin_.hcm->router;
  if (!router.upstream_logs.empty())
    attempt_log_ = std::make_unique<AttemptLog>(worker_, router, info_, random_, start_);
  const ClusterConfig::Protocol protocol = cluster_->config().protocol;
  const bool is_h2 = protocol == ClusterConfig::Protocol::Http2 ||
                     (protocol == ClusterConfig::Protocol::Downstream && request_.version == http::Version::Http2);
  const bool is_tcp = is_terminated_here(action_, request_);
  pool_ = cluster_->pool(*host_, {is_high_priority_, is_h2 && !is_tcp, is_tcp, tls_name_});
  if (pool_ == nullptr) return fail_without_host();
  const HostPool::Answer answer = pool_->acquire(*this);
  if (answer.connection != nullptr) return begin_stream(*answer.connection);
  if (answer.is_waiting) return;
  // Envoy says no host of a request that could not even wait for one of its connections.
  if (answer.is_queue_full) {
    info_.upstream_host.clear();
    info_.upstream_hostname.clear();
    info_.set(observe::MetadataSource::UpstreamHost, nullptr);
  }
  on_pool_failure(PoolFailure::Overflow, "");
}

// What is logged of the upstream is of the last attempt; of those before it the hosts are listed.
void UpstreamCall::forget_attempt() {
  if (!info_.upstream_host.empty()) {
    info_.earlier_attempts.push_back(
        {std::move(info_.upstream_host), std::move(info_.upstream_hostname), info_.upstream_connection_id});
  }
  info_.upstream_host.clear();
  info_.upstream_hostname.clear();
  info_.upstream_local_address.clear();
  info_.upstream_transport_failure_reason.clear();
  info_.upstream_protocol = {};
  info_.upstream_connection_id = 0;
  info_.upstream_tls = nullptr;
  info_.set(observe::MetadataSource::UpstreamHost, nullptr);
  for (auto* point : {&info_.first_upstream_tx, &info_.last_upstream_tx, &info_.first_upstream_rx,
                      &info_.last_upstream_rx, &info_.first_upstream_body_rx, &info_.upstream_connect_begin,
                      &info_.upstream_connect_end, &info_.upstream_handshake_end, &info_.upstream_pool_ready})
    point->reset();
}

void UpstreamCall::on_connection_ready(PoolConnection& connection) { begin_stream(connection); }

void UpstreamCall::begin_stream(PoolConnection& connection) {
  connection_ = &connection;
  cluster_->stats().counter(ClusterStat::upstream_rq_total).add();
  cluster_->stats().gauge(ClusterStat::upstream_rq_active).add();
  host_->rq_total.add();
  host_->rq_active.add();
  cluster_->report(*host_, {AttemptOutcome::Kind::Connected, 0});
  call_stats_->count(VhostStat::upstream_rq_total);
  stream_ = &connection.open(*this);
  const auto& limit = timeouts_.upstream_stream ? timeouts_.upstream_stream : cluster_->config().max_stream_duration;
  if (limit && *limit > Duration::zero()) worker_.loop().arm(duration_timer_, *limit);
  set_attempt_headers();
  info_.upstream_connection_id = connection.id();
  info_.upstream_protocol = http::to_string(connection.version());
  info_.upstream_local_address = connection.local_text();
  upstream_tls_ = connection.tls_view();  // the log line may be written when the connection is no more
  info_.upstream_tls = upstream_tls_ != nullptr ? &upstream_tls_->end() : nullptr;
  info_.upstream_connect_begin = connection.created() - start_;
  info_.upstream_connect_end = connection.connected() - start_;
  if (upstream_tls_ != nullptr) info_.upstream_handshake_end = connection.opened() - start_;
  info_.first_upstream_tx = since_start();
  info_.upstream_pool_ready = worker_.loop().now() - attempt_start_;
  if (attempt_log_ != nullptr) attempt_log_->on_stream();
  const bool ends_with_head =
      request_ended_ && waiting_.is_empty() && replay_.is_empty() && trailers_ == nullptr && !has_body_;
  if (ends_with_head) info_.last_upstream_tx = info_.first_upstream_tx;
  stream_->send_head(request_, ends_with_head);
  if (!ends_with_head) {
    if (!replay_.is_empty()) stream_->send_data(replay_.share(), has_whole_request_gone());
    flush_waiting();
  }
  if (request_complete_) arm_attempt_timers();
}

// What differs from attempt to attempt: the count, the time that is left, the host's own name.
void UpstreamCall::set_attempt_headers() {
  if (match_.virtual_host->include_attempt_count_in_request)
    request_.set(HeaderId::XEnvoyAttemptCount, std::to_string(attempts_));
  if (match_.virtual_host->include_is_timeout_retry_header && was_timeout_retry_)
    request_.set(HeaderId::XEnvoyIsTimeoutRetry, "true");
  if (origin_.hcm->scheme_matches_upstream)
    request_.set(HeaderId::Scheme, cluster_->config().tls != nullptr ? "https" : "http");
  if (action_.auto_host_rewrite && !host_->hostname.empty())
    set_authority(request_, host_->hostname, action_.append_x_forwarded_host);
  proxy::set_attempt_headers(timeouts_, attempt_time(), request_);
}

Duration UpstreamCall::since_start() const { return worker_.loop().now() - start_; }

AttemptTime UpstreamCall::attempt_time() const {
  const base::MonoTime now = worker_.loop().now();
  return {now - start_, request_complete_ ? now - request_complete_at_ : Duration::zero()};
}

void UpstreamCall::read_timeouts(const RetryPolicy* policy) {
  TimeoutInput input;
  input.action = &action_;
  input.policy = policy;
  input.hcm_max_stream_duration = origin_.hcm->max_stream_duration;
  input.respect_expected_rq_timeout = origin_.hcm->router.respect_expected_rq_timeout;
  input.suppress_envoy_headers = origin_.hcm->router.suppress_envoy_headers;
  input.is_trusted = is_trusted_;
  timeouts_ = resolve_timeouts(input, request_);
}

void UpstreamCall::send_data(base::Chain data, bool end) {
  if (end) request_ended_ = true;
  credit_owed_ += data.size();
  if (is_done_) return give_credit();
  waiting_.append(std::move(data));
  if (stream_ != nullptr) flush_waiting();
}

void UpstreamCall::send_trailers(std::unique_ptr<http::HeaderMap> trailers) {
  request_ended_ = true;
  if (is_done_) return;
  trailers_ = std::move(trailers);
  if (stream_ != nullptr) flush_waiting();
}

// Gives the stream all that waits. Nothing waits for room: what is above the stream's high mark is bounded by the
// credit that downstream does not get back until the stream has drained.
void UpstreamCall::flush_waiting() {
  info_.last_upstream_tx = since_start();
  base::Chain data = std::move(waiting_);
  if (attempt_log_ != nullptr) attempt_log_->add_body_sent(data.size());
  keep_for_replay(data);
  const bool ends_with_data = request_ended_ && trailers_ == nullptr;
  if (!data.is_empty() || (ends_with_data && !has_sent_end_)) {
    has_sent_end_ = ends_with_data;
    stream_->send_data(std::move(data), ends_with_data);
  }
  if (trailers_ != nullptr && !has_sent_end_) {
    has_sent_end_ = true;
    stream_->send_trailers(*trailers_);
  }
  give_credit();
}

void UpstreamCall::keep_for_replay(const base::Chain& data) {
  if (!is_replayable_ || data.is_empty()) return;
  if (response_begun_ || replay_.size() + data.size() > replay_bytes_max_) {
    is_replayable_ = false;
    replay_.clear();
    if (retry_->is_enabled() && !response_begun_)
      cluster_->stats().counter(ClusterStat::retry_or_shadow_abandoned).add();
    return;
  }
  replay_.append(data.share());
}

void UpstreamCall::give_credit() {
  if (stream_ != nullptr && stream_->is_above_high_mark()) {
    if (!is_backed_up_) cluster_->stats().counter(ClusterStat::upstream_flow_control_backed_up_total).add();
    is_backed_up_ = true;
    return;
  }
  if (const size_t bytes = std::exchange(credit_owed_, 0); bytes > 0) handler_.on_request_taken(bytes);
}

void UpstreamCall::on_request_writable() {
  if (std::exchange(is_backed_up_, false))
    cluster_->stats().counter(ClusterStat::upstream_flow_control_drained_total).add();
  give_credit();
}

void UpstreamCall::on_request_complete() {
  const bool is_first = !std::exchange(request_complete_, true);
  if (is_first) request_complete_at_ = worker_.loop().now();
  if (is_done_ || cluster_ == nullptr) return;
  if (timeouts_.global > Duration::zero() && !route_timer_.is_armed())
    worker_.loop().arm(route_timer_, timeouts_.global);
  if (stream_ != nullptr) arm_attempt_timers();
}

void UpstreamCall::arm_attempt_timers() {
  if (response_begun_) return;
  if (timeouts_.per_try > Duration::zero()) worker_.loop().arm(per_try_timer_, timeouts_.per_try);
  if (timeouts_.per_try_idle > Duration::zero()) worker_.loop().arm(per_try_idle_timer_, timeouts_.per_try_idle);
}

// ------------------------------------------------------------------ the way back

void UpstreamCall::on_informational(http::ResponseHead head) {
  call_stats_->response(head.status);
  handler_.on_upstream_informational(head);
}

void UpstreamCall::on_response_head(http::ResponseHead head, bool end) {
  per_try_timer_.cancel();
  info_.first_upstream_rx = since_start();
  if (attempt_log_ != nullptr) attempt_log_->on_head(head);
  held_head_.emplace(std::move(head));
  held_head_ends_ = end;
  // A gRPC failure is often head and trailers in one read. The head waits for the rest of this read, never for another.
  const bool may_have_status_in_trailers =
      !end && retry_->is_enabled() && http::is_grpc_content_type(held_head_->get(HeaderId::ContentType));
  if (may_have_status_in_trailers) return worker_.loop().defer(release_head_);
  decide_on_head(nullptr);
}

void UpstreamCall::on_held_head() {
  if (held_head_) decide_on_head(nullptr);
}

// Retry, or pass the head on. False: another attempt will come, or the call is over.
bool UpstreamCall::decide_on_head(const http::HeaderMap* trailers) {
  release_head_.cancel();
  const RetryDecision decision = is_replayable_ ? retry_->on_response(*held_head_, trailers, worker_.loop().wall_now(),
                                                                      worker_.loop().random().next())
                                                : RetryDecision();
  const bool will_retry = decision.kind == RetryDecision::Kind::Retry;
  count_response(*held_head_, will_retry);
  if (decision.is_success_of_retry) {
    cluster_->stats().counter(ClusterStat::upstream_rq_retry_success).add();
    call_stats_->count(VhostStat::upstream_rq_retry_success);
  }
  if (try_again(decision)) return false;
  accept_head();
  return !is_done_;
}

void UpstreamCall::accept_head() {
  http::ResponseHead head = std::move(*held_head_);
  held_head_.reset();
  const bool end = held_head_ends_;
  response_begun_ = true;
  replay_.clear();
  per_try_idle_timer_.cancel();
  if (timeouts_.per_try_idle > Duration::zero() && !end)
    worker_.loop().arm(per_try_idle_timer_, timeouts_.per_try_idle);
  if (!origin_.hcm->router.suppress_envoy_headers && request_complete_) {
    const Duration elapsed = worker_.loop().now() - request_complete_at_;
    head.set(HeaderId::XEnvoyUpstreamServiceTime, std::to_string(base::to_milliseconds(elapsed)));
  }
  if (match_.virtual_host->include_attempt_count_in_response)
    head.set(HeaderId::XEnvoyAttemptCount, std::to_string(attempts_));
  info_.response_code = head.status;
  if (end) finish_response(true);
  handler_.on_upstream_head(std::move(head), end);
}

void UpstreamCall::on_response_data(base::Slice data, bool end) {
  if (held_head_ && !decide_on_head(nullptr)) return;
  if (!info_.first_upstream_body_rx) info_.first_upstream_body_rx = since_start();
  if (attempt_log_ != nullptr) attempt_log_->add_body_received(data.size());
  if (per_try_idle_timer_.is_armed()) worker_.loop().arm(per_try_idle_timer_, timeouts_.per_try_idle);
  if (end) finish_response(true);
  handler_.on_upstream_data(std::move(data), end);
}

void UpstreamCall::on_response_trailers(http::HeaderMap trailers) {
  if (attempt_log_ != nullptr) attempt_log_->on_trailers(trailers);
  if (held_head_ && !decide_on_head(&trailers)) return;
  finish_response(true);
  handler_.on_upstream_trailers(std::move(trailers));
}

void UpstreamCall::count_response(const http::ResponseHead& head, bool is_retried) {
  if (is_retried) call_stats_->retried_response(head.status);
  else call_stats_->response(head.status);
  (head.status >= 500 ? host_->rq_error : host_->rq_success).add();
  uint16_t status = head.status;
  if (const auto grpc = head.find(HeaderId::GrpcStatus);
      grpc && http::is_grpc_content_type(head.get(HeaderId::ContentType))) {
    if (const auto code = http::parse_grpc_status(*grpc)) status = http::http_status_of_grpc(*code);
  }
  cluster_->report(*host_, {AttemptOutcome::Kind::Response, status});
}

void UpstreamCall::finish_response(bool is_complete) {
  response_ended_ = is_complete;
  info_.last_upstream_rx = since_start();
  cancel_timers();
  // As in Envoy, a response that ends before its request is not timed.
  if (request_complete_) call_stats_->time(worker_.loop().now() - request_complete_at_);
}

void UpstreamCall::consume(size_t bytes) {
  if (stream_ != nullptr) stream_->consume(bytes);
}

// ------------------------------------------------------------------ when it breaks

void UpstreamCall::on_pool_failure(PoolFailure failure, std::string_view reason) {
  switch (failure) {
    case PoolFailure::Overflow: return on_broken(ResetReason::Overflow, "overflow", observe::kUpstreamOverflow, "");
    case PoolFailure::ConnectTimeout:
      return on_broken(ResetReason::ConnectionFailure, "connection_timeout", observe::kUpstreamConnectionFailure,
                       reason);
    case PoolFailure::ConnectFailed:
      return on_broken(ResetReason::ConnectionFailure, "remote_connection_failure", observe::kUpstreamConnectionFailure,
                       reason);
  }
}

void UpstreamCall::on_stream_closed(const StreamEnd& end) {
  if (end.kind == StreamEnd::Kind::Complete) {
    take_bytes();
    stream_ = nullptr;
    return end_attempt();
  }
  const bool is_protocol_error = end.kind == StreamEnd::Kind::ProtocolError ||
                                 end.kind == StreamEnd::Kind::LimitExceeded ||
                                 (end.kind == StreamEnd::Kind::RemoteReset && end.code == http::ResetCode::Protocol);
  count_reset(end.kind, is_protocol_error);
  if (connection_->version() != http::Version::Http2 || end.kind == StreamEnd::Kind::ConnectionClosed)
    connection_->note_cut_stream(is_protocol_error && end.code != http::ResetCode::NoError);
  ConnectionFailure failure;
  failure.is_reused = connection_->is_reused();
  failure.has_received_bytes = stream_->has_received_bytes();
  failure.has_sent_bytes = stream_->has_sent_bytes();
  failure.is_idempotent = is_idempotent_method(request_.method());
  failure.is_unprocessed = end.kind == StreamEnd::Kind::Unprocessed;
  failure.is_body_complete = is_replayable_;
  failure.was_used = free_retry_used_;
  sent_request_ = failure.has_sent_bytes;
  take_bytes();
  stream_ = nullptr;
  end_attempt();
  const bool is_of_connection = end.kind == StreamEnd::Kind::ConnectionClosed || failure.is_unprocessed;
  if (is_of_connection && !response_begun_ && !held_head_ && is_free_retry(failure)) {
    free_retry_used_ = true;
    cluster_->stats().counter(ClusterStat::upstream_rq_retry_free).add();
    if (attempt_log_ != nullptr)
      attempt_log_->set_flag(failure.is_unprocessed ? observe::kUpstreamRemoteReset
                                                    : observe::kUpstreamConnectionTermination);
    attempt_log_.reset();
    return attempt();
  }
  // What the codec found is for the log; the details are Envoy's.
  if (is_protocol_error) {
    return on_broken(ResetReason::ProtocolError, "protocol_error", observe::kUpstreamProtocolError, end.detail);
  }
  switch (end.kind) {
    case StreamEnd::Kind::RemoteReset:
      return on_broken(ResetReason::RemoteReset, "remote_reset", observe::kUpstreamRemoteReset, "");
    case StreamEnd::Kind::Refused:
    case StreamEnd::Kind::Unprocessed:
      return on_broken(ResetReason::RemoteRefusedStream, "remote_refused_stream_reset", observe::kUpstreamRemoteReset,
                       "");
    default:
      return on_broken(ResetReason::ConnectionTermination, "connection_termination",
                       observe::kUpstreamConnectionTermination, "");
  }
}

// As Envoy, which counts resets of HTTP/2 streams only.
void UpstreamCall::count_reset(StreamEnd::Kind kind, bool is_protocol_error) {
  if (connection_->version() != http::Version::Http2) return;
  observe::StatGroup& stats = cluster_->stats();
  if (is_protocol_error) stats.counter(ClusterStat::upstream_rq_tx_reset).add();
  else if (kind == StreamEnd::Kind::RemoteReset) stats.counter(ClusterStat::upstream_rq_rx_reset).add();
  else if (kind == StreamEnd::Kind::ConnectionClosed)
    stats.counter(ClusterStat::upstream_rq_pending_failure_eject).add();
}

void UpstreamCall::on_broken(ResetReason reason, std::string_view detail, uint64_t flag,
                             std::string_view transport_failure) {
  info_.upstream_transport_failure_reason = transport_failure;
  if (attempt_log_ != nullptr) attempt_log_->set_flag(flag);
  const bool is_overflow = reason == ResetReason::Overflow;
  if (!is_overflow) cluster_->report(*host_, {AttemptOutcome::Kind::Reset, 0});
  if (response_begun_) {
    std::string details = "upstream_reset_after_response_started{";
    return fail(0, "", details.append(detail).append("}"), flag);
  }
  held_head_.reset();
  release_head_.cancel();
  if (!is_overflow) host_->rq_error.add();
  const RetryDecision decision =
      is_replayable_ ? retry_->on_reset(reason, sent_request_, worker_.loop().random().next()) : RetryDecision();
  if (try_again(decision)) return;
  const uint16_t status = reason == ResetReason::ProtocolError ? 502 : 503;
  const std::string_view told = reason == ResetReason::ProtocolError ? std::string_view() : transport_failure;
  fail(status, reset_body(detail, attempts_ > 1), before_head(detail, told), flag, is_overflow);
}

// Acts on a decision; true where another attempt will come.
bool UpstreamCall::try_again(const RetryDecision& decision) {
  observe::StatGroup& stats = cluster_->stats();
  switch (decision.kind) {
    case RetryDecision::Kind::NoRetry: return false;
    case RetryDecision::Kind::NoRetryLimitExceeded:
      stats.counter(ClusterStat::upstream_rq_retry_limit_exceeded).add();
      call_stats_->count(VhostStat::upstream_rq_retry_limit_exceeded);
      info_.flags |= observe::kUpstreamRetryLimitExceeded;
      return false;
    case RetryDecision::Kind::NoOverflow:
    case RetryDecision::Kind::NoBudget:
      stats.counter(ClusterStat::upstream_rq_retry_overflow).add();
      info_.flags |= observe::kUpstreamOverflow;
      call_stats_->count(VhostStat::upstream_rq_retry_overflow);
      return false;
    case RetryDecision::Kind::Retry: break;
  }
  stats.counter(ClusterStat::upstream_rq_retry).add();
  call_stats_->count(VhostStat::upstream_rq_retry);
  stats
      .counter(decision.back_off_counter.ends_with("ratelimited") ? ClusterStat::upstream_rq_retry_backoff_ratelimited
                                                                  : ClusterStat::upstream_rq_retry_backoff_exponential)
      .add();
  held_head_.reset();
  release_head_.cancel();
  end_attempt();
  attempt_log_.reset();
  worker_.loop().arm(back_off_timer_, decision.back_off);
  return true;
}

void UpstreamCall::on_back_off_end() { attempt(); }

// What the attempt's stream has carried, for the log line. Before the stream is let go of.
void UpstreamCall::take_bytes() {
  if (stream_ == nullptr) return;
  const observe::WireBytes bytes = wire_bytes_of(stream_->bytes());
  info_.upstream_bytes += bytes;
  if (attempt_log_ != nullptr) attempt_log_->add_bytes(bytes);
}

// Lets go of the stream or the place in the queue; afterwards this object is as before `attempt`.
void UpstreamCall::end_attempt() {
  per_try_timer_.cancel();
  per_try_idle_timer_.cancel();
  duration_timer_.cancel();
  const bool has_sent_trailers = std::exchange(has_sent_end_, false) || trailers_ == nullptr;
  if (pool_ != nullptr && connection_ == nullptr) pool_->cancel(*this);
  take_bytes();
  if (stream_ != nullptr) {
    const bool was_complete = response_ended_ && request_ended_ && waiting_.is_empty() && has_sent_trailers;
    if (!was_complete && connection_->version() == http::Version::Http2)
      cluster_->stats().counter(ClusterStat::upstream_rq_tx_reset).add();
    else if (!was_complete) connection_->note_cut_stream(true);
    std::exchange(stream_, nullptr)->reset(was_complete ? http::ResetCode::NoError : http::ResetCode::Cancel);
  }
  if (std::exchange(connection_, nullptr) != nullptr) {
    cluster_->stats().gauge(ClusterStat::upstream_rq_active).subtract();
    host_->rq_active.subtract();
    pool_->release_request();
  }
  pool_ = nullptr;  // the host, and its pool, may leave the cluster before the next attempt
}

void UpstreamCall::cancel() {
  if (std::exchange(is_done_, true)) return;
  release_head_.cancel();
  cancel_timers();
  if (cluster_ != nullptr) end_attempt();
  attempt_log_.reset();
  if (retry_) retry_->finish();
  waiting_.clear();
  replay_.clear();
  held_head_.reset();
  give_credit();
}

void UpstreamCall::cancel_timers() {
  route_timer_.cancel();
  per_try_timer_.cancel();
  per_try_idle_timer_.cancel();
  back_off_timer_.cancel();
  duration_timer_.cancel();
}

void UpstreamCall::fail(uint16_t status, std::string_view body, std::string details, uint64_t flag, bool is_overload) {
  UpstreamFailure failure;
  failure.after_head = response_begun_;
  failure.status = status;
  failure.body = body;
  failure.details = std::move(details);
  failure.flag = flag;
  failure.is_overload = is_overload && !origin_.hcm->router.suppress_envoy_headers;
  // Answers that the proxy makes for the cluster (no host, reset, timeout) are charged to it like its own.
  if (call_stats_ && !response_begun_) call_stats_->response(status);
  cancel();
  handler_.on_upstream_failure(failure);
}

void UpstreamCall::fail_without_host() {
  fail(503, "no healthy upstream", "no_healthy_upstream", observe::kNoHealthyUpstream);
}

// ------------------------------------------------------------------ time

void UpstreamCall::on_route_timeout() {
  cluster_->stats().counter(ClusterStat::upstream_rq_timeout).add();
  call_stats_->count(VhostStat::upstream_rq_timeout);
  fail_timeout("upstream request timeout", "response_timeout", observe::kUpstreamRequestTimeout);
}

void UpstreamCall::fail_timeout(std::string_view body, std::string_view details, uint64_t flag) {
  if (attempt_log_ != nullptr) attempt_log_->set_flag(flag);
  if (host_ != nullptr && connection_ != nullptr) {
    host_->rq_timeout.add();
    if (!response_begun_) cluster_->report(*host_, {AttemptOutcome::Kind::Timeout, timeouts_.status});
  }
  fail(timeouts_.status, timeouts_.status == 204 ? std::string_view() : body, std::string(details), flag);
}

void UpstreamCall::on_per_try_timeout() {
  cluster_->stats().counter(ClusterStat::upstream_rq_per_try_timeout).add();
  on_try_timeout("upstream_per_try_timeout");
}

void UpstreamCall::on_per_try_idle() {
  cluster_->stats().counter(ClusterStat::upstream_rq_per_try_idle_timeout).add();
  if (response_begun_) return fail_timeout("", "upstream_per_try_idle_timeout", observe::kUpstreamRequestTimeout);
  on_try_timeout("upstream_per_try_idle_timeout");
}

void UpstreamCall::on_try_timeout(std::string_view details) {
  host_->rq_timeout.add();
  cluster_->report(*host_, {AttemptOutcome::Kind::Timeout, timeouts_.status});
  was_timeout_retry_ = true;
  const bool sent = stream_ != nullptr && stream_->has_sent_bytes();
  const RetryDecision decision =
      is_replayable_ ? retry_->on_per_try_timeout(sent, worker_.loop().random().next()) : RetryDecision();
  if (attempt_log_ != nullptr) attempt_log_->set_flag(observe::kUpstreamRequestTimeout);
  if (try_again(decision)) return;
  fail(timeouts_.status, timeouts_.status == 204 ? "" : "upstream request timeout", std::string(details),
       observe::kUpstreamRequestTimeout);
}

// Of the attempt's stream; as a reset of our own it may be retried.
void UpstreamCall::on_max_duration() {
  cluster_->stats().counter(ClusterStat::upstream_rq_max_duration_reached).add();
  const bool may_retry = is_replayable_ && !response_begun_;
  const RetryDecision decision =
      may_retry ? retry_->on_reset(ResetReason::LocalReset, stream_->has_sent_bytes(), worker_.loop().random().next())
                : RetryDecision();
  if (try_again(decision)) return;
  UpstreamFailure failure;  // not charged to the cluster, as in Envoy
  failure.after_head = response_begun_;
  failure.status = request_complete_ ? 504 : 408;
  failure.body = "upstream max stream duration reached";
  failure.details = "upstream_max_stream_duration_reached";
  failure.flag = observe::kUpstreamMaxStreamDurationReached;
  cancel();
  handler_.on_upstream_failure(failure);
}

}  // namespace weft::proxy
