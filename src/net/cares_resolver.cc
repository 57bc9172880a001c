#include "net/cares_resolver.h"

#include <ares.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <map>
#include <string>

namespace weft::net {
namespace {

// The first and, when that finds nothing, the second question of a policy. 0: no second one.
struct Questions {
  int first;
  int second;
};

Questions questions_of(DnsFamily family) {
  switch (family) {
    case DnsFamily::Auto: return {AF_INET6, AF_INET};
    case DnsFamily::V4Only: return {AF_INET, 0};
    case DnsFamily::V6Only: return {AF_INET6, 0};
    case DnsFamily::V4Preferred: return {AF_INET, AF_INET6};
    case DnsFamily::All: return {AF_UNSPEC, 0};
  }
  return {AF_UNSPEC, 0};
}

base::Error error_of(const std::string& name, int status) {
  base::ErrorCode code = base::ErrorCode::Unavailable;
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME) code = base::ErrorCode::NotFound;
  if (status == ARES_ETIMEOUT) code = base::ErrorCode::Timeout;
  if (status == ARES_EBADNAME) code = base::ErrorCode::InvalidArgument;
  const bool is_retryable = code == base::ErrorCode::Timeout || code == base::ErrorCode::Unavailable;
  return {code, "cannot resolve " + name + ": " + ares_strerror(status), base::Side::Local, is_retryable};
}

DnsAnswer answer_of(const ares_addrinfo& info, bool sort_by_family) {
  DnsAnswer answer;
  int ttl = INT32_MAX;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    Address address = Address::from_sockaddr(node->ai_addr, node->ai_addrlen).with_port(0);
    ttl = std::min(ttl, node->ai_ttl);
    auto& found = answer.addresses;
    if (address.is_ip() && std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
  }
  for (const ares_addrinfo_cname* alias = info.cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min(ttl, alias->ttl);
  }
  if (!answer.addresses.empty()) answer.ttl = base::seconds(std::max(ttl, 0));
  if (sort_by_family) {
    std::stable_partition(answer.addresses.begin(), answer.addresses.end(),
                          [](const Address& a) { return a.family() == Address::Family::V4; });
  }
  return answer;
}

class CaresResolver final : public Resolver, private WatchHandler {
 public:
  CaresResolver(Loop& loop, const ResolverOptions& options) : loop_(loop), options_(options) {
    ares_library_init(ARES_LIB_INIT_ALL);
  }

  ~CaresResolver() override {
    is_ending_ = true;
    close_channel();
    ares_library_cleanup();
  }

  int open_channel();

  void resolve(std::string_view name, DnsFamily family, ResolveHandler& handler) override;
  void cancel(ResolveHandler& handler) override;

 private:
  struct Lookup {
    CaresResolver& resolver;
    ResolveHandler* handler;  ///< nullptr: cancelled
    std::string name;
    DnsFamily family;
    bool is_second = false;
    bool is_done = false;
    base::Result<DnsAnswer> answer{DnsAnswer{}};
  };

  static void on_answer(void* lookup, int status, int timeouts, ares_addrinfo* info);
  static void on_socket_state(void* resolver, ares_socket_t fd, int readable, int writable);

  void close_channel();
  void ask(Lookup& lookup);
  void take_answer(Lookup& lookup, int status, ares_addrinfo* info);
  void finish(Lookup& lookup, base::Result<DnsAnswer> answer);
  void deliver();
  void on_ready(int fd, bool readable, bool writable) override;
  void on_timeout();
  void arm_timer();
  void set_servers();

