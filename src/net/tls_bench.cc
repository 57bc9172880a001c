// What TLS costs a proxy: a 1 KB exchange, a megabyte, a handshake; and our BIO beside OpenSSL's memory BIO.
// Run: ./dev build release bench_tls && build/release/bench_tls
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <openssl/pem.h>

#include "net/testing/tls_pair.h"
#include "net/tls_openssl.h"

namespace weft::net {
namespace {

struct Setup {
  Setup() {
    TlsContextConfig server;
    TestLeaf leaf;
    leaf.dns = {"test.example"};
    server.certificates = {authority.issue(leaf)};
    server_context = *TlsContext::make(server, TlsRole::Server);
    TlsContextConfig client;
    client.trusted_ca_pem = authority.pem();
    client.max_version = TlsVersion::Tls1_3;
    client.max_session_keys = 0;
    client_context = *TlsContext::make(client, TlsRole::Client);
  }
  TlsPair pair() {
    TlsPair out(pool);
    ClientSessionOptions client;
    client.rules = rules;
    client.sni = "test.example";
    out.client = client_context->new_client_session(clock.environment(pool), std::move(client));
    ServerSessionOptions server;
    server.rules = rules;
    server.tickets = tickets;
    out.server = server_context->new_server_session(clock.environment(pool), std::move(server));
    out.pump();
    return out;
  }

  base::BlockPool pool;
  TestClock clock;
  TestAuthority authority{"bench"};
  std::shared_ptr<TlsContext> server_context, client_context;
  std::shared_ptr<const PeerRules> rules = std::make_shared<PeerRules>();
  std::shared_ptr<const TicketKeys> tickets = TicketKeys::generate();
};

void move_all(TlsSession& from, TlsSession& to) {
  base::Chain wire, plain;
  from.take_output(wire);
  while (!wire.is_empty()) (void)to.receive(wire.pop_front(), plain);
  benchmark::DoNotOptimize(plain.size());
}

// One way: encrypt, and decrypt on the other side.
void BM_send(benchmark::State& state) {
  Setup setup;
  TlsPair pair = setup.pair();
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    base::Chain plain;
    plain.append_copy(setup.pool, text);
    (void)pair.server->send(std::move(plain));
    move_all(*pair.server, *pair.client);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_send)->Arg(1024)->Arg(16 * 1024)->Arg(1024 * 1024);

// The same through BIO_s_mem: cipher bytes are copied into the BIO and out of it once more on each side.
void BM_send_memory_bio(benchmark::State& state) {
  Setup setup;
  BioPtr chain = bio_of(setup.authority.pem());
  SslCtxPtr ctx(SSL_CTX_new(TLS_method()));
  const TlsCertificate certificate = setup.authority.issue({});
  BioPtr leaf_bio = bio_of(certificate.chain_pem), key_bio = bio_of(certificate.key_pem);
  const X509Ptr leaf(PEM_read_bio_X509(leaf_bio.get(), nullptr, nullptr, nullptr));
  const EvpPkeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_use_certificate(ctx.get(), leaf.get());
  SSL_CTX_use_PrivateKey(ctx.get(), key.get());
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS);
  SslPtr server(SSL_new(ctx.get())), client(SSL_new(ctx.get()));
  for (SSL* ssl : {server.get(), client.get()}) SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  const auto carry = [&](SSL* from, SSL* to) {
    // Out of the BIO into a block for the socket; from a received block into the other BIO.
    size_t moved = 0;
    while (BIO_ctrl_pending(SSL_get_wbio(from)) > 0) {
      base::Block* block = setup.pool.allocate(base::BlockPool::kLargeBytes);
      const int n = BIO_read(SSL_get_wbio(from), block->data(), static_cast<int>(block->capacity));
      const base::Slice slice = base::Slice::adopt(block, 0, static_cast<size_t>(n));
      BIO_write(SSL_get_rbio(to), slice.data(), n);
      moved += slice.size();
    }
    return moved;
  };
  for (bool moves = true; moves;) {
    SSL_do_handshake(client.get());
    moves = carry(client.get(), server.get()) > 0;
    SSL_do_handshake(server.get());
    moves |= carry(server.get(), client.get()) > 0;
  }
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    base::Chain plain;
    plain.append_copy(setup.pool, text);
    while (!plain.is_empty()) {
      const base::Slice slice = plain.pop_front();
      SSL_write(server.get(), slice.data(), static_cast<int>(slice.size()));
    }
    carry(server.get(), client.get());
    base::Chain received;
    for (;;) {
      base::Block* block = setup.pool.allocate(base::BlockPool::kLargeBytes);
      const int n = SSL_read(client.get(), block->data(), static_cast<int>(block->capacity));
      const base::Slice slice = base::Slice::adopt(block, 0, n > 0 ? static_cast<size_t>(n) : 0);
      if (n <= 0) break;
      received.append(slice.share());
    }
    benchmark::DoNotOptimize(received.size());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_send_memory_bio)->Arg(1024)->Arg(16 * 1024)->Arg(1024 * 1024);

void BM_handshake(benchmark::State& state) {
  Setup setup;
  for (auto _ : state) {
    TlsPair pair = setup.pair();
    benchmark::DoNotOptimize(pair.is_open());
  }
}
BENCHMARK(BM_handshake);

// Bytes of heap that an established and idle pair holds, per session.
void BM_idle_bytes(benchmark::State& state) {
  Setup setup;
  std::vector<TlsPair> idle;
  idle.reserve(1000);
  setup.pair();
  const size_t before = mallinfo2().uordblks;
  for (auto _ : state)
    for (int i = 0; i < 1000; ++i) {
      idle.push_back(setup.pair());
      idle.back().client_wire = idle.back().server_wire = std::string();
      idle.back().to_client.clear();
    }
  const size_t after = mallinfo2().uordblks;
  state.counters["bytes_per_session"] = static_cast<double>(after - before) / 2000;
}
BENCHMARK(BM_idle_bytes)->Iterations(1);

}  // namespace
}  // namespace weft::net

BENCHMARK_MAIN();
