// Purpose: the running configuration as envoy.admin.v3.ConfigDump.
// Thread:  the admin thread's.
// Source:  Envoy's /config_dump: resource, mask, name_regex, include_eds.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace google::protobuf {
class Message;
}

namespace weft::admin {

struct ConfigDumpRequest {
  std::string_view resource;    ///< "static_clusters"; empty: whole messages
  std::string_view mask;        ///< empty: all fields
  std::string_view name_regex;  ///< must match a whole name; empty: all names
  bool include_eds = false;
};

struct ConfigDumpResult {
  uint16_t status = 200;
  std::string body;  ///< JSON; with another status, a text that says why
};

/// `bootstrap`: an envoy.config.bootstrap.v3.Bootstrap. Secrets are redacted.
ConfigDumpResult dump_config(const google::protobuf::Message& bootstrap, base::WallTime loaded,
                             const ConfigDumpRequest& request);

}  // namespace weft::admin
