#include "storm/import_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "storm/text.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

/// References that lead to references, schemas of schemas: deeper is a loop or no contract for people.
constexpr int kDepthMax = 16;
/// Schemas looked at in one document: `allOf` of what refers back to it would double at every step.
constexpr size_t kSchemasMax = 20'000;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text[0]) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }) &&
         text.find("->") == std::string_view::npos;
}

bool is_version(std::string_view part) {
  return part.size() > 1 && (part[0] == 'v' || part[0] == 'V') && std::ranges::all_of(part.substr(1), is_digit);
}

std::vector<std::string_view> split(std::string_view text, std::string_view marks) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(marks), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// One part of a JSON pointer inside a URI: "~1" is '/', "~0" is '~', "%20" a space.
std::string pointer_part(std::string_view part) {
  std::string out;
  for (size_t at = 0; at < part.size(); ++at) {
    unsigned value = 0;
    if (part[at] == '~' && at + 1 < part.size() && (part[at + 1] == '0' || part[at + 1] == '1')) {
      out += part[++at] == '0' ? '~' : '/';
    } else if (part[at] == '%' && at + 2 < part.size() &&
               std::from_chars(&part[at + 1], &part[at + 1] + 2, value, 16).ptr == &part[at + 1] + 2) {
      out += static_cast<char>(value);
      at += 2;
    } else {
      out += part[at];
    }
  }
  return out;
}

