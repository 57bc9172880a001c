#include "storm/emerge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "storm/emerge_keys.h"
#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr size_t kWindow = 6;  // events looked at on both sides of a pivotal one

class Clustering {
 public:
  Clustering(const Graph& graph, bool keeps_declared)
      : graph_(graph),
        board_(graph.board()),
        keys_(keys_of_events(graph)),
        keeps_declared_(keeps_declared),
        is_placed_(board_.events.size(), false) {}

  const std::vector<EventKey>& keys() const { return keys_; }

  Emerged run() {
    for (Index i = 0; i < board_.commands.size(); ++i)
      if (board_.commands[i].to.empty()) place_command(i);
    for (Index i = 0; i < board_.events.size(); ++i) place_event(i);
    sort_by_timeline();
    find_rules();
    for (AggregateCandidate& candidate : out_.aggregates) judge(candidate);
    return std::move(out_);
  }

 private:
  AggregateCandidate& cluster(const std::string& key, std::string_view name = {}) {
    const auto [at, is_new] = by_key_.try_emplace(name.empty() ? key : "=" + std::string(name), out_.aggregates.size());
    if (is_new) {
      AggregateCandidate made;
      made.key = key;
      made.name = name.empty() ? pascal_case(split_words(key)) : std::string(name);
      out_.aggregates.push_back(std::move(made));
    }
    return out_.aggregates[at->second];
  }

  // The key that most of its events have; of equals that of the first.
  std::string key_of_command(Index command) const {
    std::vector<std::pair<std::string, int>> votes;
    for (const Index event : graph_.events_of(command)) {
      const auto at = std::ranges::find(votes, keys_[event].key, &std::pair<std::string, int>::first);
      if (at == votes.end()) votes.emplace_back(keys_[event].key, 1);
      else ++at->second;
    }
    if (!votes.empty()) return std::ranges::max_element(votes, {}, &std::pair<std::string, int>::second)->first;
    const std::vector<std::string> nouns = nouns_of_command(board_.commands[command].name);
    return nouns.empty() ? lower_case(board_.commands[command].name) : nouns.front();
  }

  void place_command(Index command) {
    const bool is_kept = keeps_declared_ && !graph_.aggregates_of(command).empty();
    AggregateCandidate* found = nullptr;
    if (is_kept) {
      const Aggregate& declared = board_.aggregates[graph_.aggregates_of(command)[0]];
      found = &cluster(declared.keys.empty() ? key_of_command(command) : declared.keys[0].name, declared.name);
    } else {
      found = &cluster(key_of_command(command));
    }
    found->commands.push_back(command);
    for (const Index event : graph_.events_of(command)) {
      // A guess is no reason to tear an event from the command that leads to it.
      if (!is_kept && keys_[event].key != found->key && !keys_[event].is_inferred) continue;
      if (!is_placed_[event] || is_kept || keys_[event].key == found->key) add_once(found->events, event);
      is_placed_[event] = true;
    }
  }

  // Events that no command of ours leads to: of their key, unless a system produces them.
  void place_event(Index event) {
    if (board_.events[event].has_from) return;
    for (const Index command : graph_.producers(event))
      if (!board_.commands[command].to.empty()) return;
    if (!is_placed_[event]) add_once(cluster(keys_[event].key).events, event);
  }

  void sort_by_timeline() {
    std::erase_if(out_.aggregates,
                  [](const AggregateCandidate& each) { return each.commands.empty() && each.events.empty(); });
    for (AggregateCandidate& each : out_.aggregates) std::ranges::sort(each.events);
    const auto begins = [](const AggregateCandidate& each) {
      return each.events.empty() ? ~Index{0} : each.events.front();
    };
    std::ranges::stable_sort(out_.aggregates, {}, begins);
    of_command_.assign(board_.commands.size(), ~size_t{0});
    of_event_.assign(board_.events.size(), ~size_t{0});
    for (size_t i = 0; i < out_.aggregates.size(); ++i) {
      for (const Index command : out_.aggregates[i].commands) of_command_[command] = i;
      for (const Index event : out_.aggregates[i].events) of_event_[event] = i;
    }
  }

  // "CallClosed" names the state that CallForPapersClosed sets: all its words are in the event's name, a noun among
  // them.
  void find_rules() {
    std::unordered_map<std::string, Indices> by_verb;
    std::vector<std::vector<std::string>> words(board_.events.size());
    for (Index event = 0; event < board_.events.size(); ++event) {
      for (const std::string& word : split_words(board_.events[event].name)) words[event].push_back(stem(word));
      if (!words[event].empty()) by_verb[words[event].back()].push_back(event);
    }
    for (const AggregateCandidate& owner : out_.aggregates)
      for (const Index command : owner.commands)
        for (const Reference& refusal : board_.commands[command].refusals) match(command, refusal.name, by_verb, words);
  }

