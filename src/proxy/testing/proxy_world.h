// Purpose: a whole proxy with one listener on a simulated loop, a raw HTTP/1.1 client and a scripted upstream, for
// tests of
//          what only the assembled parts show.
// Thread:  the test's.   Owner: the fixture.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/simulation.h"
#include "net/testing/recorders.h"
#include "net/testing/tls_certificates.h"
#include "net/tls_context.h"
#include "observe/testing/memory_log_files.h"
#include "proxy/server.h"

namespace weft::proxy {

/// An access log at "/log" of this format.
AccessLogConfig log_of(std::string_view format);

/// Fill `hcm`, `routes`, `cluster` and `action`, call `start`, then `call`.
class WithProxy : public ::testing::Test {
 protected:
  explicit WithProxy(uint64_t seed = 1);
  ~WithProxy() override;

  /// Everything goes to `count` scripted upstreams, by `action` and the STATIC cluster "up" as configured in `cluster`.
  void route_to_upstream(size_t count = 1);
  void start();
  /// Before `start`: an access log of this format. `logged` is what it holds so far.
  AccessLogConfig& log(std::string_view format);
  /// The same of the listener.
  void log_connections(std::string_view format);
  const std::string& logged();

  struct Call {
    net::testing::ConnectionRecorder events;
    std::unique_ptr<net::Connection> connection;
    const std::string& answer() const { return events.data; }
    bool is_over() const { return events.has("end") || events.has("close"); }
  };
  /// Sends `head_lines` (each with CRLF) as one request with `connection: close` on a connection of its own.
  std::unique_ptr<Call> send(std::string_view head_lines, std::string_view body = {});
  /// Sends exactly these bytes on a connection of its own, which stays open.
  std::unique_ptr<Call> send_raw(std::string_view text);
  std::string call(std::string_view head_lines, base::Duration limit = base::seconds(60));
  /// A connection that stays open, and bytes on it.
  std::unique_ptr<Call> connect();
  void write(Call& made, std::string_view bytes);
  /// How long `call` takes in the world's time.
  base::Duration time_of(std::string_view head_lines);
  /// Ends everything in order; the destructor does it too. Fails when something does not end.
  void stop();
  net::Loop& loop() { return loop_; }
  Worker& worker() { return server_->worker(0); }
  int64_t stat(std::string_view name) { return registry_.value(name); }
  observe::Registry& registry() { return registry_; }
  Server& server() { return *server_; }

  /// What an upstream answers to a request head; kSilence, kReset and kClose are acts instead.
  std::shared_ptr<net::TlsContext> upstream_tls;  ///< null: plaintext
  std::vector<net::TlsInfo> upstream_handshakes;  ///< of TLS connections that sent a request
  bool upstream_is_raw = false;  ///< echoes every byte instead of speaking HTTP; ends when its peer does
  static constexpr char kSilence[] = "silence", kReset[] = "reset", kClose[] = "close";
  std::function<std::string(size_t upstream, const std::string& head)> answer_by_script;  ///< else `upstream_answer`
  std::string upstream_answer_later;  ///< sent ten milliseconds behind each answer: in a read of its own
  std::string upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  int upstream_requests = 0;
  std::vector<std::string> upstream_peers;  ///< addresses that connected, in order
  std::vector<int> requests_by_upstream;
  std::string upstream_head;   ///< the last one's
  std::string upstream_bytes;  ///< everything received on the last one's connection
  ClusterConfig cluster;
  RouteAction action;
  HcmConfig hcm;
  net::Resolver* resolver = nullptr;  ///< for clusters of names
  RouteConfig routes;
  std::vector<AccessLogConfig> listener_logs;
  bool is_inbound = false;  ///< the listener's traffic_direction
  net::Simulation world;

 private:
  struct Upstream;
  static net::Address listen_address() { return net::Address::v4(0x7f000001, 10000); }
  static net::Address upstream_address(size_t index) {
    return net::Address::v4(0x7f000001, static_cast<uint16_t>(20000 + index));
  }

  observe::Registry registry_;
  observe::MemoryLogFiles log_files_;
  observe::AccessLogs logs_{log_files_, registry_};
  net::Loop& loop_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::unique_ptr<Server> server_;
};

}  // namespace weft::proxy
