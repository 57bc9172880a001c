#include "admin/config_dump.h"

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <vector>

#include "admin/message_json.h"
#include "admin/pages.h"
#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weft::admin {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::listener::v3::FilterChain;
using envoy::config::route::v3::RouteConfiguration;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using google::protobuf::Message;
using Messages = std::vector<std::unique_ptr<Message>>;

class NameMatcher {
 public:
  explicit NameMatcher(std::string_view pattern) {
    if (pattern.empty()) return;
    re2::RE2::Options options;
    options.set_log_errors(false);
    regex_.emplace(re2::StringPiece(pattern.data(), pattern.size()), options);
  }
  std::string fault() const { return regex_ && !regex_->ok() ? regex_->error() : ""; }
  bool matches(const std::string& name) const { return !regex_ || re2::RE2::FullMatch(name, *regex_); }

 private:
  std::optional<re2::RE2> regex_;
};

/// Makes the messages of a dump out of the bootstrap.
class Dump {
 public:
  Dump(const Bootstrap& bootstrap, base::WallTime loaded, const NameMatcher& names)
      : bootstrap_(bootstrap), loaded_(loaded), names_(names) {}

  /// In the order of Envoy's keys: bootstrap, clusters, endpoint, listeners, route scopes, routes, secrets.
  Messages make(bool include_eds) const {
    Messages messages;
    messages.push_back(make_bootstrap());
    messages.push_back(make_clusters());
    if (include_eds) messages.push_back(make_endpoints());
    messages.push_back(make_listeners());
    messages.push_back(std::make_unique<envoy::admin::v3::ScopedRoutesConfigDump>());
    messages.push_back(make_routes());
    messages.push_back(make_secrets());
    return messages;
  }

 private:
  std::unique_ptr<Message> make_bootstrap() const {
    auto dump = std::make_unique<envoy::admin::v3::BootstrapConfigDump>();
    *dump->mutable_bootstrap() = bootstrap_;
    set_timestamp(*dump->mutable_last_updated(), loaded_);
    return dump;
  }

  std::unique_ptr<Message> make_clusters() const {
    auto dump = std::make_unique<envoy::admin::v3::ClustersConfigDump>();
    for (const auto& cluster : bootstrap_.static_resources().clusters()) {
      if (!names_.matches(cluster.name())) continue;
      auto& entry = *dump->add_static_clusters();
      entry.mutable_cluster()->PackFrom(cluster);
      set_timestamp(*entry.mutable_last_updated(), loaded_);
    }
    return dump;
  }

  std::unique_ptr<Message> make_endpoints() const {
    auto dump = std::make_unique<envoy::admin::v3::EndpointsConfigDump>();
    for (const auto& cluster : bootstrap_.static_resources().clusters()) {
      if (!cluster.has_load_assignment() || !names_.matches(cluster.name())) continue;
      auto assignment = cluster.load_assignment();
      assignment.set_cluster_name(cluster.name());
      dump->add_static_endpoint_configs()->mutable_endpoint_config()->PackFrom(assignment);
    }
    return dump;
  }

  std::unique_ptr<Message> make_listeners() const {
    auto dump = std::make_unique<envoy::admin::v3::ListenersConfigDump>();
    for (const auto& listener : bootstrap_.static_resources().listeners()) {
      if (!names_.matches(listener.name())) continue;
      auto& entry = *dump->add_static_listeners();
      entry.mutable_listener()->PackFrom(listener);
      set_timestamp(*entry.mutable_last_updated(), loaded_);
    }
    return dump;
  }

  /// The route configurations that stand inside connection managers.
  std::unique_ptr<Message> make_routes() const {
    auto dump = std::make_unique<envoy::admin::v3::RoutesConfigDump>();
    for (const auto& listener : bootstrap_.static_resources().listeners()) {
      for (const FilterChain& chain : listener.filter_chains()) add_routes(*dump, chain);
      if (listener.has_default_filter_chain()) add_routes(*dump, listener.default_filter_chain());
    }
    return dump;
  }

