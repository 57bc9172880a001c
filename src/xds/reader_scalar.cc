#include "xds/reader_scalar.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace weft::xds {

namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

template <typename T>
bool parse_whole(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

/// YAML 1.1 integers of other bases, as yaml-cpp reads them ("0x1f", "017"); JSON has none.
template <typename T>
bool parse_integer(const Node& node, T& value) {
  std::string_view text = node.text;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (node.kind == Node::Kind::Integer && text.size() > 1 && text[0] == '0') {
    return text[1] == 'x' || text[1] == 'X' ? parse_whole(text.substr(2), value, 16)
                                            : parse_whole(text.substr(1), value, 8);
  }
  if (parse_whole(text, value)) return true;
  // "1.0" and "1e3" are integers to proto3 JSON.
  double real = 0;
  if (!read_double(node, real) || real != std::floor(real)) return false;
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::abs(real) > kExact || real < static_cast<double>(std::numeric_limits<T>::min()) ||
      real > static_cast<double>(std::numeric_limits<T>::max()))
    return false;
  value = static_cast<T>(real);
  return true;
}

template <typename T>
std::string read_integer(const Node& node, T& value) {
  const bool is_number =
      node.kind == Node::Kind::Integer || node.kind == Node::Kind::Real || node.kind == Node::Kind::Text;
  if (is_number && parse_integer(node, value)) return {};
  return fmt::format("{}: must be a whole number, {} to {}", shown(node), std::numeric_limits<T>::min(),
                     std::numeric_limits<T>::max());
}

std::string read_enum(const Node& node, const EnumDescriptor& type, int& number) {
  if (type.full_name() == "google.protobuf.NullValue" && node.kind == Node::Kind::Null) return {};
  const EnumValueDescriptor* value = nullptr;
  if (node.kind == Node::Kind::Text) value = type.FindValueByName(node.text);
  if (int32_t given = 0; !value && node.kind == Node::Kind::Integer && parse_integer(node, given))
    value = type.FindValueByNumber(given);
  if (value) {
    number = value->number();
    return {};
  }
  std::vector<std::string_view> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  if (names.size() > 12)
    return fmt::format("{}: no such value of {}{}", shown(node), type.full_name(), suggestion(node.text, names));
  return fmt::format("{}: must be one of {}{}", shown(node), fmt::join(names, ", "), suggestion(node.text, names));
}

std::string read_text(const Node& node, bool is_bytes, std::string& value) {
  if (node.kind != Node::Kind::Text) {
    return fmt::format("{}: must be {}{}", shown(node), is_bytes ? "a string in base64" : "a string",
                       node.kind == Node::Kind::Bool || node.kind == Node::Kind::Integer ? " (put it in quotes)" : "");
  }
  if (is_bytes) return decode_base64(node.text, value) ? std::string() : fmt::format("{}: must be base64", shown(node));
  if (!is_utf8(node.text)) return fmt::format("{}: must be UTF-8", shown(node));
  value = node.text;
  return {};
}

}  // namespace

std::string shown(const Node& node) {
  if (node.kind == Node::Kind::Sequence) return "a list";
  if (node.kind == Node::Kind::Map) return "an object";
  if (node.kind == Node::Kind::Null) return "null";
  return node.kind == Node::Kind::Text ? in_quotes(node.text) : node.text;
}

bool is_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = byte < 0x80                   ? 1
                          : byte >= 0xc2 && byte < 0xe0 ? 2
                          : byte >= 0xe0 && byte < 0xf0 ? 3
                          : byte >= 0xf0 && byte < 0xf5 ? 4
                                                        : 0;
    if (length == 0 || i + length > text.size()) return false;
    uint32_t code = length == 1 ? byte : byte & (0xffu >> (length + 1));
    for (size_t j = 1; j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (is_overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += length;
  }
  return true;
}

bool decode_base64(std::string_view text, std::string& bytes) {
  while (text.ends_with('=')) text.remove_suffix(1);
  bytes.clear();
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') digit = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') digit = static_cast<uint32_t>(c - 'a') + 26;
    else if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0') + 52;
    else if (c == '+' || c == '-') digit = 62;
    else if (c == '/' || c == '_') digit = 63;
    else return false;
    bits = bits << 6 | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xff);
    }
  }
  return count < 6;  // six left-over bits are half a byte
}

bool read_double(const Node& node, double& value) {
  if (node.kind == Node::Kind::Integer && node.text.size() > 1 && node.text[0] == '0') {
    int64_t integer = 0;
    const bool is_hexadecimal = node.text[1] == 'x' || node.text[1] == 'X';
    if (!parse_whole(std::string_view(node.text).substr(is_hexadecimal ? 2 : 1), integer, is_hexadecimal ? 16 : 8))
      return false;
    value = static_cast<double>(integer);
    return true;
  }
  if (node.kind != Node::Kind::Integer && node.kind != Node::Kind::Real && node.kind != Node::Kind::Text) return false;
  if (node.text == "NaN") return value = std::numeric_limits<double>::quiet_NaN(), true;
  if (node.text == "Infinity") return value = std::numeric_limits<double>::infinity(), true;
  if (node.text == "-Infinity") return value = -std::numeric_limits<double>::infinity(), true;
  std::string_view text = node.text;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string read_scalar(const Node& node, Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const auto store = [&](auto set, auto add, const auto& value) {
    field.is_repeated() ? (reflection.*add)(&message, &field, value) : (reflection.*set)(&message, &field, value);
  };
  using R = google::protobuf::Reflection;
  std::string problem;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if ((problem = read_integer(node, value)).empty()) store(&R::SetInt32, &R::AddInt32, value);
      return problem;
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      if ((problem = read_integer(node, value)).empty()) store(&R::SetInt64, &R::AddInt64, value);
      return problem;
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value = 0;
      if ((problem = read_integer(node, value)).empty()) store(&R::SetUInt32, &R::AddUInt32, value);
      return problem;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      if ((problem = read_integer(node, value)).empty()) store(&R::SetUInt64, &R::AddUInt64, value);
      return problem;
    }
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      if (!read_double(node, value)) return fmt::format("{}: must be a number", shown(node));
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        store(&R::SetDouble, &R::AddDouble, value);
      } else {
        store(&R::SetFloat, &R::AddFloat, static_cast<float>(value));
      }
      return {};
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (node.kind != Node::Kind::Bool) return fmt::format("{}: must be true or false", shown(node));
      store(&R::SetBool, &R::AddBool, node.boolean);
      return {};
    case FieldDescriptor::CPPTYPE_ENUM: {
      int value = 0;
      if ((problem = read_enum(node, *field.enum_type(), value)).empty())
        store(&R::SetEnumValue, &R::AddEnumValue, value);
      return problem;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value;
      if (!(problem = read_text(node, field.type() == FieldDescriptor::TYPE_BYTES, value)).empty()) return problem;
      field.is_repeated() ? reflection.AddString(&message, &field, value)
                          : reflection.SetString(&message, &field, value);
      return {};
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: break;
  }
  return "not a scalar";
}

}  // namespace weft::xds
