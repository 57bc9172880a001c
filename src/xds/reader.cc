#include "xds/reader.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <unordered_map>

#include "xds/reader_scalar.h"
#include "xds/reader_well_known.h"

namespace weft::xds {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

/// By its name in the .proto file or its JSON name.
const FieldDescriptor* find_field(const Descriptor& type, const std::string& key) {
  if (const FieldDescriptor* field = type.FindFieldByName(key)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key) return type.field(i);
  }
  return nullptr;
}

std::vector<std::string_view> field_names(const Descriptor& type) {
  std::vector<std::string_view> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

class MessageReader {
 public:
  MessageReader(const std::string& file, Faults& faults) : file_(file), faults_(faults) {}

  /// `mark`: of the field or list item that holds `node`, which is where faults point.
  void read(const Node& node, Mark mark, Message& message, const Place& place) {
    const Descriptor& type = *message.GetDescriptor();
    if (type.full_name() == "google.protobuf.Any")
      return read_any(node, mark, static_cast<google::protobuf::Any&>(message), place);
    if (is_well_known(type)) {
      if (const std::string problem = read_well_known(node, message); !problem.empty()) refuse(mark, place, problem);
      return;
    }
    if (node.kind != Node::Kind::Map) {
      return refuse(mark, place, fmt::format("{}: must be an object ({})", shown(node), type.full_name()));
    }
    read_fields(node, message, place, {});
  }

 private:
  void refuse(Mark mark, const Place& place, std::string message) {
    faults_.add({file_, mark, place.to_string(), std::move(message), false});
  }

  void read_fields(const Node& node, Message& message, const Place& place, std::string_view skipped_key) {
    const Descriptor& type = *message.GetDescriptor();
    std::unordered_map<const OneofDescriptor*, const FieldDescriptor*> oneofs;
    std::unordered_map<const FieldDescriptor*, bool> seen;
    for (const Node::Entry& entry : node.entries) {
      if (!skipped_key.empty() && entry.key == skipped_key) continue;
      const FieldDescriptor* field = find_field(type, entry.key);
      const Place here{&place, field ? std::string_view(field->name()) : std::string_view(entry.key)};
      if (!field) {
        refuse(entry.mark, here, unknown_field(type, entry.key));
        continue;
      }
      if (seen[field]) {
        refuse(entry.mark, here, "given twice, in both spellings");
        continue;
      }
      seen[field] = true;
      if (entry.value->kind == Node::Kind::Null && !accepts_null(*field)) continue;  // null means the default
      if (const OneofDescriptor* oneof = field->real_containing_oneof()) {
        const auto [other, is_first] = oneofs.emplace(oneof, field);
        if (!is_first) {
          refuse(entry.mark, here,
                 fmt::format("only one of the fields of \"{}\" may be set, and \"{}\" is", oneof->name(),
                             other->second->name()));
          continue;
        }
      }
      read_field(*entry.value, entry.mark, message, *field, here);
    }
  }

  static std::string unknown_field(const Descriptor& type, const std::string& key) {
    if (key == "<<") return "YAML merge keys are not expanded (as in Envoy)";
    if (type.IsReservedName(key)) return fmt::format("removed from {}", type.full_name());
    return fmt::format("no such field in {}{}", type.full_name(), suggestion(key, field_names(type)));
  }

  /// Only google.protobuf.Value and NullValue can hold null.
  static bool accepts_null(const FieldDescriptor& field) {
    if (field.is_repeated()) return false;
    if (field.message_type()) return field.message_type()->full_name() == "google.protobuf.Value";
    return field.enum_type() && field.enum_type()->full_name() == "google.protobuf.NullValue";
  }

  void read_field(const Node& node, Mark mark, Message& message, const FieldDescriptor& field, const Place& place) {
    if (field.is_map()) return read_map(node, mark, message, field, place);
    if (!field.is_repeated()) return read_single(node, mark, message, field, place);
    if (node.kind != Node::Kind::Sequence) return refuse(mark, place, fmt::format("{}: must be a list", shown(node)));
    for (size_t i = 0; i < node.items.size(); ++i) {
      const Place item{&place, {}, static_cast<int64_t>(i)};
      read_single(*node.items[i], node.items[i]->mark, message, field, item);
    }
  }

  /// Sets a singular field or appends one item of a repeated one. An item that is refused is appended all the same
  /// where it is a message, so that the indices of later items stay those of the text.
  void read_single(const Node& node, Mark mark, Message& message, const FieldDescriptor& field, const Place& place) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* part =
          field.is_repeated() ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field);
      const size_t faults_before = faults_.size();
      read(node, mark, *part, place);
      // What could not be read at all is as good as absent, so that later stages do not judge a default in its place.
      const bool is_leaf = is_well_known(*part->GetDescriptor());
      if (!field.is_repeated() && faults_.size() > faults_before && (is_leaf || node.kind != Node::Kind::Map))
        reflection.ClearField(&message, &field);
      return;
    }
    if (const std::string problem = read_scalar(node, message, field); !problem.empty()) refuse(mark, place, problem);
  }

  void read_map(const Node& node, Mark mark, Message& message, const FieldDescriptor& field, const Place& place) {
    if (node.kind != Node::Kind::Map) return refuse(mark, place, fmt::format("{}: must be an object", shown(node)));
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    for (const Node::Entry& entry : node.entries) {
      const Place here{&place, entry.key, -1, true};
      Message* pair = reflection.AddMessage(&message, &field);
      Node key;
      key.kind = Node::Kind::Text;
      key.text = entry.key;
      if (key_field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) key.kind = yaml_scalar_kind(entry.key, key.boolean);
      if (const std::string problem = read_scalar(key, *pair, key_field); !problem.empty())
        refuse(entry.mark, here, problem);
      if (entry.value->kind == Node::Kind::Null && !accepts_null(value_field)) {
        refuse(entry.mark, here, "null: a value of a map may not be null");
        continue;
      }
      read_single(*entry.value, entry.mark, *pair, value_field, here);
    }
  }

  void read_any(const Node& node, Mark mark, google::protobuf::Any& any, const Place& place) {
    if (node.kind != Node::Kind::Map)
      return refuse(mark, place, fmt::format("{}: must be an object with \"@type\"", shown(node)));
    if (node.entries.empty()) return;
    const Node::Entry* type = node.find("@type");
    if (!type || type->value->kind != Node::Kind::Text)
      return refuse(type ? type->mark : mark, place,
                    "\"@type\" is missing: it must name the type, as \"type.googleapis.com/…\"");
    const std::string& url = type->value->text;
    if (is_typed_struct(url)) return read_typed_struct(node, mark, any, place);
    const std::unique_ptr<Message> payload = payload_of(url, type->mark, {&place, "@type"});
    if (!payload) return;
    if (is_well_known(*payload->GetDescriptor()) || payload->GetDescriptor()->full_name() == "google.protobuf.Any") {
      const Node::Entry* value = node.find("value");
      if (!value) return refuse(mark, place, "\"value\" is missing beside \"@type\"");
      read(*value->value, value->mark, *payload, Place{&place, "value"});
    } else {
      read_fields(node, *payload, place, "@type");
    }
    pack(url, *payload, any);
  }

  static bool is_typed_struct(std::string_view url) {
    return url.ends_with("/udpa.type.v1.TypedStruct") || url.ends_with("/xds.type.v3.TypedStruct");
  }

  /// {"@type": …TypedStruct, type_url: U, value: {…}} stands for an Any of type U with the fields of `value`.
  void read_typed_struct(const Node& node, Mark mark, google::protobuf::Any& any, const Place& place) {
    const Node::Entry* type = node.find("type_url");
    if (!type) type = node.find("typeUrl");
    const Node::Entry* value = node.find("value");
    if (!type || type->value->kind != Node::Kind::Text)
      return refuse(mark, place, "\"type_url\" is missing in a TypedStruct");
    for (const Node::Entry& entry : node.entries) {
      if (&entry != type && &entry != value && entry.key != "@type")
        refuse(entry.mark, Place{&place, entry.key}, "no such field in a TypedStruct");
    }
    const std::unique_ptr<Message> payload = payload_of(type->value->text, type->mark, {&place, "type_url"});
    if (!payload) return;
    if (value) read(*value->value, value->mark, *payload, Place{&place, "value"});
    pack(type->value->text, *payload, any);
  }

  std::unique_ptr<Message> payload_of(const std::string& url, Mark mark, const Place& place) {
    std::unique_ptr<Message> payload = new_message_of_type(url);
    if (!payload) refuse(mark, place, fmt::format("{}: this type is not implemented by Weft", in_quotes(url)));
    return payload;
  }

  static void pack(const std::string& url, const Message& payload, google::protobuf::Any& any) {
    any.set_type_url(url);
    any.set_value(serialize(payload));
  }

  const std::string& file_;
  Faults& faults_;
};

}  // namespace

void read_message(const Node& node, google::protobuf::Message& message, const Place& place, const std::string& file,
                  Faults& faults) {
  MessageReader(file, faults).read(node, node.mark, message, place);
}

std::unique_ptr<google::protobuf::Message> new_message_of_type(std::string_view type_url) {
  const size_t slash = type_url.rfind('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string name(type_url.substr(slash + 1));
  const Descriptor* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  if (!type || type->options().map_entry()) return nullptr;
  const Message* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  return prototype ? std::unique_ptr<Message>(prototype->New()) : nullptr;
}

std::string serialize(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream output(&stream);
  output.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&output);
  output.Trim();
  return bytes;
}

}  // namespace weft::xds
