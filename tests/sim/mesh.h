// Purpose: a mesh in a simulated world: a client, one proxy or several in a row, and scripted services, all on one
//          thread, one clock and one seed. Every run ends with `conclude`, which holds it to the invariants.
// Thread:  the test's.   Owner: the scenario.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/simulation.h"
#include "sim/bootstrap.h"
#include "sim/client.h"
#include "sim/proxy_process.h"
#include "sim/seeds.h"
#include "sim/service.h"

namespace weft::sim {

struct Options {
  unsigned workers = 1;
  ClientOptions client;
  std::vector<std::pair<std::string, std::vector<std::string>>> names;  ///< that the first proxy resolves
};

/// Hosts: "client", "proxy" (the first one), those of `add_proxy`, "services".
class Mesh {
 public:
  /// The first proxy is live afterwards; the client calls it.
  Mesh(uint64_t seed, const BootstrapParts& parts, const Options& options = {});
  ~Mesh();

  net::Simulation& world() { return world_; }
  Client& client() { return *client_; }
  ProxyProcess& proxy(size_t i = 0) { return *proxies_[i]; }
  proxy::Server& server(size_t i = 0) { return proxies_[i]->server(); }
  Service& service(size_t i) { return *services_[i]; }
  /// The loop of host "services"; a service is there already.
  net::Loop& service_loop() { return *hosts_.at("services"); }
  int64_t stat(std::string_view name, size_t proxy = 0) const { return proxies_[proxy]->stat(name); }

  /// A further proxy behind those there are, on a host of its own.
  ProxyProcess& add_proxy(const std::string& name, const BootstrapParts& parts, unsigned workers = 1);
  /// At `ip`:80, on `host`, which is made when it is new.
  Service& add_service(const std::string& ip, bool is_h2, Service::Decide script, const std::string& host = "services");

  /// The call outlives the mesh's run.
  void send(Call& call) { client_->send(call); }
  /// Sends and waits until it is over.
  void exchange(Call& call, base::Duration limit = base::seconds(120));
  /// Runs until every call sent is over; false when one never ends.
  bool finish(base::Duration limit = base::seconds(120));
  bool run_until(const std::function<bool()>& done, base::Duration limit = base::seconds(120)) {
    return world_.run_until(done, limit);
  }
  void run_for(base::Duration d) { world_.run_for(d); }

  /// Services may see attempts end late: something between them and the proxies does not pass on what happens, or one
  /// of them stands still.
  void forgive_late_attempts() { forgives_late_attempts_ = true; }

  /// Ends the run in order — drains the proxies (which may be draining already), closes client and services — and holds
  /// it to every invariant; a broken one fails the test.
  Conclusion conclude();

 private:
  std::string check();
  uint64_t hash_of_all();

  net::Simulation world_;
  std::map<std::string, net::Loop*> hosts_;
  std::vector<std::unique_ptr<Service>> services_;
  std::unique_ptr<Client> client_;
  std::vector<std::unique_ptr<ProxyProcess>> proxies_;
  bool forgives_late_attempts_ = false;
  bool is_concluded_ = false;
};

/// `count` GETs of different paths, with ids "0" and so on.
std::vector<Call> make_calls(size_t count, const std::string& prefix = "");
/// Links whose reads and writes are torn at random, with `jitter` of latency.
void set_weather(Mesh& mesh, double tear, base::Duration jitter = base::milliseconds(2));

}  // namespace weft::sim
