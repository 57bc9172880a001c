// Purpose: the one way from YAML or JSON nodes to any protobuf message, by reflection: proto3's JSON mapping in full
//          (Any by "@type", Struct, Duration, Timestamp, wrappers, FieldMask, base64, enums by name or number, 64-bit
//          numbers as text, maps, both spellings of a field, null), and xds/udpa TypedStruct taken for what it carries.
// Thread:  any.   Owner: none; everything is the caller's.
// Errors:  all collected in `Faults`, never stopping at the first: unknown fields (with the nearest name), wrong kinds,
//          ranges, a oneof set twice, unknown enum values and type URLs. The faulty part stays unset.
// Source:  protobuf.dev/programming-guides/json; Envoy's MessageUtil and ValueUtil for YAML scalars.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "xds/document.h"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

namespace weft::xds {

/// Reads `node` into `message`, whose place is `place` (a null parent: the root). `file` names the document in faults.
void read_message(const Node& node, google::protobuf::Message& message, const Place& place, const std::string& file,
                  Faults& faults);

/// An empty message of the type behind a type URL ("type.googleapis.com/…"), or null when this program does not know
/// it.
std::unique_ptr<google::protobuf::Message> new_message_of_type(std::string_view type_url);

/// Serialises with map entries in order, so that equal messages give equal bytes.
std::string serialize(const google::protobuf::Message& message);

}  // namespace weft::xds
