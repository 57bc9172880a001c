#include "net/connection.h"

#include <gtest/gtest.h>

#include "net/testing/backend.h"
#include "net/testing/recorders.h"

namespace weft::net::testing {
namespace {

// A stand-in for TLS whose "cipher" is visible: each side first sends "HELLO;" and is established by the peer's;
// then records are "<text>;". "CLOSE;" is close_notify, "BAD;" a record that cannot be decrypted.
class ToySession final : public TlsSession {
 public:
  explicit ToySession(base::BlockPool& pool) : pool_(pool) {}

  base::Status start() override {
    emit("HELLO;");
    return {};
  }
  base::Status receive(base::Slice ciphertext, base::Chain& plaintext) override {
    input_.append(ciphertext.view());
    for (size_t end = input_.find(';'); end != std::string::npos; end = input_.find(';')) {
      const std::string record = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (record == "BAD") {
        emit("ALERT;");
        return base::Error(base::ErrorCode::Tls, "bad record");
      }
      if (record == "HELLO") {
        is_established_ = true;
      } else if (record == "CLOSE") {
        has_close_ = true;
      } else {
        plaintext.append_copy(pool_, record);
      }
    }
    return {};
  }
  base::Status send(base::Chain plaintext) override {
    ++sends;
    emit(plaintext.to_string() + ";");
    return {};
  }
  void shutdown() override { emit("CLOSE;"); }
  void take_output(base::Chain& out) override { out.append(std::move(output_)); }
  bool is_established() const override { return is_established_; }
  bool has_received_close() const override { return has_close_; }
  std::string_view alpn() const override { return "toy"; }
  const TlsInfo& info() override { return info_; }

  int sends = 0;

 private:
  void emit(std::string_view bytes) { output_.append_copy(pool_, bytes); }

  base::BlockPool& pool_;
  std::string input_;
  base::Chain output_;
  bool is_established_ = false;
  bool has_close_ = false;
  TlsInfo info_;
};

class ConnectionTest : public ::testing::TestWithParam<Backend> {
 protected:
  ConnectionTest() {
    listener = std::move(*loop.listen(any_local_port(), {}));
    accepting = loop.start_accepting(*listener, accepted);
  }
  bool until(const std::function<bool()>& done) { return run_until(loop, done); }
  void settle() {
    const base::MonoTime end = loop.now() + base::milliseconds(20);
    run_until(loop, [&] { return loop.now() >= end; });
  }
  std::unique_ptr<ToySession> toy() { return std::make_unique<ToySession>(loop.blocks()); }
  AcceptedSocket accept() {
    EXPECT_TRUE(until([&] { return !accepted.sockets.empty(); }));
    AcceptedSocket socket = std::move(accepted.sockets.back());
    accepted.sockets.pop_back();
    return socket;
  }
  /// Client and server connections, open; with toy TLS when asked.
  void establish(bool with_tls) {
    client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, with_tls ? toy() : nullptr,
                                          client_events);
    server = std::make_unique<Connection>(loop, accept(), with_tls ? toy() : nullptr, server_events);
    ASSERT_TRUE(until([&] { return client_events.has("open") && server_events.has("open"); }));
    client_events.events.clear();
    server_events.events.clear();
  }
  base::Chain bytes(std::string_view text) { return chain_of(loop, text); }

