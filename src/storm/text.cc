#include "storm/text.h"

#include <algorithm>

namespace weft::storm {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_blank(std::string_view line) { return std::ranges::all_of(line, is_space); }

// One line's tokens. The header lines whose values are URIs and patterns are cut at spaces only.
class Lexer {
 public:
  Lexer(std::string_view line, uint32_t number, bool is_plain, std::vector<Token>& out)
      : line_(line.substr(0, comment_of(line))), number_(number), is_plain_(is_plain), out_(out) {}

  void run() {
    while (at_ < line_.size()) {
      if (is_space(line_[at_])) {
        step(1);
      } else if (line_[at_] == '"') {
        text();
      } else if (const Token::Kind mark = mark_here(); mark != Token::Kind::End) {
        push(mark, mark == Token::Kind::Arrow ? 2 : 1);
      } else {
        push(Token::Kind::Word, word_length());
      }
    }
  }

 private:
  void step(size_t bytes) {
    column_ += characters(line_.substr(at_, bytes));
    at_ += bytes;
  }

  void push(Token::Kind kind, size_t bytes) {
    const std::string_view what = line_.substr(at_, bytes);
    out_.push_back({kind, std::string(what), {number_, column_, characters(what)}});
    step(bytes);
  }

  Token::Kind mark_here() const {
    if (is_plain_) return Token::Kind::End;
    switch (line_[at_]) {
      case '+': return Token::Kind::Plus;
      case '|': return Token::Kind::Bar;
      case '!': return Token::Kind::Bang;
      case ',': return Token::Kind::Comma;
      case '-': return line_.substr(at_, 2) == "->" ? Token::Kind::Arrow : Token::Kind::End;
      default: return Token::Kind::End;
    }
  }

  size_t word_length() {
    size_t end = at_ + 1;
    while (end < line_.size() && !is_space(line_[end]) && line_[end] != '"') {
      if (!is_plain_ && (std::string_view("+|!,").find(line_[end]) != std::string_view::npos)) break;
      if (!is_plain_ && line_.substr(end, 2) == "->") break;
      ++end;
    }
    return end - at_;
  }

  void text() {
    Token token{Token::Kind::Text, {}, {number_, column_, 0}, true};
    size_t end = at_ + 1;
    for (; end < line_.size() && line_[end] != '"'; ++end) {
      if (line_[end] == '\\' && end + 1 < line_.size() && (line_[end + 1] == '"' || line_[end + 1] == '\\')) ++end;
      token.text += line_[end];
    }
    if (end < line_.size()) {
      token.is_torn = false;
      ++end;
    }
    token.place.length = characters(line_.substr(at_, end - at_));
    step(end - at_);
    out_.push_back(std::move(token));
  }

  std::string_view line_;
  uint32_t number_;
  bool is_plain_;
  std::vector<Token>& out_;
  size_t at_ = 0;
  uint32_t column_ = 1;
};

bool has_plain_values(const Statement& statement) {
  if (statement.tokens.empty()) return false;
  const std::string& word = statement.tokens[0].text;
  return word == "source" || word == "type" || word == "board" || word == "stage";
}

// `  event X key y` continues nothing, while `  policy P, policy Q` goes on with a list.
bool begins_element(std::string_view content, const Statement& above) {
  std::vector<Token> tokens;
  Lexer(content, 1, false, tokens).run();
  if (tokens.size() < 2 || tokens[0].kind != Token::Kind::Word || !parse_kind(tokens[0].text)) return false;
  if (tokens[1].kind != Token::Kind::Word && tokens[1].kind != Token::Kind::Text) return false;
  const Token::Kind before = above.tokens.empty() ? Token::Kind::End : above.tokens.back().kind;
  if (before != Token::Kind::Word && before != Token::Kind::Text && before != Token::Kind::End) return false;
  const auto is_clause_of_policy = [](const Token& token) { return token.is_word("when") || token.is_word("then"); };
  return tokens[0].text != "policy" || std::ranges::any_of(tokens, is_clause_of_policy);
}

bool is_plain_line(std::string_view line) {
  return line.starts_with("source") || line.starts_with("type") || line.starts_with("board") ||
         line.starts_with("stage");
}

}  // namespace

std::vector<TextLine> split_lines(std::string_view text) {
  std::vector<TextLine> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      lines.push_back({std::string(text), {}});
      break;
    }
    const size_t content = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
    lines.push_back({std::string(text.substr(0, content)), std::string(text.substr(content, end + 1 - content))});
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string join_lines(const std::vector<TextLine>& lines) {
  std::string text;
  for (const TextLine& line : lines) text += line.content + line.ending;
  return text;
}

size_t comment_of(std::string_view line) {
  bool is_quoted = false;
  for (size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\' && is_quoted) {
      ++at;
    } else if (line[at] == '"') {
      is_quoted = !is_quoted;
    } else if (line[at] == '#' && !is_quoted && (at == 0 || is_space(line[at - 1]))) {
      return at;
    }
  }
  return std::string_view::npos;
}

size_t length_of_character(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t at = 1; at < length; ++at)
    if ((byte(at) & 0xC0) != 0x80) return 0;
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

uint32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  uint32_t code = lead & (0xFF >> (character.size() + 1));
  for (const char byte : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(byte) & 0x3F);
  return code;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

uint32_t characters(std::string_view text) {
  uint32_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(std::max<size_t>(1, length_of_character(text)));
  return count;
}

size_t find_broken_byte(std::string_view line) {
  for (size_t at = 0; at < line.size();) {
    const size_t length = length_of_character(line.substr(at));
    const auto byte = static_cast<unsigned char>(line[at]);
    if (length == 0 || (byte < 0x20 && byte != '\t') || byte == 0x7F) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::vector<Statement> split_statements(const std::vector<TextLine>& lines) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::vector<Statement> statements;
  for (uint32_t index = 0; index < lines.size(); ++index) {
    std::string_view line = lines[index].content;
    if (index == 0 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    const std::string_view content = line.substr(0, comment_of(line));
    if (is_blank(content)) continue;
    const bool is_indented = is_space(content[0]);
    const bool is_swallowed = is_indented && !statements.empty() && begins_element(content, statements.back());
    if (!is_indented || statements.empty() || is_swallowed)
      statements.push_back({index + 1, index + 1, is_indented && !is_swallowed, is_swallowed, {}});
    Statement& statement = statements.back();
    statement.last_line = index + 1;
    const bool is_plain = is_indented ? has_plain_values(statement) : is_plain_line(content);
    Lexer(line, index + 1, is_plain, statement.tokens).run();
  }
  return statements;
}

}  // namespace weft::storm
