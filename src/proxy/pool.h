// Purpose: the connections of one worker to one host: who is idle, who is being made, who waits.
// Thread:  the owning worker's.   Owner: WorkerCluster owns pools; a pool owns its connections.
// Source:  Envoy's ConnPoolImplBase for when connections are made and when waiting requests fail.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "http/connection.h"
#include "net/connection.h"
#include "net/loop.h"
#include "proxy/codec_stats.h"
#include "proxy/host.h"
#include "proxy/tls_view.h"

namespace weft::proxy {

class HostPool;
class WorkerCluster;

/// Why no stream came.
enum class PoolFailure : uint8_t {
  Overflow,       ///< a circuit breaker is at its limit
  ConnectFailed,  ///< refused, reset, TLS failed
  ConnectTimeout,
};

/// One upstream connection: connecting first, then a codec with streams.
class PoolConnection final : public net::Destroyable,
                             public base::ListNode<>,
                             private net::ConnectionHandler,
                             private http::ClientConnectionHandler {
 public:
  PoolConnection(HostPool& pool);
  ~PoolConnection() override;

  bool is_connecting() const { return codec_ == nullptr; }
  bool can_open() const { return codec_ != nullptr && !is_closing_ && codec_->can_open(); }
  http::ClientStream& open(http::ClientStreamHandler& handler);
  bool is_reused() const { return codec_ != nullptr && codec_->streams_opened() > 1; }
  http::Version version() const { return codec_->version(); }
  net::Connection& transport() { return codec_ != nullptr ? codec_->transport() : *transport_; }
  uint64_t id() const { return id_; }
  /// When it was begun, connected, and ready for its first stream.
  base::MonoTime created() const { return created_; }
  base::MonoTime connected() const { return connected_; }
  base::MonoTime opened() const { return opened_; }
  const std::string& local_text() const { return local_text_; }            ///< our address, with port
  const std::shared_ptr<const TlsView>& tls_view() const { return tls_; }  ///< null: plaintext
  HostPool& pool() { return pool_; }
  size_t active_streams() const { return codec_ != nullptr ? codec_->active_streams() : 0; }
  /// A stream of this connection ended before it was complete; `is_local`: because of us.
  void note_cut_stream(bool is_local);
  /// Streams that may come once it is connected.
  size_t expected_capacity() const;

  /// Opens nothing more; closes when its last stream ends (now, when there is none).
  void drain();
  void close();

 private:
  // net::ConnectionHandler, while connecting.
  void on_connected() override;
  void on_open() override;
  void on_data(base::Slice data) override;
  void on_end() override;
  void on_close(const base::Error& error) override;
  // http::ClientConnectionHandler, afterwards.
  void on_capacity() override;
  void on_draining() override;
  void on_connection_closed(const http::StreamEnd& end) override;

  void on_connect_timeout();
  void on_idle_timeout();
  void on_max_duration();
  static std::string connect_failure_text(const std::string& message);
  void fail(PoolFailure failure, std::string reason);
  void retire(bool is_local, bool replace = true);
  void publish();
  void note_idle();

  HostPool& pool_;
  std::unique_ptr<net::Connection> transport_;  ///< until the codec takes it
  std::unique_ptr<http::ClientConnection> codec_;
  CodecStats* codec_stats_ = nullptr;  ///< once there is a codec
  net::Timer timer_;                   ///< connect timeout, then idle timeout
  net::Timer duration_timer_;
  base::MonoTime created_, connected_, opened_;
  std::string local_text_;
  std::shared_ptr<const TlsView> tls_;
  uint64_t id_;
  uint64_t bytes_received_ = 0, bytes_sent_ = 0;  ///< as far as the statistics have them
  bool has_cut_stream_ = false;
  bool is_cut_here_ = false;
  bool is_closing_ = false;  ///< no more streams, for whatever reason
  bool is_local_close_ = false;
  bool is_retired_ = false;

  friend class HostPool;
};

/// Somebody who waits for a stream. Leaves the queue by being destroyed or by `unlink`-ing through HostPool::cancel.
class PoolCaller : public base::ListNode<> {
 public:
  /// Called in a later turn; open the stream on `connection` now.
  virtual void on_connection_ready(PoolConnection& connection) = 0;
  virtual void on_pool_failure(PoolFailure failure, std::string_view reason) = 0;

 protected:
  ~PoolCaller() = default;
};

/// What keeps connections to one host apart.
struct PoolKind {
  bool is_high_priority = false;
  bool is_h2 = false;
  bool is_tcp = false;   ///< for CONNECTs that end here
  std::string tls_name;  ///< where TLS follows the request's name

  bool operator==(const PoolKind&) const = default;
};

/// The pool of one host and kind.
class HostPool final : public net::Destroyable, public base::ListNode<> {
 public:
  HostPool(WorkerCluster& cluster, std::shared_ptr<Host> host, const PoolKind& kind);
  ~HostPool() override;

  /// A connection with room, or null: then the caller waits (`is_waiting`) or may not (the breaker is open; a pool that
  /// is empty then goes at the end of the turn).
  struct Answer {
    PoolConnection* connection = nullptr;
    bool is_waiting = false;
    bool is_queue_full = false;  ///< neither: not even a place to wait
  };
  Answer acquire(PoolCaller& caller);
  /// Stops waiting.
  void cancel(PoolCaller& caller);
  /// The stream given out is over: one place of the request breaker is free again.
  void release_request();

  /// Opens nothing more on the connections there are (host gone or ejected, drain); what waits gets one all the same.
  void drain();
  /// Drains once for each time its host is ejected.
  void leave_if_ejected();
  void close_all();
  bool is_empty() const { return connection_count_ == 0 && pending_count_ == 0; }
  /// Whether it has streams or waiting requests.
  bool is_busy();

  WorkerCluster& cluster() { return cluster_; }
  Host& host() { return *host_; }
  const PoolKind& kind() const { return kind_; }
  size_t connection_count() const { return connection_count_; }

 private:
  friend class PoolConnection;

  bool take_request();
  void make_connections();
  bool make_one();
  void serve_pending();
  void fail_pending(PoolFailure failure, std::string_view reason);
  void on_ready(PoolConnection& connection);
  void on_gone(PoolConnection& connection, bool replace);
  bool wants_connection();
  void drop_pending(PoolCaller& caller);

  WorkerCluster& cluster_;
  std::shared_ptr<Host> host_;
  const PoolKind kind_;
  size_t connection_count_ = 0;
  size_t pending_count_ = 0;
  uint64_t drained_for_ = 0;                         ///< the ejection that it was drained for, by its time
  base::IntrusiveList<PoolConnection> connections_;  ///< those with room are at the front
  base::IntrusiveList<PoolCaller> pending_;
  net::Deferred serve_;
};

}  // namespace weft::proxy
