// Purpose: one downstream HTTP connection under its connection manager: gives each request an exchange, and keeps the
//          connection's own time limits and its drain.
// Thread:  the owning worker's.   Owner: the worker's listener (intrusive list); ends itself through the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "http/connection.h"
#include "net/connection.h"
#include "proxy/codec_stats.h"
#include "proxy/exchange.h"
#include "proxy/listener_config.h"
#include "proxy/tls_view.h"

namespace weft::proxy {

class WorkerListener;

class HttpConnection final : public net::Destroyable,
                             public base::ListNode<>,
                             private http::ServerConnectionHandler,
                             private ExchangeOwner {
 public:
  /// `transport` is open (handshake done); `first_bytes` were read while the protocol was being found out.
  HttpConnection(WorkerListener& listener, const FilterChainConfig& chain, std::unique_ptr<net::Connection> transport,
                 bool is_h2, base::Chain first_bytes);
  ~HttpConnection() override;

  /// Finishes the requests under way and those that clients may have sent already, then closes.
  void drain();
  /// Ends everything now.
  void close();

 private:
  // http::ServerConnectionHandler
  http::ServerStreamHandler& on_request(http::ServerStream& stream, bool end) override;
  void on_request_refused(const http::RequestHead& request, const http::Refusal& answer,
                          const http::StreamEnd& end) override;
  void on_refusal(const http::RequestHead& request, http::Refusal& answer) override;
  void on_connection_closed(const http::StreamEnd& end) override;
  // ExchangeOwner
  void on_exchange_done(Exchange& exchange) override;

  /// What exchanges need to know of the connection. Made for a request; a connection at rest has none.
  struct Origin {
    ExchangeOrigin facts;
    std::string remote_text, local_text;
    std::unique_ptr<TlsView> tls;
  };
  const ExchangeOrigin& origin();
  bool has_tls() { return codec_->transport().tls() != nullptr; }
  void begin_drain();
  void arm_rest();
  void on_rest();
  void on_idle_timeout();
  void on_max_duration();
  void on_drain_timeout();
  void on_drain_notice();
  void publish();
  void count_end();

  WorkerListener& listener_;
  const FilterChainConfig& chain_;
  const HcmConfig& hcm_;
  observe::StatGroup& stats_;
  CodecStats& codec_stats_;
  std::unique_ptr<http::ServerConnection> codec_;
  base::IntrusiveList<Exchange> exchanges_;
  std::unique_ptr<Origin> origin_;
  net::Timer timer_;  ///< rest, then idle, then the drain that follows it
  net::Timer duration_timer_;
  const base::MonoTime created_;
  const uint64_t id_;
  uint64_t bytes_received_ = 0, bytes_sent_ = 0;  ///< as far as the statistics have them
  uint32_t requests_ = 0;
  bool is_h2_;
  bool is_draining_ = false;
  bool is_local_close_ = false;
  bool has_cut_request_ = false;  ///< the connection went before a request of it was answered
};

}  // namespace weft::proxy