  std::unique_ptr<BackendLoop> owner = make_backend(GetParam());
  Loop& loop = owner->loop();
  std::unique_ptr<ListenSocket> listener;
  AcceptRecorder accepted;
  Handle accepting;
  ConnectionRecorder client_events, server_events;
  std::unique_ptr<Connection> client, server;
};

TEST_P(ConnectionTest, PlainConnectionsOpenOnceAndCarryBytesBothWays) {
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, nullptr, client_events);
  server = std::make_unique<Connection>(loop, accept(), nullptr, server_events);
  EXPECT_TRUE(server_events.events.empty()) << "nothing is told from inside the constructor";
  client->start_reading();
  server->start_reading();
  client->write(bytes("ping"));
  ASSERT_TRUE(until([&] { return server_events.data == "ping"; }));
  server->write(bytes("pong"));
  ASSERT_TRUE(until([&] { return client_events.data == "pong"; }));
  EXPECT_EQ(client_events.events.front(), "open");
  EXPECT_EQ(server_events.events.front(), "open");
  EXPECT_EQ(std::count(server_events.events.begin(), server_events.events.end(), "open"), 1);
  EXPECT_EQ(server->peer_address(), client->local_address());
  EXPECT_EQ(server->bytes_received(), 4u);
  EXPECT_EQ(server->bytes_sent(), 4u);
  EXPECT_TRUE(until([&] { return server->bytes_written() == 4; }));
}

TEST_P(ConnectionTest, FirstBytesComeBeforeWhatTheSocketHolds) {
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, nullptr, client_events);
  client->write(bytes("third"));
  base::Chain first = bytes("first ");
  first.append(bytes("second "));
  server = std::make_unique<Connection>(loop, accept(), nullptr, server_events, std::move(first));
  settle();
  EXPECT_EQ(server_events.data, "") << "plain bytes wait for start_reading";
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.data.size() == 18; }));
  EXPECT_EQ(server_events.data, "first second third");
}

TEST_P(ConnectionTest, AnAdoptedSocketChangesHands) {
  SocketRecorder inspector;
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, nullptr, client_events);
  AcceptedSocket socket = accept();
  const Address peer = socket.peer(), local = socket.local();
  const Handle handle = loop.adopt(std::move(socket), inspector);
  loop.start_reading(handle);
  client->write(bytes("hello"));
  ASSERT_TRUE(until([&] { return inspector.data == "hello"; }));
  server = std::make_unique<Connection>(loop, handle, peer, local, nullptr, server_events, bytes(inspector.data));
  server->start_reading();
  client->write(bytes(" again"));
  ASSERT_TRUE(until([&] { return server_events.data == "hello again"; }));
  EXPECT_EQ(inspector.data, "hello");
}

TEST_P(ConnectionTest, ConnectFailureIsTold) {
  client = std::make_unique<Connection>(loop, Address::v4(0x7f000001, 1), ConnectOptions{}, nullptr, client_events);
  ASSERT_TRUE(until([&] { return client_events.has("close"); }));
  EXPECT_EQ(client_events.events.size(), 1u);
  EXPECT_EQ(client_events.error.code, base::ErrorCode::ConnectFailed);
  EXPECT_TRUE(client->is_closed());
}

TEST_P(ConnectionTest, WritingAboveTheMarkFillsItUntilHalfHasLeft) {
  establish(false);
  client->set_high_mark(64 * 1024);
  client->write(bytes(std::string(60 * 1024, 'x')));
  EXPECT_FALSE(client->is_above_high_mark());
  client->write(bytes(std::string(32 * 1024 * 1024, 'x')));
  EXPECT_TRUE(client->is_above_high_mark());
  settle();
  EXPECT_TRUE(client->is_above_high_mark());
  EXPECT_FALSE(client_events.has("drained"));
  client_events.react = [&](const std::string& event) {
    if (event == "drained") {
      EXPECT_LE(client->pending_bytes(), 32u * 1024);
    }
  };
  server->start_reading();
  ASSERT_TRUE(until([&] { return client_events.has("flushed"); }));
  EXPECT_EQ(std::count(client_events.events.begin(), client_events.events.end(), "drained"), 1);
  EXPECT_FALSE(client->is_above_high_mark());
}

