// g++ 12 takes the handle that resume_request() returns for a local that stays linked; it is made in the caller's
// place.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif
#include "proxy/exchange.h"

#include <algorithm>
#include <utility>

#include "http/grpc.h"
#include "proxy/ascii.h"
#include "proxy/refused_request.h"
#include "proxy/request_headers.h"
#include "proxy/request_path.h"
#include "proxy/rewrite.h"
#include "proxy/stats.h"
#include "proxy/worker.h"

namespace weft::proxy {

using base::Duration;
using http::HeaderId;

namespace {

bool is_held(FilterAnswer answer) { return answer == FilterAnswer::Pause || answer == FilterAnswer::Wait; }

}  // namespace

Resume::Resume(Exchange& exchange, bool is_request) : exchange_(&exchange), is_request_(is_request) {
  exchange.resumes_.push_back(*this);
}

void Resume::take(Resume& other) {
  unlink();
  exchange_ = std::exchange(other.exchange_, nullptr);
  is_request_ = other.is_request_;
  other.unlink();
  if (exchange_ != nullptr) exchange_->resumes_.push_back(*this);
}

void Resume::operator()() {
  unlink();
  if (Exchange* exchange = std::exchange(exchange_, nullptr)) exchange->resume_filters(is_request_);
}

void ExchangeOrigin::describe(observe::RequestInfo& info) const {
  info.connection_id = connection_id;
  info.downstream_remote_address = info.downstream_direct_remote_address = remote_text;
  info.downstream_local_address = local_text;
  info.listener_name = listener_name;
  info.filter_chain_name = filter_chain_name;
  info.set(observe::MetadataSource::Listener, listener_metadata);
  info.set(observe::MetadataSource::FilterChain, filter_chain_metadata);
  info.downstream_tls = tls;
  if (tls != nullptr) info.requested_server_name = tls->server_name;
}

Exchange::Exchange(Worker& worker, ExchangeOwner& owner, const ExchangeOrigin& origin, http::ServerStream& stream)
    : worker_(worker),
      owner_(owner),
      origin_(origin),
      stream_(&stream),
      start_(worker.loop().now()),
      last_activity_(start_),
      random_(worker.loop().random().next()),
      idle_timer_(net::Timer::Callback::bind<&Exchange::on_idle_timeout>(*this)),
      request_timer_(net::Timer::Callback::bind<&Exchange::on_request_timeout>(*this)),
      duration_timer_(net::Timer::Callback::bind<&Exchange::on_max_duration>(*this)) {
  info_.start = worker.loop().wall_now();
  info_.stream_id = worker.next_stream_id();
  info_.random = &worker.loop().random();
  origin.describe(info_);
  info_.request_headers = &request_view_;
  info_.response_headers = &response_view_;
  info_.response_trailers = &trailers_view_;
  origin.stats->counter(HttpStat::downstream_rq_total).add();
  origin.stats->gauge(HttpStat::downstream_rq_active).add();
}

Exchange::~Exchange() { WEFT_ASSERT(is_finished_); }

net::Loop& Exchange::loop() { return worker_.loop(); }

// ------------------------------------------------------------------ the request

void Exchange::begin(bool end) {
  http::RequestHead& head = stream_->request();
  request_view_.map = &head;
  info_.protocol = http::to_string(head.version);
  is_head_request_ = head.method() == "HEAD";
  request_has_end_ = end;
  if (end) request_state_ = Direction::Ended;
  if (!origin_.is_local_call && !prepare_request()) return;
  arm_timeouts();
  if (end) note_request_end();

  MatchInput input;
  input.random = random_;
  input.tls_peer_presented = origin_.tls_session != nullptr && origin_.tls_session->info().has_peer_certificate;
  input.tls_peer_validated = input.tls_peer_presented;
  match_ = origin_.hcm->routes->match(head, input);
  if (match_.virtual_host != nullptr) {
    info_.virtual_host_name = match_.virtual_host->name;
    info_.set(observe::MetadataSource::VirtualHost, match_.virtual_host->metadata.get());
  }
  if (match_.route != nullptr) {
    info_.route_name = match_.route->name;
    info_.set(observe::MetadataSource::Route, match_.route->metadata.get());
  }

  // Without a route the answer is 404, for a tunnel too.
  if (match_.route != nullptr && !is_upgrade_allowed(*origin_.hcm, match_.route, head)) {
    origin_.stats->counter(HttpStat::downstream_rq_ws_on_non_ws_route).add();
    return local_reply(403, "", "upgrade_failed", 0);
  }
  begin_log();
  make_filters();
  run_request_head();
}

// The connection manager's own work on the head, before any route or filter sees it. False: answered.
bool Exchange::prepare_request() {
  http::RequestHead& head = stream_->request();
  const HcmConfig& hcm = *origin_.hcm;
  if (equals_ignoring_case(head.get(HeaderId::Expect), "100-continue") && !hcm.proxy_100_continue) {
    if (!request_has_end_) {
      http::ResponseHead go_on(head.pool());
      go_on.status = 100;
      stream_->send_informational(go_on);
      count_downstream_status(*origin_.stats, origin_.listener_stats, 100);
    }
    head.remove(HeaderId::Expect);
  }
  normalize_host(head, hcm, origin_.local->port());
  const http::PathVerdict verdict = normalize_request_path(head, hcm);
  if (verdict == http::PathVerdict::Reject) {
    origin_.stats->counter(HttpStat::downstream_rq_failed_path_normalization).add();
    local_reply(400, "", "path_normalization_failed", 0);
    return false;
  }
  if (verdict == http::PathVerdict::Redirect) {
    origin_.stats->counter(HttpStat::downstream_rq_redirected_with_normalized_path).add();
    redirect(307, head.path(), "path_normalization_redirect");
    return false;
  }
  const DownstreamPeer peer{*origin_.remote, *origin_.local, worker_.machine_ip(),
                            origin_.tls_session != nullptr ? &origin_.tls_session->info() : nullptr};
  if (head.version != http::Version::Http2 && !remove_connection_named_headers(head)) {
    local_reply(400, "", "http1.invalid_connection_header", 0);
    return false;
  }
  trust_ = mutate_request_headers(head, hcm, route_config()->internal_only_headers, peer, loop().random());
  if (trust_.remote != *origin_.remote) {
    remote_text_ = trust_.remote.to_string();
    info_.downstream_remote_address = remote_text_;
  }
  return true;
}

bool Exchange::check_strict_headers() {
  const std::vector<std::string>& checked = origin_.hcm->router.strict_check_headers;
  if (checked.empty()) return true;
  const auto invalid = find_invalid_header(checked, stream_->request());
  if (!invalid) return true;
  const std::string body = "invalid header '" + invalid->name + "' with value '" + invalid->value + "'";
  local_reply(400, body, "request_headers_failed_strict_check", observe::kInvalidEnvoyRequestHeaders);
  return false;
}

void Exchange::arm_timeouts() {
  const HcmConfig& hcm = *origin_.hcm;
  if (hcm.stream_idle_timeout > Duration::zero()) loop().arm(idle_timer_, hcm.stream_idle_timeout);
  if (hcm.request_timeout > Duration::zero() && request_state_ == Direction::Open)
    loop().arm(request_timer_, hcm.request_timeout);
  if (hcm.max_stream_duration && *hcm.max_stream_duration > Duration::zero())
    loop().arm(duration_timer_, *hcm.max_stream_duration);
}

void Exchange::make_filters() {
  for (size_t i = 0; i < origin_.hcm->filters.size(); ++i) {
    const FilterConfig& config = origin_.hcm->filters[i];
    observe::StatGroup* stats = origin_.filter_stats != nullptr ? (*origin_.filter_stats)[i] : nullptr;
    if (is_filter_enabled(filter_scope(), config.name, config.is_disabled))
      filters_.push_back({config.factory->make(), &config, stats});
  }
  response_passage_.next = static_cast<uint32_t>(filters_.size());
}

void Exchange::run_request_head() {
  http::RequestHead& head = stream_->request();
  while (request_passage_.next < filters_.size()) {
    filter_running_ = request_passage_.next;
    const FilterAnswer answer = filters_[filter_running_].filter->on_request_head(*this, head, request_has_end_);
    if (answer == FilterAnswer::Replied || is_local_reply_) return;
    ++request_passage_.next;
    if (is_held(answer)) {
      request_passage_.is_paused = true;
      request_passage_.refuses_overflow = answer == FilterAnswer::Pause;
      return;
    }
  }
  on_request_passed();
}

// All filters have let the head through: on to the route, with the body that came meanwhile (which the filters see
// now).
void Exchange::on_request_passed() {
  Passage& p = request_passage_;
  p.head_passed = true;
  route_request();
  if (is_finished_ || is_local_reply_ || call_ == nullptr) return;
  if (p.held.is_empty() && p.held_trailers == nullptr && !p.end_held) return;
  base::Chain held = std::move(p.held);
  run_request_body(std::move(held), std::move(p.held_trailers), std::exchange(p.end_held, false), 0);
}

void Exchange::on_request_data(base::Slice data, bool end) {
  info_.bytes_received += data.size();
  touch();
  if (end) {
    request_state_ = Direction::Ended;
    note_request_end();
  }
  run_request_body(base::Chain(std::move(data)), nullptr, end, 0);
}

void Exchange::on_request_trailers(http::HeaderMap trailers) {
  touch();
  request_state_ = Direction::Ended;
  note_request_end();
  run_request_body({}, std::make_unique<http::HeaderMap>(std::move(trailers)), true, 0);
}

void Exchange::run_request_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end,
                                uint32_t first_filter) {
  if (reply_state_ == Reply::Ended || is_local_reply_) return on_request_taken(data.size());
  Passage& p = request_passage_;
  if (p.is_paused || !p.head_passed) return hold(p, std::move(data), std::move(trailers), end, true);
  for (uint32_t i = first_filter; i < filters_.size(); ++i) {
    filter_running_ = i;
    const FilterAnswer answer = filters_[i].filter->on_request_data(*this, data, trailers.get(), end);
    if (answer == FilterAnswer::Replied || is_local_reply_) return;
    if (is_held(answer)) {
      p.is_paused = true;
      p.refuses_overflow = answer == FilterAnswer::Pause;
      p.next = i + 1;
      return hold(p, std::move(data), std::move(trailers), end, true);
    }
  }
  pass_request_body(std::move(data), std::move(trailers), end);
}

