#include "storm/contract_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace weft::storm {

namespace {

// 15, not 15.0, where that is what it is.
Json number(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53: from here on doubles skip integers
  if (std::trunc(value) == value && std::abs(value) < kExact) return static_cast<int64_t>(value);
  return value;
}

// `one of 1|2|3` of an int are numbers. A value that is none stays a text, which no number equals: the board says so.
Json typed_value(const std::string& value, std::string_view type) {
  if (type == "bool" && (value == "true" || value == "false")) return value == "true";
  double parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if ((type == "int" || type == "number") && error == std::errc() && end == value.data() + value.size())
    return number(parsed);
  return value;
}

Json base_schema(const Contracts& contracts, const Field& field, std::string_view references,
                 std::set<std::string>* used) {
  const Graph& graph = contracts.graph();
  const std::string& type = field.type;
  if (type == "string") return {{"type", "string"}};
  if (type == "int") return {{"type", "integer"}};
  if (type == "number") return {{"type", "number"}};
  if (type == "bool") return {{"type", "boolean"}};
  if (type == "date" || type == "uuid") return {{"type", "string"}, {"format", type}};
  if (type == "time") return {{"type", "string"}, {"format", "date-time"}};
  const std::optional<Index> event = graph.find(Kind::Event, type), view = graph.find(Kind::View, type);
  if (!event && !view)
    return {{"description", fmt::format("'{}' is no type and nothing on the board: any value", type)}};
  const std::string& key = event ? contracts.event_key(*event) : contracts.view_key(*view);
  if (used) used->insert(key);
  return {{"$ref", fmt::format("{}{}", references, key)}};
}

Json schema_of_field(const Contracts& contracts, const Field& field, std::string_view references,
                     std::set<std::string>* used) {
  Json schema = base_schema(contracts, field, references, used);
  const bool is_text = schema.value("type", "") == "string" && !schema.contains("format");
  const bool is_number = field.type == "int" || field.type == "number";
  // A bound of a text is one of its length.
  if (field.minimum && (is_number || (is_text && *field.minimum >= 0)))
    schema[is_text ? "minLength" : "minimum"] = number(is_text ? std::ceil(*field.minimum) : *field.minimum);
  if (field.maximum && (is_number || (is_text && *field.maximum >= 0)))
    schema[is_text ? "maxLength" : "maximum"] = number(is_text ? std::floor(*field.maximum) : *field.maximum);
  if (!field.values.empty() && !schema.contains("$ref")) {
    Json values = Json::array();
    for (const std::string& value : field.values) {
      Json typed = typed_value(value, field.type);
      if (std::find(values.begin(), values.end(), typed) == values.end()) values.push_back(std::move(typed));
    }
    schema["enum"] = std::move(values);
  }
  if (!field.is_list) return schema;
  return {{"type", "array"}, {"items", std::move(schema)}};
}

template <typename Element>
Json with_text(Json schema, const Element& element) {
  if (!element.text.empty()) schema["description"] = element.text;
  return schema;
}

}  // namespace

Json schema_of(const Contracts& contracts, const std::vector<Field>& fields, std::string_view references,
               std::set<std::string>* used) {
  Json properties = Json::object(), required = Json::array();
  for (const Field& field : fields) {
    if (field.name.empty() || properties.contains(field.name)) continue;
    properties[field.name] = schema_of_field(contracts, field, references, used);
    if (!field.is_optional) required.push_back(field.name);
  }
  Json schema = {{"type", "object"}};
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  if (fields.empty()) schema["additionalProperties"] = true;
  return schema;
}

void add_used_schemas(const Contracts& contracts, std::set<std::string> used, std::string_view references,
                      Json& schemas) {
  std::map<size_t, std::pair<std::string, Json>> made;  // in the order of the board
  std::vector<std::string> open(used.begin(), used.end());
  while (!open.empty()) {
    const std::string key = std::move(open.back());
    open.pop_back();
    const Record& record = contracts.record(key);
    std::set<std::string> needed;
    made[record.order] = {key, with_text(schema_of(contracts, *record.fields, references, &needed), *record.element)};
    for (const std::string& each : needed)
      if (used.insert(each).second) open.push_back(each);
  }
  std::set<std::string> there;
  for (const auto& [key, schema] : schemas.items()) there.insert(key);
  for (auto& [order, schema] : made)
    if (!there.contains(schema.first)) append(schemas, std::move(schema.first), std::move(schema.second));
}

}  // namespace weft::storm
