#include "xds/validate_scalar.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <re2/re2.h>
#include <validate/validate.pb.h>

#include <algorithm>
#include <vector>

#include "xds/fault.h"

namespace weft::xds {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <typename List, typename Value>
bool holds(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// The bounds of a number or a duration. A lower bound above the upper one means "outside of", as in
/// protoc-gen-validate.
template <typename Value>
struct Bounds {
  const Value* low = nullptr;
  const Value* high = nullptr;
  bool is_low_open = false, is_high_open = false;

  bool is_above_low(const Value& value) const { return !low || (is_low_open ? value > *low : value >= *low); }
  bool is_below_high(const Value& value) const { return !high || (is_high_open ? value < *high : value <= *high); }
};

template <typename Value, typename Show>
std::string broken_bounds(const Bounds<Value>& bounds, const Value& value, Show show) {
  const bool is_above = bounds.is_above_low(value), is_below = bounds.is_below_high(value);
  const std::string low =
      bounds.low ? fmt::format("{} {}", bounds.is_low_open ? "more than" : "at least", show(*bounds.low)) : "";
  const std::string high =
      bounds.high ? fmt::format("{} {}", bounds.is_high_open ? "less than" : "at most", show(*bounds.high)) : "";
  if (bounds.low && bounds.high && *bounds.low > *bounds.high) {
    return is_above || is_below ? std::string() : fmt::format("{}: must be {} or {}", show(value), high, low);
  }
  if (is_above && is_below) return {};
  const bool has_both = bounds.low && bounds.high;
  return fmt::format("{}: must be {}{}{}", show(value), low, has_both ? " and " : "", high);
}

template <typename Value, typename Rules>
std::string broken_number(Value value, const Rules& rules) {
  const Value low = rules.has_gt() ? rules.gt() : rules.gte();
  const Value high = rules.has_lt() ? rules.lt() : rules.lte();
  Bounds<Value> bounds;
  if (rules.has_gt() || rules.has_gte()) bounds.low = &low;
  if (rules.has_lt() || rules.has_lte()) bounds.high = &high;
  bounds.is_low_open = rules.has_gt();
  bounds.is_high_open = rules.has_lt();
  const auto show = [](Value number) { return fmt::format("{}", number); };
  if (rules.has_const_() && value != rules.const_()) return fmt::format("{}: must be {}", value, rules.const_());
  if (!rules.in().empty() && !holds(rules.in(), value))
    return fmt::format("{}: must be one of {}", value, fmt::join(rules.in(), ", "));
  if (holds(rules.not_in(), value))
    return fmt::format("{}: must be none of {}", value, fmt::join(rules.not_in(), ", "));
  return broken_bounds(bounds, value, show);
}

uint64_t code_points(const std::string& text) {
  return static_cast<uint64_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

bool is_ip(const std::string& text, int family) {
  unsigned char bytes[16];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

/// RFC 1034 as protoc-gen-validate reads it.
bool is_hostname(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  if (text.empty() || text.size() > 253) return false;
  static const re2::RE2 pattern(
      "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*");
  return re2::RE2::FullMatch(text, pattern);
}

bool is_header_name(const std::string& text, bool is_strict) {
  static const re2::RE2 pattern(":?[0-9a-zA-Z!#$%&'*+-.^_|~`]+");
  return is_strict ? re2::RE2::FullMatch(text, pattern)
                   : text.find_first_of(std::string_view("\0\n\r", 3)) == std::string::npos;
}

bool is_header_value(const std::string& text, bool is_strict) {
  const auto is_control = [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return is_strict ? (byte < 0x20 && byte != '\t') || byte == 0x7f : byte == 0 || byte == '\n' || byte == '\r';
  };
  return std::none_of(text.begin(), text.end(), is_control);
}

std::string broken_length(const std::string& text, const validate::StringRules& rules) {
  const uint64_t length = code_points(text);
  if (text.empty() && (rules.min_len() > 0 || rules.min_bytes() > 0)) return "must not be empty";
  if (rules.has_len() && length != rules.len())
    return fmt::format("{}: must be {} characters long", in_quotes(text), rules.len());
  if (length < rules.min_len())
    return fmt::format("{}: must be at least {} characters long", in_quotes(text), rules.min_len());
  if (rules.has_max_len() && length > rules.max_len())
    return fmt::format("{}: must be at most {} characters long", in_quotes(text), rules.max_len());
  if (rules.has_len_bytes() && text.size() != rules.len_bytes())
    return fmt::format("{}: must be {} bytes long", in_quotes(text), rules.len_bytes());
  if (text.size() < rules.min_bytes())
    return fmt::format("{}: must be at least {} bytes long", in_quotes(text), rules.min_bytes());
  if (rules.has_max_bytes() && text.size() > rules.max_bytes())
    return fmt::format("{}: must be at most {} bytes long", in_quotes(text), rules.max_bytes());
  return {};
}

std::string broken_well_known(const std::string& text, const validate::StringRules& rules) {
  const bool is_any_ip = is_ip(text, AF_INET) || is_ip(text, AF_INET6);
  if (rules.hostname() && !is_hostname(text)) return fmt::format("{}: must be a host name", in_quotes(text));
  if (rules.ip() && !is_any_ip) return fmt::format("{}: must be an IP address", in_quotes(text));
  if (rules.ipv4() && !is_ip(text, AF_INET)) return fmt::format("{}: must be an IPv4 address", in_quotes(text));
  if (rules.ipv6() && !is_ip(text, AF_INET6)) return fmt::format("{}: must be an IPv6 address", in_quotes(text));
  if (rules.address() && !is_any_ip && !is_hostname(text))
    return fmt::format("{}: must be an IP address or a host name", in_quotes(text));
  if (rules.email() && text.find('@') == std::string::npos)
    return fmt::format("{}: must be an e-mail address", in_quotes(text));
  if (rules.uri() && text.find(':') == std::string::npos) return fmt::format("{}: must be a URI", in_quotes(text));
  static const re2::RE2 uuid("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (rules.uuid() && !re2::RE2::FullMatch(text, uuid)) return fmt::format("{}: must be a UUID", in_quotes(text));
  if (rules.well_known_regex() == validate::HTTP_HEADER_NAME && !is_header_name(text, rules.strict()))
    return fmt::format("{}: must be a header name", in_quotes(text));
  if (rules.well_known_regex() == validate::HTTP_HEADER_VALUE && !is_header_value(text, rules.strict()))
    return fmt::format("{}: must be a header value, without line breaks", in_quotes(text));
  return {};
}

std::string broken_string(const std::string& text, const validate::StringRules& rules) {
  if (rules.ignore_empty() && text.empty()) return {};
  if (std::string problem = broken_length(text, rules); !problem.empty()) return problem;
  if (rules.has_const_() && text != rules.const_())
    return fmt::format("{}: must be {}", in_quotes(text), in_quotes(rules.const_()));
  if (rules.has_pattern() && !re2::RE2::PartialMatch(text, re2::RE2(rules.pattern(), re2::RE2::Quiet))) {
    return fmt::format("{}: must match {}", in_quotes(text), rules.pattern());
  }
  if (!text.starts_with(rules.prefix()))
    return fmt::format("{}: must begin with {}", in_quotes(text), in_quotes(rules.prefix()));
  if (!text.ends_with(rules.suffix()))
    return fmt::format("{}: must end with {}", in_quotes(text), in_quotes(rules.suffix()));
  if (text.find(rules.contains()) == std::string::npos)
    return fmt::format("{}: must contain {}", in_quotes(text), in_quotes(rules.contains()));
  if (rules.has_not_contains() && text.find(rules.not_contains()) != std::string::npos)
    return fmt::format("{}: must not contain {}", in_quotes(text), in_quotes(rules.not_contains()));
  if (!rules.in().empty() && !holds(rules.in(), text))
    return fmt::format("{}: must be one of {}", in_quotes(text), fmt::join(rules.in(), ", "));
  if (holds(rules.not_in(), text))
    return fmt::format("{}: must be none of {}", in_quotes(text), fmt::join(rules.not_in(), ", "));
  return broken_well_known(text, rules);
}

std::string broken_bytes(const std::string& bytes, const validate::BytesRules& rules) {
  const size_t size = bytes.size();
  if (rules.has_len() && size != rules.len()) return fmt::format("{} bytes: must be {}", size, rules.len());
  if (size < rules.min_len()) return fmt::format("{} bytes: must be at least {}", size, rules.min_len());
  if (rules.has_max_len() && size > rules.max_len())
    return fmt::format("{} bytes: must be at most {}", size, rules.max_len());
  if (rules.has_const_() && bytes != rules.const_()) return "must be the one value allowed";
  if (!bytes.starts_with(rules.prefix()) || !bytes.ends_with(rules.suffix()) ||
      bytes.find(rules.contains()) == std::string::npos)
    return "must have the prefix, suffix and content that its rule names";
  if (rules.has_pattern() && !re2::RE2::PartialMatch(bytes, re2::RE2(rules.pattern(), re2::RE2::Latin1)))
    return fmt::format("must match {}", rules.pattern());
  if ((!rules.in().empty() && !holds(rules.in(), bytes)) || holds(rules.not_in(), bytes))
    return "must be one of the values allowed";
  const bool is_address_size =
      (rules.ip() && (size == 4 || size == 16)) || (rules.ipv4() && size == 4) || (rules.ipv6() && size == 16);
  if ((rules.ip() || rules.ipv4() || rules.ipv6()) && !is_address_size) return "must be an IP address in bytes";
  return {};
}

std::string broken_enum(int number, const FieldDescriptor& field, const validate::EnumRules& rules) {
  const auto* value = field.enum_type()->FindValueByNumber(number);
  const std::string shown = value ? value->name() : std::to_string(number);
  if (rules.defined_only() && !value)
    return fmt::format("{}: no such value of {}", shown, field.enum_type()->full_name());
  if (rules.has_const_() && number != rules.const_()) return fmt::format("{}: must be {}", shown, rules.const_());
  if ((!rules.in().empty() && !holds(rules.in(), number)) || holds(rules.not_in(), number))
    return fmt::format("{}: not allowed here", shown);
  return {};
}

std::string show_duration(const std::pair<int64_t, int32_t>& value) {
  if (value.second == 0) return fmt::format("{}s", value.first);
  std::string text = fmt::format("{}{}.{:09}", value.first < 0 || value.second < 0 ? "-" : "", std::abs(value.first),
                                 std::abs(value.second));
  text.erase(text.find_last_not_of('0') + 1);
  return text + "s";
}

}  // namespace

std::string broken_duration_rule(const google::protobuf::Duration& duration, const validate::DurationRules& rules) {
  using Value = std::pair<int64_t, int32_t>;
  const auto of = [](const google::protobuf::Duration& source) { return Value{source.seconds(), source.nanos()}; };
  const Value value = of(duration);
  const Value low = of(rules.has_gt() ? rules.gt() : rules.gte());
  const Value high = of(rules.has_lt() ? rules.lt() : rules.lte());
  Bounds<Value> bounds;
  if (rules.has_gt() || rules.has_gte()) bounds.low = &low;
  if (rules.has_lt() || rules.has_lte()) bounds.high = &high;
  bounds.is_low_open = rules.has_gt();
  bounds.is_high_open = rules.has_lt();
  const auto is_in = [&](const auto& list) {
    return std::any_of(list.begin(), list.end(), [&](const auto& item) { return of(item) == value; });
  };
  if (rules.has_const_() && value != of(rules.const_()))
    return fmt::format("{}: must be {}", show_duration(value), show_duration(of(rules.const_())));
  if ((!rules.in().empty() && !is_in(rules.in())) || is_in(rules.not_in()))
    return show_duration(value) + ": not one of the values allowed";
  if (std::string problem = broken_bounds(bounds, value, show_duration); !problem.empty()) return problem;
  return value < Value{} ? show_duration(value) + ": must not be negative" : std::string();
}

std::string broken_rule(const Message& message, const FieldDescriptor& field, int item,
                        const validate::FieldRules& rules) {
  const Reflection& reflection = *message.GetReflection();
  const bool is_item = item >= 0;
  const auto value = [&](auto one, auto many) {
    return is_item ? (reflection.*many)(message, &field, item) : (reflection.*one)(message, &field);
  };
  using R = Reflection;
  switch (rules.type_case()) {
    case validate::FieldRules::kFloat: return broken_number(value(&R::GetFloat, &R::GetRepeatedFloat), rules.float_());
    case validate::FieldRules::kDouble:
      return broken_number(value(&R::GetDouble, &R::GetRepeatedDouble), rules.double_());
    case validate::FieldRules::kInt32: return broken_number(value(&R::GetInt32, &R::GetRepeatedInt32), rules.int32());
    case validate::FieldRules::kInt64: return broken_number(value(&R::GetInt64, &R::GetRepeatedInt64), rules.int64());
    case validate::FieldRules::kUint32:
      return broken_number(value(&R::GetUInt32, &R::GetRepeatedUInt32), rules.uint32());
    case validate::FieldRules::kUint64:
      return broken_number(value(&R::GetUInt64, &R::GetRepeatedUInt64), rules.uint64());
    case validate::FieldRules::kSint32: return broken_number(value(&R::GetInt32, &R::GetRepeatedInt32), rules.sint32());
    case validate::FieldRules::kSint64: return broken_number(value(&R::GetInt64, &R::GetRepeatedInt64), rules.sint64());
    case validate::FieldRules::kFixed32:
      return broken_number(value(&R::GetUInt32, &R::GetRepeatedUInt32), rules.fixed32());
    case validate::FieldRules::kFixed64:
      return broken_number(value(&R::GetUInt64, &R::GetRepeatedUInt64), rules.fixed64());
    case validate::FieldRules::kSfixed32:
      return broken_number(value(&R::GetInt32, &R::GetRepeatedInt32), rules.sfixed32());
    case validate::FieldRules::kSfixed64:
      return broken_number(value(&R::GetInt64, &R::GetRepeatedInt64), rules.sfixed64());
    case validate::FieldRules::kBool: {
      const bool is_true = value(&R::GetBool, &R::GetRepeatedBool);
      return rules.bool_().has_const_() && is_true != rules.bool_().const_()
                 ? fmt::format("{}: must be {}", is_true, rules.bool_().const_())
                 : std::string();
    }
    case validate::FieldRules::kString:
      return broken_string(value(&R::GetString, &R::GetRepeatedString), rules.string());
    case validate::FieldRules::kBytes: return broken_bytes(value(&R::GetString, &R::GetRepeatedString), rules.bytes());
    case validate::FieldRules::kEnum:
      return broken_enum(value(&R::GetEnumValue, &R::GetRepeatedEnumValue), field, rules.enum_());
    default: return {};
  }
}

std::string shown_scalar(const Message& message, const FieldDescriptor& field, int item) {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, item, &text);
  return text;
}

}  // namespace weft::xds
