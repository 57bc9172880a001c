#include "proxy/request_path.h"

#include <algorithm>

namespace weft::proxy {

using http::HeaderId;

http::PathVerdict normalize_request_path(http::RequestHead& head, const HcmConfig& config) {
  if (head.path().find('#') != std::string_view::npos) return http::PathVerdict::Reject;
  static_assert(static_cast<int>(http::EscapedSlashes::UnescapeAndForward) ==
                static_cast<int>(HcmConfig::EscapedSlashes::UnescapeAndForward));
  http::PathRules rules;
  rules.is_normalized = config.normalize_path;
  rules.merges_slashes = config.merge_slashes;
  rules.escaped_slashes = static_cast<http::EscapedSlashes>(config.escaped_slashes);
  const bool is_wanted =
      rules.is_normalized || rules.merges_slashes || rules.escaped_slashes != http::EscapedSlashes::Keep;
  if (!is_wanted || head.is_connect() || !head.path().starts_with('/')) return http::PathVerdict::Unchanged;
  std::string path;
  const http::PathVerdict verdict = http::normalize_path(head.path(), rules, path);
  if (verdict == http::PathVerdict::Changed || verdict == http::PathVerdict::Redirect) head.set(HeaderId::Path, path);
  return verdict;
}

bool is_upgrade_allowed(const HcmConfig& config, const Route* route, const http::RequestHead& head) {
  const bool is_connect = head.is_connect();
  if (!is_connect && !head.is_upgrade()) return true;
  std::string wanted(is_connect                     ? std::string_view("connect")
                     : head.has(HeaderId::Protocol) ? head.protocol()
                                                    : head.get(HeaderId::Upgrade));
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (route != nullptr) {
    if (const auto* action = std::get_if<RouteAction>(&route->action)) {
      for (const UpgradePolicy& policy : action->upgrades) {
        if (policy.type == wanted) return policy.enabled;
      }
    }
  }
  for (const UpgradeConfig& upgrade : config.upgrades) {
    if (upgrade.type == wanted) return upgrade.enabled;
  }
  return false;
}

bool is_terminated_here(const RouteAction& action, const http::RequestHead& head) {
  return std::any_of(action.upgrades.begin(), action.upgrades.end(), [&](const UpgradePolicy& policy) {
    if (policy.type != "connect" || !policy.enabled || !policy.connect_terminates) return false;
    return head.is_connect() || (policy.connect_allow_post && head.method() == "POST");
  });
}

}  // namespace weft::proxy
