// Purpose: one connection to the admin port, and its requests on their way through Pages.
// Thread:  the admin thread's.   Owner: AdminServer::Impl; gone through the loop after its end.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "admin/pages.h"
#include "http/connection.h"
#include "http/date.h"
#include "net/connection.h"
#include "observe/request_info.h"

namespace weft::admin {

class AdminConnection;
class AdminExchange;

/// What connections ask of the server.
class AdminConnectionOwner {
 public:
  virtual net::Loop& loop() = 0;
  virtual Pages& pages() = 0;
  virtual http::CodecCounters& codec_counters() = 0;
  virtual http::DateCache& dates() = 0;
  /// A request is over; for the access log.
  virtual void on_exchange_done(const observe::RequestInfo& info) = 0;
  /// The connection is over and to be destroyed through the loop.
  virtual void on_closed(AdminConnection& connection) = 0;

 protected:
  ~AdminConnectionOwner() = default;
};

class AdminConnection final : public net::Destroyable,
                              private net::ConnectionHandler,
                              private http::ServerConnectionHandler {
 public:
  AdminConnection(AdminConnectionOwner& owner, net::AcceptedSocket socket);
  ~AdminConnection() override;

  bool is_idle() const { return exchanges_.empty(); }
  void close() { codec_->close(); }
  const std::string& peer() const { return peer_; }
  const std::string& local() const { return local_; }

 private:
  friend class AdminExchange;
  // Before the codec has taken over nothing can arrive.
  void on_data(base::Slice) override {}
  void on_end() override {}
  void on_close(const base::Error&) override {}

  http::ServerStreamHandler& on_request(http::ServerStream& stream, bool end) override;
  void on_request_refused(const http::RequestHead& head, const http::Refusal& answer,
                          const http::StreamEnd& end) override;
  void on_connection_closed(const http::StreamEnd& end) override;
  void forget(AdminExchange& exchange);

  AdminConnectionOwner& owner_;
  std::string peer_, local_;
  const http::H1Options options_;
  http::ServerTimeouts timeouts_;
  std::vector<std::unique_ptr<AdminExchange>> exchanges_;
  std::unique_ptr<http::ServerConnection> codec_;
};

}  // namespace weft::admin
