#include "proxy/route_table.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "http/grpc.h"
#include "proxy/ascii.h"
#include "proxy/host_table.h"
#include "proxy/path_trie.h"

namespace weft::proxy {

namespace {

/// What the predicates of one request share.
struct Request {
  const http::RequestHead& head;
  const MatchInput& input;
  std::string_view path;  ///< for matching: without query, fragment and, where so configured, path parameters
  std::string_view query;
  std::string lower_path;  ///< of `path`; only where a case-insensitive rule exists
  bool has_path;

  Request(const http::RequestHead& h, const MatchInput& i, bool ignores_parameters)
      : head(h), input(i), has_path(h.has(http::HeaderId::Path) && !h.path().empty()) {
    const std::string_view whole = h.path();
    path = path_only(whole);
    if (const size_t mark = whole.find('?'); mark != std::string_view::npos) {
      query = whole.substr(mark + 1);
      query = query.substr(0, query.find('#'));
    }
    if (ignores_parameters) path = path.substr(0, path.find(';'));
  }
};

/// CONNECT, or CONNECT-UDP by extended CONNECT. Other extended CONNECTs are upgrades, as in Envoy.
bool is_connect(const http::RequestHead& head) {
  return head.is_connect() || equals_ignoring_case(head.protocol(), "connect-udp");
}

/// Everything of a match but the path.
bool do_predicates_match(const RouteMatch& match, const Request& request) {
  if (match.runtime_fraction) {
    const Fraction& fraction = *match.runtime_fraction;
    if (request.input.random % std::max(1u, fraction.denominator) >= fraction.numerator) return false;
  }
  if (match.is_grpc && !(request.has_path && http::is_grpc(request.head))) return false;
  for (const HeaderMatcher& header : match.headers) {
    if (!header.matches(request.head)) return false;
  }
  for (const QueryMatcher& parameter : match.query) {
    if (!parameter.matches(request.query)) return false;
  }
  if (match.tls_presented && *match.tls_presented != request.input.tls_peer_presented) return false;
  if (match.tls_validated && *match.tls_validated != request.input.tls_peer_validated) return false;
  return true;
}

/// The path rule by its definition; the trie answers the first three kinds without it.
bool does_path_match(const RouteMatch& match, const Request& request) {
  if (match.kind == RouteMatch::Path::Connect) return is_connect(request.head);
  if (!request.has_path) return false;
  if (match.kind == RouteMatch::Path::Regex) return match.regex != nullptr && match.regex->full_match(request.path);
  const std::string_view path = request.path;
  const size_t size = match.path.size();
  const std::string_view front = path.substr(0, size);
  if (!(match.case_sensitive ? front == match.path : equals_ignoring_case(front, match.path))) return false;
  switch (match.kind) {
    case RouteMatch::Path::Exact: return path.size() == size;
    case RouteMatch::Path::PathSeparatedPrefix: return path.size() == size || path[size] == '/';
    default: return true;
  }
}

/// The path rules of one virtual host.
struct HostRoutes {
  PathTrie exact_case, any_case;
  std::vector<uint32_t> by_definition;  ///< regex and CONNECT routes

  void add(const RouteMatch& match, uint32_t index) {
    PathTrie::Rule rule = PathTrie::Rule::Prefix;
    switch (match.kind) {
      case RouteMatch::Path::Prefix: break;
      case RouteMatch::Path::Exact: rule = PathTrie::Rule::Exact; break;
      case RouteMatch::Path::PathSeparatedPrefix: rule = PathTrie::Rule::SeparatedPrefix; break;
      case RouteMatch::Path::Regex:
      case RouteMatch::Path::Connect: by_definition.push_back(index); return;
    }
    if (match.case_sensitive) exact_case.add(match.path, rule, index);
    else any_case.add(to_lower(match.path), rule, index);
  }
};

/// Ascending lists merged as they are asked for: the first match ends the work.
class Candidates {
 public:
  static constexpr uint32_t kEnd = UINT32_MAX;

  void add(std::span<const uint32_t> list) {
    if (list.empty()) return;
    if (count_ < lists_.size()) lists_[count_] = list;
    else more_.push_back(list);
    ++count_;
  }
  uint32_t next() {
    std::span<const uint32_t>* lowest = nullptr;
    for (size_t i = 0; i < count_; ++i) {
      std::span<const uint32_t>& list = i < lists_.size() ? lists_[i] : more_[i - lists_.size()];
      if (!list.empty() && (lowest == nullptr || list.front() < lowest->front())) lowest = &list;
    }
    if (lowest == nullptr) return kEnd;
    const uint32_t index = lowest->front();
    *lowest = lowest->subspan(1);
    return index;
  }

