// Purpose: one request and its response on their way through the proxy: the downstream half, the filters, local
//          replies, the timeouts that belong to the client's side, and the log line.
//          The upstream half (cluster, attempts, retries) is `UpstreamCall`.
// Thread:  the owning worker's.   Owner: HttpConnection or LocalCall; ends itself through the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/intrusive_list.h"
#include "base/object_pool.h"
#include "http/connection.h"
#include "net/loop.h"
#include "observe/request_info.h"
#include "observe/stats.h"
#include "proxy/filter.h"
#include "proxy/filter_scope.h"
#include "proxy/header_view.h"
#include "proxy/listener_config.h"
#include "proxy/local_reply.h"
#include "proxy/request_headers.h"
#include "proxy/upstream_call.h"

namespace weft::proxy {

class Worker;

/// What an exchange knows of the connection it came in on; strings and configuration outlive the exchange.
struct ExchangeOrigin {
  const HcmConfig* hcm = nullptr;
  observe::StatGroup* stats = nullptr;                             ///< http.<stat_prefix>.
  observe::StatGroup* listener_stats = nullptr;                    ///< listener.<address>.http.<stat_prefix>.; or null
  const std::vector<observe::StatGroup*>* filter_stats = nullptr;  ///< of each of hcm->filters; entries may be null
  const net::Address* remote = nullptr;                            ///< the direct peer
  const net::Address* local = nullptr;
  std::string_view remote_text, local_text;  ///< with ports
  const observe::TlsEnd* tls = nullptr;      ///< null: plaintext
  net::TlsSession* tls_session = nullptr;
  uint64_t connection_id = 0;
  std::string_view listener_name, filter_chain_name;
  const observe::Metadata* listener_metadata = nullptr;      ///< null: none
  const observe::Metadata* filter_chain_metadata = nullptr;  ///< likewise
  uint32_t buffer_bytes = base::kConnectionBufferBytes;
  bool is_inbound = false;     ///< the listener's traffic_direction
  bool is_local_call = false;  ///< begun inside: heads are as their makers want them, and trusted

  /// What access logs and formats tell of the connection. `info` may not outlive what this points to.
  void describe(observe::RequestInfo& info) const;
};

/// Told when an exchange is over, to forget it.
class ExchangeOwner {
 public:
  virtual void on_exchange_done(Exchange& exchange) = 0;

