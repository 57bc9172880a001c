#include "xds/tracker.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>

#include "base/assert.h"
#include "xds/reader.h"

namespace weft::xds {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// A message that was looked at, with what was read of it.
struct View::Node {
  Tracker* tracker = nullptr;
  const Message* message = nullptr;
  std::unique_ptr<Message> owned;  ///< unpacked from an Any
  Node* parent = nullptr;
  std::string segment;  ///< ".route", "[3]", "[\"key\"]"
  bool is_accepted = false;
  std::vector<bool> read;                                             ///< by field index
  std::map<std::pair<int, int64_t>, std::unique_ptr<Node>> children;  ///< by field index and item

  std::string path() const {
    std::string above = parent ? parent->path() : std::string();
    if (above.empty() && segment.starts_with('.')) return segment.substr(1);
    return above + segment;
  }
};

namespace {

bool is_set(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
}

/// The entries of a map field in the order of their keys.
std::vector<std::pair<std::string, const Message*>> sorted_entries(const Message& message,
                                                                   const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *field.message_type()->map_key();
  std::vector<std::pair<std::string, const Message*>> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const bool is_text = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    entries.emplace_back(is_text ? entry.GetReflection()->GetString(entry, &key) : std::to_string(i), &entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& left, const auto& right) { return left.first < right.first; });
  return entries;
}

const Message& map_value(const Message& entry) {
  return entry.GetReflection()->GetMessage(entry, entry.GetDescriptor()->map_value());
}

bool is_any(const Message& message) { return message.GetDescriptor()->full_name() == "google.protobuf.Any"; }

/// Leaves of the JSON mapping: reading the field reads all of it.
bool is_leaf(const Descriptor& type) { return type.file()->package() == "google.protobuf" && type.name() != "Any"; }

std::unique_ptr<Message> unpack(const google::protobuf::Any& any) {
  std::unique_ptr<Message> payload = new_message_of_type(any.type_url());
  if (payload && !payload->ParsePartialFromString(any.value())) payload = nullptr;
  return payload;
}

}  // namespace

// ---- View ---------------------------------------------------------------------------------------------------------

std::string_view View::type() const {
  return node_ ? std::string_view(node_->message->GetDescriptor()->full_name()) : std::string_view();
}

std::string View::path(std::string_view field) const {
  const std::string here = node_ ? node_->path() : std::string();
  if (field.empty()) return here;
  return here.empty() ? std::string(field) : fmt::format("{}.{}", here, field);
}

const FieldDescriptor* View::read(std::string_view name) const {
  if (!node_) return nullptr;
  const FieldDescriptor* field = node_->message->GetDescriptor()->FindFieldByName(std::string(name));
  WEFT_ASSERT(field != nullptr);
  node_->tracker->asked_.insert(field);
  if (!is_set(*node_->message, *field)) return nullptr;
  if (!node_->read[static_cast<size_t>(field->index())]) {
    node_->read[static_cast<size_t>(field->index())] = true;
    node_->tracker->supported_.emplace(field, "");
  }
  return field;
}

bool View::has(std::string_view field) const { return read(field) != nullptr; }

bool View::holds(std::string_view name) const {
  if (!node_) return false;
  const FieldDescriptor* field = node_->message->GetDescriptor()->FindFieldByName(std::string(name));
  WEFT_ASSERT(field != nullptr);
  return is_set(*node_->message, *field);
}

View View::child(const Message& message, int field, int64_t item, std::string segment) const {
  std::unique_ptr<Node>& child = node_->children[{field, item}];
  if (!child) {
    child = std::make_unique<Node>();
    child->tracker = node_->tracker;
    child->message = &message;
    child->parent = node_;
    child->segment = std::move(segment);
    child->read.resize(static_cast<size_t>(message.GetDescriptor()->field_count()));
  }
  return View(child.get());
}

View View::unpacked(const Message& message, int field, int64_t item, std::string segment) const {
  if (const auto found = node_->children.find({field, item}); found != node_->children.end())
    return View(found->second.get());
  std::unique_ptr<Message> payload = unpack(static_cast<const google::protobuf::Any&>(message));
  if (!payload) return {};
  const View view = child(*payload, field, item, std::move(segment));
  view.node_->owned = std::move(payload);
  return view;
}

