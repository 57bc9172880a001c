#include "net/resolver.h"

#include <gtest/gtest.h>

#include <map>

#include "net/backends.h"
#include "net/cares_resolver.h"
#include "net/simulation.h"
#include "net/testing/recorders.h"
#include "net/testing/scripted_resolver.h"

namespace weft::net::testing {
namespace {

struct Recorder final : ResolveHandler {
  void on_resolved(base::Result<DnsAnswer> result) override {
    ++calls;
    answer = std::move(result);
    if (react) react();
  }
  std::string text() const {
    if (!answer) return std::string(base::to_string(answer.error().code));
    std::string out;
    for (const Address& a : answer->addresses) out += (out.empty() ? "" : " ") + a.ip();
    return out;
  }
  int calls = 0;
  base::Result<DnsAnswer> answer{DnsAnswer{}};
  std::function<void()> react;
};

/// A DNS server with a table, on a datagram socket of the loop. Answers what RFC 1035 asks of it and no more.
class TinyDnsServer : DatagramHandler {
 public:
  struct Record {
    std::vector<std::string> literals;
    uint32_t ttl = 60;
    std::string alias;  ///< the records belong to this name, and the name asked for is its CNAME (ttl 7)
  };

  explicit TinyDnsServer(Loop& loop) : loop_(loop), handle_(*loop.open_datagram(any_local_port(), *this)) {}
  ~TinyDnsServer() { loop_.close(handle_); }
  Address address() const { return loop_.local_address(handle_); }

  std::map<std::string, Record> table;
  std::vector<std::string> asked;  ///< "name/type"
  bool is_silent = false;

 private:
  static constexpr uint16_t kA = 1, kCname = 5;

  static void put16(std::string& out, uint16_t n) { out += {static_cast<char>(n >> 8), static_cast<char>(n)}; }
  static void put32(std::string& out, uint32_t n) {
    put16(out, static_cast<uint16_t>(n >> 16)), put16(out, static_cast<uint16_t>(n));
  }
  static std::string labels(const std::string& name) {
    std::string out;
    for (size_t at = 0; at < name.size();) {
      const size_t dot = std::min(name.find('.', at), name.size());
      out += static_cast<char>(dot - at);
      out += name.substr(at, dot - at);
      at = dot + 1;
    }
    return out + '\0';
  }

  void on_datagram(base::Slice data, const Address& from) override {
    const std::string_view query = data.view();
    std::string name;
    size_t at = 12;
    while (query[at] != 0) {
      const auto length = static_cast<size_t>(query[at]);
      name += (name.empty() ? "" : ".") + std::string(query.substr(at + 1, length));
      at += length + 1;
    }
    const auto type = static_cast<uint16_t>(query[at + 2]);
    const std::string_view question = query.substr(12, at + 5 - 12);
    asked.push_back(name + (type == kA ? "/A" : "/AAAA"));
    if (!is_silent) reply(query.substr(0, 2), question, name, type, from);
  }
  void on_error(const base::Error&) override {}

  void reply(std::string_view id, std::string_view question, const std::string& name, uint16_t type,
             const Address& to) {
    const auto record = table.find(name);
    std::string answers;
    uint16_t count = 0;
    const bool exists = record != table.end();
    std::string owner = labels(name);
    if (exists && !record->second.alias.empty()) {
      const std::string alias = labels(record->second.alias);
      append_record(answers, owner, kCname, 7, alias);
      owner = alias;
      ++count;
    }
    for (const std::string& literal : exists ? record->second.literals : std::vector<std::string>{}) {
      const Address address = *Address::parse(literal, 0);
      if ((address.family() == Address::Family::V4) != (type == kA)) continue;
      append_record(answers, owner, type, record->second.ttl, std::string(address.ip_bytes()));
      ++count;
    }
    std::string out(id);
    put16(out, exists ? 0x8180 : 0x8183);  // response, recursion; NXDOMAIN
    put16(out, 1), put16(out, count), put16(out, 0), put16(out, 0);
    out += question;
    out += answers;
    loop_.send_datagram(handle_, base::Slice::copy_of(loop_.blocks(), out), to);
  }

