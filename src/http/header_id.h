// Purpose: known header names as small numbers, so that the hot path compares integers.
// Thread:  any (constants).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace weft::http {

// Sorted by group; the order means nothing. Add freely: the lookup is built from this list.
#define WEFT_HEADER_IDS(X)                                                                   \
  X(Authority, ":authority")                                                                 \
  X(Method, ":method")                                                                       \
  X(Path, ":path")                                                                           \
  X(Protocol, ":protocol")                                                                   \
  X(Scheme, ":scheme")                                                                       \
  X(Status, ":status")                                                                       \
  X(Accept, "accept")                                                                        \
  X(AcceptEncoding, "accept-encoding")                                                       \
  X(AltSvc, "alt-svc")                                                                       \
  X(Authorization, "authorization")                                                          \
  X(CacheControl, "cache-control")                                                           \
  X(Connection, "connection")                                                                \
  X(ContentEncoding, "content-encoding")                                                     \
  X(ContentLength, "content-length")                                                         \
  X(ContentType, "content-type")                                                             \
  X(Cookie, "cookie")                                                                        \
  X(Date, "date")                                                                            \
  X(Etag, "etag")                                                                            \
  X(Expect, "expect")                                                                        \
  X(GrpcAcceptEncoding, "grpc-accept-encoding")                                              \
  X(GrpcMessage, "grpc-message")                                                             \
  X(GrpcStatus, "grpc-status")                                                               \
  X(GrpcTimeout, "grpc-timeout")                                                             \
  X(Host, "host")                                                                            \
  X(Http2Settings, "http2-settings")                                                         \
  X(KeepAlive, "keep-alive")                                                                 \
  X(LastModified, "last-modified")                                                           \
  X(Location, "location")                                                                    \
  X(Origin, "origin")                                                                        \
  X(ProxyConnection, "proxy-connection")                                                     \
  X(Referer, "referer")                                                                      \
  X(RetryAfter, "retry-after")                                                               \
  X(SecWebSocketKey, "sec-websocket-key")                                                    \
  X(SecWebSocketAccept, "sec-websocket-accept")                                              \
  X(Server, "server")                                                                        \
  X(SetCookie, "set-cookie")                                                                 \
  X(Te, "te")                                                                                \
  X(Trailer, "trailer")                                                                      \
  X(Traceparent, "traceparent")                                                              \
  X(Tracestate, "tracestate")                                                                \
  X(TransferEncoding, "transfer-encoding")                                                   \
  X(Upgrade, "upgrade")                                                                      \
  X(UserAgent, "user-agent")                                                                 \
  X(Vary, "vary")                                                                            \
  X(Via, "via")                                                                              \
  X(XEnvoyAttemptCount, "x-envoy-attempt-count")                                             \
  X(XEnvoyDecoratorOperation, "x-envoy-decorator-operation")                                 \
  X(XEnvoyDegraded, "x-envoy-degraded")                                                      \
  X(XEnvoyDownstreamServiceCluster, "x-envoy-downstream-service-cluster")                    \
  X(XEnvoyDownstreamServiceNode, "x-envoy-downstream-service-node")                          \
  X(XEnvoyExpectedRqTimeoutMs, "x-envoy-expected-rq-timeout-ms")                             \
  X(XEnvoyExternalAddress, "x-envoy-external-address")                                       \
  X(XEnvoyFaultAbortGrpcRequest, "x-envoy-fault-abort-grpc-request")                         \
  X(XEnvoyFaultAbortRequest, "x-envoy-fault-abort-request")                                  \
  X(XEnvoyFaultAbortRequestPercentage, "x-envoy-fault-abort-request-percentage")             \
  X(XEnvoyFaultDelayRequest, "x-envoy-fault-delay-request")                                  \
  X(XEnvoyFaultDelayRequestPercentage, "x-envoy-fault-delay-request-percentage")             \
  X(XEnvoyFaultThroughputResponse, "x-envoy-fault-throughput-response")                      \
  X(XEnvoyFaultThroughputResponsePercentage, "x-envoy-fault-throughput-response-percentage") \
  X(XEnvoyForceTrace, "x-envoy-force-trace")                                                 \
  X(XEnvoyHedgeOnPerTryTimeout, "x-envoy-hedge-on-per-try-timeout")                          \
  X(XEnvoyImmediateHealthCheckFail, "x-envoy-immediate-health-check-fail")                   \
  X(XEnvoyInternal, "x-envoy-internal")                                                      \
  X(XEnvoyIpTags, "x-envoy-ip-tags")                                                         \
  X(XEnvoyIsTimeoutRetry, "x-envoy-is-timeout-retry")                                        \
  X(XEnvoyMaxRetries, "x-envoy-max-retries")                                                 \
  X(XEnvoyOriginalDstHost, "x-envoy-original-dst-host")                                      \
  X(XEnvoyOriginalMethod, "x-envoy-original-method")                                         \
  X(XEnvoyOriginalHost, "x-envoy-original-host")                                             \
  X(XEnvoyOriginalPath, "x-envoy-original-path")                                             \
  X(XEnvoyOriginalUrl, "x-envoy-original-url")                                               \
  X(XEnvoyOverloaded, "x-envoy-overloaded")                                                  \
  X(XEnvoyRateLimited, "x-envoy-ratelimited")                                                \
  X(XEnvoyRetriableHeaderNames, "x-envoy-retriable-header-names")                            \
  X(XEnvoyRetriableStatusCodes, "x-envoy-retriable-status-codes")                            \
  X(XEnvoyRetryGrpcOn, "x-envoy-retry-grpc-on")                                              \
  X(XEnvoyRetryOn, "x-envoy-retry-on")                                                       \
  X(XEnvoyUpstreamAltStatName, "x-envoy-upstream-alt-stat-name")                             \
  X(XEnvoyUpstreamCanary, "x-envoy-upstream-canary")                                         \
  X(XEnvoyUpstreamRqPerTryTimeoutMs, "x-envoy-upstream-rq-per-try-timeout-ms")               \
  X(XEnvoyUpstreamRqTimeoutAltResponse, "x-envoy-upstream-rq-timeout-alt-response")          \
  X(XEnvoyUpstreamRqTimeoutMs, "x-envoy-upstream-rq-timeout-ms")                             \
  X(XEnvoyUpstreamServiceTime, "x-envoy-upstream-service-time")                              \
  X(XEnvoyUpstreamStreamDurationMs, "x-envoy-upstream-stream-duration-ms")                   \
  X(XForwardedClientCert, "x-forwarded-client-cert")                                         \
  X(XForwardedFor, "x-forwarded-for")                                                        \
  X(XForwardedHost, "x-forwarded-host")                                                      \
  X(XForwardedPort, "x-forwarded-port")                                                      \
  X(XForwardedProto, "x-forwarded-proto")                                                    \
  X(XRequestId, "x-request-id")

