#include "storm/contract_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "storm/text.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

/// Characters of a key; longer ones would not be file names (255 bytes) once a number and an ending stand behind them.
constexpr size_t kKeyLengthMax = 120;

bool is_ascii_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// A byte that is not UTF-8 is a character by itself.
std::string_view first_character(std::string_view text) {
  return text.substr(0, std::max<size_t>(1, length_of_character(text)));
}

// What YAML 1.1 does not call printable, and what a reader could take for a line's end.
bool is_escaped_in_yaml(uint32_t code) {
  return (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF || code == 0xFFFE ||
         code == 0xFFFF;
}

// JSON's quoting is YAML's too, but for characters that only YAML wants escaped.
std::string quoted_yaml(const std::string& text) {
  const std::string json = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  for (std::string_view rest = json; !rest.empty();) {
    const std::string_view character = first_character(rest);
    const uint32_t code = code_point(character);
    if (is_escaped_in_yaml(code)) out += fmt::format("\\u{:04x}", code);
    else out += character;
    rest.remove_prefix(character.size());
  }
  return out;
}

// A word that no YAML takes for a number, a truth value, null or a mark.
bool is_plain(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kReserved = {"true", "false", "yes", "no", "on",
                                                                "off",  "null",  "y",   "n"};
  if (text.empty() || !is_plain_ascii(text) || is_ascii_alphanumeric(text[0]) == false ||
      (text[0] >= '0' && text[0] <= '9'))
    return false;
  const auto is_fit = [](char c) { return is_ascii_alphanumeric(c) || c == '_' || c == '-'; };
  return std::ranges::all_of(text, is_fit) && std::ranges::find(kReserved, lower_case(text)) == kReserved.end();
}

std::string scalar(const Json& json) {
  if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    return is_plain(text) ? text : quoted_yaml(text);
  }
  if (json.is_array()) return "[]";
  if (json.is_object()) return "{}";
  return json.dump();
}

bool is_block(const Json& json) { return json.is_structured() && !json.empty(); }

// `is_behind_dash`: the first line goes on behind the "- " of a list.
void block(const Json& json, size_t indent, bool is_behind_dash, std::string& out) {
  const std::string margin(indent, ' ');
  bool is_first = is_behind_dash;
  const auto begin_line = [&] {
    if (!is_first) out += margin;
    is_first = false;
  };
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      begin_line();
      out += (is_plain(key) ? key : quoted_yaml(key)) + ":";
      if (is_block(value)) {
        out += "\n";
        block(value, indent + 2, false, out);
      } else {
        out += " " + scalar(value) + "\n";
      }
    }
    return;
  }
  for (const Json& item : json) {
    begin_line();
    out += "- ";
    if (is_block(item)) block(item, indent + 2, true, out);
    else out += scalar(item) + "\n";
  }
}

}  // namespace

std::string printed_json(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string printed_yaml(const Json& json) {
  std::string out;
  if (!is_block(json)) return scalar(json) + "\n";
  block(json, 0, false, out);
  return out;
}

void append(Json& object, std::string key, Json value) {
  static_cast<Json::object_t::Container&>(object.get_ref<Json::object_t&>())
      .emplace_back(std::move(key), std::move(value));
}

std::string safe_key(std::string_view name) {
  std::string key;
  while (!name.empty() && key.size() < kKeyLengthMax) {
    const std::string_view character = first_character(name);
    if (character.size() == 1 && (is_ascii_alphanumeric(character[0]) || character[0] == '_' || character[0] == '-'))
      key += character;
    else key += fmt::format("_{:x}_", code_point(character));
    name.remove_prefix(character.size());
  }
  return key.empty() ? "_" : key;
}

std::string SafeKeys::add(std::string_view name) {
  const std::string wanted = safe_key(name);
  std::string key = wanted;
  for (size_t number = 2; !used_.insert(lower_case(key)).second; ++number) key = fmt::format("{}_{}", wanted, number);
  return key;
}

std::string percent_encoded(std::string_view text, std::string_view keep) {
  std::string out;
  for (const char c : text) {
    if (is_ascii_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos ||
        keep.find(c) != std::string_view::npos)
      out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string markdown_escaped(std::string_view text) {
  static constexpr std::string_view kMarks = "\\`*_{}[]<>#|~&$";
  static constexpr std::string_view kMarksAtStart = "+-=:.)";
  std::string out;
  bool is_start = true;  // nothing yet but digits: "1." begins a list, "- " too
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += ' ';
      continue;
    }
    if (kMarks.find(c) != std::string_view::npos || (is_start && kMarksAtStart.find(c) != std::string_view::npos))
      out += '\\';
    is_start = is_start && c >= '0' && c <= '9';
    out += c;
  }
  return out;
}

std::string words_of(std::string_view name) {
  if (!is_plain_ascii(name)) return std::string(name);
  std::string out = fmt::format("{}", fmt::join(split_words(name), " "));
  if (out.empty()) return std::string(name);
  if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

}  // namespace weft::storm
