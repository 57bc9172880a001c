#include "storm/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "storm/clauses.h"
#include "storm/words.h"

namespace weft::storm {

namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 4> kHeaders = {"board", "stage", "source", "type"};
constexpr std::array<std::string_view, 15> kFirstWords = {"board",     "stage",   "source",  "type",        "actor",
                                                          "system",    "event",   "command", "policy",      "view",
                                                          "aggregate", "context", "hotspot", "opportunity", "lane"};
bool is_mark(const Token& token) { return token.kind != Token::Kind::Word && token.kind != Token::Kind::Text; }

// Letters of any script: what lies beyond ASCII and is neither space, punctuation, arrow, symbol nor emoji.
bool is_letter_beyond_ascii(std::string_view character) {
  static constexpr std::pair<std::string_view, std::string_view> kOthers[] = {{"\xC2\x80", "\xC2\xA9"},
                                                                              {"\xC2\xAB", "\xC2\xB4"},
                                                                              {"\xC2\xB6", "\xC2\xB9"},
                                                                              {"\xC2\xBB", "\xC2\xBF"},
                                                                              {"\xC3\x97", "\xC3\x97"},
                                                                              {"\xC3\xB7", "\xC3\xB7"},
                                                                              {"\xE2\x80\x80", "\xE2\x81\xAF"},
                                                                              {"\xE2\x82\xA0", "\xE2\x83\x8F"},
                                                                              {"\xE2\x86\x90", "\xE2\xAF\xBF"},
                                                                              {"\xE3\x80\x80", "\xE3\x80\x84"},
                                                                              {"\xE3\x80\x88", "\xE3\x80\xA0"},
                                                                              {"\xEE\x80\x80", "\xEF\xA3\xBF"},
                                                                              {"\xEF\xBB\xBF", "\xEF\xBB\xBF"},
                                                                              {"\xEF\xBC\x80", "\xEF\xBC\x8F"},
                                                                              {"\xEF\xBF\xB0", "\xEF\xBF\xBF"},
                                                                              {"\xF0\x9F\x80\x80", "\xF0\x9F\xAF\xBF"},
                                                                              {"\xF3\xA0\x80\x80", "\xF4\x8F\xBF\xBF"}};
  return std::ranges::none_of(kOthers,
                              [&](const auto& range) { return character >= range.first && character <= range.second; });
}

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The first character that a name must not have; empty: it is one.
std::string_view misfit_of(std::string_view name) {
  for (size_t at = 0; at < name.size();) {
    const auto lead = static_cast<unsigned char>(name[at]);
    const size_t length = std::max<size_t>(1, length_of_character(name.substr(at)));
    const std::string_view character = name.substr(at, length);
    const bool is_digit = lead >= '0' && lead <= '9';
    const bool is_letter = lead < 0x80 ? is_ascii_letter(name[at]) : is_letter_beyond_ascii(character);
    if (!is_letter && (at == 0 || (!is_digit && lead != '_' && lead != '-'))) return character;
    at += length;
  }
  return {};
}

class Parser {
 public:
  Parser(Document& document, const ReadFile& read_file) : document_(document), read_file_(read_file) {}

  void run() {
    for (size_t line = 0; line < document_.lines.size(); ++line) check_bytes(line);
    for (const Statement& statement : document_.statements) one(statement);
  }

 private:
  Board& board() { return document_.board; }

  void check_bytes(size_t line) {
    const std::string& content = document_.lines[line].content;
    const size_t at = find_broken_byte(content);
    if (at == std::string::npos) return;
    const Place place{static_cast<uint32_t>(line + 1), characters(std::string_view(content).substr(0, at)) + 1, 1};
    document_.faults.push_back({"SYN",
                                place,
                                {},
                                fmt::format("byte 0x{:02x} is no text", static_cast<unsigned char>(content[at])),
                                "a board is UTF-8 without control characters"});
  }

