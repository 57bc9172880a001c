#include "cli/serve.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include "admin/admin.h"
#include "base/log.h"
#include "cli/admin_backend.h"
#include "cli/version.h"
#include "net/backends.h"
#include "net/cares_resolver.h"
#include "net/posix_socket.h"
#include "observe/access_log.h"
#include "proxy/server.h"

namespace weft::cli {
namespace {

using base::LogLevel;

/// A loop that a thread of its own runs.
class LoopThread {
 public:
  explicit LoopThread(std::unique_ptr<net::Loop> loop) : loop_(std::move(loop)) {}
  ~LoopThread() { finish({}); }
  LoopThread(LoopThread&&) = default;

  net::Loop& loop() { return *loop_; }
  void start() {
    thread_ = std::thread([loop = loop_.get()] { loop->run(); });
  }
  /// Runs `last` on the loop, lets it end its turn, and joins.
  void finish(base::Task last) {
    if (!thread_.joinable()) return;
    loop_->post([loop = loop_.get(), last = std::move(last)]() mutable {
      if (last) last();
      loop->post([loop] { loop->stop(); });
    });
    thread_.join();
  }

 private:
  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
};

/// The process: everything `weft proxy` is made of, in the order in which it must go away.
class Process final : private net::SignalHandler {
 public:
  explicit Process(const ProxyOptions& options) : options_(options) {}

  base::Status start(std::shared_ptr<const proxy::Snapshot> snapshot,
                     std::shared_ptr<const google::protobuf::Message> bootstrap);
  void run() { main_->run(); }
  void stop();

 private:
  void on_signal(int signal) override;
  void on_state();
  void quit();
  base::Status make_loops();
  base::Status make_resolvers(const proxy::Snapshot& snapshot);
  net::Resolver* resolver_for(const net::ResolverOptions& options);
  base::Status start_admin(const proxy::AdminConfig& config, std::shared_ptr<const proxy::Snapshot> snapshot,
                           std::shared_ptr<const google::protobuf::Message> bootstrap);

