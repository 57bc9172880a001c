// Purpose: shows a running proxy::Server to the admin pages.
// Thread:  called on the admin thread; posts to the main loop, where the server's state may be read.
// Owner:   the process; outlives the AdminServer.
#pragma once

#include "admin/backend.h"
#include "base/task.h"
#include "net/loop.h"
#include "observe/access_log.h"
#include "proxy/server.h"

namespace weft::cli {

class ServerAdmin final : public admin::AdminBackend {
 public:
  /// `quit` runs on the main loop. All outlive this.
  ServerAdmin(net::Loop& main, proxy::Server& server, observe::AccessLogs& logs, base::Delegate<void()> quit)
      : main_(main), server_(server), logs_(logs), quit_(quit) {}

  void gather_clusters(ClustersDone done) override;
  void gather_listeners(ListenersDone done) override;
  void set_health_check_failing(bool is_failing) override { server_.set_health_failed(is_failing); }
  void drain_listeners(const admin::DrainRequest& request) override;
  void quit() override;
  void reopen_logs() override;

 private:
  net::Loop& main_;
  proxy::Server& server_;
  observe::AccessLogs& logs_;
  base::Delegate<void()> quit_;
};

}  // namespace weft::cli
