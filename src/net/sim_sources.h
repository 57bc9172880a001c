// Purpose: what a simulated loop waits for: streams, listeners, datagrams, signals.
// Thread:  one.   Owner: the loop's handle table.
#pragma once

#include <vector>

#include "net/sim_loop.h"
#include "net/sim_network.h"

namespace weft::net {

class SimStream final : public SimSource {
 public:
  SimStream(SimLoop& loop, SocketHandler& handler) : SimSource(Kind::Stream), loop_(loop), handler_(&handler) {}

  void start_connecting(const Address& to, const ConnectOptions& options);
  void start_adopted(uint64_t connection);

  void set_handler(SocketHandler& handler) { handler_ = &handler; }
  void start_reading();
  void pause_reading() { wants_data_ = false; }
  void write(base::Chain chain);
  void shutdown_write();
  size_t pending_bytes() const { return output_.size(); }
  Address local_address() const;

  void process() override;
  void flush() override;
  void close(bool reset) override;

  /// Something arrived, broke or found room.
  void on_network();

 private:
  bool is_over() const { return is_closed_ || is_dead_; }
  SimConnection* connection() const;
  void read(SimConnection& connection);
  size_t pick_read_size(size_t available);
  void fail(const base::Error& error);

  SimLoop& loop_;
  SocketHandler* handler_;
  uint64_t number_ = 0;
  SimSide side_ = SimSide::Client;
  base::Chain output_;
  bool is_connecting_ = false;
  bool wants_data_ = false;
  bool has_ended_ = false;
  bool wants_fin_ = false;
  bool has_sent_fin_ = false;
  bool has_write_failed_ = false;  ///< a write met the error
  bool is_dead_ = false;
  bool is_closed_ = false;
};

class SimAcceptor final : public SimSource {
 public:
  SimAcceptor(SimLoop& loop, uint64_t listener, AcceptHandler& handler);
  void start();
  void process() override;
  void close(bool reset) override;
  void drain();
  void on_connection() { loop_.make_ready(*this); }

 private:
  static constexpr int kAcceptsPerTurnMax = 64;
  bool accept_one();

  SimLoop& loop_;
  uint64_t listener_;
  AcceptHandler* handler_;
  Timer retry_;
  bool is_closed_ = false;
};

class SimDatagram final : public SimSource {
 public:
  SimDatagram(SimLoop& loop, DatagramHandler& handler) : SimSource(Kind::Datagram), loop_(loop), handler_(&handler) {}
  base::Status bind(const Address& at);
  const Address& address() const { return address_; }
  void arrive(std::string bytes, const Address& from);
  void send(base::Slice data, const Address& to);
  void process() override;
  void close(bool reset) override;

 private:
  struct Datagram {
    std::string bytes;
    Address from;
  };
  SimLoop& loop_;
  DatagramHandler* handler_;
  Address address_;
  std::vector<Datagram> received_;
  bool is_closed_ = false;
};

class SimSignal final : public SimSource {
 public:
  SimSignal(SimLoop& loop, int signal, SignalHandler& handler)
      : SimSource(Kind::Signal), loop_(loop), signal_(signal), handler_(&handler) {}
  int signal() const { return signal_; }
  void raise();
  void process() override;
  void close(bool) override { is_closed_ = true; }

 private:
  SimLoop& loop_;
  int signal_;
  SignalHandler* handler_;
  int raised_ = 0;
  bool is_closed_ = false;
};

}  // namespace weft::net
