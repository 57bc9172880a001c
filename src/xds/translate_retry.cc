#include <fmt/format.h>

#include "proxy/retry_policy.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

constexpr std::string_view kPreviousHosts = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";

void translate_back_off(const View& view, proxy::RetryPolicy& policy) {
  constexpr base::Duration kLeast = base::milliseconds(1);
  constexpr int kFactor = 10;
  policy.back_off_base = std::max(duration_or(view, "base_interval", policy.back_off_base), kLeast);
  policy.back_off_max = std::max(duration_or(view, "max_interval", kFactor * policy.back_off_base), kLeast);
  if (policy.back_off_max < policy.back_off_base) view.fault("max_interval", "must be at least base_interval");
}

void translate_reset_headers(const View& view, proxy::RetryPolicy& policy) {
  for (const View& header : view.messages("reset_headers")) {
    policy.reset_headers.push_back({lower_case(header.text("name")), header.choice("format") == "UNIX_TIMESTAMP"});
  }
  policy.reset_max_interval = duration_or(view, "max_interval", policy.reset_max_interval);
}

void translate_host_predicates(const View& view, proxy::RetryPolicy& policy) {
  for (const View& predicate : view.messages("retry_host_predicate")) {
    predicate.accept("name", kNameless);
    const View payload = required_payload(predicate, "typed_config");
    if (!payload) continue;
    if (payload.type() == kPreviousHosts) {
      policy.avoid_previous_hosts = true;
    } else {
      refuse_type(payload, "PreviousHostsPredicate is");
    }
  }
}

}  // namespace

std::shared_ptr<const proxy::RetryPolicy> translate_retry_policy(const View& view) {
  auto policy = std::make_shared<proxy::RetryPolicy>();
  // Words that Envoy does not know it ignores, and so does Weft.
  policy->retry_on = proxy::parse_retry_on(view.text("retry_on"));
  policy->num_retries = number_or(view, "num_retries", 1);
  policy->per_try_timeout = view.duration("per_try_timeout");
  policy->per_try_idle_timeout = view.duration("per_try_idle_timeout");
  translate_back_off(view.message("retry_back_off"), *policy);
  translate_reset_headers(view.message("rate_limited_retry_back_off"), *policy);
  for (int64_t status : view.numbers("retriable_status_codes"))
    policy->retriable_status_codes.push_back(static_cast<uint16_t>(status));
  policy->retriable_headers = translate_header_matchers(view, "retriable_headers");
  policy->retriable_request_headers = translate_header_matchers(view, "retriable_request_headers");
  translate_host_predicates(view, *policy);
  if (const int64_t attempts = view.number("host_selection_retry_max_attempts"); attempts > 0)
    policy->host_selection_retry_max_attempts = static_cast<uint32_t>(attempts);
  return policy;
}

}  // namespace weft::xds
