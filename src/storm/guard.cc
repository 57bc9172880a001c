#include "storm/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr size_t kQuantitiesMax = 3;
constexpr size_t kNestingMax = 32;

struct Node {
  enum class Kind : uint8_t {
    Number,
    Quantity,
    Prose,
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    LessEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Not,
    Otherwise
  };
  Kind kind = Kind::Number;
  double number = 0;
  size_t name = 0;  ///< of a quantity or a piece of prose
  std::vector<Node> parts;
};

/// The names that the guards of one event share.
struct Names {
  std::vector<std::string> quantities, prose;
  std::vector<double> constants;
  bool has_fraction = false, has_negative = false;
  static size_t add(std::vector<std::string>& to, std::string_view name) {
    const auto at = std::ranges::find(to, name);
    if (at != to.end()) return static_cast<size_t>(at - to.begin());
    to.emplace_back(name);
    return to.size() - 1;
  }
};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '\'' || static_cast<unsigned char>(c) >= 0x80;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Words for signs: "at least 3" is ">= 3".
std::string with_signs(std::string_view guard) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 34> kSigns = {{
      {"≤", "<="},
      {"≥", ">="},
      {"≠", "!="},
      {"==", "="},
      {"<>", "!="},
      {"&&", " and "},
      {"||", " or "},
      {" is greater than or equal to ", " >= "},
      {" is less than or equal to ", " <= "},
      {" is not equal to ", " != "},
      {" is equal to ", " = "},
      {" equals ", " = "},
      {" is at least ", " >= "},
      {" is at most ", " <= "},
      {" is no more than ", " <= "},
      {" is no less than ", " >= "},
      {" is more than ", " > "},
      {" is greater than ", " > "},
      {" is less than ", " < "},
      {" is fewer than ", " < "},
      {" is above ", " > "},
      {" is below ", " < "},
      {" is over ", " > "},
      {" is under ", " < "},
      {" exceeds ", " > "},
      {" at least ", " >= "},
      {" at most ", " <= "},
      {" no more than ", " <= "},
      {" more than ", " > "},
      {" greater than ", " > "},
      {" less than ", " < "},
      {" fewer than ", " < "},
      {" exactly ", " = "},
      {" above ", " > "},
  }};
  std::string text = " " + std::string(guard) + " ";
  for (const auto& [from, to] : kSigns) text = replace_all(std::move(text), from, to);
  return text;
}

// A recursive descent over one guard; `failed` where it is prose with signs in between.
class GuardParser {
 public:
  GuardParser(std::string_view guard, Names& names) : text_(with_signs(guard)), names_(names) {}

  std::optional<Node> run() {
    Node node = disjunction();
    skip_spaces();
    if (has_failed_ || at_ < text_.size()) return std::nullopt;
    return node;
  }

 private:
  Node fail() {
    has_failed_ = true;
    return {};
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool accept(std::string_view sign) {
    skip_spaces();
    if (!std::string_view(text_).substr(at_).starts_with(sign)) return false;
    if (is_word_character(sign.back()) && at_ + sign.size() < text_.size() &&
        is_word_character(text_[at_ + sign.size()]))
      return false;
    at_ += sign.size();
    return true;
  }

  Node disjunction() {
    Node node = conjunction();
    while (!has_failed_ && accept("or")) node = {Node::Kind::Or, 0, 0, {std::move(node), conjunction()}};
    return node;
  }
  Node conjunction() {
    Node node = negation();
    while (!has_failed_ && accept("and")) node = {Node::Kind::And, 0, 0, {std::move(node), negation()}};
    return node;
  }

  Node negation() {
    if (++depth_ > kNestingMax) return fail();
    Node node;
    if (accept("otherwise") || accept("else")) {
      node.kind = Node::Kind::Otherwise;
    } else if (std::optional<Node> chain = comparison()) {
      node = std::move(*chain);
    } else if (accept("not") || accept("no")) {
      node = {Node::Kind::Not, 0, 0, {negation()}};
    } else if (accept("(")) {
      node = disjunction();
      if (!accept(")")) has_failed_ = true;
    } else {
      node = prose();
    }
    --depth_;
    return node;
  }

  // `a < b <= c`; nullopt, and nothing taken, where no comparison stands here.
  std::optional<Node> comparison() {
    const size_t begin = at_;
    const bool had_failed = has_failed_;
    std::optional<Node> whole;
    Node left = sum();
    while (!has_failed_) {
      const std::optional<std::string_view> sign = comparison_sign();
      if (!sign) break;
      Node right = sum();
      if (has_failed_) break;
      Node one = compared(*sign, left, right);
      whole = whole ? Node{Node::Kind::And, 0, 0, {std::move(*whole), std::move(one)}} : std::move(one);
      left = std::move(right);
    }
    if (whole && !has_failed_) return whole;
    at_ = begin;
    has_failed_ = had_failed;
    return std::nullopt;
  }

  std::optional<std::string_view> comparison_sign() {
    for (const std::string_view sign : {"<=", ">=", "!=", "<", ">", "="})
      if (accept(sign)) return sign;
    return std::nullopt;
  }

  static Node compared(std::string_view sign, const Node& left, const Node& right) {
    const bool is_swapped = sign[0] == '>';
    const Node::Kind kind = sign == "="        ? Node::Kind::Equal
                            : sign == "!="     ? Node::Kind::NotEqual
                            : sign.size() == 2 ? Node::Kind::LessEqual
                                               : Node::Kind::Less;
    return {kind, 0, 0, {is_swapped ? right : left, is_swapped ? left : right}};
  }

  Node sum() {
    Node node = product();
    while (!has_failed_) {
      const bool is_plus = accept("+");
      if (!is_plus && !accept("-")) break;
      node = {is_plus ? Node::Kind::Add : Node::Kind::Subtract, 0, 0, {std::move(node), product()}};
    }
    return node;
  }
  Node product() {
    Node node = atom();
    while (!has_failed_) {
      const bool is_times = accept("*");
      if (!is_times && !accept("/")) break;
      node = {is_times ? Node::Kind::Multiply : Node::Kind::Divide, 0, 0, {std::move(node), atom()}};
    }
    return node;
  }

  Node atom() {
    skip_spaces();
    const bool is_negative = accept("-");
    const std::string word = take_word();
    if (word.empty()) return fail();
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size()) {
      value = is_negative ? -value : value;
      names_.has_fraction |= value != std::floor(value);
      names_.has_negative |= value < 0;
      names_.constants.push_back(value);
      return {Node::Kind::Number, value, 0, {}};
    }
    if (word == "not" || word == "no" || word == "and" || word == "or" || is_negative) return fail();
    // "open talks > slots": a quantity may have several words.
    std::string name = word;
    for (size_t before = at_; !(name.empty()); before = at_) {
      const std::string next = take_word();
      if (next.empty() || next == "and" || next == "or") {
        at_ = before;
        break;
      }
      name += " " + next;
    }
    return {Node::Kind::Quantity, 0, Names::add(names_.quantities, name), {}};
  }

