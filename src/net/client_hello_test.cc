#include "net/client_hello.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/testing/tls_fixture.h"

namespace weft::net {
namespace {

std::string u8(size_t n) { return std::string(1, static_cast<char>(n)); }
std::string u16(size_t n) { return u8(n >> 8) + u8(n & 255); }
std::string with_length(size_t length_bytes, const std::string& body) {
  return (length_bytes == 1 ? u8(body.size()) : u16(body.size())) + body;
}
std::string extension(size_t type, const std::string& body) { return u16(type) + with_length(2, body); }
std::string server_name(const std::string& name) { return extension(0, with_length(2, u8(0) + with_length(2, name))); }

struct Hello {
  std::string session, ciphers = u16(0x1301), compression = u8(0), extensions;
  bool has_extensions = true;

  std::string message() const {
    std::string body = u16(0x0303) + std::string(32, 'r') + with_length(1, session) + with_length(2, ciphers) +
                       with_length(1, compression);
    if (has_extensions) body += with_length(2, extensions);
    return u8(1) + u8(body.size() >> 16) + u16(body.size() & 0xffff) + body;
  }
};

// Records of at most `piece` bytes.
std::string records(const std::string& message, size_t piece = 16384) {
  std::string out;
  for (size_t at = 0; at < message.size(); at += piece)
    out += u8(22) + u16(0x0301) + with_length(2, message.substr(at, piece));
  return out;
}

ClientHelloState state_of(const std::string& bytes) { return parse_client_hello(bytes).state; }

// What a real client says.
class RealHello : public TlsTest {
 protected:
  std::string hello_of(const TlsContextConfig& config, std::string_view sni) {
    TlsPair pair = this->pair(config, server_config(), sni);
    EXPECT_TRUE(pair.client->start());
    base::Chain out;
    pair.client->take_output(out);
    return out.to_string();
  }
};

TEST_F(RealHello, names_server_protocols_and_versions) {
  TlsContextConfig config = client_config();
  config.alpn = {"h2", "http/1.1"};
  const ClientHelloResult result = parse_client_hello(hello_of(config, "WWW.Example.com"));
  ASSERT_EQ(result.state, ClientHelloState::Complete);
  EXPECT_EQ(result.hello.server_name, "www.example.com");
  EXPECT_EQ(result.hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(result.hello.versions, (std::vector<uint16_t>{0x0304, 0x0303}));
}

TEST_F(RealHello, every_prefix_needs_more) {
  const std::string bytes = hello_of(client_config(), "test.example");
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(state_of(bytes.substr(0, size)), ClientHelloState::NeedMore) << size;
  EXPECT_EQ(state_of(bytes + "later bytes"), ClientHelloState::Complete);
}

TEST_F(RealHello, an_ip_literal_is_not_sent_as_a_name) {
  EXPECT_EQ(parse_client_hello(hello_of(client_config(), "127.0.0.1")).hello.server_name, "");
}

TEST(ClientHelloTest, a_message_cut_into_records_at_any_size_is_the_same) {
  Hello hello;
  hello.extensions = server_name("a.example") + extension(16, with_length(2, with_length(1, "h2")));
  for (size_t piece = 1; piece < 80; ++piece) {
    const std::string bytes = records(hello.message(), piece);
    const ClientHelloResult result = parse_client_hello(bytes);
    ASSERT_EQ(result.state, ClientHelloState::Complete) << piece;
    EXPECT_EQ(result.hello.server_name, "a.example");
    EXPECT_EQ(result.hello.alpn, std::vector<std::string>{"h2"});
    for (size_t size = 0; size < bytes.size(); ++size)
      ASSERT_EQ(state_of(bytes.substr(0, size)), ClientHelloState::NeedMore) << piece << ' ' << size;
  }
}

TEST(ClientHelloTest, without_extensions_the_version_is_the_legacy_one) {
  Hello hello;
  hello.has_extensions = false;
  const ClientHelloResult result = parse_client_hello(records(hello.message()));
  ASSERT_EQ(result.state, ClientHelloState::Complete);
  EXPECT_EQ(result.hello.versions, std::vector<uint16_t>{0x0303});
}

TEST(ClientHelloTest, other_protocols_are_known_by_their_first_bytes) {
  EXPECT_EQ(state_of("G"), ClientHelloState::NotTls);
  EXPECT_EQ(state_of("GET / HTTP/1.1\r\n"), ClientHelloState::NotTls);
  EXPECT_EQ(state_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ClientHelloState::NotTls);
  EXPECT_EQ(state_of(std::string("\x80\x2e\x01\x03\x01", 5)), ClientHelloState::NotTls);  // SSL 2
  EXPECT_EQ(state_of(std::string("\x16\x02", 2)), ClientHelloState::NotTls);
  EXPECT_EQ(state_of(std::string("\x16\x03\x01\x00\x00", 5)), ClientHelloState::NotTls);      // empty record
  EXPECT_EQ(state_of(std::string("\x16\x03\x01\x40\x01", 5)), ClientHelloState::NotTls);      // record too long
  EXPECT_EQ(state_of(std::string("\x16\x03\x01\x00\x04\x02", 6)), ClientHelloState::NotTls);  // a ServerHello
}

TEST(ClientHelloTest, another_record_type_inside_the_message_is_not_tls) {
  const std::string message = Hello().message();
  const std::string bytes = records(message.substr(0, 10)) + u8(21) + u16(0x0301) + with_length(2, message.substr(10));
  EXPECT_EQ(state_of(bytes), ClientHelloState::NotTls);
}

TEST(ClientHelloTest, malformed_fields_are_not_tls) {
  const auto refused = [](const std::string& extensions) {
    Hello hello;
    hello.extensions = extensions;
    return state_of(records(hello.message())) == ClientHelloState::NotTls;
  };
  EXPECT_FALSE(refused(extension(99, "unknown")));
  EXPECT_TRUE(refused(u16(0) + u16(10) + "short"));
  EXPECT_TRUE(refused(server_name("a") + server_name("b")));
  EXPECT_TRUE(refused(server_name(std::string("a\0b", 3))));
  EXPECT_TRUE(refused(server_name(std::string(256, 'a'))));
  EXPECT_TRUE(refused(server_name("")));
  EXPECT_TRUE(refused(extension(0, "")));
  EXPECT_TRUE(refused(extension(0, with_length(2, u8(0) + with_length(2, "a")) + "trailing")));
  EXPECT_TRUE(refused(extension(16, with_length(2, ""))));
  EXPECT_TRUE(refused(extension(16, with_length(2, with_length(1, "") + "x"))));
  EXPECT_TRUE(refused(extension(43, with_length(1, "abc"))));
  Hello odd;
  odd.ciphers = "abc";
  EXPECT_EQ(state_of(records(odd.message())), ClientHelloState::NotTls);
  Hello session;
  session.session = std::string(33, 's');
  EXPECT_EQ(state_of(records(session.message())), ClientHelloState::NotTls);
  Hello compression;
  compression.compression = "";
  EXPECT_EQ(state_of(records(compression.message())), ClientHelloState::NotTls);
}

TEST(ClientHelloTest, a_list_of_protocols_is_bounded) {
  std::string names;
  for (size_t i = 0; i <= base::kClientHelloAlpnMax; ++i) names += with_length(1, "p");
  Hello hello;
  hello.extensions = extension(16, with_length(2, names));
  EXPECT_EQ(state_of(records(hello.message())), ClientHelloState::NotTls);
}

TEST(ClientHelloTest, a_hello_above_the_limit_is_not_waited_for) {
  // Announced too large.
  EXPECT_EQ(state_of(records(u8(1) + u8(1) + u16(0) + "x")), ClientHelloState::NotTls);
  // Small enough as announced, but its records' headers fill the limit.
  const std::string drip = records(u8(1) + u8(0) + u16(16000) + std::string(16000, 'x'), 1);
  EXPECT_EQ(state_of(drip.substr(0, base::kClientHelloBytesMax - 1)), ClientHelloState::NeedMore);
  EXPECT_EQ(state_of(drip.substr(0, base::kClientHelloBytesMax)), ClientHelloState::NotTls);
}

TEST(ClientHelloTest, a_large_hello_within_the_limit_is_read) {
  Hello hello;
  hello.extensions = extension(21, std::string(16000, '\0')) + server_name("big.example");
  const ClientHelloResult result = parse_client_hello(records(hello.message()));
  ASSERT_EQ(result.state, ClientHelloState::Complete);
  EXPECT_EQ(result.hello.server_name, "big.example");
}

}  // namespace
}  // namespace weft::net
