#include "proxy/filter_chain_table.h"

#include <algorithm>
#include <optional>

namespace weft::proxy {
namespace {

// The rank of one criterion: absent = this chain does not match; 0 = matches as "any"; more = more specific.
using Rank = std::optional<uint32_t>;

Rank rank_port(const std::optional<uint16_t>& wanted, uint16_t port) {
  if (!wanted) return 0;
  return *wanted == port ? Rank(1) : std::nullopt;
}

Rank rank_ranges(const std::vector<net::AddressRange>& ranges, const net::Address& address) {
  if (ranges.empty()) return 0;
  Rank best;
  for (const net::AddressRange& range : ranges) {
    if (range.contains(address)) best = std::max(best.value_or(0), static_cast<uint32_t>(range.prefix_bits) + 1);
  }
  return best;
}

// Exact names first, then the longest suffix wildcard.
Rank rank_server_name(const std::vector<std::string>& names, std::string_view name) {
  if (names.empty()) return 0;
  Rank best;
  for (const std::string& wanted : names) {
    if (wanted == name && !name.empty()) return UINT32_MAX;
    if (!wanted.starts_with("*.")) continue;
    const std::string_view suffix = std::string_view(wanted).substr(1);
    if (name.size() > suffix.size() && name.ends_with(suffix))
      best = std::max(best.value_or(0), static_cast<uint32_t>(suffix.size()) + 1);
  }
  return best;
}

Rank rank_transport(const std::string& wanted, std::string_view protocol) {
  if (wanted.empty()) return 0;
  return wanted == protocol ? Rank(1) : std::nullopt;
}

Rank rank_application(const std::vector<std::string>& wanted, const std::vector<std::string>& offered) {
  if (wanted.empty()) return 0;
  for (size_t i = 0; i < offered.size(); ++i) {  // the client's order of preference decides
    if (std::find(wanted.begin(), wanted.end(), offered[i]) != wanted.end())
      return static_cast<uint32_t>(UINT32_MAX - i);
  }
  return std::nullopt;
}

Rank rank_source_type(FilterChainMatch::SourceType wanted, const ConnectionFacts& facts) {
  if (wanted == FilterChainMatch::SourceType::Any) return 0;
  const bool is_near =
      facts.remote->is_loopback() || !facts.remote->is_ip() || facts.remote->ip_bytes() == facts.local->ip_bytes();
  return is_near == (wanted == FilterChainMatch::SourceType::SameIpOrLoopback) ? Rank(1) : std::nullopt;
}

Rank rank_source_port(const std::vector<uint16_t>& ports, uint16_t port) {
  if (ports.empty()) return 0;
  return std::find(ports.begin(), ports.end(), port) != ports.end() ? Rank(1) : std::nullopt;
}

constexpr size_t kLevels = 9;

Rank rank(const FilterChainMatch& match, const ConnectionFacts& facts, size_t level) {
  switch (level) {
    case 0: return rank_port(match.destination_port, facts.local->port());
    case 1: return rank_ranges(match.prefix_ranges, *facts.local);
    case 2: return rank_server_name(match.server_names, facts.server_name);
    case 3: return rank_transport(match.transport_protocol, facts.transport_protocol);
    case 4: return rank_application(match.application_protocols, facts.application_protocols);
    case 5: return rank_ranges(match.direct_source_prefix_ranges, *facts.remote);
    case 6: return rank_source_type(match.source_type, facts);
    case 7: return rank_ranges(match.source_prefix_ranges, *facts.remote);
    default: return rank_source_port(match.source_ports, facts.remote->port());
  }
}

// Level by level only the chains that are most specific there stay; Envoy never goes back to a less specific one
// when a later criterion fails.
std::vector<const FilterChainConfig*> keep_best(const std::vector<const FilterChainConfig*>& chains,
                                                const ConnectionFacts& facts, size_t level) {
  std::vector<const FilterChainConfig*> best;
  uint32_t best_rank = 0;
  for (const FilterChainConfig* chain : chains) {
    const Rank r = rank(chain->match, facts, level);
    if (!r || (!best.empty() && *r < best_rank)) continue;
    if (!best.empty() && *r > best_rank) best.clear();
    best_rank = *r;
    best.push_back(chain);
  }
  return best;
}

}  // namespace

FilterChainTable::FilterChainTable(const ListenerConfig& config) {
  for (const FilterChainConfig& chain : config.filter_chains) chains_.push_back(&chain);
  if (config.default_filter_chain) default_ = &*config.default_filter_chain;
}

const FilterChainConfig* FilterChainTable::find(const ConnectionFacts& facts) const {
  if (chains_.size() == 1 && chains_.front()->match.is_empty()) return chains_.front();
  std::vector<const FilterChainConfig*> left = chains_;
  for (size_t level = 0; level < kLevels && !left.empty(); ++level) left = keep_best(left, facts, level);
  return left.empty() ? default_ : left.front();
}

}  // namespace weft::proxy
