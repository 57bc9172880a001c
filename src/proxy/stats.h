// Purpose: the statistics that the proxy keeps, by Envoy's names: one list a kind of thing gives enum and table.
// Thread:  any (constants).
#pragma once

#include "observe/stats.h"

namespace weft::proxy {

// X(kind, name): C counter, G gauge, H histogram.
#define WEFT_CLUSTER_STATS(X)                       \
  X(C, bind_errors)                                 \
  X(C, membership_change)                           \
  X(G, membership_degraded)                         \
  X(G, membership_excluded)                         \
  X(G, membership_healthy)                          \
  X(G, membership_total)                            \
  X(C, lb_healthy_panic)                            \
  X(C, retry_or_shadow_abandoned)                   \
  X(C, update_attempt)                              \
  X(C, update_empty)                                \
  X(C, update_failure)                              \
  X(C, update_no_rebuild)                           \
  X(C, update_success)                              \
  X(C, upstream_cx_close_notify)                    \
  X(C, upstream_cx_connect_attempts_exceeded)       \
  X(C, upstream_cx_connect_fail)                    \
  X(C, upstream_cx_connect_timeout)                 \
  X(C, upstream_cx_destroy)                         \
  X(C, upstream_cx_destroy_local)                   \
  X(C, upstream_cx_destroy_local_with_active_rq)    \
  X(C, upstream_cx_destroy_remote)                  \
  X(C, upstream_cx_destroy_remote_with_active_rq)   \
  X(C, upstream_cx_destroy_with_active_rq)          \
  X(C, upstream_cx_http1_total)                     \
  X(C, upstream_cx_http2_total)                     \
  X(C, upstream_cx_idle_timeout)                    \
  X(C, upstream_cx_max_duration_reached)            \
  X(C, upstream_cx_max_requests)                    \
  X(C, upstream_cx_none_healthy)                    \
  X(C, upstream_cx_overflow)                        \
  X(C, upstream_cx_pool_overflow)                   \
  X(C, upstream_cx_protocol_error)                  \
  X(C, upstream_cx_rx_bytes_total)                  \
  X(C, upstream_cx_total)                           \
  X(C, upstream_cx_tx_bytes_total)                  \
  X(G, upstream_cx_active)                          \
  X(H, upstream_cx_connect_ms)                      \
  X(H, upstream_cx_length_ms)                       \
  X(C, upstream_flow_control_backed_up_total)       \
  X(C, upstream_flow_control_drained_total)         \
  X(C, upstream_flow_control_paused_reading_total)  \
  X(C, upstream_flow_control_resumed_reading_total) \
  X(G, upstream_rq_active)                          \
  X(C, upstream_rq_active_overflow)                 \
  X(C, upstream_rq_cancelled)                       \
  X(C, upstream_rq_max_duration_reached)            \
  X(C, upstream_rq_maintenance_mode)                \
  X(G, upstream_rq_pending_active)                  \
  X(C, upstream_rq_pending_failure_eject)           \
  X(C, upstream_rq_pending_overflow)                \
  X(C, upstream_rq_pending_total)                   \
  X(C, upstream_rq_per_try_idle_timeout)            \
  X(C, upstream_rq_per_try_timeout)                 \
  X(C, upstream_rq_retry)                           \
  X(C, upstream_rq_retry_backoff_exponential)       \
  X(C, upstream_rq_retry_backoff_ratelimited)       \
  X(C, upstream_rq_retry_free)                      \
  X(C, upstream_rq_retry_limit_exceeded)            \
  X(C, upstream_rq_retry_overflow)                  \
  X(C, upstream_rq_retry_success)                   \
  X(C, upstream_rq_rx_reset)                        \
  X(C, upstream_rq_timeout)                         \
  X(C, upstream_rq_total)                           \
  X(C, upstream_rq_tx_reset)                        \
  X(H, upstream_rq_time)

#define WEFT_HTTP_STATS(X)                            \
  X(G, downstream_cx_active)                          \
  X(C, downstream_cx_delayed_close_timeout)           \
  X(C, downstream_cx_destroy)                         \
  X(C, downstream_cx_destroy_active_rq)               \
  X(C, downstream_cx_destroy_local)                   \
  X(C, downstream_cx_destroy_local_active_rq)         \
  X(C, downstream_cx_destroy_remote)                  \
  X(C, downstream_cx_destroy_remote_active_rq)        \
  X(C, downstream_cx_drain_close)                     \
  X(G, downstream_cx_http1_active)                    \
  X(C, downstream_cx_http1_total)                     \
  X(G, downstream_cx_http2_active)                    \
  X(C, downstream_cx_http2_total)                     \
  X(C, downstream_cx_idle_timeout)                    \
  X(C, downstream_cx_max_duration_reached)            \
  X(C, downstream_cx_max_requests_reached)            \
  X(C, downstream_cx_overload_disable_keepalive)      \
  X(C, downstream_cx_protocol_error)                  \
  X(C, downstream_cx_rx_bytes_total)                  \
  X(G, downstream_cx_ssl_active)                      \
  X(C, downstream_cx_ssl_total)                       \
  X(C, downstream_cx_total)                           \
  X(C, downstream_cx_tx_bytes_total)                  \
  X(G, downstream_cx_upgrades_active)                 \
  X(C, downstream_cx_upgrades_total)                  \
  X(H, downstream_cx_length_ms)                       \
  X(C, downstream_flow_control_paused_reading_total)  \
  X(C, downstream_flow_control_resumed_reading_total) \
  X(C, downstream_rq_1xx)                             \
  X(C, downstream_rq_2xx)                             \
  X(C, downstream_rq_3xx)                             \
  X(C, downstream_rq_4xx)                             \
  X(C, downstream_rq_5xx)                             \
  X(G, downstream_rq_active)                          \
  X(C, downstream_rq_completed)                       \
  X(C, downstream_rq_failed_path_normalization)       \
  X(C, downstream_rq_header_timeout)                  \
  X(C, downstream_rq_http1_total)                     \
  X(C, downstream_rq_http2_total)                     \
  X(C, downstream_rq_idle_timeout)                    \
  X(C, downstream_rq_max_duration_reached)            \
  X(C, downstream_rq_non_relative_path)               \
  X(C, downstream_rq_redirected_with_normalized_path) \
  X(C, downstream_rq_response_before_rq_complete)     \
  X(C, downstream_rq_rx_reset)                        \
  X(C, downstream_rq_timeout)                         \
  X(C, downstream_rq_too_large)                       \
  X(C, downstream_rq_too_many_premature_resets)       \
  X(C, downstream_rq_total)                           \
  X(C, downstream_rq_tx_reset)                        \
  X(C, downstream_rq_ws_on_non_ws_route)              \
  X(C, no_cluster)                                    \
  X(C, no_route)                                      \
  X(C, rq_direct_response)                            \
  X(C, rq_redirect)                                   \
  X(C, rq_reset_after_downstream_response_started)    \
  X(C, rq_total)                                      \
  X(C, rs_too_large)                                  \
  X(H, downstream_rq_time)

#define WEFT_LISTENER_STATS(X)                         \
  X(G, downstream_cx_active)                           \
  X(C, downstream_cx_destroy)                          \
  X(C, downstream_cx_overflow)                         \
  X(C, downstream_cx_overload_reject)                  \
  X(C, downstream_cx_total)                            \
  X(C, downstream_cx_transport_socket_connect_timeout) \
  X(C, downstream_listener_filter_error)               \
  X(C, downstream_listener_filter_remote_close)        \
  X(C, downstream_global_cx_overflow)                  \
  X(H, connections_accepted_per_socket_event)          \
  X(G, downstream_pre_cx_active)                       \
  X(C, downstream_pre_cx_timeout)                      \
  X(C, no_filter_chain_match)                          \
  X(H, downstream_cx_length_ms)

// What a listener's connection managers answered, under "http.<stat_prefix>.".
#define WEFT_LISTENER_HTTP_STATS(X) \
  X(C, downstream_rq_1xx)           \
  X(C, downstream_rq_2xx)           \
  X(C, downstream_rq_3xx)           \
  X(C, downstream_rq_4xx)           \
  X(C, downstream_rq_5xx)           \
  X(C, downstream_rq_completed)

// The listener filter that reads ClientHellos, of all listeners together: "tls_inspector.".
#define WEFT_TLS_INSPECTOR_STATS(X) \
  X(C, alpn_found)                  \
  X(C, alpn_not_found)              \
  X(C, client_hello_too_large)      \
  X(C, sni_found)                   \
  X(C, sni_not_found)               \
  X(C, tls_found)                   \
  X(C, tls_not_found)

// The same again for each worker, under "worker_N.".
#define WEFT_LISTENER_WORKER_STATS(X) \
  X(G, downstream_cx_active)          \
  X(C, downstream_cx_total)

#define WEFT_SERVER_STATS(X)           \
  X(G, concurrency)                    \
  X(G, days_until_first_cert_expiring) \
  X(G, live)                           \
  X(G, parent_connections)             \
  X(G, state)                          \
  X(G, total_connections)              \
  X(G, uptime)                         \
  X(G, version)

// Clusters and listeners of the process: "cluster_manager." and "listener_manager.".
#define WEFT_CLUSTER_MANAGER_STATS(X) \
  X(G, active_clusters)               \
  X(C, cluster_added)                 \
  X(C, cluster_modified)              \
  X(C, cluster_removed)               \
  X(C, cluster_updated)               \
  X(G, warming_clusters)

#define WEFT_LISTENER_MANAGER_STATS(X) \
  X(C, listener_added)                 \
  X(C, listener_create_failure)        \
  X(C, listener_create_success)        \
  X(C, listener_modified)              \
  X(C, listener_removed)               \
  X(C, listener_stopped)               \
  X(G, total_listeners_active)         \
  X(G, total_listeners_draining)       \
  X(G, total_listeners_warming)        \
  X(G, workers_started)

#define WEFT_STAT_ENUM(kind, name) name,
enum class ClusterStat : uint16_t {
  WEFT_CLUSTER_STATS(WEFT_STAT_ENUM)
  // Families by response code: "upstream_rq_200", "upstream_rq_2xx", "upstream_rq_completed".
  upstream_rq_,
  internal_upstream_rq_,
  external_upstream_rq_,
  retry_upstream_rq_,
  internal_upstream_rq_time,
  external_upstream_rq_time,
  kCount
};
enum class HttpStat : uint16_t { WEFT_HTTP_STATS(WEFT_STAT_ENUM) kCount };
enum class ListenerStat : uint16_t { WEFT_LISTENER_STATS(WEFT_STAT_ENUM) kCount };
enum class ClusterManagerStat : uint16_t { WEFT_CLUSTER_MANAGER_STATS(WEFT_STAT_ENUM) kCount };
enum class ListenerManagerStat : uint16_t { WEFT_LISTENER_MANAGER_STATS(WEFT_STAT_ENUM) kCount };
enum class ListenerHttpStat : uint16_t { WEFT_LISTENER_HTTP_STATS(WEFT_STAT_ENUM) kCount };
enum class TlsInspectorStat : uint16_t { WEFT_TLS_INSPECTOR_STATS(WEFT_STAT_ENUM) kCount };
enum class ListenerWorkerStat : uint16_t { WEFT_LISTENER_WORKER_STATS(WEFT_STAT_ENUM) kCount };
enum class ServerStat : uint16_t { WEFT_SERVER_STATS(WEFT_STAT_ENUM) kCount };
#undef WEFT_STAT_ENUM

extern const observe::StatTable kClusterStats, kHttpStats, kListenerStats, kListenerHttpStats, kListenerWorkerStats,
    kServerStats, kTlsInspectorStats, kClusterManagerStats, kListenerManagerStats;

/// A response of `status` in both groups; `of_listener` may be null (calls that begin inside).
void count_downstream_status(observe::StatGroup& manager, observe::StatGroup* of_listener, uint16_t status);

}  // namespace weft::proxy
