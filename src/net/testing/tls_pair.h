// Purpose: two TLS sessions that talk through memory, with a clock the test sets.
// Thread:  one.   Owner: the test.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/slice.h"
#include "net/testing/tls_certificates.h"
#include "net/tls_context.h"

namespace weft::net {

struct TestClock {
  base::WallTime now = kTestNow;
  base::WallTime read() { return now; }
  TlsEnvironment environment(base::BlockPool& pool) {
    return {pool, base::Delegate<base::WallTime()>::bind<&TestClock::read>(*this)};
  }
};

/// Both ends; `pump` carries bytes until both are silent, in pieces of at most `piece_bytes`.
struct TlsPair {
  explicit TlsPair(base::BlockPool& blocks) : pool(blocks) {}

  base::BlockPool& pool;
  std::unique_ptr<TlsSession> client, server;
  size_t piece_bytes = SIZE_MAX;
  base::Chain to_client, to_server;  ///< plain bytes that arrived
  base::Status client_status, server_status;
  std::string client_wire, server_wire;  ///< every cipher byte each side sent

  void pump() {
    if (!has_started_ && client_status) client_status = client->start();
    has_started_ = true;
    while (carry(*client, *server, to_server, server_status, client_wire) +
               carry(*server, *client, to_client, client_status, server_wire) >
           0) {}
  }
  /// Carries one way what is waiting; returns the bytes.
  size_t carry(TlsSession& from, TlsSession& to, base::Chain& plain, base::Status& status, std::string& wire) {
    base::Chain out;
    from.take_output(out);
    const std::string bytes = out.to_string();
    wire += bytes;
    for (size_t at = 0; at < bytes.size() && status; at += std::min(piece_bytes, bytes.size() - at))
      status = to.receive(base::Slice::copy_of(pool, std::string_view(bytes).substr(at, piece_bytes)), plain);
    return bytes.size();
  }
  bool is_open() const { return client->is_established() && server->is_established(); }

 private:
  bool has_started_ = false;
};

}  // namespace weft::net
