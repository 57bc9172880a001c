// Purpose: TlsSession over OpenSSL. Cipher bytes pass through a BIO of our own: read straight from the chain that
//          came from the socket, written straight into the pool blocks that go to it (BIO_s_mem copies once more).
// Thread:  the owning worker's.   Owner: the connection.   Private to net's tls_* files.
#pragma once

#include <memory>
#include <string>

#include "net/tls_context_parts.h"
#include "net/tls_openssl.h"
#include "net/tls_session.h"
#include "net/tls_verify.h"

namespace weft::net {

class OpensslSession final : public TlsSession {
 public:
  OpensslSession(std::shared_ptr<TlsContext> context, TlsContext::Parts& parts, TlsEnvironment environment,
                 ServerSessionOptions options);
  OpensslSession(std::shared_ptr<TlsContext> context, TlsContext::Parts& parts, TlsEnvironment environment,
                 ClientSessionOptions options);
  ~OpensslSession() override;

  base::Status start() override;
  base::Status receive(base::Slice ciphertext, base::Chain& plaintext) override;
  base::Status send(base::Chain plaintext) override;
  void shutdown() override;
  void take_output(base::Chain& out) override;
  bool is_established() const override { return state_ == State::Established; }
  bool has_received_close() const override { return has_received_close_; }
  std::string_view alpn() const override;
  const TlsInfo& info() override;
  void forget_info() override { info_.reset(); }

  // ---- for OpenSSL's callbacks ----
  static OpensslSession& of(const SSL* ssl);
  TlsContext::Parts& parts() { return parts_; }
  const PeerRules& rules() const { return *rules_; }
  const TicketKeys* tickets() const { return tickets_.get(); }
  const std::string& id_context() { return parts_.session_id_context(rules_); }
  base::WallTime now() const { return environment_.wall_now(); }
  void count(TlsEvent event) {
    if (observer_ != nullptr) observer_->on_tls_event(event);
  }
  int on_verify(X509_STORE_CTX& chain);
  void on_message(bool is_sent, int content_type, const unsigned char* bytes, size_t size);
  void keep_session(SslSessionPtr session);
  size_t read_cipher(char* to, size_t size);
  void write_cipher(const char* from, size_t size);

 private:
  enum class State : uint8_t { Handshaking, Established, Failed };

  void open(const std::shared_ptr<const PeerRules>& rules);
  base::Status handshake();
  base::Status on_handshake_done();
  base::Status check_key_usage();
  base::Status read_plaintext(base::Chain& plaintext);
  base::Status encrypt(base::Chain plaintext);
  base::Status write_plaintext(std::string_view bytes);
  /// Collects OpenSSL's errors, or takes `reason`; counts; nothing works afterwards.
  base::Error fail(std::string reason = {});
  void flush_block();
  void follow_records(std::string_view bytes);
  void release_buffers();
  void send_close();
  void offer_session();
  std::string session_key() const;
  void fill_peer(X509& peer);

  std::shared_ptr<TlsContext> context_;  // keeps parts_
  TlsContext::Parts& parts_;
  TlsEnvironment environment_;
  std::shared_ptr<const PeerRules> rules_;
  std::shared_ptr<const TicketKeys> tickets_;
  TlsObserver* observer_;
  SslPtr ssl_;
  std::string sni_;
  State state_ = State::Handshaking;
  bool has_received_close_ = false;
  bool is_peer_validated_ = false;
  bool is_shut_down_ = false;
  bool is_info_final_ = false;
  VerifyOutcome::Failure verify_failure_ = VerifyOutcome::Failure::None;
  uint8_t header_bytes_ = 0;
  uint16_t record_bytes_ = 0;
  uint32_t key_updates_ = 0, tickets_received_ = 0;
  int64_t key_update_second_ = 0;
  const char* abuse_ = nullptr;   // what the peer did that ends the connection
  base::Chain in_;                // cipher bytes that OpenSSL has not taken
  base::Chain out_;               // cipher bytes for the peer, but for
  base::Block* block_ = nullptr;  // the block being filled
  uint32_t block_used_ = 0;
  size_t undelivered_ = 0;                        // cipher bytes inside OpenSSL whose plain bytes have not come out
  std::unique_ptr<base::Chain> early_plaintext_;  // written before the handshake was complete
  std::string verify_detail_;
  base::Error error_;
  std::unique_ptr<TlsInfo> info_;
};

}  // namespace weft::net
