// Purpose: the server's end of an HTTP/2 session: requests become streams and are given to a handler.
// Thread:  the owning worker's.   Owner: an HTTP/2 server connection.
#pragma once

#include <memory>
#include <vector>

#include "http/h2_session.h"

namespace weft::http {

class H2ServerSession;

/// One request and its response.
class H2ServerStream final : public H2Stream, public ServerStream {
 public:
  explicit H2ServerStream(H2ServerSession& session);

  RequestHead& request() override { return request_; }
  void set_handler(ServerStreamHandler& handler) override { handler_ = &handler; }
  void send_informational(const ResponseHead& head) override;
  void send_head(const ResponseHead& head, bool end) override;
  void send_data(base::Chain data, bool end) override { queue_data(std::move(data), end); }
  void send_trailers(const HeaderMap& trailers) override { queue_trailers(trailers); }
  void reset(ResetCode code) override;
  void consume(size_t bytes) override { give_credit(bytes); }
  size_t pending_bytes() const override { return pending_.size(); }
  bool is_above_high_mark() const override { return is_above_mark_; }
  StreamBytes bytes() const override { return bytes_; }
  void close_after() override { session_.begin_drain(); }

 private:
  friend class H2ServerSession;

  HeaderMap& begin_block() override;
  void on_block_complete(bool end, bool has_overflown) override;
  void on_data(base::Slice data, bool end) override;
  void on_writable() override;
  void on_closed(const StreamEnd& end) override;
  bool is_tunnel() const override { return is_tunnel_; }
  bool has_response_begun() const override { return has_response_begun_; }

  void refuse(uint16_t status, const StreamEnd& end);
  void reuse();

  H2ServerSession& owner_;
  RequestHead request_;
  HeaderMap trailers_in_;
  ServerStreamHandler* handler_ = nullptr;
  bool has_request_ = false;
  bool has_response_begun_ = false;
  bool is_refused_ = false;
  bool is_tunnel_ = false;
};

class H2ServerSession final : public H2Session {
 public:
  H2ServerSession(const H2Options& options, base::BlockPool& pool, CodecCounters& counters, H2Host& host,
                  ServerConnectionHandler& handler);
  ~H2ServerSession() override;

  /// A request's head took too long: 408, then the end of the session (the block it is in blocks every other).
  void refuse_slow_head();

 private:
  friend class H2ServerStream;

  H2Stream* accept_stream() override;
  void recycle(H2Stream& stream) override;

  ServerConnectionHandler& handler_;
  H2ServerStream* newest_ = nullptr;
  std::vector<std::unique_ptr<H2ServerStream>> free_;
};

}  // namespace weft::http
