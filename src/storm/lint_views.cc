// V01 to V03, H01, H02: views and remarks.
#include <fmt/format.h>

#include <algorithm>

#include "storm/lint_rules.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

std::string joined(std::string_view name) {
  std::string out;
  for (const std::string& word : split_words(name)) out += word;
  return out;
}

// "talk", "talkId" and "talk_id" are what an event with `key talk` carries.
bool is_carried_by_key(const Event& event, const std::string& field) {
  const auto names = [&](const Reference& reference) {
    const std::string noun = joined(reference.name);
    return field == noun || field == noun + "id" || field == noun + "key";
  };
  return field == "id" || (event.key && names(*event.key)) || std::ranges::any_of(event.refs, names);
}

void check_fields(LintRun& run, Index index) {
  const View& view = run.board.views[index];
  const Indices& events = run.graph.feeds(index);
  if (std::ranges::none_of(events, [&](Index event) { return !run.board.events[event].fields.empty(); })) return;
  for (const Field& field : view.fields) {
    const std::string wanted = joined(field.name);
    const bool is_carried = std::ranges::any_of(events, [&](Index index) {
      const Event& event = run.board.events[index];
      return is_carried_by_key(event, wanted) || joined(event.name) == joined(field.type) ||
             std::ranges::any_of(event.fields, [&](const Field& carried) {
               return joined(carried.name) == wanted || carried.type == view.name;  // or as part of the whole view
             });
    });
    if (!is_carried)
      run.add("V03", field.place, view.name,
              fmt::format("'{}' shows '{}', which none of its events carries", view.name, field.name),
              "add it to the fields of an event it is made from");
  }
}

}  // namespace

void lint_views(LintRun& run) {
  for (Index i = 0; i < run.board.views.size(); ++i) {
    const View& view = run.board.views[i];
    if (run.is_duplicate(view)) continue;
    if (!view.has_from) run.add("V01", view, fmt::format("'{}' is made from no event", view.name), "from EVENT, …");
    if (run.graph.readers(i).empty())
      run.add("V02", view, fmt::format("nobody reads '{}'", view.name),
              "which decision needs it? command … sees " + view.name);
    check_fields(run, i);
  }
  for (const Remark& hotspot : run.board.hotspots) {
    if (!hotspot.has_on) run.add("H02", hotspot, "a hotspot on nothing", "on NAME");
    for (const Reference& on : hotspot.on)
      if (run.graph.kinds_of(on.name).empty())
        run.add("H02", on.place, hotspot.name, fmt::format("a hotspot on '{}', which is not on the board", on.name),
                "on NAME");
    run.add("H01", hotspot, fmt::format("open: {}", hotspot.name));
  }
  for (const Remark& opportunity : run.board.opportunities)
    for (const Reference& on : opportunity.on)
      if (run.graph.kinds_of(on.name).empty())
        run.add("N02", on.place, opportunity.name,
                fmt::format("an opportunity on '{}', which is not on the board", on.name), "on NAME");
}

}  // namespace weft::storm
