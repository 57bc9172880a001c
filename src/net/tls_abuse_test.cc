// Peers that ask for more than they should after the handshake. They are OpenSSL clients and servers driven by hand.
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "base/limits.h"
#include "net/testing/tls_fixture.h"
#include "net/tls_openssl.h"

namespace weft::net {
namespace {

/// An OpenSSL endpoint over memory BIOs, opposite one of our sessions.
class RawPeer {
 public:
  RawPeer(bool is_server, const TlsCertificate* certificate, int version) : ctx_(SSL_CTX_new(TLS_method())) {
    SSL_CTX_set_min_proto_version(ctx_.get(), version);
    SSL_CTX_set_max_proto_version(ctx_.get(), version);
    if (certificate != nullptr) {
      BioPtr chain = bio_of(certificate->chain_pem), key = bio_of(certificate->key_pem);
      const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
      const EvpPkeyPtr private_key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
      SSL_CTX_use_certificate(ctx_.get(), leaf.get());
      SSL_CTX_use_PrivateKey(ctx_.get(), private_key.get());
    }
    ssl_.reset(SSL_new(ctx_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    is_server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }

  /// Exchanges what is waiting until both are silent. Returns our session's status.
  base::Status pump(TlsSession& ours, base::BlockPool& pool, base::Chain& plain) {
    for (bool moved = true; moved;) {
      if (SSL_in_init(ssl_.get())) SSL_do_handshake(ssl_.get());
      char junk[4096];
      while (SSL_read(ssl_.get(), junk, sizeof(junk)) > 0) {}
      char* data = nullptr;
      const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
      const std::string from_peer(data, static_cast<size_t>(size));
      (void)BIO_reset(SSL_get_wbio(ssl_.get()));
      if (!from_peer.empty())
        if (auto status = ours.receive(base::Slice::copy_of(pool, from_peer), plain); !status) return status;
      base::Chain out;
      ours.take_output(out);
      const std::string to_peer = out.to_string();
      BIO_write(SSL_get_rbio(ssl_.get()), to_peer.data(), static_cast<int>(to_peer.size()));
      moved = !from_peer.empty() || !to_peer.empty();
    }
    return {};
  }

 private:
  SslCtxPtr ctx_;
  SslPtr ssl_;
};

class AbuseTest : public TlsTest {
 protected:
  std::unique_ptr<TlsSession> our_server() {
    ServerSessionOptions options;
    options.rules = std::make_shared<PeerRules>();
    options.observer = &server_counts_;
    return make(server_config(), TlsRole::Server)->new_server_session(clock_.environment(pool_), std::move(options));
  }
  std::unique_ptr<TlsSession> our_client(const TlsContextConfig& config) {
    ClientSessionOptions options;
    options.rules = std::make_shared<PeerRules>();
    options.observer = &client_counts_;
    return make(config, TlsRole::Client)->new_client_session(clock_.environment(pool_), std::move(options));
  }
  base::Chain plain_;
};

TEST_F(AbuseTest, a_flood_of_key_updates_ends_the_connection) {
  const auto server = our_server();
  RawPeer client(false, nullptr, TLS1_3_VERSION);
  ASSERT_TRUE(client.pump(*server, pool_, plain_));
  ASSERT_TRUE(server->is_established());
  const auto update = [&] {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    EXPECT_EQ(SSL_do_handshake(client.ssl()), 1);
    return client.pump(*server, pool_, plain_);
  };
  for (uint32_t i = 0; i < base::kTlsKeyUpdatesPerSecondMax; ++i) ASSERT_TRUE(update()) << i;
  clock_.now += base::seconds(1);
  for (uint32_t i = 0; i < base::kTlsKeyUpdatesPerSecondMax; ++i) ASSERT_TRUE(update()) << i;
  const base::Status status = update();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "TLS_error:|TOO_MANY_KEY_UPDATES:TLS_error_end");
  EXPECT_EQ(server_counts_[TlsEvent::KeyUpdateFlood], 1u);
}

TEST_F(AbuseTest, key_updates_in_moderation_work) {
  const auto server = our_server();
  RawPeer client(false, nullptr, TLS1_3_VERSION);
  ASSERT_TRUE(client.pump(*server, pool_, plain_));
  SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
  ASSERT_EQ(SSL_write(client.ssl(), "after", 5), 5);
  ASSERT_TRUE(client.pump(*server, pool_, plain_));
  ASSERT_TRUE(server->send(bytes("reply")));
  ASSERT_TRUE(client.pump(*server, pool_, plain_));
  EXPECT_EQ(plain_.to_string(), "after");
}

TEST_F(AbuseTest, a_client_that_renegotiates_is_refused) {
  const auto server = our_server();
  RawPeer client(false, nullptr, TLS1_2_VERSION);
  ASSERT_TRUE(client.pump(*server, pool_, plain_));
  ASSERT_TRUE(server->is_established());
  ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
  SSL_do_handshake(client.ssl());
  const base::Status status = client.pump(*server, pool_, plain_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "TLS_error:|NO_RENEGOTIATION:TLS_error_end");
}

TEST_F(AbuseTest, a_server_that_renegotiates_is_refused_unless_allowed) {
  const TlsContextConfig server_side = server_config();
  for (const bool is_allowed : {false, true}) {
    TlsContextConfig config = client_config();
    config.allow_renegotiation = is_allowed;
    const auto client = our_client(config);
    RawPeer server(true, &server_side.certificates[0], TLS1_2_VERSION);
    ASSERT_TRUE(client->start());
    ASSERT_TRUE(server.pump(*client, pool_, plain_));
    ASSERT_TRUE(client->is_established());
    ASSERT_EQ(SSL_renegotiate(server.ssl()), 1);
    SSL_do_handshake(server.ssl());
    const base::Status status = server.pump(*client, pool_, plain_);
    EXPECT_EQ(status.has_value(), is_allowed) << (status ? "" : status.error().message);
    if (!is_allowed) continue;
    ASSERT_EQ(SSL_write(server.ssl(), "after", 5), 5);
    ASSERT_TRUE(server.pump(*client, pool_, plain_));
    EXPECT_EQ(plain_.to_string(), "after");
  }
}

TEST_F(AbuseTest, a_flood_of_session_tickets_ends_the_connection) {
  const TlsContextConfig server_side = server_config();
  const auto client = our_client(client_config());
  RawPeer server(true, &server_side.certificates[0], TLS1_3_VERSION);
  ASSERT_TRUE(client->start());
  ASSERT_TRUE(server.pump(*client, pool_, plain_));
  base::Status status;
  for (uint32_t i = 0; i <= base::kTlsTicketsReceivedMax && status; ++i) {
    SSL_new_session_ticket(server.ssl());
    SSL_do_handshake(server.ssl());
    status = server.pump(*client, pool_, plain_);
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "TLS_error:|TOO_MANY_SESSION_TICKETS:TLS_error_end");
}

// ---- OCSP, seen from a client that asks ----

class StapleTest : public AbuseTest {
 protected:
  /// What such a client is stapled; "-" for nothing, "!" where the handshake fails.
  std::string stapled(const TlsContextConfig& config) {
    ServerSessionOptions options;
    options.rules = std::make_shared<PeerRules>();
    options.observer = &server_counts_;
    const auto server =
        make(config, TlsRole::Server)->new_server_session(clock_.environment(pool_), std::move(options));
    RawPeer client(false, nullptr, TLS1_3_VERSION);
    SSL_set_tlsext_status_type(client.ssl(), TLSEXT_STATUSTYPE_ocsp);
    if (!client.pump(*server, pool_, plain_)) return "!";
    const unsigned char* response = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &response);
    return size > 0 ? std::string(reinterpret_cast<const char*>(response), static_cast<size_t>(size)) : "-";
  }
};

TEST_F(StapleTest, a_valid_staple_is_sent_and_an_expired_one_follows_the_policy) {
  TlsContextConfig config = server_config();
  const std::string staple = authority_->ocsp(config.certificates[0], kTestNow + base::seconds(3600));
  config.certificates[0].ocsp_staple = staple;
  EXPECT_EQ(stapled(config), staple);
  EXPECT_EQ(server_counts_[TlsEvent::OcspStapleRequests], 1u);
  EXPECT_EQ(server_counts_[TlsEvent::OcspStapleResponses], 1u);
  clock_.now += base::seconds(3601);
  EXPECT_EQ(stapled(config), "-");
  EXPECT_EQ(server_counts_[TlsEvent::OcspStapleOmitted], 1u);
  config.ocsp_staple_policy = OcspStaplePolicy::Strict;
  EXPECT_EQ(stapled(config), "!");
  EXPECT_EQ(server_counts_[TlsEvent::OcspStapleFailed], 1u);
  TlsPair pair = connected(client_config(), config);
  EXPECT_TRUE(pair.is_open()) << "a client that asks for no staple is served";
}

TEST_F(StapleTest, strict_without_any_staple_serves_and_must_does_not_start) {
  TlsContextConfig config = server_config();
  config.ocsp_staple_policy = OcspStaplePolicy::Strict;
  EXPECT_EQ(stapled(config), "-");
}

}  // namespace
}  // namespace weft::net
