// The harness itself: that one seed is one run in any process, and that what a failure prints repeats it.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "sim/mesh.h"

namespace weft::sim {
namespace {

struct Outcome {
  int status = 0;
  std::string text;
};

Outcome run_command(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) outcome.text.append(buffer.data(), n);
  outcome.status = pclose(pipe);
  return outcome;
}

std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

/// Only what a run says about its traces.
std::string traces_of(const std::string& text) {
  std::string out;
  for (size_t at = 0; (at = text.find("trace ", at)) != std::string::npos;) {
    const size_t end = text.find('\n', at);
    out += text.substr(at, end - at) + "\n";
    at = end;
  }
  return out;
}

// Not a scenario of interest: something to fail, for the seed that WEFT_SIM_FAILING_SEED names.
TEST(HarnessSim, AScenarioFailsWhereItIsTold) {
  const char* const failing = std::getenv("WEFT_SIM_FAILING_SEED");
  for_each_seed(5, [failing](uint64_t seed) {
    Mesh mesh(seed, {});
    mesh.add_service("10.0.0.11", false, [](const SeenRequest&, size_t) { return Script{}; });
    Call call;
    call.id = "one";
    mesh.exchange(call);
    if (failing != nullptr) {
      EXPECT_NE(std::to_string(seed), failing) << "told to fail";
    }
    return mesh.conclude();
  });
}

TEST(HarnessSimReplay, WhatAFailurePrintsRepeatsIt) {
  // Leaks are the whole run's to find: in so short a process what OpenSSL sets up once counts as one.
  const std::string environment =
      "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX -u WEFT_SIM_SEED ASAN_OPTIONS=detect_leaks=0 ";
  const std::string failing = environment + "WEFT_SIM_FAILING_SEED=3 ";
  const Outcome first = run_command(failing + this_program() + " --gtest_filter=HarnessSim.*");
  EXPECT_NE(first.status, 0);
  const size_t at = first.text.find("seed 3; repeat with: ");
  ASSERT_NE(at, std::string::npos) << first.text;
  const size_t begin = first.text.find("WEFT_SIM_SEED=", at);
  const std::string command = first.text.substr(begin, first.text.find('\n', begin) - begin);

  const Outcome again = run_command(failing + command);
  EXPECT_NE(again.status, 0);
  EXPECT_NE(again.text.find("seed 3; repeat with: " + command), std::string::npos) << again.text;
  const Outcome without = run_command(environment + command);
  EXPECT_EQ(without.status, 0) << without.text;
}

// Address space layout and the heap differ between processes: what depended on pointers would show.
TEST(HarnessSimReplay, OneSeedGivesOneTraceInEveryProcess) {
  for (const int seed : {1, 2, 3, 4}) {
    const std::string environment =
        "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX ASAN_OPTIONS=detect_leaks=0 WEFT_SIM_HASHES=1 WEFT_SIM_SEED=" +
        std::to_string(seed) + " ";
    const std::string scenarios = " --gtest_filter=*Sim.*";
    const Outcome one = run_command(environment + this_program() + scenarios);
    const Outcome other = run_command(
        environment +
        "GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=165:glibc.malloc.mmap_threshold=2048 " +
        this_program() + scenarios);
    EXPECT_EQ(one.status, 0) << one.text;
    const std::string traces = traces_of(one.text);
    EXPECT_GT(std::count(traces.begin(), traces.end(), '\n'), 20);
    EXPECT_EQ(traces, traces_of(other.text));
  }
}

}  // namespace
}  // namespace weft::sim
