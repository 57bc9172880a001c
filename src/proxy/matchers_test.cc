#include "proxy/matchers.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

StringMatcher string_of(StringMatcher::Kind kind, std::string value, bool ignore_case = false) {
  StringMatcher matcher;
  matcher.kind = kind;
  matcher.value = std::move(value);
  matcher.ignore_case = ignore_case;
  return matcher;
}

StringMatcher regex_of(std::string_view pattern) {
  StringMatcher matcher;
  matcher.kind = StringMatcher::Kind::Regex;
  matcher.regex = Regex::compile(pattern).value();
  return matcher;
}

HeaderMatcher header_of(std::string name, StringMatcher string, bool invert = false) {
  HeaderMatcher matcher;
  matcher.name = std::move(name);
  matcher.kind = HeaderMatcher::Kind::String;
  matcher.string = std::move(string);
  matcher.invert = invert;
  return matcher;
}

HeaderMatcher presence_of(std::string name, bool present, bool invert = false) {
  HeaderMatcher matcher;
  matcher.name = std::move(name);
  matcher.present = present;
  matcher.invert = invert;
  return matcher;
}

HeaderMatcher range_of(std::string name, int64_t start, int64_t end) {
  HeaderMatcher matcher;
  matcher.name = std::move(name);
  matcher.kind = HeaderMatcher::Kind::Range;
  matcher.range_start = start;
  matcher.range_end = end;
  return matcher;
}

TEST(Regex, MatchesTheWholeTextOnly) {
  const auto regex = Regex::compile("/v[0-9]+/.*").value();
  EXPECT_TRUE(regex->full_match("/v1/x"));
  EXPECT_FALSE(regex->full_match("a/v1/x"));
  EXPECT_FALSE(regex->full_match("/v/x"));
}

TEST(Regex, RefusesPatternsThatDoNotCompileOrAreTooLarge) {
  EXPECT_NE(Regex::compile("a(").error().message.find("missing )"), std::string::npos);
  EXPECT_FALSE(Regex::compile(std::string(1025, 'a')));
  EXPECT_TRUE(Regex::compile(std::string(900, 'a')));
  EXPECT_NE(Regex::compile("((a{100}){10}){10}").error().message.find("a{100}"), std::string::npos);
  EXPECT_FALSE(Regex::compile("(?:[[:alpha:]]{500})x{600}"));
}

TEST(Regex, AnInvalidByteCannotHideATextFromADenyRule) {
  const auto deny = Regex::compile(".*admin.*").value();
  EXPECT_TRUE(deny->full_match("/admin"));
  EXPECT_TRUE(deny->full_match("/\xff/admin"));
  EXPECT_TRUE(deny->full_match("/admin/\xc3"));
  EXPECT_TRUE(deny->full_match("\xed\xa0\x80/admin"));
  EXPECT_FALSE(deny->full_match("/\xff/user"));
  const auto three = Regex::compile("...").value();
  EXPECT_TRUE(three->full_match("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e")) << "valid UTF-8 counts code points";
  EXPECT_TRUE(
      three->full_match("a\xff"
                        "b"));
}

TEST(Regex, ReplacesEveryMatchWithGroups) {
  const auto regex = Regex::compile("/([^/]+)").value();
  EXPECT_EQ(regex->replace_all("/a/b", "-\\1"), "-a-b");
  EXPECT_TRUE(regex->check_substitution("\\1"));
  EXPECT_FALSE(regex->check_substitution("\\2"));
}

TEST(StringMatcher, MatchesByKind) {
  using Kind = StringMatcher::Kind;
  EXPECT_TRUE(string_of(Kind::Exact, "abc").matches("abc"));
  EXPECT_FALSE(string_of(Kind::Exact, "abc").matches("abcd"));
  EXPECT_TRUE(string_of(Kind::Prefix, "ab").matches("abc"));
  EXPECT_FALSE(string_of(Kind::Prefix, "bc").matches("abc"));
  EXPECT_TRUE(string_of(Kind::Suffix, "bc").matches("abc"));
  EXPECT_FALSE(string_of(Kind::Suffix, "ab").matches("abc"));
  EXPECT_TRUE(string_of(Kind::Contains, "b").matches("abc"));
  EXPECT_FALSE(string_of(Kind::Contains, "d").matches("abc"));
  EXPECT_TRUE(regex_of("a.c").matches("abc"));
  EXPECT_FALSE(regex_of("b").matches("abc"));
}

TEST(StringMatcher, IgnoresCaseWhereAskedAndNeverForRegex) {
  using Kind = StringMatcher::Kind;
  EXPECT_TRUE(string_of(Kind::Exact, "abc", true).matches("aBC"));
  EXPECT_FALSE(string_of(Kind::Exact, "abc").matches("aBC"));
  EXPECT_TRUE(string_of(Kind::Contains, "b", true).matches("ABC"));
  StringMatcher regex = regex_of("abc");
  regex.ignore_case = true;
  EXPECT_FALSE(regex.matches("ABC"));
}

