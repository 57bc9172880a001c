#include "storm/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "storm/lint_rules.h"

namespace weft::storm {

namespace {

/// One `# allow E05, C05: reason`.
struct Suppression {
  Place place;
  uint32_t line = 0;  ///< that it excuses
  std::vector<std::string> rules;
  bool is_used = false;
};

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string> split_rules(std::string_view text) {
  std::vector<std::string> rules;
  size_t at = 0;
  while ((at = text.find_first_not_of(", \t", at)) != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(", \t", at), text.size());
    rules.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return rules;
}

class Suppressions {
 public:
  Suppressions(const Document& document, Findings& faults) {
    uint32_t pending = 0;  // suppressions above wait for the next line with content
    for (uint32_t i = 0; i < document.lines.size(); ++i) {
      const std::string& line = document.lines[i].content;
      const size_t at = comment_of(line);
      const bool has_content = !trimmed(std::string_view(line).substr(0, at)).empty();
      if (at != std::string::npos) read(line, at, i + 1, has_content ? i + 1 : 0, faults);
      if (!has_content) continue;
      for (; pending < all_.size(); ++pending)
        if (all_[pending].line == 0) all_[pending].line = i + 1;
    }
    for (const Statement& statement : document.statements)
      for (uint32_t line = statement.first_line; line <= statement.last_line; ++line)
        first_line_[line] = statement.first_line;
    for (size_t i = 0; i < all_.size(); ++i) by_line_[first_line(all_[i].line)].push_back(i);
  }

  bool excuses(const Finding& finding) {
    const auto at = by_line_.find(first_line(finding.place.line));
    if (at == by_line_.end()) return false;
    bool is_excused = false;
    for (const size_t i : at->second)
      if (std::ranges::find(all_[i].rules, finding.rule) != all_[i].rules.end()) is_excused = all_[i].is_used = true;
    return is_excused;
  }

  void tell_unused(Findings& findings) const {
    for (const Suppression& each : all_)
      if (!each.is_used)
        findings.push_back({"SUP",
                            each.place,
                            {},
                            fmt::format("nothing to suppress: {}", fmt::join(each.rules, ", ")),
                            "remove the comment"});
  }

 private:
  uint32_t first_line(uint32_t line) const {
    const auto at = first_line_.find(line);
    return at == first_line_.end() ? line : at->second;
  }

  void read(std::string_view line, size_t at, uint32_t number, uint32_t target, Findings& faults) {
    std::string_view comment = trimmed(line.substr(at + 1));
    if (!comment.starts_with("allow ")) return;
    comment.remove_prefix(6);
    const size_t colon = comment.find(':');
    Suppression made{{number, characters(line.substr(0, at)) + 1, characters(line.substr(at))},
                     target,
                     split_rules(comment.substr(0, colon)),
                     false};
    const bool are_rules = !made.rules.empty() && std::ranges::all_of(made.rules, [](const std::string& rule) {
      return find_rule(rule) != nullptr;
    });
    // Prose that happens to begin with "allow" is prose.
    if (!are_rules && (made.rules.size() != 1 || colon == std::string_view::npos)) return;
    if (!are_rules || colon == std::string_view::npos || trimmed(comment.substr(colon + 1)).empty()) {
      faults.push_back({"SUP",
                        made.place,
                        {},
                        are_rules ? "a suppression without a reason" : fmt::format("unknown rule '{}'", made.rules[0]),
                        "# allow RULE: why it is right here"});
      return;
    }
    all_.push_back(std::move(made));
  }

  std::vector<Suppression> all_;
  std::unordered_map<uint32_t, std::vector<size_t>> by_line_;
  std::unordered_map<uint32_t, uint32_t> first_line_;
};

bool stands_before(const Finding& a, const Finding& b) {
  return std::tie(a.place.line, a.place.column, a.rule) < std::tie(b.place.line, b.place.column, b.rule);
}

}  // namespace

std::string listed(const std::vector<std::string>& names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < limit; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > limit) text += fmt::format(" and {} more", names.size() - limit);
  return text;
}

Findings lint(const Document& document, const LintOptions& options) {
  LintRun run(document.board);
  run.findings = document.faults;
  lint_names(run);
  lint_stages(run);
  lint_events(run);
  lint_commands(run);
  lint_policies(run);
  lint_views(run);
  lint_aggregates(run);
  lint_contexts(run);

  Findings out;
  const auto keep = [&](Finding& finding) {
    const auto level = options.levels.find(finding.rule);
    finding.level = level != options.levels.end() ? level->second : find_rule(finding.rule)->level;
    if (finding.level != Level::Off) out.push_back(std::move(finding));
  };
  Suppressions suppressions(document, run.findings);
  for (Finding& finding : run.findings)
    if (!suppressions.excuses(finding)) keep(finding);
  Findings unused;
  suppressions.tell_unused(unused);
  for (Finding& finding : unused) keep(finding);
  std::ranges::stable_sort(out, stands_before);
  return out;
}

Counts count(const Board& board) {
  return {board.events.size(),   board.commands.size(),   board.policies.size(),
          board.views.size(),    board.aggregates.size(), board.contexts.size(),
          board.hotspots.size(), board.actors.size(),     board.systems.size()};
}

}  // namespace weft::storm
