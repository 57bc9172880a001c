#include "xds/load.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/limits.h"
#include "xds/document.h"
#include "xds/known_types.h"
#include "xds/reader.h"
#include "xds/tracker.h"
#include "xds/translate.h"
#include "xds/validate.h"

namespace weft::xds {

namespace {

using google::protobuf::Message;

/// Parses `text` and merges it into `bootstrap`.
void merge_text(std::string_view text, const std::string& name, Message& bootstrap, Sources& sources, Faults& faults) {
  const auto root = name.ends_with(".json") ? parse_json(text, name, faults) : parse_yaml(text, name, faults);
  if (!root) return;
  const std::unique_ptr<Message> part = new_bootstrap();
  read_message(*root, *part, Place{}, name, faults);
  bootstrap.MergeFrom(*part);
  sources.add(name, root);
}

void set_node(Message& bootstrap, const char* field, const std::string& value) {
  if (value.empty()) return;
  const auto* node_field = bootstrap.GetDescriptor()->FindFieldByName("node");
  Message* node = bootstrap.GetReflection()->MutableMessage(&bootstrap, node_field);
  node->GetReflection()->SetString(node, node->GetDescriptor()->FindFieldByName(field), value);
}

/// What comes after the texts are read.
void finish(std::unique_ptr<Message> bootstrap, const Sources& sources, Loaded& loaded) {
  validate_rules(*bootstrap, Place{}, loaded.faults);
  Tracker tracker(*bootstrap, loaded.faults);
  auto snapshot = translate_bootstrap(tracker.root());
  tracker.refuse_unread();
  loaded.supported = tracker.supported();
  loaded.asked = tracker.asked();
  loaded.faults.simplify();
  for (Fault& fault : loaded.faults.list()) {
    if (fault.mark.line == 0) sources.locate(fault);
  }
  loaded.faults.sort();
  if (loaded.faults.is_empty()) loaded.snapshot = std::move(snapshot);
  loaded.bootstrap = std::move(bootstrap);
}

}  // namespace

base::Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return base::Error(base::ErrorCode::Io, std::strerror(errno));
  std::string bytes;
  char buffer[16 * 1024];
  while (true) {
    const size_t count = std::fread(buffer, 1, sizeof buffer, file.get());
    bytes.append(buffer, count);
    if (bytes.size() > base::kConfigFileBytesMax) {
      return base::Error(base::ErrorCode::LimitExceeded,
                         fmt::format("larger than {} bytes", base::kConfigFileBytesMax));
    }
    if (count < sizeof buffer) break;
  }
  if (std::ferror(file.get())) return base::Error(base::ErrorCode::Io, std::strerror(errno));
  return bytes;
}

Loaded load_bootstrap(const LoadOptions& options) {
  link_known_types();
  Loaded loaded;
  Sources sources;
  std::unique_ptr<Message> bootstrap = new_bootstrap();
  if (!options.path.empty()) {
    const auto text = read_file(options.path);
    if (!text) {
      loaded.faults.add({options.path, {}, {}, text.error().message, false});
      return loaded;
    }
    merge_text(*text, options.path, *bootstrap, sources, loaded.faults);
  }
  if (!options.yaml.empty()) merge_text(options.yaml, "--config-yaml", *bootstrap, sources, loaded.faults);
  set_node(*bootstrap, "id", options.service_node);
  set_node(*bootstrap, "cluster", options.service_cluster);
  finish(std::move(bootstrap), sources, loaded);
  return loaded;
}

Loaded load_bootstrap_text(std::string_view text, const std::string& name) {
  link_known_types();
  Loaded loaded;
  Sources sources;
  std::unique_ptr<Message> bootstrap = new_bootstrap();
  merge_text(text, name, *bootstrap, sources, loaded.faults);
  finish(std::move(bootstrap), sources, loaded);
  return loaded;
}

}  // namespace weft::xds
