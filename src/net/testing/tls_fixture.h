// Purpose: what the TLS tests share: an authority, contexts from configurations, pairs of sessions.
// Thread:  one.   Owner: the test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/testing/tls_pair.h"

namespace weft::net {

class TlsTest : public ::testing::Test {
 protected:
  using Context = std::shared_ptr<TlsContext>;

  static Context make(const TlsContextConfig& config, TlsRole role) {
    auto made = TlsContext::make(config, role);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? *made : nullptr;
  }
  static std::string fault(const TlsContextConfig& config, TlsRole role) {
    auto made = TlsContext::make(config, role);
    return made ? "" : made.error().message;
  }
  static std::shared_ptr<const PeerRules> rules_of(const TlsContextConfig& config) {
    return peer_rules_of(std::make_shared<TlsContextConfig>(config));
  }

  TestAuthority& authority() { return *authority_; }

  /// A server of test.example and the client that trusts it (and, unless told, TLS 1.3 on both).
  TlsContextConfig server_config() {
    TestLeaf leaf;
    leaf.common_name = "server";
    leaf.dns = {"test.example", "*.wild.example"};
    leaf.uris = {"spiffe://mesh.example/server"};
    TlsContextConfig config;
    config.certificates = {authority_->issue(leaf)};
    config.peer.session_scope = "listener";
    return config;
  }
  TlsContextConfig client_config() {
    TlsContextConfig config;
    config.trusted_ca_pem = authority_->pem();
    config.max_version = TlsVersion::Tls1_3;
    config.peer.session_scope = "cluster";
    return config;
  }
  TlsCertificate client_certificate(const std::string& uri = "spiffe://mesh.example/client") {
    TestLeaf leaf;
    leaf.common_name = "client";
    leaf.uris = {uri};
    return authority_->issue(leaf);
  }
  /// A server that asks for client certificates of our authority.
  TlsContextConfig mutual_server_config() {
    TlsContextConfig config = server_config();
    config.trusted_ca_pem = authority_->pem();
    config.require_client_certificate = true;
    return config;
  }

  TlsPair pair(const Context& client, const TlsContextConfig& client_config, const Context& server,
               const TlsContextConfig& server_config, std::string_view sni = "test.example") {
    TlsPair out(pool_);
    ClientSessionOptions client_options;
    client_options.rules = rules_of(client_config);
    client_options.sni = sni;
    client_options.observer = &client_counts_;
    out.client = client->new_client_session(clock_.environment(pool_), std::move(client_options));
    ServerSessionOptions server_options;
    server_options.rules = rules_of(server_config);
    server_options.tickets = tickets_;
    server_options.observer = &server_counts_;
    out.server = server->new_server_session(clock_.environment(pool_), std::move(server_options));
    return out;
  }
  TlsPair pair(const TlsContextConfig& client_config, const TlsContextConfig& server_config,
               std::string_view sni = "test.example") {
    return pair(make(client_config, TlsRole::Client), client_config, make(server_config, TlsRole::Server),
                server_config, sni);
  }
  /// A pair whose handshake has run.
  TlsPair connected(const TlsContextConfig& client_config, const TlsContextConfig& server_config,
                    std::string_view sni = "test.example") {
    TlsPair out = pair(client_config, server_config, sni);
    out.pump();
    return out;
  }

  base::Chain bytes(std::string_view text) {
    base::Chain chain;
    chain.append_copy(pool_, text);
    return chain;
  }

  base::BlockPool pool_;
  TestClock clock_;
  TlsCounters client_counts_, server_counts_;
  std::unique_ptr<TestAuthority> authority_ = std::make_unique<TestAuthority>("authority");
  std::shared_ptr<const TicketKeys> tickets_ = TicketKeys::generate();
};

}  // namespace weft::net
