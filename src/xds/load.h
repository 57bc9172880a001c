// Purpose: from a bootstrap file to a Snapshot: read, check rules, translate, and refuse what was not understood.
// Thread:  any; blocking (reads the bootstrap and the files it names).   Owner: the caller.
// Errors:  all of them at once, in `faults`, located; then there is no snapshot.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "proxy/snapshot.h"
#include "xds/fault.h"

namespace google::protobuf {
class Message;
}

namespace weft::xds {

struct LoadOptions {
  std::string path;             ///< YAML, or JSON where it ends in ".json"; empty: only `yaml`
  std::string yaml;             ///< merged over the file: singular fields override, lists are appended
  std::string service_node;     ///< not empty: node.id
  std::string service_cluster;  ///< not empty: node.cluster
};

struct Loaded {
  std::shared_ptr<const proxy::Snapshot> snapshot;             ///< null when there are faults
  std::shared_ptr<const google::protobuf::Message> bootstrap;  ///< as read and merged: for /config_dump
  Faults faults;
  /// "envoy.config.route.v3.Route.match" → "", or why it changes nothing: every field that was set and understood.
  std::map<std::string, std::string> supported;
  std::set<std::string> asked;  ///< every field that translation looked for, set or not
};

/// Loads a bootstrap.
Loaded load_bootstrap(const LoadOptions& options);

/// The same from a text; `name` stands for the file in faults, and one that ends in ".json" is read as JSON.
Loaded load_bootstrap_text(std::string_view text, const std::string& name);

/// Reads a whole file, at most base::kConfigFileBytesMax. Errors: Io with the system's reason; LimitExceeded.
base::Result<std::string> read_file(const std::string& path);

}  // namespace weft::xds
