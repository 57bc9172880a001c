#include "net/tls_verify.h"

#include <gtest/gtest.h>

#include "net/testing/tls_fixture.h"
#include "net/tls_certificate.h"

namespace weft::net {
namespace {

SanMatcher matcher(SanType type, std::string value, SanMatcher::Kind kind = SanMatcher::Kind::Exact) {
  SanMatcher out;
  out.type = type;
  out.value = std::move(value);
  out.kind = kind;
  return out;
}

/// Servers that judge a client's certificate.
class VerifyTest : public TlsTest {
 protected:
  /// Shows `leaf`, signed by our authority, to a server of `config`; returns the server's error, "" for success.
  std::string show(const TestLeaf& leaf, TlsContextConfig config) {
    return show(authority_->issue(leaf), std::move(config));
  }
  std::string show(const TlsCertificate& certificate, TlsContextConfig config) {
    TlsContextConfig client = client_config();
    client.certificates = {certificate};
    return outcome(connected(client, config));
  }
  std::string show_nothing(TlsContextConfig config) { return outcome(connected(client_config(), config)); }

  std::string outcome(TlsPair pair) {
    validated_ = pair.server->info().is_peer_validated;
    if (!pair.server_status) {
      EXPECT_EQ(pair.server_status.error().code, base::ErrorCode::Tls);
      return pair.server_status.error().message;
    }
    EXPECT_TRUE(pair.server->is_established());
    return "";
  }

  static TestLeaf client_leaf() {
    TestLeaf leaf;
    leaf.common_name = "client";
    leaf.uris = {"spiffe://mesh.example/client"};
    leaf.dns = {"client.example"};
    return leaf;
  }
  TlsContextConfig spiffe_config() {
    TlsContextConfig config = server_config();
    config.spiffe_trust_domains = {{"mesh.example", authority_->pem(), "mesh.pem"}};
    return config;
  }
  TlsContextConfig matching(SanMatcher rule) {
    TlsContextConfig config = mutual_server_config();
    config.peer.san_matchers = {std::move(rule)};
    return config;
  }

