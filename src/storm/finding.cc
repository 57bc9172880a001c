#include "storm/finding.h"

#include <algorithm>
#include <array>

namespace weft::storm {

namespace {

constexpr std::array<std::string_view, 4> kLevels = {"off", "info", "warn", "error"};

constexpr Rule kRules[] = {
    {"SYN", Level::Error, "a line follows the grammar of the notation"},
    {"SUP", Level::Warning, "a suppression names its rules and its reason, and suppresses something"},
    {"E01", Level::Error, "an event is named in the past tense"},
    {"E02", Level::Error, "an event has a cause: a command or a system"},
    {"E03", Level::Warning, "somebody reacts to an event: a policy or a view"},
    {"E04", Level::Error, "no two events mean the same"},
    {"E05", Level::Warning, "an event tells what happened in the domain, not in a table"},
    {"E06", Level::Warning, "an event has a key"},
    {"E07", Level::Warning, "an event comes from one aggregate"},
    {"C01", Level::Error, "a command is an order"},
    {"C02", Level::Error, "a command leads to an event"},
    {"C03", Level::Error, "a command has an issuer: an actor or a policy"},
    {"C04", Level::Warning, "an actor sees a view before deciding"},
    {"C05", Level::Warning, "a command can be refused"},
    {"C06", Level::Error, "a command of an aggregate leads to events with its key"},
    {"C07", Level::Error, "a command has a decider: an aggregate or a system"},
    {"P01", Level::Error, "a policy has an event and a command"},
    {"P02", Level::Warning, "guards of policies on one event neither overlap nor leave a gap"},
    {"P03", Level::Warning, "a cycle of policies has a guard"},
    {"P04", Level::Info, "a policy crosses contexts: it becomes a trigger and a grant"},
    {"P05", Level::Warning, "where time matters, a clock tells it"},
    {"V01", Level::Error, "a view is fed by an event"},
    {"V02", Level::Warning, "a view is read by somebody"},
    {"V03", Level::Warning, "what a view shows is carried by an event"},
    {"A01", Level::Error, "an aggregate has commands"},
    {"A02", Level::Error, "an aggregate is not named before the flow has shown it"},
    {"A03", Level::Warning, "an aggregate is a thing of the domain, in the singular"},
    {"A04", Level::Warning, "an aggregate has one key, and a key one aggregate"},
    {"A05", Level::Warning, "an aggregate says what must always hold"},
    {"A06", Level::Warning, "a declared aggregate is the one that the flow shows"},
    {"A07", Level::Info, "a rule is enforced in one place"},
    {"X01", Level::Error, "a context owns something, and an aggregate has one context"},
    {"X02", Level::Warning, "a command is handled in its own context"},
    {"X03", Level::Warning, "a word means one thing, and a thing has one word"},
    {"H01", Level::Info, "a hotspot is settled"},
    {"H02", Level::Warning, "a hotspot is on something"},
    {"S01", Level::Error, "nothing on the board is ahead of the stage"},
    {"S02", Level::Info, "a stage is left when its gate is met (told by show --next only)"},
    {"G01", Level::Error, "notes are connected as the grammar of event storming allows"},
    {"O01", Level::Warning, "an effect comes after its cause on the timeline"},
    {"N01", Level::Error, "a name is unique among its kind and fit for a CloudEvents type"},
    {"N02", Level::Error, "what is referred to is on the board"},
    {"N03", Level::Warning, "no two names of a kind are mistaken for each other"},
};

}  // namespace

std::string_view to_string(Level level) { return kLevels[static_cast<size_t>(level)]; }

std::optional<Level> parse_level(std::string_view word) {
  if (word == "warning") return Level::Warning;
  const auto at = std::ranges::find(kLevels, word);
  if (at == kLevels.end()) return std::nullopt;
  return static_cast<Level>(at - kLevels.begin());
}

std::span<const Rule> rules() { return kRules; }

const Rule* find_rule(std::string_view id) {
  const auto at = std::ranges::find(kRules, id, &Rule::id);
  return at == std::end(kRules) ? nullptr : &*at;
}

}  // namespace weft::storm
