// Purpose: the bound of every queue, buffer, header, body, retry and pool, with unit and reason. What has a
//          knob in the Envoy API has its default here too. Full means a defined answer, never growth.
// Thread:  any (constants). Each constant has a row in docs/limits.md (tests/tidy.py checks).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace weft::base {

// ---- HTTP heads ----
/// Bytes of one request head, decoded; above: 431. Envoy's max_request_headers_kb default.
inline constexpr size_t kRequestHeadBytesMax = 60 * 1024;
/// Bytes of one response head, decoded; above: 502.
inline constexpr size_t kResponseHeadBytesMax = 60 * 1024;
/// Header lines of one message; above: 431. Envoy's max_headers_count default.
inline constexpr size_t kHeadersCountMax = 100;
/// Informational (1xx) responses before the final one; above: 502. Stops a 103 flood.
inline constexpr size_t kInformationalMax = 16;
/// Bytes of extensions in one chunk-size line; above: 400. RFC 9112 §7.1.1 asks for a limit.
inline constexpr size_t kChunkExtensionBytesMax = 4 * 1024;
/// Empty lines skipped before a request line; above: 400. RFC 9112 §2.2 asks to skip at least one.
inline constexpr size_t kLeadingEmptyLinesMax = 1;

// ---- Buffers ----
/// Bytes held per connection and direction before the other side is paused. Envoy's
/// per_connection_buffer_limit_bytes default (1 MiB).
inline constexpr size_t kConnectionBufferBytes = 1024 * 1024;
/// Bytes one turn reads from one connection before others get theirs.
inline constexpr size_t kReadBytesPerTurnMax = 64 * 1024;

// ---- TLS ----
/// Bytes of a ClientHello, record headers included, that the inspector waits for; above: treated as not TLS.
/// Envoy's tls_inspector: 16 KiB and a little.
inline constexpr size_t kClientHelloBytesMax = 16 * 1024 + 4 * 1024;
/// Names in the ALPN list of one ClientHello; above: treated as not TLS.
inline constexpr size_t kClientHelloAlpnMax = 64;
/// TLS 1.3 KeyUpdate messages of one connection within a second; above: it closes. HAProxy's default.
inline constexpr uint32_t kTlsKeyUpdatesPerSecondMax = 100;
/// Session tickets one connection takes from its server; above: it closes.
inline constexpr uint32_t kTlsTicketsReceivedMax = 64;
/// Bytes of the certificate chain that a peer sends; above: the handshake fails. OpenSSL's default.
inline constexpr size_t kTlsPeerChainBytesMax = 100 * 1024;
/// Ticket keys that decrypt, the current one included; a ticket lives this many rotations at most.
inline constexpr size_t kTlsTicketKeysMax = 4;
/// Bytes of the peer's intermediate certificates that a session ticket carries; above: a resumed session shows the leaf
/// only.
inline constexpr size_t kTlsTicketChainBytesMax = 4 * 1024;
/// Hours from one rotation of ticket keys to the next.
inline constexpr int kTlsTicketKeyHours = 1;
/// Peers (cluster and SNI) whose sessions one client context keeps; the oldest goes.
inline constexpr size_t kTlsSessionPeersMax = 1024;
/// TLS 1.2 sessions without tickets that one server context keeps; the oldest goes.
inline constexpr size_t kTlsServerSessionsMax = 1024;
/// Seconds a session may be resumed for, counted from its full handshake, unless session_timeout says otherwise.
inline constexpr int64_t kTlsSessionSeconds = 7200;

// ---- HTTP/2 ----
inline constexpr uint32_t kH2ConcurrentStreams = 1024;                  ///< Envoy's default since 1.36
inline constexpr uint32_t kH2StreamWindowBytes = 16 * 1024 * 1024;      ///< Envoy's default since 1.36
inline constexpr uint32_t kH2ConnectionWindowBytes = 24 * 1024 * 1024;  ///< Envoy's default since 1.36
/// Frames waiting to be written to a peer that does not read; above: the connection closes.
inline constexpr uint32_t kH2OutboundFramesMax = 10000;
/// PING, SETTINGS and RST_STREAM frames waiting to be written; above: the connection closes.
inline constexpr uint32_t kH2OutboundControlFramesMax = 1000;
/// DATA and HEADERS frames in a row that carry nothing and end nothing; above: the connection closes.
inline constexpr uint32_t kH2EmptyFramesMax = 1;
/// PRIORITY frames for each stream opened; above: the connection closes.
inline constexpr uint32_t kH2PriorityFramesPerStream = 100;
/// WINDOW_UPDATE frames for each DATA frame sent; above: the connection closes.
inline constexpr uint32_t kH2WindowUpdatesPerDataFrame = 10;
/// Streams a connection must have opened before resets are weighed against completed requests.
inline constexpr uint32_t kH2PrematureResetTotalStreams = 500;