  void one(const Statement& statement) {
    Cursor cursor(statement, document_.faults);
    if (statement.is_swallowed)
      cursor.fault(cursor.peek().place, "an indented line continues the one above", "begin an element without spaces");
    if (statement.is_orphan)
      cursor.fault(cursor.peek().place, "an indented line continues the one above, and there is none",
                   "begin the line without spaces");
    if (cursor.peek().kind != Token::Kind::Word) {
      cursor.expected("an element (event, command, policy, …)");
      return;
    }
    std::string word = cursor.peek().text;
    if (std::ranges::find(kFirstWords, word) == kFirstWords.end()) {
      const std::optional<std::string> meant = nearest(word, kFirstWords);
      cursor.fault(
          cursor.peek().place, fmt::format("unknown element '{}'", word),
          meant
              ? fmt::format("did you mean '{}'?", *meant)
              : "elements are event, command, policy, view, actor, system, aggregate, context, hotspot, opportunity, lane");
      if (!meant) return;
      word = *meant;
    }
    cursor.skip();
    if (std::ranges::find(kHeaders, word) != kHeaders.end()) return header(word, cursor);
    element(*parse_kind(word), statement, cursor);
  }

  void header(const std::string& word, Cursor& cursor) {
    const Place at = cursor.peek().place;
    if (cursor.peek().kind != Token::Kind::Word) return cursor.expected("a value for '" + word + "'");
    std::string value = cursor.take().text;
    std::string& slot = word == "board"    ? board().name
                        : word == "source" ? board().source
                        : word == "type"   ? board().type
                                           : stage_word_;
    if (!slot.empty()) return cursor.fault(at, fmt::format("'{}' is said twice", word), "the first one counts");
    slot = value;
    if (word == "stage") set_stage(value, at, cursor);
    if (word == "type") check_placeholders(value, at, cursor);
    if (word == "board" && cursor.peek().kind == Token::Kind::Text) board().title = cursor.take().text;
    if (!cursor.is_at_end()) cursor.expected("the end of the line");
  }

  void check_placeholders(const std::string& pattern, const Place& at, Cursor& cursor) {
    constexpr std::array<std::string_view, 3> kKnown = {"context", "event", "name"};
    for (size_t open = 0; (open = pattern.find('{', open)) != std::string::npos; ++open) {
      const size_t close = std::min(pattern.find('}', open), pattern.size());
      const std::string name = pattern.substr(open + 1, close - open - 1);
      if (std::ranges::find(kKnown, name) != kKnown.end()) continue;
      const std::optional<std::string> meant = nearest(name, kKnown);
      cursor.fault(at, fmt::format("unknown placeholder '{{{}}}'", name),
                   meant ? fmt::format("did you mean '{{{}}}'?", *meant) : "placeholders are {context} and {event}");
    }
  }

  void set_stage(const std::string& value, const Place& at, Cursor& cursor) {
    board().stage = parse_stage(value);
    if (board().stage) return;
    std::vector<std::string_view> stages;
    for (int stage = 0; stage <= static_cast<int>(Stage::Design); ++stage)
      stages.push_back(to_string(static_cast<Stage>(stage)));
    const std::optional<std::string> meant = nearest(value, stages);
    cursor.fault(
        at, fmt::format("unknown stage '{}'", value),
        meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("stages are {}", fmt::join(stages, ", ")));
    if (meant) board().stage = parse_stage(*meant);
  }

  void element(Kind kind, const Statement& statement, Cursor& cursor) {
    Element base;
    base.kind = kind;
    base.lines = statement.last_line - statement.first_line + 1;
    if (kind == Kind::Hotspot || kind == Kind::Opportunity) {
      read_remark_text(base, cursor);
    } else if (!read_name(base, cursor)) {
      return;
    }
    cursor.set_element(base.name);
    switch (kind) {
      case Kind::Actor: return participant(base, board().actors, cursor);
      case Kind::System: return participant(base, board().systems, cursor);
      case Kind::Event: return event(base, cursor);
      case Kind::Command: return command(base, cursor);
      case Kind::Policy: return policy(base, cursor);
      case Kind::View: return view(base, cursor);
      case Kind::Aggregate: return aggregate(base, cursor);
      case Kind::Context: return context(base, cursor);
      case Kind::Hotspot: return remark(base, board().hotspots, cursor);
      case Kind::Opportunity: return remark(base, board().opportunities, cursor);
      case Kind::Lane: return lane(base, cursor);
    }
  }

