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

std::vector<std::string> stems_of(std::string_view name) {
  std::vector<std::string> stems;
  for (const std::string& word : split_words(name)) stems.push_back(stem(word));
  return stems;
}

}  // namespace

size_t distance(std::string_view a, std::string_view b, size_t limit) {
  if ((a.size() > b.size() ? a.size() - b.size() : b.size() - a.size()) > limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    if (std::ranges::min(row) > limit) return limit + 1;
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
    if (candidate == word) continue;
    const size_t apart = distance(lower, lower_case(candidate), limit);
    if (apart >= best || apart * 2 >= std::max<size_t>(candidate.size(), 3)) continue;
    best = apart;
    found = candidate;
  }
  if (found.empty()) return std::nullopt;
  return std::string(found);
}

bool is_near_duplicate(std::string_view a, std::string_view b) {
  std::vector<std::string> left = stems_of(a), right = stems_of(b);
  if (left.size() == right.size()) {
    const std::vector<std::string> raw_left = split_words(a), raw_right = split_words(b);
    size_t differing = 0, at = 0;
    for (size_t i = 0; i < left.size(); ++i)
      if (left[i] != right[i]) ++differing, at = i;
    if (differing == 0) return true;
    if (differing == 1 && (is_one_slip(left[at], right[at]) || is_one_slip(raw_left[at], raw_right[at]))) return true;
  }
  std::ranges::sort(left);
  std::ranges::sort(right);
  if (left == right) return true;
  std::string plain_a, plain_b;
  for (const std::string& word : split_words(a)) plain_a += word;
  for (const std::string& word : split_words(b)) plain_b += word;
  return plain_a == plain_b;
}

// What two near duplicates share at least one of: their words in order of the alphabet, their letters, or the words
// with one letter left out of one (two words a slip apart become one so).
static std::vector<size_t> signatures(std::string_view name) {
  std::vector<size_t> out;
  const std::hash<std::string> hash;
  std::vector<std::string> words = stems_of(name);
  std::string plain;
  for (const std::string& word : split_words(name)) plain += word;
  out.push_back(hash("=" + plain));
  const std::vector<std::string> raw = split_words(name);
  for (size_t i = 0; i < words.size(); ++i) {
    if (raw[i].size() < 4 || has_digit(raw[i])) continue;
    std::string around;
    for (size_t j = 0; j < words.size(); ++j) around += j == i ? "|" : words[j] + " ";
    const auto with_one_less = [&](const std::string& word) {
      out.push_back(hash(around + word));
      for (size_t at = 0; at < word.size(); ++at)
        out.push_back(hash(around + word.substr(0, at) + word.substr(at + 1)));
    };
    with_one_less(words[i]);
    if (raw[i] != words[i]) with_one_less(raw[i]);
  }
  std::ranges::sort(words);
  std::string sorted;
  for (const std::string& word : words) sorted += word + " ";
  out.push_back(hash("~" + sorted));
  return out;
}

std::vector<std::pair<size_t, size_t>> near_duplicates(std::span<const std::string_view> names) {
  std::vector<std::pair<size_t, size_t>> pairs;
  std::unordered_map<size_t, size_t> first_with;
  for (size_t i = 0; i < names.size(); ++i) {
    size_t earliest = i;
    for (const size_t signature : signatures(names[i])) {
      const auto [at, is_new] = first_with.try_emplace(signature, i);
      if (!is_new && at->second < earliest && is_near_duplicate(names[at->second], names[i])) earliest = at->second;
    }
    if (earliest != i) pairs.emplace_back(earliest, i);
  }
  return pairs;
}

std::string_view synonym_of(std::string_view word) {
  for (const auto& [common, other] : kSynonyms)
    if (word == other) return common;
  return word;
}

}  // namespace weft::storm
