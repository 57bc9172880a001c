#include "proxy/xfcc.h"

#include <gtest/gtest.h>

#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

using Mode = HcmConfig::Xfcc;

class ClientCert : public WithHeads {
 protected:
  ClientCert() {
    tls_.has_peer_certificate = true;
    tls_.local_uri_sans = {"spiffe://td/server"};
    tls_.peer_certificate_sha256 = "abcd";
    tls_.peer_subject = "CN=client,O=\\\"x\\\"";
    tls_.peer_uri_sans = {"spiffe://td/a", "spiffe://td/b"};
    tls_.peer_dns_sans = {"a.com", "b.com"};
    tls_.peer_certificate_pem = "-----BEGIN CERTIFICATE-----\nA+/=\n";
    tls_.peer_chain_pem = "chain\n";
  }
  /// What goes on of a request that came with `old` (nullptr: without).
  std::string sent(Mode mode, const char* old, bool is_tls = true) {
    config_.xfcc = mode;
    auto head = get("a.com", "/");
    if (old != nullptr) head.add("x-forwarded-client-cert", old);
    set_forwarded_client_cert(head, config_, is_tls ? &tls_ : nullptr);
    EXPECT_LE(head.count(http::HeaderId::XForwardedClientCert), 1u);
    return std::string(head.find("x-forwarded-client-cert").value_or("none"));
  }
  HcmConfig config_;
  net::TlsInfo tls_;
};

constexpr char kOwn[] = "By=spiffe://td/server;Hash=abcd";

TEST_F(ClientCert, EachModeHandlesWhatTheClientSent) {
  EXPECT_EQ(sent(Mode::Sanitize, "x"), "none");
  EXPECT_EQ(sent(Mode::ForwardOnly, "x"), "x");
  EXPECT_EQ(sent(Mode::AppendForward, "x"), std::string("x,") + kOwn);
  EXPECT_EQ(sent(Mode::AppendForward, nullptr), kOwn);
  EXPECT_EQ(sent(Mode::SanitizeSet, "x"), kOwn);
  EXPECT_EQ(sent(Mode::AlwaysForwardOnly, "x"), "x");
}

TEST_F(ClientCert, WithoutAPeerCertificateOnlyAlwaysForwardOnlyKeepsIt) {
  for (const Mode mode : {Mode::Sanitize, Mode::ForwardOnly, Mode::AppendForward, Mode::SanitizeSet}) {
    EXPECT_EQ(sent(mode, "x", false), "none");
  }
  EXPECT_EQ(sent(Mode::AlwaysForwardOnly, "x", false), "x");
  tls_.has_peer_certificate = false;
  EXPECT_EQ(sent(Mode::SanitizeSet, "x"), "none");
}

TEST_F(ClientCert, TheDetailsAskedForFollowInEnvoysOrder) {
  config_.xfcc_subject = config_.xfcc_cert = config_.xfcc_chain = config_.xfcc_uri = config_.xfcc_dns = true;
  EXPECT_EQ(
      client_cert_element(config_, tls_),
      std::string(kOwn) +
          ";Subject=\"CN=client,O=\\\"x\\\"\";Cert=\"-----BEGIN%20CERTIFICATE-----%0AA%2B%2F%3D%0A\";Chain=\"chain%0A\""
          ";URI=spiffe://td/a;URI=spiffe://td/b;DNS=a.com;DNS=b.com");
  tls_.peer_uri_sans.clear();
  tls_.peer_dns_sans.clear();
  tls_.peer_subject.clear();
  config_.xfcc_cert = config_.xfcc_chain = false;
  EXPECT_EQ(client_cert_element(config_, tls_), std::string(kOwn) + ";Subject=\"\";URI=");
}

TEST_F(ClientCert, ANameCannotForgeASecondElement) {
  config_.xfcc_uri = true;
  tls_.peer_uri_sans = {"spiffe://td/a,By=spiffe://td/admin;Hash=\"1"};
  EXPECT_EQ(client_cert_element(config_, tls_),
            std::string(kOwn) + ";URI=\"spiffe://td/a,By=spiffe://td/admin;Hash=\\\"1\"");
}

}  // namespace
}  // namespace weft::proxy
