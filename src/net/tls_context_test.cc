#include "net/tls_context.h"

#include <gtest/gtest.h>

#include "net/testing/tls_fixture.h"

namespace weft::net {
namespace {

using TlsContextTest = TlsTest;

// ---- what the configuration may say ----

TEST_F(TlsContextTest, faults_name_the_field_and_the_reason) {
  TlsContextConfig good = server_config();
  good.certificates[0].source = "server.pem";

  TlsContextConfig config = good;
  config.certificates.clear();
  EXPECT_EQ(fault(config, TlsRole::Server), "tls_certificates: a server needs one or more");

  config = good;
  config.certificates[0].chain_pem = "not PEM";
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_certificates[0].certificate_chain (server.pem): no PEM block found (no start line)");

  config = good;
  config.certificates[0].chain_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_TRUE(fault(config, TlsRole::Server).starts_with("tls_certificates[0].certificate_chain (server.pem): "));

  config = good;
  config.certificates[0].key_pem = "";
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_certificates[0].private_key (server.pem): no PEM block found (no start line)");

  config = good;
  config.certificates[0].key_pem = client_certificate().key_pem;
  EXPECT_EQ(fault(config, TlsRole::Server), "tls_certificates[0].private_key (server.pem): key values mismatch");

  config = good;
  config.trusted_ca_pem = good.certificates[0].key_pem;
  config.trusted_ca_source = "ca.pem";
  EXPECT_TRUE(fault(config, TlsRole::Server).starts_with("trusted_ca (ca.pem): ")) << fault(config, TlsRole::Server);

  config = good;
  config.crl_pem = "x";
  EXPECT_TRUE(fault(config, TlsRole::Server).starts_with("crl (<inline>): "));
}

TEST_F(TlsContextTest, faults_of_parameters_name_the_field_and_the_reason) {
  const TlsContextConfig good = server_config();
  TlsContextConfig config = good;
  config.min_version = TlsVersion::Tls1_3;
  config.max_version = TlsVersion::Tls1_2;
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_params: tls_minimum_protocol_version is above tls_maximum_protocol_version");

  config = good;
  config.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256", "BOGUS-SUITE"};
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_params.cipher_suites: failed to initialize cipher suites ECDHE-RSA-AES128-GCM-SHA256:BOGUS-SUITE; "
            "rejected when tried individually: BOGUS-SUITE");

  config = good;
  config.ecdh_curves = {"P-256", "P-999"};
  EXPECT_EQ(fault(config, TlsRole::Server), "tls_params.ecdh_curves: failed to initialize ECDH curves P-256:P-999");

  config = good;
  config.signature_algorithms = {"nonsense"};
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_params.signature_algorithms: failed to initialize signature algorithms nonsense");

  config = good;
  config.verify_certificate_hash = {"abcd"};
  EXPECT_EQ(fault(config, TlsRole::Server), "verify_certificate_hash: invalid hex-encoded SHA-256 abcd");

  config = good;
  config.verify_certificate_spki = {"!!!!"};
  EXPECT_EQ(fault(config, TlsRole::Server), "verify_certificate_spki: invalid base64-encoded SHA-256 !!!!");

  config = good;
  config.alpn = {""};
  EXPECT_EQ(fault(config, TlsRole::Server), "alpn_protocols: a name has 1 to 255 bytes");

  config = good;
  config.session_ticket_keys = {"short"};
  EXPECT_EQ(fault(config, TlsRole::Server), "session_ticket_keys.keys[0]: 5 bytes, must be 80");

  config = good;
  config.require_client_certificate = true;
  EXPECT_TRUE(fault(config, TlsRole::Server).starts_with("require_client_certificate: needs"));

  config = good;
  config.spiffe_trust_domains = {{"a.example", authority_->pem(), "a.pem"}, {"a.example", authority_->pem(), "b.pem"}};
  EXPECT_EQ(fault(config, TlsRole::Server),
            "trust_domains: multiple trust bundles are given for one trust domain, a.example");

  config = client_config();
  config.certificates = {client_certificate(), client_certificate()};
  EXPECT_EQ(fault(config, TlsRole::Client), "tls_certificates: a client shows one at most");

