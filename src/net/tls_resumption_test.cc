#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/testing/tls_fixture.h"

namespace weft::net {
namespace {

/// A client and a server context, and what two connections in a row make of them.
class ResumptionTest : public TlsTest {
 protected:
  void SetUp() override {
    server_ = mutual_server_config();
    client_ = client_config();
    client_.certificates = {client_certificate()};
  }
  void build() {
    server_context_ = make(server_, TlsRole::Server);
    client_context_ = make(client_, TlsRole::Client);
  }
  /// Connects and closes; whether the session was resumed. Fails the test where it does not open.
  bool connect_resumes(std::string_view sni = "test.example") {
    TlsPair pair = this->pair(client_context_, client_, server_context_, server_, sni);
    pair.pump();
    EXPECT_TRUE(pair.is_open()) << (pair.client_status ? pair.server_status ? "" : pair.server_status.error().message
                                                       : pair.client_status.error().message);
    const bool is_resumed = pair.server->info().is_resumed;
    EXPECT_EQ(is_resumed, pair.client->info().is_resumed);
    if (is_resumed) {
      EXPECT_EQ(pair.server->info().peer_subject, "CN=client,O=Weft");
    }
    return is_resumed;
  }

  TlsContextConfig server_, client_;
  Context server_context_, client_context_;
};

class Resumption : public ResumptionTest, public testing::WithParamInterface<TlsVersion> {
 protected:
  void SetUp() override {
    ResumptionTest::SetUp();
    client_.min_version = client_.max_version = GetParam();
    build();
  }
};

TEST_P(Resumption, the_second_connection_resumes) {
  EXPECT_FALSE(connect_resumes());
  EXPECT_TRUE(connect_resumes());
  EXPECT_TRUE(connect_resumes());
  EXPECT_EQ(server_counts_[TlsEvent::SessionReused], 2u);
  EXPECT_EQ(client_counts_[TlsEvent::SessionReused], 2u);
}

TEST_P(Resumption, a_ticket_opens_on_every_worker_with_the_same_keys) {
  EXPECT_FALSE(connect_resumes());
  server_context_ = make(server_, TlsRole::Server);  // the other worker's
  EXPECT_TRUE(connect_resumes());
}

TEST_P(Resumption, a_ticket_survives_a_rotation_and_dies_with_its_key) {
  EXPECT_FALSE(connect_resumes());
  tickets_ = tickets_->rotated();
  EXPECT_TRUE(connect_resumes());
  build();
  EXPECT_FALSE(connect_resumes());
  for (size_t i = 0; i < base::kTlsTicketKeysMax; ++i) tickets_ = tickets_->rotated();
  EXPECT_EQ(tickets_->all().size(), base::kTlsTicketKeysMax);
  EXPECT_FALSE(connect_resumes());
}

TEST_P(Resumption, a_resumed_session_still_knows_the_whole_chain) {
  TestAuthority intermediate("intermediate", *authority_);
  client_.certificates = {intermediate.issue({})};
  build();
  for (const bool is_resumed : {false, true, true}) {
    TlsPair pair = this->pair(client_context_, client_, server_context_, server_);
    pair.pump();
    ASSERT_TRUE(pair.is_open());
    EXPECT_EQ(pair.server->info().is_resumed, is_resumed);
    EXPECT_EQ(pair.server->info().peer_chain_pem, client_.certificates[0].chain_pem);
    EXPECT_EQ(pair.client->info().peer_chain_pem, server_.certificates[0].chain_pem);
  }
}

// CVE-2025-23419: a ticket from listener A, whose clients another authority vouches for, is worth nothing on B.
TEST_P(Resumption, a_ticket_of_another_listener_means_a_full_handshake) {
  TestAuthority other("other");
  EXPECT_FALSE(connect_resumes());
  TlsContextConfig b = server_;
  b.trusted_ca_pem = other.pem();
  const Context b_context = make(b, TlsRole::Server);
  TlsPair pair = this->pair(client_context_, client_, b_context, b);  // even with the same ticket keys
  pair.pump();
  EXPECT_FALSE(pair.server_status);
  EXPECT_NE(pair.server_status.error().message.find("verify cert failed"), std::string::npos);
}

TEST_P(Resumption, a_ticket_of_another_scope_means_a_full_handshake) {
  EXPECT_FALSE(connect_resumes());
  server_.peer.session_scope = "another listener";
  EXPECT_FALSE(connect_resumes());
}

TEST_P(Resumption, the_client_s_certificate_must_still_be_valid) {
  client_.allow_expired_certificate = true;  // the server's is as old
  server_.session_timeout = base::seconds(365 * 86400);
  build();
  clock_.now = kTestNow + base::seconds(30 * 86400 - 60);
  EXPECT_FALSE(connect_resumes());
  clock_.now += base::seconds(120);
  TlsPair pair = this->pair(client_context_, client_, server_context_, server_);
  pair.pump();
  ASSERT_FALSE(pair.server_status) << "the full handshake that follows finds it expired";
  EXPECT_NE(pair.server_status.error().message.find("certificate has expired"), std::string::npos);
}

TEST_P(Resumption, the_server_s_names_are_checked_again_by_the_client) {
  EXPECT_FALSE(connect_resumes());
  client_.peer.san_matchers = {{SanType::Dns, SanMatcher::Kind::Exact, "other.example", false, {}, nullptr}};
  TlsPair pair = this->pair(client_context_, client_, server_context_, server_);
  pair.pump();
  EXPECT_FALSE(pair.client_status);
  EXPECT_EQ(client_counts_[TlsEvent::FailVerifySan], 1u);
}

TEST_P(Resumption, a_session_ends_after_its_timeout_by_the_loop_s_clock) {
  server_.session_timeout = base::seconds(100);
  build();
  EXPECT_FALSE(connect_resumes());
  clock_.now += base::seconds(99);
  EXPECT_TRUE(connect_resumes());
  // Renewed tickets count from the full handshake.
  clock_.now += base::seconds(2);
  EXPECT_FALSE(connect_resumes());
}

TEST_P(Resumption, sessions_are_kept_apart_by_name_and_scope) {
  EXPECT_FALSE(connect_resumes("test.example"));
  EXPECT_FALSE(connect_resumes("other.example"));
  EXPECT_TRUE(connect_resumes("test.example"));
  client_.peer.session_scope = "another cluster";
  EXPECT_FALSE(connect_resumes("test.example"));
}

TEST_P(Resumption, max_session_keys_zero_keeps_none) {
  client_.max_session_keys = 0;
  build();
  EXPECT_FALSE(connect_resumes());
  EXPECT_FALSE(connect_resumes());
}

TEST_P(Resumption, a_server_without_tickets_and_cache_resumes_none) {
  server_.disable_stateless_session_resumption = true;
  server_.disable_stateful_session_resumption = true;
  build();
  EXPECT_FALSE(connect_resumes());
  EXPECT_FALSE(connect_resumes());
}

TEST_P(Resumption, given_keys_are_used) {
  auto given = TicketKeys::from_given({std::string(80, 'a'), std::string(80, 'b')});
  ASSERT_TRUE(given);
  tickets_ = *given;
  EXPECT_FALSE(connect_resumes());
  tickets_ = *TicketKeys::from_given({std::string(80, 'c'), std::string(80, 'a')});
  EXPECT_TRUE(connect_resumes()) << "the second key still decrypts";
  tickets_ = *TicketKeys::from_given({std::string(80, 'd')});
  EXPECT_FALSE(connect_resumes());
}

TEST_P(Resumption, a_connection_cut_without_close_notify_resumes) {
  EXPECT_FALSE(connect_resumes());  // connect_resumes never sends one
  EXPECT_TRUE(connect_resumes());
}

INSTANTIATE_TEST_SUITE_P(Versions, Resumption, testing::Values(TlsVersion::Tls1_2, TlsVersion::Tls1_3),
                         [](const auto& info) { return info.param == TlsVersion::Tls1_2 ? "Tls12" : "Tls13"; });

TEST_F(ResumptionTest, tls_1_2_resumes_by_session_id_where_tickets_are_off) {
  client_.max_version = TlsVersion::Tls1_2;
  server_.disable_stateless_session_resumption = true;
  server_.session_timeout = base::seconds(100);
  build();
  EXPECT_FALSE(connect_resumes());
  EXPECT_TRUE(connect_resumes());
  clock_.now += base::seconds(101);
  EXPECT_FALSE(connect_resumes());
}

TEST_F(ResumptionTest, tls_1_3_sends_no_ticket_where_they_are_off) {
  server_.disable_stateless_session_resumption = true;
  build();
  EXPECT_FALSE(connect_resumes());
  EXPECT_FALSE(connect_resumes());
}

TEST_F(ResumptionTest, given_keys_of_another_size_are_refused) {
  auto keys = TicketKeys::from_given({std::string(80, 'a'), std::string(48, 'b')});
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().message, "session_ticket_keys.keys[1]: 48 bytes, must be 80");
  EXPECT_FALSE(TicketKeys::from_given({}));
}

}  // namespace
}  // namespace weft::net