  // `event Talk Submitted` and `event "Talk Submitted"` are taken for `event TalkSubmitted`.
  bool read_name(Element& element, Cursor& cursor) {
    const Token token = cursor.peek();
    element.place = token.place;
    if (token.kind == Token::Kind::Text) {
      element.name = pascal_case(split_words(token.text));
      cursor.expected("a name", fmt::format("names are one word without quotes: {}", element.name));
      cursor.skip();
      return !element.name.empty();
    }
    if (token.kind != Token::Kind::Word) {
      cursor.expected("a name", fmt::format("{} NAME", to_string(element.kind)));
      return false;
    }
    element.name = cursor.take().text;
    if (const std::string_view misfit = misfit_of(element.name); !misfit.empty())
      document_.faults.push_back(
          {"N01", token.place, element.name,
           fmt::format("'{}' in the name '{}' does not fit a CloudEvents type", misfit, element.name),
           "a name is a letter, then letters, digits, '_' and '-'"});
    return true;
  }

  void read_remark_text(Element& element, Cursor& cursor) {
    element.place = cursor.peek().place;
    if (cursor.peek().kind != Token::Kind::Text) {
      cursor.expected("a text in quotes", fmt::format("{} \"…\" on NAME", to_string(element.kind)));
      while (cursor.peek().kind == Token::Kind::Word && !cursor.peek().is_word("on"))
        element.name += (element.name.empty() ? "" : " ") + cursor.take().text;
      return;
    }
    check_torn(cursor);
    element.name = cursor.take().text;
  }

  void check_torn(Cursor& cursor) {
    if (cursor.peek().is_torn)
      cursor.fault(cursor.peek().place, "this text has no closing quote", "end it with \" on the same line");
  }

  // Reads clauses in any order. `handle(token)` reads what follows the clause word, `mark()` what begins with a mark
  // and says whether it was one of its own.
  template <typename Handle, typename Mark>
  void clauses(Element& element, Words words, Cursor& cursor, Handle handle, Mark mark) {
    std::vector<std::string> seen;
    bool is_first = true;
    for (; !cursor.is_at_end(); is_first = false) {
      const Token token = cursor.peek();
      if (token.kind == Token::Kind::Text) {
        text(element, cursor);
      } else if (token.kind == Token::Kind::Word && std::ranges::find(words, token.text) != words.end()) {
        cursor.skip();
        if (std::ranges::find(seen, token.text) != seen.end() && token.text != "ref" &&
            !(element.kind == Kind::Aggregate && token.text == "key"))
          cursor.fault(token.place, fmt::format("'{}' is said twice", token.text));
        seen.push_back(token.text);
        handle(token);
      } else if (!(is_mark(token) && mark())) {
        unexpected(element, words, cursor, is_first);
      }
    }
  }
  template <typename Handle>
  void clauses(Element& element, Words words, Cursor& cursor, Handle handle) {
    clauses(element, words, cursor, handle, [] { return false; });
  }

  void text(Element& element, Cursor& cursor) {
    check_torn(cursor);
    const Token token = cursor.take();
    if (!element.text.empty())
      return cursor.fault(token.place, "a second text in quotes", "one text describes an element");
    element.text = token.text;
  }

  void unexpected(Element& element, Words words, Cursor& cursor, bool is_behind_name) {
    const Token token = cursor.peek();
    if (token.kind == Token::Kind::Word) {
      if (const std::optional<std::string> meant = nearest(token.text, words)) {
        cursor.fault(token.place, fmt::format("unknown clause '{}'", token.text),
                     fmt::format("did you mean '{}'?", *meant));
        return cursor.replace(*meant);
      }
      if (is_behind_name && element.place.line == token.place.line) {
        const std::string whole = element.name + pascal_case(split_words(token.text));
        cursor.fault(token.place, fmt::format("expected a clause, found '{}'", token.text),
                     fmt::format("a name is one word: {}", whole));
        element.name = whole;
        return cursor.skip();
      }
    }
    std::string allowed = fmt::format("{}", fmt::join(words, ", "));
    if (element.kind == Kind::Command) allowed += ", ->, !";
    cursor.expected("a clause", words.empty() ? std::string("nothing follows but a text in quotes")
                                              : fmt::format("clauses of {} are {}", to_string(element.kind), allowed));
    cursor.skip();
    // What follows belongs to it.
    while (cursor.peek().kind == Token::Kind::Comma ||
           (cursor.peek().kind == Token::Kind::Word && std::ranges::find(words, cursor.peek().text) == words.end() &&
            !nearest(cursor.peek().text, words)))
      cursor.skip();
  }

  std::optional<Reference> single(Words words, std::string_view what, Cursor& cursor) {
    std::vector<Reference> names = read_names(cursor, words, what);
    if (names.empty()) return std::nullopt;
    if (names.size() > 1)
      cursor.fault(names[1].place, fmt::format("expected {} only, found '{}' too", what, names[1].name));
    return std::move(names[0]);
  }

