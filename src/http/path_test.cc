#include "http/path.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

std::string normalize(std::string_view target, const PathRules& rules) {
  std::string out = "untouched";
  switch (normalize_path(target, rules, out)) {
    case PathVerdict::Unchanged: EXPECT_EQ(out, "untouched"); return std::string(target);
    case PathVerdict::Changed: return out;
    case PathVerdict::Redirect: return "redirect " + out;
    case PathVerdict::Reject: return "reject";
  }
  return "";
}

TEST(PathTest, DotSegmentsAreRemovedWhateverTheirSpelling) {
  const PathRules rules{.is_normalized = true};
  const std::pair<std::string_view, std::string_view> cases[] = {{"/", "/"},
                                                                 {"/a/b", "/a/b"},
                                                                 {"/a/./b", "/a/b"},
                                                                 {"/a/../b", "/b"},
                                                                 {"/a/b/..", "/a/"},
                                                                 {"/a/b/.", "/a/b/"},
                                                                 {"/..", "/"},
                                                                 {"/../../a", "/a"},
                                                                 {"/a/%2e%2E/admin", "/admin"},
                                                                 {"/a/.%2e/b", "/b"},
                                                                 {"/a/%2e/b", "/a/b"},
                                                                 {"/a\\..\\b", "/b"},
                                                                 {"/a//../b", "/a/b"},
                                                                 {"/a//b", "/a//b"},
                                                                 {"/...", "/..."},
                                                                 {"/.a/..b", "/.a/..b"},
                                                                 {"/a/..%2fb", "/a/..%2fb"},
                                                                 {"/%zz/%", "/%zz/%"},
                                                                 {"/a/../b?x=/../y", "/b?x=/../y"},
                                                                 {"/a/b;x=1/../c", "/a/c"},
                                                                 {"/a;..", "/a;.."},
                                                                 {"*", "*"},
                                                                 {"/%41", "/%41"},
                                                                 {"/a/..?q", "/?q"}};
  for (const auto& [target, expected] : cases) EXPECT_EQ(normalize(target, rules), expected) << target;
}

TEST(PathTest, WhatServersReadDifferentlyIsRefused) {
  const PathRules rules{.is_normalized = true};
  for (std::string_view target :
       {"/a/..;/admin", "/a/.;x/admin", "/a/%2e%2e;/admin", "/a/..%3b/admin", "/%00", "/a%00/../b"}) {
    EXPECT_EQ(normalize(target, rules), "reject") << target;
  }
  EXPECT_EQ(normalize("/a/..;/admin", {}), "/a/..;/admin");
}

TEST(PathTest, SlashesAreMergedInThePathOnly) {
  const PathRules rules{.merges_slashes = true};
  EXPECT_EQ(normalize("//a///b/?x=//y", rules), "/a/b/?x=//y");
  EXPECT_EQ(normalize("/a/../b", rules), "/a/../b");
}

TEST(PathTest, EscapedSlashesFollowTheirAction) {
  PathRules rules{.is_normalized = true};
  EXPECT_EQ(normalize("/a%2fb", rules), "/a%2fb");
  rules.escaped_slashes = EscapedSlashes::Reject;
  EXPECT_EQ(normalize("/a%2Fb", rules), "reject");
  EXPECT_EQ(normalize("/a%5cb", rules), "reject");
  EXPECT_EQ(normalize("/a?b=%2f", rules), "/a?b=%2f");
  rules.escaped_slashes = EscapedSlashes::UnescapeAndForward;
  EXPECT_EQ(normalize("/a/..%2Fb?c=%2F", rules), "/b?c=%2F");
  EXPECT_EQ(normalize("/a%5C..%5Cb", rules), "/b");
  EXPECT_EQ(normalize("/a%252Fb", rules), "/a%252Fb");
  rules.escaped_slashes = EscapedSlashes::UnescapeAndRedirect;
  EXPECT_EQ(normalize("/a%2Fb?c", rules), "redirect /a/b?c");
  EXPECT_EQ(normalize("/a/../b", rules), "/b");
}

TEST(PathTest, SplitsAtTheFirstDelimiterOfEachKind) {
  const PathParts parts = split_path("/a?b=c?d#e?f");
  EXPECT_EQ(parts.path, "/a");
  EXPECT_EQ(parts.query, "b=c?d");
  EXPECT_EQ(parts.fragment, "e?f");
  EXPECT_FALSE(split_path("/a").has_query);
  EXPECT_TRUE(split_path("/a?").has_query);
}

TEST(PathTest, FindsQueryParametersAsWritten) {
  EXPECT_EQ(find_query_parameter("/?a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(find_query_parameter("/?a&&b=%20&c==", "a"), "");
  EXPECT_EQ(find_query_parameter("/?a&&b=%20&c==", "b"), "%20");
  EXPECT_EQ(find_query_parameter("/?a&&b=%20&c==", "c"), "=");
  EXPECT_EQ(find_query_parameter("/?a=1", "A"), std::nullopt);
  EXPECT_EQ(find_query_parameter("/", "a"), std::nullopt);
}

TEST(PathTest, DecodesValidEscapesOnly) { EXPECT_EQ(percent_decode("a%20%7e%zz%4"), "a ~%zz%4"); }

}  // namespace
}  // namespace weft::http