View View::message(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return {};
  return child(node_->message->GetReflection()->GetMessage(*node_->message, field), field->index(), -1,
               fmt::format(".{}", name));
}

std::vector<View> View::messages(std::string_view name) const {
  std::vector<View> list;
  const FieldDescriptor* field = read(name);
  if (!field) return list;
  const Reflection& reflection = *node_->message->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*node_->message, field); ++i) {
    list.push_back(child(reflection.GetRepeatedMessage(*node_->message, field, i), field->index(), i,
                         fmt::format(".{}[{}]", name, i)));
  }
  return list;
}

View View::payload(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return {};
  return unpacked(node_->message->GetReflection()->GetMessage(*node_->message, field), field->index(), -1,
                  fmt::format(".{}", name));
}

std::vector<std::pair<std::string, View>> View::map(std::string_view name) const {
  std::vector<std::pair<std::string, View>> list;
  const FieldDescriptor* field = read(name);
  if (!field) return list;
  int64_t item = 0;
  for (const auto& [key, entry] : sorted_entries(*node_->message, *field)) {
    const Message& value = map_value(*entry);
    std::string segment = fmt::format(".{}[\"{}\"]", name, key);
    const View view = is_any(value) ? unpacked(value, field->index(), item, std::move(segment))
                                    : child(value, field->index(), item, std::move(segment));
    ++item;
    list.emplace_back(key, view);
  }
  return list;
}

const google::protobuf::Struct* View::structure(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return nullptr;
  return &static_cast<const google::protobuf::Struct&>(
      node_->message->GetReflection()->GetMessage(*node_->message, field));
}

std::string View::text(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  return field ? node_->message->GetReflection()->GetString(*node_->message, field) : std::string();
}

std::vector<std::string> View::texts(std::string_view name) const {
  std::vector<std::string> list;
  const FieldDescriptor* field = read(name);
  if (!field) return list;
  const Reflection& reflection = *node_->message->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*node_->message, field); ++i)
    list.push_back(reflection.GetRepeatedString(*node_->message, field, i));
  return list;
}

bool View::flag(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  return field && node_->message->GetReflection()->GetBool(*node_->message, field);
}

int64_t View::number(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return 0;
  const Reflection& reflection = *node_->message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: return reflection.GetUInt32(*node_->message, field);
    case FieldDescriptor::CPPTYPE_INT32: return reflection.GetInt32(*node_->message, field);
    case FieldDescriptor::CPPTYPE_INT64: return reflection.GetInt64(*node_->message, field);
    case FieldDescriptor::CPPTYPE_UINT64: return static_cast<int64_t>(reflection.GetUInt64(*node_->message, field));
    case FieldDescriptor::CPPTYPE_ENUM: return reflection.GetEnumValue(*node_->message, field);
    default: WEFT_ASSERT(!"not a whole number"); return 0;
  }
}

std::vector<int64_t> View::numbers(std::string_view name) const {
  std::vector<int64_t> list;
  const FieldDescriptor* field = read(name);
  if (!field) return list;
  const Reflection& reflection = *node_->message->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*node_->message, field); ++i) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      list.push_back(reflection.GetRepeatedEnumValue(*node_->message, field, i));
    } else {
      list.push_back(reflection.GetRepeatedUInt32(*node_->message, field, i));
    }
  }
  return list;
}

double View::real(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  return field ? node_->message->GetReflection()->GetDouble(*node_->message, field) : 0;
}

std::string View::choice(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!node_) return {};
  if (!field) return node_->message->GetDescriptor()->FindFieldByName(std::string(name))->enum_type()->value(0)->name();
  const int number = node_->message->GetReflection()->GetEnumValue(*node_->message, field);
  const auto* value = field->enum_type()->FindValueByNumber(number);
  return value ? value->name() : std::to_string(number);
}

std::optional<bool> View::wrapped_flag(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return std::nullopt;
  const Message& wrapper = node_->message->GetReflection()->GetMessage(*node_->message, field);
  return wrapper.GetReflection()->GetBool(wrapper, wrapper.GetDescriptor()->field(0));
}

