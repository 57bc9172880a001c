// /drain_listeners on the assembled proxy: all listeners, or those of inbound traffic.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

class DrainListeners : public WithProxy {
 protected:
  void begin(bool inbound) {
    is_inbound = inbound;
    routes.virtual_hosts[0].routes.emplace_back().action = DirectResponse{.status = 200, .body = "x"};
    start();
    existing_ = connect();
    world.run_until_idle();
  }
  void drain(bool graceful, bool inbound_only) {
    server().drain_listeners(graceful, true, inbound_only);
    world.run_until_idle();
  }
  /// Whether a response on the connection that was there before says that it is the last one.
  bool says_close() {
    write(*existing_, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    EXPECT_TRUE(world.run_until([&] { return existing_->answer().ends_with("x"); }));
    return existing_->answer().find("connection: close") != std::string::npos;
  }
  bool accepts() {
    const auto late = connect();
    world.run_until([&] { return late->events.has("open") || late->is_over(); }, base::seconds(5));
    return late->events.has("open");
  }
  std::unique_ptr<Call> existing_;
};

TEST_F(DrainListeners, AtOnceNoNewConnectionIsTaken) {
  begin(false);
  drain(false, false);
  EXPECT_FALSE(accepts());
  EXPECT_TRUE(says_close());
}

TEST_F(DrainListeners, GracefulGoesOnAccepting) {
  begin(false);
  drain(true, false);
  EXPECT_TRUE(accepts());
  EXPECT_TRUE(says_close());
}

TEST_F(DrainListeners, OtherTrafficThanInboundGoesOnWhereOnlyThatIsDrained) {
  begin(false);
  drain(false, true);
  EXPECT_TRUE(accepts());
  EXPECT_FALSE(says_close());
}

TEST_F(DrainListeners, InboundTrafficIsDrained) {
  begin(true);
  drain(false, true);
  EXPECT_FALSE(accepts());
  EXPECT_TRUE(says_close());
}

}  // namespace
}  // namespace weft::proxy
