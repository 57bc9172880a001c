// Purpose: the google.protobuf messages that have a JSON form of their own. Private to the reader.
// Thread:  any.
#pragma once

#include <string>

#include "xds/document.h"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

namespace weft::xds {

/// Duration, Timestamp, FieldMask, Struct, Value, ListValue and the wrappers; not Any and Empty.
bool is_well_known(const google::protobuf::Descriptor& type);
/// Returns what is wrong, or nothing.
std::string read_well_known(const Node& node, google::protobuf::Message& message);

}  // namespace weft::xds
