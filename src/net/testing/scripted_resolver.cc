#include "net/testing/scripted_resolver.h"

#include <algorithm>

#include "base/assert.h"

namespace weft::net::testing {
namespace {

std::vector<Address> only(const std::vector<Address>& all, Address::Family family) {
  std::vector<Address> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), [=](const Address& a) { return a.family() == family; });
  return out;
}

}  // namespace

void ScriptedResolver::set(const std::string& name, const std::vector<std::string>& literals, base::Duration ttl) {
  DnsAnswer answer;
  for (const std::string& literal : literals) answer.addresses.push_back(*Address::parse(literal, 0));
  answer.ttl = ttl;
  entries_.insert_or_assign(name, std::move(answer));
}

void ScriptedResolver::set_error(const std::string& name, base::ErrorCode code) {
  entries_.insert_or_assign(name, base::Error(code, "cannot resolve " + name + ": scripted"));
}

void ScriptedResolver::resolve(std::string_view name, DnsFamily family, ResolveHandler& handler) {
  ++counts_[std::string(name)];
  Lookup& lookup = lookups_.emplace_back(*this, std::string(name), family, handler);
  if (delay_ >= base::Duration::zero()) loop_.arm(lookup.timer, delay_);
}

void ScriptedResolver::cancel(ResolveHandler& handler) {
  lookups_.remove_if([&](const Lookup& lookup) { return lookup.handler == &handler; });
}

int ScriptedResolver::lookups(const std::string& name) const {
  const auto found = counts_.find(name);
  return found != counts_.end() ? found->second : 0;
}

void ScriptedResolver::answer(Lookup& lookup) {
  ResolveHandler& handler = *lookup.handler;
  base::Result<DnsAnswer> result = find(lookup.name, lookup.family);
  lookups_.remove_if([&](const Lookup& other) { return &other == &lookup; });
  handler.on_resolved(std::move(result));
}

base::Result<DnsAnswer> ScriptedResolver::find(const std::string& name, DnsFamily family) const {
  const base::Error missing(base::ErrorCode::NotFound, "cannot resolve " + name + ": no such record");
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return missing;
  if (!entry->second) return entry->second.error();
  const std::vector<Address> v4 = only(entry->second->addresses, Address::Family::V4);
  const std::vector<Address> v6 = only(entry->second->addresses, Address::Family::V6);
  DnsAnswer answer{{}, entry->second->ttl};
  switch (family) {
    case DnsFamily::Auto: answer.addresses = v6.empty() ? v4 : v6; break;
    case DnsFamily::V4Only: answer.addresses = v4; break;
    case DnsFamily::V6Only: answer.addresses = v6; break;
    case DnsFamily::V4Preferred: answer.addresses = v4.empty() ? v6 : v4; break;
    case DnsFamily::All: answer.addresses = v4; answer.addresses.insert(answer.addresses.end(), v6.begin(), v6.end());
  }
  if (answer.addresses.empty()) return missing;
  return answer;
}

}  // namespace weft::net::testing
