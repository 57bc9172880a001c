#include <gtest/gtest.h>

#include "net/testing/tls_fixture.h"
#include "net/testing/tls_random.h"

namespace weft::net {
namespace {

/// A whole life under one seed: keys, handshake with client certificate, data, resumption. Made anew for each run, as
/// a simulated scenario is, because key objects keep blinding state.
class Life : public TlsTest {
 public:
  Life(TlsVersion version, base::WallTime now) : version_(version) { clock_.now = now; }
  void TestBody() override {}

  std::string wire() {
    TlsContextConfig server = mutual_server_config();
    TlsContextConfig client = client_config();
    client.certificates = {client_certificate()};
    client.min_version = client.max_version = version_;
    const Context server_context = make(server, TlsRole::Server), client_context = make(client, TlsRole::Client);
    std::string out;
    for (int i = 0; i < 2; ++i) {
      TlsPair pair = this->pair(client_context, client, server_context, server);
      pair.pump();
      EXPECT_TRUE(pair.is_open());
      EXPECT_EQ(pair.server->info().is_resumed, i == 1);
      EXPECT_TRUE(pair.client->send(bytes("question")) && pair.server->send(bytes("answer")));
      pair.pump();
      pair.client->shutdown();
      pair.pump();
      out += pair.client_wire + "|" + pair.server_wire;
      clock_.now += base::seconds(600);
    }
    return out;
  }

 private:
  TlsVersion version_;
};

std::string life(uint64_t seed, TlsVersion version, base::WallTime now = kTestNow) {
  const DeterministicTlsRandom random(seed);
  return Life(version, now).wire();
}

class TlsDeterminism : public testing::TestWithParam<TlsVersion> {};

TEST_P(TlsDeterminism, one_seed_gives_the_same_wire_bytes) {
  const std::string first = life(7, GetParam());
  EXPECT_GT(first.size(), 2000u);
  EXPECT_EQ(first, life(7, GetParam()));
}

TEST_P(TlsDeterminism, another_seed_gives_others) { EXPECT_NE(life(7, GetParam()), life(8, GetParam())); }

INSTANTIATE_TEST_SUITE_P(Versions, TlsDeterminism, testing::Values(TlsVersion::Tls1_2, TlsVersion::Tls1_3),
                         [](const auto& info) { return info.param == TlsVersion::Tls1_2 ? "Tls12" : "Tls13"; });

TEST(TlsRandomTest, the_system_s_generator_comes_back) {
  const auto make = [] { return TicketKeys::generate()->current().name; };
  std::array<unsigned char, 16> seeded;
  {
    const DeterministicTlsRandom random(1);
    seeded = make();
  }
  EXPECT_NE(make(), seeded);
  const DeterministicTlsRandom again(1);
  EXPECT_EQ(make(), seeded);
}

}  // namespace
}  // namespace weft::net
