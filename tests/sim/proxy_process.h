// Purpose: one whole proxy in the simulated world, as `weft proxy` would run it: main loop, workers, statistics, logs
// in
//          memory, names from a table.
// Thread:  the test's.   Owner: Mesh.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/simulation.h"
#include "net/testing/scripted_resolver.h"
#include "observe/access_log.h"
#include "observe/registry.h"
#include "proxy/server.h"
#include "sim/bootstrap.h"

namespace weft::sim {

/// One line of the access log, read back.
struct LogLine {
  std::string id;
  int status = 0;
  std::string flags;
  unsigned attempts = 0;
  int64_t duration_ms = 0;
  int64_t request_ms = -1;  ///< -1: the request never became complete
  std::string details;
};

class ProxyProcess {
 public:
  /// Runs on host `name` with `workers` workers. The world turns until it is live; with `names`, those resolve first.
  ProxyProcess(net::Simulation& world, const std::string& name, const BootstrapParts& parts, unsigned workers,
               bool tells_attempts, const std::vector<std::pair<std::string, std::vector<std::string>>>& names = {});
  ~ProxyProcess();

  const std::string& name() const { return name_; }
  const BootstrapParts& parts() const { return parts_; }
  proxy::Server& server() { return *server_; }
  net::testing::ScriptedResolver& resolver() { return *resolver_; }
  int64_t stat(std::string_view name) const { return registry_.value(name); }
  observe::Registry& registry() { return registry_; }

  /// As SIGTERM. Again: nothing.
  void drain(base::Duration limit);
  bool is_drained() const { return is_drained_; }
  /// Ends every connection now, as the end of the process would.
  void close_connections();

  std::vector<LogLine> log();
  std::string log_text();
  /// What is left of it after a drain, against the state in which it began: "" or what does not hold.
  std::string leaks();

 private:
  net::Simulation& world_;
  const std::string name_;
  const BootstrapParts parts_;
  net::Loop* main_;
  std::vector<net::Loop*> workers_;
  std::shared_ptr<std::string> log_text_;
  std::unique_ptr<observe::AccessLogFiles> log_files_;
  observe::Registry registry_;
  std::unique_ptr<observe::AccessLogs> logs_;
  std::unique_ptr<net::testing::ScriptedResolver> resolver_;
  std::unique_ptr<proxy::Server> server_;
  net::Holdings main_at_start_;
  bool is_drained_ = false;
};

}  // namespace weft::sim
