#include "proxy/local_call.h"

#include <utility>

#include "proxy/stats.h"
#include "proxy/worker.h"

namespace weft::proxy {

using http::HeaderId;

namespace {

// One route, which takes everything to the one cluster.
std::shared_ptr<const RouteTable> route_to(const LocalCallOptions& options) {
  RouteAction action;
  action.cluster = options.cluster;
  action.timeout = options.timeout;
  action.retry_policy = options.retry_policy;
  RouteConfig config;
  VirtualHost& host = config.virtual_hosts.emplace_back();
  host.domains = {"*"};
  host.routes.emplace_back().action = std::move(action);
  base::Result<std::shared_ptr<const RouteTable>> table = RouteTable::compile(std::move(config));
  WEFT_ASSERT(table.has_value());
  return *table;
}

}  // namespace

LocalCaller::LocalCaller(Worker& worker, const LocalCallOptions& options) : worker_(worker) {
  config_.routes = route_to(options);
  config_.stream_idle_timeout = base::Duration::zero();
  origin_.hcm = &config_;
  origin_.stats = &worker.stat_group(
      {"http.async-client.", "http.", {{"envoy.http_conn_manager_prefix", "async-client"}}}, kHttpStats);
  origin_.remote = origin_.local = &no_address_;
  origin_.buffer_bytes = options.buffer_bytes;
  origin_.is_local_call = true;
}

LocalCall::LocalCall(LocalCaller& caller, LocalCallHandler& handler)
    : caller_(caller),
      handler_(handler),
      high_mark_(caller.origin().buffer_bytes),
      request_(caller.worker().loop().blocks()),
      later_(net::Deferred::Callback::bind<&LocalCall::deliver>(*this)) {}

LocalCall::~LocalCall() { cancel(); }

void LocalCall::start(bool end) {
  request_.set(HeaderId::XEnvoyInternal, "true");
  Worker& worker = caller_.worker();
  auto* exchange = new (worker.exchange_pool()) Exchange(worker, *this, caller_.origin(), *this);
  exchange_ = exchange;
  exchange->begin(end);
}

void LocalCall::send_request_data(base::Chain data, bool end) {
  request_owed_ += data.size();
  if (data.is_empty() && end && exchange_ != nullptr) return exchange_->on_request_data({}, true);
  while (!data.is_empty() && exchange_ != nullptr) {
    base::Slice slice = data.pop_front();
    exchange_->on_request_data(std::move(slice), end && data.is_empty());
  }
}

void LocalCall::send_request_trailers(http::HeaderMap trailers) {
  if (exchange_ != nullptr) exchange_->on_request_trailers(std::move(trailers));
}

// The cluster has taken request bytes.
void LocalCall::consume(size_t bytes) {
  const bool was_full = is_request_full();
  WEFT_ASSERT(bytes <= request_owed_);
  request_owed_ -= bytes;
  if (!was_full || is_request_full()) return;
  response_.is_writable = true;
  schedule();
}

void LocalCall::consume_response(size_t bytes) {
  WEFT_ASSERT(bytes <= response_owed_);
  response_owed_ -= bytes;
  if (!was_full_ || is_above_high_mark() || exchange_ == nullptr) return;
  was_full_ = false;
  exchange_->on_response_writable();
}

void LocalCall::cancel() {
  if (std::exchange(is_over_, true)) return;
  later_.cancel();
  response_ = Pending();
  if (exchange_ == nullptr) return;
  exchange_->on_stream_closed({http::StreamEnd::Kind::RemoteReset, http::ResetCode::Cancel, "local_call.cancelled"});
}

// ------------------------------------------------------------------ from the exchange

void LocalCall::send_head(const http::ResponseHead& head, bool end) {
  response_.head = std::make_unique<http::ResponseHead>(head.pool());
  static_cast<http::HeaderMap&>(*response_.head) = head.clone();
  response_.head->version = head.version;
  response_.head->status = head.status;
  if (end) return note_response_end();
  schedule();
}

void LocalCall::send_data(base::Chain data, bool end) {
  response_.data.append(std::move(data));
  was_full_ = was_full_ || is_above_high_mark();
  if (end) return note_response_end();
  schedule();
}

void LocalCall::send_trailers(const http::HeaderMap& trailers) {
  response_.trailers = std::make_unique<http::HeaderMap>(trailers.clone());
  note_response_end();
}

void LocalCall::note_response_end() {
  response_.has_end = true;
  end_.emplace();
  schedule();
}

void LocalCall::reset(http::ResetCode code) {
  end_ = http::StreamEnd{http::StreamEnd::Kind::RemoteReset, code, "local_call.reset"};
  schedule();
}

void LocalCall::on_exchange_done(Exchange&) { exchange_ = nullptr; }

void LocalCall::schedule() {
  if (!is_over_) caller_.worker().loop().defer(later_);
}

// Everything that has come since the last step. The handler may cancel in any of its calls.
void LocalCall::deliver() {
  Pending now = std::exchange(response_, Pending());
  const std::optional<http::StreamEnd> end = end_;
  // The exchange ends with its response, as a stream of a codec does that has written all of it.
  if (end && exchange_ != nullptr) exchange_->on_stream_closed(*end);
  if (now.is_writable) handler_.on_request_writable();
  const bool has_body = !now.data.is_empty();
  const bool ends_with_body = now.has_end && now.trailers == nullptr;
  if (now.head != nullptr && !is_over_) handler_.on_response_head(std::move(*now.head), ends_with_body && !has_body);
  if ((has_body || (ends_with_body && now.head == nullptr)) && !is_over_) {
    response_owed_ += now.data.size();
    handler_.on_response_data(std::move(now.data), ends_with_body);
  }
  if (now.trailers != nullptr && !is_over_) handler_.on_response_trailers(std::move(*now.trailers));
  if (!end || std::exchange(is_over_, true)) return;
  handler_.on_call_over(*end);
}

}  // namespace weft::proxy