  std::string take_word() {
    skip_spaces();
    const size_t begin = at_;
    while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // "no tie at the cut", "it is not paid": a statement, possibly denied.
  Node prose() {
    std::string statement;
    bool is_denied = false;
    for (size_t before = at_;; before = at_) {
      std::string word = lower_case(take_word());
      if (word.empty() || word == "and" || word == "or") {
        at_ = before;
        break;
      }
      if (word == "not" || word == "no" || word == "never" || word == "isn't" || word == "without") {
        is_denied = !is_denied;
        continue;
      }
      if (word == "the" || word == "a" || word == "an" || word == "is" || word == "are" || word == "it" ||
          word == "was" || word == "has" || word == "been" || word == "there")
        continue;
      statement += (statement.empty() ? "" : " ") + word;
    }
    if (statement.empty()) return fail();
    Node node{Node::Kind::Prose, 0, Names::add(names_.prose, statement), {}};
    if (is_denied) node = {Node::Kind::Not, 0, 0, {std::move(node)}};
    return node;
  }

  std::string text_;
  Names& names_;
  size_t at_ = 0, depth_ = 0;
  bool has_failed_ = false;
};

struct Case {
  std::vector<double> quantities;
  std::vector<bool> prose;
};

double evaluate(const Node& node, const Case& at) {
  const auto part = [&](size_t i) { return evaluate(node.parts[i], at); };
  switch (node.kind) {
    case Node::Kind::Number: return node.number;
    case Node::Kind::Quantity: return at.quantities[node.name];
    case Node::Kind::Prose: return at.prose[node.name];
    case Node::Kind::Add: return part(0) + part(1);
    case Node::Kind::Subtract: return part(0) - part(1);
    case Node::Kind::Multiply: return part(0) * part(1);
    case Node::Kind::Divide: return part(0) / part(1);
    case Node::Kind::Less: return part(0) < part(1);
    case Node::Kind::LessEqual: return part(0) <= part(1);
    case Node::Kind::Equal: return part(0) == part(1);
    case Node::Kind::NotEqual: return part(0) != part(1);
    case Node::Kind::And: return part(0) != 0 && part(1) != 0;
    case Node::Kind::Or: return part(0) != 0 || part(1) != 0;
    case Node::Kind::Not: return part(0) == 0;
    case Node::Kind::Otherwise: return 0;
  }
  return 0;
}

std::string shown(const Names& names, const Case& at) {
  std::string text;
  for (size_t i = 0; i < names.quantities.size(); ++i)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", names.quantities[i], at.quantities[i]);
  for (size_t i = 0; i < names.prose.size(); ++i)
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", at.prose[i] ? "" : "not ", names.prose[i]);
  return text;
}

// Around every constant, so that each side of each comparison is tried, and a few beyond for quantities among
// themselves.
std::vector<double> candidates(const Names& names) {
  std::vector<double> values = {0, 1, 2, 3};
  const double step = names.has_fraction ? 0.5 : 1;
  for (const double constant : names.constants)
    for (const double offset : {-step, 0.0, step, 2 * step}) values.push_back(constant + offset);
  if (names.has_negative) values.push_back(-1);
  else std::erase_if(values, [](double value) { return value < 0; });
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
  if (values.size() > 24) values.resize(24);
  return values;
}

// Calls `visit` for every case; it answers whether to go on.
template <typename Visit>
void for_each_case(const Names& names, Visit visit) {
  const std::vector<double> values = candidates(names);
  Case at{std::vector<double>(names.quantities.size(), values[0]), std::vector<bool>(names.prose.size(), false)};
  std::vector<size_t> digits(names.quantities.size(), 0);
  for (size_t bits = 0; bits < (size_t{1} << names.prose.size()); ++bits) {
    for (size_t i = 0; i < names.prose.size(); ++i) at.prose[i] = (bits >> i) & 1;
    std::ranges::fill(digits, 0);
    for (bool has_more = true; has_more;) {
      for (size_t i = 0; i < digits.size(); ++i) at.quantities[i] = values[digits[i]];
      if (!visit(at)) return;
      has_more = false;
      for (size_t i = 0; i < digits.size() && !has_more; ++i) {
        digits[i] = (digits[i] + 1) % values.size();
        has_more = digits[i] != 0;
      }
    }
  }
}

bool has_kind(const Node& node, Node::Kind kind) {
  return node.kind == kind || std::ranges::any_of(node.parts, [&](const Node& part) { return has_kind(part, kind); });
}

constexpr std::array<std::string_view, 18> kTimeUnits = {
    "second", "seconds", "minute", "minutes", "hour",  "hours", "day",    "days",    "week",
    "weeks",  "month",   "months", "year",    "years", "night", "nights", "quarter", "quarters"};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (is_word_character(c) && c != '.') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(lower_case(word));
      word.clear();
    }
  }
  return words;
}

