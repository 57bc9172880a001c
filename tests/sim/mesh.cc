#include "sim/mesh.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "xds/load.h"

namespace weft::sim {
namespace {

const net::Address kProxyAddress = *net::Address::parse("10.0.0.1", 8080);

std::map<std::string, std::string> to_map(const http::HeaderMap& headers) {
  std::map<std::string, std::string> out;
  headers.for_each([&](const http::Header& h) { out[std::string(h.name)] = std::string(h.value); });
  return out;
}

/// Log lines in memory.
class MemoryFile final : public observe::AccessLogFile {
 public:
  explicit MemoryFile(std::shared_ptr<std::vector<std::string>> lines) : lines_(std::move(lines)) {}
  bool write(std::string_view lines) override {
    lines_->emplace_back(lines);
    return true;
  }
  bool reopen() override { return true; }

 private:
  std::shared_ptr<std::vector<std::string>> lines_;
};

class MemoryFiles final : public observe::AccessLogFiles {
 public:
  explicit MemoryFiles(std::shared_ptr<std::vector<std::string>> lines) : lines_(std::move(lines)) {}
  base::Result<std::unique_ptr<observe::AccessLogFile>> open(observe::LogSink, const std::string&) override {
    return std::unique_ptr<observe::AccessLogFile>(std::make_unique<MemoryFile>(lines_));
  }

 private:
  std::shared_ptr<std::vector<std::string>> lines_;
};

}  // namespace

// ------------------------------------------------------------------ Service

class Service::Stream final : public http::ServerStreamHandler {
 public:
  Stream(Service& service, http::ServerStream& stream, size_t index)
      : service_(service), stream_(&stream), index_(index) {
    timer_.set_callback(net::Timer::Callback::bind<&Stream::on_timer>(*this));
    script_ = service.script_(service.seen_[index], index);
  }

  void begin(bool end) {
    service_.seen_[index_].has_ended = end;
    if (end || !script_.waits_for_request) service_.loop_.arm(timer_, script_.delay);
  }

  void on_request_data(base::Slice data, bool end) override {
    const size_t size = data.size();
    service_.seen_[index_].body.append(data.view());
    service_.seen_[index_].has_ended = end;
    if (script_.consumes && size > 0) stream_->consume(size);
    if (end && script_.waits_for_request) service_.loop_.arm(timer_, script_.delay);
  }
  void on_request_trailers(http::HeaderMap) override {
    service_.seen_[index_].has_ended = true;
    if (script_.waits_for_request) service_.loop_.arm(timer_, script_.delay);
  }
  void on_response_writable() override { pump(); }
  void on_stream_closed(const http::StreamEnd&) override {
    timer_.cancel();
    stream_ = nullptr;
  }

 private:
  void on_timer() {
    if (stream_ == nullptr) return;
    if (!is_headed_) return answer();
    body_ = script_.body;
    pump();
  }

  void answer() {
    switch (script_.end) {
      case Script::End::Never: return;
      case Script::End::ResetBeforeHead:
      case Script::End::CloseBeforeHead: return reset();
      default: break;
    }
    is_headed_ = true;
    http::ResponseHead head(service_.loop_.blocks());
    head.status = script_.status;
    for (const auto& [name, value] : script_.headers) head.add(name, value);
    const bool ends = script_.body.empty() && script_.trailers.empty() && script_.end == Script::End::Complete;
    stream_->send_head(head, ends);
    if (ends) return;
    if (script_.end == Script::End::ResetAfterHead) return reset();
    service_.loop_.arm(timer_, script_.body_delay);
  }

  void pump() {
    while (stream_ != nullptr && !has_sent_end_ && is_headed_) {
      const size_t n = std::min<size_t>(body_.size() - sent_, 16 * 1024);
      base::Chain chain;
      chain.append_copy(service_.loop_.blocks(), std::string_view(body_).substr(sent_, n));
      sent_ += n;
      const bool end = sent_ == body_.size();
      if (end && !script_.trailers.empty()) {
        if (n > 0) stream_->send_data(std::move(chain), false);
        http::HeaderMap trailers(service_.loop_.blocks());
        for (const auto& [name, value] : script_.trailers) trailers.add(name, value);
        stream_->send_trailers(trailers);
      } else {
        stream_->send_data(std::move(chain), end);
      }
      has_sent_end_ = end;
      if (stream_ == nullptr || stream_->is_above_high_mark()) return;
    }
  }

