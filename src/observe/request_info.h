// Purpose: what is known of one request, as plain data: the proxy fills it, logs, header formats and later spans read
// it. Thread:  the worker of the exchange.   Owner: the exchange.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "observe/metadata.h"

namespace weft::base {
class Random;
}

namespace weft::observe {

/// Envoy's response flags as bits; the short names ("UF") are in format.cc, in Envoy's order.
enum ResponseFlag : uint64_t {
  kFailedLocalHealthCheck = 1ull << 0,             // LH
  kNoHealthyUpstream = 1ull << 1,                  // UH
  kUpstreamRequestTimeout = 1ull << 2,             // UT
  kLocalReset = 1ull << 3,                         // LR
  kUpstreamRemoteReset = 1ull << 4,                // UR
  kUpstreamConnectionFailure = 1ull << 5,          // UF
  kUpstreamConnectionTermination = 1ull << 6,      // UC
  kUpstreamOverflow = 1ull << 7,                   // UO
  kNoRouteFound = 1ull << 8,                       // NR
  kDelayInjected = 1ull << 9,                      // DI
  kFaultInjected = 1ull << 10,                     // FI
  kRateLimited = 1ull << 11,                       // RL
  kUnauthorizedExternalService = 1ull << 12,       // UAEX
  kRateLimitServiceError = 1ull << 13,             // RLSE
  kDownstreamConnectionTermination = 1ull << 14,   // DC
  kUpstreamRetryLimitExceeded = 1ull << 15,        // URX
  kStreamIdleTimeout = 1ull << 16,                 // SI
  kInvalidEnvoyRequestHeaders = 1ull << 17,        // IH
  kDownstreamProtocolError = 1ull << 18,           // DPE
  kUpstreamMaxStreamDurationReached = 1ull << 19,  // UMSDR
  kResponseFromCacheFilter = 1ull << 20,           // RFCF
  kNoFilterConfigFound = 1ull << 21,               // NFCF
  kDurationTimeout = 1ull << 22,                   // DT
  kUpstreamProtocolError = 1ull << 23,             // UPE
  kNoClusterFound = 1ull << 24,                    // NC
  kOverloadManager = 1ull << 25,                   // OM
  kDnsResolutionFailure = 1ull << 26,              // DF
  kDropOverload = 1ull << 27,                      // DO
  kDownstreamRemoteReset = 1ull << 28,             // DR
  kUnconditionalDropOverload = 1ull << 29,         // UDO
};

/// How a reader gets at headers without knowing the proxy's types. Names are lower case.
class HeaderLookup {
 public:
  virtual std::optional<std::string_view> find(std::string_view name) const = 0;
  virtual size_t bytes() const = 0;  ///< sum of name and value lengths

 protected:
  ~HeaderLookup() = default;
};

/// One end of a TLS connection, already decoded. Views and strings live as long as the connection.
struct TlsEnd {
  std::string_view version, cipher, session_id, server_name;
  std::string_view peer_subject, peer_issuer, peer_serial, peer_fingerprint_256, peer_certificate_url_encoded;
  std::string_view peer_uri_san, peer_dns_san, peer_ip_san, peer_email_san;  ///< lists joined by ","
  std::string_view peer_other_name_san;
  std::string_view peer_not_before, peer_not_after;  ///< "2026-11-22T10:00:00.000Z"
  std::string_view peer_fingerprint_1, peer_chain_fingerprints_256, peer_chain_fingerprints_1, peer_chain_serials;
  std::string_view peer_issuer_fingerprint_256, peer_issuer_serial;  ///< of the CA that the peer was verified with
  std::string_view group;                                            ///< of the key agreement ("X25519")
  std::string_view local_subject, local_uri_san, local_dns_san, local_ip_san, local_email_san, local_other_name_san;
};

/// One side's bytes as they went over the wire, TLS left out; the upstream's are those of all attempts.
struct WireBytes {
  uint64_t sent = 0, received = 0;
  uint64_t headers_sent = 0, headers_received = 0;                  ///< lines of fields; frames of header blocks
  uint64_t decoded_headers_sent = 0, decoded_headers_received = 0;  ///< the same before HPACK

  WireBytes& operator+=(const WireBytes& other) {
    sent += other.sent;
    received += other.received;
    headers_sent += other.headers_sent;
    headers_received += other.headers_received;
    decoded_headers_sent += other.decoded_headers_sent;
    decoded_headers_received += other.decoded_headers_received;
    return *this;
  }
};

/// An upstream host that a later attempt replaced.
struct EarlierAttempt {
  std::string host, hostname;  ///< as RequestInfo's upstream_host, upstream_hostname
  uint64_t connection_id = 0;  ///< 0: it got no connection
};

/// Times are offsets from `start`; absent where the point was not reached.
struct RequestInfo {
  base::WallTime start;
  std::optional<base::Duration> request_received;  ///< last byte of the request ("%REQUEST_DURATION%")
  std::optional<base::Duration> first_upstream_tx, last_upstream_tx, first_upstream_rx, last_upstream_rx;
  std::optional<base::Duration> first_upstream_body_rx;
  /// Of the upstream connection; negative where it was there before the request.
  std::optional<base::Duration> upstream_connect_begin, upstream_connect_end, upstream_handshake_end;
  std::optional<base::Duration> first_downstream_tx, last_downstream_tx;
  std::optional<base::Duration> upstream_pool_ready;  ///< a connection was there for the request
  std::optional<base::Duration> duration;             ///< whole; set at the end

  std::string_view protocol;   ///< "HTTP/1.1"; empty before a head was parsed
  uint16_t response_code = 0;  ///< 0: none was sent
  std::string response_code_details;
  std::string connection_termination_details;
  uint64_t flags = 0;                           ///< ResponseFlag bits
  uint64_t bytes_received = 0, bytes_sent = 0;  ///< bodies
  WireBytes downstream_bytes, upstream_bytes;

  std::string route_name, virtual_host_name, virtual_cluster_name;
  std::string upstream_cluster;
  std::string upstream_host;              ///< "127.0.0.1:80": the one chosen; a peer once it has a connection id
  std::string upstream_cluster_alt_name;  ///< alt_stat_name; empty: as upstream_cluster
  std::string upstream_hostname;
  std::string upstream_local_address, upstream_transport_failure_reason;
  std::string_view upstream_protocol;
  uint32_t attempt_count = 0;
  std::vector<EarlierAttempt> earlier_attempts;
  uint64_t connection_id = 0, upstream_connection_id = 0, stream_id = 0;
  std::string_view downstream_remote_address, downstream_direct_remote_address,
      downstream_local_address;  ///< with port; formats cut it
  std::string_view downstream_transport_failure_reason;
  std::string_view requested_server_name, listener_name, filter_chain_name;
  std::string grpc_status_source;  ///< unused when headers or trailers carry grpc-status
  const TlsEnd* downstream_tls = nullptr;
  const TlsEnd* upstream_tls = nullptr;

  const HeaderLookup* request_headers = nullptr;
  const HeaderLookup* response_headers = nullptr;
  const HeaderLookup* response_trailers = nullptr;
  std::string_view local_reply_body;
  std::string_view log_type = "DownstreamEnd";  ///< %ACCESS_LOG_TYPE%
  /// By MetadataSource; null: it has none.
  std::array<const Metadata*, kMetadataSources> metadata{};
  void set(MetadataSource source, const Metadata* value) { metadata[static_cast<size_t>(source)] = value; }
  bool is_health_check = false;    ///< answered by the health check filter
  base::Random* random = nullptr;  ///< the worker's, for %UNIQUE_ID%
};

}  // namespace weft::observe