  void add_routes(envoy::admin::v3::RoutesConfigDump& dump, const FilterChain& chain) const {
    for (const auto& filter : chain.filters()) {
      HttpConnectionManager manager;
      if (!filter.typed_config().Is<HttpConnectionManager>() || !filter.typed_config().UnpackTo(&manager)) continue;
      if (!manager.has_route_config() || !names_.matches(manager.route_config().name())) continue;
      auto& entry = *dump.add_static_route_configs();
      entry.mutable_route_config()->PackFrom(manager.route_config());
      set_timestamp(*entry.mutable_last_updated(), loaded_);
    }
  }

  std::unique_ptr<Message> make_secrets() const {
    auto dump = std::make_unique<envoy::admin::v3::SecretsConfigDump>();
    for (const auto& secret : bootstrap_.static_resources().secrets()) {
      if (!names_.matches(secret.name())) continue;
      auto& entry = *dump->add_static_secrets();
      entry.set_name(secret.name());
      entry.mutable_secret()->PackFrom(secret);
      set_timestamp(*entry.mutable_last_updated(), loaded_);
    }
    return dump;
  }

  const Bootstrap& bootstrap_;
  base::WallTime loaded_;
  const NameMatcher& names_;
};

ConfigDumpResult fault(uint16_t status, std::string text) { return {status, std::move(text)}; }

/// The elements of one repeated field, wherever it is.
std::optional<ConfigDumpResult> add_resource(envoy::admin::v3::ConfigDump& dump, const Messages& messages,
                                             const ConfigDumpRequest& request) {
  const std::string name(request.resource);
  for (const auto& message : messages) {
    const auto* field = message->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) continue;
    if (!field->is_repeated())
      return fault(400, name + " is not a repeated field. Use ?mask=" + name + " to get only this field");
    const auto& reflection = *message->GetReflection();
    for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
      Message& element = *reflection.MutableRepeatedMessage(message.get(), field, i);
      if (!request.mask.empty() && !apply_mask(element, request.mask)) {
        return fault(400, "FieldMask " + std::string(request.mask) + " could not be successfully used.");
      }
      dump.add_configs()->PackFrom(element);
    }
    return std::nullopt;
  }
  return fault(404, name + " not found in config dump");
}

std::optional<ConfigDumpResult> add_all(envoy::admin::v3::ConfigDump& dump, const Messages& messages,
                                        const ConfigDumpRequest& request) {
  for (const auto& message : messages) {
    // Messages of other types have other fields: one that does not have them is left out.
    if (!request.mask.empty() && !apply_mask(*message, request.mask)) continue;
    dump.add_configs()->PackFrom(*message);
  }
  if (dump.configs().empty() && !request.mask.empty()) {
    return fault(400, "FieldMask " + std::string(request.mask) + " could not be successfully applied to any configs.");
  }
  return std::nullopt;
}

}  // namespace

ConfigDumpResult dump_config(const Message& bootstrap, base::WallTime loaded, const ConfigDumpRequest& request) {
  NameMatcher names(request.name_regex);
  if (!names.fault().empty()) {
    return fault(400, "Error while parsing name_regex from " + std::string(request.name_regex) + ": " + names.fault());
  }
  Bootstrap typed;
  typed.ParseFromString(bootstrap.SerializeAsString());
  Messages messages = Dump(typed, loaded, names).make(request.include_eds);
  envoy::admin::v3::ConfigDump dump;
  auto failed = request.resource.empty() ? add_all(dump, messages, request) : add_resource(dump, messages, request);
  if (failed) return std::move(*failed);
  redact(dump);
  auto json = message_to_json(dump);
  if (!json) return fault(500, json.error().message + "\n");
  return {200, std::move(*json)};
}

}  // namespace weft::admin
