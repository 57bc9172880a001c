// What the statistics of the assembled process tell before and without any request, as Envoy 1.40 does.
#include <gtest/gtest.h>

#include "observe/stats_render.h"
#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

class ProcessStats : public WithProxy {
 protected:
  bool has_line(const std::string& line) {
    return ("\n" + observe::stats_prometheus(registry().read())).find("\n" + line + "\n") != std::string::npos;
  }
};

TEST_F(ProcessStats, AWorkerIsALabelOfItsSeriesAndNoPartOfTheirName) {
  start();
  const auto silent = connect();
  world.run_for(base::milliseconds(100));
  EXPECT_EQ(stat("listener.127.0.0.1_10000.worker_0.downstream_cx_total"), 1);
  for (const std::string name : {"active", "total"}) {
    EXPECT_TRUE(has_line("envoy_listener_worker_downstream_cx_" + name +
                         "{envoy_worker_id=\"0\",envoy_listener_address=\"127.0.0.1_10000\"} 1"))
        << name;
  }
}

}  // namespace
}  // namespace weft::proxy
