// Purpose: a connection between accept and its HTTP codec: ClientHello, filter chain, TLS handshake, HTTP version.
// Thread:  the owning worker's.   Owner: WorkerListener (intrusive list); ends itself through the loop.
#pragma once

#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "net/connection.h"
#include "net/loop.h"
#include "proxy/filter_chain_table.h"

namespace weft::proxy {

class WorkerListener;

/// Holds at most one ClientHello (bounded by its parser) or an HTTP/2 preface, and one timer.
class IncomingConnection final : public net::Destroyable,
                                 public base::ListNode<>,
                                 private net::SocketHandler,
                                 private net::ConnectionHandler {
 public:
  IncomingConnection(WorkerListener& listener, net::AcceptedSocket socket);
  ~IncomingConnection() override;

  void start();
  void close();

 private:
  // net::SocketHandler: while the ClientHello is read.
  void on_data(base::Slice data) override;
  void on_end() override;
  void on_write_done(size_t) override {}
  void on_error(const base::Error& error) override;

  // net::ConnectionHandler: from the handshake on. `on_data` and `on_end` serve both stages.
  void on_open() override;
  void on_close(const base::Error& error) override;

  void inspect(base::Slice data);
  void detect_version(base::Slice data);
  void on_inspect_timeout();
  void on_handshake_timeout();
  void on_silence();
  void choose_chain();
  void hand_over(bool is_h2);
  void finish();
  void count_chain();
  void uncount_chain();
  void count_hello(bool is_tls);

  WorkerListener& listener_;
  net::AcceptedSocket socket_;
  base::MonoTime accepted_;
  net::Handle handle_;
  net::Address peer_, local_;
  ConnectionFacts facts_;
  std::string server_name_;
  const FilterChainConfig* chain_ = nullptr;
  std::unique_ptr<net::Connection> connection_;
  base::Chain first_bytes_;
  net::Timer timer_;
  std::string failure_;  ///< why the connection broke before its codec had it
  bool has_no_chain_ = false;
  bool is_peer_gone_ = false;
  bool is_finished_ = false;
};

}  // namespace weft::proxy
