// A TLS session must survive any bytes, before its handshake and after it, and lose no block. The first byte says
// which side reads, whether the handshake has run, and how the bytes are cut.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "net/testing/tls_pair.h"
#include "net/testing/tls_random.h"

namespace {

using namespace weft::net;

struct Setup {
  DeterministicTlsRandom random{1};
  TestAuthority authority{"fuzz"};
  std::shared_ptr<TlsContext> server, client;
  std::shared_ptr<const PeerRules> rules = std::make_shared<PeerRules>();
  std::shared_ptr<const TicketKeys> tickets = TicketKeys::generate();

  Setup() {
    TlsContextConfig config;
    TestLeaf leaf;
    leaf.dns = {"test.example"};
    config.certificates = {authority.issue(leaf)};
    config.trusted_ca_pem = authority.pem();
    config.require_client_certificate = true;
    server = *TlsContext::make(config, TlsRole::Server);
    config.max_version = TlsVersion::Tls1_3;
    client = *TlsContext::make(config, TlsRole::Client);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Setup setup;
  if (size == 0) return 0;
  const bool is_server = (data[0] & 1) != 0, is_established = (data[0] & 2) != 0;
  const size_t piece = (data[0] >> 2) + 1u;
  weft::base::BlockPool pool;
  {
    TestClock clock;
    TlsPair pair(pool);
    ClientSessionOptions client;
    client.rules = setup.rules;
    client.sni = "test.example";
    pair.client = setup.client->new_client_session(clock.environment(pool), std::move(client));
    ServerSessionOptions server;
    server.rules = setup.rules;
    server.tickets = setup.tickets;
    pair.server = setup.server->new_server_session(clock.environment(pool), std::move(server));
    if (is_established) {
      pair.pump();
      WEFT_ASSERT(pair.is_open());
    } else if (!is_server) {
      WEFT_ASSERT(pair.client->start().has_value());
    }
    TlsSession& reader = is_server ? *pair.server : *pair.client;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    weft::base::Chain plain, out;
    bool has_failed = false;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      const auto status = reader.receive(weft::base::Slice::copy_of(pool, bytes.substr(at, piece)), plain);
      WEFT_ASSERT(!has_failed || !status);  // an error is final
      has_failed = !status;
    }
    WEFT_ASSERT(plain.is_empty());  // nothing that was not encrypted comes out
    reader.shutdown();
    reader.take_output(out);
    (void)reader.info();
  }
  WEFT_ASSERT(pool.live_blocks() == 0);
  return 0;
}