void Exchange::pass_request_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end) {
  if (call_ == nullptr) return on_request_taken(data.size());
  if (!data.is_empty() || (end && trailers == nullptr)) call_->send_data(std::move(data), end && trailers == nullptr);
  if (trailers != nullptr && call_ != nullptr) call_->send_trailers(std::move(trailers));
}

// A pause keeps body up to the limit; what the codec delivers beyond that (its own credit is as large) is refused.
void Exchange::hold(Passage& passage, base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end,
                    bool is_request) {
  passage.held.append(std::move(data));
  if (trailers != nullptr) passage.held_trailers = std::move(trailers);
  passage.end_held = passage.end_held || end;
  // Once the head has passed, holding back the credit is enough: the sender stops.
  const bool is_full =
      passage.held.size() > origin_.buffer_bytes || (passage.held.size() == origin_.buffer_bytes && !end);
  if (!is_full || passage.head_passed || !passage.refuses_overflow) return;
  if (is_request) {
    origin_.stats->counter(HttpStat::downstream_rq_too_large).add();
    local_reply(413, "Payload Too Large", "request_payload_too_large", 0);
  } else {
    origin_.stats->counter(HttpStat::rs_too_large).add();
    if (call_ != nullptr) call_->cancel();
    local_reply(500, "Internal Server Error", "response_payload_too_large", 0);
  }
}

