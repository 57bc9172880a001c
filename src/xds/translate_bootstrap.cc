#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include "xds/translate.h"
#include "xds/translation.h"

namespace weft::xds {

namespace {

constexpr std::string_view kForControlPlanes = "identifies the proxy to a control plane";

proxy::NodeInfo translate_node(const View& node) {
  proxy::NodeInfo info;
  info.id = node.text("id");
  info.cluster = node.text("cluster");
  if (const View locality = node.message("locality")) {
    info.zone = locality.text("zone");
    locality.accept("region", kForControlPlanes);
    locality.accept("sub_zone", kForControlPlanes);
  }
  for (std::string_view field : {"metadata", "dynamic_parameters", "user_agent_name", "user_agent_version",
                                 "user_agent_build_version", "extensions", "client_features"}) {
    node.accept(field, kForControlPlanes);
  }
  return info;
}

proxy::AdminConfig translate_admin(const View& admin) {
  proxy::AdminConfig config;
  if (!admin) return config;
  if (const View address = admin.message("address")) {
    if (const auto parsed = translate_address(address)) {
      config.is_enabled = true;
      config.address = *parsed;
    }
  }
  config.access_logs = translate_access_logs(admin, "access_log");
  if (admin.has("access_log_path")) {
    proxy::AccessLogConfig log;
    log.path = admin.text("access_log_path");
    log.format = observe::Format::default_log_line();
    config.access_logs.push_back(std::move(log));
  }
  admin.accept("profile_path", "Weft has no profiler that would write there");
  admin.accept("ignore_global_conn_limit", "there is no global limit of connections");
  return config;
}

/// Weft has no runtime, so a layer may exist but not say anything.
void check_runtime(const View& runtime) {
  std::set<std::string> layers;
  bool has_admin_layer = false;
  for (const View& layer : runtime.messages("layers")) {
    if (!layers.insert(layer.text("name")).second) layer.fault("name", "another layer has this name");
    if (layer.has("admin_layer") && std::exchange(has_admin_layer, true))
      layer.fault("admin_layer", "there is one already");
    layer.accept("admin_layer", "Weft has no runtime that could be changed");
    const google::protobuf::Struct* values = layer.structure("static_layer");
    if (!values || values->fields().empty()) continue;
    std::set<std::string> names;
    for (const auto& [name, value] : values->fields()) names.insert(name);
    for (const std::string& name : names)
      layer.fault("static_layer", fmt::format("{}: runtime values are not implemented by Weft", in_quotes(name)));
  }
}

void check_stats(const View& stats) {
  if (!flag_or(stats, "use_all_default_tags", true))
    stats.fault("use_all_default_tags", "false: not implemented by Weft; Envoy's default tags are always extracted");
}

void check_listeners(const std::vector<View>& views,
                     const std::vector<std::shared_ptr<const proxy::ListenerConfig>>& listeners) {
  std::map<std::string, std::string> by_address;
  for (size_t i = 0; i < views.size(); ++i) {
    if (!listeners[i] || !listeners[i]->bind_to_port) continue;
    std::vector<net::Address> addresses = {listeners[i]->address};
    addresses.insert(addresses.end(), listeners[i]->additional_addresses.begin(),
                     listeners[i]->additional_addresses.end());
    for (const net::Address& address : addresses) {
      const bool is_ephemeral = address.is_ip() && address.port() == 0;
      if (is_ephemeral || address.family() == net::Address::Family::None) continue;
      const auto [other, is_first] = by_address.emplace(address.to_string(), listeners[i]->name);
      if (!is_first)
        views[i].fault("address", fmt::format("{}: listener {} has this address already", address.to_string(),
                                              in_quotes(other->second)));
    }
  }
}

void translate_static_resources(const View& resources, Translation& run, proxy::Snapshot& snapshot) {
  for (const View& secret : resources.messages("secrets")) run.secrets.emplace(secret.text("name"), secret);
  for (const View& view : resources.messages("clusters")) {
    auto cluster = translate_cluster(view, run);
    if (!cluster->name.empty() && !run.cluster_names.insert(cluster->name).second) {
      view.fault("name", fmt::format("{}: another cluster has this name", in_quotes(cluster->name)));
    }
    snapshot.clusters.push_back(std::move(cluster));
  }
  const std::vector<View> listeners = resources.messages("listeners");
  for (const View& view : listeners) snapshot.listeners.push_back(translate_listener(view, run));
  check_listeners(listeners, snapshot.listeners);
  for (const auto& [name, secret] : run.secrets) {
    if (!run.used_secrets.contains(name))
      secret.accept_all();  // as in Envoy, a secret that nobody names is not looked at
  }
}

void translate_cluster_manager(const View& manager, const Translation& run) {
  if (!manager) return;
  const std::string local = manager.text("local_cluster_name");
  if (!local.empty() && !run.cluster_names.contains(local))
    manager.fault("local_cluster_name", fmt::format("{}: no such cluster", in_quotes(local)));
  manager.accept("local_cluster_name", "Weft has no zone-aware balancing, for which the own cluster is named");
  manager.accept("enable_deferred_cluster_creation", "an optimisation: clusters behave the same");
}

}  // namespace

std::shared_ptr<const proxy::Snapshot> translate_bootstrap(const View& bootstrap) {
  auto snapshot = std::make_shared<proxy::Snapshot>();
  Translation run;
  snapshot->version = 1;
  snapshot->node = run.node = translate_node(bootstrap.message("node"));
  snapshot->admin = translate_admin(bootstrap.message("admin"));
  run.dns.use_tcp = bootstrap.flag("use_tcp_for_dns_lookups");
  translate_dns_resolution(bootstrap, run.dns);
  translate_static_resources(bootstrap.message("static_resources"), run, *snapshot);
  translate_cluster_manager(bootstrap.message("cluster_manager"), run);
  check_runtime(bootstrap.message("layered_runtime"));
  check_stats(bootstrap.message("stats_config"));
  snapshot->stats_flush_interval = duration_or(bootstrap, "stats_flush_interval", base::seconds(5));
  bootstrap.accept("inline_headers", "where a header is stored changes nothing");
  bootstrap.accept("deferred_stat_options", "an optimisation: statistics are the same");
  return snapshot;
}

}  // namespace weft::xds
