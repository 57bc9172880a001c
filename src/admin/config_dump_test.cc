#include "admin/config_dump.h"

#include <gtest/gtest.h>

#include "admin/message_json.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace weft::admin {
namespace {

/// A listener with a private key and an inline route, two clusters, a secret.
envoy::config::bootstrap::v3::Bootstrap example() {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  auto& listener = *bootstrap.mutable_static_resources()->add_listeners();
  listener.set_name("ingress");
  auto& chain = *listener.add_filter_chains();
  envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager manager;
  manager.mutable_route_config()->set_name("routes");
  chain.add_filters()->mutable_typed_config()->PackFrom(manager);
  envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext tls;
  auto& certificate = *tls.mutable_common_tls_context()->add_tls_certificates();
  certificate.mutable_certificate_chain()->set_inline_string("PUBLIC");
  certificate.mutable_private_key()->set_inline_string("PRIVATE");
  certificate.mutable_password()->set_inline_bytes("HIDDEN");
  chain.mutable_transport_socket()->mutable_typed_config()->PackFrom(tls);
  for (std::string name : {"web", "api"}) {
    auto& cluster = *bootstrap.mutable_static_resources()->add_clusters();
    cluster.set_name(name);
    cluster.mutable_connect_timeout()->set_seconds(3);
    cluster.mutable_load_assignment();
  }
  auto& secret = *bootstrap.mutable_static_resources()->add_secrets();
  secret.set_name("key");
  secret.mutable_tls_certificate()->mutable_private_key()->set_inline_string("PRIVATE");
  return bootstrap;
}

ConfigDumpResult dump(const ConfigDumpRequest& request = {}) {
  return dump_config(example(), base::WallTime(base::seconds(1'800'000'000)), request);
}

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(ConfigDump, HoldsEnvoysMessagesInItsOrder) {
  ConfigDumpResult result = dump();
  ASSERT_EQ(result.status, 200);
  size_t last = 0;
  for (std::string_view name : {"BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump",
                                "ScopedRoutesConfigDump", "RoutesConfigDump", "SecretsConfigDump"}) {
    size_t at = result.body.find("\"@type\": \"type.googleapis.com/envoy.admin.v3." + std::string(name) + "\"");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(at, last) << name;
    last = at;
  }
  EXPECT_NE(result.body.find("\"last_updated\": \"2027-01-15T08:00:00Z\""), std::string::npos);
  EXPECT_EQ(result.body.find("EndpointsConfigDump"), std::string::npos);
  EXPECT_NE(dump({.include_eds = true}).body.find("EndpointsConfigDump"), std::string::npos);
}

TEST(ConfigDump, SecretsAreRedactedEverywhere) {
  std::string body = dump().body;
  EXPECT_EQ(body.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(body.find("SElEREVO"), std::string::npos) << "HIDDEN in base64";
  EXPECT_NE(body.find("\"inline_string\": \"[redacted]\""), std::string::npos);
  EXPECT_NE(body.find("\"inline_string\": \"PUBLIC\""), std::string::npos);
}

TEST(ConfigDump, OneResourceIsDumpedByItsElements) {
  ConfigDumpResult result = dump({.resource = "static_clusters"});
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(count(result.body, "envoy.admin.v3.ClustersConfigDump.StaticCluster\""), 2u);
  EXPECT_EQ(count(dump({.resource = "static_route_configs"}).body, "\"name\": \"routes\""), 1u);
  EXPECT_EQ(dump({.resource = "dynamic_active_clusters"}).body, "{}\n");
  EXPECT_EQ(dump({.resource = "bootstrap"}).status, 400);
  EXPECT_EQ(dump({.resource = "bootstrap"}).body,
            "bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field");
  EXPECT_EQ(dump({.resource = "nothing"}).status, 404);
  EXPECT_EQ(dump({.resource = "nothing"}).body, "nothing not found in config dump");
}

TEST(ConfigDump, MasksCutMessagesAndReachIntoAny) {
  std::string body = dump({.resource = "static_clusters", .mask = "cluster.name"}).body;
  EXPECT_EQ(count(body, "\"name\": \"web\""), 1u);
  EXPECT_EQ(body.find("connect_timeout"), std::string::npos);
  EXPECT_EQ(body.find("last_updated"), std::string::npos);
  std::string bootstrap = dump({.mask = "bootstrap"}).body;
  EXPECT_NE(bootstrap.find("BootstrapConfigDump"), std::string::npos);
  EXPECT_EQ(bootstrap.find("ClustersConfigDump"), std::string::npos);
  EXPECT_EQ(dump({.mask = "nothing"}).status, 400);
  EXPECT_EQ(dump({.resource = "static_clusters", .mask = "nothing"}).status, 400);
}

TEST(ConfigDump, NamesAreMatchedWhole) {
  std::string body = dump({.resource = "static_clusters", .name_regex = "w.b"}).body;
  EXPECT_EQ(count(body, "StaticCluster\""), 1u);
  EXPECT_EQ(dump({.resource = "static_clusters", .name_regex = "w"}).body, "{}\n");
  EXPECT_EQ(dump({.name_regex = "("}).status, 400);
}

}  // namespace
}  // namespace weft::admin
