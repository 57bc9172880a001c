// Heads of any lines pass the border: whatever a stranger sends, none of its control headers get through, hop-by-hop
// headers are gone and what the proxy adds is there.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "proxy/deadline.h"
#include "proxy/request_headers.h"
#include "proxy/request_path.h"
#include "proxy/retry_policy.h"

namespace weft::proxy {
namespace {

void run(std::string_view text) {
  base::BlockPool pool;
  base::Random random(1);
  http::RequestHead head(pool);
  HcmConfig config;
  const unsigned flags = text.empty() ? 0 : static_cast<unsigned char>(text[0]);
  config.use_remote_address = (flags & 1) != 0;
  config.xff_num_trusted_hops = flags >> 1 & 3;
  config.strip_any_host_port = (flags & 8) != 0;
  config.strip_trailing_host_dot = (flags & 16) != 0;
  config.normalize_path = (flags & 32) != 0;
  config.merge_slashes = (flags & 64) != 0;
  head.add(":method", "GET");
  while (!text.empty() && head.size() < 100) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    const size_t colon = line.find(':', 1);
    if (colon != line.npos) head.add(line.substr(0, colon), line.substr(colon + 1));
  }
  normalize_host(head, config, 80);
  if (normalize_request_path(head, config) == http::PathVerdict::Reject || !remove_connection_named_headers(head))
    return;
  const net::Address remote = net::Address::v4(0xc0000201, 1), local = net::Address::v4(0x0a000001, 80);
  const RequestOrigin origin = mutate_request_headers(
      head, config, {"x-mine"}, {.remote = remote, .local = local, .machine_ip = "10.0.0.1"}, random);
  WEFT_ASSERT(!origin.is_internal);
  for (const char* name :
       {"x-envoy-internal", "x-envoy-retry-on", "x-envoy-max-retries", "x-envoy-expected-rq-timeout-ms", "x-mine",
        "keep-alive", "transfer-encoding", "x-forwarded-client-cert"}) {
    WEFT_ASSERT(!head.find(name));
  }
  WEFT_ASSERT(head.find("x-forwarded-proto") && head.find("x-request-id") && !head.scheme().empty());

  CircuitBreaker breaker(BreakerThresholds{});
  RetryState retries(nullptr, head, breaker);
  RouteAction action;
  action.max_stream_duration.emplace().grpc_timeout_header_max = base::seconds(10);
  const RequestTimeouts timeouts =
      resolve_timeouts({.action = &action, .respect_expected_rq_timeout = true, .is_trusted = true}, head);
  WEFT_ASSERT(!timeouts.stream || *timeouts.stream <= base::seconds(10));
  set_attempt_headers(timeouts, {}, head);
}

}  // namespace
}  // namespace weft::proxy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::proxy::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