  void reset() {
    http::ServerStream* stream = std::exchange(stream_, nullptr);
    stream->reset(http::ResetCode::Internal);
  }

  Service& service_;
  http::ServerStream* stream_;
  size_t index_;
  Script script_;
  net::Timer timer_;
  std::string body_;
  size_t sent_ = 0;
  bool is_headed_ = false, has_sent_end_ = false;
};

class Service::Connection final : public net::Destroyable,
                                  public base::ListNode<>,
                                  private net::ConnectionHandler,
                                  private http::ServerConnectionHandler {
 public:
  Connection(Service& service, net::AcceptedSocket socket) : service_(service) {
    transport_.reset(new net::Connection(service.loop_, std::move(socket), nullptr, *this));
  }
  void close() {
    if (codec_ != nullptr) return codec_->close();
    transport_->close();
    finish();
  }

 private:
  void on_open() override {
    codec_ = service_.is_h2_ ? http::make_h2_server(std::move(transport_), h2_, {}, service_.counters_, *this)
                             : http::make_h1_server(std::move(transport_), h1_, {}, service_.counters_, *this);
  }
  void on_data(base::Slice) override {}
  void on_end() override { close(); }
  void on_close(const base::Error&) override { finish(); }

  http::ServerStreamHandler& on_request(http::ServerStream& stream, bool end) override {
    SeenRequest seen;
    seen.headers = to_map(stream.request());
    seen.path = std::string(stream.request().path());
    seen.id = std::string(stream.request().get("x-sim-id"));
    service_.seen_.push_back(std::move(seen));
    streams_.push_back(std::make_unique<Stream>(service_, stream, service_.seen_.size() - 1));
    streams_.back()->begin(end);
    return *streams_.back();
  }
  void on_request_refused(const http::RequestHead&, uint16_t, const http::StreamEnd&) override {}
  void on_connection_closed(const http::StreamEnd&) override { finish(); }

  void finish() {
    if (std::exchange(is_finished_, true)) return;
    unlink();
    service_.loop_.destroy_later(std::unique_ptr<net::Destroyable>(this));
  }

  Service& service_;
  http::H1Options h1_;
  http::H2Options h2_;
  std::unique_ptr<net::Connection> transport_;
  std::unique_ptr<http::ServerConnection> codec_;
  std::vector<std::unique_ptr<Stream>> streams_;
  bool is_finished_ = false;
};

class Service::Acceptor final : public net::AcceptHandler {
 public:
  explicit Acceptor(Service& service) : service_(service) {}
  void on_accept(net::AcceptedSocket socket) override {
    service_.connections_.push_back(*new Connection(service_, std::move(socket)));
  }
  void on_accept_error(const base::Error&) override {}
  net::Handle handle;

 private:
  Service& service_;
};

Service::Service(net::Loop& loop, const net::Address& at, bool is_h2,
                 std::function<Script(const SeenRequest&, size_t)> script)
    : loop_(loop), is_h2_(is_h2), script_(std::move(script)), acceptor_(std::make_unique<Acceptor>(*this)) {
  auto socket = loop.listen(at, {});
  EXPECT_TRUE(socket) << at.to_string();
  socket_ = std::move(*socket);
  acceptor_->handle = loop.start_accepting(*socket_, *acceptor_);
}

Service::~Service() {
  while (Connection* c = connections_.pop_front()) delete c;
}

size_t Service::seen_count(std::string_view id) const {
  return static_cast<size_t>(
      std::count_if(seen_.begin(), seen_.end(), [&](const SeenRequest& r) { return r.id == id; }));
}

void Service::stop() {
  loop_.close(acceptor_->handle);
  connections_.for_each([](Connection& c) { c.close(); });
}

// ------------------------------------------------------------------ the client

class Mesh::ClientCall final : public http::ClientStreamHandler {
 public:
  ClientCall(Mesh& mesh, Call& call) : mesh_(mesh), call_(call) {}

