#include <fmt/format.h>

#include "xds/translation.h"

namespace weft::xds {

namespace {

using proxy::HeaderAdd;

bool is_protected(const std::string& name) { return name.starts_with(':') || name == "host"; }

HeaderAdd::Action action_of(const View& option) {
  using Action = HeaderAdd::Action;
  const std::string action = option.choice("append_action");
  if (const auto append = option.wrapped_flag("append")) {
    if (option.has("append_action")) option.fault("append", "only one of append and append_action may be set");
    return *append ? Action::AppendIfExistsOrAdd : Action::OverwriteIfExistsOrAdd;
  }
  if (action == "ADD_IF_ABSENT") return Action::AddIfAbsent;
  if (action == "OVERWRITE_IF_EXISTS_OR_ADD") return Action::OverwriteIfExistsOrAdd;
  if (action == "OVERWRITE_IF_EXISTS") return Action::OverwriteIfExists;
  return Action::AppendIfExistsOrAdd;
}

HeaderAdd translate_add(const View& option) {
  HeaderAdd add;
  const View header = option.message("header");
  add.name = lower_case(header.text("key"));
  add.action = action_of(option);
  add.keep_empty_value = option.flag("keep_empty_value");
  if (is_protected(add.name))
    header.fault("key", fmt::format("{}: pseudo-headers and host may not be changed here", in_quotes(add.name)));
  const std::string value = header.text("value"), raw = header.text("raw_value");
  if (!value.empty() && !raw.empty()) header.fault("raw_value", "only one of value and raw_value may be set");
  auto format = observe::Format::parse_text(raw.empty() ? value : raw);
  if (format) {
    add.value = *format;
  } else {
    header.fault(raw.empty() ? "value" : "raw_value", format.error().message);
  }
  return add;
}

}  // namespace

std::vector<HeaderAdd> translate_header_adds(const View& parent, std::string_view field) {
  std::vector<HeaderAdd> adds;
  for (const View& option : parent.messages(field)) adds.push_back(translate_add(option));
  return adds;
}

proxy::HeaderMutations translate_mutations(const View& view, std::string_view direction) {
  proxy::HeaderMutations mutations;
  mutations.adds = translate_header_adds(view, fmt::format("{}_headers_to_add", direction));
  const std::string field = fmt::format("{}_headers_to_remove", direction);
  const std::vector<std::string> names = view.texts(field);
  for (size_t i = 0; i < names.size(); ++i) {
    mutations.removes.push_back(lower_case(names[i]));
    if (is_protected(mutations.removes.back()))
      view.fault(fmt::format("{}[{}]", field, i),
                 fmt::format("{}: pseudo-headers and host may not be removed", in_quotes(names[i])));
  }
  return mutations;
}

}  // namespace weft::xds
