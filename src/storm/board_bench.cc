// What a board of 10,000 elements costs to read and to judge, and a wall of 400 notes to draw.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "storm/draw.h"
#include "storm/lint.h"

namespace {

using namespace weft::storm;

// 330 things with ten events each: distinct words, so that likeness has something to compare.
std::string word(int i) {
  std::string out;
  for (const char digit : std::to_string(1000 + i)) {
    out += "bcdfghjklm"[digit - '0'];
    out += "aeiou"[(digit - '0') % 5];
  }
  out[0] = static_cast<char>(out[0] - 32);
  return out;
}

std::string big_board(int things = 330) {
  constexpr std::array<const char*, 10> kPast = {"Placed", "Paid",  "Sent",    "Held",   "Opened",
                                                 "Closed", "Moved", "Checked", "Signed", "Shipped"};
  constexpr std::array<const char*, 10> kOrder = {"Place", "Pay",  "Send",  "Hold", "Open",
                                                  "Close", "Move", "Check", "Sign", "Ship"};
  std::string text = "board big\nstage design\nactor Ann\n";
  for (int i = 0; i < things; ++i) {
    const std::string name = word(i);
    std::string view = "view List" + name + " from ",
                aggregate = "aggregate " + name + " key " + name + " \"holds\" commands";
    for (size_t k = 0; k < kPast.size(); ++k) {
      text += "event " + name + kPast[k] + " key " + name + "\n";
      text += std::string("command ") + kOrder[k] + name + " by Ann" +
              (k == 0 ? "" : ", policy On" + name + kPast[k - 1]) + " sees List" + name + " -> " + name + kPast[k] +
              " ! No\n";
      if (k + 1 < kPast.size())
        text += "policy On" + name + kPast[k] + " when " + name + kPast[k] + " then " + kOrder[k + 1] + name + "\n";
      view += (k == 0 ? "" : ", ") + name + kPast[k];
      aggregate += std::string(" ") + kOrder[k] + name;
    }
    text += view + "\n" + aggregate + "\n";
  }
  return text;
}

void parse_and_lint(benchmark::State& state) {
  const std::string text = big_board();
  size_t elements = 0, findings = 0;
  for (auto _ : state) {
    const weft::base::Result<Document> document = parse(text, "big");
    findings = lint(*document).size();
    elements = document->statements.size();
  }
  state.counters["elements"] = static_cast<double>(elements);
  state.counters["findings"] = static_cast<double>(findings);
}

void parse_only(benchmark::State& state) {
  const std::string text = big_board();
  for (auto _ : state) benchmark::DoNotOptimize(parse(text, "big"));
}

// 100 events and all that belongs to them: 400 notes.
void draw_400_notes(benchmark::State& state) {
  const weft::base::Result<Document> document = parse(big_board(10), "wall");
  for (auto _ : state) benchmark::DoNotOptimize(draw_svg(Graph(document->board), {}));
}

BENCHMARK(draw_400_notes)->Unit(benchmark::kMillisecond);
BENCHMARK(parse_and_lint)->Unit(benchmark::kMillisecond);
BENCHMARK(parse_only)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