  void begin(http::ClientConnection& connection) {
    stream_ = &connection.open(*this);
    http::RequestHead head(mesh_.client_->blocks());
    head.add(http::HeaderId::Method, call_.method);
    head.add(http::HeaderId::Scheme, "http");
    head.add(http::HeaderId::Authority, "sim");
    head.add(http::HeaderId::Path, call_.path);
    head.add("x-sim-id", call_.id);
    for (const auto& [name, value] : call_.headers) head.add(name, value);
    if (!call_.body.empty() && connection.version() != http::Version::Http2)
      head.add(http::HeaderId::ContentLength, std::to_string(call_.body.size()));
    stream_->send_head(head, call_.body.empty());
    pump();
  }

  void over(bool complete) {
    if (complete) call_.is_complete = true;
    if (!call_.is_over) call_.ended = mesh_.client_->now();
    call_.is_over = true;
  }
  void fail() {
    ++call_.ends;
    over(false);
  }

 private:
  void on_informational(http::ResponseHead) override {}
  void on_response_head(http::ResponseHead head, bool end) override {
    call_.status = head.status;
    call_.response_headers = to_map(head);
    if (end) over(true);
  }
  void on_response_data(base::Slice data, bool end) override {
    call_.response_body.append(data.view());
    if (call_.reads && !data.is_empty()) stream_->consume(data.size());
    if (end) over(true);
  }
  void on_response_trailers(http::HeaderMap trailers) override {
    call_.response_trailers = to_map(trailers);
    over(true);
  }
  void on_request_writable() override { pump(); }
  void on_stream_closed(const http::StreamEnd&) override {
    stream_ = nullptr;
    ++call_.ends;
    over(false);
  }

  void pump() {
    while (stream_ != nullptr && sent_ < call_.body.size() && !stream_->is_above_high_mark()) {
      const size_t n = std::min<size_t>(call_.body.size() - sent_, 16 * 1024);
      base::Chain chain;
      chain.append_copy(mesh_.client_->blocks(), std::string_view(call_.body).substr(sent_, n));
      sent_ += n;
      stream_->send_data(std::move(chain), sent_ == call_.body.size());
    }
  }

