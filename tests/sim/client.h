// Purpose: the client of the simulated world: calls, and the connections that carry them.
// Thread:  the test's.   Owner: Mesh.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "net/loop.h"
#include "net/tls_context.h"

namespace weft::sim {

/// A request of the client and all that came back. Filled by whoever sends it; outlives the mesh's run.
struct Call {
  std::string id;  ///< unique within a run
  std::string method = "GET", path = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                        ///< sent in pieces
  bool reads = true;                       ///< false: takes no response bytes (a slow reader) until `reads_after`
  base::Duration reads_after{};            ///< 0: never
  std::optional<base::Duration> deadline;  ///< from the end of the request; not set: the first proxy's route timeout

  base::MonoTime started{}, sent{}, ended{};  ///< `sent`: the whole request was given to the connection
  uint16_t status = 0;
  std::map<std::string, std::string> response_headers, response_trailers;
  std::string response_body;
  bool is_started = false;
  bool is_sent = false;
  bool is_abandoned = false;  ///< by Client::abandon
  bool is_complete = false;   ///< response ended in order
  bool is_over = false;       ///< complete or broken
  int ends = 0;               ///< how often it was told that it is over; more than 1 is a bug
};

struct ClientOptions {
  bool is_h2 = false;
  std::shared_ptr<const net::TlsContextConfig> tls;  ///< null: plaintext
  std::string sni;
};

/// Calls go on one connection over HTTP/2; over HTTP/1.1 on any that is idle, else on a new one.
class Client {
 public:
  Client(net::Loop& loop, const net::Address& to, ClientOptions options);
  ~Client();

  void send(Call& call);
  /// The client loses interest in a call that is not over: RST_STREAM, or the end of its connection.
  void abandon(Call& call);
  /// Ends every connection, with RST where `reset`.
  void close(bool reset);

  net::Loop& loop() { return loop_; }
  const std::vector<Call*>& calls() const { return calls_; }
  bool is_all_over() const;
  const net::TlsCounters& tls_counters() const { return tls_counters_; }
  /// New connections use this TLS content from now on.
  void replace_tls(std::shared_ptr<const net::TlsContextConfig> tls);

 private:
  class Connection;
  class Stream;

  std::unique_ptr<net::TlsSession> new_tls_session();

  net::Loop& loop_;
  const net::Address to_;
  ClientOptions options_;
  std::shared_ptr<net::TlsContext> tls_;
  net::TlsCounters tls_counters_;
  http::CodecCounters counters_;
  base::IntrusiveList<Connection> connections_;
  std::vector<Call*> calls_;
  std::map<const Call*, Stream*> streams_;  ///< of calls that are on a connection; looked up, never walked
};

}  // namespace weft::sim