  static void append(std::vector<Reference>& to, std::vector<Reference> names) {
    std::ranges::move(names, std::back_inserter(to));
  }

  template <typename T>
  static T begin(const Element& base) {
    T made;
    static_cast<Element&>(made) = base;
    return made;
  }

  void participant(Element& base, std::vector<Participant>& all, Cursor& cursor) {
    auto made = begin<Participant>(base);
    clauses(made, {}, cursor, [](const Token&) {});
    all.push_back(std::move(made));
  }

  void lane(Element& base, Cursor& cursor) {
    auto made = begin<Lane>(base);
    clauses(made, {}, cursor, [](const Token&) {});
    lane_ = made.name;
    board().lanes.push_back(std::move(made));
  }

  void event(Element& base, Cursor& cursor) {
    auto made = begin<Event>(base);
    made.lane = lane_;
    clauses(made, kEventClauses, cursor, [&](const Token& token) {
      const std::string& word = token.text;
      if (word == "pivotal") made.pivotal = token.place;
      if (word == "fields") made.fields = read_fields(cursor, kEventClauses, read_file_);
      if (word == "ref") append(made.refs, read_names(cursor, kEventClauses, "what it refers to"));
      if (word == "key") {
        const std::optional<Reference> key = single(kEventClauses, "a key", cursor);
        if (!made.key) made.key = key;
      }
      if (word == "from") {
        made.has_from = true;
        append(made.from, read_names(cursor, kEventClauses, "a system"));
      }
    });
    board().events.push_back(std::move(made));
  }

  void command(Element& base, Cursor& cursor) {
    auto made = begin<Command>(base);
    clauses(
        made, kCommandClauses, cursor,
        [&](const Token& token) {
          const std::string& word = token.text;
          if (word == "by") issuers(made, cursor);
          if (word == "sees") append(made.sees, read_names(cursor, kCommandClauses, "a view"));
          if (word == "to") append(made.to, read_names(cursor, kCommandClauses, "a system"));
          if (word == "fields") made.fields = read_fields(cursor, kCommandClauses, read_file_);
        },
        [&] {
          if (cursor.peek().kind == Token::Kind::Arrow) return outcomes(made, cursor), true;
          if (cursor.peek().kind != Token::Kind::Bang) return false;
          cursor.skip();
          append(made.refusals, read_names(cursor, kCommandClauses, "a refusal"));
          return true;
        });
    board().commands.push_back(std::move(made));
  }

  void issuers(Command& made, Cursor& cursor) {
    made.has_by = true;
    do {
      const bool is_policy = cursor.peek().is_word("policy") && cursor.peek_next().kind == Token::Kind::Word;
      if (is_policy) cursor.skip();
      const Token token = cursor.peek();
      const bool is_clause = std::ranges::find(kCommandClauses, token.text) != kCommandClauses.end();
      if (token.kind != Token::Kind::Word || is_clause) return cursor.expected("an actor or 'policy NAME'");
      made.issuers.push_back({{cursor.take().text, token.place}, is_policy});
    } while (cursor.accept(Token::Kind::Comma));
  }

  void outcomes(Command& made, Cursor& cursor) {
    if (cursor.peek().is_torn) cursor.expected("'->'", "-> EVENT");
    if (made.has_arrow) cursor.fault(cursor.peek().place, "'->' is said twice", "alternatives are parted by |");
    made.has_arrow = true;
    cursor.skip();
    made.outcomes.emplace_back();
    for (;;) {
      const Token token = cursor.peek();
      const bool is_clause = std::ranges::find(kCommandClauses, token.text) != kCommandClauses.end();
      if (token.kind != Token::Kind::Word || is_clause) return cursor.expected("an event");
      made.outcomes.back().push_back({cursor.take().text, token.place});
      if (cursor.accept(Token::Kind::Bar)) {
        made.outcomes.emplace_back();
      } else if (cursor.peek().kind == Token::Kind::Comma) {
        cursor.expected("'+' or '|'", "A + B: both happen; A | B: one or the other");
        cursor.skip();
      } else if (!cursor.accept(Token::Kind::Plus)) {
        return;
      }
    }
  }

