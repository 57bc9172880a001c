#include "sim/client.h"

#include <algorithm>

#include "sim/service.h"

namespace weft::sim {

class Client::Stream final : public http::ClientStreamHandler {
 public:
  Stream(Client& client, Call& call)
      : client_(client), call_(call), reading_timer_(net::Timer::Callback::bind<&Stream::on_reading>(*this)) {}

  void begin(http::ClientConnection& connection) {
    if (call_.is_over) return;  // abandoned while it waited
    stream_ = &connection.open(*this);
    is_reading_ = call_.reads;
    if (!is_reading_ && call_.reads_after > base::Duration::zero())
      client_.loop_.arm(reading_timer_, call_.reads_after);
    http::RequestHead head(client_.loop_.blocks());
    head.add(http::HeaderId::Method, call_.method);
    head.add(http::HeaderId::Scheme, client_.tls_ != nullptr ? "https" : "http");
    head.add(http::HeaderId::Authority, "sim");
    head.add(http::HeaderId::Path, call_.path);
    head.add("x-sim-id", call_.id);
    for (const auto& [name, value] : call_.headers) head.add(name, value);
    if (!call_.body.empty() && connection.version() != http::Version::Http2)
      head.add(http::HeaderId::ContentLength, std::to_string(call_.body.size()));
    stream_->send_head(head, call_.body.empty());
    if (call_.body.empty()) note_sent();
    pump();
  }

  /// Whatever becomes of the connection, this call is over.
  void fail() {
    if (stream_ != nullptr || !call_.is_over) ++call_.ends;
    stream_ = nullptr;
    over(false);
  }
  void abandon() {
    http::ClientStream* stream = std::exchange(stream_, nullptr);
    call_.is_abandoned = true;
    over(false);
    if (stream != nullptr) stream->reset(http::ResetCode::Cancel);
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
    owed_ += data.size();
    if (is_reading_) give_back();
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

  void over(bool is_complete) {
    if (is_complete) call_.is_complete = true;
    if (!call_.is_over) call_.ended = client_.loop_.now();
    call_.is_over = true;
    reading_timer_.cancel();
  }
  void on_reading() {
    is_reading_ = true;
    give_back();
  }
  void give_back() {
    if (const size_t owed = std::exchange(owed_, 0); owed > 0 && stream_ != nullptr) stream_->consume(owed);
  }
  void note_sent() {
    call_.is_sent = true;
    call_.sent = client_.loop_.now();
  }

  void pump() {
    while (stream_ != nullptr && sent_ < call_.body.size() && !stream_->is_above_high_mark()) {
      const size_t n = std::min<size_t>(call_.body.size() - sent_, 16 * 1024);
      base::Chain chain;
      chain.append_copy(client_.loop_.blocks(), std::string_view(call_.body).substr(sent_, n));
      sent_ += n;
      if (sent_ == call_.body.size()) note_sent();
      stream_->send_data(std::move(chain), sent_ == call_.body.size());
    }
  }

  Client& client_;
  Call& call_;
  http::ClientStream* stream_ = nullptr;
  net::Timer reading_timer_;
  size_t sent_ = 0, owed_ = 0;
  bool is_reading_ = true;
};

class Client::Connection final : public net::Destroyable,
                                 public base::ListNode<>,
                                 private net::ConnectionHandler,
                                 private http::ClientConnectionHandler {
 public:
  explicit Connection(Client& client) : client_(client) {
    h2_.stream_window_bytes = 65536;
    transport_.reset(new net::Connection(client.loop_, client.to_, {}, client.new_tls_session(), *this));
  }
  void add(Call& call) {
    streams_.push_back(std::make_unique<Stream>(client_, call));
    client_.streams_[&call] = streams_.back().get();
    if (codec_ != nullptr) streams_.back()->begin(*codec_);
    else waiting_.push_back(streams_.back().get());
  }
  bool is_usable() const {
    if (is_finished_) return false;
    if (codec_ != nullptr) return codec_->can_open();
    return client_.options_.is_h2;  // calls may wait for an HTTP/2 connection together
  }
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
    codec_ = client_.options_.is_h2 ? http::make_h2_client(std::move(transport_), h2_, client_.counters_, *this)
                                    : http::make_h1_client(std::move(transport_), h1_, client_.counters_, *this);
    const std::vector<Stream*> waiting = std::exchange(waiting_, {});
    for (Stream* stream : waiting) stream->begin(*codec_);
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
    for (Stream* stream : std::exchange(waiting_, {})) stream->fail();
    unlink();
    client_.loop_.destroy_later(std::unique_ptr<net::Destroyable>(this));
  }

  Client& client_;
  http::H1Options h1_;
  http::H2Options h2_;
  std::unique_ptr<net::Connection> transport_;
  std::unique_ptr<http::ClientConnection> codec_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> waiting_;
  bool is_finished_ = false;
};

Client::Client(net::Loop& loop, const net::Address& to, ClientOptions options)
    : loop_(loop), to_(to), options_(std::move(options)) {
  if (options_.tls != nullptr) replace_tls(options_.tls);
}

Client::~Client() {
  while (Connection* c = connections_.pop_front()) delete c;
}

void Client::replace_tls(std::shared_ptr<const net::TlsContextConfig> tls) {
  options_.tls = std::move(tls);
  tls_ = net::TlsContext::make(*options_.tls, net::TlsRole::Client).value();
}

std::unique_ptr<net::TlsSession> Client::new_tls_session() {
  if (tls_ == nullptr) return nullptr;
  net::ClientSessionOptions options;
  options.rules = net::peer_rules_of(options_.tls);
  options.sni = options_.sni;
  options.alpn = {options_.is_h2 ? "h2" : "http/1.1"};
  options.observer = &tls_counters_;
  return tls_->new_client_session(net::TlsEnvironment(loop_), std::move(options));
}

void Client::send(Call& call) {
  call.started = loop_.now();
  call.is_started = true;
  calls_.push_back(&call);
  Connection* chosen = nullptr;
  connections_.for_each([&](Connection& c) {
    if (chosen == nullptr && c.is_usable()) chosen = &c;
  });
  if (chosen == nullptr) {
    chosen = new Connection(*this);
    connections_.push_front(*chosen);
  }
  chosen->add(call);
}

void Client::abandon(Call& call) {
  const auto found = streams_.find(&call);
  if (found != streams_.end() && !call.is_over) found->second->abandon();
}

void Client::close(bool reset) {
  connections_.for_each([&](Connection& c) { c.close(reset); });
}

bool Client::is_all_over() const {
  return std::all_of(calls_.begin(), calls_.end(), [](const Call* call) { return call->is_over; });
}

}  // namespace weft::sim
