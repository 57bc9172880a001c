#include <re2/re2.h>

#include "base/limits.h"
#include "proxy/matchers.h"

namespace weft::proxy {

namespace {

/// The bytes of the valid UTF-8 sequence at the front of `text`; 0 when it is invalid. Source: RFC 3629 §4.
size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto is_tail = [&](size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return is_tail(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return is_tail(1, low, high) && is_tail(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return is_tail(1, low, high) && is_tail(2, 0x80, 0xbf) && is_tail(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

/// Whether `text` is UTF-8; else writes it to `fixed` with each invalid byte as one U+FFFD.
bool is_utf8(std::string_view text, std::string& fixed) {
  if (is_ascii(text)) return true;
  size_t at = 0;
  while (at < text.size()) {
    const size_t step = utf8_sequence(text.substr(at));
    if (step == 0) break;
    at += step;
  }
  if (at == text.size()) return true;
  fixed.assign(text.substr(0, at));
  while (at < text.size()) {
    const size_t step = utf8_sequence(text.substr(at));
    if (step == 0) {
      fixed += "\xef\xbf\xbd";
      ++at;
    } else {
      fixed.append(text.substr(at, step));
      at += step;
    }
  }
  return false;
}

/// In RE2's UTF-8 mode `.` and negated classes match no invalid byte, so that one stray byte hides a whole text from a
/// deny rule. Here such a byte counts as U+FFFD: a rule that would match with any unknown character there still
/// matches.
class Re2Regex final : public Regex {
 public:
  Re2Regex(std::string_view pattern, const RE2::Options& options)
      : expression_(re2::StringPiece(pattern.data(), pattern.size()), options) {}

  const RE2& expression() const { return expression_; }

  bool full_match(std::string_view text) const override {
    std::string fixed;
    if (!is_utf8(text, fixed)) text = fixed;
    return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), expression_);
  }

  std::string replace_all(std::string_view text, std::string_view substitution) const override {
    std::string out(text);
    RE2::GlobalReplace(&out, expression_, re2::StringPiece(substitution.data(), substitution.size()));
    return out;
  }

  const std::string& pattern() const override { return expression_.pattern(); }

 private:
  RE2 expression_;
};

base::Error invalid(std::string message) { return base::Error(base::ErrorCode::InvalidArgument, std::move(message)); }

}  // namespace

base::Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern) {
  if (pattern.size() > base::kRegexPatternBytesMax) {
    return invalid("regex of " + std::to_string(pattern.size()) + " bytes: must be at most " +
                   std::to_string(base::kRegexPatternBytesMax));
  }
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<Re2Regex>(pattern, options);
  if (!regex->expression().ok()) return invalid("regex '" + std::string(pattern) + "': " + regex->expression().error());
  const int size = regex->expression().ProgramSize();
  if (size > static_cast<int>(base::kRegexProgramSizeMax)) {
    return invalid("regex '" + std::string(pattern) + "': program size of " + std::to_string(size) + " is above " +
                   std::to_string(base::kRegexProgramSizeMax));
  }
  return std::shared_ptr<const Regex>(std::move(regex));
}

base::Status Regex::check_substitution(std::string_view substitution) const {
  const RE2& expression = static_cast<const Re2Regex*>(this)->expression();
  std::string error;
  if (!expression.CheckRewriteString(re2::StringPiece(substitution.data(), substitution.size()), &error)) {
    return invalid("substitution '" + std::string(substitution) + "': " + error);
  }
  return {};
}

}  // namespace weft::proxy
