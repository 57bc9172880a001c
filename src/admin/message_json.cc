#include "admin/message_json.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <map>
#include <memory>
#include <vector>

#include "envoy/config/core/v3/address.pb.h"
#include "udpa/annotations/sensitive.pb.h"

namespace weft::admin {
namespace {

using google::protobuf::Any;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr const char* kRedacted = "[redacted]";

/// The message inside an Any, or null where its type is not known or its bytes are broken.
std::unique_ptr<Message> unpack(const Any& any) {
  std::string name = any.type_url().substr(any.type_url().rfind('/') + 1);
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  if (descriptor == nullptr) return nullptr;
  const Message* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
  if (prototype == nullptr) return nullptr;
  std::unique_ptr<Message> message(prototype->New());
  if (!message->ParseFromString(any.value())) return nullptr;
  return message;
}

void pack(Any& any, const Message& message) { any.set_value(message.SerializeAsString()); }

void redact_within(Message& message, bool is_sensitive);

void redact_text_field(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) return reflection.SetString(&message, &field, kRedacted);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i)
    reflection.SetRepeatedString(&message, &field, i, kRedacted);
}

void redact_message_field(Message& message, const FieldDescriptor& field, bool is_sensitive) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) return redact_within(*reflection.MutableMessage(&message, &field), is_sensitive);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    redact_within(*reflection.MutableRepeatedMessage(&message, &field, i), is_sensitive);
  }
}

void redact_within(Message& message, bool is_sensitive) {
  if (message.GetDescriptor()->full_name() == "google.protobuf.Any") {
    auto& any = static_cast<Any&>(message);
    if (auto inner = unpack(any)) {
      redact_within(*inner, is_sensitive);
      pack(any, *inner);
    } else if (is_sensitive) {
      any.clear_value();
    }
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    bool is_secret = is_sensitive || field->options().GetExtension(udpa::annotations::sensitive);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: redact_message_field(message, *field, is_secret); break;
      case FieldDescriptor::CPPTYPE_STRING:
        if (is_secret && !(message.GetDescriptor()->options().map_entry() && field->number() == 1))
          redact_text_field(message, *field);
        break;
      default:
        if (is_secret) reflection.ClearField(&message, field);
    }
  }
}

bool trim(Message& message, const std::vector<std::string>& paths) {
  google::protobuf::FieldMask mask;
  for (const std::string& path : paths) {
    if (!google::protobuf::util::FieldMaskUtil::GetFieldDescriptors(message.GetDescriptor(), path, nullptr))
      return false;
    mask.add_paths(path);
  }
  google::protobuf::util::FieldMaskUtil::TrimMessage(mask, &message);
  return true;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

const FieldDescriptor* any_field(const Message& message, const std::string& name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  bool is_any = field != nullptr && !field->is_repeated() && field->message_type() != nullptr &&
                field->message_type()->full_name() == "google.protobuf.Any";
  return is_any ? field : nullptr;
}

bool trim_any(Message& message, const FieldDescriptor& field, const std::vector<std::string>& paths) {
  const Reflection& reflection = *message.GetReflection();
  if (!reflection.HasField(message, &field)) return true;
  auto& any = static_cast<Any&>(*reflection.MutableMessage(&message, &field));
  std::unique_ptr<Message> inner = unpack(any);
  if (inner == nullptr || !trim(*inner, paths)) return false;
  pack(any, *inner);
  return true;
}

}  // namespace

base::Result<std::string> message_to_json(const Message& message, bool with_defaults) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = with_defaults;
  std::string out;
  auto status = google::protobuf::util::MessageToJsonString(message, &out, options);
  if (!status.ok())
    return base::Error(base::ErrorCode::Internal, "cannot be shown as JSON: " + std::string(status.message()));
  return out;
}

void redact(Message& message) { redact_within(message, false); }

bool apply_mask(Message& message, std::string_view mask) {
  // Masks end at an Any; what lies within one is cut by a mask of its own.
  std::vector<std::string> outer;
  std::map<std::string, std::vector<std::string>> inner;
  for (const std::string& path : split(mask, ',')) {
    std::string first = path.substr(0, path.find('.'));
    if (first.size() < path.size() && any_field(message, first) != nullptr) {
      outer.push_back(first);
      inner[first].push_back(path.substr(first.size() + 1));
    } else {
      outer.push_back(path);
    }
  }
  for (const auto& [name, paths] : inner) {
    if (!trim_any(message, *any_field(message, name), paths)) return false;
  }
  return trim(message, outer);
}

void set_timestamp(google::protobuf::Timestamp& timestamp, base::WallTime time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  timestamp.set_seconds(seconds.time_since_epoch().count());
  timestamp.set_nanos(static_cast<int32_t>((time - seconds).count()));
}

void set_duration(google::protobuf::Duration& duration, base::Duration value) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(value);
  duration.set_seconds(seconds.count());
  duration.set_nanos(static_cast<int32_t>((value - seconds).count()));
}

void set_address(envoy::config::core::v3::Address& address, std::string_view text) {
  size_t colon = text.rfind(':');
  uint32_t port = 0;
  bool is_ip = colon != std::string_view::npos && !text.starts_with('/') && !text.starts_with('@') &&
               std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec == std::errc();
  if (!is_ip) {
    address.mutable_pipe()->set_path(std::string(text));
    return;
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.mutable_socket_address()->set_address(std::string(host));
  address.mutable_socket_address()->set_port_value(port);
}

}  // namespace weft::admin
