// Purpose: decides whether a request is written to an access log. Header matching needs the proxy's matchers, so
//          that filter is implemented there; the others are made here.
// Thread:  immutable; asked on any worker.
// Source:  envoy/config/accesslog/v3/accesslog.proto.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "observe/request_info.h"

namespace weft::observe {

class AccessLogFilter {
 public:
  virtual ~AccessLogFilter() = default;
  /// `random`: uniform 64 bits, for filters that sample.
  virtual bool is_logged(const RequestInfo& info, uint64_t random) const = 0;
};

using AccessLogFilterPointer = std::shared_ptr<const AccessLogFilter>;

/// ComparisonFilter's operators (NE is Envoy's 1.31 addition).
enum class Comparison : uint8_t { Equal, GreaterOrEqual, LessOrEqual, NotEqual };

/// status_code_filter: the response code (0 when none was sent) against `value`.
AccessLogFilterPointer status_code_filter(Comparison comparison, uint32_t value);
/// duration_filter: the request's whole duration against `milliseconds`; not logged while it is unknown.
AccessLogFilterPointer duration_filter(Comparison comparison, uint32_t milliseconds);
/// not_health_check_filter: all but requests that the health check filter answered.
AccessLogFilterPointer not_health_check_filter();
/// runtime_filter with percent_sampled: numerator of denominator (100, 10000 or 1000000). Without
/// use_independent_randomness the request's x-request-id decides, so that all proxies on a path agree.
AccessLogFilterPointer sampling_filter(uint32_t numerator, uint32_t denominator, bool use_independent_randomness);
AccessLogFilterPointer and_filter(std::vector<AccessLogFilterPointer> filters);
AccessLogFilterPointer or_filter(std::vector<AccessLogFilterPointer> filters);
/// response_flag_filter: any of `flags` (ResponseFlag bits); 0: any flag at all.
AccessLogFilterPointer response_flag_filter(uint64_t flags);
/// grpc_status_filter: the numbers of gRPC's status codes; `exclude` turns the answer around. The status comes from
/// trailers, then headers, then is inferred from the HTTP status.
AccessLogFilterPointer grpc_status_filter(std::vector<uint32_t> statuses, bool exclude);
/// The same answer for every request: what remains of filters whose question has one answer here.
AccessLogFilterPointer constant_filter(bool is_logged);
/// log_type_filter: names of AccessLogType as %ACCESS_LOG_TYPE% shows them.
AccessLogFilterPointer log_type_filter(std::vector<std::string> types, bool exclude);

}  // namespace weft::observe
