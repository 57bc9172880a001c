#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "observe/format.h"
#include "observe/format_operator.h"
#include "observe/json_text.h"

namespace weft::observe {
namespace {

using Json = nlohmann::ordered_json;

base::Error invalid(std::string message) { return {base::ErrorCode::InvalidArgument, std::move(message)}; }

/// Rewrites what stands behind `from` as a JSON string. Costs a copy only where something is to be escaped.
void quote_tail(std::string& out, size_t from) {
  bool is_plain = std::all_of(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F && c != '"' && c != '\\';
  });
  if (is_plain) {
    out.insert(from, 1, '"');
    out += '"';
    return;
  }
  std::string raw = out.substr(from);
  out.resize(from);
  append_json_string(out, raw);
}

struct Node {
  enum class Kind : uint8_t { Object, Array, Text, Literal } kind = Kind::Literal;
  std::string key;      ///< quoted, with its colon; empty in arrays
  std::string literal;  ///< JSON text
  Template content;
  std::vector<Node> children;
};

class JsonFormat final : public Format {
 public:
  JsonFormat(Node root, bool omit_empty_values) : root_(std::move(root)), omit_(omit_empty_values) {}

  void append(std::string& out, const RequestInfo& info) const override {
    append_node(out, root_, info);
    out += '\n';
  }
  void append_body(std::string& out, const RequestInfo& info) const override { append(out, info); }
  void append_header_value(std::string& out, const RequestInfo& info) const override { append_node(out, root_, info); }
  bool is_literal() const override { return false; }
  std::string_view literal_text() const override { return {}; }

 private:
  /// False: the value is absent and to be left out with its key.
  bool append_node(std::string& out, const Node& node, const RequestInfo& info) const {
    switch (node.kind) {
      case Node::Kind::Literal: out += node.literal; return true;
      case Node::Kind::Text: return append_text(out, node.content, info);
      case Node::Kind::Object: append_children(out, node, info, '{', '}'); return true;
      case Node::Kind::Array: append_children(out, node, info, '[', ']'); return true;
    }
    return true;
  }

  void append_children(std::string& out, const Node& node, const RequestInfo& info, char open, char close) const {
    out += open;
    bool is_first = true;
    for (const Node& child : node.children) {
      size_t before = out.size();
      if (!is_first) out += ',';
      out += child.key;
      if (append_node(out, child, info)) is_first = false;
      else out.resize(before);
    }
    out += close;
  }

  bool append_text(std::string& out, const Template& content, const RequestInfo& info) const {
    size_t before = out.size();
    if (const Operator* only = content.only_operator()) {
      switch (only->append(out, info)) {
        case Given::Number: return true;
        case Given::Text: quote_tail(out, before); return true;
        case Given::Nothing: break;
      }
      if (omit_) return false;
      out += "null";
      return true;
    }
    for (const Template::Piece& piece : content.pieces) {
      if (!piece.operation) out += piece.literal;
      else if (piece.operation->append(out, info) == Given::Nothing && !omit_) out += '-';
    }
    quote_tail(out, before);
    return true;
  }

  Node root_;
  bool omit_;
};

base::Result<Node> build(const Json& json, bool sort_properties, size_t depth) {
  if (depth > base::kConfigDepthMax) return invalid("the JSON format is nested too deeply");
  Node node;
  if (json.is_string()) {
    node.kind = Node::Kind::Text;
    auto content = Template::parse(json.get_ref<const std::string&>());
    if (!content) return content.error();
    node.content = std::move(*content);
    return node;
  }
  if (!json.is_structured()) {
    node.literal = json.dump();
    return node;
  }
  node.kind = json.is_object() ? Node::Kind::Object : Node::Kind::Array;
  for (auto item = json.begin(); item != json.end(); ++item) {
    auto child = build(item.value(), sort_properties, depth + 1);
    if (!child) return json.is_object() ? invalid(item.key() + ": " + child.error().message) : child.error();
    if (json.is_object()) {
      append_json_string(child->key, item.key());
      child->key += ':';
    }
    node.children.push_back(std::move(*child));
  }
  if (sort_properties && json.is_object()) {
    std::stable_sort(node.children.begin(), node.children.end(),
                     [](const Node& a, const Node& b) { return a.key < b.key; });
  }
  return node;
}

base::Result<Operator> coalesced_operator(const Json& json) {
  if (json.is_string()) return parse_operator(json.get_ref<const std::string&>(), std::nullopt, std::nullopt);
  if (!json.is_object()) return invalid("an operator must be a string or an object");
  std::string command;
  std::optional<std::string> parameter;
  std::optional<size_t> length_max;
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item.key() == "command" && item->is_string()) command = item->get<std::string>();
    else if (item.key() == "param" && item->is_string()) parameter = item->get<std::string>();
    else if (item.key() == "max_length" && item->is_number_unsigned()) length_max = item->get<size_t>();
    else return invalid("unknown field or wrong type: " + item.key());
  }
  if (parameter) return parse_operator(command, std::string_view(*parameter), length_max);
  return parse_operator(command, std::nullopt, length_max);
}

}  // namespace

base::Result<std::vector<Operator>> parse_coalesce(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.size() != 1 || !json.contains("operators") || !json["operators"].is_array() ||
      json["operators"].empty()) {
    return invalid("must be {\"operators\": [...]}");
  }
  std::vector<Operator> result;
  for (const Json& item : json["operators"]) {
    auto operation = coalesced_operator(item);
    if (!operation) return operation.error();
    result.push_back(std::move(*operation));
  }
  return result;
}

base::Result<std::shared_ptr<const Format>> Format::parse_json(std::string_view text, bool omit_empty_values,
                                                               bool sort_properties) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return invalid("a JSON format must be an object");
  auto root = build(json, sort_properties, 0);
  if (!root) return root.error();
  return std::shared_ptr<const Format>(std::make_shared<JsonFormat>(std::move(*root), omit_empty_values));
}

}  // namespace weft::observe
