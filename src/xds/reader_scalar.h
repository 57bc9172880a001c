// Purpose: one scalar node into one protobuf field, with proto3 JSON's conversions and ranges. Private to the reader.
// Thread:  any.
#pragma once

#include <string>

#include "xds/document.h"

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace weft::xds {

/// Sets `field` (or appends to it, when repeated). Returns what is wrong, or nothing.
std::string read_scalar(const Node& node, google::protobuf::Message& message,
                        const google::protobuf::FieldDescriptor& field);

/// What stands there, for messages: a scalar as written, strings in quotes, else what it is ("a list").
std::string shown(const Node& node);
bool is_utf8(std::string_view text);
/// Standard or URL-safe alphabet, padding optional. False: not base64.
bool decode_base64(std::string_view text, std::string& bytes);
/// A JSON number, or text that holds one. False: neither. "NaN", "Infinity" and "-Infinity" are numbers as text.
bool read_double(const Node& node, double& value);

}  // namespace weft::xds
