#include "sim/mesh.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "sim/invariants.h"

namespace weft::sim {

Mesh::Mesh(uint64_t seed, const BootstrapParts& parts, const Options& options) : world_(seed, net::kTestNow) {
  if (std::getenv("WEFT_SIM_TRACE") != nullptr) world_.record_trace();
  net::Loop& client_loop = world_.add_loop("client");
  client_ =
      std::make_unique<Client>(client_loop, *net::Address::parse(parts.listen_ip, parts.listen_port), options.client);
  proxies_.push_back(std::make_unique<ProxyProcess>(world_, "proxy", parts, options.workers, true, options.names));
}

Mesh::~Mesh() {
  EXPECT_TRUE(is_concluded_ || ::testing::Test::HasFailure()) << "a run without a conclusion";
  proxies_.clear();
  client_.reset();
  services_.clear();
}

ProxyProcess& Mesh::add_proxy(const std::string& name, const BootstrapParts& parts, unsigned workers) {
  proxies_.push_back(std::make_unique<ProxyProcess>(world_, name, parts, workers, false));
  return *proxies_.back();
}

Service& Mesh::add_service(const std::string& ip, bool is_h2, Service::Decide script, const std::string& host) {
  net::Loop*& loop = hosts_[host];
  if (loop == nullptr) loop = &world_.add_loop(host);
  services_.push_back(std::make_unique<Service>(*loop, *net::Address::parse(ip, 80), is_h2, std::move(script)));
  return *services_.back();
}

void Mesh::exchange(Call& call, base::Duration limit) {
  send(call);
  EXPECT_TRUE(world_.run_until([&] { return call.is_over; }, limit)) << "call " << call.id << " never ended";
}

bool Mesh::finish(base::Duration limit) {
  return world_.run_until([&] { return client_->is_all_over(); }, limit);
}

Conclusion Mesh::conclude() {
  is_concluded_ = true;
  world_.heal_all();
  EXPECT_EQ(check(), "");
  if (const char* path = std::getenv("WEFT_SIM_TRACE")) {
    std::ofstream file(path, std::ios::app);
    file << "---- run\n";
    for (const std::string& line : world_.trace()) file << line << "\n";
    for (const auto& proxy : proxies_) file << proxy->log_text();
  }
  return Conclusion(hash_of_all());
}

// What a run was told about itself must repeat as well as what was on the wire.
uint64_t Mesh::hash_of_all() {
  std::string all = std::to_string(world_.trace_hash());
  for (const auto& proxy : proxies_) {
    all += proxy->log_text();
    for (const observe::StatSample& sample : proxy->registry().read())
      all += sample.name + std::to_string(sample.count) + std::to_string(sample.level);
  }
  return XXH64(all.data(), all.size(), 0);
}

std::string Mesh::check() {
  std::string wrong;
  for (const Call* call : client_->calls()) {
    if (!call->is_over && call->reads) wrong += "call " + call->id + " was still open at the end; ";
  }
  for (const auto& proxy : proxies_) proxy->drain(base::seconds(30));
  client_->close(false);
  const bool is_drained = world_.run_until(
      [&] { return std::all_of(proxies_.begin(), proxies_.end(), [](const auto& p) { return p->is_drained(); }); },
      base::seconds(120));
  if (!is_drained) wrong += "a proxy never drained; ";
  for (const auto& proxy : proxies_) proxy->close_connections();
  for (const auto& service : services_) service->stop();
  world_.run_for(base::seconds(10));

  Evidence evidence;
  evidence.calls.assign(client_->calls().begin(), client_->calls().end());
  for (const auto& proxy : proxies_) evidence.proxies.push_back(proxy.get());
  for (const auto& service : services_) evidence.services.push_back(service.get());
  evidence.forgives_late_attempts = forgives_late_attempts_;
  wrong += check_calls(evidence) + check_services(evidence) + check_log(evidence);
  for (const auto& proxy : proxies_) wrong += check_statistics(*proxy) + proxy->leaks();
  if (world_.open_connections() != 0) wrong += std::to_string(world_.open_connections()) + " connections still open; ";
  for (const auto& [name, loop] : hosts_) {
    if (world_.holdings(*loop) != net::Holdings()) wrong += "host " + name + " still holds something; ";
  }
  if (world_.holdings(client_->loop()) != net::Holdings()) wrong += "the client still holds something; ";
  return wrong;
}

std::vector<Call> make_calls(size_t count, const std::string& prefix) {
  std::vector<Call> calls(count);
  for (size_t i = 0; i < count; ++i) {
    calls[i].id = prefix + std::to_string(i);
    calls[i].path = "/" + calls[i].id;
  }
  return calls;
}

void set_weather(Mesh& mesh, double tear, base::Duration jitter) {
  net::LinkOptions link;
  link.tear = tear;
  link.jitter = jitter;
  mesh.world().set_default_link(link);
}

}  // namespace weft::sim
