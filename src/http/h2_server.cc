#include "http/connection.h"
#include "http/h2_link.h"
#include "http/h2_server_session.h"

namespace weft::http {
namespace {

class H2ServerConnection final : public ServerConnection, private H2LinkOwner {
 public:
  H2ServerConnection(std::unique_ptr<net::Connection> transport, const H2Options& options,
                     const ServerTimeouts& timeouts, CodecCounters& counters, ServerConnectionHandler& handler,
                     base::Chain first_bytes)
      : options_(options),
        handler_(handler),
        link_(std::move(transport), options_, timeouts, counters, *this),
        session_(options_, link_.transport().loop().blocks(), counters, link_, handler) {
    link_.start(session_, std::move(first_bytes));
  }

  void drain() override { link_.begin_drain(); }
  void close() override { link_.close(); }
  size_t active_streams() const override { return session_.active_streams(); }
  Version version() const override { return Version::Http2; }
  net::Connection& transport() override { return link_.transport(); }

 private:
  void on_turn() override {
    // After a client's GOAWAY nothing more can come of it (nghttp2 would not even answer its PINGs).
    const bool is_leaving = session_.is_drain_finished() || session_.has_peer_goaway();
    if (is_leaving && session_.active_streams() == 0 && !session_.has_ended_streams()) link_.finish();
  }
  void on_slow_head() override { session_.refuse_slow_head(); }
  void on_link_closed(const StreamEnd& end) override { handler_.on_connection_closed(end); }

  const H2Options options_;
  ServerConnectionHandler& handler_;
  H2Link link_;
  H2ServerSession session_;
};

}  // namespace

std::unique_ptr<ServerConnection> make_h2_server(std::unique_ptr<net::Connection> transport, const H2Options& options,
                                                 const ServerTimeouts& timeouts, CodecCounters& counters,
                                                 ServerConnectionHandler& handler, base::Chain first_bytes) {
  return std::make_unique<H2ServerConnection>(std::move(transport), options, timeouts, counters, handler,
                                              std::move(first_bytes));
}

}  // namespace weft::http