 protected:
  ~ExchangeOwner() = default;
};

class Exchange final : public base::Pooled,
                       public net::Destroyable,
                       public base::ListNode<>,
                       public http::ServerStreamHandler,
                       private FilterContext,
                       private UpstreamCallHandler {
 public:
  Exchange(Worker& worker, ExchangeOwner& owner, const ExchangeOrigin& origin, http::ServerStream& stream);
  ~Exchange() override;

  /// Starts the work on the request whose head `stream` holds.
  void begin(bool end);
  /// Answers with `status` where nothing was answered yet, else resets (drain deadline, connection duration).
  void abort(uint16_t status, std::string_view body, std::string_view details, uint64_t flag);
  const observe::RequestInfo& request_info() const { return info_; }
  bool is_upgraded() const { return is_upgraded_; }

 private:
  friend class Resume;

  enum class Direction : uint8_t { Open, Ended };      ///< of the request as received
  enum class Reply : uint8_t { None, Headed, Ended };  ///< of the response as sent
  struct FilterSlot {
    std::unique_ptr<Filter> filter;
    const FilterConfig* config = nullptr;
    observe::StatGroup* stats = nullptr;
  };
  /// Where one direction stands in the filter chain.
  struct Passage {
    uint32_t next = 0;  ///< the filter that comes next (request: counted up; response: counted from the end)
    bool is_paused = false;
    bool refuses_overflow = true;  ///< paused by Pause, not Wait
    bool head_passed = false;      ///< all filters have seen the head
    bool end_held = false;         ///< the end waits with the held body
    base::Chain held;              ///< body that waits
    std::unique_ptr<http::HeaderMap> held_trailers;
  };

  // http::ServerStreamHandler
  void on_request_data(base::Slice data, bool end) override;
  void on_request_trailers(http::HeaderMap trailers) override;
  void on_response_writable() override;
  void on_stream_closed(const http::StreamEnd& end) override;
  void on_refusal(http::Refusal& answer) override;

  // FilterContext
  net::Loop& loop() override;
  http::RequestHead& request() override { return stream_->request(); }
  const Route* route() const override { return match_.route; }
  const VirtualHost* virtual_host() const override { return match_.virtual_host; }
  const RouteConfig* route_config() const override { return &origin_.hcm->routes->config(); }
  const void* route_specific_config() const override;
  observe::RequestInfo& info() override { return info_; }
  std::string_view target_cluster() override;
  observe::StatGroup* stats() override {
    return filter_running_ < filters_.size() ? filters_[filter_running_].stats : nullptr;
  }
  void reply(uint16_t status, std::string_view body, std::string_view details, uint64_t flag) override;
  void reply_grpc(uint32_t grpc_status, std::string_view message, std::string_view details, uint64_t flag) override;
  Resume resume_request() override;
  Resume resume_response() override;
  void pass_response_data(base::Chain data) override;

  // UpstreamCallHandler
  void on_upstream_informational(http::ResponseHead& head) override;
  void on_upstream_head(http::ResponseHead head, bool end) override;
  void on_upstream_data(base::Slice data, bool end) override;
  void on_upstream_trailers(http::HeaderMap trailers) override;
  void on_upstream_failure(const UpstreamFailure& failure) override;
  void on_request_taken(size_t bytes) override;

  // request half
  bool prepare_request();
  bool check_strict_headers();
  void make_filters();
  FilterScope filter_scope() const;
  const WeightedCluster* chosen_cluster() const;
  void resume_filters(bool is_request);
  void run_request_head();
  void run_request_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end, uint32_t first_filter);
  void pass_request_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end);
  void hold(Passage& passage, base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end, bool is_request);
  void on_request_passed();
  void route_request();
  void rearm_for_route(const RouteAction& action);
  void redirect(uint16_t status, std::string_view location, std::string_view details);
  void send_direct_response(const DirectResponse& direct);
  void note_request_end();

  // response half
  void run_response_head();
  void run_response_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end, size_t filters_left);
  void send_head(bool end);
  void send_body(base::Chain data, std::unique_ptr<http::HeaderMap> trailers, bool end);
  void local_reply(uint16_t status, std::string_view body, std::string_view details, uint64_t flag,
                   std::string_view content_type = "text/plain");
  void answer(const LocalAnswer& answer, std::string_view details, uint64_t flag);
  void finalize_local_headers();
  void note_upgrade();
  void give_back_response();
  void end_response();

  // time
  void touch();
  void arm_timeouts();
  void on_idle_timeout();
  void on_request_timeout();
  void on_max_duration();

  // the end
  void cut(http::ResetCode code);
  void finish();
  void count_response();
  void write_log(std::string_view type);
  void begin_log();
  void on_log_interval();

  Worker& worker_;
  ExchangeOwner& owner_;
  const ExchangeOrigin& origin_;
  http::ServerStream* stream_;  ///< null once the codec let go
  RouteMatchResult match_;
  std::vector<FilterSlot> filters_;
  base::IntrusiveList<Resume> resumes_;
  uint32_t filter_running_ = 0;  ///< whose hook runs, for FilterContext
  std::optional<uint32_t> local_grpc_status_;
  RequestOrigin trust_;
  std::string remote_text_;
  Direction request_state_ = Direction::Open;
  Reply reply_state_ = Reply::None;
  bool request_has_end_ = false;  ///< head came with end
  bool is_finished_ = false;
  bool is_reset_ = false;  ///< by either side, or with the connection
  bool is_local_reply_ = false;
  bool is_upgraded_ = false;
  bool is_head_request_ = false;
  bool is_overload_reply_ = false;
  bool is_upstream_reply_ = false;  ///< a local reply that stands for the upstream's
  Passage request_passage_, response_passage_;
  std::unique_ptr<UpstreamCall> call_;
  std::optional<http::ResponseHead> response_;
  std::unique_ptr<http::HeaderMap> response_trailers_;
  bool response_has_end_ = false;
  std::string local_reply_body_;  ///< as it was before local_reply_config, for the log
  size_t response_owed_ = 0;      ///< response bytes the downstream has not taken

  base::MonoTime start_, last_activity_;
  uint64_t random_;
  net::Timer idle_timer_, request_timer_, duration_timer_;
  std::unique_ptr<net::Timer> log_timer_;  ///< of access_log_flush_interval
  observe::RequestInfo info_;
  HeaderView request_view_, response_view_, trailers_view_;
};

}  // namespace weft::proxy