  bool validated_ = false;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// ---- chain ----

TEST_F(VerifyTest, a_certificate_of_the_trusted_authority_is_accepted) {
  EXPECT_EQ(show(client_leaf(), mutual_server_config()), "");
  EXPECT_TRUE(validated_);
}

TEST_F(VerifyTest, a_stranger_is_refused_and_counted) {
  TestAuthority other("other");
  const std::string error = show(other.issue(client_leaf()), mutual_server_config());
  EXPECT_TRUE(contains(error,
                       "CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error "
                       "at depth 0: unable to get local issuer certificate"))
      << error;
  EXPECT_EQ(server_counts_[TlsEvent::FailVerifyError], 1u);
  EXPECT_EQ(server_counts_[TlsEvent::ConnectionError], 0u);
}

TEST_F(VerifyTest, a_missing_client_certificate_is_refused_only_where_required) {
  const std::string error = show_nothing(mutual_server_config());
  EXPECT_TRUE(contains(error, "PEER_DID_NOT_RETURN_A_CERTIFICATE")) << error;
  EXPECT_TRUE(contains(error, "peer did not provide required client certificate")) << error;
  EXPECT_EQ(server_counts_[TlsEvent::FailVerifyNoCert], 1u);
  TlsContextConfig optional = mutual_server_config();
  optional.require_client_certificate = false;
  EXPECT_EQ(show_nothing(optional), "");
  EXPECT_FALSE(validated_);
}

TEST_F(VerifyTest, time_is_the_loop_s) {
  TlsContextConfig server = mutual_server_config();
  TlsContextConfig client = client_config();
  client.allow_expired_certificate = true;
  client.certificates = {authority_->issue(client_leaf())};
  clock_.now = kTestNow + base::seconds(31 * 86400);
  EXPECT_TRUE(contains(outcome(connected(client, server)), "certificate has expired"));
  clock_.now = kTestNow - base::seconds(2 * 86400);
  EXPECT_TRUE(contains(outcome(connected(client, server)), "certificate is not yet valid"));
  server.allow_expired_certificate = true;
  EXPECT_EQ(outcome(connected(client, server)), "");
}

TEST_F(VerifyTest, an_intermediate_may_be_the_anchor_or_be_sent_along) {
  TestAuthority intermediate("intermediate", *authority_);
  TlsContextConfig partial = mutual_server_config();
  partial.trusted_ca_pem = intermediate.pem();
  EXPECT_EQ(show(intermediate.issue(client_leaf()), partial), "");
  EXPECT_EQ(show(intermediate.issue(client_leaf()), mutual_server_config()), "");
}

TEST_F(VerifyTest, the_depth_counts_the_anchor) {
  TestAuthority intermediate("intermediate", *authority_);
  TlsContextConfig config = mutual_server_config();
  config.max_verify_depth = 1;
  EXPECT_NE(show(intermediate.issue(client_leaf()), config), "");
  config.max_verify_depth = 2;
  EXPECT_EQ(show(intermediate.issue(client_leaf()), config), "");
  config.max_verify_depth = 1;
  EXPECT_EQ(show(client_leaf(), config), "");
}

TEST_F(VerifyTest, a_revoked_certificate_is_refused) {
  const TlsCertificate first = authority_->issue(client_leaf());   // serial 1
  const TlsCertificate second = authority_->issue(client_leaf());  // serial 2
  TlsContextConfig config = mutual_server_config();
  config.crl_pem = authority_->crl({1});
  EXPECT_TRUE(contains(show(first, config), "certificate revoked"));
  EXPECT_EQ(show(second, config), "");
}

TEST_F(VerifyTest, a_crl_for_the_leaf_alone_suffices_where_asked) {
  TestAuthority intermediate("intermediate", *authority_);
  const TlsCertificate certificate = intermediate.issue(client_leaf());
  TlsContextConfig config = mutual_server_config();
  config.crl_pem = intermediate.crl({});
  EXPECT_TRUE(contains(show(certificate, config), "unable to get certificate CRL"));
  config.only_verify_leaf_cert_crl = true;
  EXPECT_EQ(show(certificate, config), "");
}

TEST_F(VerifyTest, accept_untrusted_lets_strangers_in_unvalidated) {
  TestAuthority other("other");
  TlsContextConfig config = mutual_server_config();
  config.require_client_certificate = false;
  config.accept_untrusted = true;
  EXPECT_EQ(show(other.issue(client_leaf()), config), "");
  EXPECT_FALSE(validated_);
  EXPECT_EQ(show(client_leaf(), config), "");
  EXPECT_TRUE(validated_);
  EXPECT_EQ(show_nothing(config), "");
}

TEST_F(VerifyTest, a_client_refuses_a_server_of_another_authority) {
  TestAuthority other("other");
  TlsContextConfig client = client_config();
  client.trusted_ca_pem = other.pem();
  TlsPair pair = connected(client, server_config());
  ASSERT_FALSE(pair.client_status);
  EXPECT_EQ(pair.client_status.error().side, base::Side::Upstream);
  EXPECT_EQ(client_counts_[TlsEvent::FailVerifyError], 1u);
  EXPECT_FALSE(pair.server_status) << "the alert reaches the server";
}

TEST_F(VerifyTest, a_client_without_a_trusted_ca_verifies_nothing) {
  TlsContextConfig client = client_config();
  client.trusted_ca_pem.clear();
  TlsPair pair = connected(client, server_config());
  EXPECT_TRUE(pair.is_open());
  EXPECT_FALSE(pair.client->info().is_peer_validated);
}

// ---- names ----

TEST_F(VerifyTest, each_type_of_name_is_matched) {
  TestLeaf leaf = client_leaf();
  leaf.emails = {"ops@example.org"};
  leaf.ips = {std::string("\x0a\x00\x00\x07", 4), std::string(15, '\0') + '\1'};
  leaf.other_names = {{"1.3.6.1.4.1.311.20.2.3", "user@example.org"}};
  EXPECT_EQ(show(leaf, matching(matcher(SanType::Uri, "spiffe://mesh.example/client"))), "");
  EXPECT_EQ(show(leaf, matching(matcher(SanType::Dns, "CLIENT.example"))), "");
  EXPECT_EQ(show(leaf, matching(matcher(SanType::Email, "ops@example.org"))), "");
  EXPECT_EQ(show(leaf, matching(matcher(SanType::IpAddress, "10.0.0.7"))), "");
  EXPECT_EQ(show(leaf, matching(matcher(SanType::IpAddress, "::1"))), "");
  EXPECT_EQ(show(leaf, matching(matcher(SanType::Any, "client.example"))), "");
  SanMatcher other_name = matcher(SanType::OtherName, "user@example.org");
  for (const char* oid : {"", "1.x"}) {
    other_name.oid = oid;
    EXPECT_FALSE(TlsContext::make(matching(other_name), TlsRole::Server)) << "an OID is required: " << oid;
  }
  other_name.oid = "1.3.6.1.4.1.311.20.2.3";
  EXPECT_EQ(show(leaf, matching(other_name)), "");
}

TEST_F(VerifyTest, a_name_of_another_type_does_not_match) {
  const std::string error = show(client_leaf(), matching(matcher(SanType::Email, "client.example")));
  EXPECT_TRUE(contains(
      error, "verify cert failed: SAN matcher, certificate SANs are [spiffe://mesh.example/client, client.example]"))
      << error;
  EXPECT_EQ(server_counts_[TlsEvent::FailVerifySan], 1u);
}

TEST_F(VerifyTest, any_one_matcher_suffices) {
  TlsContextConfig config = matching(matcher(SanType::Dns, "wrong.example"));
  config.peer.san_matchers.push_back(matcher(SanType::Dns, "client", SanMatcher::Kind::Prefix));
  EXPECT_EQ(show(client_leaf(), config), "");
}

TEST_F(VerifyTest, a_client_checks_the_server_against_its_sni) {
  TlsContextConfig client = client_config();
  client.peer.auto_sni_san_validation = true;
  EXPECT_TRUE(connected(client, server_config(), "test.example").is_open());
  EXPECT_TRUE(connected(client, server_config(), "a.wild.example").is_open());
  TlsPair pair = connected(client, server_config(), "other.example");
  EXPECT_FALSE(pair.client_status);
  EXPECT_EQ(client_counts_[TlsEvent::FailVerifySan], 1u);
}

TEST_F(VerifyTest, a_client_may_require_one_name_besides_its_matchers) {
  TlsContextConfig client = client_config();
  const auto is_accepted = [&](const std::string& name) {
    client.peer.required_name = name;
    return connected(client, server_config(), "test.example").client_status.has_value();
  };
  EXPECT_TRUE(is_accepted("test.example"));
  EXPECT_TRUE(is_accepted("a.wild.example")) << "by the certificate's wildcard";
  EXPECT_TRUE(is_accepted("spiffe://mesh.example/server")) << "of any type";
  EXPECT_FALSE(is_accepted("other.example"));
  EXPECT_EQ(client_counts_[TlsEvent::FailVerifySan], 1u);
  client.peer.san_matchers = {matcher(SanType::Uri, "spiffe://mesh.example/server")};
  EXPECT_TRUE(is_accepted("test.example"));
  client.peer.san_matchers = {matcher(SanType::Uri, "spiffe://mesh.example/client")};
  EXPECT_FALSE(is_accepted("test.example")) << "both must hold";
}

class Digits final : public SanPattern {
 public:
  bool matches(std::string_view name) const override {
    return name.find_first_not_of("0123456789") == std::string_view::npos;
  }
};

TEST(SanMatcherTest, kinds_and_case) {
  const auto match = [](SanMatcher::Kind kind, std::string value, std::string name, bool ignore_case = false) {
    SanMatcher rule = matcher(SanType::Uri, std::move(value), kind);
    rule.ignore_case = ignore_case;
    return san_matches(rule, {SanType::Uri, std::move(name), {}, false});
  };
  EXPECT_TRUE(match(SanMatcher::Kind::Exact, "a://b", "a://b"));
  EXPECT_FALSE(match(SanMatcher::Kind::Exact, "a://b", "A://b"));
  EXPECT_TRUE(match(SanMatcher::Kind::Exact, "a://B", "A://b", true));
  EXPECT_TRUE(match(SanMatcher::Kind::Prefix, "a:", "a://b"));
  EXPECT_FALSE(match(SanMatcher::Kind::Prefix, "b", "a://b"));
  EXPECT_TRUE(match(SanMatcher::Kind::Suffix, "//b", "a://b"));
  EXPECT_FALSE(match(SanMatcher::Kind::Suffix, "a", "a://b"));
  EXPECT_TRUE(match(SanMatcher::Kind::Contains, "//", "a://b"));
  EXPECT_FALSE(match(SanMatcher::Kind::Contains, "c", "a://b"));
  SanMatcher regex = matcher(SanType::Uri, "\\d+", SanMatcher::Kind::Regex);
  regex.pattern = std::make_shared<Digits>();
  EXPECT_TRUE(san_matches(regex, {SanType::Uri, "123", {}, false}));
  EXPECT_FALSE(san_matches(regex, {SanType::Uri, "12x", {}, false}));
}

TEST(SanMatcherTest, a_name_with_nul_matches_nothing) {
  EXPECT_FALSE(san_matches(matcher(SanType::Dns, "good.example", SanMatcher::Kind::Prefix),
                           {SanType::Dns, std::string("good.example\0.evil", 18), {}, true}));
}

TEST(DnsNameTest, wildcards_stand_for_one_leftmost_label) {
  EXPECT_TRUE(dns_name_matches("a.example.com", "a.example.com"));
  EXPECT_TRUE(dns_name_matches("A.Example.com", "a.example.COM"));
  EXPECT_TRUE(dns_name_matches("a.example.com", "*.example.com"));
  EXPECT_TRUE(dns_name_matches("abc.example.com", "a*c.example.com"));
  EXPECT_FALSE(dns_name_matches("a.b.example.com", "*.example.com"));
  EXPECT_FALSE(dns_name_matches("example.com", "*.example.com"));
  EXPECT_FALSE(dns_name_matches("a.example.com", "a.*.com"));
  EXPECT_FALSE(dns_name_matches("a.example.com", "**.example.com"));
  EXPECT_FALSE(dns_name_matches("xn--abc.example.com", "xn--*.example.com"));
  EXPECT_FALSE(dns_name_matches("localhost", "*"));
}

// ---- pins ----

TEST_F(VerifyTest, a_pinned_hash_vouches_for_a_certificate) {
  const TlsCertificate certificate = authority_->issue(client_leaf());
  TlsContextConfig config = server_config();
  config.verify_certificate_hash = {certificate_hash_of(certificate)};
  EXPECT_EQ(show(certificate, config), "") << "without a trusted CA too";
  EXPECT_TRUE(validated_);
  const std::string error = show(client_leaf(), config);
  EXPECT_TRUE(contains(error, "verify cert failed: cert hash and spki")) << error;
  EXPECT_EQ(server_counts_[TlsEvent::FailVerifyCertHash], 1u);
  config.verify_certificate_spki = {spki_hash_of(certificate)};
  config.verify_certificate_hash = {std::string(64, '0')};
  EXPECT_EQ(show(certificate, config), "") << "either list suffices";
}

TEST_F(VerifyTest, a_hash_may_be_written_with_colons) {
  const TlsCertificate certificate = authority_->issue(client_leaf());
  std::string colons;
  const std::string hash = certificate_hash_of(certificate);
  for (size_t i = 0; i < hash.size(); i += 2) colons += (i > 0 ? ":" : "") + hash.substr(i, 2);
  TlsContextConfig config = server_config();
  config.verify_certificate_hash = {colons};
  EXPECT_EQ(show(certificate, config), "");
}

// ---- SPIFFE: with its validator, and where a URI matcher begins with spiffe:// ----

TEST_F(VerifyTest, a_svid_of_the_trust_domain_is_accepted) {
  EXPECT_EQ(show(client_leaf(), spiffe_config()), "");
  EXPECT_TRUE(validated_);
}

TEST_F(VerifyTest, a_svid_of_another_trust_domain_is_refused) {
  TestLeaf leaf = client_leaf();
  leaf.uris = {"spiffe://other.example/client"};
  EXPECT_TRUE(contains(show(leaf, spiffe_config()), "no trust bundle store"));
  // The bundle of one domain does not vouch for the identities of another.
  TestAuthority other("other");
  TlsContextConfig two = spiffe_config();
  two.spiffe_trust_domains.push_back({"other.example", other.pem(), "other.pem"});
  EXPECT_NE(show(leaf, two), "");
  EXPECT_EQ(show(other.issue(leaf), two), "");
}

TEST_F(VerifyTest, a_trust_domain_is_compared_whole) {
  TestLeaf leaf = client_leaf();
  leaf.uris = {"spiffe://mesh.example.evil/client"};
  const SanMatcher prefix = matcher(SanType::Uri, "spiffe://mesh.example", SanMatcher::Kind::Prefix);
  EXPECT_NE(show(leaf, matching(prefix)), "");
  EXPECT_EQ(show(client_leaf(), matching(prefix)), "");
}

class SpiffeRules : public VerifyTest, public testing::WithParamInterface<bool> {
 protected:
  TlsContextConfig config() {
    return GetParam() ? spiffe_config()
                      : matching(matcher(SanType::Uri, "spiffe://mesh.example/", SanMatcher::Kind::Prefix));
  }
};

TEST_P(SpiffeRules, accepts_one_uri_and_other_names) { EXPECT_EQ(show(client_leaf(), config()), ""); }

TEST_P(SpiffeRules, refuses_two_uris) {
  TestLeaf leaf = client_leaf();
  leaf.uris = {"spiffe://mesh.example/client", "spiffe://mesh.example/admin"};
  EXPECT_TRUE(contains(show(leaf, config()), "SPIFFE: 2 URI SANs, must be one"));
}

TEST_P(SpiffeRules, refuses_no_uri) {
  TestLeaf leaf = client_leaf();
  leaf.uris.clear();
  EXPECT_NE(show(leaf, config()), "");
}

TEST_P(SpiffeRules, refuses_nul_in_any_name) {
  TestLeaf leaf = client_leaf();
  leaf.uris = {std::string("spiffe://mesh.example/client\0x", 30)};
  EXPECT_TRUE(contains(show(leaf, config()), "SPIFFE: NUL"));
  leaf = client_leaf();
  leaf.dns = {std::string("a\0b", 3)};
  EXPECT_TRUE(contains(show(leaf, config()), "SPIFFE: NUL"));
}

TEST_P(SpiffeRules, refuses_another_trust_domain) {
  TestLeaf leaf = client_leaf();
  leaf.uris = {"spiffe://other.example/client"};
  EXPECT_NE(show(leaf, config()), "");
}

TEST_P(SpiffeRules, refuses_a_ca_as_leaf) {
  TestLeaf leaf = client_leaf();
  leaf.is_ca = true;
  EXPECT_TRUE(contains(show(leaf, config()), "SPIFFE: the leaf is a CA"));
  leaf.is_ca = false;
  leaf.key_usage = "digitalSignature,keyCertSign";
  EXPECT_NE(show(leaf, config()), "");
}

TEST_P(SpiffeRules, refuses_expired_and_not_yet_valid) {
  TestLeaf leaf = client_leaf();
  leaf.not_after = kTestNow - base::seconds(1);
  EXPECT_NE(show(leaf, config()), "");
  leaf = client_leaf();
  leaf.not_before = kTestNow + base::seconds(60);
  EXPECT_NE(show(leaf, config()), "");
}

TEST_P(SpiffeRules, refuses_a_missing_certificate) { EXPECT_NE(show_nothing(config()), ""); }

INSTANTIATE_TEST_SUITE_P(Validators, SpiffeRules, testing::Bool(),
                         [](const auto& info) { return info.param ? "SpiffeValidator" : "UriMatcher"; });

TEST_F(VerifyTest, without_spiffe_rules_two_uris_are_fine) {
  TestLeaf leaf = client_leaf();
  leaf.uris = {"urn:a", "urn:b"};
  EXPECT_EQ(show(leaf, matching(matcher(SanType::Uri, "urn:b"))), "");
}

TEST_F(VerifyTest, the_spiffe_validator_matches_uris_only) {
  TlsContextConfig config = spiffe_config();
  config.peer.san_matchers = {matcher(SanType::Dns, "client.example")};
  EXPECT_NE(show(client_leaf(), config), "");
  config.peer.san_matchers.push_back(matcher(SanType::Uri, "spiffe://mesh.example/client"));
  EXPECT_EQ(show(client_leaf(), config), "");
}

}  // namespace
}  // namespace weft::net
