#include "http/connection.h"
#include "http/h2_client_session.h"
#include "http/h2_link.h"

namespace weft::http {
namespace {

class H2ClientConnection final : public ClientConnection, private H2LinkOwner {
 public:
  H2ClientConnection(std::unique_ptr<net::Connection> transport, const H2Options& options, CodecCounters& counters,
                     ClientConnectionHandler& handler)
      : options_(options),
        handler_(handler),
        link_(std::move(transport), options_, ServerTimeouts{}, counters, *this),
        session_(options_, link_.transport().loop().blocks(), counters, link_, handler) {
    link_.start(session_, {});
  }

  bool can_open() const override { return link_.is_open() && session_.can_open(); }
  ClientStream& open(ClientStreamHandler& handler) override {
    link_.check_idle_peer();
    return session_.open(handler);
  }
  size_t active_streams() const override { return session_.active_streams(); }
  size_t streams_max() const override { return session_.streams_max(); }
  uint64_t streams_opened() const override { return session_.streams_opened(); }
  bool is_draining() const override { return !link_.is_open() || session_.is_draining(); }
  void drain() override { session_.begin_drain(); }
  void close() override { link_.close(); }
  Version version() const override { return Version::Http2; }
  net::Connection& transport() override { return link_.transport(); }

 private:
  void on_turn() override {
    if (!session_.is_draining() || session_.active_streams() > 0 || session_.has_ended_streams()) return;
    session_.fail(NGHTTP2_NO_ERROR, StreamEnd{});  // says goodbye; does nothing when the session has failed
    link_.finish();
  }
  void on_link_closed(const StreamEnd& end) override { handler_.on_connection_closed(end); }

  const H2Options options_;
  ClientConnectionHandler& handler_;
  H2Link link_;
  H2ClientSession session_;
};

}  // namespace

std::unique_ptr<ClientConnection> make_h2_client(std::unique_ptr<net::Connection> transport, const H2Options& options,
                                                 CodecCounters& counters, ClientConnectionHandler& handler) {
  return std::make_unique<H2ClientConnection>(std::move(transport), options, counters, handler);
}

}  // namespace weft::http
