// Likeness of names: slips of the finger, the same words in another order, synonyms.
#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "storm/words.h"

namespace weft::storm {

namespace {

// Words of one meaning in everyday domains, the common one first.
constexpr std::array<std::string_view, 2> kSynonyms[] = {
    {"customer", "client"}, {"customer", "buyer"},   {"customer", "purchaser"}, {"order", "purchase"},
    {"cancel", "abort"},    {"cancel", "revoke"},    {"remove", "delete"},      {"begin", "start"},
    {"end", "finish"},      {"end", "complete"},     {"bill", "invoice"},       {"employee", "staff"},
    {"supplier", "vendor"}, {"product", "article"},  {"product", "item"},       {"shipment", "delivery"},
    {"ship", "dispatch"},   {"refuse", "reject"},    {"refuse", "decline"},     {"refuse", "deny"},
    {"approve", "accept"},  {"buy", "purchase"},     {"send", "transmit"},      {"user", "account"},
    {"reserve", "book"},    {"doctor", "physician"}, {"film", "movie"},         {"choose", "select"},
    {"choose", "pick"},     {"modify", "change"},
};

bool has_digit(std::string_view word) {
  return std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_one_slip(std::string_view a, std::string_view b) {
  const size_t shorter = std::min(a.size(), b.size());
  if (has_digit(a) || has_digit(b)) return false;  // "Level1" and "Level2"
  if (shorter < 4 || distance(a, b, 1) != 1) return false;
  // Two words of one length that differ in a letter are mostly two words ("Packed" and "Picked"), unless they are long.
  const bool is_substitution = a.size() == b.size() && !std::ranges::is_permutation(a, b);
  return !is_substitution || shorter >= 9;
}

/// A name taken apart.
struct Taken {
  explicit Taken(std::string_view name) : words(split_words(name)) {
    for (const std::string& word : words) stems.push_back(stem(word));
    for (const std::string& word : words) plain += word;
  }
  std::vector<std::string> words, stems;
  std::string plain;
};

bool is_near(const Taken& a, const Taken& b) {
  if (a.plain == b.plain) return true;
  if (a.stems.size() != b.stems.size()) return false;
  size_t differing = 0, at = 0;
  for (size_t i = 0; i < a.stems.size(); ++i)
    if (a.stems[i] != b.stems[i]) ++differing, at = i;
  if (differing == 0) return true;
  if (differing == 1) return is_one_slip(a.stems[at], b.stems[at]) || is_one_slip(a.words[at], b.words[at]);
  std::vector<std::string> left = a.stems, right = b.stems;
  std::ranges::sort(left);
  std::ranges::sort(right);
  return left == right;
}

size_t hash_of(std::string_view text) { return std::hash<std::string_view>()(text); }
size_t mixed(size_t a, size_t b) { return (a ^ (b + 0x9E3779B97F4A7C15 + (a << 6) + (a >> 2))) * 0xBF58476D1CE4E5B9; }

/// Names that are near an earlier one. Comparing all pairs is quadratic, so only those are compared that share a
/// signature: their letters, their words in the order of the alphabet, or all words but one — and where many share
/// that, the one word with a letter left out of it (two words a slip apart become one so).
class NearFinder {
 public:
  explicit NearFinder(std::span<const std::string_view> names) {
    names_.reserve(names.size());
    for (const std::string_view name : names) names_.emplace_back(name);
    earliest_.resize(names.size());
    for (size_t i = 0; i < names.size(); ++i) earliest_[i] = i;
  }

  std::vector<std::pair<size_t, size_t>> run() {
    std::unordered_map<size_t, Group> groups;
    groups.reserve(names_.size() * 4);
    const auto add = [&](size_t signature, size_t position, uint32_t name) {
      Group& group = groups[signature];
      group.position = position;
      group.members.push_back(name);
    };
    for (uint32_t i = 0; i < names_.size(); ++i) {
      add(mixed(1, hash_of(names_[i].plain)), kNoPosition, i);
      std::vector<size_t> hashes;
      for (const std::string& word : names_[i].stems) hashes.push_back(hash_of(word));
      for (size_t without = 0; without < hashes.size(); ++without) add(all_but(hashes, without), without, i);
      std::ranges::sort(hashes);
      add(all_but(hashes, kNoPosition), kNoPosition, i);
    }
    for (const auto& [signature, group] : groups) {
      if (group.position == kNoPosition || group.members.size() <= kPairwiseMax) compare(group.members);
      else compare_by_letters(group);
    }
    std::vector<std::pair<size_t, size_t>> pairs;
    for (size_t i = 0; i < earliest_.size(); ++i)
      if (earliest_[i] != i) pairs.emplace_back(earliest_[i], i);
    return pairs;
  }

 private:
  static constexpr size_t kPairwiseMax = 8, kAlikeMax = 64, kNoPosition = ~size_t{0};

  struct Group {
    size_t position = kNoPosition;  ///< of the word that may differ
    std::vector<uint32_t> members;
  };

  static size_t all_but(const std::vector<size_t>& hashes, size_t without) {
    size_t out = without + 2;
    for (size_t i = 0; i < hashes.size(); ++i) out = mixed(out, i == without ? 7 : hashes[i]);
    return out;
  }

  void meet(uint32_t earlier, uint32_t later) {
    if (earlier < earliest_[later] && is_near(names_[earlier], names_[later])) earliest_[later] = earlier;
  }

  void compare(const std::vector<uint32_t>& members) {
    for (size_t later = 1; later < members.size(); ++later)
      for (size_t i = 0; i < std::min(later, kPairwiseMax); ++i) meet(members[i], members[later]);
  }

  void compare_by_letters(const Group& group) {
    std::unordered_map<size_t, std::vector<uint32_t>> alike;
    alike.reserve(group.members.size() * 8);
    for (const uint32_t member : group.members) {
      const auto add = [&](size_t letters) {
        std::vector<uint32_t>& known = alike[letters];
        for (const uint32_t earlier : known)
          if (earlier != member) meet(earlier, member);
        if (known.size() < kAlikeMax && (known.empty() || known.back() != member)) known.push_back(member);
      };
      const std::string &word = names_[member].words[group.position], &base = names_[member].stems[group.position];
      for_each_shorter(word, add);
      if (base != word) for_each_shorter(base, add);
    }
  }

  template <typename Add>
  static void for_each_shorter(const std::string& word, const Add& add) {
    add(hash_of(word));
    for (size_t letter = 0; letter < word.size(); ++letter)
      add(hash_of(word.substr(0, letter) + word.substr(letter + 1)));
  }

  std::vector<Taken> names_;
  std::vector<size_t> earliest_;
};

}  // namespace

size_t distance(std::string_view a, std::string_view b, size_t limit) {
  constexpr size_t kOnStack = 64;
  if ((a.size() > b.size() ? a.size() - b.size() : b.size() - a.size()) > limit) return limit + 1;
  if (b.size() >= kOnStack) return a == b ? 0 : limit + 1;  // names are shorter
  std::array<size_t, kOnStack> rows[3] = {};
  size_t *before = rows[0].data(), *above = rows[1].data(), *row = rows[2].data();
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t least = row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
    std::swap(before, above);
    std::swap(above, row);
  }
  return std::min(above[b.size()], limit + 1);
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string lower = lower_case(word);
  const size_t limit = word.size() <= 3 ? 1 : word.size() <= 7 ? 2 : 3;
  size_t best = limit + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const size_t longer = std::max(candidate.size(), word.size()), shorter = std::min(candidate.size(), word.size());
    if (candidate == word || longer - shorter > limit) continue;
    const size_t apart = distance(lower, lower_case(candidate), limit);
    if (apart >= best || apart * 2 >= std::max<size_t>(candidate.size(), 3)) continue;
    best = apart;
    found = candidate;
  }
  if (found.empty()) return std::nullopt;
  return std::string(found);
}

bool is_near_duplicate(std::string_view a, std::string_view b) { return is_near(Taken(a), Taken(b)); }

std::vector<std::pair<size_t, size_t>> near_duplicates(std::span<const std::string_view> names) {
  return NearFinder(names).run();
}

std::string_view synonym_of(std::string_view word) {
  for (const auto& [common, other] : kSynonyms)
    if (word == other) return common;
  return word;
}

}  // namespace weft::storm
