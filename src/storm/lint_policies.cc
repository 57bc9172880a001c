// P01 to P05: policies, their guards, cycles and contexts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "storm/guard.h"
#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

void check_ends(LintRun& run, const Policy& policy) {
  if (!policy.has_when) run.add("P01", policy, fmt::format("'{}' waits for no event", policy.name), "when EVENT");
  if (!policy.has_then) run.add("P01", policy, fmt::format("'{}' does nothing", policy.name), "then COMMAND");
}

// Guards of one event divide its cases among them; a policy without a guard takes all and is no part of that.
void check_guards(LintRun& run, Index event) {
  Indices guarded;
  for (const Index policy : run.graph.policies_on(event))
    if (!run.board.policies[policy].guard.empty()) guarded.push_back(policy);
  if (guarded.size() < 2) return;
  std::vector<std::string_view> guards;
  for (const Index policy : guarded) guards.push_back(run.board.policies[policy].guard);
  const Coverage coverage = cover(guards);
  if (!coverage.is_known) return;
  const std::string& name = run.board.events[event].name;
  // The guard that fills the gap may be that of a policy whose event is missing, which P01 tells.
  const bool may_be_filled = std::ranges::any_of(
      run.board.policies, [](const Policy& policy) { return !policy.has_when && !policy.guard.empty(); });
  if (coverage.overlap.empty() && (coverage.gap.empty() || may_be_filled)) return;
  const std::string gap = coverage.gap.empty() ? std::string() : "no guard holds: " + coverage.gap;
  if (coverage.overlap.empty()) {
    const Policy& last = run.board.policies[guarded.back()];
    return run.add("P02", last.guard_place, last.name, fmt::format("on '{}' {}", name, gap),
                   "which policy takes this case?");
  }
  const Policy &first = run.board.policies[guarded[coverage.first]],
               &second = run.board.policies[guarded[coverage.second]];
  run.add("P02", second.guard_place, second.name,
          fmt::format("on '{}' the guards of '{}' and '{}' hold both: {}{}", name, first.name, second.name,
                      coverage.overlap, gap.empty() ? "" : "; and " + gap),
          "make them exclude each other");
}

// Tarjan's components of the events that reach each other by policies without a guard.
class Cycles {
 public:
  explicit Cycles(LintRun& run) : run_(run) {
    const size_t n = run.board.events.size();
    next_.resize(n);
    for (Index policy = 0; policy < run.board.policies.size(); ++policy) {
      if (!run.board.policies[policy].guard.empty()) continue;
      for (const Index from : run.graph.triggers(policy))
        for (const Index command : run.graph.commands_of(policy))
          for (const Index to : run.graph.events_of(command)) next_[from].push_back({to, policy});
    }
    number_.assign(n, 0);
    low_.assign(n, 0);
    component_.assign(n, 0);
  }

  void check() {
    for (Index event = 0; event < next_.size(); ++event)
      if (number_[event] == 0) visit(event);
    std::vector<Indices> policies(components_ + 1);
    for (Index event = 0; event < next_.size(); ++event)
      for (const Step& step : next_[event])
        if (component_[event] == component_[step.to] &&
            std::ranges::find(policies[component_[event]], step.policy) == policies[component_[event]].end())
          policies[component_[event]].push_back(step.policy);
    for (Indices& cycle : policies) tell(cycle);
  }

 private:
  struct Step {
    Index to, policy;
  };
  struct Frame {
    Index event;
    size_t step;
  };

  void tell(Indices& cycle) {
    if (cycle.empty()) return;
    std::ranges::sort(cycle);
    std::vector<std::string> names;
    for (const Index policy : cycle) names.push_back(run_.board.policies[policy].name);
    run_.add("P03", run_.board.policies[cycle[0]],
             fmt::format("an endless loop: {} cause each other and no guard ends it", listed(names)),
             "if \"…\" on one of them");
  }

