#include "http/authority.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

TEST(AuthorityTest, SplitsHostAndPort) {
  EXPECT_EQ(parse_authority("example.com")->host, "example.com");
  EXPECT_EQ(parse_authority("example.com")->port, std::nullopt);
  EXPECT_EQ(parse_authority("example.com:8080")->port, 8080);
  EXPECT_EQ(parse_authority("example.com:")->host, "example.com");
  EXPECT_EQ(parse_authority("example.com:")->port, std::nullopt);
  EXPECT_EQ(parse_authority("[2001:db8::1]:443")->host, "[2001:db8::1]");
  EXPECT_EQ(parse_authority("[::ffff:10.0.0.1]")->host, "[::ffff:10.0.0.1]");
  EXPECT_EQ(parse_authority("a:65535")->port, 65535);
}

TEST(AuthorityTest, RefusesWhatIsNoHost) {
  for (std::string_view text :
       {"", ":80", "a:65536", "a:x", "a:1:2", "a,b", "a b", "u@a", "[::1", "[]", "[::g]", "[::1]x", "[fe80::1%1]",
        "a/b", "a%41", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", "a:000080"}) {
    EXPECT_FALSE(parse_authority(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace weft::http
