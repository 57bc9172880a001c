#include "observe/access_log_filter.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "observe/grpc_status.h"

namespace weft::observe {
namespace {

bool compare(Comparison comparison, uint64_t left, uint64_t right) {
  switch (comparison) {
    case Comparison::Equal: return left == right;
    case Comparison::GreaterOrEqual: return left >= right;
    case Comparison::LessOrEqual: return left <= right;
    case Comparison::NotEqual: return left != right;
  }
  return false;
}

class StatusCodeFilter final : public AccessLogFilter {
 public:
  StatusCodeFilter(Comparison comparison, uint32_t value) : comparison_(comparison), value_(value) {}
  bool is_logged(const RequestInfo& info, uint64_t) const override {
    return compare(comparison_, info.response_code, value_);
  }

 private:
  Comparison comparison_;
  uint32_t value_;
};

class DurationFilter final : public AccessLogFilter {
 public:
  DurationFilter(Comparison comparison, uint32_t milliseconds) : comparison_(comparison), milliseconds_(milliseconds) {}
  bool is_logged(const RequestInfo& info, uint64_t) const override {
    return info.duration &&
           compare(comparison_, static_cast<uint64_t>(base::to_milliseconds(*info.duration)), milliseconds_);
  }

 private:
  Comparison comparison_;
  uint32_t milliseconds_;
};

class NotHealthCheckFilter final : public AccessLogFilter {
 public:
  bool is_logged(const RequestInfo& info, uint64_t) const override { return !info.is_health_check; }
};

/// Envoy takes the first 8 hex digits of a UUID request id as the number that all proxies on a path share.
bool stable_random(const RequestInfo& info, uint64_t& random) {
  if (info.request_headers == nullptr) return false;
  auto id = info.request_headers->find("x-request-id");
  if (!id || id->size() != 36) return false;
  uint32_t number = 0;
  auto [end, error] = std::from_chars(id->data(), id->data() + 8, number, 16);
  if (error != std::errc() || end != id->data() + 8) return false;
  random = number;
  return true;
}

class SamplingFilter final : public AccessLogFilter {
 public:
  SamplingFilter(uint32_t numerator, uint32_t denominator, bool independent)
      : numerator_(numerator), denominator_(denominator), independent_(independent) {}
  bool is_logged(const RequestInfo& info, uint64_t random) const override {
    if (!independent_) stable_random(info, random);
    return random % denominator_ < numerator_;
  }

 private:
  uint32_t numerator_, denominator_;
  bool independent_;
};

class AndFilter final : public AccessLogFilter {
 public:
  explicit AndFilter(std::vector<AccessLogFilterPointer> filters) : filters_(std::move(filters)) {}
  bool is_logged(const RequestInfo& info, uint64_t random) const override {
    return std::all_of(filters_.begin(), filters_.end(),
                       [&](const auto& filter) { return filter->is_logged(info, random); });
  }

 private:
  std::vector<AccessLogFilterPointer> filters_;
};

class OrFilter final : public AccessLogFilter {
 public:
  explicit OrFilter(std::vector<AccessLogFilterPointer> filters) : filters_(std::move(filters)) {}
  bool is_logged(const RequestInfo& info, uint64_t random) const override {
    return std::any_of(filters_.begin(), filters_.end(),
                       [&](const auto& filter) { return filter->is_logged(info, random); });
  }

 private:
  std::vector<AccessLogFilterPointer> filters_;
};

class ResponseFlagFilter final : public AccessLogFilter {
 public:
  explicit ResponseFlagFilter(uint64_t flags) : flags_(flags == 0 ? ~0ull : flags) {}
  bool is_logged(const RequestInfo& info, uint64_t) const override { return (info.flags & flags_) != 0; }

 private:
  uint64_t flags_;
};

class GrpcStatusFilter final : public AccessLogFilter {
 public:
  GrpcStatusFilter(std::vector<uint32_t> statuses, bool exclude) : statuses_(std::move(statuses)), exclude_(exclude) {}
  bool is_logged(const RequestInfo& info, uint64_t) const override {
    int64_t status = grpc_status_of_response(info).value_or(2);  // UNKNOWN where nothing was sent, as in Envoy
    bool is_listed =
        status >= 0 && std::find(statuses_.begin(), statuses_.end(), static_cast<uint64_t>(status)) != statuses_.end();
    return is_listed != exclude_;
  }

 private:
  std::vector<uint32_t> statuses_;
  bool exclude_;
};

class ConstantFilter final : public AccessLogFilter {
 public:
  explicit ConstantFilter(bool is_logged) : is_logged_(is_logged) {}
  bool is_logged(const RequestInfo&, uint64_t) const override { return is_logged_; }

 private:
  bool is_logged_;
};

class LogTypeFilter final : public AccessLogFilter {
 public:
  LogTypeFilter(std::vector<std::string> types, bool exclude) : types_(std::move(types)), exclude_(exclude) {}
  bool is_logged(const RequestInfo& info, uint64_t) const override {
    return (std::find(types_.begin(), types_.end(), info.log_type) != types_.end()) != exclude_;
  }

 private:
  std::vector<std::string> types_;
  bool exclude_;
};

}  // namespace

AccessLogFilterPointer status_code_filter(Comparison comparison, uint32_t value) {
  return std::make_shared<StatusCodeFilter>(comparison, value);
}
AccessLogFilterPointer duration_filter(Comparison comparison, uint32_t milliseconds) {
  return std::make_shared<DurationFilter>(comparison, milliseconds);
}
AccessLogFilterPointer not_health_check_filter() { return std::make_shared<NotHealthCheckFilter>(); }
AccessLogFilterPointer sampling_filter(uint32_t numerator, uint32_t denominator, bool use_independent_randomness) {
  return std::make_shared<SamplingFilter>(numerator, std::max(denominator, 1u), use_independent_randomness);
}
AccessLogFilterPointer and_filter(std::vector<AccessLogFilterPointer> filters) {
  return std::make_shared<AndFilter>(std::move(filters));
}
AccessLogFilterPointer or_filter(std::vector<AccessLogFilterPointer> filters) {
  return std::make_shared<OrFilter>(std::move(filters));
}
AccessLogFilterPointer response_flag_filter(uint64_t flags) { return std::make_shared<ResponseFlagFilter>(flags); }
AccessLogFilterPointer grpc_status_filter(std::vector<uint32_t> statuses, bool exclude) {
  return std::make_shared<GrpcStatusFilter>(std::move(statuses), exclude);
}
AccessLogFilterPointer constant_filter(bool is_logged) { return std::make_shared<ConstantFilter>(is_logged); }
AccessLogFilterPointer log_type_filter(std::vector<std::string> types, bool exclude) {
  return std::make_shared<LogTypeFilter>(std::move(types), exclude);
}

}  // namespace weft::observe