class HeaderMatch : public WithHeads {};

TEST_F(HeaderMatch, TestsEachLineOfARepeatedHeaderApart) {
  using Kind = StringMatcher::Kind;
  const auto head = request({{"x", "a"}, {"x", "b"}});
  EXPECT_TRUE(header_of("x", string_of(Kind::Exact, "b")).matches(head));
  EXPECT_FALSE(header_of("x", string_of(Kind::Exact, "a,b")).matches(head));
  EXPECT_FALSE(header_of("x", string_of(Kind::Exact, "b"), true).matches(head))
      << "one line that matches is enough to deny";
  EXPECT_TRUE(header_of("x", string_of(Kind::Exact, "c"), true).matches(head));
}

TEST_F(HeaderMatch, AMissingHeaderMatchesNoValueInvertedOrNot) {
  using Kind = StringMatcher::Kind;
  const auto head = request({});
  EXPECT_FALSE(header_of("x", string_of(Kind::Exact, "a")).matches(head));
  EXPECT_FALSE(header_of("x", string_of(Kind::Exact, "a"), true).matches(head));
  HeaderMatcher as_empty = header_of("x", string_of(Kind::Exact, ""));
  as_empty.treat_missing_as_empty = true;
  EXPECT_TRUE(as_empty.matches(head));
  HeaderMatcher not_a = header_of("x", string_of(Kind::Exact, "a"), true);
  not_a.treat_missing_as_empty = true;
  EXPECT_TRUE(not_a.matches(head));
}

TEST_F(HeaderMatch, PresenceAndItsInversion) {
  const auto with = request({{"x", ""}});
  const auto without = request({});
  EXPECT_TRUE(presence_of("x", true).matches(with));
  EXPECT_FALSE(presence_of("x", true).matches(without));
  EXPECT_FALSE(presence_of("x", false).matches(with));
  EXPECT_TRUE(presence_of("x", false).matches(without));
  EXPECT_FALSE(presence_of("x", true, true).matches(with));
  EXPECT_TRUE(presence_of("x", true, true).matches(without));
  EXPECT_FALSE(presence_of("x", false, true).matches(without));
}

TEST_F(HeaderMatch, RangesTakeWholeDecimalNumbers) {
  const auto matcher = range_of("x", -10, 20);
  EXPECT_TRUE(matcher.matches(request({{"x", "-10"}})));
  EXPECT_TRUE(matcher.matches(request({{"x", "19"}})));
  EXPECT_TRUE(matcher.matches(request({{"x", "+5"}})));
  EXPECT_FALSE(matcher.matches(request({{"x", "20"}})));
  EXPECT_FALSE(matcher.matches(request({{"x", "1.5"}})));
  EXPECT_FALSE(matcher.matches(request({{"x", "5a"}})));
  EXPECT_FALSE(matcher.matches(request({{"x", ""}})));
  EXPECT_FALSE(matcher.matches(request({{"x", "99999999999999999999"}})));
}

TEST_F(HeaderMatch, PseudoAndKnownHeadersAreLookedUpByName) {
  using Kind = StringMatcher::Kind;
  const auto head = get("a.com", "/", {{"content-type", "text/plain"}});
  EXPECT_TRUE(header_of(":method", string_of(Kind::Exact, "GET")).matches(head));
  EXPECT_TRUE(header_of("content-type", string_of(Kind::Prefix, "text/")).matches(head));
  EXPECT_TRUE(header_of("host", string_of(Kind::Exact, "a.com")).matches(head)) << "another name of :authority";
  EXPECT_FALSE(header_of("content-length", string_of(Kind::Prefix, "")).matches(head));
}

TEST(QueryMatcher, ComparesTheFirstParameterOfItsNameAsSent) {
  QueryMatcher matcher;
  matcher.name = "a";
  matcher.string = string_of(StringMatcher::Kind::Exact, "1");
  EXPECT_TRUE(matcher.matches("a=1"));
  EXPECT_TRUE(matcher.matches("b=2&a=1"));
  EXPECT_FALSE(matcher.matches("a=2&a=1"));
  EXPECT_FALSE(matcher.matches("aa=1"));
  EXPECT_FALSE(matcher.matches("a=%31"));
  EXPECT_FALSE(matcher.matches(""));
  matcher.string = string_of(StringMatcher::Kind::Exact, "1=2");
  EXPECT_TRUE(matcher.matches("a=1=2"));
}

TEST(QueryMatcher, PresenceCountsParametersWithoutValue) {
  QueryMatcher matcher;
  matcher.name = "debug";
  matcher.is_presence = true;
  EXPECT_TRUE(matcher.matches("x=1&debug"));
  EXPECT_TRUE(matcher.matches("debug="));
  EXPECT_FALSE(matcher.matches("debugger"));
  matcher.present = false;
  EXPECT_TRUE(matcher.matches(""));
  EXPECT_FALSE(matcher.matches("debug"));
}

}  // namespace
}  // namespace weft::proxy
