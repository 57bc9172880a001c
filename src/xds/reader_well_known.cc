#include "xds/reader_well_known.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <charconv>

#include "xds/reader_scalar.h"

namespace weft::xds {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;

bool is_wrapper(const Descriptor& type) { return type.file()->name() == "google/protobuf/wrappers.proto"; }

/// "1.5s": seconds, up to nine fractional digits, |seconds| ≤ 10,000 years.
bool parse_duration(std::string_view text, google::protobuf::Duration& duration) {
  constexpr int64_t kSecondsMax = 315576000000;
  if (!text.ends_with('s')) return false;
  text.remove_suffix(1);
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string fraction(point == std::string_view::npos ? std::string_view() : text.substr(point + 1));
  if (whole.empty() || fraction.size() > 9 || (point != std::string_view::npos && fraction.empty())) return false;
  fraction.resize(9, '0');
  int64_t seconds = 0;
  int32_t nanos = 0;
  const auto is_digits = [](std::string_view digits) {
    return digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!is_digits(whole) || !is_digits(fraction)) return false;
  if (std::from_chars(whole.data(), whole.data() + whole.size(), seconds).ec != std::errc() || seconds > kSecondsMax)
    return false;
  std::from_chars(fraction.data(), fraction.data() + fraction.size(), nanos);
  duration.set_seconds(is_negative ? -seconds : seconds);
  duration.set_nanos(is_negative ? -nanos : nanos);
  return true;
}

/// "a.bC,d" → paths "a.b_c" and "d".
void parse_field_mask(std::string_view text, google::protobuf::FieldMask& mask) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string path;
    for (char c : text.substr(0, comma)) {
      if (c >= 'A' && c <= 'Z') {
        path += '_';
        path += static_cast<char>(c - 'A' + 'a');
      } else {
        path += c;
      }
    }
    mask.add_paths(path);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

std::string read_value(const Node& node, google::protobuf::Value& value);

std::string read_struct(const Node& node, google::protobuf::Struct& structure) {
  if (node.kind != Node::Kind::Map) return "must be an object";
  for (const Node::Entry& entry : node.entries) {
    if (!is_utf8(entry.key)) return fmt::format("{}: must be UTF-8", in_quotes(entry.key));
    if (std::string problem = read_value(*entry.value, (*structure.mutable_fields())[entry.key]); !problem.empty())
      return problem;
  }
  return {};
}

std::string read_list(const Node& node, google::protobuf::ListValue& list) {
  if (node.kind != Node::Kind::Sequence) return "must be a list";
  for (const auto& item : node.items) {
    if (std::string problem = read_value(*item, *list.add_values()); !problem.empty()) return problem;
  }
  return {};
}

std::string read_value(const Node& node, google::protobuf::Value& value) {
  switch (node.kind) {
    case Node::Kind::Null: value.set_null_value(google::protobuf::NULL_VALUE); return {};
    case Node::Kind::Bool: value.set_bool_value(node.boolean); return {};
    case Node::Kind::Integer:
    case Node::Kind::Real: {
      double number = 0;
      if (!read_double(node, number)) return fmt::format("{}: must be a number", node.text);
      value.set_number_value(number);
      return {};
    }
    case Node::Kind::Text:
      if (!is_utf8(node.text)) return fmt::format("{}: must be UTF-8", in_quotes(node.text));
      value.set_string_value(node.text);
      return {};
    case Node::Kind::Sequence: return read_list(node, *value.mutable_list_value());
    case Node::Kind::Map: return read_struct(node, *value.mutable_struct_value());
  }
  return {};
}

}  // namespace

bool is_well_known(const Descriptor& type) {
  static constexpr std::string_view kNames[] = {"Duration", "Timestamp", "FieldMask", "Struct", "Value", "ListValue"};
  if (type.file()->package() != "google.protobuf") return false;
  for (std::string_view name : kNames) {
    if (type.name() == name) return true;
  }
  return is_wrapper(type);
}

std::string read_well_known(const Node& node, Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  if (is_wrapper(type)) return read_scalar(node, message, *type.field(0));
  const std::string& name = type.name();
  if (name == "Struct") return read_struct(node, static_cast<google::protobuf::Struct&>(message));
  if (name == "Value") return read_value(node, static_cast<google::protobuf::Value&>(message));
  if (name == "ListValue") return read_list(node, static_cast<google::protobuf::ListValue&>(message));

  const std::string& text = node.text;
  const bool is_text = node.kind == Node::Kind::Text;
  if (name == "Duration") {
    if (is_text && parse_duration(text, static_cast<google::protobuf::Duration&>(message))) return {};
    return shown(node) + ": must be a duration in seconds, as \"1.5s\"";
  }
  if (name == "Timestamp") {
    if (is_text &&
        google::protobuf::util::TimeUtil::FromString(text, &static_cast<google::protobuf::Timestamp&>(message)))
      return {};
    return shown(node) + ": must be a time, as \"2026-01-31T12:00:00Z\"";
  }
  if (!is_text) return shown(node) + ": must be a string of field paths";
  parse_field_mask(text, static_cast<google::protobuf::FieldMask&>(message));
  return {};
}

}  // namespace weft::xds
