// Purpose: the seam at which HTTP filters join an exchange: five hooks, three answers, one resume handle.
// Thread:  the owning worker's.   Owner: the exchange owns its filters; factories are part of the snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/intrusive_list.h"
#include "base/slice.h"
#include "http/message.h"
#include "net/loop.h"

namespace weft::observe {
class StatGroup;
struct RequestInfo;
struct StatTable;
}  // namespace weft::observe

namespace weft::proxy {

class Exchange;
struct Route;
struct VirtualHost;
struct RouteConfig;

enum class FilterAnswer : uint8_t {
  Continue,  ///< on to the next filter
  Pause,  ///< hold this message here until Resume; body is buffered up to the limit (413 towards upstream, 500 towards
          ///< downstream), then back-pressured
  Wait,   ///< as Pause, but body above the limit is only back-pressured; a response body held so is offered again on
          ///< Resume
  Replied,  ///< the filter has called reply(); nothing goes further
};

/// Continues a paused direction, from any later turn. Movable. Does nothing once it was used, or after `on_done`: the
/// exchange empties every handle that is still about when it ends.
class Resume : public base::ListNode<> {
 public:
  Resume() = default;
  Resume(Exchange& exchange, bool is_request);
  Resume(Resume&& other) noexcept { take(other); }
  Resume& operator=(Resume&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  void operator()();
  bool is_empty() const { return exchange_ == nullptr; }

 private:
  friend class Exchange;
  void take(Resume& other);
  Exchange* exchange_ = nullptr;
  bool is_request_ = true;
};

/// What a filter may ask of its exchange.
class FilterContext {
 public:
  virtual net::Loop& loop() = 0;
  virtual http::RequestHead& request() = 0;
  virtual const Route* route() const = 0;
  virtual const VirtualHost* virtual_host() const = 0;
  virtual const RouteConfig* route_config() const = 0;
  /// This filter's typed_per_filter_config of the most specific level that has one, else nullptr.
  virtual const void* route_specific_config() const = 0;
  virtual observe::RequestInfo& info() = 0;
  /// The cluster that the route sends the request to; "" for redirects, direct responses and no route.
  virtual std::string_view target_cluster() = 0;
  /// This worker's statistics of the running filter, by its factory's `stat_table`; null: it has none.
  virtual observe::StatGroup* stats() = 0;
  /// Answers the request here. `details` is static text for RESPONSE_CODE_DETAILS; `flag` a bit of
  /// observe::ResponseFlag.
  virtual void reply(uint16_t status, std::string_view body, std::string_view details, uint64_t flag = 0) = 0;
  /// The same for gRPC requests as a grpc-status (trailers-only); HTTP status for others.
  virtual void reply_grpc(uint32_t grpc_status, std::string_view message, std::string_view details,
                          uint64_t flag = 0) = 0;
  /// The handle that continues the direction in which this filter paused.
  virtual Resume resume_request() = 0;
  virtual Resume resume_response() = 0;
  /// Sends part of the response body on, from within on_response_data, ahead of what that call then holds.
  virtual void pass_response_data(base::Chain data) = 0;

 protected:
  ~FilterContext() = default;
};

/// One filter of one exchange.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual FilterAnswer on_request_head(FilterContext&, http::RequestHead&, bool /*end*/) {
    return FilterAnswer::Continue;
  }
  /// `trailers` non-null: they end the request. Data may be changed in place.
  virtual FilterAnswer on_request_data(FilterContext&, base::Chain&, http::HeaderMap* /*trailers*/, bool /*end*/) {
    return FilterAnswer::Continue;
  }
  virtual FilterAnswer on_response_head(FilterContext&, http::ResponseHead&, bool /*end*/) {
    return FilterAnswer::Continue;
  }
  virtual FilterAnswer on_response_data(FilterContext&, base::Chain&, http::HeaderMap* /*trailers*/, bool /*end*/) {
    return FilterAnswer::Continue;
  }
  /// Exactly once, last; cancels what the filter began.
  virtual void on_done(FilterContext&) {}
};

/// Makes filters; immutable, shared by the workers.
class FilterFactory {
 public:
  virtual ~FilterFactory() = default;
  /// `worker`: whose counters and shared counts the filter may use.
  virtual std::unique_ptr<Filter> make() const = 0;
  /// The type URL this factory was configured by.
  virtual std::string_view type_url() const = 0;
  /// What the filter counts, as http.<stat_prefix>.<this prefix><name>; null: nothing.
  virtual const observe::StatTable* stat_table() const { return nullptr; }
  virtual std::string_view stat_prefix() const { return {}; }
};

}  // namespace weft::proxy