template <size_t N>
bool has_any(const std::vector<std::string>& words, const std::array<std::string_view, N>& list) {
  return std::ranges::any_of(words,
                             [&](const std::string& word) { return std::ranges::find(list, word) != list.end(); });
}

}  // namespace

Coverage cover(std::span<const std::string_view> guards) {
  Coverage result;
  Names names;
  std::vector<Node> nodes;
  for (const std::string_view guard : guards) {
    std::optional<Node> node = GuardParser(guard, names).run();
    if (!node) return result;
    nodes.push_back(std::move(*node));
  }
  // Several pieces of prose may exclude each other in ways that only people know ("in stock", "sold out").
  const auto is_prose_shared = [&] {
    return std::ranges::all_of(nodes, [](const Node& node) {
      return has_kind(node, Node::Kind::Prose) || has_kind(node, Node::Kind::Otherwise);
    });
  };
  if (names.quantities.size() > kQuantitiesMax || names.prose.size() > 1 ||
      (names.prose.size() == 1 && !is_prose_shared()))
    return result;
  result.is_known = true;
  const bool is_covered =
      std::ranges::any_of(nodes, [](const Node& node) { return has_kind(node, Node::Kind::Otherwise); });
  for_each_case(names, [&](const Case& at) {
    std::vector<size_t> holding;
    for (size_t i = 0; i < nodes.size(); ++i)
      if (evaluate(nodes[i], at) != 0) holding.push_back(i);
    if (holding.empty() && !is_covered && result.gap.empty()) result.gap = shown(names, at);
    if (holding.size() > 1 && result.overlap.empty()) {
      result.overlap = shown(names, at);
      result.first = holding[0];
      result.second = holding[1];
    }
    return result.gap.empty() || result.overlap.empty();
  });
  return result;
}

bool speaks_of_time(std::string_view text) {
  constexpr std::array<std::string_view, 14> kMoments = {"deadline", "overdue", "expired",  "expires", "timeout",
                                                         "midnight", "noon",    "daily",    "nightly", "weekly",
                                                         "monthly",  "yearly",  "tomorrow", "elapsed"};
  constexpr std::array<std::string_view, 9> kPassing = {"after", "later", "ago", "for",    "passed",
                                                        "since", "every", "old", "elapsed"};
  const std::vector<std::string> words = words_of(text);
  return has_any(words, kMoments) || (has_any(words, kTimeUnits) && has_any(words, kPassing));
}

bool counts_time(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t digits = std::min(words[i].find_first_not_of("0123456789"), words[i].size());
    if (digits == 0) continue;
    const std::string_view unit = std::string_view(words[i]).substr(digits);
    if (unit == "h" || unit == "min" || unit == "s" || unit == "d") return true;
    if (unit.empty() && i + 1 < words.size() && std::ranges::find(kTimeUnits, words[i + 1]) != kTimeUnits.end())
      return true;
  }
  return false;
}

}  // namespace weft::storm
