#include "storm/words.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "storm/irregular_verbs.h"

namespace weft::storm {

namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
bool is_vowel(char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; }

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, word) != words.end();
}

// Words in -ed that are no participles.
constexpr std::array<std::string_view, 22> kNotPast = {
    "bed",     "feed",    "need",   "speed",   "seed",   "weed", "deed",  "reed", "breed", "bleed", "exceed",
    "proceed", "succeed", "indeed", "hundred", "sacred", "red",  "embed", "sled", "greed", "heed",  "wed"};
// What may follow the verb of an event: "UserLoggedIn", "ItemAddedToCart", "OrderPaidInFull".
constexpr std::array<std::string_view, 45> kParticles = {
    "in",    "out",  "up",       "off",     "on",   "down",  "back",     "over",    "away",
    "again", "to",   "by",       "for",     "from", "with",  "into",     "onto",    "as",
    "at",    "of",   "without",  "against", "late", "early", "twice",    "through", "around",
    "under", "not",  "manually", "low",     "high", "dry",   "short",    "empty",   "full",
    "dead",  "open", "free",     "clear",   "live", "apart", "together", "home",    "due"};
constexpr std::array<std::string_view, 9> kNounEndings = {"tion", "sion", "ment", "ness", "ity",
                                                          "ship", "ism",  "hood", "ology"};
// Verbs that are no nouns: a name that ends in one has its words the wrong way round ("TalkSubmit").
constexpr std::array<std::string_view, 28> kVerbsOnly = {
    "submit",  "send", "accept",  "approve", "reject",   "create",   "delete", "remove",  "publish", "assign",
    "confirm", "pay",  "choose",  "add",     "withdraw", "register", "revoke", "decline", "begin",   "give",
    "take",    "make", "receive", "deliver", "select",   "enter",    "allow",  "notify"};