// A number that reads back, without an exponent: '+' would end the word.
std::string number(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find('e') != std::string::npos) text = fmt::format("{:.6f}", value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string value_text(const std::string& value) {
  const auto is_fit = [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.'; };
  return !value.empty() && std::ranges::all_of(value, is_fit) ? value : quoted_text(value);
}

// What the lexer would cut or take for something else becomes '_'.
std::string field_name(std::string_view name) {
  std::string out;
  for (const char c : name)
    out += is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '$' || c == '@' ? c : '_';
  return out.empty() ? "_" : out;
}

std::string type_word(const Json& schema) {
  const Json& type = member(schema, "type");
  if (type.is_string()) return type.get<std::string>();
  if (type.is_array())
    for (const Json& each : type)
      if (each.is_string() && each != "null") return each.get<std::string>();
  if (member(schema, "properties").is_object()) return "object";
  if (member(schema, "items").is_object()) return "array";
  return {};
}

bool may_be_null(const Json& schema) {
  const Json& type = member(schema, "type");
  return member(schema, "nullable") == true || (type.is_array() && std::ranges::find(type, Json("null")) != type.end());
}

std::optional<double> number_member(const Json& schema, std::string_view key) {
  const Json& value = member(schema, key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
  return value.get<double>();
}

}  // namespace

const Json& member(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto at = object.find(std::string(key));
  return at == object.end() ? kNull : *at;
}

std::string text_member(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
    if (!is_blank) out += c;
    if (is_blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string quoted_text(std::string_view text) { return in_quotes(one_line(text)); }

std::string board_name(std::string_view text) {
  if (is_name(text)) return std::string(text);
  std::vector<std::string_view> parts = split(text, "./:");
  while (parts.size() > 1 && is_version(parts.back())) parts.pop_back();
  std::string_view last = parts.empty() ? text : parts.back();
  if (is_name(last) && !is_name(text) && split_words(last).size() > 1 && parts.size() > 1 &&
      last.find_first_of("-_ ") == std::string_view::npos)
    return std::string(last);
  // "order.placed" says it in two parts, "orders.order-placed" in one.
  const bool is_one_word = split_words(std::string(last)).size() < 2 && parts.size() > 1;
  std::string words = (is_one_word ? std::string(parts[parts.size() - 2]) + " " : std::string()) + std::string(last);
  for (char& c : words)
    if (!is_letter(c) && !is_digit(c)) c = '-';
  const std::string name = pascal_case(split_words(words));
  if (is_name(name)) return name;
  return is_name("Event" + name) ? "Event" + name : "Event";
}

std::string text_of(const Field& field) {
  std::string out =
      fmt::format("{}{}:{}{}", field.name, field.is_optional ? "?" : "", field.type, field.is_list ? "[]" : "");
  if (field.minimum) out += ">=" + number(*field.minimum);
  if (field.maximum) out += "<=" + number(*field.maximum);
  for (size_t i = 0; i < field.values.size(); ++i) out += (i == 0 ? " one of " : "|") + value_text(field.values[i]);
  return out;
}

const Json& SchemaReader::resolve(const Json& value, std::string* name) const {
  static const Json kNull;
  const Json* at = &value;
  for (int depth = 0; depth < kDepthMax; ++depth) {
    const std::string reference = text_member(*at, "$ref");
    if (reference.empty()) return *at;
    if (!reference.starts_with("#/")) return kNull;
    at = &document_;
    for (const std::string_view part : split(std::string_view(reference).substr(2), "/")) {
      const std::string key = pointer_part(part);
      size_t index = 0;
      const bool is_index = std::from_chars(key.data(), key.data() + key.size(), index).ptr == key.data() + key.size();
      at = at->is_array() && is_index && index < at->size() ? &(*at)[index] : &member(*at, key);
      if (name) *name = key;
    }
  }
  return kNull;
}

std::vector<Field> SchemaReader::fields_of(const Json& schema, const std::string& owner) {
  std::vector<Field> fields;
  collect(schema, owner, fields, 0);
  read_records();
  return fields;
}

void SchemaReader::collect(const Json& reference, const std::string& owner, std::vector<Field>& fields, int depth) {
  const Json& schema = resolve(reference);
  if (depth > kDepthMax || schemas_ > kSchemasMax) return;
  if (++schemas_ > kSchemasMax)
    return note(fmt::format("{}: more than {} schemas: the rest is left out", owner, kSchemasMax));
  if (reference.is_object() && schema.is_null())
    return note(fmt::format("{}: '{}' is not in this document", owner, one_line(text_member(reference, "$ref"))));
  for (const std::string_view several : {"allOf", "oneOf", "anyOf"}) {
    const Json& parts = member(schema, several);
    if (!parts.is_array() || parts.empty()) continue;
    if (several != "allOf" && parts.size() > 1)
      note(fmt::format("{}: {} of {} schemas: the first one is on the board", owner, several, parts.size()));
    for (const Json& part : parts) {
      collect(part, owner, fields, depth + 1);
      if (several != "allOf") break;
    }
  }
  const Json& properties = member(schema, "properties");
  if (!properties.is_object()) return;
  std::set<std::string> required, taken;
  if (const Json& names = member(schema, "required"); names.is_array())
    for (const Json& name : names)
      if (name.is_string()) required.insert(name.get<std::string>());
  for (Field& field : fields) {
    taken.insert(field.name);
    field.is_optional = field.is_optional && !required.contains(field.name);
  }
  const std::set<std::string> earlier = taken;  // what a part of `allOf` has already said
  for (const auto& [name, property] : properties.items()) {
    if (earlier.contains(field_name(name))) continue;
    Field field = field_of(name, property, owner);
    field.is_optional = field.is_optional || !required.contains(name);
    for (size_t copy = 2; !taken.insert(field.name).second; ++copy)
      field.name = fmt::format("{}_{}", field_name(name), copy);
    if (field.name != name)
      note(fmt::format("{}: field '{}' is called {} on the board", owner, one_line(name), field.name));
    fields.push_back(std::move(field));
  }
}

Field SchemaReader::field_of(const std::string& name, const Json& schema, const std::string& owner) {
  Field field;
  field.name = field_name(name);
  set_type(schema, fmt::format("{}.{}", owner, field.name), field, 0);
  return field;
}

void SchemaReader::set_type(const Json& reference, const std::string& owner, Field& field, int depth) {
  std::string record;
  const Json& schema = resolve(reference, &record);
  const std::string type = type_word(schema);
  field.is_optional = field.is_optional || may_be_null(schema);
  field.type = "string";
  if (depth > kDepthMax || (schema.is_null() && reference.is_object()))
    return note(fmt::format("{}: its type is not in this document", owner));
  for (const std::string_view several : {"oneOf", "anyOf", "allOf"}) {
    const Json& parts = member(schema, several);
    if (!type.empty() || !parts.is_array() || parts.empty()) continue;
    const auto known =
        std::ranges::find_if(parts, [](const Json& part) { return text_member(part, "type") != "null"; });
    if (known != parts.end()) return set_type(*known, owner, field, depth + 1);
  }
  if (type == "array") {
    if (field.is_list) note(fmt::format("{}: a list of lists, which a board does not have", owner));
    field.is_list = true;
    return set_type(member(schema, "items"), owner, field, depth + 1);
  }
  if (type == "object") {
    if (record.empty())
      return note(fmt::format("{}: an object without a name of its own; a string on the board", owner));
    field.type = board_name(record);
    if (seen_.insert(field.type).second) pending_.emplace(field.type, &schema);
    return;
  }
  set_scalar(schema, type, field);
}

void SchemaReader::set_scalar(const Json& schema, std::string_view type, Field& field) const {
  const std::string format = text_member(schema, "format");
  if (type == "integer") field.type = "int";
  if (type == "number") field.type = "number";
  if (type == "boolean") field.type = "bool";
  if (format == "date" || format == "uuid") field.type = format;
  if (format == "date-time" || format == "time") field.type = "time";
  const bool is_text = field.type == "string";
  if (is_text || field.type == "int" || field.type == "number") {
    field.minimum = number_member(schema, is_text ? "minLength" : "minimum");
    field.maximum = number_member(schema, is_text ? "maxLength" : "maximum");
    if (field.minimum && field.maximum && *field.minimum > *field.maximum) field.minimum = field.maximum = std::nullopt;
  }
  const auto add = [&](const Json& value) {
    if (value.is_string()) field.values.push_back(one_line(value.get<std::string>()));
    if (value.is_number() || value.is_boolean()) field.values.push_back(value.dump());
  };
  if (const Json& values = member(schema, "enum"); values.is_array()) std::ranges::for_each(values, add);
  add(member(schema, "const"));
}

void SchemaReader::read_records() {
  while (!pending_.empty()) {
    const auto [name, schema] = *pending_.begin();
    pending_.erase(pending_.begin());
    std::vector<Field> fields;
    collect(*schema, name, fields, 0);
    const auto [at, is_new] = records_.try_emplace(name, fields);
    const auto text = [](const std::vector<Field>& all) {
      std::string out;
      for (const Field& each : all) out += text_of(each) + ", ";
      return out;
    };
    if (!is_new && text(at->second) != text(fields))
      note(fmt::format("{}: other fields than in an earlier document, whose are on the board", name));
  }
}

}  // namespace weft::storm