void Exchange::resume_filters(bool is_request) {
  Passage& p = is_request ? request_passage_ : response_passage_;
  if (is_finished_ || !std::exchange(p.is_paused, false)) return;
  if (is_request && (is_local_reply_ || reply_state_ == Reply::Ended)) return;
  if (!p.head_passed) return is_request ? run_request_head() : run_response_head();
  base::Chain held = std::move(p.held);
  const bool end = std::exchange(p.end_held, false);
  if (is_request) return run_request_body(std::move(held), std::move(p.held_trailers), end, p.next);
  run_response_body(std::move(held), std::move(p.held_trailers), end, p.next);
}

void Exchange::route_request() {
  origin_.stats->counter(HttpStat::rq_total).add();
  if (match_.route == nullptr) {
    origin_.stats->counter(HttpStat::no_route).add();
    return local_reply(404, "", "route_not_found", observe::kNoRouteFound, "");
  }
  // A redirect is a direct response to Envoy: it has its own counter, which nothing moves.
  const bool is_direct = !std::holds_alternative<RouteAction>(match_.route->action);
  const auto tls_location = tls_redirect_location(*match_.virtual_host, stream_->request());
  if (is_direct || tls_location) origin_.stats->counter(HttpStat::rq_direct_response).add();
  if (tls_location) return redirect(301, *tls_location, "direct_response");
  if (const auto* action = std::get_if<RedirectAction>(&match_.route->action)) {
    return redirect(action->status, redirect_location(match_.route->match, *action, stream_->request()),
                    "direct_response");
  }
  if (const auto* direct = std::get_if<DirectResponse>(&match_.route->action)) return send_direct_response(*direct);

  if (!check_strict_headers()) return;
  call_.reset(new (worker_.call_pool()) UpstreamCall(worker_, *this, stream_->request(), origin_, match_, info_,
                                                     random_, start_, trust_.is_internal || !trust_.is_edge));
  if (request_state_ == Direction::Ended) call_->on_request_complete();
  call_->start(request_has_end_);
  if (!is_finished_ && !is_local_reply_) rearm_for_route(std::get<RouteAction>(match_.route->action));
}

