// Purpose: the client's end of an HTTP/2 session: streams that a pool opens.
// Thread:  the owning worker's.   Owner: an HTTP/2 client connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/h2_session.h"

namespace weft::http {

class H2ClientSession;

/// One request and its response.
class H2ClientStream final : public H2Stream, public ClientStream {
 public:
  explicit H2ClientStream(H2ClientSession& session);

  void send_head(const RequestHead& head, bool end) override;
  void send_data(base::Chain data, bool end) override { queue_data(std::move(data), end); }
  void send_trailers(const HeaderMap& trailers) override { queue_trailers(trailers); }
  void reset(ResetCode code) override;
  void consume(size_t bytes) override { give_credit(bytes); }
  size_t pending_bytes() const override { return pending_.size(); }
  bool is_above_high_mark() const override { return is_above_mark_; }
  StreamBytes bytes() const override { return bytes_; }
  bool has_received_bytes() const override { return has_received_; }
  bool has_sent_bytes() const override { return has_left(); }

 private:
  friend class H2ClientSession;

  HeaderMap& begin_block() override;
  void on_block_complete(bool end, bool has_overflown) override;
  void on_data(base::Slice data, bool end) override;
  void on_writable() override;
  void on_closed(const StreamEnd& end) override;
  bool is_tunnel() const override { return is_tunnel_; }
  bool has_response_begun() const override { return has_response_; }

  void on_head(bool end);
  void abort(const StreamEnd& end, uint32_t code);
  void reuse();

  H2ClientSession& owner_;
  ResponseHead response_;
  HeaderMap trailers_in_;
  ClientStreamHandler* handler_ = nullptr;
  std::string upgrade_;  ///< protocol of an HTTP/1.1 upgrade that went out as an extended CONNECT
  size_t informational_count_ = 0;
  bool has_received_ = false;
  bool has_response_ = false;
  bool is_tunnel_ = false;
};

class H2ClientSession final : public H2Session {
 public:
  H2ClientSession(const H2Options& options, base::BlockPool& pool, CodecCounters& counters, H2Host& host,
                  ClientConnectionHandler& handler);
  ~H2ClientSession() override;

  bool can_open() const { return !is_draining() && active_streams() < streams_max(); }
  /// Precondition: can_open().
  ClientStream& open(ClientStreamHandler& handler);
  /// The peer's limit, bounded by ours; ours until the peer's SETTINGS have come.
  size_t streams_max() const;
  bool is_draining() const { return has_failed() || is_drain_finished() || has_peer_goaway() || is_unfit_; }

 private:
  friend class H2ClientStream;

  void recycle(H2Stream& stream) override;
  void on_peer_goaway() override { refuse_more(); }
  void on_capacity_change() override { is_capacity_due_ = true; }
  bool deliver_session_events() override;
  void refuse_more();

  ClientConnectionHandler& handler_;
  std::vector<std::unique_ptr<H2ClientStream>> free_;
  bool is_unfit_ = false;  ///< no more streams, though the peer has not said so
  bool is_draining_due_ = false, is_draining_told_ = false;
  bool is_capacity_due_ = false;
};

}  // namespace weft::http
