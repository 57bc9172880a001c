#include "sim/service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace weft::sim {

std::map<std::string, std::string> to_map(const http::HeaderMap& headers) {
  std::map<std::string, std::string> out;
  headers.for_each([&](const http::Header& h) { out[std::string(h.name)] = std::string(h.value); });
  return out;
}

class Service::Stream final : public http::ServerStreamHandler {
 public:
  Stream(Service& service, http::ServerStream& stream, size_t index)
      : service_(service), stream_(&stream), index_(index) {
    timer_.set_callback(net::Timer::Callback::bind<&Stream::on_timer>(*this));
    reading_timer_.set_callback(net::Timer::Callback::bind<&Stream::on_reading>(*this));
    seen().script = service.script_(seen(), index);
    is_reading_ = script().consumes;
    if (!is_reading_ && script().reads_after > base::Duration::zero())
      service_.loop_.arm(reading_timer_, script().reads_after);
  }

  void begin(bool end) {
    if (end) note_request_end();
    if (!end && !script().waits_for_request) service_.loop_.arm(timer_, script().delay);
  }

  void on_request_data(base::Slice data, bool end) override {
    seen().body.append(data.view());
    owed_ += data.size();
    if (is_reading_) give_back();
    if (end) note_request_end();
  }
  void on_request_trailers(http::HeaderMap) override { note_request_end(); }
  void on_response_writable() override { pump(); }
  void on_stream_closed(const http::StreamEnd&) override { note_over(); }

 private:
  SeenRequest& seen() { return service_.seen_[index_]; }
  const Script& script() { return seen().script; }

  void note_request_end() {
    seen().has_ended = true;
    seen().completed = service_.loop_.now();
    const bool has_begun_answer = !script().waits_for_request && seen().began != seen().completed;
    if (!has_begun_answer) service_.loop_.arm(timer_, script().delay);
  }
  void note_over() {
    timer_.cancel();
    reading_timer_.cancel();
    stream_ = nullptr;
    seen().is_over = true;
    seen().over = service_.loop_.now();
  }
  void on_reading() {
    is_reading_ = true;
    give_back();
  }
  void give_back() {
    if (const size_t owed = std::exchange(owed_, 0); owed > 0) stream_->consume(owed);
  }

  void on_timer() {
    if (stream_ == nullptr || seen().was_answered) return;
    if (!seen().is_headed) return answer();
    body_ = script().body;
    pump();
  }

  void answer() {
    const Script& what = script();
    if (what.end == Script::End::Never) return;
    if (what.end == Script::End::ResetBeforeHead) return reset();
    seen().is_headed = true;
    http::ResponseHead head(service_.loop_.blocks());
    head.status = what.status;
    head.add("x-sim-answer", service_.at_.to_string() + "/" + std::to_string(index_));
    for (const auto& [name, value] : what.headers) head.add(name, value);
    const bool ends = what.body.empty() && what.trailers.empty() && what.end == Script::End::Complete;
    if (ends) seen().was_answered = true;
    stream_->send_head(head, ends);
    if (ends) return;
    if (what.end == Script::End::ResetAfterHead) return reset();
    service_.loop_.arm(timer_, what.body_delay);
  }

  void pump() {
    while (stream_ != nullptr && !seen().was_answered && seen().is_headed) {
      const Script& what = script();
      const size_t n = std::min<size_t>(body_.size() - sent_, 16 * 1024);
      base::Chain chain;
      chain.append_copy(service_.loop_.blocks(), std::string_view(body_).substr(sent_, n));
      sent_ += n;
      const bool end = sent_ == body_.size();
      if (end) seen().was_answered = true;
      if (end && !what.trailers.empty()) {
        if (n > 0) stream_->send_data(std::move(chain), false);
        http::HeaderMap trailers(service_.loop_.blocks());
        for (const auto& [name, value] : what.trailers) trailers.add(name, value);
        stream_->send_trailers(trailers);
      } else {
        stream_->send_data(std::move(chain), end);
      }
      if (stream_ == nullptr || stream_->is_above_high_mark()) return;
    }
  }

  void reset() {
    http::ServerStream* stream = stream_;
    note_over();
    stream->reset(http::ResetCode::Internal);
  }

  Service& service_;
  http::ServerStream* stream_;
  size_t index_;
  net::Timer timer_, reading_timer_;
  std::string body_;
  size_t sent_ = 0, owed_ = 0;
  bool is_reading_ = true;
};

class Service::Connection final : public net::Destroyable,
                                  public base::ListNode<>,
                                  private net::ConnectionHandler,
                                  private http::ServerConnectionHandler {
 public:
  Connection(Service& service, net::AcceptedSocket socket) : service_(service) {
    h2_.stream_window_bytes = 65536;
    transport_.reset(new net::Connection(service.loop_, std::move(socket), nullptr, *this));
  }
  void close(bool reset) {
    if (codec_ != nullptr) {
      if (reset) codec_->transport().close(true);
      return codec_->close();
    }
    transport_->close(reset);
    finish();
  }

 private:
  void on_open() override {
    codec_ = service_.is_h2_ ? http::make_h2_server(std::move(transport_), h2_, {}, service_.counters_, *this)
                             : http::make_h1_server(std::move(transport_), h1_, {}, service_.counters_, *this);
  }
  void on_data(base::Slice) override {}
  void on_end() override { close(false); }
  void on_close(const base::Error&) override { finish(); }

  http::ServerStreamHandler& on_request(http::ServerStream& stream, bool end) override {
    SeenRequest seen;
    seen.headers = to_map(stream.request());
    seen.path = std::string(stream.request().path());
    seen.id = std::string(stream.request().get("x-sim-id"));
    seen.attempt = static_cast<unsigned>(std::atoi(seen.headers["x-envoy-attempt-count"].c_str()));
    seen.began = service_.loop_.now();
    service_.seen_.push_back(std::move(seen));
    streams_.push_back(std::make_unique<Stream>(service_, stream, service_.seen_.size() - 1));
    streams_.back()->begin(end);
    return *streams_.back();
  }
  void on_request_refused(const http::RequestHead&, const http::Refusal& answer, const http::StreamEnd& end) override {
    const uint16_t status = answer.head.status;
    if (status == 0) return;  // it broke off
    ADD_FAILURE() << "the proxy sent what a service refuses with " << status << ": " << end.detail;
  }
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

Service::Service(net::Loop& loop, const net::Address& at, bool is_h2, Decide script)
    : loop_(loop), at_(at), is_h2_(is_h2), script_(std::move(script)), acceptor_(std::make_unique<Acceptor>(*this)) {
  start();
}

Service::~Service() {
  while (Connection* c = connections_.pop_front()) delete c;
}

void Service::start() {
  auto socket = loop_.listen(at_, {});
  ASSERT_TRUE(socket) << at_.to_string();
  socket_ = std::move(*socket);
  acceptor_->handle = loop_.start_accepting(*socket_, *acceptor_);
}

size_t Service::seen_count(std::string_view id) const {
  return static_cast<size_t>(
      std::count_if(seen_.begin(), seen_.end(), [&](const SeenRequest& r) { return r.id == id; }));
}

void Service::stop(bool reset) {
  if (socket_ == nullptr) return;
  loop_.close(acceptor_->handle);
  socket_.reset();
  connections_.for_each([&](Connection& c) { c.close(reset); });
}

}  // namespace weft::sim