  void match(Index command, const std::string& refusal, const std::unordered_map<std::string, Indices>& by_verb,
             const std::vector<std::vector<std::string>>& words) {
    std::vector<std::string> wanted;
    for (const std::string& word : split_words(refusal))
      if (word != "not" && word != "already" && word != "no" && word != "never" && word != "yet")
        wanted.push_back(stem(word));
    const auto found = wanted.size() < 2 ? by_verb.end() : by_verb.find(wanted.back());
    if (found == by_verb.end()) return;
    for (const Index event : found->second) {
      const bool is_named = std::ranges::all_of(
          wanted, [&](const std::string& word) { return std::ranges::find(words[event], word) != words[event].end(); });
      if (!is_named) continue;
      if (of_event_[event] == of_command_[command] || of_event_[event] == ~size_t{0}) return;
      out_.rules.push_back({command, of_command_[command], refusal, of_event_[event], event});
      return;
    }
  }

  void judge(AggregateCandidate& candidate) {
    double inside = 0, outside = 0;
    size_t written = 0;
    std::vector<std::string> with, guesses;
    for (const Index event : candidate.events) {
      written += !keys_[event].is_inferred;
      if (keys_[event].is_inferred && keys_[event].key != candidate.key)
        guesses.push_back(fmt::format("{} may belong to '{}'", board_.events[event].name, keys_[event].key));
      else if (!keys_[event].second.empty() && keys_[event].second != candidate.key)
        guesses.push_back(fmt::format("{} may belong to '{}'", board_.events[event].name, keys_[event].second));
    }
    for (const Index command : candidate.commands)
      for (const Index event : graph_.events_of(command)) {
        if (keys_[event].key == candidate.key || keys_[event].is_inferred) {
          ++inside;
          continue;
        }
        ++outside;
        with.push_back(fmt::format("merge with '{}': {} changes both in one transaction", keys_[event].key,
                                   board_.commands[command].name));
      }
    if (candidate.commands.empty()) inside = static_cast<double>(candidate.events.size());
    for (const CrossRule& rule : out_.rules) {
      if (rule.owner != static_cast<size_t>(&candidate - out_.aggregates.data())) continue;
      outside += 0.25;
      candidate.why.push_back(fmt::format("{} is refused by {}, a state of '{}'", board_.commands[rule.command].name,
                                          rule.refusal, out_.aggregates[rule.aggregate].name));
    }
    candidate.confidence = inside + outside > 0 ? inside / (inside + outside) : 0;
    candidate.is_key_inferred = written == 0;
    explain(candidate, written);
    candidate.alternatives.insert(candidate.alternatives.end(), with.begin(), with.end());
    candidate.alternatives.insert(candidate.alternatives.end(), guesses.begin(), guesses.end());
    if (candidate.commands.size() == 1) candidate.confidence *= 0.9;
    if (candidate.commands.empty()) candidate.confidence *= 0.5;
    if (candidate.is_key_inferred) candidate.confidence = std::min(candidate.confidence, 0.75);
    offer_split(candidate);
    if (candidate.is_key_inferred) name_by_words(candidate);
  }

  // "CallForPapersOpened" and "CallForPapersClosed" share more than the word that they were put together by.
  void name_by_words(AggregateCandidate& candidate) const {
    std::vector<std::string> shared;
    for (const Index event : candidate.events) {
      std::vector<std::string> words = split_words(board_.events[event].name);
      if (!words.empty()) words.pop_back();
      if (event == candidate.events.front()) shared = words;
      const auto [end, other] = std::ranges::mismatch(shared, words);
      shared.erase(end, shared.end());
    }
    if (candidate.events.size() < 2 || shared.size() < 2) return;
    candidate.name = pascal_case(shared);
    candidate.key = kebab_case(candidate.name);
  }

  void explain(AggregateCandidate& candidate, size_t written) {
    std::vector<std::string> reasons;
    reasons.push_back(candidate.is_key_inferred ? fmt::format("'{}' is what its names share", candidate.key)
                                                : fmt::format("{} of {} events have key '{}'", written,
                                                              candidate.events.size(), candidate.key));
    if (candidate.commands.size() == 1) reasons.push_back("one command only: is it part of another?");
    if (candidate.commands.empty()) reasons.push_back("no command yet");
    candidate.why.insert(candidate.why.begin(), reasons.begin(), reasons.end());
  }

  // Commands on both sides of a pivotal event that share no event may be two aggregates.
  void offer_split(AggregateCandidate& candidate) {
    if (candidate.commands.size() < 2 || candidate.events.size() < 2) return;
    for (Index pivot = candidate.events.front(); pivot < candidate.events.back(); ++pivot) {
      if (!board_.events[pivot].pivotal || of_event_[pivot] == static_cast<size_t>(&candidate - out_.aggregates.data()))
        continue;
      std::vector<std::string> before, after;
      for (const Index command : candidate.commands) {
        const Indices& events = graph_.events_of(command);
        if (events.empty()) continue;
        (std::ranges::max(events) <= pivot ? before : after).push_back(board_.commands[command].name);
      }
      if (before.empty() || after.empty()) continue;
      candidate.alternatives.push_back(
          fmt::format("split at {}: {} and {}", board_.events[pivot].name, listed(before), listed(after)));
      return;
    }
  }