// Orders: the verbs that commands of everyday domains begin with. A word that is both verb and noun is here as a verb.
constexpr std::string_view kOrders[] = {
#include "storm/orders.inc"
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kIrregularPlurals = {{
    {"children", "child"},
    {"people", "person"},
    {"men", "man"},
    {"women", "woman"},
    {"mice", "mouse"},
    {"feet", "foot"},
    {"teeth", "tooth"},
    {"geese", "goose"},
    {"criteria", "criterion"},
    {"indices", "index"},
}};

// Of an irregular plural; empty: it is none.
std::string_view singular_of(std::string_view word) {
  const auto at = std::ranges::find(kIrregularPlurals, word, &std::pair<std::string_view, std::string_view>::first);
  return at == kIrregularPlurals.end() ? std::string_view() : at->second;
}

using Verbs = std::unordered_map<std::string_view, const IrregularVerb*>;

const Verbs& irregular_by_base() {
  static const Verbs verbs = [] {
    Verbs made;
    for (const IrregularVerb& verb : kIrregularVerbs) made.try_emplace(verb.base, &verb);
    return made;
  }();
  return verbs;
}

const Verbs& irregular_by_past() {
  static const Verbs verbs = [] {
    Verbs made;
    for (const IrregularVerb& verb : kIrregularVerbs) {
      made.try_emplace(verb.past, &verb);
      made.try_emplace(verb.participle, &verb);
    }
    return made;
  }();
  return verbs;
}

bool is_order_verb(std::string_view word) {
  if (std::ranges::binary_search(kOrders, word) || irregular_by_base().contains(word)) return true;
  for (const std::string_view prefix : {"re", "un", "de", "dis", "pre", "over", "mis", "out"})
    if (word.starts_with(prefix) && word.size() > prefix.size() + 2 &&
        std::ranges::binary_search(kOrders, word.substr(prefix.size() + (word[prefix.size()] == '-'))))
      return true;
  return false;
}

bool is_past_word(std::string_view word) {
  if (irregular_by_past().contains(word)) return true;
  return word.size() > 3 && word.ends_with("ed") && !is_one_of(word, kNotPast);
}

// Past tense and nothing else: "cast" and "read" are orders as well.
bool is_only_past(std::string_view word) { return is_past_word(word) && !is_order_verb(word); }

// "OrderWillBePaid", "OrderToBePaid", "OrderIsPaid".
bool is_still_to_come(const std::vector<std::string>& words, size_t verb) {
  static constexpr std::array<std::string_view, 11> kAhead = {"will",  "must",  "can",   "should", "may",   "shall",
                                                              "would", "could", "might", "be",     "cannot"};
  return std::any_of(words.begin(), words.begin() + static_cast<ptrdiff_t>(verb),
                     [](const std::string& word) { return is_one_of(word, kAhead); });
}

// What is named after an event and is none.
constexpr std::array<std::string_view, 16> kLabels = {"event",  "notice", "notification", "message", "request", "thing",
                                                      "data",   "record", "pending",      "status",  "info",    "list",
                                                      "report", "log",    "state",        "flag"};

// "PupilLeftSchool": a verb whose past tense is no mere adjective, done by something to something. "SendSentMail" is an
// order, "TalkGivenEvent" a label.
bool has_object(const std::vector<std::string>& words, size_t verb) {
  const auto irregular = irregular_by_past().find(words[verb]);
  if (irregular == irregular_by_past().end() || irregular->second->past != words[verb]) return false;
  return is_only_past(words[verb]) && !is_order_verb(words[0]);
}

// "placement", "cancellation": a noun made of a verb.
bool names_an_act(std::string_view word) {
  constexpr std::array<std::string_view, 4> kEndings = {"ment", "tion", "sion", "ance"};
  if (std::ranges::none_of(kEndings, [&](std::string_view ending) { return word.ends_with(ending); })) return false;
  return std::ranges::any_of(kOrders, [&](std::string_view verb) {
    return verb.size() >= 4 && word.starts_with(verb.substr(0, std::max<size_t>(4, verb.size() - 2)));
  });
}

std::string regular_past(std::string_view verb) {
  std::string out(verb);
  const size_t n = out.size();
  if (out.ends_with('e')) return out + "d";
  if (n > 1 && out.ends_with('y') && !is_vowel(out[n - 2])) {
    out.back() = 'i';
    return out + "ed";
  }
  // A short verb, or one stressed at its end, doubles its last letter: "plan", "submit", "refer".
  constexpr std::array<std::string_view, 12> kDoubling = {"submit",   "admit",    "commit", "permit",
                                                          "refer",    "transfer", "defer",  "prefer",
                                                          "transmit", "occur",    "cancel", "equip"};
  const bool is_short = n <= 4 && n >= 3 && !is_vowel(out[n - 1]) && is_vowel(out[n - 2]) && !is_vowel(out[n - 3]) &&
                        std::string_view("wxy").find(out[n - 1]) == std::string_view::npos;
  if (is_short || is_one_of(verb, kDoubling)) out += out.back();
  return out + "ed";
}

std::string past_of(std::string_view verb) {
  const auto irregular = irregular_by_base().find(verb);
  if (irregular != irregular_by_base().end()) return std::string(irregular->second->participle);
  return regular_past(verb);
}

// "submitted" → "submit"; itself where it is no past tense.
std::string base_of(std::string_view word) {
  if (const auto verb = irregular_by_past().find(word); verb != irregular_by_past().end())
    return std::string(verb->second->base);
  if (!word.ends_with("ed") || word.size() < 4 || is_one_of(word, kNotPast)) return std::string(word);
  const std::string_view bare = word.substr(0, word.size() - 2);
  const std::string with_e = std::string(bare) + "e";
  if (std::ranges::binary_search(kOrders, bare)) return std::string(bare);
  if (std::ranges::binary_search(kOrders, std::string_view(with_e))) return with_e;
  if (bare.ends_with('i')) return std::string(bare.substr(0, bare.size() - 1)) + "y";
  const size_t n = bare.size();
  if (n > 2 && bare[n - 1] == bare[n - 2]) {
    const std::string_view undoubled = bare.substr(0, n - 1);
    const bool doubles_itself = std::string_view("lsz").find(bare[n - 1]) != std::string_view::npos;
    if (!doubles_itself || std::ranges::binary_search(kOrders, undoubled)) return std::string(undoubled);
  }
  return std::string(bare);
}

// "placing", "ships": the verb, or empty.
std::string base_of_form(std::string_view word) {
  if (word.size() > 5 && word.ends_with("ing")) {
    const std::string bare(word.substr(0, word.size() - 3));
    if (is_order_verb(bare + "e")) return bare + "e";
    if (is_order_verb(bare)) return bare;
    const std::string undoubled = bare.substr(0, bare.size() - 1);
    return bare.size() > 3 && bare[bare.size() - 1] == bare[bare.size() - 2] && is_order_verb(undoubled)
               ? undoubled
               : std::string();
  }
  if (word.size() > 3 && word.ends_with('s')) {
    const std::string bare(word.substr(0, word.size() - 1));
    if (is_order_verb(bare)) return bare;
  }
  return {};
}
bool is_gerund_or_third_person(std::string_view word) { return !base_of_form(word).empty() && !is_order_verb(word); }

}  // namespace