  void policy(Element& base, Cursor& cursor) {
    auto made = begin<Policy>(base);
    clauses(made, kPolicyClauses, cursor, [&](const Token& token) {
      const std::string& word = token.text;
      if (word == "if") return guard(made, cursor);
      (word == "when" ? made.has_when : made.has_then) = true;
      append(word == "when" ? made.when : made.then,
             read_names(cursor, kPolicyClauses, word == "when" ? "an event" : "a command"));
    });
    board().policies.push_back(std::move(made));
  }

  void guard(Policy& made, Cursor& cursor) {
    made.guard_place = cursor.peek().place;
    if (cursor.peek().kind == Token::Kind::Text) {
      check_torn(cursor);
      made.guard = cursor.take().text;
      return;
    }
    cursor.expected("a guard in quotes", "if \"talks > slots\"");
    while (!cursor.is_at_end() && !cursor.peek().is_word("then") && !cursor.peek().is_word("when"))
      made.guard += (made.guard.empty() ? "" : " ") + cursor.take().text;
  }

  void view(Element& base, Cursor& cursor) {
    auto made = begin<View>(base);
    clauses(made, kViewClauses, cursor, [&](const Token& token) {
      const std::string& word = token.text;
      if (word == "fields") {
        made.fields = read_fields(cursor, kViewClauses, read_file_);
        return;
      }
      made.has_from = true;
      append(made.from, read_names(cursor, kViewClauses, "an event"));
    });
    board().views.push_back(std::move(made));
  }

  void aggregate(Element& base, Cursor& cursor) {
    auto made = begin<Aggregate>(base);
    clauses(made, kAggregateClauses, cursor, [&](const Token& token) {
      const std::string& word = token.text;
      if (word == "key") return append(made.keys, read_names(cursor, kAggregateClauses, "a key"));
      made.has_commands = true;
      bool is_due = true;
      while (cursor.peek().kind == Token::Kind::Word &&
             std::ranges::find(kAggregateClauses, cursor.peek().text) == kAggregateClauses.end()) {
        const Token token = cursor.take();
        made.commands.push_back({token.text, token.place});
        is_due = cursor.accept(Token::Kind::Comma);
      }
      if (is_due) cursor.expected("a command");
    });
    board().aggregates.push_back(std::move(made));
  }

  void context(Element& base, Cursor& cursor) {
    auto made = begin<Context>(base);
    clauses(made, kContextClauses, cursor, [&](const Token& token) {
      const std::string& word = token.text;
      if (word == "team") {
        if (const std::optional<Reference> team = single(kContextClauses, "a team", cursor)) made.team = team->name;
      } else if (word == "owns" || word == "fronts") {
        made.has_content = true;
        append(word == "owns" ? made.owns : made.fronts,
               read_names(cursor, kContextClauses, word == "owns" ? "an aggregate" : "a system"));
      } else if (made.role.empty()) {
        made.role = word;
      } else {
        cursor.fault(made.place, fmt::format("context '{}' is both {} and {}", made.name, made.role, word));
      }
    });
    board().contexts.push_back(std::move(made));
  }

  void remark(Element& base, std::vector<Remark>& all, Cursor& cursor) {
    auto made = begin<Remark>(base);
    clauses(made, kRemarkClauses, cursor, [&](const Token&) {
      made.has_on = true;
      append(made.on, read_names(cursor, kRemarkClauses, "a name"));
    });
    all.push_back(std::move(made));
  }

  Document& document_;
  const ReadFile& read_file_;
  std::string lane_, stage_word_;
};

}  // namespace

base::Result<Document> parse(std::string_view text, std::string_view file, const ReadFile& read_file) {
  const auto fault = [&](base::ErrorCode code, std::string message) {
    return base::Error(code, fmt::format("{}: {}", file, message));
  };
  if (text.size() > base::kBoardBytesMax)
    return fault(base::ErrorCode::LimitExceeded,
                 fmt::format("{} bytes: a board has at most {}", text.size(), base::kBoardBytesMax));
  if (text.find('\0') != std::string_view::npos)
    return fault(base::ErrorCode::InvalidArgument, "has a NUL byte: no text file");
  Document document;
  document.file = file;
  document.read_file = read_file;
  document.lines = split_lines(text);
  document.statements = split_statements(document.lines);
  if (document.statements.size() > base::kBoardElementsMax)
    return fault(base::ErrorCode::LimitExceeded, fmt::format("{} elements: a board has at most {}",
                                                             document.statements.size(), base::kBoardElementsMax));
  Parser(document, read_file).run();
  return document;
}

}  // namespace weft::storm