  static void append_record(std::string& out, const std::string& owner, uint16_t type, uint32_t ttl,
                            const std::string& data) {
    out += owner;
    put16(out, type), put16(out, 1), put32(out, ttl), put16(out, static_cast<uint16_t>(data.size()));
    out += data;
  }

  Loop& loop_;
  Handle handle_;
};

class CaresResolverTest : public ::testing::Test {
 protected:
  CaresResolverTest() {
    ResolverOptions options;
    options.servers = {server.address()};
    options.use_search_domains = false;
    options.timeout = base::milliseconds(50);
    options.tries = 1;
    resolver = std::move(*make_cares_resolver(loop, options));
  }
  std::string ask(const std::string& name, DnsFamily family) {
    Recorder recorder;
    resolver->resolve(name, family, recorder);
    EXPECT_EQ(recorder.calls, 0) << "never from inside the call";
    EXPECT_TRUE(run_until(loop, [&] { return recorder.calls > 0; }));
    EXPECT_EQ(recorder.calls, 1);
    last = recorder.answer;
    return recorder.text();
  }

  std::unique_ptr<Loop> owner = std::move(*make_epoll_loop(1));
  Loop& loop = *owner;
  TinyDnsServer server{loop};
  std::unique_ptr<Resolver> resolver;
  base::Result<DnsAnswer> last{DnsAnswer{}};
};

TEST_F(CaresResolverTest, FamiliesAskForTheRecordsOfTheirPolicy) {
  server.table["both.test"] = {{"10.0.0.1", "10.0.0.2", "fd00::1"}};
  server.table["four.test"] = {{"10.0.0.4"}};
  server.table["six.test"] = {{"fd00::6"}};
  EXPECT_EQ(ask("both.test", DnsFamily::V4Only), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(ask("both.test", DnsFamily::V6Only), "fd00::1");
  EXPECT_EQ(ask("both.test", DnsFamily::Auto), "fd00::1");
  EXPECT_EQ(ask("four.test", DnsFamily::Auto), "10.0.0.4");
  EXPECT_EQ(ask("both.test", DnsFamily::V4Preferred), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(ask("six.test", DnsFamily::V4Preferred), "fd00::6");
  EXPECT_EQ(ask("both.test", DnsFamily::All), "10.0.0.1 10.0.0.2 fd00::1");
  EXPECT_EQ(ask("six.test", DnsFamily::V4Only), "not_found");
}

TEST_F(CaresResolverTest, AutoAsksForA6FirstAndForAOnlyWithoutIt) {
  server.table["four.test"] = {{"10.0.0.4"}};
  ask("four.test", DnsFamily::Auto);
  EXPECT_EQ(server.asked, (std::vector<std::string>{"four.test/AAAA", "four.test/A"}));
}

TEST_F(CaresResolverTest, TtlIsTheShortestOfTheRecordsAliasesIncluded) {
  server.table["long.test"] = {{"10.0.0.1"}, 300};
  ask("long.test", DnsFamily::V4Only);
  EXPECT_EQ(last->ttl, base::seconds(300));
  server.table["www.test"] = {{"10.0.0.1"}, 300, "real.test"};
  EXPECT_EQ(ask("www.test", DnsFamily::V4Only), "10.0.0.1");
  EXPECT_EQ(last->ttl, base::seconds(7));
}

TEST_F(CaresResolverTest, TheHostsFileIsHonoured) {
  EXPECT_EQ(ask("localhost", DnsFamily::V4Only), "127.0.0.1");
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(CaresResolverTest, LiteralsNeedNoServer) {
  EXPECT_EQ(ask("10.9.8.7", DnsFamily::V4Only), "10.9.8.7");
  EXPECT_EQ(last->ttl, base::Duration::zero());
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(CaresResolverTest, ErrorsTellMissingNamesFromMissingAnswers) {
  EXPECT_EQ(ask("nobody.test", DnsFamily::V4Only), "not_found");
  EXPECT_EQ(ask("", DnsFamily::V4Only), "invalid_argument");
  EXPECT_EQ(ask(std::string("a\0b", 3), DnsFamily::V4Only), "invalid_argument");
  EXPECT_EQ(ask(std::string(300, 'x') + ".test", DnsFamily::V4Only), "invalid_argument");
  server.is_silent = true;
  EXPECT_EQ(ask("slow.test", DnsFamily::V4Only), "timeout");
  EXPECT_TRUE(last.error().is_retryable);
  server.is_silent = false;
  server.table["slow.test"] = {{"10.0.0.1"}};
  EXPECT_EQ(ask("slow.test", DnsFamily::V4Only), "10.0.0.1");
}

TEST_F(CaresResolverTest, ManyLookupsRunAtOnce) {
  std::vector<Recorder> recorders(50);
  for (size_t i = 0; i < recorders.size(); ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    server.table[name] = {{"10.0.1." + std::to_string(i)}};
    resolver->resolve(name, DnsFamily::V4Only, recorders[i]);
  }
  ASSERT_TRUE(run_until(loop, [&] {
    return std::all_of(recorders.begin(), recorders.end(), [](const Recorder& r) { return r.calls == 1; });
  }));
  for (size_t i = 0; i < recorders.size(); ++i) EXPECT_EQ(recorders[i].text(), "10.0.1." + std::to_string(i));
}

TEST_F(CaresResolverTest, ACancelledLookupSaysNothing) {
  server.table["a.test"] = {{"10.0.0.1"}};
  Recorder cancelled, told;
  resolver->resolve("a.test", DnsFamily::V4Only, cancelled);
  resolver->resolve("a.test", DnsFamily::V4Only, told);
  resolver->cancel(cancelled);
  ASSERT_TRUE(run_until(loop, [&] { return told.calls == 1; }));
  EXPECT_EQ(cancelled.calls, 0);
}

TEST_F(CaresResolverTest, AHandlerMayCancelItsNeighbourAndAskAgain) {
  Recorder first, second;
  first.react = [&] {
    if (first.calls > 1) return;
    resolver->cancel(second);
    resolver->resolve("localhost", DnsFamily::V4Only, first);
  };
  resolver->resolve("localhost", DnsFamily::V4Only, first);
  resolver->resolve("localhost", DnsFamily::V4Only, second);
  ASSERT_TRUE(run_until(loop, [&] { return first.calls == 2; }));
  EXPECT_EQ(second.calls, 0);
}

TEST_F(CaresResolverTest, GoesWhileLookupsAreOpen) {
  server.is_silent = true;
  Recorder recorder;
  resolver->resolve("never.test", DnsFamily::All, recorder);
  ASSERT_TRUE(run_until(loop, [&] { return !server.asked.empty(); }));
  resolver.reset();
  EXPECT_EQ(recorder.calls, 0);
}

TEST(ScriptedResolverTest, AnswersLikeAServerWithThoseRecords) {
  Simulation world(1);
  Loop& loop = world.add_loop("main");
  ScriptedResolver resolver(loop);
  resolver.set("both", {"fd00::1", "10.0.0.1"}, base::seconds(5));
  resolver.set_error("down", base::ErrorCode::Timeout);
  const auto ask = [&](const std::string& name, DnsFamily family) {
    Recorder recorder;
    resolver.resolve(name, family, recorder);
    EXPECT_EQ(recorder.calls, 0);
    EXPECT_TRUE(world.run_until([&] { return recorder.calls == 1; }));
    return recorder.text();
  };
  EXPECT_EQ(ask("both", DnsFamily::Auto), "fd00::1");
  EXPECT_EQ(ask("both", DnsFamily::V4Preferred), "10.0.0.1");
  EXPECT_EQ(ask("both", DnsFamily::All), "10.0.0.1 fd00::1");
  EXPECT_EQ(ask("down", DnsFamily::All), "timeout");
  EXPECT_EQ(ask("nobody", DnsFamily::All), "not_found");
  EXPECT_EQ(resolver.lookups("both"), 3);
  Recorder cancelled;
  resolver.resolve("both", DnsFamily::All, cancelled);
  resolver.cancel(cancelled);
  world.run_for(base::seconds(1));
  EXPECT_EQ(cancelled.calls, 0);
}

}  // namespace
}  // namespace weft::net::testing
