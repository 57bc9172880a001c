// Purpose: a whole proxy in a simulated world: a client, the proxy's main loop and workers, and scripted services, all
// on
//          one thread, one clock and one seed. Holds the invariants that every scenario must keep.
// Thread:  the test's.   Owner: the test.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/connection.h"
#include "net/simulation.h"
#include "observe/access_log.h"
#include "observe/registry.h"
#include "proxy/server.h"

namespace weft::sim {

/// What a service does with one request.
struct Script {
  uint16_t status = 200;
  std::string body = "ok";
  std::vector<std::pair<std::string, std::string>> headers, trailers;
  base::Duration delay{};       ///< before the head
  base::Duration body_delay{};  ///< between head and body
  enum class End : uint8_t { Complete, ResetBeforeHead, ResetAfterHead, CloseBeforeHead, Never } end = End::Complete;
  bool waits_for_request = true;  ///< answers only when the whole request has come
  bool consumes = true;           ///< false: reads no request body (a slow reader)
};

/// A request that a service has seen.
struct SeenRequest {
  std::string id, path, body;
  std::map<std::string, std::string> headers;
  bool has_ended = false;
};

/// An HTTP service at one address; `script` decides by request and number of arrivals so far.
class Service {
 public:
  Service(net::Loop& loop, const net::Address& at, bool is_h2,
          std::function<Script(const SeenRequest&, size_t)> script);
  ~Service();

  const std::vector<SeenRequest>& seen() const { return seen_; }
  size_t seen_count(std::string_view id) const;
  /// Accepts nothing any more and closes what there is.
  void stop();

 private:
  class Connection;
  class Stream;
  class Acceptor;
  net::Loop& loop_;
  bool is_h2_;
  std::function<Script(const SeenRequest&, size_t)> script_;
  http::CodecCounters counters_;
  std::vector<SeenRequest> seen_;
  std::unique_ptr<net::ListenSocket> socket_;
  std::unique_ptr<Acceptor> acceptor_;
  base::IntrusiveList<Connection> connections_;
};

/// A request of the client and all that came back.
struct Call {
  std::string id;
  std::string method = "GET", path = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;   ///< sent in pieces
  bool reads = true;  ///< false: never takes response bytes (a slow reader)

  base::MonoTime started{}, ended{};
  uint16_t status = 0;
  std::map<std::string, std::string> response_headers, response_trailers;
  std::string response_body;
  bool is_started = false;
  bool is_complete = false;  ///< response ended in order
  bool is_over = false;      ///< complete or broken
  int ends = 0;              ///< how often it was told that it is over; more than 1 is a bug
};

struct Options {
  unsigned workers = 1;
  bool client_h2 = false;
  base::Duration client_latency = std::chrono::microseconds(200);
};

class Mesh {
 public:
  /// `yaml`: a bootstrap; clusters point to 10.0.0.N:80 where services are added, the listener is at 10.0.0.1:8080.
  Mesh(uint64_t seed, const std::string& yaml, Options options = {});
  ~Mesh();

  net::Simulation& world() { return world_; }
  net::Loop& client_loop() { return *client_; }
  net::Loop& service_loop() { return *services_loop_; }
  proxy::Server& server() { return *server_; }
  Service& add_service(const std::string& ip, bool is_h2, std::function<Script(const SeenRequest&, size_t)> script);
  Service& service(size_t i) { return *services_[i]; }

  /// Sends `call` on a connection of its own (h1), or on the shared one (h2). The call must outlive the mesh's run.
  void send(Call& call);
  /// Aborts the client's connection(s).
  void reset_client();
  /// Runs until every call sent is over; false when one never ends.
  bool finish(base::Duration limit = base::seconds(120));
  bool run_until(const std::function<bool()>& done, base::Duration limit = base::seconds(120)) {
    return world_.run_until(done, limit);
  }
  void run_for(base::Duration d) { world_.run_for(d); }
  int64_t stat(std::string_view name) const { return registry_.value(name); }

  /// Drains the proxy, closes services and clients, and checks: no call was told twice, gauges and breakers are at
  /// zero, nothing is open, no block leaked. "" when all holds, else what does not.
  std::string check_invariants();
  uint64_t trace_hash() const { return world_.trace_hash(); }
  const std::vector<std::string>& log_lines() const { return *log_lines_; }

 private:
  class ClientConnection;
  class ClientCall;

  net::Simulation world_;
  Options options_;
  net::Loop* main_;
  std::vector<net::Loop*> workers_;
  net::Loop* client_;
  net::Loop* services_loop_;
  std::shared_ptr<std::vector<std::string>> log_lines_;
  std::unique_ptr<observe::AccessLogFiles> log_files_;
  observe::Registry registry_;
  std::unique_ptr<observe::AccessLogs> logs_;
  http::CodecCounters client_counters_;
  std::vector<std::unique_ptr<Service>> services_;
  base::IntrusiveList<ClientConnection> connections_;
  std::vector<Call*> calls_;
  std::unique_ptr<proxy::Server> server_;
};

/// A bootstrap with one listener, one route configuration (`routes`: the YAML of virtual hosts' routes) and clusters.
/// `cluster_extra` is YAML put into each cluster, `hcm_extra` into the connection manager, both with their own
/// indentation in flow style ("{…}" contents, e.g. "stream_idle_timeout: 5s").
struct BootstrapParts {
  std::vector<std::string> upstreams = {"10.0.0.11"};
  std::string route_extra;  ///< into the one route's action
  std::string cluster_extra, hcm_extra;
  bool upstream_h2 = false;
};
std::string make_bootstrap(const BootstrapParts& parts);

/// Runs `scenario` for each seed of `count`, twice for the first one (equal trace hashes), and reports the failing seed
/// with the command that repeats it. WEFT_SIM_SEED runs one seed only.
void for_each_seed(const char* test_name, unsigned count, const std::function<uint64_t(uint64_t seed)>& scenario);

}  // namespace weft::sim
