// Purpose: which rule, if any, one scalar value breaks. Private to validation.
// Thread:  any.
#pragma once

#include <string>

namespace google::protobuf {
class Duration;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf
namespace validate {
class DurationRules;
class FieldRules;
}  // namespace validate

namespace weft::xds {

/// "300: must be at most 256", or nothing. `item` >= 0: of a repeated field.
std::string broken_rule(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                        int item, const validate::FieldRules& rules);
std::string broken_duration_rule(const google::protobuf::Duration& value, const validate::DurationRules& rules);

/// The value as a person would write it.
std::string shown_scalar(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                         int item);

}  // namespace weft::xds
