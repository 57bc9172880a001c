// Purpose: handlers that remember what they were told, for tests of whatever sits on a loop.
// Thread:  the loop's.   Owner: the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/loop.h"

namespace weft::net::testing {

/// Turns `loop` until `done` holds; false after 10 s of its time. Works on every backend.
bool run_until(Loop& loop, const std::function<bool()>& done);

/// Remembers what a stream socket reports. `events` has one word a call: connected, data, end, done, error.
class SocketRecorder : public SocketHandler {
 public:
  virtual ~SocketRecorder() = default;
  void on_connected() override { note("connected"); }
  void on_data(base::Slice data) override;
  void on_end() override { note("end"); }
  void on_write_done(size_t bytes) override;
  void on_error(const base::Error& error) override;

  bool has(const std::string& event) const;

  std::vector<std::string> events;
  std::string data;
  size_t largest_read = 0;
  size_t written = 0;
  base::Error error;
  std::function<void(const std::string& event)> react;  ///< called after each event was noted

 private:
  void note(const std::string& event);
};

/// Remembers accepted sockets; adopt them from `sockets`.
class AcceptRecorder : public AcceptHandler {
 public:
  void on_accept(AcceptedSocket socket) override;
  void on_accept_error(const base::Error&) override { ++errors; }

  std::vector<AcceptedSocket> sockets;
  int errors = 0;
  std::function<void()> react;
};

/// Remembers what a connection tells: open, data, end, drained, flushed, close.
class ConnectionRecorder : public ConnectionHandler {
 public:
  virtual ~ConnectionRecorder() = default;
  void on_open() override { note("open"); }
  void on_data(base::Slice data) override;
  void on_end() override { note("end"); }
  void on_drained() override { note("drained"); }
  void on_flushed() override { note("flushed"); }
  void on_close(const base::Error& error) override;

  bool has(const std::string& event) const;

  std::vector<std::string> events;
  std::string data;
  base::Error error;
  std::function<void(const std::string& event)> react;

 private:
  void note(const std::string& event);
};

/// Both ends of an established stream on one loop, not yet reading.
struct SocketPair {
  SocketRecorder client, server;
  Handle client_handle, server_handle;
  Address server_address;
};

/// Connects a pair through a listener that is closed again; fails the test when that does not work.
std::unique_ptr<SocketPair> make_pair(Loop& loop);

base::Chain chain_of(Loop& loop, std::string_view bytes);
Address any_local_port();

}  // namespace weft::net::testing
