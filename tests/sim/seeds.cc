#include "sim/seeds.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "net/testing/tls_random.h"

namespace weft::sim {
namespace {

/// Memory that is taken while it lives, so that what a run allocates lies elsewhere than in the run before.
class OtherHeap {
 public:
  explicit OtherHeap(uint64_t seed) {
    base::Random random(seed);
    for (int i = 0; i < 500; ++i) blocks_.push_back(std::make_unique<char[]>(16 + random.below(2000)));
    for (size_t i = 0; i < blocks_.size(); i += 1 + random.below(3)) blocks_[i].reset();
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

uint64_t run(const Scenario& scenario, uint64_t seed) {
  const net::DeterministicTlsRandom random(seed);
  return scenario(seed).trace_hash();
}

std::string test_name() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return std::string(test->test_suite_name()) + "." + test->name();
}

// Sanitizers look for other faults, several times slower; that a seed repeats is the plain build's to prove.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kRepeats = false;
#else
constexpr bool kRepeats = true;
#endif
#else
constexpr bool kRepeats = true;
#endif

void run_and_repeat(const Scenario& scenario, uint64_t seed) {
  const uint64_t first = run(scenario, seed);
  if (::testing::Test::HasFailure()) return;
  if (std::getenv("WEFT_SIM_HASHES") != nullptr) fmt::print("trace {} {} {:016x}\n", test_name(), seed, first);
  if (!kRepeats) return;
  const OtherHeap heap(seed);
  const uint64_t second = run(scenario, seed);
  EXPECT_EQ(first, second) << "two runs of one seed differ; WEFT_SIM_TRACE=<file> shows where";
}

}  // namespace

std::string how_to_repeat(uint64_t seed) {
  std::string program = std::filesystem::proximate(std::filesystem::read_symlink("/proc/self/exe")).string();
  if (program.find('/') == std::string::npos) program = "./" + program;
  return fmt::format("WEFT_SIM_SEED={} {} --gtest_filter={}", seed, program, test_name());
}

void for_each_seed(unsigned count, const Scenario& scenario) {
  const char* const only = std::getenv("WEFT_SIM_SEED");
  const uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const uint64_t last = only != nullptr ? first : count;
  // What proxies warn of is part of many scenarios.
  base::set_log_level(base::LogLevel::Error);
  for (uint64_t seed = first; seed <= last; ++seed) {
    run_and_repeat(scenario, seed);
    if (!::testing::Test::HasFailure()) continue;
    ADD_FAILURE() << "seed " << seed << "; repeat with: " << how_to_repeat(seed);
    return;
  }
}

}  // namespace weft::sim