// The route may ask for other limits than the connection manager; a deadline from the request counts from its start.
void Exchange::rearm_for_route(const RouteAction& action) {
  if (action.idle_timeout) {
    if (*action.idle_timeout > Duration::zero()) loop().arm(idle_timer_, *action.idle_timeout);
    else idle_timer_.cancel();
  }
  if (const auto& limit = call_->timeouts().stream)
    loop().arm(duration_timer_, std::max(Duration::zero(), *limit - (loop().now() - start_)));
}

void Exchange::redirect(uint16_t status, std::string_view location, std::string_view details) {
  answer({.status = status, .location = location}, details, 0);
}

void Exchange::send_direct_response(const DirectResponse& direct) {
  info_.response_code_details = "direct_response";
  std::string formatted;
  if (direct.body_format != nullptr) {
    info_.response_code = direct.status;
    direct.body_format->append(formatted, info_);
  }
  local_reply(direct.status, direct.body_format != nullptr ? formatted : direct.body, "direct_response", 0);
}

void Exchange::note_request_end() {
  info_.request_received = loop().now() - start_;
  request_timer_.cancel();
  if (call_ != nullptr) call_->on_request_complete();
}

void Exchange::on_request_taken(size_t bytes) {
  if (stream_ != nullptr && bytes > 0) stream_->consume(bytes);
}

// ------------------------------------------------------------------ the response

// A 100 of the upstream answers the proxy, which has told the client to go on already, unless it was to be passed on.
void Exchange::on_upstream_informational(http::ResponseHead& head) {
  if (head.status == 100 && !origin_.hcm->proxy_100_continue) return;
  if (stream_ == nullptr || reply_state_ != Reply::None) return;
  stream_->send_informational(head);
  count_downstream_status(*origin_.stats, origin_.listener_stats, head.status);
}

void Exchange::on_upstream_head(http::ResponseHead head, bool end) {
  touch();
  info_.response_code_details = "via_upstream";
  response_.emplace(std::move(head));
  response_has_end_ = end;
  response_view_.map = &*response_;
  apply_response_mutations({route_config(), match_.virtual_host, match_.route, call_->weighted()}, *response_, info_);
  run_response_head();
}

