// Purpose: one listener on one worker: accepts, looks at the ClientHello, chooses the filter chain, makes TLS,
//          finds out the HTTP version, and owns the connections that come of it.
// Thread:  the owning worker's.   Owner: the worker.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/intrusive_list.h"
#include "http/connection.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "observe/request_info.h"
#include "observe/stats.h"
#include "proxy/codec_stats.h"
#include "proxy/filter_chain_table.h"
#include "proxy/listener_config.h"
#include "proxy/tls_stats.h"

namespace weft::proxy {

class HttpConnection;
class IncomingConnection;
class Worker;
class ListenerState;

class WorkerListener final : private net::AcceptHandler {
 public:
  /// `sockets`: one for each address of the configuration, owned by the process.
  WorkerListener(Worker& worker, ListenerState& state, std::vector<net::ListenSocket*> sockets);
  ~WorkerListener();

  void start();
  /// A connection that this worker shall serve (accepted here, or handed over by exact balance).
  void take(net::AcceptedSocket socket);
  /// Accepts what the backlog holds, then stops listening; `drain_connections` finishes the rest.
  void stop_accepting();
  void drain_connections();
  /// Those that have no codec yet.
  void close_incoming();
  void close_connections();
  bool is_idle() { return connections_.is_empty() && incoming_.is_empty(); }
  /// Live connections of this worker and listener.
  size_t connection_count() const { return connection_count_; }
  /// New connections of `chain` use this TLS content from now on; those that exist keep theirs. Errors: as
  /// TlsContext::make.
  base::Status replace_tls(const FilterChainConfig& chain, std::shared_ptr<const net::TlsContextConfig> config);
  void replace_tickets(const FilterChainConfig& chain, std::shared_ptr<const net::TicketKeys> tickets);

  Worker& worker() { return worker_; }
  const ListenerConfig& config() const { return *config_; }
  observe::StatGroup& stats() { return *stats_; }
  observe::StatGroup& http_stats(const HcmConfig& hcm) { return *http_counters(hcm).stats; }
  /// Of each of hcm.filters; null where a filter counts nothing.
  const std::vector<observe::StatGroup*>& filter_stats(const HcmConfig& hcm) { return http_counters(hcm).filters; }
  CodecStats& codec_stats(const HcmConfig& hcm, bool is_h2);
  observe::StatGroup& listener_http_stats(const HcmConfig& hcm) { return *http_counters(hcm).of_listener; }
  /// Of the listener filter, where the listener has it.
  observe::StatGroup& tls_inspector_stats() { return *tls_inspector_stats_; }
  const http::H1Options& h1_options(const HcmConfig& hcm) { return http_counters(hcm).h1_options; }
  /// What the listener's own access log says of a connection that has ended. Views live until the call returns.
  struct Ended {
    base::MonoTime accepted;
    uint64_t connection_id = 0;
    std::string_view remote, local, server_name, filter_chain, transport_failure;
    const observe::TlsEnd* tls = nullptr;
    uint64_t flag = 0;
    std::string_view details = {};
  };
  void on_connection_gone(const Ended& ended);

 private:
  friend class IncomingConnection;

  // net::AcceptHandler
  void on_accept(net::AcceptedSocket socket) override;
  void on_accept_error(const base::Error& error) override;
  int accepts_per_event_max() const override;
  void on_accept_event(int count) override;

  struct HcmCounters {
    observe::StatGroup* stats = nullptr;
    observe::StatGroup* of_listener = nullptr;
    std::vector<observe::StatGroup*> filters;
    std::unique_ptr<CodecStats> h1, h2;
    http::H1Options h1_options;  ///< the connection manager's, with the listener's buffer limit
  };
  /// The TLS of one filter chain as it is now.
  struct ChainTls {
    std::shared_ptr<const net::TlsContextConfig> config;
    std::shared_ptr<net::TlsContext> context;
    std::shared_ptr<const net::TicketKeys> tickets;
  };

  const FilterChainConfig* find_chain(const ConnectionFacts& facts) const { return chains_.find(facts); }
  std::unique_ptr<net::TlsSession> new_tls_session(const FilterChainConfig& chain, std::string& failure);
  HcmCounters& http_counters(const HcmConfig& hcm);
  void log(const Ended& ended);
  void serve(const FilterChainConfig& chain, std::unique_ptr<net::Connection> transport, bool is_h2,
             base::Chain first_bytes);

  Worker& worker_;
  ListenerState& state_;
  std::shared_ptr<const ListenerConfig> config_;
  FilterChainTable chains_;
  std::vector<net::ListenSocket*> sockets_;
  std::vector<net::Handle> accepting_;
  observe::StatGroup* stats_;
  observe::StatGroup* worker_stats_;  ///< under "worker_N."
  observe::StatGroup* tls_inspector_stats_ = nullptr;
  TlsStats tls_stats_;
  std::unordered_map<const FilterChainConfig*, ChainTls> tls_;
  std::unordered_map<const HcmConfig*, std::unique_ptr<HcmCounters>> http_;
  size_t connection_count_ = 0;
  base::IntrusiveList<IncomingConnection> incoming_;
  base::IntrusiveList<HttpConnection> connections_;
};

}  // namespace weft::proxy