  Mesh& mesh_;
  Call& call_;
  http::ClientStream* stream_ = nullptr;
  size_t sent_ = 0;
};

class Mesh::ClientConnection final : public net::Destroyable,
                                     public base::ListNode<>,
                                     private net::ConnectionHandler,
                                     private http::ClientConnectionHandler {
 public:
  explicit ClientConnection(Mesh& mesh) : mesh_(mesh) {
    h2_.stream_window_bytes = 65536;
    transport_.reset(new net::Connection(*mesh.client_, kProxyAddress, {}, nullptr, *this));
  }
  void add(Call& call) {
    calls_.push_back(std::make_unique<ClientCall>(mesh_, call));
    if (codec_ != nullptr && codec_->can_open()) calls_.back()->begin(*codec_);
    else waiting_.push_back(calls_.back().get());
  }
  bool is_usable() const { return !is_finished_ && (codec_ == nullptr || codec_->can_open()); }
  void close(bool reset) {
    if (codec_ != nullptr) {
      if (reset) codec_->transport().close(true);
      return codec_->close();
    }
    if (transport_ != nullptr) transport_->close(reset);
    finish();
  }

 private:
  void on_open() override {
    codec_ = mesh_.options_.client_h2 ? http::make_h2_client(std::move(transport_), h2_, mesh_.client_counters_, *this)
                                      : http::make_h1_client(std::move(transport_), h1_, mesh_.client_counters_, *this);
    const std::vector<ClientCall*> waiting = std::move(waiting_);
    waiting_.clear();
    for (ClientCall* call : waiting) call->begin(*codec_);
  }
  void on_data(base::Slice) override {}
  void on_end() override {
    transport_->close();
    finish();
  }
  void on_close(const base::Error&) override { finish(); }
  void on_capacity() override {}
  void on_draining() override {}
  void on_connection_closed(const http::StreamEnd&) override { finish(); }

  void finish() {
    if (std::exchange(is_finished_, true)) return;
    for (ClientCall* call : waiting_) call->fail();
    waiting_.clear();
    unlink();
    mesh_.client_->destroy_later(std::unique_ptr<net::Destroyable>(this));
  }

  Mesh& mesh_;
  http::H1Options h1_;
  http::H2Options h2_;
  std::unique_ptr<net::Connection> transport_;
  std::unique_ptr<http::ClientConnection> codec_;
  std::vector<std::unique_ptr<ClientCall>> calls_;
  std::vector<ClientCall*> waiting_;
  bool is_finished_ = false;
};

// ------------------------------------------------------------------ Mesh

Mesh::Mesh(uint64_t seed, const std::string& yaml, Options options)
    : world_(seed),
      options_(options),
      log_lines_(std::make_shared<std::vector<std::string>>()),
      log_files_(std::make_unique<MemoryFiles>(log_lines_)) {
  main_ = &world_.add_loop("main", "proxy");
  for (unsigned i = 0; i < options.workers; ++i)
    workers_.push_back(&world_.add_loop("worker" + std::to_string(i), "proxy"));
  client_ = &world_.add_loop("client");
  services_loop_ = &world_.add_loop("services");
  logs_ = std::make_unique<observe::AccessLogs>(*log_files_, registry_);

  const xds::Loaded loaded = xds::load_bootstrap_text(yaml, "sim.yaml");
  for (const xds::Fault& fault : loaded.faults.list()) ADD_FAILURE() << fault.to_string();
  WEFT_ASSERT(loaded.snapshot != nullptr);
  proxy::ServerParts parts;
  parts.main = main_;
  parts.workers = workers_;
  parts.registry = &registry_;
  parts.access_logs = logs_.get();
  server_ = std::make_unique<proxy::Server>(parts);
  const base::Status started = server_->start(loaded.snapshot);
  EXPECT_TRUE(started) << (started ? "" : started.error().message);
  world_.run_until([&] { return server_->state() == proxy::Server::State::Live; });
  world_.run_until_idle(base::seconds(1));
}

Mesh::~Mesh() {
  server_.reset();
  while (ClientConnection* c = connections_.pop_front()) delete c;
  services_.clear();
}

Service& Mesh::add_service(const std::string& ip, bool is_h2,
                           std::function<Script(const SeenRequest&, size_t)> script) {
  services_.push_back(
      std::make_unique<Service>(*services_loop_, *net::Address::parse(ip, 80), is_h2, std::move(script)));
  return *services_.back();
}

void Mesh::send(Call& call) {
  call.started = client_->now();
  call.is_started = true;
  calls_.push_back(&call);
  ClientConnection* connection = connections_.front();
  if (!options_.client_h2 || connection == nullptr || !connection->is_usable()) {
    connection = new ClientConnection(*this);
    connections_.push_front(*connection);
  }
  connection->add(call);
}

void Mesh::reset_client() {
  connections_.for_each([](ClientConnection& c) { c.close(true); });
}

bool Mesh::finish(base::Duration limit) {
  return world_.run_until(
      [&] {
        for (const Call* call : calls_) {
          if (!call->is_over) return false;
        }
        return true;
      },
      limit);
}

std::string Mesh::check_invariants() {
  std::string wrong;
  const auto expect_zero = [&](const std::string& name) {
    if (const int64_t v = registry_.value(name); v != 0) wrong += name + " is " + std::to_string(v) + "; ";
  };
  bool is_drained = false;
  server_->drain(base::seconds(30), [&] { is_drained = true; });
  connections_.for_each([](ClientConnection& c) { c.close(false); });
  if (!world_.run_until([&] { return is_drained; }, base::seconds(60))) wrong += "the proxy never drained; ";
  for (size_t i = 0; i < workers_.size(); ++i) server_->worker(i).close();
  for (const auto& service : services_) service->stop();
  world_.run_for(base::seconds(40));
  for (const Call* call : calls_) {
    if (call->ends > 1) wrong += "call " + call->id + " ended " + std::to_string(call->ends) + " times; ";
  }
  expect_zero("http.sim.downstream_rq_active");
  expect_zero("http.sim.downstream_cx_active");
  for (const auto& cluster : server_->clusters()) {
    const std::string prefix = "cluster." + cluster->config()->name + ".";
    for (const char* name : {"upstream_rq_active", "upstream_cx_active", "upstream_rq_pending_active"})
      expect_zero(prefix + name);
    const proxy::CircuitBreaker& breaker = cluster->breaker(false);
    if (breaker.requests().count() + breaker.pending_requests().count() + breaker.connections().count() +
            breaker.retries() !=
        0)
      wrong += "a breaker is not empty; ";
    for (const auto& host : cluster->hosts()->hosts) {
      if (host->rq_active.value() != 0 || host->cx_active.value() != 0)
        wrong += "host " + host->address_text + " still has load; ";
    }
  }
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (server_->worker(i).exchange_pool().live() != 0) wrong += "an exchange leaked; ";
    if (server_->worker(i).call_pool().live() != 0) wrong += "an upstream call leaked; ";
    if (workers_[i]->blocks().live_blocks() != 0)
      wrong += std::to_string(workers_[i]->blocks().live_blocks()) + " blocks leaked; ";
  }
  if (world_.open_connections() != 0) wrong += std::to_string(world_.open_connections()) + " connections still open; ";
  return wrong;
}

