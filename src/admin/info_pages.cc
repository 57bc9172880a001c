// /config_dump, /ready, /server_info, /memory, /runtime, /certs, /hot_restart_version.

#include <cstdio>
#include <set>

#include "admin/config_dump.h"
#include "admin/heap.h"
#include "admin/message_json.h"
#include "admin/pages.h"
#include "envoy/admin/v3/certs.pb.h"
#include "envoy/admin/v3/server_info.pb.h"
#include "net/tls_config.h"
#include "net/tls_describe.h"

namespace weft::admin {
namespace {

std::string_view name_of(ServerState state) {
  switch (state) {
    case ServerState::Live: return "LIVE";
    case ServerState::Draining: return "DRAINING";
    case ServerState::PreInitializing: return "PRE_INITIALIZING";
    case ServerState::Initializing: return "INITIALIZING";
  }
  return "";
}

void respond_message(Respond& respond, const google::protobuf::Message& message) {
  auto json = message_to_json(message, true);
  if (!json) return respond({.status = 500, .body = json.error().message + "\n"});
  respond({.content_type = kJson, .body = std::move(*json)});
}

void fill_certificate(envoy::admin::v3::CertificateDetails& details, const net::CertificateDescription& from,
                      const std::string& source, base::WallTime now) {
  details.set_path(source);
  details.set_serial_number(from.serial);
  for (const std::string& name : from.dns_names) details.add_subject_alt_names()->set_dns(name);
  for (const std::string& uri : from.uris) details.add_subject_alt_names()->set_uri(uri);
  for (const std::string& ip : from.ip_addresses) details.add_subject_alt_names()->set_ip_address(ip);
  auto left = std::chrono::duration_cast<std::chrono::hours>(from.not_after - now).count() / 24;
  details.set_days_until_expiration(left > 0 ? static_cast<uint64_t>(left) : 0);
  set_timestamp(*details.mutable_valid_from(), from.not_before);
  set_timestamp(*details.mutable_expiration_time(), from.not_after);
}

/// One TLS context: the first certificate of its CA bundle, and the leaf of each chain.
void fill_context(envoy::admin::v3::Certificate& certificate, const net::TlsContextConfig& context,
                  base::WallTime now) {
  auto authorities = net::describe_certificates(context.trusted_ca_pem);
  if (!authorities.empty())
    fill_certificate(*certificate.add_ca_cert(), authorities.front(), context.trusted_ca_source, now);
  for (const net::TlsCertificate& own : context.certificates) {
    auto chain = net::describe_certificates(own.chain_pem);
    if (!chain.empty()) fill_certificate(*certificate.add_cert_chain(), chain.front(), own.source, now);
  }
}

}  // namespace

ServerState Pages::shown_state() const {
  return state_ == ServerState::Live && is_health_check_failing_ ? ServerState::Draining : state_;
}

void Pages::ready(const AdminRequest&, base::WallTime, Respond& respond) {
  ServerState state = shown_state();
  respond({.status = static_cast<uint16_t>(state == ServerState::Live ? 200 : 503),
           .body = std::string(name_of(state)) + "\n"});
}

void Pages::hot_restart_version(const AdminRequest&, base::WallTime, Respond& respond) {
  respond({.body = "disabled"});
}

void Pages::server_info(const AdminRequest&, base::WallTime now, Respond& respond) {
  envoy::admin::v3::ServerInfo info;
  info.set_version("weft/" + info_.version);
  info.set_hot_restart_version("disabled");
  info.set_state(static_cast<envoy::admin::v3::ServerInfo::State>(shown_state()));
  auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - info_.started).count();
  info.mutable_uptime_current_epoch()->set_seconds(uptime);
  info.mutable_uptime_all_epochs()->set_seconds(uptime);
  auto& options = *info.mutable_command_line_options();
  options.set_concurrency(info_.concurrency);
  options.set_config_path(info_.config_path);
  options.set_config_yaml(info_.config_yaml);
  options.set_log_level(info_.log_level);
  options.set_log_path(info_.log_path);
  options.set_service_node(info_.service_node);
  options.set_service_cluster(info_.service_cluster);
  options.set_disable_hot_restart(true);
  set_duration(*options.mutable_drain_time(), info_.drain_time);
  set_duration(*options.mutable_file_flush_interval(), info_.file_flush_interval);
  if (info_.snapshot != nullptr) {
    info.mutable_node()->set_id(info_.snapshot->node.id);
    info.mutable_node()->set_cluster(info_.snapshot->node.cluster);
    if (!info_.snapshot->node.zone.empty())
      info.mutable_node()->mutable_locality()->set_zone(info_.snapshot->node.zone);
  }
  info.mutable_node()->set_user_agent_name("weft");
  respond_message(respond, info);
}

void Pages::memory(const AdminRequest&, base::WallTime, Respond& respond) {
  // envoy.admin.v3.Memory as JSON; 64-bit numbers are texts in protobuf's mapping.
  const HeapUse heap = heap_use();
  auto line = [](std::string_view name, uint64_t bytes, bool is_last = false) {
    return " \"" + std::string(name) + "\": \"" + std::to_string(bytes) + (is_last ? "\"\n" : "\",\n");
  };
  respond({.content_type = kJson,
           .body = "{\n" + line("allocated", heap.allocated()) + line("heap_size", heap.held) +
                   line("pageheap_unmapped", 0) + line("pageheap_free", heap.free) + line("total_thread_cache", 0) +
                   line("total_physical_bytes", resident_bytes(), true) + "}\n"});
}

void Pages::runtime(const AdminRequest&, base::WallTime, Respond& respond) {
  respond({.content_type = kJson, .body = "{\n \"entries\": {},\n \"layers\": []\n}\n"});
}

void Pages::certs(const AdminRequest&, base::WallTime now, Respond& respond) {
  envoy::admin::v3::Certificates certificates;
  std::set<const net::TlsContextConfig*> seen;
  auto add = [&](const std::shared_ptr<const net::TlsContextConfig>& context) {
    if (context != nullptr && seen.insert(context.get()).second)
      fill_context(*certificates.add_certificates(), *context, now);
  };
  if (info_.snapshot != nullptr) {
    for (const auto& listener : info_.snapshot->listeners) {
      for (const auto& chain : listener->filter_chains) add(chain.tls);
      if (listener->default_filter_chain) add(listener->default_filter_chain->tls);
    }
    for (const auto& cluster : info_.snapshot->clusters) add(cluster->tls);
  }
  respond_message(respond, certificates);
}

void Pages::config_dump(const AdminRequest& request, base::WallTime, Respond& respond) {
  if (info_.bootstrap == nullptr) return respond({.content_type = kJson, .body = "{}\n"});
  ConfigDumpRequest asked{request.query.find("resource").value_or(""), request.query.find("mask").value_or(""),
                          request.query.find("name_regex").value_or(""), request.query.has("include_eds")};
  ConfigDumpResult result = dump_config(*info_.bootstrap, info_.started, asked);
  respond({.status = result.status,
           .content_type = result.status == 200 ? kJson : kPlainText,
           .body = std::move(result.body)});
}

}  // namespace weft::admin