  Loop& loop_;
  ResolverOptions options_;
  ares_channel channel_ = nullptr;
  std::map<int, Handle> watches_;
  std::vector<std::unique_ptr<Lookup>> lookups_;     ///< asked and not told
  std::vector<std::unique_ptr<Lookup>> delivering_;  ///< being told
  Timer timer_{Timer::Callback::bind<&CaresResolver::on_timeout>(*this)};
  Deferred delivery_{Deferred::Callback::bind<&CaresResolver::deliver>(*this)};
  bool is_stale_ = false;  ///< no server answered: read the system's configuration again
  bool is_ending_ = false;
};

int CaresResolver::open_channel() {
  ares_options native{};
  int mask = ARES_OPT_SOCK_STATE_CB;
  native.sock_state_cb = on_socket_state;
  native.sock_state_cb_data = this;
  if (options_.use_tcp) native.flags |= ARES_FLAG_USEVC;
  if (!options_.use_search_domains) native.flags |= ARES_FLAG_NOSEARCH;
  if (native.flags != 0) mask |= ARES_OPT_FLAGS;
  if (options_.timeout > base::Duration::zero()) {
    native.timeout = static_cast<int>(base::to_milliseconds(options_.timeout));
    mask |= ARES_OPT_TIMEOUTMS;
  }
  if (options_.tries > 0) {
    native.tries = options_.tries;
    mask |= ARES_OPT_TRIES;
  }
  const int status = ares_init_options(&channel_, &native, mask);
  if (status != ARES_SUCCESS) channel_ = nullptr;
  if (channel_ != nullptr && !options_.servers.empty()) set_servers();
  return status;
}

void CaresResolver::set_servers() {
  std::vector<ares_addr_port_node> nodes(options_.servers.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Address& server = options_.servers[i];
    nodes[i] = {};
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    nodes[i].family = server.family() == Address::Family::V4 ? AF_INET : AF_INET6;
    std::copy_n(server.ip_bytes().data(), server.ip_bytes().size(), reinterpret_cast<char*>(&nodes[i].addr));
    nodes[i].udp_port = nodes[i].tcp_port = server.port();
  }
  ares_set_servers_ports(channel_, nodes.data());
}

// c-ares reports every open lookup as destroyed; those are put back by whoever opens a new channel, or dropped.
void CaresResolver::close_channel() {
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  for (const auto& [fd, handle] : watches_) loop_.close(handle);
  watches_.clear();
}

void CaresResolver::resolve(std::string_view name, DnsFamily family, ResolveHandler& handler) {
  if (is_stale_ && lookups_.empty()) {
    is_stale_ = false;
    close_channel();
    open_channel();
  }
  lookups_.push_back(std::make_unique<Lookup>(Lookup{*this, &handler, std::string(name), family}));
  Lookup& lookup = *lookups_.back();
  if (channel_ == nullptr) return finish(lookup, error_of(lookup.name, ARES_ENOTINITIALIZED));
  if (lookup.name.empty() || lookup.name.find('\0') != std::string::npos) {
    return finish(lookup, error_of(lookup.name, ARES_EBADNAME));
  }
  ask(lookup);
}

void CaresResolver::cancel(ResolveHandler& handler) {
  for (auto* list : {&lookups_, &delivering_}) {
    for (const std::unique_ptr<Lookup>& lookup : *list) {
      if (lookup->handler == &handler) lookup->handler = nullptr;
    }
  }
}

// The answer may come from inside the call (hosts file, literals).
void CaresResolver::ask(Lookup& lookup) {
  const Questions questions = questions_of(lookup.family);
  ares_addrinfo_hints hints{};
  hints.ai_family = lookup.is_second ? questions.second : questions.first;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting opens sockets, and the balancer orders anyway
  ares_getaddrinfo(channel_, lookup.name.c_str(), nullptr, &hints, on_answer, &lookup);
  arm_timer();
}

void CaresResolver::on_answer(void* lookup, int status, int, ares_addrinfo* info) {
  auto& l = *static_cast<Lookup*>(lookup);
  l.resolver.take_answer(l, status, info);
  if (info != nullptr) ares_freeaddrinfo(info);
}

void CaresResolver::take_answer(Lookup& lookup, int status, ares_addrinfo* info) {
  if (is_ending_) return;
  if (status == ARES_ECONNREFUSED || status == ARES_EDESTRUCTION) is_stale_ = true;
  if (status == ARES_SUCCESS && info != nullptr && info->nodes != nullptr) {
    return finish(lookup, answer_of(*info, lookup.family == DnsFamily::All));
  }
  if (!lookup.is_second && questions_of(lookup.family).second != 0 && status != ARES_EDESTRUCTION) {
    lookup.is_second = true;
    return ask(lookup);
  }
  finish(lookup, error_of(lookup.name, status == ARES_SUCCESS ? ARES_ENODATA : status));
}

void CaresResolver::finish(Lookup& lookup, base::Result<DnsAnswer> answer) {
  lookup.answer = std::move(answer);
  lookup.is_done = true;
  loop_.defer(delivery_);
}

// From inside, handlers may ask again, and cancel those who are to be told after them.
void CaresResolver::deliver() {
  for (std::unique_ptr<Lookup>& lookup : lookups_) {
    if (lookup->is_done) delivering_.push_back(std::move(lookup));
  }
  std::erase(lookups_, nullptr);
  for (const std::unique_ptr<Lookup>& lookup : delivering_) {
    ResolveHandler* handler = std::exchange(lookup->handler, nullptr);
    if (handler != nullptr) handler->on_resolved(std::move(lookup->answer));
  }
  delivering_.clear();
}

void CaresResolver::on_socket_state(void* resolver, ares_socket_t fd, int readable, int writable) {
  auto& self = *static_cast<CaresResolver*>(resolver);
  const auto found = self.watches_.find(fd);
  if (readable == 0 && writable == 0) {
    if (found == self.watches_.end()) return;
    self.loop_.close(found->second);
    self.watches_.erase(found);
  } else if (found != self.watches_.end()) {
    self.loop_.rewatch(found->second, readable != 0, writable != 0);
  } else if (base::Result<Handle> handle = self.loop_.watch(fd, readable != 0, writable != 0, self)) {
    self.watches_.emplace(fd, *handle);
  }  // else the lookup times out
}

void CaresResolver::on_ready(int fd, bool readable, bool writable) {
  ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  arm_timer();
}

void CaresResolver::on_timeout() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  arm_timer();
}

void CaresResolver::arm_timer() {
  timeval wait{};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) return timer_.cancel();
  loop_.arm(timer_, base::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
}

}  // namespace

base::Result<std::unique_ptr<Resolver>> make_cares_resolver(Loop& loop, const ResolverOptions& options) {
  auto resolver = std::make_unique<CaresResolver>(loop, options);
  if (const int status = resolver->open_channel(); status != ARES_SUCCESS) {
    return base::Error(base::ErrorCode::Unavailable, std::string("cannot start c-ares: ") + ares_strerror(status));
  }
  return std::unique_ptr<Resolver>(std::move(resolver));
}

}  // namespace weft::net
