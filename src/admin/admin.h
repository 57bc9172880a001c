// Purpose: the admin port: Envoy's endpoints over HTTP/1.1, on a loop and thread of their own, so that a scrape never
//          delays a request.
// Thread:  the admin loop's, but for what says otherwise.
// Owner:   the process; destroyed after its loop has stopped.
// Source:  docs/root/operations/admin.rst.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "admin/backend.h"
#include "base/result.h"
#include "base/time.h"
#include "net/loop.h"
#include "observe/registry.h"
#include "proxy/snapshot.h"

namespace google::protobuf {
class Message;
}

namespace weft::observe {
class AccessLogs;
}

namespace weft::admin {

/// What does not change while the process runs.
struct AdminInfo {
  std::string version;  ///< of Weft, "0.1.0"
  base::WallTime started;
  uint32_t concurrency = 1;        ///< workers
  std::string config_path;         ///< --config-path
  std::string config_yaml;         ///< --config-yaml
  std::string log_level = "info";  ///< --log-level
  std::string log_path;
  std::string service_node, service_cluster;
  base::Duration drain_time = base::seconds(600);
  base::Duration file_flush_interval = base::seconds(10);
  std::shared_ptr<const proxy::Snapshot> snapshot;             ///< for /certs and the admin access log
  std::shared_ptr<const google::protobuf::Message> bootstrap;  ///< as loaded, for /config_dump
};

class AdminServer {
 public:
  /// `access_logs` writes the logs that `snapshot->admin.access_logs` names; null: none are written.
  AdminServer(net::Loop& loop, AdminBackend& backend, observe::Registry& registry, AdminInfo info,
              observe::AccessLogs* access_logs);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  /// Binds and accepts; the address with the port that the system chose. Errors: Io.
  base::Result<net::Address> start(const net::Address& address);
  /// Accepts no more and closes all connections.
  void stop();

  /// What /ready and /server_info tell; PreInitializing at first. Thread: any.
  void set_state(ServerState state);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::admin