  config = client_config();
  config.trusted_ca_pem.clear();
  config.peer.auto_sni_san_validation = true;
  EXPECT_EQ(fault(config, TlsRole::Client), "auto_sni_san_validation: configured without a trusted CA");
}

TEST_F(TlsContextTest, short_rsa_keys_are_refused) {
  TestLeaf leaf;
  leaf.key = TestKey::Rsa1024;
  TlsContextConfig config;
  config.certificates = {authority_->issue(leaf)};
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_certificates[0].certificate_chain (<inline>): RSA keys must have 2048 bits or more");
}

TEST_F(TlsContextTest, a_key_may_be_behind_a_password) {
  TlsContextConfig config = server_config();
  config.certificates[0].key_pem = encrypt_key_pem(config.certificates[0].key_pem, "secret");
  EXPECT_TRUE(fault(config, TlsRole::Server).starts_with("tls_certificates[0].private_key (<inline>): "));
  config.certificates[0].password = "wrong";
  EXPECT_TRUE(fault(config, TlsRole::Server).starts_with("tls_certificates[0].private_key (<inline>): "));
  config.certificates[0].password = "secret";
  EXPECT_TRUE(connected(client_config(), config).is_open());
}

TEST_F(TlsContextTest, pkcs12_holds_certificate_and_key) {
  TlsContextConfig config = server_config();
  const TlsCertificate plain = config.certificates[0];
  config.certificates[0] = {};
  config.certificates[0].pkcs12 = to_pkcs12(plain, "secret");
  EXPECT_EQ(fault(config, TlsRole::Server).substr(0, 39), "tls_certificates[0].pkcs12 (<inline>): ");
  config.certificates[0].password = "secret";
  EXPECT_TRUE(connected(client_config(), config).is_open());
  config.certificates[0].key_pem = plain.key_pem;
  EXPECT_EQ(fault(config, TlsRole::Server),
            "tls_certificates[0] (<inline>): pkcs12 excludes certificate_chain and private_key");
}

// ---- versions, ciphers, curves ----

TEST_F(TlsContextTest, clients_stop_at_tls_1_2_unless_told) {
  TlsContextConfig client = client_config();
  client.max_version = TlsVersion::Auto;
  TlsPair pair = connected(client, server_config());
  EXPECT_EQ(pair.client->info().version, "TLSv1.2");
}

TEST_F(TlsContextTest, old_versions_work_for_those_who_ask) {
  TlsContextConfig client = client_config(), server = server_config();
  for (TlsContextConfig* config : {&client, &server}) {
    config->min_version = TlsVersion::Tls1_0;
    config->max_version = TlsVersion::Tls1_0;
    config->cipher_suites = {"ECDHE-ECDSA-AES128-SHA"};
  }
  EXPECT_EQ(connected(client, server).client->info().version, "TLSv1");
}

TEST_F(TlsContextTest, without_a_common_version_the_handshake_fails) {
  TlsContextConfig server = server_config(), client = client_config();
  server.min_version = TlsVersion::Tls1_3;
  client.max_version = TlsVersion::Tls1_2;
  TlsPair pair = connected(client, server);
  ASSERT_FALSE(pair.server_status);
  EXPECT_NE(pair.server_status.error().message.find("UNSUPPORTED_PROTOCOL"), std::string::npos);
  EXPECT_EQ(server_counts_[TlsEvent::ConnectionError], 1u);
}

TEST_F(TlsContextTest, suites_that_do_not_protect_are_refused_or_left_out) {
  for (const char* suite : {"NULL", "ADH-AES128-SHA", "eNULL", "aNULL"}) {
    TlsContextConfig config = server_config();
    config.cipher_suites = {suite};
    EXPECT_FALSE(TlsContext::make(config, TlsRole::Server)) << suite;
  }
  TlsContextConfig mixed = server_config();
  mixed.cipher_suites = {"HIGH"};  // OpenSSL counts anonymous suites among them
  mixed.max_version = TlsVersion::Tls1_2;
  TlsContextConfig client = client_config();
  client.cipher_suites = {"ECDHE-ECDSA-AES128-GCM-SHA256"};
  EXPECT_EQ(connected(client, mixed).client->info().cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsContextTest, cipher_suites_may_be_grouped_and_named_as_iana_does) {
  TlsContextConfig server = server_config(), client = client_config();
  client.max_version = TlsVersion::Tls1_2;
  server.cipher_suites = {"[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
                          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};
  client.cipher_suites = {"ECDHE-ECDSA-AES256-GCM-SHA384"};
  EXPECT_EQ(connected(client, server).client->info().cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_F(TlsContextTest, the_server_s_order_of_ciphers_decides_unless_told) {
  TlsContextConfig server = server_config(), client = client_config();
  client.max_version = TlsVersion::Tls1_2;
  server.cipher_suites = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"};
  client.cipher_suites = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"};
  EXPECT_EQ(connected(client, server).client->info().cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  server.prefer_client_ciphers = true;
  EXPECT_EQ(connected(client, server).client->info().cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsContextTest, curves_and_signature_algorithms_are_obeyed) {
  TlsContextConfig server = server_config();
  server.ecdh_curves = {"P-384"};
  TlsPair refused = connected(client_config(), server);
  EXPECT_FALSE(refused.is_open());
  TlsContextConfig client = client_config();
  client.ecdh_curves = {"P-384"};
  EXPECT_TRUE(connected(client, server).is_open());
  EXPECT_EQ(server_counts_.curves["P-384"], 1u);
  client.signature_algorithms = {"rsa_pss_rsae_sha256"};
  EXPECT_FALSE(connected(client, server).is_open()) << "the server's key is ECDSA";
}

// ---- which certificate ----

class SelectionTest : public TlsTest {
 protected:
  TlsCertificate certificate(const std::string& common_name, std::vector<std::string> dns,
                             TestKey key = TestKey::EcP256) {
    TestLeaf leaf;
    leaf.common_name = common_name;
    leaf.dns = std::move(dns);
    leaf.key = key;
    leaf.key_usage = "digitalSignature,keyEncipherment";
    return authority_->issue(leaf);
  }
  std::string shown(const TlsContextConfig& server, std::string_view sni, TlsContextConfig client) {
    TlsPair pair = connected(client, server, sni);
    EXPECT_TRUE(pair.is_open()) << sni;
    EXPECT_EQ(pair.server->info().local_subject, pair.client->info().peer_subject);
    return pair.client->info().peer_subject;
  }
  std::string shown(const TlsContextConfig& server, std::string_view sni) {
    return shown(server, sni, client_config());
  }
};

TEST_F(SelectionTest, exact_name_then_wildcard_then_the_first) {
  TlsContextConfig server;
  server.certificates = {certificate("first", {"first.example"}), certificate("wild", {"*.example.com"}),
                         certificate("exact", {"a.example.com"}), certificate("by-name.example", {})};
  EXPECT_EQ(shown(server, "a.example.com"), "CN=exact,O=Weft");
  EXPECT_EQ(shown(server, "A.EXAMPLE.COM"), "CN=exact,O=Weft");
  EXPECT_EQ(shown(server, "b.example.com"), "CN=wild,O=Weft");
  EXPECT_EQ(shown(server, "c.b.example.com"), "CN=first,O=Weft");
  EXPECT_EQ(shown(server, "by-name.example"), "CN=by-name.example,O=Weft");
  EXPECT_EQ(shown(server, "unknown"), "CN=first,O=Weft");
  EXPECT_EQ(shown(server, ""), "CN=first,O=Weft");
}

TEST_F(SelectionTest, ecdsa_is_preferred_where_the_client_can) {
  TlsContextConfig server;
  server.certificates = {certificate("rsa", {"a.example"}, TestKey::Rsa2048), certificate("ecdsa", {"a.example"})};
  for (const TlsVersion version : {TlsVersion::Tls1_2, TlsVersion::Tls1_3}) {
    TlsContextConfig client = client_config();
    client.min_version = client.max_version = version;
    EXPECT_EQ(shown(server, "a.example", client), "CN=ecdsa,O=Weft");
    // The chain's own signature is ECDSA; only what the server signs with is limited.
    client.signature_algorithms = {"rsa_pss_rsae_sha256", "ecdsa_secp384r1_sha384"};
    client.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256"};
    EXPECT_EQ(shown(server, "a.example", client), "CN=rsa,O=Weft") << static_cast<int>(version);
  }
}

TEST_F(SelectionTest, all_certificates_are_tried_on_a_mismatch_where_asked) {
  TlsContextConfig server;
  server.certificates = {certificate("rsa", {"rsa.example"}, TestKey::Rsa2048),
                         certificate("ecdsa", {"ecdsa.example"})};
  EXPECT_EQ(shown(server, "unknown.example"), "CN=rsa,O=Weft");
  server.full_scan_certs_on_sni_mismatch = true;
  EXPECT_EQ(shown(server, "unknown.example"), "CN=ecdsa,O=Weft");
  server.full_scan_certs_on_sni_mismatch = false;
  EXPECT_EQ(shown(server, ""), "CN=ecdsa,O=Weft") << "without a name all are tried";
}

// ---- OCSP ----

TEST_F(TlsContextTest, a_staple_must_belong_to_its_certificate) {
  TlsContextConfig server = server_config();
  server.certificates[0].ocsp_staple = authority_->ocsp(client_certificate(), kTestNow + base::seconds(60));
  EXPECT_EQ(fault(server, TlsRole::Server),
            "tls_certificates[0].ocsp_staple (<inline>): OCSP response does not match its TLS certificate");
  server.certificates[0].ocsp_staple = "garbage";
  EXPECT_TRUE(fault(server, TlsRole::Server).starts_with("tls_certificates[0].ocsp_staple (<inline>): "));
  server.certificates[0].ocsp_staple.clear();
  server.ocsp_staple_policy = OcspStaplePolicy::Must;
  EXPECT_EQ(fault(server, TlsRole::Server),
            "tls_certificates[0].ocsp_staple: required by ocsp_staple_policy MUST_STAPLE");
}

TEST_F(TlsContextTest, a_must_staple_certificate_needs_its_staple) {
  TestLeaf leaf;
  leaf.is_must_staple = true;
  TlsContextConfig server;
  server.certificates = {authority_->issue(leaf)};
  EXPECT_EQ(fault(server, TlsRole::Server),
            "tls_certificates[0].ocsp_staple: OCSP response is required for must-staple certificate");
}

// ---- sharing, replacing, showing ----

TEST_F(TlsContextTest, contexts_of_equal_content_are_shared) {
  TlsContextCache cache;
  TlsContextConfig config = server_config();
  const Context first = *cache.get(config, TlsRole::Server);
  TlsContextConfig other_rules = config;
  other_rules.peer.san_matchers = {{SanType::Dns, SanMatcher::Kind::Exact, "x", false, {}, nullptr}};
  other_rules.peer.session_scope = "elsewhere";
  EXPECT_EQ(*cache.get(other_rules, TlsRole::Server), first);
  TlsContextConfig other = config;
  other.alpn = {"h2"};
  EXPECT_NE(*cache.get(other, TlsRole::Server), first);
  EXPECT_EQ(cache.size(), 1u) << "the cache owns nothing";
  EXPECT_FALSE(cache.get(TlsContextConfig{}, TlsRole::Server));
}

TEST_F(TlsContextTest, every_field_counts_in_the_hash) {
  const TlsContextConfig base = server_config();
  std::vector<std::string> hashes = {base.content_hash(TlsRole::Server), base.content_hash(TlsRole::Client)};
  const auto change = [&](auto edit) {
    TlsContextConfig config = base;
    edit(config);
    hashes.push_back(config.content_hash(TlsRole::Server));
  };
  change([](auto& c) { c.certificates[0].chain_pem += "\n"; });
  change([](auto& c) { c.certificates[0].key_pem += "\n"; });
  change([](auto& c) { c.certificates[0].pkcs12 = "x"; });
  change([](auto& c) { c.certificates[0].password = "x"; });
  change([](auto& c) { c.certificates[0].ocsp_staple = "x"; });
  change([](auto& c) { c.certificates[0].source = "x"; });
  change([](auto& c) { c.alpn = {"h2", "a"}; });
  change([](auto& c) { c.alpn = {"h2a"}; });
  change([](auto& c) { c.min_version = TlsVersion::Tls1_3; });
  change([](auto& c) { c.max_version = TlsVersion::Tls1_3; });
  change([](auto& c) { c.cipher_suites = {"x"}; });
  change([](auto& c) { c.ecdh_curves = {"x"}; });
  change([](auto& c) { c.signature_algorithms = {"x"}; });
  change([](auto& c) { c.trusted_ca_pem = "x"; });
  change([](auto& c) { c.trusted_ca_source = "x"; });
  change([](auto& c) { c.crl_pem = "x"; });
  change([](auto& c) { c.crl_source = "x"; });
  change([](auto& c) { c.only_verify_leaf_cert_crl = true; });
  change([](auto& c) { c.verify_certificate_hash = {"x"}; });
  change([](auto& c) { c.verify_certificate_spki = {"x"}; });
  change([](auto& c) { c.allow_expired_certificate = true; });
  change([](auto& c) { c.accept_untrusted = true; });
  change([](auto& c) { c.max_verify_depth = 0; });
  change([](auto& c) { c.spiffe_trust_domains = {{"a", "b", "c"}}; });
  change([](auto& c) { c.require_client_certificate = true; });
  change([](auto& c) { c.prefer_client_ciphers = true; });
  change([](auto& c) { c.disable_stateless_session_resumption = true; });
  change([](auto& c) { c.disable_stateful_session_resumption = true; });
  change([](auto& c) { c.session_timeout = base::Duration(0); });
  change([](auto& c) { c.ocsp_staple_policy = OcspStaplePolicy::Strict; });
  change([](auto& c) { c.full_scan_certs_on_sni_mismatch = true; });
  change([](auto& c) { c.allow_renegotiation = true; });
  change([](auto& c) { c.max_session_keys = 2; });
  change([](auto& c) { c.enforce_rsa_key_usage = true; });
  const size_t count = hashes.size();
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  EXPECT_EQ(hashes.size(), count);
}

// A certificate is replaced by giving new sessions another context; those that run keep theirs.
TEST_F(TlsContextTest, a_replaced_context_serves_old_sessions_and_not_new_ones) {
  const TlsContextConfig client = client_config();
  const TlsContextConfig old_server = server_config();
  const Context client_context = make(client, TlsRole::Client);
  Context live = make(old_server, TlsRole::Server);
  TlsPair before = pair(client_context, client, live, old_server);
  before.pump();
  const std::string old_certificate = before.client->info().peer_certificate_pem;

  const TlsContextConfig new_server = server_config();
  live = make(new_server, TlsRole::Server);
  TlsPair after = pair(client_context, client, live, new_server);
  after.pump();
  EXPECT_EQ(after.client->info().peer_certificate_pem, new_server.certificates[0].chain_pem);
  EXPECT_NE(after.client->info().peer_certificate_pem, old_certificate);
  EXPECT_FALSE(after.client->info().is_resumed) << "the old certificate's ticket is not the new one's";

  ASSERT_TRUE(before.client->send(bytes("still here")));
  before.pump();
  EXPECT_EQ(before.to_server.to_string(), "still here");
}

TEST_F(TlsContextTest, certificates_are_described_for_admin) {
  TlsContextConfig config = mutual_server_config();
  config.certificates[0].source = "server.pem";
  config.trusted_ca_source = "ca.pem";
  const Context context = make(config, TlsRole::Server);
  const CertificateInfo own = context->certificates(kTestNow).at(0);
  EXPECT_EQ(own.path, "server.pem");
  EXPECT_EQ(own.serial_number, "01");
  EXPECT_EQ(own.dns_sans, (std::vector<std::string>{"test.example", "*.wild.example"}));
  EXPECT_EQ(own.uri_sans, std::vector<std::string>{"spiffe://mesh.example/server"});
  EXPECT_EQ(own.days_until_expiration, 30u);
  EXPECT_EQ(own.valid_from, "2026-05-31T00:00:00Z");
  EXPECT_EQ(own.expiration_time, "2026-07-01T00:00:00Z");
  EXPECT_EQ(context->certificates(kTestNow + base::seconds(40 * 86400)).at(0).days_until_expiration, 0u);
  EXPECT_EQ(context->authorities(kTestNow).at(0).path, "ca.pem");
}

TEST_F(TlsContextTest, the_first_expiry_is_that_of_own_leaves_and_the_first_anchor) {
  TlsContextConfig config;
  EXPECT_FALSE(make(config, TlsRole::Client)->first_expiry());
  TestLeaf leaf;
  config.certificates = {authority_->issue(leaf)};
  EXPECT_EQ(make(config, TlsRole::Server)->first_expiry(), leaf.not_after);
  leaf.not_after = kTestNow + base::seconds(3600);
  const std::string short_lived = authority_->issue(leaf).chain_pem;
  config.trusted_ca_pem = authority_->pem() + short_lived;
  EXPECT_EQ(make(config, TlsRole::Server)->first_expiry(), TestLeaf().not_after) << "a bundle's others do not count";
  config.trusted_ca_pem = short_lived + authority_->pem();
  EXPECT_EQ(make(config, TlsRole::Server)->first_expiry(), leaf.not_after);
}

TEST_F(TlsContextTest, rsa_key_usage_is_enforced_where_asked) {
  TestLeaf leaf;
  leaf.key = TestKey::Rsa2048;
  leaf.key_usage = "keyEncipherment";
  TlsContextConfig server, client = client_config();
  server.certificates = {authority_->issue(leaf)};
  EXPECT_TRUE(connected(client, server).is_open());
  EXPECT_EQ(client_counts_[TlsEvent::WasKeyUsageInvalid], 1u);
  client.enforce_rsa_key_usage = true;
  TlsPair pair = connected(client, server);
  ASSERT_FALSE(pair.client_status);
  EXPECT_NE(pair.client_status.error().message.find("KEY_USAGE_BIT_INCORRECT"), std::string::npos);
}

TEST(TlsEventTest, events_have_envoy_s_names) {
  EXPECT_EQ(to_string(TlsEvent::Handshake), "handshake");
  EXPECT_EQ(to_string(TlsEvent::FailVerifyCertHash), "fail_verify_cert_hash");
  EXPECT_EQ(to_string(TlsEvent::WasKeyUsageInvalid), "was_key_usage_invalid");
  EXPECT_EQ(to_string(TlsEvent::KeyUpdateFlood), "key_update_flood");
}

}  // namespace
}  // namespace weft::net
