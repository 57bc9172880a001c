// Purpose: what the process keeps of one listener: its sockets, and how many connections each worker has (exact
// balance). Thread:  made on the main thread; counts from any.   Owner: Server; workers borrow.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/shared_count.h"
#include "net/loop.h"
#include "net/tls_config.h"
#include "net/tls_ticket_keys.h"
#include "proxy/listener_config.h"

namespace weft::proxy {

class ListenerState {
 public:
  ListenerState(std::shared_ptr<const ListenerConfig> config, size_t workers)
      : config_(std::move(config)), counts_(workers), sockets_(workers), has_stopped_(workers) {}

  const std::shared_ptr<const ListenerConfig>& config() const { return config_; }

  /// Binds every address for every worker. The first worker's sockets are bound first and alone, so that an address in
  /// use is an error. Errors: Io with address and reason.
  base::Status bind(net::Loop& loop);
  std::vector<net::ListenSocket*> sockets(size_t worker) const;
  /// `worker` accepts no more. When none does, the sockets are closed, so that newcomers are refused and do not wait in
  /// a backlog that nobody empties. Main thread.
  void note_stopped(size_t worker);

  /// The worker with the fewest connections, which gets one more by this.
  size_t take_least_loaded();
  base::SharedCount& count(size_t worker) { return counts_[worker]; }

  /// The ticket keys that new sessions of `chain` use, the same on every worker; null: no tickets. Main thread; workers
  /// get copies by message.
  std::shared_ptr<const net::TicketKeys> tickets(const FilterChainConfig& chain) const;
  /// Makes (or takes from the configuration) the keys of every filter chain with TLS. Errors: InvalidArgument.
  base::Status make_tickets();
  /// A new key in front, for the chains whose keys are not given by the configuration.
  void rotate_tickets();

 private:
  std::shared_ptr<const ListenerConfig> config_;
  std::map<const FilterChainConfig*, std::shared_ptr<const net::TicketKeys>> tickets_;
  std::vector<base::SharedCount> counts_;
  std::vector<std::vector<std::unique_ptr<net::ListenSocket>>> sockets_;
  std::vector<bool> has_stopped_;  ///< by worker
};

}  // namespace weft::proxy
