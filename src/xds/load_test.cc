#include "xds/load.h"

#include <gtest/gtest.h>

namespace weft::xds {
namespace {

TEST(Load, reads_the_smallest_bootstrap) {
  const Loaded loaded = load_bootstrap({"examples/envoy/http1.yaml", "", "", ""});
  ASSERT_EQ(loaded.faults.to_string(), "");
  ASSERT_EQ(loaded.snapshot->listeners.size(), 1u);
  EXPECT_EQ(loaded.snapshot->listeners[0]->address.to_string(), "127.0.0.1:10000");
  ASSERT_EQ(loaded.snapshot->clusters.size(), 1u);
  EXPECT_EQ(loaded.snapshot->clusters[0]->endpoints->endpoints[0].address.to_string(), "127.0.0.1:8080");
}

}  // namespace
}  // namespace weft::xds
