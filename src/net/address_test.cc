#include "net/address.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace weft::net {
namespace {

Address ip(std::string_view text, uint16_t port = 0) {
  base::Result<Address> a = Address::parse(text, port);
  EXPECT_TRUE(a.has_value()) << text;
  return a ? *a : Address();
}

TEST(AddressTest, PrintsWhatItParsed) {
  EXPECT_EQ(ip("127.0.0.1", 80).to_string(), "127.0.0.1:80");
  EXPECT_EQ(ip("::1", 443).to_string(), "[::1]:443");
  EXPECT_EQ(ip("2001:DB8:0:0::7").ip(), "2001:db8::7");
  EXPECT_EQ(Address::unix_path("/run/a.sock").to_string(), "/run/a.sock");
  EXPECT_EQ(ip("fe80::1%1").ip().substr(0, 8), "fe80::1%");
}

TEST(AddressTest, RefusesWhatIsNotALiteral) {
  for (const char* text : {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4 ", "::g", "1::2::3",
                           "127.0.0.1%1", "fe80::1%", "fe80::1%nosuchinterface"}) {
    EXPECT_FALSE(Address::parse(text, 1).has_value()) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0", 8), 1).has_value());
}

TEST(AddressTest, SurvivesTheWayThroughASockaddr) {
  for (const Address& a : {ip("10.1.2.3", 65535), ip("::1", 1), ip("fe80::1%1", 9), Address::unix_path("/tmp/x"),
                           Address::unix_path("@abstract")}) {
    sockaddr_storage storage;
    const uint32_t length = a.to_sockaddr(&storage);
    const Address b = Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
    EXPECT_EQ(a, b) << a.to_string();
    EXPECT_EQ(a.hash(), b.hash());
  }
}

TEST(AddressTest, HashTellsPortsApart) { EXPECT_NE(ip("10.0.0.1", 1).hash(), ip("10.0.0.1", 2).hash()); }

TEST(AddressTest, KnowsLoopbackInBothFamilies) {
  EXPECT_TRUE(ip("127.8.0.1").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_TRUE(ip("::ffff:127.0.0.1").is_loopback());
  EXPECT_FALSE(ip("10.0.0.1").is_loopback());
  EXPECT_FALSE(Address::unix_path("/a").is_loopback());
}

TEST(AddressRangeTest, ContainsByPrefix) {
  const AddressRange ten = *AddressRange::parse("10.128.0.0", 9);
  EXPECT_TRUE(ten.contains(ip("10.255.1.1")));
  EXPECT_FALSE(ten.contains(ip("10.127.1.1")));
  EXPECT_TRUE(ten.contains(ip("::ffff:10.200.0.1")));
  EXPECT_FALSE(ten.contains(ip("::1")));
  EXPECT_FALSE(ten.contains(Address::unix_path("/a")));
  const AddressRange all = *AddressRange::parse("::", 0);
  EXPECT_TRUE(all.contains(ip("2001:db8::1")));
  EXPECT_FALSE(all.contains(ip("1.2.3.4")));
  EXPECT_TRUE(AddressRange::parse("10.0.0.1", 32)->contains(ip("10.0.0.1", 77)));
}

TEST(AddressRangeTest, RefusesPrefixesLongerThanTheAddress) {
  EXPECT_FALSE(AddressRange::parse("10.0.0.0", 33).has_value());
  EXPECT_FALSE(AddressRange::parse("::", 129).has_value());
  EXPECT_FALSE(AddressRange::parse("ten", 8).has_value());
}

}  // namespace
}  // namespace weft::net
