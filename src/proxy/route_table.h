// Purpose: finds the route of a request: host hash and suffix tables, then a path trie, then ordered predicates, so
//          that the 10,000th route costs what the first does, with exactly Envoy's first-match result.
// Thread:  any; immutable and shared.   Owner: the snapshot.
#pragma once

#include <memory>
#include <string_view>

#include "proxy/route_config.h"

namespace weft::proxy {

/// What the match depends on besides the request head.
struct MatchInput {
  uint64_t random = 0;  ///< one draw a request: runtime_fraction and weighted clusters use it, as Envoy's stable random
  bool tls_peer_presented = false, tls_peer_validated = false;
  uint64_t* predicates_tried = nullptr;  ///< where not null: counts the routes whose predicates `match` tested
};

struct RouteMatchResult {
  const VirtualHost* virtual_host = nullptr;  ///< null: no domain matched
  const Route* route = nullptr;               ///< null: no route of the host matched
};

class RouteTable {
 public:
  /// Errors: duplicate domains, a regex that does not compile, … — with the path of the offending part.
  static base::Result<std::shared_ptr<const RouteTable>> compile(RouteConfig config);
  virtual ~RouteTable() = default;

  /// Cost: O(host length + path length) plus the predicates of the routes whose path matches and that come first.
  virtual RouteMatchResult match(const http::RequestHead& head, const MatchInput& input) const = 0;
  /// The same by Envoy's definition, linear; the reference of the tests.
  virtual RouteMatchResult match_linear(const http::RequestHead& head, const MatchInput& input) const = 0;
  virtual const RouteConfig& config() const = 0;
};

/// The entry of a weighted action that `random` selects (or the header that replaces it); null when the action is not
/// weighted.
const WeightedCluster* pick_weighted(const RouteAction& action, const http::RequestHead& head, uint64_t random);

/// The name of the cluster that `action` sends the request to, by itself or by a header; "" where that header is
/// absent. `weighted`: what pick_weighted chose. Dies with the action or at the next change of `head`.
std::string_view cluster_name_of(const RouteAction& action, const WeightedCluster* weighted,
                                 const http::RequestHead& head);

/// The path and query that go upstream under `route`; equal to the request's when nothing is rewritten.
/// Returns whether `out` was written.
bool rewrite_path(const RouteMatch& match, const PathRewrite& rewrite, std::string_view path_and_query,
                  std::string& out);

/// The `location` of a redirect. Source: Envoy's RouteEntryImplBase::newUri.
std::string redirect_location(const RouteMatch& match, const RedirectAction& action, const http::RequestHead& head);

}  // namespace weft::proxy
