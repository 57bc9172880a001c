// A route table made of the input's lines, and a request made of its last ones: the compiled table must answer as the
// linear definition does, and the location of a redirect and the rewritten path must come out whatever the path is.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "proxy/route_table.h"

namespace weft::proxy {
namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 1));
  return line;
}

/// First byte: kind and case; then the path.
Route route_from(std::string_view line) {
  Route route;
  route.action = RouteAction{};
  const unsigned mode = line.empty() ? 0 : static_cast<unsigned char>(line[0]);
  if (!line.empty()) line.remove_prefix(1);
  route.match.kind = static_cast<RouteMatch::Path>(mode % 5);
  route.match.case_sensitive = (mode & 8) == 0;
  if ((mode & 16) != 0) route.match.query.push_back({.name = "q", .is_presence = true});
  if ((mode & 32) != 0) route.match.headers.push_back({.name = "x"});
  if (route.match.kind == RouteMatch::Path::Regex) {
    auto regex = Regex::compile(line);
    if (regex) route.match.regex = *regex;
    else route.match.kind = RouteMatch::Path::Exact;
  }
  route.match.path = line;
  return route;
}

void run(std::string_view text) {
  RouteConfig config;
  std::string_view flags = take_line(text);
  config.ignore_port_in_host_matching = flags.find('p') != flags.npos;
  config.ignore_path_parameters_in_path_matching = flags.find(';') != flags.npos;
  const std::string authority(take_line(text)), path(take_line(text));
  while (!text.empty() && config.virtual_hosts.size() < 8) {
    VirtualHost& host = config.virtual_hosts.emplace_back();
    host.domains.emplace_back(take_line(text));
    for (int i = 0; i < 8 && !text.empty(); ++i) host.routes.push_back(route_from(take_line(text)));
  }
  auto table = RouteTable::compile(std::move(config));
  if (!table) return;
  base::BlockPool pool;
  http::RequestHead head(pool);
  head.add(":method", "GET");
  head.add(":scheme", "http");
  head.add(":authority", authority);
  head.add(":path", path);
  if (flags.find('x') != flags.npos) head.add("x", "1");
  const auto fast = (*table)->match(head, {});
  const auto reference = (*table)->match_linear(head, {});
  WEFT_ASSERT(fast.virtual_host == reference.virtual_host && fast.route == reference.route);

  RedirectAction redirect;
  redirect.https_redirect = true;
  redirect.path_rewrite.prefix = "/new";
  redirect.path_rewrite.has_prefix = true;
  WEFT_ASSERT(redirect_location(fast.route != nullptr ? fast.route->match : RouteMatch(), redirect, head)
                  .starts_with("https://"));
}

}  // namespace
}  // namespace weft::proxy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::proxy::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
