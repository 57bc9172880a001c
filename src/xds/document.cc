#include "xds/document.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace weft::xds {

const Node::Entry* Node::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

// ---- positions ----------------------------------------------------------------------------------------------------

namespace {

/// The next step of a path: a field or key name, or an index.
struct Step {
  std::string name;
  int64_t index = -1;
};

/// Takes the first step off `path`. Paths look like `a.b[0].c["key"].d`.
Step take_step(std::string_view& path) {
  Step step;
  if (path.starts_with("[\"")) {
    const size_t end = std::min(path.find("\"]"), path.size());
    step.name = path.substr(2, end - 2);
    path.remove_prefix(std::min(end + 2, path.size()));
  } else if (path.starts_with("[")) {
    const size_t end = std::min(path.find(']'), path.size());
    std::from_chars(path.data() + 1, path.data() + end, step.index);
    path.remove_prefix(std::min(end + 1, path.size()));
  } else {
    if (path.starts_with(".")) path.remove_prefix(1);
    const size_t end = std::min(path.find_first_of(".["), path.size());
    step.name = path.substr(0, end);
    path.remove_prefix(end);
  }
  return step;
}

/// "max_requests" and "maxRequests" are one field.
bool is_same_field(std::string_view written, std::string_view name) {
  if (written == name) return true;
  std::string camel;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i + 1 < name.size()) {
      const char next = name[++i];
      camel += next >= 'a' && next <= 'z' ? static_cast<char>(next - 'a' + 'A') : next;
    } else {
      camel += name[i];
    }
  }
  return written == camel;
}

}  // namespace

void Sources::add(std::string file, std::shared_ptr<const Node> root) {
  sources_.push_back({std::move(file), std::move(root)});
}

namespace {

/// Moves `node` along `step`; `index` loses the items of this document, so that the next one continues the list.
/// Returns the mark of the place, or nothing when it is not written here.
std::optional<Mark> follow(const Node*& node, const Step& step, int64_t& index) {
  const Node* from = std::exchange(node, nullptr);
  if (!from) return std::nullopt;
  if (step.index >= 0) {
    const auto count = static_cast<int64_t>(from->items.size());
    if (index >= 0 && index < count) node = from->items[static_cast<size_t>(index)].get();
    index -= count;
    return node ? std::optional(node->mark) : std::nullopt;
  }
  for (const Node::Entry& entry : from->entries) {
    if (!is_same_field(entry.key, step.name)) continue;
    node = entry.value.get();
    return entry.mark;
  }
  return std::nullopt;
}

}  // namespace

void Sources::locate(Fault& fault) const {
  if (sources_.empty()) return;
  fault.file = sources_.front().file;
  std::vector<const Node*> cursors;
  for (const Source& source : sources_) cursors.push_back(source.root.get());
  if (cursors.front()) fault.mark = cursors.front()->mark;

  bool is_found = true;
  for (std::string_view rest = fault.path; is_found && !rest.empty();) {
    const Step step = take_step(rest);
    int64_t index = step.index;
    is_found = false;
    for (size_t i = 0; i < cursors.size(); ++i) {
      const std::optional<Mark> mark = follow(cursors[i], step, index);
      if (!mark) continue;
      is_found = true;
      fault.file = sources_[i].file;
      fault.mark = *mark;
    }
  }
}

}  // namespace weft::xds
