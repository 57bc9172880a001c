// `fields title:string, minutes:int>=15, state:string one of open|closed` and the JSON Schema that may stand instead.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "storm/parser.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

bool is_complete(std::string_view spec) {
  const size_t colon = spec.find(':');
  return colon != std::string_view::npos && colon + 1 < spec.size() && !spec.ends_with('=') && !spec.ends_with('<') &&
         !spec.ends_with('>');
}

bool is_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

class FieldReader {
 public:
  FieldReader(Cursor& cursor, std::span<const std::string_view> clauses) : cursor_(cursor), clauses_(clauses) {}

  std::vector<Field> run() {
    std::vector<Field> fields;
    do {
      Field field;
      if (!one(field)) break;
      const auto twice = std::ranges::find(fields, field.name, &Field::name);
      if (twice != fields.end()) cursor_.fault(field.place, fmt::format("field '{}' is declared twice", field.name));
      fields.push_back(std::move(field));
    } while (cursor_.accept(Token::Kind::Comma));
    return fields;
  }

 private:
  bool is_clause(const Token& token) const { return std::ranges::find(clauses_, token.text) != clauses_.end(); }

  bool one(Field& field) {
    if (cursor_.peek().kind != Token::Kind::Word ||
        (is_clause(cursor_.peek()) && !cursor_.peek_next().text.starts_with(':'))) {
      cursor_.expected("a field (name:type)");
      return false;
    }
    field.place = cursor_.peek().place;
    std::string spec;
    while (cursor_.peek().kind == Token::Kind::Word) {
      const std::string& text = cursor_.peek().text;
      const bool is_bound = text.starts_with('<') || text.starts_with('>');
      if (is_complete(spec) && !is_bound) break;
      if (!spec.empty() && !is_complete(spec) && is_clause(cursor_.peek()) && spec.find(':') == std::string::npos)
        break;
      spec += cursor_.take().text;
    }
    read(spec, field);
    if (cursor_.peek().is_word("one") && cursor_.peek_next().is_word("of")) values(field);
    return true;
  }

  void read(std::string_view spec, Field& field) {
    const size_t colon = spec.find(':');
    std::string_view name = spec.substr(0, colon);
    std::string_view type = colon == std::string_view::npos ? std::string_view() : spec.substr(colon + 1);
    if (name.ends_with('?')) {
      field.is_optional = true;
      name.remove_suffix(1);
    }
    const size_t bound = type.find_first_of("<>");
    std::string_view bounds = bound == std::string_view::npos ? std::string_view() : type.substr(bound);
    type = type.substr(0, bound);
    if (type.ends_with("[]")) {
      field.is_list = true;
      type.remove_suffix(2);
    }
    if (type.ends_with('?')) {
      cursor_.fault(field.place, fmt::format("field '{}': the question mark stands behind the name", name),
                    fmt::format("{}?:{}", name, type.substr(0, type.size() - 1)));
      type.remove_suffix(1);
    }
    field.name = name;
    field.type = type;
    if (name.empty()) cursor_.fault(field.place, fmt::format("field '{}' has no name", spec), "name:type");
    if (type.empty()) {
      cursor_.fault(field.place, fmt::format("field '{}' has no type", name), fmt::format("{}:string", name));
      field.type = "string";
    }
    while (!bounds.empty()) bounds = read_bound(bounds, field);
  }

  std::string_view read_bound(std::string_view bounds, Field& field) {
    const bool is_minimum = bounds.starts_with(">=");
    if (!is_minimum && !bounds.starts_with("<=")) {
      cursor_.fault(field.place, fmt::format("field '{}': expected a bound, found '{}'", field.name, bounds),
                    "bounds are >= and <=");
      return {};
    }
    const size_t end = std::min(bounds.find_first_of("<>", 2), bounds.size());
    double value = 0;
    if (!is_number(bounds.substr(2, end - 2), value)) {
      cursor_.fault(field.place, fmt::format("field '{}': '{}' is no number", field.name, bounds.substr(2, end - 2)));
    } else {
      (is_minimum ? field.minimum : field.maximum) = value;
    }
    if (field.minimum && field.maximum && *field.minimum > *field.maximum)
      cursor_.fault(field.place, fmt::format("field '{}': no value is between its bounds", field.name));
    return bounds.substr(end);
  }