// Response filters run in the opposite order: `next` counts down.
void Exchange::run_response_head() {
  request_timer_.cancel();  // a response that begins ends the wait for the request
  Passage& p = response_passage_;
  while (p.next > 0) {
    filter_running_ = --p.next;
    const FilterAnswer answer =
        filters_[filter_running_].filter->on_response_head(*this, *response_, response_has_end_);
    if (answer == FilterAnswer::Replied) return;
    if (is_held(answer)) {
      p.is_paused = true;
      p.refuses_overflow = answer == FilterAnswer::Pause;
      return;
    }
  }
  p.head_passed = true;
  const bool ends_now = response_has_end_;
  send_head(ends_now);
  if (ends_now || is_finished_) return;
  if (!p.held.is_empty() || p.held_trailers != nullptr || p.end_held) {
    base::Chain held = std::move(p.held);
    run_response_body(std::move(held), std::move(p.held_trailers), std::exchange(p.end_held, false), filters_.size());
  }
}

void Exchange::on_upstream_data(base::Slice data, bool end) {
  touch();
  run_response_body(base::Chain(std::move(data)), nullptr, end, filters_.size());
}

void Exchange::on_upstream_trailers(http::HeaderMap trailers) {
  touch();
  run_response_body({}, std::make_unique<http::HeaderMap>(std::move(trailers)), true, filters_.size());
}

void Exchange::run_response_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end,
                                 size_t filters_left) {
  Passage& p = response_passage_;
  if (p.is_paused || !p.head_passed) return hold(p, std::move(data), std::move(trailers), end, false);
  for (size_t i = filters_left; i > 0; --i) {
    filter_running_ = static_cast<uint32_t>(i - 1);
    const FilterAnswer answer = filters_[filter_running_].filter->on_response_data(*this, data, trailers.get(), end);
    if (answer == FilterAnswer::Replied) return;
    if (is_held(answer)) {
      p.is_paused = true;
      p.refuses_overflow = answer == FilterAnswer::Pause;
      p.next = filter_running_ + (answer == FilterAnswer::Wait ? 1 : 0);
    }
    // Held by this filter, or by one further on that got part of it by pass_response_data: what is left stays behind
    // that.
    if (p.is_paused) return hold(p, std::move(data), std::move(trailers), end, false);
  }
  send_body(std::move(data), std::move(trailers), end);
}

void Exchange::send_head(bool end) {
  if (stream_ == nullptr) return;
  if (!origin_.is_local_call) mutate_response_headers(*response_, stream_->request(), *origin_.hcm, worker_.date());
  // In HTTP/1 the rest of the request would stand in the way of the next one; in HTTP/2 it does not.
  const bool leaves_request =
      request_state_ == Direction::Open && is_local_reply_ && stream_->request().version != http::Version::Http2;
  if (worker_.closes_connections(origin_.is_inbound) || leaves_request) stream_->close_after();
  response_view_.map = &*response_;
  info_.response_code = response_->status;
  info_.first_downstream_tx = loop().now() - start_;
  if (request_state_ == Direction::Open)
    origin_.stats->counter(HttpStat::downstream_rq_response_before_rq_complete).add();
  reply_state_ = Reply::Headed;
  if (response_->status == 101 || (stream_->request().is_connect() && response_->status / 100 == 2)) note_upgrade();
  stream_->send_head(*response_, end);
  if (end) end_response();
}

void Exchange::note_upgrade() {
  is_upgraded_ = true;
  origin_.stats->counter(HttpStat::downstream_cx_upgrades_total).add();
  origin_.stats->gauge(HttpStat::downstream_cx_upgrades_active).add();
  if (origin_.hcm->flush_log_on_tunnel_successfully_established) write_log("DownstreamTunnelSuccessfullyEstablished");
}

void Exchange::send_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end) {
  if (stream_ == nullptr) return;
  const size_t bytes = data.size();
  info_.bytes_sent += bytes;
  if (bytes > 0 || trailers == nullptr) stream_->send_data(std::move(data), end && trailers == nullptr);
  if (trailers != nullptr) {
    response_trailers_ = std::move(trailers);
    trailers_view_.map = response_trailers_.get();
    stream_->send_trailers(*response_trailers_);
  }
  if (end) return end_response();
  if (is_local_reply_ || call_ == nullptr) return;
  response_owed_ += bytes;
  if (!stream_->is_above_high_mark()) give_back_response();
}

void Exchange::give_back_response() {
  if (const size_t owed = std::exchange(response_owed_, 0); owed > 0 && call_ != nullptr) call_->consume(owed);
}

void Exchange::on_response_writable() {
  touch();
  give_back_response();
}

