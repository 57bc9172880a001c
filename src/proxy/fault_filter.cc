#include "proxy/fault_filter.h"

#include <optional>
#include <string>

#include "proxy/fault_plan.h"

namespace weft::proxy {

namespace {

constexpr observe::StatTable::Row kRows[] = {
    {"aborts_injected", observe::StatKind::Counter},      {"active_faults", observe::StatKind::Gauge},
    {"delays_injected", observe::StatKind::Counter},      {"faults_overflow", observe::StatKind::Counter},
    {"response_rl_injected", observe::StatKind::Counter},
};
constexpr observe::StatTable kTable{kRows, std::size(kRows)};

class FaultFilter final : public Filter {
 public:
  explicit FaultFilter(const FaultFilterFactory& factory) : factory_(factory) {}

  FilterAnswer on_request_head(FilterContext& context, http::RequestHead& head, bool end) override;
  FilterAnswer on_response_data(FilterContext& context, base::Chain& data, http::HeaderMap* trailers,
                                bool end) override;
  void on_done(FilterContext& context) override;

 private:
  bool try_abort();
  void on_delay_over();
  void on_slice() { resume_(); }
  void note_active();
  void count(FaultStat stat, std::string_view name);

  const FaultFilterFactory& factory_;
  const FaultConfig* config_ = nullptr;
  FilterContext* context_ = nullptr;
  observe::StatGroup* stats_ = nullptr;
  std::string downstream_cluster_;  ///< empty: not counted apart
  bool is_active_ = false;
  net::Timer timer_;  ///< of the delay, later of the response's slices
  Resume resume_;
  std::optional<ResponseLimiter> limiter_;
};

FilterAnswer FaultFilter::on_request_head(FilterContext& context, http::RequestHead& head, bool) {
  const void* of_route = context.route_specific_config();
  config_ = of_route != nullptr ? static_cast<const FaultConfig*>(of_route) : &factory_.config();
  context_ = &context;
  stats_ = context.stats();
  if (config_->max_active_faults && factory_.active_faults().value() >= *config_->max_active_faults) {
    if (stats_ != nullptr) stats_->counter(FaultStat::faults_overflow).add();
    return FilterAnswer::Continue;
  }
  if (!is_fault_target(*config_, head,
                       config_->upstream_cluster.empty() ? std::string_view() : context.target_cluster()))
    return FilterAnswer::Continue;
  if (!config_->disable_downstream_cluster_stats)
    downstream_cluster_ = head.get(http::HeaderId::XEnvoyDownstreamServiceCluster);

  if (const uint64_t rate = plan_response_rate(*config_, head, context.loop().random()); rate != 0) {
    note_active();
    count(FaultStat::response_rl_injected, {});
    limiter_.emplace(rate, context.loop().now());
  }
  if (const base::Duration delay = plan_delay(*config_, head, context.loop().random());
      delay > base::Duration::zero()) {
    note_active();
    count(FaultStat::delays_injected, "delays_injected");
    context.info().flags |= observe::kDelayInjected;
    resume_ = context.resume_request();
    timer_.set_callback(net::Timer::Callback::bind<&FaultFilter::on_delay_over>(*this));
    context.loop().arm(timer_, delay);
    return FilterAnswer::Wait;
  }
  return try_abort() ? FilterAnswer::Replied : FilterAnswer::Continue;
}

bool FaultFilter::try_abort() {
  const auto abort = plan_abort(*config_, context_->request(), context_->loop().random());
  if (!abort) return false;
  note_active();
  count(FaultStat::aborts_injected, "aborts_injected");
  constexpr std::string_view kBody = "fault filter abort", kDetails = "fault_filter_abort";
  if (abort->http_status) context_->reply(*abort->http_status, kBody, kDetails, observe::kFaultInjected);
  else context_->reply_grpc(*abort->grpc_status, kBody, kDetails, observe::kFaultInjected);
  return true;
}

void FaultFilter::on_delay_over() {
  if (!try_abort()) resume_();
}

FilterAnswer FaultFilter::on_response_data(FilterContext& context, base::Chain& data, http::HeaderMap*, bool) {
  if (!limiter_) return FilterAnswer::Continue;
  const base::MonoTime now = context.loop().now();
  const size_t passing = limiter_->take(data.size(), now);
  if (passing == data.size()) return FilterAnswer::Continue;
  if (passing > 0) context.pass_response_data(data.split_front(passing));
  // What is left is offered again when the next slice is due.
  resume_ = context.resume_response();
  timer_.set_callback(net::Timer::Callback::bind<&FaultFilter::on_slice>(*this));
  context.loop().arm(timer_, limiter_->wait(now));
  return FilterAnswer::Wait;
}

void FaultFilter::on_done(FilterContext&) {
  timer_.cancel();
  if (!is_active_) return;
  factory_.active_faults().subtract();
  if (stats_ != nullptr) stats_->gauge(FaultStat::active_faults).subtract();
}

/// Several faults of one request count as one.
void FaultFilter::note_active() {
  if (is_active_) return;
  is_active_ = true;
  factory_.active_faults().add();
  if (stats_ != nullptr) stats_->gauge(FaultStat::active_faults).add();
}

void FaultFilter::count(FaultStat stat, std::string_view name) {
  if (stats_ == nullptr) return;
  stats_->counter(stat).add();
  if (name.empty() || downstream_cluster_.empty()) return;
  std::string apart = downstream_cluster_;
  apart += '.';
  apart += name;
  stats_->dynamic(apart).add();
}

}  // namespace

std::unique_ptr<Filter> FaultFilterFactory::make() const { return std::make_unique<FaultFilter>(*this); }

const observe::StatTable* FaultFilterFactory::stat_table() const { return &kTable; }

}  // namespace weft::proxy
