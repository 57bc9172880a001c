// Purpose: protobuf messages as the admin shows them: snake_case JSON, secrets redacted, cut down to a field mask.
// Thread:  the admin thread's.
// Source:  Envoy's MessageUtil::getJsonStringFromMessage and MessageUtil::redact.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace google::protobuf {
class Message;
class Timestamp;
class Duration;
}  // namespace google::protobuf
namespace envoy::config::core::v3 {
class Address;
}

namespace weft::admin {

/// Pretty-printed, with the proto's field names. `with_defaults`: fields at their default too. Errors: Internal, when
/// an Any holds a type that is not known.
base::Result<std::string> message_to_json(const google::protobuf::Message& message, bool with_defaults = false);

/// Replaces all that is marked udpa.annotations.sensitive, inside Any and TypedStruct too: texts and bytes become
/// "[redacted]", numbers vanish.
void redact(google::protobuf::Message& message);

/// Keeps only what `mask` ("name,cluster.connect_timeout") names; a path may lead into an Any. False, and `message` in
/// an unspecified state: a path names no field.
bool apply_mask(google::protobuf::Message& message, std::string_view mask);

void set_timestamp(google::protobuf::Timestamp& timestamp, base::WallTime time);
void set_duration(google::protobuf::Duration& duration, base::Duration value);
/// From "127.0.0.1:80", "[::1]:80" or a path.
void set_address(envoy::config::core::v3::Address& address, std::string_view text);

}  // namespace weft::admin