  // With a stack of its own: a board may be one long chain.
  void visit(Index root) {
    std::vector<Frame> frames{{root, 0}};
    enter(root);
    while (!frames.empty()) {
      auto& [event, step] = frames.back();
      if (step < next_[event].size()) {
        const Index to = next_[event][step++].to;
        if (number_[to] == 0) {
          enter(to);
          frames.push_back({to, 0});
        } else if (component_[to] == 0) {
          low_[event] = std::min(low_[event], number_[to]);
        }
        continue;
      }
      const Index done = event;
      frames.pop_back();
      if (!frames.empty()) low_[frames.back().event] = std::min(low_[frames.back().event], low_[done]);
      if (low_[done] == number_[done]) close(done);
    }
  }

  void enter(Index event) {
    number_[event] = low_[event] = ++entered_;
    stack_.push_back(event);
  }
  void close(Index event) {
    ++components_;
    for (Index popped = ~event; popped != event;) {
      popped = stack_.back();
      stack_.pop_back();
      component_[popped] = components_;
    }
  }

  LintRun& run_;
  std::vector<std::vector<Step>> next_;
  std::vector<uint32_t> number_, low_, component_;
  Indices stack_;
  uint32_t entered_ = 0, components_ = 0;
};

void check_crossings(LintRun& run) {
  std::map<Index, std::vector<std::string>> ways;
  for (const Crossing& crossing : run.graph.crossings()) {
    std::vector<std::string>& known = ways[crossing.policy];
    std::string way = crossing.from + " → " + crossing.to;
    if (std::ranges::find(known, way) == known.end()) known.push_back(std::move(way));
  }
  for (const auto& [policy, known] : ways)
    run.add("P04", run.board.policies[policy],
            fmt::format("'{}' crosses contexts: {}", run.board.policies[policy].name, listed(known)),
            "it becomes a trigger and a grant");
}

bool is_clock(std::string_view system) {
  constexpr std::array<std::string_view, 6> kClocks = {"clock", "time", "timer", "scheduler", "cron", "schedule"};
  return std::ranges::any_of(
      split_words(system), [&](const std::string& word) { return std::ranges::find(kClocks, word) != kClocks.end(); });
}

bool comes_from_clock(const LintRun& run, Index event) {
  return std::ranges::any_of(run.graph.sources_of(event),
                             [&](Index system) { return is_clock(run.board.systems[system].name); });
}

bool names_time(const Event& event) {
  constexpr std::array<std::string_view, 6> kMoments = {"deadline", "timeout",  "expired",
                                                        "elapsed",  "midnight", "overdue"};
  return std::ranges::any_of(split_words(event.name), [&](const std::string& word) {
    return std::ranges::find(kMoments, word) != kMoments.end();
  });
}

// Time passes without anybody issuing a command: only a clock's event can tell.
void check_time(LintRun& run) {
  const std::vector<Event>& events = run.board.events;
  for (Index i = 0; i < events.size(); ++i)
    if (comes_from_clock(run, i)) return;
  for (const Policy& policy : run.board.policies)
    if (speaks_of_time(policy.guard) || counts_time(policy.guard))
      run.add("P05", policy.guard_place, policy.name,
              fmt::format("'{}' waits for time to pass (\"{}\"), and no clock tells it", policy.name, policy.guard),
              "system Clock, and an event from it");
  for (Index i = 0; i < events.size(); ++i) {
    const bool is_from_nobody_known = events[i].has_from && run.graph.sources_of(i).empty();
    if (run.is_from(Stage::People) && names_time(events[i]) && !is_from_nobody_known)
      run.add("P05", events[i], fmt::format("'{}' is about time, and the board has no clock", events[i].name),
              "system Clock, and from Clock");
  }
}

}  // namespace

void lint_policies(LintRun& run) {
  for (const Policy& policy : run.board.policies)
    if (!run.is_duplicate(policy)) check_ends(run, policy);
  for (Index event = 0; event < run.board.events.size(); ++event) check_guards(run, event);
  Cycles(run).check();
  check_crossings(run);
  check_time(run);
}

}  // namespace weft::storm
