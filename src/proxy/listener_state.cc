#include "proxy/listener_state.h"

#include <algorithm>

namespace weft::proxy {

base::Status ListenerState::bind(net::Loop& loop) {
  std::vector<net::Address> addresses = {config_->address};
  addresses.insert(addresses.end(), config_->additional_addresses.begin(), config_->additional_addresses.end());
  net::ListenOptions options;
  if (config_->tcp_backlog != 0) options.backlog = static_cast<int>(config_->tcp_backlog);
  options.unix_mode = config_->unix_mode;
  for (net::Address& address : addresses) {
    for (size_t worker = 0; worker < sockets_.size(); ++worker) {
      // A unix path has one socket, which the workers share; so has an address whose port sharing is switched off.
      const bool is_shared = !address.is_ip() || !config_->enable_reuse_port;
      if (worker > 0 && is_shared) break;
      options.reuse_port = !is_shared && sockets_.size() > 1;
      options.is_first = worker == 0;
      auto socket = loop.listen(address, options);
      if (!socket) return socket.error();
      if (worker == 0) address = (*socket)->local_address();  // port 0: the others join the one that was given
      sockets_[worker].push_back(std::move(*socket));
    }
  }
  return {};
}

void ListenerState::note_stopped(size_t worker) {
  has_stopped_[worker] = true;
  if (std::find(has_stopped_.begin(), has_stopped_.end(), false) != has_stopped_.end()) return;
  for (auto& of_worker : sockets_) of_worker.clear();
}

std::vector<net::ListenSocket*> ListenerState::sockets(size_t worker) const {
  std::vector<net::ListenSocket*> out;
  for (size_t i = 0; i < sockets_[0].size(); ++i) {
    const auto& own = sockets_[worker];
    out.push_back(i < own.size() ? own[i].get() : sockets_[0][i].get());
  }
  return out;
}

std::shared_ptr<const net::TicketKeys> ListenerState::tickets(const FilterChainConfig& chain) const {
  const auto it = tickets_.find(&chain);
  return it != tickets_.end() ? it->second : nullptr;
}

base::Status ListenerState::make_tickets() {
  std::vector<const FilterChainConfig*> chains;
  for (const FilterChainConfig& chain : config_->filter_chains) chains.push_back(&chain);
  if (config_->default_filter_chain) chains.push_back(&*config_->default_filter_chain);
  for (const FilterChainConfig* chain : chains) {
    if (chain->tls == nullptr || chain->tls->disable_stateless_session_resumption) continue;
    if (chain->tls->session_ticket_keys.empty()) {
      tickets_[chain] = net::TicketKeys::generate();
      continue;
    }
    auto given = net::TicketKeys::from_given(chain->tls->session_ticket_keys);
    if (!given) return given.error();
    tickets_[chain] = std::move(*given);
  }
  return {};
}

void ListenerState::rotate_tickets() {
  for (auto& [chain, keys] : tickets_) {
    if (chain->tls->session_ticket_keys.empty()) keys = keys->rotated();
  }
}

size_t ListenerState::take_least_loaded() {
  size_t best = 0;
  for (size_t i = 1; i < counts_.size(); ++i) {
    if (counts_[i].value() < counts_[best].value()) best = i;
  }
  counts_[best].add();
  return best;
}

}  // namespace weft::proxy