  const Graph& graph_;
  const Board& board_;
  const std::vector<EventKey> keys_;
  const bool keeps_declared_;
  std::vector<bool> is_placed_;
  std::map<std::string, size_t> by_key_;
  std::vector<size_t> of_command_, of_event_;
  Emerged out_;
};

// "The highest number of people interested": who reacts, how many of those elsewhere, and how much the talk changes.
std::vector<PivotalCandidate> rank_pivotal(const Graph& graph, const std::vector<EventKey>& keys,
                                           const Emerged& emerged) {
  const Board& board = graph.board();
  std::vector<std::string> key_of_command(board.commands.size());  // empty: a system decides
  for (const AggregateCandidate& candidate : emerged.aggregates)
    for (const Index command : candidate.commands) key_of_command[command] = candidate.key;
  std::vector<PivotalCandidate> out;
  for (Index event = 0; event < board.events.size(); ++event) {
    double score = static_cast<double>(graph.policies_on(event).size() + graph.views_of(event).size());
    for (const Index policy : graph.policies_on(event))
      for (const Index command : graph.commands_of(policy)) score += key_of_command[command] == keys[event].key ? 0 : 2;
    std::set<std::string> before, after, all, both;
    for (Index i = event > kWindow ? event - kWindow : 0; i <= event; ++i) before.insert(keys[i].key);
    for (Index i = event + 1; i < board.events.size() && i <= event + kWindow; ++i) after.insert(keys[i].key);
    std::ranges::set_union(before, after, std::inserter(all, all.end()));
    std::ranges::set_intersection(before, after, std::inserter(both, both.end()));
    if (!after.empty()) score += 3 * (1 - static_cast<double>(both.size()) / static_cast<double>(all.size()));
    out.push_back({event, score});
  }
  std::ranges::stable_sort(out, std::greater{}, &PivotalCandidate::score);
  return out;
}

/// Aggregates that a cut would tear apart stay in one context: a rule of one needs the other's state.
class Contexts {
 public:
  Contexts(const Graph& graph, Emerged& emerged)
      : graph_(graph), emerged_(emerged), parent_(emerged.aggregates.size()) {
    for (size_t i = 0; i < parent_.size(); ++i) parent_[i] = i;
  }

  void run() {
    for (const CrossRule& rule : emerged_.rules) {
      const size_t owner = rule.owner;
      if (owner == rule.aggregate || find(owner) == find(rule.aggregate)) continue;
      why_[std::min(owner, rule.aggregate)].push_back(
          fmt::format("{} needs the state of {} ({})", emerged_.aggregates[owner].name,
                      emerged_.aggregates[rule.aggregate].name, rule.refusal));
      parent_[find(owner)] = find(rule.aggregate);
    }
    std::map<size_t, size_t> of_root;
    for (Index i = 0; i < parent_.size(); ++i) {
      const auto [at, is_new] = of_root.try_emplace(find(i), emerged_.contexts.size());
      if (is_new) emerged_.contexts.emplace_back();
      take(emerged_.contexts[at->second], i);
    }
    add_systems();
  }

 private:
  size_t find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  void take(ContextCandidate& context, Index aggregate) {
    const AggregateCandidate& candidate = emerged_.aggregates[aggregate];
    if (context.name.empty()) context.name = kebab_case(candidate.name);
    context.aggregates.push_back(aggregate);
    context.commands.insert(context.commands.end(), candidate.commands.begin(), candidate.commands.end());
    context.events.insert(context.events.end(), candidate.events.begin(), candidate.events.end());
    std::ranges::sort(context.events);
    const auto why = why_.find(aggregate);
    if (why != why_.end()) context.why.insert(context.why.end(), why->second.begin(), why->second.end());
    if (context.why.empty()) context.why.push_back("only policies and views lead in and out");
  }

  // What systems decide is one generic context: an adapter, not a model.
  void add_systems() {
    ContextCandidate context;
    for (Index i = 0; i < graph_.board().commands.size(); ++i) {
      if (graph_.board().commands[i].to.empty()) continue;
      context.commands.push_back(i);
      for (const Index event : graph_.events_of(i)) add_once(context.events, event);
    }
    if (context.commands.empty()) return;
    context.name = "systems";
    context.why.push_back("systems decide on these commands: a generic context that fronts them");
    emerged_.contexts.push_back(std::move(context));
  }

  const Graph& graph_;
  Emerged& emerged_;
  std::vector<size_t> parent_;
  std::map<size_t, std::vector<std::string>> why_;
};

}  // namespace

Emerged emerge(const Graph& graph, bool keeps_declared) {
  Clustering clustering(graph, keeps_declared);
  Emerged emerged = clustering.run();
  emerged.pivotal = rank_pivotal(graph, clustering.keys(), emerged);
  Contexts(graph, emerged).run();
  return emerged;
}

}  // namespace weft::storm
