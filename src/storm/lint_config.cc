// Severities from the command line and from a file.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "storm/lint.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

base::Error fault(std::string message) { return {base::ErrorCode::InvalidArgument, std::move(message)}; }

base::Status set(std::string_view where, std::string_view rule, std::string_view level, LintOptions& options) {
  if (find_rule(rule) == nullptr) return fault(fmt::format("{}: {}: no such rule", where, rule));
  const std::optional<Level> parsed = parse_level(level);
  if (!parsed) return fault(fmt::format("{}: {}: {}: must be one of off, info, warn, error", where, rule, level));
  options.levels[std::string(rule)] = *parsed;
  return {};
}

}  // namespace

base::Status read_severity(std::string_view text, LintOptions& options) {
  const size_t at = text.find('=');
  if (at == std::string_view::npos) return fault(fmt::format("--severity {}: must be RULE=LEVEL", text));
  return set("--severity", text.substr(0, at), text.substr(at + 1), options);
}

base::Status read_lint_config(std::string_view json, std::string_view file, LintOptions& options) {
  const nlohmann::json config = nlohmann::json::parse(json, nullptr, false);
  if (!config.is_object()) return fault(fmt::format("{}: must be a JSON object", file));
  for (const auto& [key, value] : config.items()) {
    if (key != "severity" || !value.is_object())
      return fault(fmt::format("{}: {}: must be \"severity\", an object of rules and levels", file, key));
    for (const auto& [rule, level] : value.items()) {
      if (!level.is_string()) return fault(fmt::format("{}: severity.{}: must be a string", file, rule));
      if (const base::Status status = set(fmt::format("{}: severity", file), rule, level.get<std::string>(), options);
          !status)
        return status;
    }
  }
  return {};
}

}  // namespace weft::storm
