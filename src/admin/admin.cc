#include "admin/admin.h"

#include <algorithm>
#include <vector>

#include "admin/admin_connection.h"
#include "admin/heap.h"
#include "admin/pages.h"
#include "base/limits.h"
#include "base/log.h"
#include "observe/access_log.h"

namespace weft::admin {
namespace {

/// The number by which the registry tells the admin thread's groups from the workers'.
constexpr unsigned kAdminThread = UINT32_MAX - 1;

observe::LogSink sink_of(proxy::AccessLogConfig::Sink sink) {
  switch (sink) {
    case proxy::AccessLogConfig::Sink::Stdout: return observe::LogSink::Stdout;
    case proxy::AccessLogConfig::Sink::Stderr: return observe::LogSink::Stderr;
    case proxy::AccessLogConfig::Sink::File: break;
  }
  return observe::LogSink::File;
}

}  // namespace

class AdminServer::Impl final : private net::AcceptHandler, public AdminConnectionOwner {
 public:
  Impl(net::Loop& loop, AdminBackend& backend, observe::Registry& registry, AdminInfo info,
       observe::AccessLogs* access_logs)
      : loop_(loop),
        pages_(backend, registry, std::move(info)),
        heap_stats_(registry, kAdminThread),
        access_logs_(access_logs) {}

  base::Result<net::Address> start(const net::Address& address) {
    if (base::Status status = open_logs(); !status) return status.error();
    auto listener = loop_.listen(address, {});
    if (!listener) return listener.error();
    listener_ = std::move(*listener);
    accepting_ = loop_.start_accepting(*listener_, *this);
    return listener_->local_address();
  }

  void stop() {
    if (accepting_.is_valid()) loop_.close(accepting_);
    accepting_ = {};
    for (auto& connection : connections_) connection->close();
  }

  net::Loop& loop() override { return loop_; }
  Pages& pages() override { return pages_; }

 private:
  struct Log {
    const proxy::AccessLogConfig* config;
    observe::AccessLogWriter* writer;
  };

  base::Status open_logs() {
    if (access_logs_ == nullptr || pages_.info().snapshot == nullptr) return {};
    for (const proxy::AccessLogConfig& config : pages_.info().snapshot->admin.access_logs) {
      auto writer = access_logs_->writer(sink_of(config.sink), config.path, kAdminThread);
      if (!writer) return writer.error();
      logs_.push_back({&config, *writer});
    }
    return {};
  }

  void on_accept(net::AcceptedSocket socket) override {
    if (connections_.size() >= base::kAdminConnectionsMax && !close_an_idle_one())
      return loop_.discard(std::move(socket));
    connections_.push_back(std::make_unique<AdminConnection>(*this, std::move(socket)));
  }
  void on_accept_error(const base::Error& error) override {
    base::log(base::LogLevel::Warning, "admin: accept: {}", error.message);
  }

  bool close_an_idle_one() {
    auto idle = std::find_if(connections_.begin(), connections_.end(),
                             [](const auto& connection) { return connection->is_idle(); });
    if (idle == connections_.end()) return false;
    (*idle)->close();
    return true;
  }

  http::CodecCounters& codec_counters() override { return codec_counters_; }
  http::DateCache& dates() override { return dates_; }

  void on_exchange_done(const observe::RequestInfo& info) override {
    for (const Log& log : logs_)
      log.writer->log(*log.config->format, log.config->filter.get(), info, loop_.random().next());
  }

  void on_closed(AdminConnection& connection) override {
    auto found = std::find_if(connections_.begin(), connections_.end(),
                              [&](const auto& candidate) { return candidate.get() == &connection; });
    loop_.destroy_later(std::move(*found));
    connections_.erase(found);
  }

  net::Loop& loop_;
  Pages pages_;
  HeapStats heap_stats_;
  observe::AccessLogs* access_logs_;
  std::vector<Log> logs_;
  http::CodecCounters codec_counters_;
  http::DateCache dates_;
  std::unique_ptr<net::ListenSocket> listener_;
  net::Handle accepting_;
  std::vector<std::unique_ptr<AdminConnection>> connections_;  ///< oldest first
};

AdminServer::AdminServer(net::Loop& loop, AdminBackend& backend, observe::Registry& registry, AdminInfo info,
                         observe::AccessLogs* access_logs)
    : impl_(std::make_unique<Impl>(loop, backend, registry, std::move(info), access_logs)) {}
AdminServer::~AdminServer() = default;

base::Result<net::Address> AdminServer::start(const net::Address& address) { return impl_->start(address); }
void AdminServer::stop() { impl_->stop(); }
void AdminServer::set_state(ServerState state) {
  impl_->loop().post([this, state] { impl_->pages().set_state(state); });
}

}  // namespace weft::admin
