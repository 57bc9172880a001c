// Purpose: an AdminBackend that is a few values, for tests.
// Thread:  the test's.
#pragma once

#include <utility>
#include <vector>

#include "admin/backend.h"

namespace weft::admin {

class MemoryBackend final : public AdminBackend {
 public:
  void gather_clusters(ClustersDone done) override { done(clusters); }
  void gather_listeners(ListenersDone done) override { done(listeners); }
  void set_health_check_failing(bool is_failing) override {
    is_health_check_failing = is_failing;
    ++calls;
  }
  void drain_listeners(const DrainRequest& request) override {
    drained = request;
    ++calls;
  }
  void quit() override {
    has_quit = true;
    ++calls;
  }
  void reopen_logs() override {
    has_reopened = true;
    ++calls;
  }

  std::vector<ClusterStatus> clusters;
  std::vector<ListenerStatus> listeners;
  bool is_health_check_failing = false, has_quit = false, has_reopened = false;
  DrainRequest drained;
  unsigned calls = 0;
};

}  // namespace weft::admin