// ------------------------------------------------------------------ helpers of scenarios

std::string make_bootstrap(const BootstrapParts& parts) {
  std::string endpoints;
  for (const std::string& ip : parts.upstreams) {
    if (!endpoints.empty()) endpoints += ", ";
    endpoints += "{endpoint: {address: {socket_address: {address: " + ip + ", port_value: 80}}}}";
  }
  const auto join = [](const std::string& extra) { return extra.empty() ? std::string() : ", " + extra; };
  std::string cluster_extra = join(parts.cluster_extra);
  if (parts.upstream_h2) {
    cluster_extra +=
        ", typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {\"@type\": "
        "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {initial_stream_window_size: 262144}}}}";
  }
  return "static_resources:\n"
         "  listeners:\n"
         "  - {name: in, address: {socket_address: {address: 10.0.0.1, port_value: 8080}}, filter_chains: [{filters: [{name: hcm, typed_config: {\"@type\": "
         "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: sim, route_config: {virtual_hosts: [{name: all, "
         "domains: [\"*\"], routes: [{match: {prefix: /}, route: {cluster: up" +
         join(parts.route_extra) +
         "}}]}]}, http_filters: [{name: router, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]" +
         join(parts.hcm_extra) +
         "}}]}]}\n"
         "  clusters:\n"
         "  - {name: up, connect_timeout: 1s, load_assignment: {cluster_name: up, endpoints: [{lb_endpoints: [" +
         endpoints + "]}]}" + cluster_extra + "}\n";
}

void for_each_seed(const char* test_name, unsigned count, const std::function<uint64_t(uint64_t seed)>& scenario) {
  if (const char* only = std::getenv("WEFT_SIM_SEED")) {
    scenario(std::strtoull(only, nullptr, 10));
    return;
  }
  for (uint64_t seed = 1; seed <= count; ++seed) {
    const uint64_t hash = scenario(seed);
    if (seed == 1) {
      EXPECT_EQ(hash, scenario(seed)) << test_name << ": two runs of seed 1 differ";
    }
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "seed " << seed << "; repeat with: WEFT_SIM_SEED=" << seed
                    << " build/debug/sim_test --gtest_filter='*" << test_name << "*'";
      return;
    }
  }
}

}  // namespace weft::sim