enum class HeaderId : uint16_t {
  Unknown,
#define WEFT_HEADER_ID(id, name) id,
  WEFT_HEADER_IDS(WEFT_HEADER_ID)
#undef WEFT_HEADER_ID
      Count_
};

inline constexpr size_t kHeaderIdCount = static_cast<size_t>(HeaderId::Count_);
inline constexpr size_t kHeaderIdWords = (kHeaderIdCount + 63) / 64;

/// The id of a lower-case name, or HeaderId::Unknown. O(1).
HeaderId header_id(std::string_view lower_case_name);
/// The names by id; "" for Unknown.
inline constexpr std::string_view kHeaderNames[kHeaderIdCount] = {"",
#define WEFT_HEADER_NAME(id, name) name,
                                                                  WEFT_HEADER_IDS(WEFT_HEADER_NAME)
#undef WEFT_HEADER_NAME
};

/// The name of a known id; "" for Unknown.
constexpr std::string_view header_name(HeaderId id) { return kHeaderNames[static_cast<size_t>(id)]; }

/// Several ids as bits, so that a map can be asked for all of them at once.
class HeaderIdSet {
 public:
  constexpr HeaderIdSet() = default;
  constexpr HeaderIdSet(std::initializer_list<HeaderId> ids) {
    for (const HeaderId id : ids) add(id);
  }
  constexpr void add(HeaderId id) { words_[static_cast<size_t>(id) >> 6] |= bit(id); }
  constexpr void remove(HeaderId id) { words_[static_cast<size_t>(id) >> 6] &= ~bit(id); }
  constexpr bool has(HeaderId id) const { return (words_[static_cast<size_t>(id) >> 6] & bit(id)) != 0; }
  constexpr bool meets(const HeaderIdSet& other) const {
    for (size_t i = 0; i < kHeaderIdWords; ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }
  constexpr void clear() { *this = HeaderIdSet(); }

 private:
  static constexpr uint64_t bit(HeaderId id) { return uint64_t{1} << (static_cast<size_t>(id) & 63); }

  uint64_t words_[kHeaderIdWords] = {};
};

}  // namespace weft::http
