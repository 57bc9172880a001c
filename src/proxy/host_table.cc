#include "proxy/host_table.h"

#include "proxy/ascii.h"

namespace weft::proxy {

base::Status HostTable::add(std::string_view domain, uint32_t index) {
  const std::string text = to_lower(domain);
  bool is_new = true;
  if (text.empty()) {
    return base::Error(base::ErrorCode::InvalidArgument, "a domain must not be empty");
  } else if (text == "*") {
    is_new = any_ == kNone;
    if (is_new) any_ = index;
  } else if (text.front() == '*') {
    is_new = suffixes_[text.size() - 1].emplace(text.substr(1), index).second;
  } else if (text.back() == '*') {
    is_new = prefixes_[text.size() - 1].emplace(text.substr(0, text.size() - 1), index).second;
  } else {
    is_new = exact_.emplace(text, index).second;
  }
  if (!is_new)
    return base::Error(base::ErrorCode::InvalidArgument, "duplicate domain '" + text + "': each may appear once");
  return {};
}

uint32_t HostTable::find(std::string_view host) const {
  if (exact_.empty() && suffixes_.empty() && prefixes_.empty()) return any_;
  if (host.empty()) return kNone;

  std::string lowered;
  for (const char c : host) {
    if (c != to_lower(c)) {
      lowered = to_lower(host);
      host = lowered;
      break;
    }
  }
  if (const auto found = exact_.find(host); found != exact_.end()) return found->second;
  // A wildcard stands for at least one character: "*.a.com" does not match ".a.com".
  for (const auto& [length, map] : suffixes_) {
    if (length >= host.size()) continue;
    if (const auto found = map.find(host.substr(host.size() - length)); found != map.end()) return found->second;
  }
  for (const auto& [length, map] : prefixes_) {
    if (length >= host.size()) continue;
    if (const auto found = map.find(host.substr(0, length)); found != map.end()) return found->second;
  }
  return any_;
}

}  // namespace weft::proxy