 private:
  std::array<std::span<const uint32_t>, 16> lists_;
  std::vector<std::span<const uint32_t>> more_;
  size_t count_ = 0;
};

class CompiledTable final : public RouteTable {
 public:
  explicit CompiledTable(RouteConfig config) : config_(std::move(config)) {}

  base::Status build();
  RouteMatchResult match(const http::RequestHead& head, const MatchInput& input) const override;
  RouteMatchResult match_linear(const http::RequestHead& head, const MatchInput& input) const override;
  const RouteConfig& config() const override { return config_; }

 private:
  uint32_t find_host(const http::RequestHead& head) const;

  RouteConfig config_;
  HostTable hosts_;
  std::vector<HostRoutes> routes_;  ///< by virtual host
};

base::Error at(const std::string& place, const std::string& rule) {
  return base::Error(base::ErrorCode::InvalidArgument, place + ": " + rule);
}

base::Status check_rewrite(const std::shared_ptr<const Regex>& regex, const std::string& substitution,
                           const std::string& place) {
  if (regex == nullptr) return {};
  if (auto checked = regex->check_substitution(substitution); !checked) return at(place, checked.error().message);
  return {};
}

base::Status check_rewrites(const Route& route, const std::string& place) {
  if (const auto* redirect = std::get_if<RedirectAction>(&route.action)) {
    return check_rewrite(redirect->path_rewrite.regex, redirect->path_rewrite.substitution,
                         place + ".redirect.regex_rewrite.substitution");
  }
  const auto* action = std::get_if<RouteAction>(&route.action);
  if (action == nullptr) return {};
  if (auto checked = check_rewrite(action->path_rewrite.regex, action->path_rewrite.substitution,
                                   place + ".route.regex_rewrite.substitution");
      !checked)
    return checked;
  return check_rewrite(action->host_rewrite_path_regex, action->host_rewrite_path_substitution,
                       place + ".route.host_rewrite_path_regex.substitution");
}

base::Status check_route(const Route& route, const std::string& place) {
  if (auto checked = check_rewrites(route, place); !checked) return checked;
  if (route.match.kind == RouteMatch::Path::Regex && route.match.regex == nullptr)
    return at(place + ".match.safe_regex", "has no regex");
  if (route.match.runtime_fraction && route.match.runtime_fraction->denominator == 0) {
    return at(place + ".match.runtime_fraction", "denominator must not be 0");
  }
  const auto* action = std::get_if<RouteAction>(&route.action);
  if (action == nullptr || action->weighted.empty()) return {};
  uint64_t total = 0;
  for (const WeightedCluster& cluster : action->weighted) total += cluster.weight;
  if (total == 0) return at(place + ".route.weighted_clusters", "the sum of the weights must be greater than 0");
  if (total > UINT32_MAX) return at(place + ".route.weighted_clusters", "the sum of the weights is above 4294967295");
  return {};
}

base::Status CompiledTable::build() {
  routes_.resize(config_.virtual_hosts.size());
  for (uint32_t h = 0; h < config_.virtual_hosts.size(); ++h) {
    const VirtualHost& host = config_.virtual_hosts[h];
    const std::string place = "virtual_hosts[" + std::to_string(h) + "]";
    for (size_t d = 0; d < host.domains.size(); ++d) {
      if (auto added = hosts_.add(host.domains[d], h); !added) {
        return at(place + ".domains[" + std::to_string(d) + "]", added.error().message);
      }
    }
    HostRoutes& compiled = routes_[h];
    for (uint32_t r = 0; r < host.routes.size(); ++r) {
      if (auto checked = check_route(host.routes[r], place + ".routes[" + std::to_string(r) + "]"); !checked)
        return checked;
      compiled.add(host.routes[r].match, r);
    }
    compiled.exact_case.freeze();
    compiled.any_case.freeze();
  }
  return {};
}

uint32_t CompiledTable::find_host(const http::RequestHead& head) const {
  std::string_view host = head.authority();
  if (config_.ignore_port_in_host_matching) host = host.substr(0, port_start(host));
  return hosts_.find(host);
}

RouteMatchResult CompiledTable::match(const http::RequestHead& head, const MatchInput& input) const {
  const uint32_t host_index = find_host(head);
  if (host_index == HostTable::kNone) return {};
  const VirtualHost& host = config_.virtual_hosts[host_index];
  const HostRoutes& compiled = routes_[host_index];

  Request request(head, input, config_.ignore_path_parameters_in_path_matching);
  Candidates candidates;
  const auto add = [&](std::span<const uint32_t> list) { candidates.add(list); };
  if (request.has_path) {
    compiled.exact_case.visit(request.path, add);
    if (!compiled.any_case.is_empty()) {
      request.lower_path = to_lower(request.path);
      compiled.any_case.visit(request.lower_path, add);
    }
  }
  candidates.add(compiled.by_definition);

  for (uint32_t index = candidates.next(); index != Candidates::kEnd; index = candidates.next()) {
    const Route& route = host.routes[index];
    if (input.predicates_tried != nullptr) ++*input.predicates_tried;
    const bool is_in_trie =
        route.match.kind != RouteMatch::Path::Regex && route.match.kind != RouteMatch::Path::Connect;
    if (do_predicates_match(route.match, request) && (is_in_trie || does_path_match(route.match, request)))
      return {&host, &route};
  }
  return {&host, nullptr};
}

/// Whether `domain` takes `host`, and how well: larger is better, 0 is no match. Exact, then suffix, prefix, "*".
uint64_t domain_rank(std::string_view domain, std::string_view host) {
  constexpr uint64_t kExact = 1ull << 60, kSuffix = 1ull << 50, kPrefix = 1ull << 40;
  if (domain == "*") return 1;
  const std::string_view fixed = domain.substr(domain.front() == '*' ? 1 : 0, domain.size() - 1);
  if (domain.front() == '*') {
    const bool is_match =
        fixed.size() < host.size() && equals_ignoring_case(fixed, host.substr(host.size() - fixed.size()));
    return is_match ? kSuffix + fixed.size() : 0;
  }
  if (domain.back() == '*') {
    return fixed.size() < host.size() && equals_ignoring_case(fixed, host.substr(0, fixed.size()))
               ? kPrefix + fixed.size()
               : 0;
  }
  return equals_ignoring_case(domain, host) ? kExact : 0;
}

RouteMatchResult CompiledTable::match_linear(const http::RequestHead& head, const MatchInput& input) const {
  std::string_view authority = head.authority();
  if (config_.ignore_port_in_host_matching) authority = authority.substr(0, port_start(authority));
  const VirtualHost* best = nullptr;
  uint64_t best_rank = 0;
  bool has_only_any = true;
  for (const VirtualHost& host : config_.virtual_hosts) {
    for (const std::string& domain : host.domains) {
      has_only_any = has_only_any && domain == "*";
      const uint64_t rank = domain_rank(domain, authority);
      if (rank > best_rank) {
        best_rank = rank;
        best = &host;
      }
    }
  }
  // Envoy gives a request without authority no virtual host, unless "*" is all there is.
  if (best == nullptr || (authority.empty() && !has_only_any)) return {};
  const Request request(head, input, config_.ignore_path_parameters_in_path_matching);
  for (const Route& route : best->routes) {
    if (does_path_match(route.match, request) && do_predicates_match(route.match, request)) return {best, &route};
  }
  return {best, nullptr};
}

}  // namespace

base::Result<std::shared_ptr<const RouteTable>> RouteTable::compile(RouteConfig config) {
  auto table = std::make_shared<CompiledTable>(std::move(config));
  if (auto built = table->build(); !built) return std::move(built.error());
  return std::shared_ptr<const RouteTable>(std::move(table));
}

const WeightedCluster* pick_weighted(const RouteAction& action, const http::RequestHead& head, uint64_t random) {
  if (action.weighted.empty()) return nullptr;
  if (!action.weighted_random_header.empty()) {
    if (const auto value = head.find(action.weighted_random_header)) random = parse_uint64(*value).value_or(random);
  }
  uint64_t total = 0;
  for (const WeightedCluster& cluster : action.weighted) total += cluster.weight;
  if (total == 0) return &action.weighted.front();
  uint64_t selected = random % total;
  for (const WeightedCluster& cluster : action.weighted) {
    if (selected < cluster.weight) return &cluster;
    selected -= cluster.weight;
  }
  return &action.weighted.back();
}

std::string_view cluster_name_of(const RouteAction& action, const WeightedCluster* weighted,
                                 const http::RequestHead& head) {
  const std::string& header = weighted != nullptr ? weighted->cluster_header : action.cluster_header;
  if (!header.empty()) return head.get(header);
  return weighted != nullptr ? weighted->cluster : action.cluster;
}

}  // namespace weft::proxy