// ---- Retries ----
inline constexpr uint32_t kRetriesDefault = 1;  ///< x-envoy-max-retries' default
/// Bytes of request body kept for a retry; above: the request is not retried.
inline constexpr size_t kRetryBodyBytesMax = 1024 * 1024;

// ---- Circuit breakers (Envoy's defaults) ----
inline constexpr uint32_t kBreakerConnections = 1024;      ///< connections to one cluster; above: requests wait for one
inline constexpr uint32_t kBreakerPendingRequests = 1024;  ///< requests waiting for a connection; above: 503, flag UO
inline constexpr uint32_t kBreakerRequests = 1024;         ///< requests at one cluster at a time; above: 503, flag UO
inline constexpr uint32_t kBreakerRetries = 3;             ///< retries at one cluster at a time; above: no retry

// ---- Regular expressions ----
/// Bytes of a pattern; above: the configuration is refused. An unbounded one crashed a control plane elsewhere.
inline constexpr size_t kRegexPatternBytesMax = 1024;
/// RE2 instructions of a compiled pattern; above: the configuration is refused. Ten times what Envoy accepts.
inline constexpr size_t kRegexProgramSizeMax = 1000;

// ---- Connections ----
/// Time for a TLS handshake where transport_socket_connect_timeout is not set; a silent peer must not hold a socket.
inline constexpr base::Duration kHandshakeTimeout = seconds(60);
/// Time without a request after which a connection gives back what the next request can make again; then below 1 KiB.
inline constexpr base::Duration kConnectionRest = seconds(5);
/// How long a drain waits for what clients may have sent already: the first request of a connection, the answer to the
/// PING that follows HTTP/2's first GOAWAY.
inline constexpr base::Duration kDrainNotice = seconds(1);

// ---- Boards ----
/// Bytes of one event storming board, and of a JSON Schema that it names; above: the file is refused.
inline constexpr size_t kBoardBytesMax = 8 * 1024 * 1024;
/// Elements of one board; above: the file is refused. A wall has some hundreds.
inline constexpr size_t kBoardElementsMax = 100'000;

// ---- Files and admin ----
/// Bytes of access log waiting for the disk, per log and worker; above: lines are dropped and counted.
inline constexpr size_t kAccessLogBufferBytesMax = 1024 * 1024;
/// Bytes of access log that wake the log thread before its interval is over. Envoy's MIN_FLUSH_SIZE.
inline constexpr size_t kAccessLogFlushBytes = 64 * 1024;
/// Counters of one group whose names come at run time; above: they share one. Stops a peer from inventing names.
inline constexpr size_t kDynamicStatsMax = 256;
/// Names that x-envoy-upstream-alt-stat-name may add to one cluster's statistics on one worker; above: not counted
/// apart.
inline constexpr size_t kAltStatNamesMax = 100;
/// Connections to the admin port at a time; above: the one that is idle longest closes, and where none is, the new one.
inline constexpr size_t kAdminConnectionsMax = 100;
/// Bytes of a form posted to the admin port; above: 413.
inline constexpr size_t kAdminFormBytesMax = 64 * 1024;
/// Bytes of a configuration file; above: refused.
inline constexpr size_t kConfigFileBytesMax = 64 * 1024 * 1024;
/// Depth of a YAML or JSON document; above: refused. Deep nesting overflowed stacks elsewhere.
inline constexpr size_t kConfigDepthMax = 100;
/// Nodes that YAML aliases may expand to; above: refused ("billion laughs").
inline constexpr size_t kConfigAliasNodesMax = 100000;

}  // namespace weft::base
