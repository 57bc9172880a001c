#include "sim/proxy_process.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <sstream>

#include "proxy/worker_cluster.h"
#include "xds/load.h"

namespace weft::sim {
namespace {

class MemoryFile final : public observe::AccessLogFile {
 public:
  explicit MemoryFile(std::shared_ptr<std::string> text) : text_(std::move(text)) {}
  bool write(std::string_view lines) override {
    text_->append(lines);
    return true;
  }
  bool reopen() override { return true; }

 private:
  std::shared_ptr<std::string> text_;
};

class MemoryFiles final : public observe::AccessLogFiles {
 public:
  explicit MemoryFiles(std::shared_ptr<std::string> text) : text_(std::move(text)) {}
  base::Result<std::unique_ptr<observe::AccessLogFile>> open(observe::LogSink, const std::string&) override {
    return std::unique_ptr<observe::AccessLogFile>(std::make_unique<MemoryFile>(text_));
  }

 private:
  std::shared_ptr<std::string> text_;
};

}  // namespace

ProxyProcess::ProxyProcess(net::Simulation& world, const std::string& name, const BootstrapParts& parts,
                           unsigned workers, bool tells_attempts,
                           const std::vector<std::pair<std::string, std::vector<std::string>>>& names)
    : world_(world),
      name_(name),
      parts_(parts),
      log_text_(std::make_shared<std::string>()),
      log_files_(std::make_unique<MemoryFiles>(log_text_)) {
  main_ = &world_.add_loop(name + ".main", name);
  for (unsigned i = 0; i < workers; ++i)
    workers_.push_back(&world_.add_loop(name + ".worker" + std::to_string(i), name));
  logs_ = std::make_unique<observe::AccessLogs>(*log_files_, registry_);
  resolver_ = std::make_unique<net::testing::ScriptedResolver>(*main_);
  for (const auto& [host, addresses] : names) resolver_->set(host, addresses);

  const xds::Loaded loaded = xds::load_bootstrap_text(make_bootstrap(parts, tells_attempts), name + ".yaml");
  for (const xds::Fault& fault : loaded.faults.list()) ADD_FAILURE() << fault.to_string();
  WEFT_ASSERT(loaded.snapshot != nullptr);
  proxy::ServerParts server_parts;
  server_parts.main = main_;
  server_parts.workers = workers_;
  server_parts.resolver = resolver_.get();
  server_parts.registry = &registry_;
  server_parts.access_logs = logs_.get();
  server_ = std::make_unique<proxy::Server>(server_parts);
  const base::Status started = server_->start(loaded.snapshot);
  EXPECT_TRUE(started) << (started ? "" : started.error().message);
  world_.run_until([&] { return server_->state() == proxy::Server::State::Live; }, base::seconds(60));
  world_.run_until_idle(base::seconds(1));
  main_at_start_ = world_.holdings(*main_);
}

ProxyProcess::~ProxyProcess() { server_.reset(); }

void ProxyProcess::drain(base::Duration limit) {
  if (server_->state() == proxy::Server::State::Draining) return;
  server_->drain(limit, [this] { is_drained_ = true; });
}

void ProxyProcess::close_connections() {
  for (size_t i = 0; i < workers_.size(); ++i) server_->close_connections(i);
}

std::string ProxyProcess::log_text() {
  logs_->flush();
  return *log_text_;
}

std::vector<LogLine> ProxyProcess::log() {
  std::vector<LogLine> lines;
  std::istringstream text(log_text());
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    LogLine out;
    std::string request_ms;
    words >> out.id >> out.status >> out.flags >> out.attempts >> out.duration_ms >> request_ms;
    EXPECT_TRUE(words) << name_ << ": a log line that cannot be read: " << line;
    if (request_ms != "-") out.request_ms = std::stoll(request_ms);
    std::getline(words >> std::ws, out.details);
    lines.push_back(std::move(out));
  }
  return lines;
}

std::string ProxyProcess::leaks() {
  std::string wrong;
  const auto expect_zero = [&](size_t count, const std::string& what) {
    if (count != 0) wrong += fmt::format("{}: {} {} leaked; ", name_, count, what);
  };
  for (size_t i = 0; i < workers_.size(); ++i) {
    proxy::Worker& worker = server_->worker(i);
    expect_zero(worker.exchange_pool().live(), "exchanges");
    expect_zero(worker.call_pool().live(), "upstream calls");
    expect_zero(worker.connection_count(), "downstream connections");
    if (proxy::WorkerCluster* cluster = worker.find_cluster("up"))
      expect_zero(cluster->connection_count(), "upstream connections");
    const net::Holdings holdings = world_.holdings(*workers_[i]);
    expect_zero(holdings.handles, "handles");
    expect_zero(holdings.timers, "timers");
    expect_zero(holdings.blocks, "blocks");
  }
  const net::Holdings main = world_.holdings(*main_);
  if (main != main_at_start_) {
    wrong +=
        fmt::format("{}: the main loop holds {} handles, {} timers, {} blocks, not {}, {}, {}; ", name_, main.handles,
                    main.timers, main.blocks, main_at_start_.handles, main_at_start_.timers, main_at_start_.blocks);
  }
  expect_zero(world_.open_descriptors(name_), "descriptors");
  expect_zero(world_.used_ports(name_), "local ports");
  return wrong;
}

}  // namespace weft::sim