std::vector<std::string> split_words(std::string_view name) {
  std::vector<std::string> words;
  bool begins = true;
  for (size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (c == '_' || c == '-' || c == ' ' || c == '.') {
      begins = true;
      continue;
    }
    const bool follows_lower = at > 0 && (is_lower(name[at - 1]) || is_digit(name[at - 1]));
    const bool ends_acronym = at > 0 && is_upper(name[at - 1]) && at + 1 < name.size() && is_lower(name[at + 1]);
    if (is_upper(c) && (follows_lower || ends_acronym)) begins = true;
    if (begins) words.emplace_back();
    begins = false;
    words.back() += to_lower(c);
  }
  return words;
}

std::string pascal_case(std::span<const std::string> words) {
  std::string name;
  for (const std::string& word : words) {
    if (word.empty()) continue;
    name += is_lower(word[0]) ? static_cast<char>(word[0] - 32) : word[0];
    name += word.substr(1);
  }
  return name;
}

std::string kebab_case(std::string_view name) {
  std::string out;
  for (const std::string& word : split_words(name)) out += (out.empty() ? "" : "-") + word;
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

bool is_plain_ascii(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_past_tense(std::string_view event) {
  const std::vector<std::string> words = split_words(event);
  const auto are_particles = [&](size_t from) {
    return std::all_of(words.begin() + static_cast<ptrdiff_t>(from), words.end(),
                       [](const std::string& word) { return is_one_of(word, kParticles); });
  };
  if (words.size() > 1 && is_one_of(words.back(), kLabels)) return false;
  for (size_t at = 0; at < words.size(); ++at) {
    if (!is_past_word(words[at])) continue;
    if (at == 0) {  // "TookOff", and not "PlacedOrder", which is an order that was placed
      if (are_particles(1)) return true;
      continue;
    }
    if (is_still_to_come(words, at)) return false;
    if (at + 1 == words.size() || is_one_of(words[at + 1], kParticles)) return true;
    if (has_object(words, at)) return true;
  }
  return false;
}

std::string past_tense_of(std::string_view event) {
  std::vector<std::string> words = split_words(event);
  if (words.empty()) return {};
  if (is_gerund_or_third_person(words.back())) {
    words.back() = past_of(base_of_form(words.back()));
    return pascal_case(words);
  }
  // An order ("SubmitTalk") turns round; a name that ends in a verb ("TalkSubmit") gets its tense.
  const bool is_order = is_order_verb(words[0]) && !is_order_verb(words.back());
  if (words.size() > 1 && (is_order || is_only_past(words[0]))) {
    const std::string verb = is_past_word(words[0]) ? words[0] : past_of(words[0]);
    words.erase(words.begin());
    words.push_back(verb);
    return pascal_case(words);
  }
  std::string& last = words.back();
  if (!is_order_verb(last)) return {};
  last = past_of(last);
  return pascal_case(words);
}

std::string fault_of_order(std::string_view command, std::span<const std::string> nouns) {
  const std::vector<std::string> words = split_words(command);
  if (words.empty()) return {};
  const std::string& first = words[0];
  if (is_only_past(first)) return "begins with a past tense";
  if (is_order_verb(first)) {
    // "OrderShip" orders nothing: its first word is a thing of this board and the verb comes last. "ShipOrder" does.
    const bool is_thing = std::ranges::find(nouns, first) != nouns.end();
    if (words.size() == 2 && is_thing && is_only_past(words[1])) return "is past tense";
    if (words.size() == 2 && is_thing && is_order_verb(words[1]) && std::ranges::find(nouns, words[1]) == nouns.end() &&
        std::ranges::binary_search(kOrders, std::string_view(words[1])))
      return "begins with a noun";
    if (words.size() == 2 && is_thing && names_an_act(words[1])) return "begins with a noun";
    return {};
  }
  if (words.size() > 1 && is_past_tense(command)) return "is past tense";
  if (first.size() > 5 && first.ends_with("ing")) return "begins with a participle";
  if (first.ends_with('s') && !first.ends_with("ss") && is_order_verb(first.substr(0, first.size() - 1)))
    return "tells what somebody does";
  if (first.ends_with("es") && is_order_verb(first.substr(0, first.size() - 2))) return "tells what somebody does";
  const bool is_noun = std::ranges::find(nouns, first) != nouns.end() || is_plural(first);
  const bool has_noun_ending =
      first.size() > 5 && std::ranges::any_of(kNounEndings, [&](std::string_view end) { return first.ends_with(end); });
  if (is_noun || has_noun_ending) return "begins with a noun";
  if (words.size() > 1 && is_one_of(words.back(), kVerbsOnly)) return "begins with a noun";
  return {};
}

std::string order_of(std::string_view name) {
  std::vector<std::string> words = split_words(name);
  if (words.size() < 2) return words.empty() ? std::string() : pascal_case(std::vector<std::string>{base_of(words[0])});
  if (is_past_word(words[0])) {
    words[0] = base_of(words[0]);
    return pascal_case(words);
  }
  if (words[0].ends_with('s') && is_order_verb(words[0].substr(0, words[0].size() - 1))) {
    words[0].pop_back();
    return pascal_case(words);
  }
  const std::string verb = base_of(words.back());
  if (!is_past_word(words.back()) && !is_order_verb(words.back())) return {};
  words.pop_back();
  words.insert(words.begin(), verb);
  return pascal_case(words);
}

bool is_plural(std::string_view word) {
  constexpr std::array<std::string_view, 22> kSingular = {
      "status", "bus",     "news",  "series", "species", "lens", "gas",   "canvas", "campus", "bonus",   "census",
      "virus",  "process", "chess", "basis",  "always",  "plus", "alias", "atlas",  "corpus", "surplus", "progress"};
  if (!singular_of(word).empty()) return true;
  if (word.size() < 4 || !word.ends_with('s') || is_one_of(word, kSingular)) return false;
  return !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is");
}

std::string stem(std::string_view word) {
  if (is_past_word(word)) return base_of(word);
  if (!is_plural(word)) return std::string(word);
  if (const std::string_view singular = singular_of(word); !singular.empty()) return std::string(singular);
  if (word.ends_with("ies") && word.size() > 4) return std::string(word.substr(0, word.size() - 3)) + "y";
  for (const std::string_view ending : {"sses", "shes", "ches", "xes"})
    if (word.ends_with(ending)) return std::string(word.substr(0, word.size() - 2));
  return std::string(word.substr(0, word.size() - 1));
}

}  // namespace weft::storm