  // `one of a|b` or `one of a, b`: what has a colon is the next field.
  void values(Field& field) {
    cursor_.skip();
    cursor_.skip();
    const auto is_value = [](const Token& token) {
      return token.kind == Token::Kind::Text ||
             (token.kind == Token::Kind::Word && token.text.find(':') == std::string::npos);
    };
    bool has_told = false;
    while (cursor_.peek().kind == Token::Kind::Word || cursor_.peek().kind == Token::Kind::Text) {
      const bool is_quoted = cursor_.peek().kind == Token::Kind::Text;
      field.values.push_back(cursor_.take().text);
      if (cursor_.accept(Token::Kind::Bar)) continue;
      if (cursor_.peek().kind == Token::Kind::Text && !is_quoted) break;  // the text of the element
      if (is_value(cursor_.peek()) && !is_clause(cursor_.peek()) && !cursor_.peek_next().text.starts_with(':')) {
        if (!has_told) cursor_.expected("'|' between the values of 'one of'");
        has_told = true;
        continue;
      }
      if (cursor_.peek().kind != Token::Kind::Comma || !is_value(cursor_.peek_next())) break;
      cursor_.skip();
    }
    if (field.values.empty()) cursor_.expected("the values of 'one of'", "one of draft|open|closed");
  }

  Cursor& cursor_;
  std::span<const std::string_view> clauses_;
};

std::string string_of(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// The last part of "#/$defs/Talk" or "talk.json".
std::string name_of_reference(std::string_view reference) {
  const size_t slash = reference.rfind('/');
  std::string_view name = slash == std::string_view::npos ? reference : reference.substr(slash + 1);
  if (name.ends_with(".json")) name.remove_suffix(5);
  return std::string(name);
}

std::string type_of_schema(const nlohmann::json& schema) {
  if (const std::string reference = string_of(schema, "$ref"); !reference.empty()) return name_of_reference(reference);
  const std::string type = string_of(schema, "type"), format = string_of(schema, "format");
  if (type == "integer") return "int";
  if (type == "boolean") return "bool";
  if (type == "number") return "number";
  if (format == "date" || format == "uuid") return format;
  if (format == "date-time" || format == "time") return "time";
  return "string";
}

Field field_of_schema(const std::string& name, const nlohmann::json& schema, const Place& place) {
  Field field;
  field.name = name;
  field.place = place;
  field.is_list = string_of(schema, "type") == "array";
  const auto items = schema.find("items");
  const nlohmann::json& inner = field.is_list && items != schema.end() && items->is_object() ? *items : schema;
  field.type = field.is_list && items == schema.end() ? "string" : type_of_schema(inner);
  if (const auto at = inner.find("minimum"); at != inner.end() && at->is_number()) field.minimum = at->get<double>();
  if (const auto at = inner.find("maximum"); at != inner.end() && at->is_number()) field.maximum = at->get<double>();
  if (const auto at = inner.find("enum"); at != inner.end() && at->is_array())
    for (const nlohmann::json& value : *at)
      field.values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  return field;
}

}  // namespace

base::Result<std::vector<Field>> fields_of_schema(std::string_view json, const Place& place) {
  const nlohmann::json schema = nlohmann::json::parse(json, nullptr, false);
  if (schema.is_discarded()) return base::Error(base::ErrorCode::InvalidArgument, "is not JSON");
  const auto properties = schema.is_object() ? schema.find("properties") : schema.end();
  if (!schema.is_object() || properties == schema.end() || !properties->is_object())
    return base::Error(base::ErrorCode::InvalidArgument, "is no JSON Schema of an object: it has no \"properties\"");
  std::vector<std::string> required;
  if (const auto at = schema.find("required"); at != schema.end() && at->is_array())
    for (const nlohmann::json& name : *at)
      if (name.is_string()) required.push_back(name.get<std::string>());
  std::vector<Field> fields;
  for (const auto& [name, property] : properties->items()) {
    if (!property.is_object()) continue;
    fields.push_back(field_of_schema(name, property, place));
    fields.back().is_optional = std::ranges::find(required, name) == required.end();
  }
  return fields;
}

std::vector<Field> read_fields(Cursor& cursor, std::span<const std::string_view> clauses, const ReadFile& read_file) {
  const Token& first = cursor.peek();
  const bool is_file =
      (first.kind == Token::Kind::Text || first.kind == Token::Kind::Word) && first.text.ends_with(".json");
  if (!is_file) return FieldReader(cursor, clauses).run();
  const Token path = cursor.take();
  if (!read_file) {
    cursor.fault(path.place, fmt::format("{}: files cannot be read here", path.text));
    return {};
  }
  const base::Result<std::string> content = read_file(path.text);
  if (!content) {
    cursor.fault(path.place, fmt::format("{}: {}", path.text, content.error().message));
    return {};
  }
  base::Result<std::vector<Field>> fields = fields_of_schema(*content, path.place);
  if (fields) return std::move(*fields);
  cursor.fault(path.place, fmt::format("{}: {}", path.text, fields.error().message));
  return {};
}

}  // namespace weft::storm
