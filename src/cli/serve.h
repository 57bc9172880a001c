// Purpose: runs the data plane of one process until it is told to end: loops, threads, signals, admin, drain.
// Thread:  the main thread; returns when all others have ended.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "proxy/snapshot.h"

namespace google::protobuf {
class Message;
}

namespace weft::cli {

/// What `weft proxy` was asked for on its command line.
struct ProxyOptions {
  unsigned concurrency = 0;  ///< workers; 0: one a core
  std::string config_path, config_yaml;
  std::string log_level = "info", log_path;
  std::string service_node, service_cluster;
  base::Duration file_flush_interval = base::seconds(10);
  base::Duration drain_time = base::seconds(600);
};

/// Serves `snapshot`. Returns the exit status: 0 after a drain (SIGTERM, SIGINT, /quitquitquit), 1 when it cannot start
/// (the reason is logged). `bootstrap`: as loaded, for /config_dump; may be null.
int serve(const ProxyOptions& options, std::shared_ptr<const proxy::Snapshot> snapshot,
          std::shared_ptr<const google::protobuf::Message> bootstrap);

}  // namespace weft::cli
