// Purpose: one TLS connection as a codec that does no I/O: cipher bytes in, plain bytes out, and back.
//          `Connection` drives it; `tls_context.h` makes it (OpenSSL over memory BIOs).
// Thread:  the owning worker's.   Owner: the connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/slice.h"

namespace weft::net {

/// What is known of the peer's certificate and of the session, after the handshake. Strings are decoded
/// once, on first use. Absent things are empty.
struct TlsInfo {
  std::string server_name;  ///< SNI sent or received, lower case
  std::string alpn;         ///< protocol agreed
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< "TLS_AES_128_GCM_SHA256"
  std::string session_id;   ///< hex
  bool is_resumed = false;
  bool has_peer_certificate = false;
  bool is_peer_validated =
      false;  ///< some rule was checked and held (false for strangers that ACCEPT_UNTRUSTED lets in)
  std::string peer_subject, peer_issuer, peer_serial;  ///< RFC 2253; serial in lower-case hex
  std::vector<std::string> peer_uri_sans, peer_dns_sans, peer_ip_sans, peer_email_sans, peer_other_name_sans;
  std::string peer_certificate_sha256;  ///< hex
  std::string group;                    ///< of the key agreement, by Envoy's name
  /// Of the leaf and what the peer sent behind it; serials as peer_serial, fingerprints in hex.
  std::vector<std::string> peer_chain_serials, peer_chain_sha256s, peer_chain_sha1s;
  std::string peer_issuer_serial, peer_issuer_sha256;  ///< of the CA it was verified with; empty: it was not
  std::string peer_certificate_pem, peer_chain_pem;    ///< PEM, not URL-encoded
  std::string peer_not_before, peer_not_after;         ///< "2026-11-22T10:00:00.000Z"
  std::string local_subject;
  std::vector<std::string> local_uri_sans, local_dns_sans, local_ip_sans, local_email_sans, local_other_name_sans;
};

/// One TLS connection. Every call may leave bytes for the peer: take them with `take_output`.
class TlsSession {
 public:
  virtual ~TlsSession() = default;

  /// Client side: makes the ClientHello. Server side: nothing.
  virtual base::Status start() = 0;
  /// Takes cipher bytes; appends what could be decrypted to `plaintext`. An error is fatal to the connection,
  /// after its alert (in the output) has been sent. Errors: Tls (message names OpenSSL's reason or the rule broken).
  virtual base::Status receive(base::Slice ciphertext, base::Chain& plaintext) = 0;
  /// Encrypts; before the handshake is complete the bytes wait inside.
  virtual base::Status send(base::Chain plaintext) = 0;
  /// Queues close_notify.
  virtual void shutdown() = 0;
  /// Moves the cipher bytes for the peer to the end of `out`.
  virtual void take_output(base::Chain& out) = 0;

  virtual bool is_established() const = 0;      ///< handshake complete and peer verified
  virtual bool has_received_close() const = 0;  ///< close_notify came; an EOF without it is a truncation
  virtual std::string_view alpn() const = 0;    ///< "" before the handshake and where none was agreed
  virtual const TlsInfo& info() = 0;
  /// Gives back what `info` decoded; the next call decodes it again. References from earlier calls die.
  virtual void forget_info() {}
};

}  // namespace weft::net
