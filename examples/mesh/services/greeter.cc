// The gRPC service of the example mesh: greets whoever is named, as slowly as asked. It has no TLS, no retries and no
// deadlines of its own: its sidecar has them. Built on Weft's loop and HTTP/2 codec.
//
//     mesh_services <port>      on 127.0.0.1, HTTP/2 without TLS
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "greeter.pb.h"
#include "http/connection.h"
#include "http/grpc.h"
#include "net/backends.h"

namespace {

using namespace weft;  // NOLINT(google-build-using-namespace): an example reads better without prefixes
using http::GrpcStatus;
using Event = http::GrpcMessageReader::Event;

constexpr size_t kMessageBytesMax = 64 * 1024;
constexpr uint32_t kLoopback = 0x7f000001;

void say(const char* what) {
  std::printf("greeter: %s\n", what);
  std::fflush(stdout);
}

/// One call: reads the request, waits, answers. Ends when its stream does.
class Call final : public http::ServerStreamHandler, public net::Destroyable, public base::ListNode<> {
 public:
  Call(net::Loop& loop, http::ServerStream& stream)
      : loop_(loop),
        stream_(stream),
        reader_(kMessageBytesMax),
        delay_(net::Timer::Callback::bind<&Call::on_delay_over>(*this)) {}

  void begin(bool end) {
    if (stream_.request().path() != "/weft.examples.Greeter/Greet") return finish(GrpcStatus::Unimplemented);
    if (end) finish(GrpcStatus::InvalidArgument);
  }

 private:
  void on_request_data(base::Slice data, bool end) override {
    stream_.consume(data.size());
    if (is_answered_) return;
    switch (reader_.next(data)) {
      case Event::Message: has_message_ = request_.ParseFromString(reader_.take_message().to_string()); break;
      case Event::NeedMore: break;
      case Event::TooLarge: return finish(GrpcStatus::ResourceExhausted);
      case Event::Invalid: return finish(GrpcStatus::InvalidArgument);
    }
    if (end) on_request_end();
  }
  void on_request_trailers(http::HeaderMap) override { on_request_end(); }
  void on_response_writable() override {}
  void on_stream_closed(const http::StreamEnd& end) override {
    if (end.kind != http::StreamEnd::Kind::Complete) say("the call was cancelled");
    delay_.cancel();
    unlink();
    loop_.destroy_later(std::unique_ptr<Destroyable>(this));
  }

  void on_request_end() {
    if (is_answered_) return;
    if (!has_message_) return finish(GrpcStatus::InvalidArgument);
    loop_.arm(delay_, base::milliseconds(request_.delay_ms()));
  }

  void on_delay_over() {
    weft::examples::GreetReply reply;
    reply.set_greeting("Hello, " + request_.name() + "!");
    http::ResponseHead head(loop_.blocks());
    head.status = 200;
    head.add("content-type", "application/grpc");
    stream_.send_head(head, /*end=*/false);
    stream_.send_data(http::frame_grpc_message(loop_.blocks(), reply.SerializeAsString()), /*end=*/false);
    http::HeaderMap trailers(loop_.blocks());
    trailers.add("grpc-status", http::to_number(GrpcStatus::Ok));
    stream_.send_trailers(trailers);
    say("greeted");
  }

  /// An answer without a message: its head is its trailers too.
  void finish(GrpcStatus status) {
    is_answered_ = true;
    http::ResponseHead head(loop_.blocks());
    head.status = 200;
    head.add("content-type", "application/grpc");
    head.add("grpc-status", http::to_number(status));
    stream_.send_head(head, /*end=*/true);
  }

  net::Loop& loop_;
  http::ServerStream& stream_;
  http::GrpcMessageReader reader_;
  net::Timer delay_;
  weft::examples::GreetRequest request_;
  bool has_message_ = false;
  bool is_answered_ = false;
};

/// One connection: the transport until it is open, then the HTTP/2 server over it.
class Session final : public net::ConnectionHandler,
                      public http::ServerConnectionHandler,
                      public net::Destroyable,
                      public base::ListNode<> {
 public:
  Session(net::Loop& loop, net::AcceptedSocket socket) : loop_(loop) {
    transport_ = std::make_unique<net::Connection>(loop, std::move(socket), nullptr, *this);
  }
  ~Session() override {
    while (Call* call = calls_.front()) delete call;
  }

 private:
  void on_open() override { server_ = http::make_h2_server(std::move(transport_), {}, {}, counters_, *this); }
  void on_data(base::Slice) override {}
  void on_end() override {}
  void on_close(const base::Error&) override { end(); }

  http::ServerStreamHandler& on_request(http::ServerStream& stream, bool end) override {
    auto* call = new Call(loop_, stream);  // the list's until its stream closes
    calls_.push_back(*call);
    call->begin(end);
    return *call;
  }
  void on_request_refused(const http::RequestHead&, const http::Refusal&, const http::StreamEnd&) override {}
  void on_connection_closed(const http::StreamEnd&) override { end(); }

  void end() {
    unlink();
    loop_.destroy_later(std::unique_ptr<Destroyable>(this));
  }

  net::Loop& loop_;
  std::unique_ptr<net::Connection> transport_;
  http::CodecCounters counters_;
  std::unique_ptr<http::ServerConnection> server_;
  base::IntrusiveList<Call> calls_;
};

class Greeter final : public net::AcceptHandler, public net::SignalHandler {
 public:
  explicit Greeter(net::Loop& loop) : loop_(loop) {}
  ~Greeter() {
    while (Session* session = sessions_.front()) delete session;
  }
  void on_accept(net::AcceptedSocket socket) override { sessions_.push_back(*new Session(loop_, std::move(socket))); }
  void on_accept_error(const base::Error& error) override { say(error.message.c_str()); }
  void on_signal(int) override { loop_.stop(); }

 private:
  net::Loop& loop_;
  base::IntrusiveList<Session> sessions_;
};

}  // namespace

int main(int argument_count, char** arguments) {
  uint16_t port = 0;
  if (argument_count == 2) std::from_chars(arguments[1], arguments[1] + std::strlen(arguments[1]), port);
  if (port == 0) {
    std::fprintf(stderr, "usage: mesh_services <port>\n");
    return 2;
  }
  auto loop = net::make_epoll_loop(/*seed=*/1);
  if (!loop) return 1;
  Greeter greeter(**loop);
  auto socket = (*loop)->listen(net::Address::v4(kLoopback, port), {});
  if (!socket) {
    std::fprintf(stderr, "greeter: %s\n", socket.error().message.c_str());
    return 1;
  }
  (*loop)->start_accepting(**socket, greeter);
  if (!(*loop)->watch_signal(SIGTERM, greeter) || !(*loop)->watch_signal(SIGINT, greeter)) return 1;
  (*loop)->run();
  return 0;
}
