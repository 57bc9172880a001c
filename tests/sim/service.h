// Purpose: a scripted HTTP service in the simulated world. It remembers every request it saw, for the invariants.
// Thread:  the test's.   Owner: Mesh.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "net/loop.h"

namespace weft::sim {

std::map<std::string, std::string> to_map(const http::HeaderMap& headers);

/// What a service does with one request.
struct Script {
  uint16_t status = 200;
  std::string body = "ok";
  std::vector<std::pair<std::string, std::string>> headers, trailers;
  base::Duration delay{};       ///< before the head
  base::Duration body_delay{};  ///< between head and body
  enum class End : uint8_t { Complete, ResetBeforeHead, ResetAfterHead, Never } end = End::Complete;
  bool waits_for_request = true;  ///< answers only when the whole request has come
  bool consumes = true;           ///< false: reads no request body (a slow reader) until `reads_after` has passed
  base::Duration reads_after{};   ///< 0: never
};

/// A request that a service has seen.
struct SeenRequest {
  std::string id, path, body;
  std::map<std::string, std::string> headers;
  unsigned attempt = 0;  ///< x-envoy-attempt-count
  bool has_ended = false;
  bool is_over = false;       ///< its stream is no more
  bool is_headed = false;     ///< the head of its answer was sent
  bool was_answered = false;  ///< and all the rest
  base::MonoTime began{}, completed{}, over{};
  Script script;
};

/// An HTTP service at one address; `script` decides by request and number of arrivals so far. Scripts outlive the
/// scenario's own variables: capture by value.
class Service {
 public:
  using Decide = std::function<Script(const SeenRequest&, size_t)>;
  Service(net::Loop& loop, const net::Address& at, bool is_h2, Decide script);
  ~Service();

  const net::Address& address() const { return at_; }
  const std::vector<SeenRequest>& seen() const { return seen_; }
  size_t seen_count(std::string_view id) const;
  /// Listens no more and closes what there is, with RST where `reset`. Whoever connects is refused until `start`.
  void stop(bool reset = false);
  void start();

 private:
  class Connection;
  class Stream;
  class Acceptor;
  net::Loop& loop_;
  const net::Address at_;
  bool is_h2_;
  Decide script_;
  http::CodecCounters counters_;
  std::vector<SeenRequest> seen_;
  std::unique_ptr<net::ListenSocket> socket_;
  std::unique_ptr<Acceptor> acceptor_;
  base::IntrusiveList<Connection> connections_;
};

}  // namespace weft::sim