void Exchange::end_response() {
  reply_state_ = Reply::Ended;
  info_.last_downstream_tx = loop().now() - start_;
  if (call_ != nullptr) call_->cancel();
}

void Exchange::on_upstream_failure(const UpstreamFailure& failure) {
  if (failure.after_head || reply_state_ != Reply::None) {
    info_.flags |= failure.flag;
    info_.response_code_details = failure.details;
    // Envoy counts it for gRPC only, whose success it had not charged yet.
    if (response_ && http::is_grpc_content_type(response_->get(HeaderId::ContentType)))
      origin_.stats->counter(HttpStat::rq_reset_after_downstream_response_started).add();
    origin_.stats->counter(HttpStat::downstream_rq_tx_reset).add();
    return cut(http::ResetCode::Internal);
  }
  is_overload_reply_ = failure.is_overload;
  is_upstream_reply_ = call_->attempts() > 0;
  local_reply(failure.status, failure.body, failure.details, failure.flag);
}

// ------------------------------------------------------------------ local replies

void Exchange::reply(uint16_t status, std::string_view body, std::string_view details, uint64_t flag) {
  local_reply(status, body, details, flag);
}

void Exchange::reply_grpc(uint32_t grpc_status, std::string_view message, std::string_view details, uint64_t flag) {
  local_grpc_status_ = grpc_status;
  local_reply(http::http_status_of_grpc(static_cast<http::GrpcStatus>(grpc_status)), message, details, flag);
}

void Exchange::abort(uint16_t status, std::string_view body, std::string_view details, uint64_t flag) {
  if (is_finished_) return;
  if (reply_state_ == Reply::None && !is_local_reply_) {
    if (call_ != nullptr) call_->cancel();
    return local_reply(status, body, details, flag);
  }
  info_.flags |= flag;
  info_.response_code_details = details;
  origin_.stats->counter(HttpStat::downstream_rq_tx_reset).add();
  cut(http::ResetCode::NoError);
}

// Ends both halves at once. The head belongs to the stream, so the log line is written before it is reset.
void Exchange::cut(http::ResetCode code) {
  is_reset_ = true;
  finish();
  if (http::ServerStream* stream = std::exchange(stream_, nullptr)) stream->reset(code);
}

void Exchange::local_reply(uint16_t status, std::string_view body, std::string_view details, uint64_t flag,
                           std::string_view content_type) {
  answer({.status = status, .body = body, .content_type = content_type, .grpc_status = local_grpc_status_}, details,
         flag);
}

// Envoy's sendLocalReply: through the response filters too; gRPC requests get a trailers-only answer.
void Exchange::answer(const LocalAnswer& answer, std::string_view details, uint64_t flag) {
  if (stream_ == nullptr || is_local_reply_ || reply_state_ != Reply::None) return;
  is_local_reply_ = true;
  info_.flags |= flag;
  info_.response_code_details = details;
  // The log tells which cluster the request was for, also where a filter or the upgrade rules answered.
  if (call_ == nullptr) {
    const std::string_view target = target_cluster();
    if (worker_.find_cluster(target) != nullptr) info_.upstream_cluster = target;
  }
  on_request_taken(request_passage_.held.size());
  request_passage_.held.clear();
  response_passage_ = Passage();
  response_passage_.next = static_cast<uint32_t>(filters_.size());
  http::RequestHead& request = stream_->request();
  response_.emplace(request.pool());
  response_view_.map = &*response_;
  response_->status = answer.status;
  finalize_local_headers();
  if (!answer.location.empty()) response_->set(HeaderId::Location, answer.location);
  if (is_overload_reply_) response_->add(HeaderId::XEnvoyOverloaded, "true");
  const bool is_grpc = http::is_grpc_content_type(request.get(HeaderId::ContentType));
  const std::string payload =
      shape_local_reply(origin_.hcm->local_reply, answer, is_grpc, is_head_request_, *response_, info_, random_);
  local_reply_body_ = answer.body;
  info_.local_reply_body = local_reply_body_;
  response_has_end_ = payload.empty();
  if (payload.empty()) return run_response_head();
  base::Chain chain;
  chain.append_copy(loop().blocks(), payload);
  run_response_head();
  if (!is_finished_) run_response_body(std::move(chain), nullptr, true, filters_.size());
}

