#include "storm/emerge_keys.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "storm/words.h"

namespace weft::storm {

namespace {

using Scores = std::vector<std::pair<std::string, double>>;  // in the order of appearance, which decides between equals

void vote(Scores& scores, std::string_view key, double weight) {
  const auto at = std::ranges::find(scores, key, &std::pair<std::string, double>::first);
  if (at == scores.end()) scores.emplace_back(key, weight);
  else at->second += weight;
}

// "parcelId" and "parcel_id" are about a parcel.
std::string noun_of_id(std::string_view field) {
  std::vector<std::string> words = split_words(field);
  if (words.size() < 2 || words.back() != "id") return {};
  words.pop_back();
  std::string noun;
  for (const std::string& word : words) noun += (noun.empty() ? "" : "-") + word;
  return noun;
}

class KeyGuess {
 public:
  explicit KeyGuess(const Graph& graph) : graph_(graph) {
    for (const Event& event : graph.board().events) {
      if (event.key) written_.insert(lower_case(event.key->name));
      nouns_.push_back(nouns_of_event(event.name));
      std::set<std::string> once(nouns_.back().begin(), nouns_.back().end());
      for (const std::string& noun : once) ++count_[noun];
      if (!nouns_.back().empty()) ++leading_[nouns_.back()[0]];
      for (const Field& field : event.fields)
        if (const std::string noun = noun_of_id(field.name); !noun.empty()) ++ids_[noun];
    }
  }

  std::vector<EventKey> run() {
    std::vector<EventKey> keys;
    for (Index i = 0; i < graph_.board().events.size(); ++i) {
      const Event& event = graph_.board().events[i];
      keys.push_back(event.key ? EventKey{event.key->name, false, {}} : guess(i));
    }
    return keys;
  }

 private:
  EventKey guess(Index index) {
    Scores scores;
    const std::vector<std::string>& nouns = nouns_[index];
    for (size_t i = 0; i < nouns.size(); ++i) {
      const bool is_written = written_.contains(nouns[i]);
      const bool leads = i == 0 && leading_[nouns[i]] > 1;
      if (is_written || leads || count_[nouns[i]] > 1)
        vote(scores, nouns[i], (is_written ? 2 : 1) + (i == 0 ? 1 : 0) + (leads ? 1 : 0));
    }
    for (const Index command : graph_.producers(index)) ask_command(command, index, scores);
    for (const Field& field : graph_.board().events[index].fields)
      if (const std::string noun = noun_of_id(field.name); !noun.empty() && ids_[noun] > 1) vote(scores, noun, 1.5);
    for (const Reference& reference : graph_.board().events[index].refs) vote(scores, lower_case(reference.name), 1);
    std::ranges::stable_sort(scores, std::greater{}, &std::pair<std::string, double>::second);
    EventKey key{{}, true, {}};
    if (scores.empty()) {
      for (const std::string& noun : nouns) key.key += (key.key.empty() ? "" : "-") + noun;
      if (key.key.empty()) key.key = lower_case(graph_.board().events[index].name);
      return key;
    }
    key.key = scores[0].first;
    if (scores.size() > 1 && scores[1].second * 4 >= scores[0].second) key.second = scores[1].first;
    return key;
  }

  void ask_command(Index command, Index index, Scores& scores) {
    for (const Index sibling : graph_.events_of(command))
      if (sibling != index && graph_.board().events[sibling].key)
        vote(scores, graph_.board().events[sibling].key->name, 3);
    for (const Reference& refusal : graph_.board().commands[command].refusals)
      for (const std::string& word : split_words(refusal.name))
        if (const std::string noun = stem(word); written_.contains(noun) || leading_[noun] > 1)
          vote(scores, noun, 0.75);
  }

  const Graph& graph_;
  std::set<std::string> written_;
  std::vector<std::vector<std::string>> nouns_;
  std::unordered_map<std::string, size_t> count_, leading_, ids_;
};

bool is_filler(std::string_view word) {
  return word == "not" || word == "for" || word == "of" || word == "the" || word == "a" || word == "in" ||
         word == "to" || word == "and" || word == "by";
}

}  // namespace

std::vector<std::string> nouns_of_event(std::string_view event) {
  std::vector<std::string> nouns;
  const std::vector<std::string> words = split_words(event);
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && is_past_tense("It" + pascal_case(std::vector<std::string>{words[i]}))) break;
    if (!is_filler(words[i])) nouns.push_back(is_plural(words[i]) ? stem(words[i]) : words[i]);
  }
  return nouns;
}

std::vector<std::string> nouns_of_command(std::string_view command) {
  std::vector<std::string> nouns;
  const std::vector<std::string> words = split_words(command);
  for (size_t i = 1; i < words.size(); ++i)
    if (!is_filler(words[i])) nouns.push_back(is_plural(words[i]) ? stem(words[i]) : words[i]);
  return nouns;
}

std::vector<EventKey> keys_of_events(const Graph& graph) { return KeyGuess(graph).run(); }

}  // namespace weft::storm
