// What a match costs as the table grows: ./dev build release bench_route_table && build/release/bench_route_table
#include <benchmark/benchmark.h>

#include <string>

#include "proxy/route_table.h"

namespace weft::proxy {
namespace {

std::shared_ptr<const RouteTable> table_of(int64_t routes) {
  RouteConfig config;
  VirtualHost& host = config.virtual_hosts.emplace_back();
  host.domains = {"*"};
  for (int64_t i = 0; i < routes; ++i) {
    Route& route = host.routes.emplace_back();
    route.match.path = "/service" + std::to_string(i) + "/";
    route.action = RouteAction{};
  }
  return RouteTable::compile(std::move(config)).value();
}

template <auto Match>
void match_last(benchmark::State& state) {
  const auto table = table_of(state.range(0));
  base::BlockPool pool;
  http::RequestHead head(pool);
  head.add(":method", "GET");
  head.add(":authority", "a.com");
  head.add(":path", "/service" + std::to_string(state.range(0) - 1) + "/method");
  for (auto _ : state) benchmark::DoNotOptimize((table.get()->*Match)(head, {}));
}

BENCHMARK(match_last<&RouteTable::match>)->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(match_last<&RouteTable::match_linear>)->Arg(1)->Arg(100)->Arg(10000);

}  // namespace
}  // namespace weft::proxy

BENCHMARK_MAIN();
