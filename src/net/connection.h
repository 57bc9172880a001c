// Purpose: a byte stream between the proxy and one peer, with or without TLS; what codecs sit on.
// Thread:  the owning worker's.   Owner: a listener (downstream) or a pool (upstream); see ARCHITECTURE.md.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/slice.h"
#include "net/loop.h"
#include "net/tls_session.h"

namespace weft::net {

/// What a connection tells its user. `on_open` comes once, before anything else but `on_close`, for accepted plaintext
/// connections too. Nothing is delivered from inside a call to the connection, except where a
/// method says so. After `on_close`, or after the user called `close`, nothing more comes.
class ConnectionHandler {
 public:
  virtual void on_connected() {}               ///< upstream: the socket is; TLS has not begun
  virtual void on_open() {}                    ///< connected, and the TLS handshake (if any) is complete
  virtual void on_data(base::Slice data) = 0;  ///< plain bytes
  virtual void on_end() = 0;                   ///< the peer sends no more (FIN, or close_notify)
  virtual void on_drained() {}                 ///< pending bytes fell to the low mark after `is_above_high_mark`
  virtual void on_flushed() {}                 ///< nothing is pending any more (after writes)
  virtual void on_close(const base::Error& error) = 0;  ///< broken by the peer or the network; already closed

 protected:
  ~ConnectionHandler() = default;
};

/// One connection. Marks: writing above `high_mark` bytes makes it "full" until half of that has left.
class Connection final : private SocketHandler {
 public:
  /// A downstream connection. `tls` null: plaintext. `first_bytes`: read before the filter chain was
  /// chosen (the ClientHello), fed to TLS or delivered first. Reading starts at once when TLS must handshake;
  /// plain bytes are held until `start_reading`.
  Connection(Loop& loop, AcceptedSocket socket, std::unique_ptr<TlsSession> tls, ConnectionHandler& handler,
             base::Chain first_bytes = {});
  /// Takes over an already adopted socket (whose handler becomes this connection).
  Connection(Loop& loop, Handle adopted, Address peer, Address local, std::unique_ptr<TlsSession> tls,
             ConnectionHandler& handler, base::Chain first_bytes = {});
  /// An upstream connection; `on_open` or `on_close` follows.
  Connection(Loop& loop, const Address& to, const ConnectOptions& options, std::unique_ptr<TlsSession> tls,
             ConnectionHandler& handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Changes who is told (a codec replaces the detector). Not from inside another callback's stack frame of the old
  /// handler's destructor.
  void set_handler(ConnectionHandler& handler) { handler_ = &handler; }

  void start_reading();
  void pause_reading();
  bool is_reading() const { return wants_data_; }

  /// Queues bytes; they leave at the end of the turn, so that several writes are one system call.
  void write(base::Chain bytes);
  size_t pending_bytes() const;  ///< queued, TLS records included, and not yet in the kernel
  void set_high_mark(size_t bytes) { high_mark_ = bytes; }
  bool is_above_high_mark() const { return is_full_; }

  /// Sends what is queued, then close_notify and FIN; reading goes on.
  void shutdown_write();
  /// Closes now; queued bytes are dropped. With `reset`, RST. Idempotent; nothing is delivered afterwards.
  void close(bool reset = false);
  bool is_open() const { return state_ == State::Open; }
  bool is_closed() const { return state_ == State::Closed; }

  Loop& loop() { return loop_; }
  const Address& peer_address() const { return peer_; }
  const Address& local_address() const { return local_; }
  TlsSession* tls() { return tls_.get(); }
  uint64_t bytes_received() const { return bytes_received_; }  ///< plain bytes
  uint64_t bytes_sent() const { return bytes_sent_; }          ///< plain bytes accepted by `write`
  uint64_t bytes_written() const { return wire_written_; }     ///< wire bytes handed to the kernel

 private:
  enum class State : uint8_t { Connecting, Handshaking, Open, Closed };

  void on_connected() override;
  void on_data(base::Slice data) override;
  void on_end() override;
  void on_write_done(size_t bytes) override;
  void on_error(const base::Error& error) override;

  void start_accepted(base::Chain first_bytes);
  void begin_tls();
  void open();
  void on_later();
  void deliver(base::Slice data);
  void deliver_held();
  bool has_end() const;
  void receive(base::Slice ciphertext);
  void encrypt();
  void take_tls_output();
  void fail_tls(const base::Error& error);
  void report_failure();
  void fail(const base::Error& error);

  /// What an idle plaintext connection does not need.
  struct Buffers {
    base::Chain held;      ///< received and not delivered: plain bytes; before the handshake begins, cipher bytes
    base::Chain outgoing;  ///< with TLS: plain bytes that are encrypted together at the end of the turn
    std::unique_ptr<base::Error> failure;  ///< of TLS, told once its alert has left
  };
  bool has_held() const { return buffers_ != nullptr && !buffers_->held.is_empty(); }
  bool has_failed() const { return buffers_ != nullptr && buffers_->failure != nullptr; }

  Loop& loop_;
  ConnectionHandler* handler_;
  std::unique_ptr<TlsSession> tls_;
  std::unique_ptr<Buffers> buffers_;  ///< with TLS always, in plaintext while first bytes are held
  Handle handle_;
  State state_ = State::Open;
  bool has_begun_tls_ = false;
  bool has_opened_ = false;  ///< on_open was delivered
  bool wants_data_ = false;
  bool has_socket_end_ = false;  ///< the socket's FIN came; with TLS perhaps before held bytes were delivered
  bool has_ended_ = false;       ///< on_end was delivered
  bool wants_shutdown_ = false;  ///< close_notify and FIN follow what is queued
  bool is_full_ = false;
  size_t high_mark_ = SIZE_MAX;
  Deferred later_;
  Address peer_, local_;
  uint64_t bytes_received_ = 0, bytes_sent_ = 0, wire_written_ = 0;
};

}  // namespace weft::net
