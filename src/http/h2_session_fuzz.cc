// Fuzzes an HTTP/2 session: byte 0 chooses the role and whether the preface is given, byte 1 seeds what the handlers
// do and how the bytes are torn; the rest is what the peer sends.

#include <cstddef>
#include <cstdint>

#include "base/random.h"
#include "http/testing/h2_harness.h"

namespace weft::http::testing {
namespace {

base::Chain some_bytes(base::BlockPool& pool, base::Random& random) {
  base::Chain chain;
  chain.append_copy(pool, std::string(random.below(40000), 'b'));
  return chain;
}

void act(ServerStream& stream, base::BlockPool& pool, base::Random& random) {
  HeaderMap trailers(pool);
  trailers.add(HeaderId::GrpcStatus, "0");
  switch (random.below(8)) {
    case 0: return stream.send_informational(make_response(pool, 103));
    case 1: return stream.send_head(make_response(pool), random.below(2) == 0);
    case 2: return stream.send_data(some_bytes(pool, random), random.below(2) == 0);
    case 3: return stream.send_trailers(trailers);
    case 4: return stream.consume(random.below(100000));
    case 5: return stream.close_after();
    default: return;
  }
}

void act(ClientStream& stream, base::BlockPool& pool, base::Random& random) {
  HeaderMap trailers(pool);
  trailers.add("x-sum", "0");
  switch (random.below(6)) {
    case 0: return stream.send_data(some_bytes(pool, random), random.below(2) == 0);
    case 1: return stream.send_trailers(trailers);
    case 2: return stream.consume(random.below(100000));
    default: return;
  }
}

template <typename Peer>
void act_on_all(Peer& peer, base::Random& random) {
  for (auto& recorder : peer.handler.streams) {
    if (recorder->stream == nullptr) continue;
    recorder->consumes = random.below(4) != 0;
    if (random.below(16) == 0) {
      recorder->stream->reset(ResetCode::Cancel);
      recorder->stream = nullptr;  // dead from here on
    } else {
      act(*recorder->stream, peer.pool, random);
    }
  }
}

template <typename Peer>
void play(Peer& peer, std::string_view input, base::Random& random) {
  while (!input.empty() && !peer.session.has_failed()) {
    const size_t size = std::min<size_t>(input.size(), 1 + random.below(random.below(4) == 0 ? 8 : 2000));
    peer.session.receive(base::Slice::copy_of(peer.pool, input.substr(0, size)));
    input.remove_prefix(size);
    act_on_all(peer, random);
    if (random.below(2) == 0) drain_output(peer.session, peer.host);
    if (random.below(64) == 0) peer.session.begin_drain();
    peer.host.time += base::milliseconds(random.below(500));
  }
  drain_output(peer.session, peer.host);
  peer.session.abandon({StreamEnd::Kind::ConnectionClosed, ResetCode::NoError, "end"});
  peer.session.deliver();
  WEFT_ASSERT(peer.session.active_streams() == 0);
  WEFT_ASSERT(peer.session.body_bytes_held() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  base::Random random(data[1]);
  std::string input(reinterpret_cast<const char*>(data + 2), size - 2);
  H2Options options;
  options.allow_connect = (data[0] & 4) != 0;
  options.stream_error_on_invalid_message = (data[0] & 8) == 0;
  options.stream_window_bytes = 100'000;
  if ((data[0] & 1) == 0) {
    LoneServer server(options);
    play(server, (data[0] & 2) != 0 ? input : preface() + input, random);
  } else {
    LoneClient client(options);
    for (int i = 0; i < 3; ++i) client.request(make_request(client.pool, i == 2 ? "HEAD" : "POST"), i != 0);
    drain_output(client.session, client.host);
    play(client, input, random);
  }
  return 0;
}

}  // namespace weft::http::testing