std::optional<uint64_t> View::wrapped_number(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return std::nullopt;
  const Message& wrapper = node_->message->GetReflection()->GetMessage(*node_->message, field);
  const FieldDescriptor* value = wrapper.GetDescriptor()->field(0);
  if (value->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) return wrapper.GetReflection()->GetUInt64(wrapper, value);
  return wrapper.GetReflection()->GetUInt32(wrapper, value);
}

std::optional<double> View::wrapped_real(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return std::nullopt;
  const Message& wrapper = node_->message->GetReflection()->GetMessage(*node_->message, field);
  return wrapper.GetReflection()->GetDouble(wrapper, wrapper.GetDescriptor()->field(0));
}

std::optional<base::Duration> View::duration(std::string_view name) const {
  const FieldDescriptor* field = read(name);
  if (!field) return std::nullopt;
  const auto& value = static_cast<const google::protobuf::Duration&>(
      node_->message->GetReflection()->GetMessage(*node_->message, field));
  if (value.seconds() < 0 || value.nanos() < 0) return std::nullopt;
  // Longer than base::Duration can hold (292 years) means "never" all the same.
  constexpr int64_t kSecondsMax = 9000000000;
  const int64_t seconds = std::min<int64_t>(value.seconds(), kSecondsMax);
  return base::seconds(seconds) + base::Duration(value.nanos());
}

void View::accept(std::string_view name, std::string_view reason) const {
  const FieldDescriptor* field = read(name);
  if (!field) return;
  node_->tracker->supported_[field] = reason;
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || is_leaf(*field->message_type())) return;
  if (field->is_map()) {
    for (const auto& [key, view] : map(name)) view.accept_all();
  } else if (field->is_repeated()) {
    for (const View& view : messages(name)) view.accept_all();
  } else {
    message(name).accept_all();
  }
}

void View::accept_all() const {
  if (node_) node_->is_accepted = true;
}

void View::fault(std::string_view field, std::string message) const {
  if (node_) node_->tracker->faults_.add(path(field), std::move(message));
}

void View::absent(std::string_view field, std::string message) const {
  if (node_) node_->tracker->faults_.add({{}, {}, path(field), std::move(message), true});
}

size_t View::fault_count() const { return node_ ? node_->tracker->faults_.size() : 0; }

std::string View::serialized() const { return node_ ? serialize(*node_->message) : std::string(); }

const Message* View::raw() const { return node_ ? node_->message : nullptr; }

// ---- Tracker ------------------------------------------------------------------------------------------------------

Tracker::Tracker(const Message& root, Faults& faults, std::string root_path)
    : faults_(faults), root_(std::make_unique<View::Node>()) {
  root_->tracker = this;
  root_->message = &root;
  root_->segment = std::move(root_path);
  root_->read.resize(static_cast<size_t>(root.GetDescriptor()->field_count()));
}

Tracker::~Tracker() = default;

View Tracker::root() { return View(root_.get()); }

std::map<std::string, std::string> Tracker::supported() const {
  std::map<std::string, std::string> names;
  for (const auto& [field, reason] : supported_) names.emplace(field->full_name(), reason);
  return names;
}

std::set<std::string> Tracker::asked() const {
  std::set<std::string> names;
  for (const FieldDescriptor* field : asked_) names.insert(field->full_name());
  return names;
}

void Tracker::refuse_unread() { refuse_unread(*root_); }

void Tracker::refuse_unread(View::Node& node) {
  if (node.is_accepted) return;
  const View view(&node);
  std::vector<const FieldDescriptor*> fields;
  node.message->GetReflection()->ListFields(*node.message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!node.read[static_cast<size_t>(field->index())]) {
      faults_.add(view.path(field->name()), std::string(kNotImplemented));
      continue;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const Descriptor& type = *(field->is_map() && field->message_type()->map_value()->message_type()
                                   ? field->message_type()->map_value()->message_type()
                                   : field->message_type());
    if (type.full_name() != "google.protobuf.Any" && !is_leaf(type)) {
      // Visits every part, also those that translation never looked into.
      if (field->is_map()) view.map(field->name());
      else if (field->is_repeated()) view.messages(field->name());
      else view.message(field->name());
    }
  }
  for (const auto& [key, child] : node.children) refuse_unread(*child);
}

}  // namespace weft::xds
