// Purpose: the admin's endpoints: which there are, what each answers. Knows nothing of HTTP connections.
// Thread:  the admin thread's.   Owner: AdminServer.
// Source:  docs/root/operations/admin.rst; formats are Envoy's.
#pragma once

#include <string>
#include <vector>

#include "admin/admin.h"
#include "admin/request.h"

namespace weft::admin {

class Pages {
 public:
  Pages(AdminBackend& backend, observe::Registry& registry, AdminInfo info);

  /// Answers `request` through `respond`, once; `now` is the moment of the request.
  void handle(const AdminRequest& request, base::WallTime now, Respond respond);
  void set_state(ServerState state) { state_ = state; }
  const AdminInfo& info() const { return info_; }

 private:
  struct Parameter {
    std::string_view name, help;
    std::vector<std::string_view> choices;
    bool is_flag = false;  ///< its presence counts, whatever the value
  };
  struct Endpoint {
    std::string_view path, help;
    bool is_changing;  ///< takes POST only
    void (Pages::*handler)(const AdminRequest& request, base::WallTime now, Respond& respond);
    std::vector<Parameter> parameters;
  };
  static std::vector<Endpoint> make_endpoints();

  void home(const AdminRequest& request, base::WallTime now, Respond& respond);
  void help(const AdminRequest& request, base::WallTime now, Respond& respond);
  void ready(const AdminRequest& request, base::WallTime now, Respond& respond);
  void server_info(const AdminRequest& request, base::WallTime now, Respond& respond);
  void hot_restart_version(const AdminRequest& request, base::WallTime now, Respond& respond);
  void memory(const AdminRequest& request, base::WallTime now, Respond& respond);
  void runtime(const AdminRequest& request, base::WallTime now, Respond& respond);
  void certs(const AdminRequest& request, base::WallTime now, Respond& respond);
  void clusters(const AdminRequest& request, base::WallTime now, Respond& respond);
  void listeners(const AdminRequest& request, base::WallTime now, Respond& respond);
  void config_dump(const AdminRequest& request, base::WallTime now, Respond& respond);
  void stats(const AdminRequest& request, base::WallTime now, Respond& respond);
  void stats_prometheus(const AdminRequest& request, base::WallTime now, Respond& respond);
  void logging(const AdminRequest& request, base::WallTime now, Respond& respond);
  void reset_counters(const AdminRequest& request, base::WallTime now, Respond& respond);
  void reopen_logs(const AdminRequest& request, base::WallTime now, Respond& respond);
  void drain_listeners(const AdminRequest& request, base::WallTime now, Respond& respond);
  void health_check_fail(const AdminRequest& request, base::WallTime now, Respond& respond);
  void health_check_ok(const AdminRequest& request, base::WallTime now, Respond& respond);
  void quit(const AdminRequest& request, base::WallTime now, Respond& respond);

  ServerState shown_state() const;
  std::string help_text() const;

  AdminBackend& backend_;
  observe::Registry& registry_;
  const AdminInfo info_;
  const std::vector<Endpoint> endpoints_;
  ServerState state_ = ServerState::PreInitializing;
  bool is_health_check_failing_ = false;
};

}  // namespace weft::admin