// Headers that route, virtual host and configuration add go on local replies too.
void Exchange::finalize_local_headers() {
  if (match_.route == nullptr) return;
  // RFC 9110 section 10.2.2: what a 201 or a redirection is about.
  if (std::holds_alternative<DirectResponse>(match_.route->action) &&
      (response_->status == 201 || response_->status / 100 == 3))
    response_->add(HeaderId::Location, redirect_location(match_.route->match, RedirectAction(), stream_->request()));
  if (is_upstream_reply_ && match_.virtual_host->include_attempt_count_in_response)
    response_->set(HeaderId::XEnvoyAttemptCount, std::to_string(call_->attempts()));
  info_.response_code = 0;  // Envoy 1.40: %RESPONSE_CODE% is 0 in response_headers_to_add of direct responses
  response_view_.map = &*response_;
  apply_response_mutations(
      {route_config(), match_.virtual_host, match_.route, call_ != nullptr ? call_->weighted() : nullptr}, *response_,
      info_);
}

// ------------------------------------------------------------------ filter context

const void* Exchange::route_specific_config() const {
  if (filter_running_ >= filters_.size()) return nullptr;
  return find_filter_config(filter_scope(), filters_[filter_running_].config->name);
}

FilterScope Exchange::filter_scope() const {
  return {chosen_cluster(), match_.route, match_.virtual_host, &origin_.hcm->routes->config()};
}

// The choice follows from the exchange's random number, so it is the same whenever it is asked for.
const WeightedCluster* Exchange::chosen_cluster() const {
  if (match_.route == nullptr) return nullptr;
  const auto* action = std::get_if<RouteAction>(&match_.route->action);
  return action != nullptr ? pick_weighted(*action, stream_->request(), random_) : nullptr;
}

Resume Exchange::resume_request() { return Resume(*this, true); }
Resume Exchange::resume_response() { return Resume(*this, false); }

void Exchange::pass_response_data(base::Chain data) {
  const uint32_t running = filter_running_;
  run_response_body(std::move(data), nullptr, false, running);
  filter_running_ = running;
}

std::string_view Exchange::target_cluster() {
  if (match_.route == nullptr) return {};
  const auto* action = std::get_if<RouteAction>(&match_.route->action);
  if (action == nullptr) return {};
  return cluster_name_of(*action, chosen_cluster(), stream_->request());
}

// ------------------------------------------------------------------ time

// The idle timer is not re-armed by every byte; when it fires it looks at the last activity.
void Exchange::touch() { last_activity_ = loop().now(); }

void Exchange::on_idle_timeout() {
  Duration timeout = origin_.hcm->stream_idle_timeout;
  if (match_.route != nullptr) {
    const auto* action = std::get_if<RouteAction>(&match_.route->action);
    if (action != nullptr && action->idle_timeout) timeout = *action->idle_timeout;
  }
  const Duration idle = loop().now() - last_activity_;
  if (idle < timeout) return loop().arm(idle_timer_, timeout - idle);
  origin_.stats->counter(HttpStat::downstream_rq_idle_timeout).add();
  abort(request_state_ == Direction::Open ? 408 : 504, "stream timeout", "stream_idle_timeout",
        observe::kStreamIdleTimeout);
}

void Exchange::on_request_timeout() {
  origin_.stats->counter(HttpStat::downstream_rq_timeout).add();
  abort(408, "request timeout", "request_overall_timeout", 0);
}

void Exchange::on_max_duration() {
  origin_.stats->counter(HttpStat::downstream_rq_max_duration_reached).add();
  // Envoy 1.40 sets no flag, and tells gRPC that the deadline has passed.
  local_grpc_status_ = static_cast<uint32_t>(http::GrpcStatus::DeadlineExceeded);
  abort(request_state_ == Direction::Open ? 408 : 504, "downstream duration timeout", "max_duration_timeout", 0);
}

// ------------------------------------------------------------------ the end

