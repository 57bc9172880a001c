#include "admin/html.h"

namespace weft::admin {

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

HomePage::HomePage()
    : out_(
          "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Weft Admin</title><style>"
          "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td{padding:.4em .8em;vertical-align:top}"
          "tr:nth-child(even){background:#f2f2f2}label{display:block;font-size:.85em;color:#555}form{margin:0}"
          "</style></head><body><h1>Weft Admin</h1>\n<table><tbody>\n") {}

void HomePage::begin_endpoint(std::string_view path, std::string_view help, bool is_changing) {
  // A form for all: parameters become fields. What changes something posts, so that no link or image can trigger it.
  out_ += "<tr><td><form action=\"" + escape_html(path.substr(1)) + "\" method=\"" + (is_changing ? "post" : "get") +
          "\"><button>" + escape_html(path.substr(1)) + "</button>";
  help_ = help;
}

void HomePage::add_parameter(std::string_view name, std::string_view help, const std::vector<std::string_view>& choices,
                             bool is_flag) {
  out_ += "<label title=\"" + escape_html(help) + "\">" + escape_html(name) + " ";
  if (is_flag) {
    out_ += "<input type=\"checkbox\" name=\"" + escape_html(name) + "\">";
  } else if (choices.empty()) {
    out_ += "<input name=\"" + escape_html(name) + "\">";
  } else {
    out_ += "<select name=\"" + escape_html(name) + "\">";
    for (std::string_view choice : choices) out_ += "<option>" + escape_html(choice) + "</option>";
    out_ += "</select>";
  }
  out_ += "</label>";
}

void HomePage::end_endpoint() { out_ += "</form></td><td>" + escape_html(help_) + "</td></tr>\n"; }

std::string HomePage::finish() { return std::move(out_) + "</tbody></table></body></html>\n"; }

}  // namespace weft::admin
