#include "net/testing/seeds.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace weft::net::testing {
namespace {

std::string how_to_repeat(uint64_t seed) {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return "seed " + std::to_string(seed) + "; repeat with: WEFT_SEED=" + std::to_string(seed) + " ./dev test " +
         test->test_suite_name() + "." + test->name();
}

}  // namespace

void for_each_seed(uint64_t count, const std::function<void(uint64_t seed)>& scenario) {
  const char* const only = std::getenv("WEFT_SEED");
  const uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const uint64_t last = only != nullptr ? first : count;
  for (uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(how_to_repeat(seed));
    scenario(seed);
  }
}

}  // namespace weft::net::testing
