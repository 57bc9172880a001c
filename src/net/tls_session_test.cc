#include "net/tls_session.h"

#include <gtest/gtest.h>

#include "net/testing/tls_fixture.h"

namespace weft::net {
namespace {

using TlsSessionTest = TlsTest;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST_F(TlsSessionTest, carries_bytes_both_ways_after_the_handshake) {
  TlsPair pair = connected(client_config(), server_config());
  ASSERT_TRUE(pair.is_open()) << (pair.client_status ? pair.server_status : pair.client_status).error().message;
  ASSERT_TRUE(pair.client->send(bytes("ping")));
  ASSERT_TRUE(pair.server->send(bytes("pong")));
  pair.pump();
  EXPECT_EQ(pair.to_server.to_string(), "ping");
  EXPECT_EQ(pair.to_client.to_string(), "pong");
  EXPECT_EQ(client_counts_[TlsEvent::Handshake], 1u);
  EXPECT_EQ(server_counts_[TlsEvent::Handshake], 1u);
  EXPECT_EQ(server_counts_[TlsEvent::NoCertificate], 1u);
  EXPECT_EQ(server_counts_.versions["TLSv1.3"], 1u);
  EXPECT_EQ(server_counts_.curves["X25519"], 1u);
  EXPECT_EQ(client_counts_.signature_algorithms["ecdsa_secp256r1_sha256"], 1u);
  EXPECT_TRUE(server_counts_.signature_algorithms.empty()) << "the client showed no certificate";
}

TEST_F(TlsSessionTest, bytes_sent_before_the_handshake_wait_for_it) {
  TlsPair pair = this->pair(client_config(), server_config());
  ASSERT_TRUE(pair.client->send(bytes("early")));
  base::Chain before;
  pair.client->take_output(before);
  EXPECT_TRUE(before.is_empty());
  pair.pump();
  EXPECT_EQ(pair.to_server.to_string(), "early");
}

TEST_F(TlsSessionTest, works_one_byte_at_a_time) {
  const std::string text = pattern(40000);
  for (const TlsVersion version : {TlsVersion::Tls1_2, TlsVersion::Tls1_3}) {
    TlsContextConfig client = client_config();
    client.min_version = client.max_version = version;
    TlsPair pair = this->pair(client, server_config());
    pair.piece_bytes = 1;
    pair.pump();
    ASSERT_TRUE(pair.is_open());
    ASSERT_TRUE(pair.client->send(bytes(text)));
    pair.pump();
    EXPECT_EQ(pair.to_server.to_string(), text);
  }
}

// Everything the server receives, split in two at every byte, must come to the same.
TEST_F(TlsSessionTest, works_split_at_every_point_of_a_record) {
  TlsPair pair = connected(client_config(), server_config());
  const std::string text = pattern(300);
  ASSERT_TRUE(pair.client->send(bytes(text)));
  base::Chain out;
  pair.client->take_output(out);
  const size_t wire_bytes = out.size();
  for (size_t split = 1; split < wire_bytes; ++split) {
    const std::string wire = out.to_string();
    base::Chain plain;
    ASSERT_TRUE(pair.server->receive(base::Slice::copy_of(pool_, std::string_view(wire).substr(0, split)), plain));
    ASSERT_TRUE(pair.server->receive(base::Slice::copy_of(pool_, std::string_view(wire).substr(split)), plain));
    ASSERT_EQ(plain.to_string(), text) << "split at " << split;
    out.clear();
    ASSERT_TRUE(pair.client->send(bytes(text)));
    pair.client->take_output(out);
  }
}

TEST_F(TlsSessionTest, large_transfers_arrive_whole_and_leave_no_block_behind) {
  {
    TlsPair pair = connected(client_config(), server_config());
    const std::string text = pattern(1 << 20);
    base::Chain chain;
    for (size_t at = 0; at < text.size(); at += 1000) chain.append_copy(pool_, std::string_view(text).substr(at, 1000));
    ASSERT_TRUE(pair.server->send(std::move(chain)));
    pair.pump();
    EXPECT_EQ(pair.to_client.to_string(), text);
  }
  EXPECT_EQ(pool_.live_blocks(), 0u);
}

TEST_F(TlsSessionTest, an_idle_session_holds_no_block) {
  TlsPair pair = connected(client_config(), server_config());
  ASSERT_TRUE(pair.client->send(bytes(pattern(5000))));
  pair.pump();
  pair.to_server.clear();
  pair.to_client.clear();
  EXPECT_EQ(pool_.live_blocks(), 0u);
}

TEST_F(TlsSessionTest, small_slices_of_one_send_share_a_record) {
  TlsPair pair = connected(client_config(), server_config());
  base::Chain chain;
  for (int i = 0; i < 10; ++i) chain.append_copy(pool_, "0123456789");
  ASSERT_TRUE(pair.server->send(std::move(chain)));
  base::Chain out;
  pair.server->take_output(out);
  EXPECT_EQ(out.size(), 100u + 22u);  // one header, one type byte, one tag
  EXPECT_EQ(out.slice_count(), 1u);
}

TEST_F(TlsSessionTest, close_notify_is_an_orderly_end) {
  TlsPair pair = connected(client_config(), server_config());
  ASSERT_TRUE(pair.client->send(bytes("last")));
  pair.client->shutdown();
  pair.pump();
  EXPECT_EQ(pair.to_server.to_string(), "last");
  EXPECT_TRUE(pair.server->has_received_close());
  EXPECT_FALSE(pair.client->has_received_close());
  // The other direction still works.
  ASSERT_TRUE(pair.server->send(bytes("answer")));
  pair.pump();
  EXPECT_EQ(pair.to_client.to_string(), "answer");
}

TEST_F(TlsSessionTest, bytes_after_close_notify_are_dropped) {
  TlsPair pair = connected(client_config(), server_config());
  pair.client->shutdown();
  pair.pump();
  ASSERT_TRUE(pair.server->has_received_close());
  base::Chain plain;
  ASSERT_TRUE(pair.server->receive(base::Slice::copy_of(pool_, "more"), plain));
  EXPECT_TRUE(plain.is_empty());
  EXPECT_EQ(pool_.live_blocks(), 0u);
}

TEST_F(TlsSessionTest, a_damaged_record_ends_the_session_with_an_alert) {
  TlsPair pair = connected(client_config(), server_config());
  ASSERT_TRUE(pair.client->send(bytes("hello")));
  base::Chain out;
  pair.client->take_output(out);
  std::string wire = out.to_string();
  wire.back() = static_cast<char>(wire.back() ^ 1);
  base::Chain plain;
  const base::Status status = pair.server->receive(base::Slice::copy_of(pool_, wire), plain);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::ErrorCode::Tls);
  EXPECT_EQ(status.error().side, base::Side::Downstream);
  EXPECT_NE(status.error().message.find("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), std::string::npos)
      << status.error().message;
  EXPECT_TRUE(status.error().message.starts_with("TLS_error:|") && status.error().message.ends_with(":TLS_error_end"));
  EXPECT_TRUE(plain.is_empty());
  base::Chain alert;
  pair.server->take_output(alert);
  EXPECT_FALSE(alert.is_empty());
  EXPECT_EQ(server_counts_[TlsEvent::ConnectionError], 1u);
  EXPECT_FALSE(pair.server->send(bytes("x")));
}

// CVE-2026-1642: what a plain-text upstream says before its ServerHello must never be taken for its answer.
TEST_F(TlsSessionTest, plain_bytes_before_the_server_hello_are_an_error) {
  TlsPair pair = this->pair(client_config(), server_config());
  ASSERT_TRUE(pair.client->start());
  base::Chain plain;
  const base::Status status =
      pair.client->receive(base::Slice::copy_of(pool_, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), plain);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().side, base::Side::Upstream);
  EXPECT_NE(status.error().message.find("WRONG_VERSION_NUMBER"), std::string::npos) << status.error().message;
  EXPECT_TRUE(plain.is_empty());
}

TEST_F(TlsSessionTest, an_application_data_record_before_the_server_hello_is_an_error) {
  TlsPair pair = this->pair(client_config(), server_config());
  ASSERT_TRUE(pair.client->start());
  base::Chain plain;
  EXPECT_FALSE(pair.client->receive(base::Slice::copy_of(pool_, std::string("\x17\x03\x03\x00\x05hello", 10)), plain));
  EXPECT_TRUE(plain.is_empty());
}

TEST_F(TlsSessionTest, info_names_both_ends) {
  TlsContextConfig server = mutual_server_config();
  server.alpn = {"h2", "http/1.1"};
  TlsContextConfig client = client_config();
  client.alpn = {"http/1.1", "h2"};
  client.certificates = {client_certificate()};
  TlsPair pair = connected(client, server, "Test.Example");
  ASSERT_TRUE(pair.is_open());
  EXPECT_EQ(pair.server->alpn(), "h2");
  const TlsInfo& info = pair.server->info();
  EXPECT_EQ(info.server_name, "test.example");
  EXPECT_EQ(info.alpn, "h2");
  EXPECT_EQ(info.version, "TLSv1.3");
  EXPECT_EQ(info.cipher.substr(0, 4), "TLS_");
  EXPECT_TRUE(info.has_peer_certificate);
  EXPECT_TRUE(info.is_peer_validated);
  EXPECT_EQ(info.peer_subject, "CN=client,O=Weft");
  EXPECT_EQ(info.peer_issuer, "CN=authority,O=Weft");
  EXPECT_EQ(info.peer_uri_sans, std::vector<std::string>{"spiffe://mesh.example/client"});
  EXPECT_EQ(info.peer_certificate_sha256, certificate_hash_of(client.certificates[0]));
  EXPECT_EQ(info.peer_chain_sha256s, std::vector<std::string>{info.peer_certificate_sha256});
  EXPECT_EQ(info.peer_chain_serials, std::vector<std::string>{info.peer_serial});
  ASSERT_EQ(info.peer_chain_sha1s.size(), 1u);
  EXPECT_EQ(info.peer_chain_sha1s[0].size(), 40u);
  EXPECT_FALSE(info.peer_issuer_serial.empty());
  EXPECT_EQ(info.peer_issuer_sha256, certificate_hash_of({.chain_pem = authority_->pem()}));
  EXPECT_EQ(info.group, "X25519");
  EXPECT_EQ(info.peer_certificate_pem, client.certificates[0].chain_pem);
  EXPECT_EQ(info.peer_chain_pem, client.certificates[0].chain_pem);
  EXPECT_EQ(info.peer_not_before, "2026-05-31T00:00:00.000Z");
  EXPECT_EQ(info.peer_not_after, "2026-07-01T00:00:00.000Z");
  EXPECT_EQ(info.local_subject, "CN=server,O=Weft");
  EXPECT_EQ(info.local_uri_sans, std::vector<std::string>{"spiffe://mesh.example/server"});
  EXPECT_EQ(pair.client->info().peer_dns_sans, (std::vector<std::string>{"test.example", "*.wild.example"}));
}

TEST_F(TlsSessionTest, info_may_be_asked_before_the_handshake) {
  TlsPair pair = this->pair(client_config(), server_config());
  EXPECT_EQ(pair.server->info().cipher, "");
  EXPECT_FALSE(pair.server->info().has_peer_certificate);
}

TEST_F(TlsSessionTest, what_was_forgotten_is_decoded_again) {
  TlsContextConfig client = client_config();
  client.certificates = {client_certificate()};
  TlsPair pair = connected(client, mutual_server_config());
  ASSERT_TRUE(pair.is_open());
  const std::string before = pair.server->info().peer_chain_pem;
  EXPECT_FALSE(before.empty());
  pair.server->forget_info();
  EXPECT_EQ(pair.server->info().peer_chain_pem, before);
  EXPECT_EQ(pair.server->info().peer_subject, "CN=client,O=Weft");
}

TEST_F(TlsSessionTest, without_a_common_protocol_the_handshake_goes_on) {
  TlsContextConfig server = server_config();
  server.alpn = {"h2"};
  TlsContextConfig client = client_config();
  client.alpn = {"spdy/3"};
  TlsPair pair = connected(client, server);
  EXPECT_TRUE(pair.is_open());
  EXPECT_EQ(pair.server->alpn(), "");
}

}  // namespace
}  // namespace weft::net