  const ProxyOptions& options_;
  observe::Registry registry_;
  std::unique_ptr<observe::AccessLogFiles> log_files_ = observe::make_posix_log_files();
  std::unique_ptr<observe::AccessLogs> logs_;
  std::unique_ptr<net::Loop> main_;
  std::vector<LoopThread> workers_;
  std::unique_ptr<LoopThread> admin_thread_;
  std::vector<std::pair<net::ResolverOptions, std::unique_ptr<net::Resolver>>> resolvers_;  ///< one for each way to ask
  std::unique_ptr<proxy::Server> server_;
  std::unique_ptr<ServerAdmin> backend_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::vector<net::Handle> signals_;
  bool is_draining_ = false;
};

base::Status Process::make_loops() {
  auto main = net::make_epoll_loop(net::system_seed());
  if (!main) return main.error();
  main_ = std::move(*main);
  // Before any thread starts, so that all inherit the mask and only the main loop sees these.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    auto handle = main_->watch_signal(signal, *this);
    if (!handle) return handle.error();
    signals_.push_back(*handle);
  }
  const unsigned count =
      options_.concurrency != 0 ? options_.concurrency : std::max(1u, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < count; ++i) {
    auto loop = net::make_epoll_loop(net::system_seed());
    if (!loop) return loop.error();
    workers_.emplace_back(std::move(*loop));
  }
  return {};
}

base::Status Process::make_resolvers(const proxy::Snapshot& snapshot) {
  for (const auto& cluster : snapshot.clusters) {
    if (cluster->discovery != proxy::ClusterConfig::Discovery::StrictDns || resolver_for(cluster->dns) != nullptr)
      continue;
    auto resolver = net::make_cares_resolver(*main_, cluster->dns);
    if (!resolver) return resolver.error();
    resolvers_.emplace_back(cluster->dns, std::move(*resolver));
  }
  return {};
}

net::Resolver* Process::resolver_for(const net::ResolverOptions& options) {
  for (const auto& [asked, resolver] : resolvers_) {
    if (asked == options) return resolver.get();
  }
  return nullptr;
}

base::Status Process::start_admin(const proxy::AdminConfig& config, std::shared_ptr<const proxy::Snapshot> snapshot,
                                  std::shared_ptr<const google::protobuf::Message> bootstrap) {
  auto loop = net::make_epoll_loop(net::system_seed());
  if (!loop) return loop.error();
  admin_thread_ = std::make_unique<LoopThread>(std::move(*loop));
  backend_ =
      std::make_unique<ServerAdmin>(*main_, *server_, *logs_, base::Delegate<void()>::bind<&Process::quit>(*this));
  admin::AdminInfo info;
  info.version = version();
  info.started = main_->wall_now();
  info.concurrency = static_cast<uint32_t>(workers_.size());
  info.config_path = options_.config_path;
  info.config_yaml = options_.config_yaml;
  info.log_level = options_.log_level;
  info.log_path = options_.log_path;
  info.service_node = options_.service_node;
  info.service_cluster = options_.service_cluster;
  info.drain_time = options_.drain_time;
  info.file_flush_interval = options_.file_flush_interval;
  info.snapshot = std::move(snapshot);
  info.bootstrap = std::move(bootstrap);
  admin_ =
      std::make_unique<admin::AdminServer>(admin_thread_->loop(), *backend_, registry_, std::move(info), logs_.get());
  auto started = admin_->start(config.address);
  if (!started) return started.error();
  base::log(LogLevel::Info, "admin address: {}", started->to_string());
  return {};
}

base::Status Process::start(std::shared_ptr<const proxy::Snapshot> snapshot,
                            std::shared_ptr<const google::protobuf::Message> bootstrap) {
  std::signal(SIGPIPE, SIG_IGN);
  if (base::Status made = make_loops(); !made) return made;
  logs_ = std::make_unique<observe::AccessLogs>(*log_files_, registry_, options_.file_flush_interval);
  if (base::Status made = make_resolvers(*snapshot); !made) return made;

  proxy::ServerParts parts;
  parts.main = main_.get();
  for (LoopThread& worker : workers_) parts.workers.push_back(&worker.loop());
  parts.resolver_for = base::Delegate<net::Resolver*(const net::ResolverOptions&)>::bind<&Process::resolver_for>(*this);
  parts.registry = &registry_;
  parts.access_logs = logs_.get();
  parts.version = version_number();
  parts.machine_ip = net::machine_address().ip();
  server_ = std::make_unique<proxy::Server>(parts);
  server_->set_state_handler(base::Delegate<void()>::bind<&Process::on_state>(*this));
  if (snapshot->admin.is_enabled) {
    if (base::Status started = start_admin(snapshot->admin, snapshot, std::move(bootstrap)); !started) return started;
  }
  if (base::Status started = server_->start(std::move(snapshot)); !started) return started;
  logs_->start_thread();
  for (LoopThread& worker : workers_) worker.start();
  if (admin_thread_ != nullptr) admin_thread_->start();
  return {};
}

void Process::on_state() {
  using State = proxy::Server::State;
  const State state = server_->state();
  if (state == State::Live) base::log(LogLevel::Info, "all clusters are warm; {} workers serve", workers_.size());
  if (admin_ == nullptr) return;
  admin_->set_state(state == State::Live           ? admin::ServerState::Live
                    : state == State::Draining     ? admin::ServerState::Draining
                    : state == State::Initializing ? admin::ServerState::Initializing
                                                   : admin::ServerState::PreInitializing);
}

void Process::on_signal(int signal) {
  if (signal == SIGHUP) {
    logs_->reopen();
    base::reopen_log_file();
    return;
  }
  // A second SIGTERM or SIGINT means: now.
  if (is_draining_) return quit();
  base::log(LogLevel::Info, "caught {}: draining", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  is_draining_ = true;
  server_->drain(options_.drain_time, [this] { quit(); });
}

void Process::quit() { main_->stop(); }

// Threads end first, so that nothing runs while the objects go.
void Process::stop() {
  if (admin_thread_ != nullptr) admin_thread_->finish([admin = admin_.get()] { admin->stop(); });
  for (size_t i = 0; i < workers_.size(); ++i)
    workers_[i].finish([server = server_.get(), i] { server->close_connections(i); });
  logs_->stop();
  admin_.reset();
  backend_.reset();
  server_.reset();
  resolvers_.clear();
}

}  // namespace

int serve(const ProxyOptions& options, std::shared_ptr<const proxy::Snapshot> snapshot,
          std::shared_ptr<const google::protobuf::Message> bootstrap) {
  Process process(options);
  const base::Status started = process.start(std::move(snapshot), std::move(bootstrap));
  if (started) process.run();
  else base::log(LogLevel::Critical, "cannot start: {}", started.error().message);
  process.stop();
  return started ? 0 : 1;
}

}  // namespace weft::cli