TEST_P(ConnectionTest, NothingIsToldAfterTheUserClosed) {
  establish(false);
  server->start_reading();
  server_events.react = [&](const std::string&) { server->close(); };
  client->write(bytes(std::string(100'000, 'x')));
  ASSERT_TRUE(until([&] { return !server_events.events.empty(); }));
  settle();
  EXPECT_EQ(server_events.events.size(), 1u);
}

TEST_P(ConnectionTest, APeersResetClosesOnce) {
  establish(false);
  server->start_reading();
  client->close(true);
  ASSERT_TRUE(until([&] { return server_events.has("close"); }));
  EXPECT_EQ(server_events.error.code, base::ErrorCode::ConnectionReset);
  EXPECT_TRUE(server->is_closed());
  server->write(bytes("ignored"));
  settle();
  EXPECT_EQ(server_events.events.size(), 1u);
}

TEST_P(ConnectionTest, TlsOpensAfterBothHellosAndBatchesTheWritesOfATurn) {
  establish(true);
  auto* session = static_cast<ToySession*>(client->tls());
  server->start_reading();
  client->write(bytes("a"));
  client->write(bytes("b"));
  EXPECT_EQ(client->pending_bytes(), 2u);
  ASSERT_TRUE(until([&] { return server_events.data == "ab"; }));
  EXPECT_EQ(session->sends, 1);
  EXPECT_EQ(server->bytes_received(), 2u);
}

TEST_P(ConnectionTest, TlsIsFedTheFirstBytesOfAnInspector) {
  auto raw = std::make_unique<ConnectionRecorder>();
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, nullptr, *raw);
  server = std::make_unique<Connection>(loop, accept(), toy(), server_events, bytes("HELLO;"));
  ASSERT_TRUE(until([&] { return server_events.has("open"); }));
  client->close();
}

TEST_P(ConnectionTest, TlsHoldsDecryptedBytesWhilePaused) {
  establish(true);
  server->start_reading();
  server_events.react = [&](const std::string& event) {
    if (event == "data") server->pause_reading();
  };
  client->write(bytes("one;two;three"));  // three records of the toy
  client->shutdown_write();
  ASSERT_TRUE(until([&] { return server_events.data == "one"; }));
  settle();
  EXPECT_EQ(server_events.data, "one");
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.data == "onetwo"; }));
  EXPECT_FALSE(server_events.has("end"));
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.data == "onetwothree"; }));
  settle();
  EXPECT_FALSE(server_events.has("end")) << "the end waits too";
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.has("end"); }));
  EXPECT_EQ(std::count(server_events.events.begin(), server_events.events.end(), "end"), 1);
}

TEST_P(ConnectionTest, TlsErrorIsToldAfterItsAlertHasLeft) {
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, nullptr, client_events);
  server = std::make_unique<Connection>(loop, accept(), toy(), server_events);
  client->start_reading();
  client->write(bytes("HELLO;data;BAD;"));
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.has("close") && client_events.has("end"); }));
  EXPECT_EQ(server_events.error.code, base::ErrorCode::Tls);
  EXPECT_EQ(server_events.data, "data") << "what came before the bad record counts";
  EXPECT_EQ(client_events.data, "HELLO;ALERT;");
}

TEST_P(ConnectionTest, EndDuringTheHandshakeIsAnError) {
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, nullptr, client_events);
  server = std::make_unique<Connection>(loop, accept(), toy(), server_events);
  client->shutdown_write();
  ASSERT_TRUE(until([&] { return server_events.has("close"); }));
  EXPECT_EQ(server_events.error.code, base::ErrorCode::Tls);
  EXPECT_EQ(server_events.events.size(), 1u);
}

TEST_P(ConnectionTest, TlsWritesBeforeTheHandshakeWaitForIt) {
  client = std::make_unique<Connection>(loop, listener->local_address(), ConnectOptions{}, toy(), client_events);
  client->write(bytes("early"));
  client->shutdown_write();
  server = std::make_unique<Connection>(loop, accept(), toy(), server_events);
  server->start_reading();
  ASSERT_TRUE(until([&] { return server_events.has("end"); }));
  EXPECT_EQ(server_events.data, "early");
}

TEST_P(ConnectionTest, IsSmall) { EXPECT_LE(sizeof(Connection), 240u); }

INSTANTIATE_TEST_SUITE_P(Backends, ConnectionTest, ::testing::ValuesIn(all_backends()),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace weft::net::testing