void Exchange::on_stream_closed(const http::StreamEnd& end) {
  if (end.kind != http::StreamEnd::Kind::Complete) {
    is_reset_ = true;
    if (reply_state_ != Reply::Ended) {
      const bool is_protocol =
          end.kind == http::StreamEnd::Kind::ProtocolError || end.kind == http::StreamEnd::Kind::LimitExceeded;
      info_.flags |= is_protocol                                           ? observe::kDownstreamProtocolError
                     : end.kind == http::StreamEnd::Kind::ConnectionClosed ? observe::kDownstreamConnectionTermination
                                                                           : observe::kDownstreamRemoteReset;
      if (end.status != 0) {
        info_.response_code = response_ ? response_->status : end.status;
        reply_state_ = Reply::Ended;
      }
      if (is_protocol) info_.response_code_details = end.detail;
      else
        info_.response_code_details =
            end.kind == http::StreamEnd::Kind::ConnectionClosed ? "downstream_remote_disconnect" : "http2.remote_reset";
    }
  }
  finish();
  stream_ = nullptr;
}

void Exchange::on_refusal(http::Refusal& answer) {
  info_.flags |= observe::kDownstreamProtocolError;
  info_.response_code_details = answer.detail;
  shape_refusal(answer, stream_->request(), *origin_.hcm, info_, random_, worker_.date());
  info_.bytes_sent = answer.body.size();
  origin_.stats->counter(HttpStat::downstream_rq_response_before_rq_complete).add();
  // The codec's head is gone when the log line is written.
  response_.emplace(answer.head.pool());
  static_cast<http::HeaderMap&>(*response_) = answer.head.clone();
  response_->status = answer.head.status;
  response_view_.map = &*response_;
}

// Exactly once: stops the upstream, tells the filters, writes the log line, leaves.
void Exchange::finish() {
  if (is_finished_) return;
  is_finished_ = true;
  if (call_ != nullptr) call_->cancel();
  for (size_t i = 0; i < filters_.size(); ++i) {
    filter_running_ = static_cast<uint32_t>(i);
    filters_[i].filter->on_done(*this);
  }
  while (Resume* resume = resumes_.pop_front()) resume->exchange_ = nullptr;
  idle_timer_.cancel();
  request_timer_.cancel();
  duration_timer_.cancel();
  log_timer_.reset();
  info_.duration = loop().now() - start_;
  count_response();
  write_log("DownstreamEnd");
  request_view_.map = nullptr;
  owner_.on_exchange_done(*this);
  loop().destroy_later(std::unique_ptr<net::Destroyable>(this));
}

void Exchange::count_response() {
  observe::StatGroup& stats = *origin_.stats;
  // As Envoy, which resets the stream of a request that was answered before its end.
  if (is_reset_ || request_state_ == Direction::Open) stats.counter(HttpStat::downstream_rq_rx_reset).add();
  stats.gauge(HttpStat::downstream_rq_active).subtract();
  if (is_upgraded_) stats.gauge(HttpStat::downstream_cx_upgrades_active).subtract();
  stats.histogram(HttpStat::downstream_rq_time).record(static_cast<uint64_t>(base::to_milliseconds(*info_.duration)));
  if (reply_state_ != Reply::None) count_downstream_status(stats, origin_.listener_stats, info_.response_code);
}

// The lines that are written before the end, where they are asked for.
void Exchange::begin_log() {
  const HcmConfig& hcm = *origin_.hcm;
  if (hcm.flush_access_log_on_new_request) write_log("DownstreamStart");
  if (!hcm.access_log_flush_interval || hcm.access_logs.empty()) return;
  log_timer_ = std::make_unique<net::Timer>(net::Timer::Callback::bind<&Exchange::on_log_interval>(*this));
  loop().arm(*log_timer_, *hcm.access_log_flush_interval);
}

void Exchange::on_log_interval() {
  write_log("DownstreamPeriodic");
  loop().arm(*log_timer_, *origin_.hcm->access_log_flush_interval);
}

void Exchange::write_log(std::string_view type) {
  if (origin_.hcm->access_logs.empty()) return;
  info_.log_type = type;
  info_.duration = loop().now() - start_;
  if (stream_ != nullptr) info_.downstream_bytes = wire_bytes_of(stream_->bytes());
  worker_.write_access_logs(origin_.hcm->access_logs, info_, random_);
}

}  // namespace weft::proxy
