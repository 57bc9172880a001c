// Purpose: requests that begin inside the proxy (health probes, mirrored requests, authorisation, token fetches, gRPC
// calls of
//          its own, event deliveries): the second kind of downstream that an exchange has, beside a codec's stream.
// Thread:  the owning worker's.   Owner: whoever calls; both types must not outlive the worker.
//
// A local call goes the way of any request from the route on: the cluster's endpoints, TLS, breakers, ejection,
// timeouts, retries and counters. The connection manager's work on heads (x-forwarded-for, request ids, server, date)
// is left out: heads are sent as the caller made them, plus x-envoy-internal.
// Source: Envoy's AsyncClient, whose statistics scope (http.async-client.) it shares.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/slice.h"
#include "http/connection.h"
#include "http/message.h"
#include "net/loop.h"
#include "proxy/exchange.h"

namespace weft::proxy {

/// Where the calls of one use go, and within which limits.
struct LocalCallOptions {
  std::string cluster;
  base::Duration timeout = base::seconds(15);            ///< of a whole call, retries included; 0: none
  std::shared_ptr<const RetryPolicy> retry_policy;       ///< null: none
  uint32_t buffer_bytes = base::kConnectionBufferBytes;  ///< high mark each way
};

/// Makes calls with the same options on one worker. Outlives its calls.
class LocalCaller {
 public:
  LocalCaller(Worker& worker, const LocalCallOptions& options);
  LocalCaller(const LocalCaller&) = delete;
  LocalCaller& operator=(const LocalCaller&) = delete;

  Worker& worker() const { return worker_; }
  const ExchangeOrigin& origin() const { return origin_; }

 private:
  Worker& worker_;
  HcmConfig config_;
  const net::Address no_address_;
  ExchangeOrigin origin_;
};

/// Hears the response. Nothing is delivered from inside a call to `LocalCall`; the call may be cancelled in any of
/// these, and destroyed in none (hand it to the loop).
class LocalCallHandler {
 public:
  /// A final head: the cluster's, or the proxy's own (503 without a host, 504 after the timeout …), as a client sees
  /// it.
  virtual void on_response_head(http::ResponseHead head, bool end) = 0;
  /// Give the bytes back by `consume` once they are used.
  virtual void on_response_data(base::Chain data, bool end) = 0;
  virtual void on_response_trailers(http::HeaderMap trailers) = 0;
  virtual void on_request_writable() {}  ///< the request's bytes fell below the mark after `is_request_full`
  /// The last call, exactly once unless cancelled. `Complete` after a whole response; else the response broke off.
  virtual void on_call_over(const http::StreamEnd& end) = 0;

 protected:
  ~LocalCallHandler() = default;
};

/// One call: fill `request()`, `start`, then give the body. Destroying or cancelling it resets the exchange.
class LocalCall final : public net::Destroyable, private http::ServerStream, private ExchangeOwner {
 public:
  LocalCall(LocalCaller& caller, LocalCallHandler& handler);
  ~LocalCall() override;

  /// :method, :scheme, :authority and :path are the caller's to set before `start`.
  http::RequestHead& request() override { return request_; }
  /// `end`: no body follows. Once.
  void start(bool end);
  void send_request_data(base::Chain data, bool end);
  void send_request_trailers(http::HeaderMap trailers);
  /// The cluster takes the body more slowly than it comes: wait for `on_request_writable`.
  bool is_request_full() const { return request_owed_ >= high_mark_; }
  /// Response bytes that the handler has used. Units: bytes.
  void consume_response(size_t bytes);
  /// Ends the call; the handler hears nothing more. Idempotent.
  void cancel();
  bool is_over() const { return is_over_; }

 private:
  // http::ServerStream: what the exchange does with its downstream.
  void set_handler(http::ServerStreamHandler&) override {}  // always the exchange
  void send_informational(const http::ResponseHead&) override {}
  void send_head(const http::ResponseHead& head, bool end) override;
  void send_data(base::Chain data, bool end) override;
  void send_trailers(const http::HeaderMap& trailers) override;
  void reset(http::ResetCode code) override;
  void consume(size_t bytes) override;
  size_t pending_bytes() const override { return response_.data.size() + response_owed_; }
  bool is_above_high_mark() const override { return pending_bytes() >= high_mark_; }
  http::StreamBytes bytes() const override { return {}; }  ///< nothing goes over a wire
  void close_after() override {}
  // ExchangeOwner
  void on_exchange_done(Exchange& exchange) override;

  void schedule();
  void deliver();
  void note_response_end();

  /// What the exchange has sent and the handler has not heard yet.
  struct Pending {
    std::unique_ptr<http::ResponseHead> head;
    base::Chain data;
    std::unique_ptr<http::HeaderMap> trailers;
    bool has_end = false;  ///< the head, or the data, is the last of the response
    bool is_writable = false;
  };

  LocalCaller& caller_;
  LocalCallHandler& handler_;
  const size_t high_mark_;
  http::RequestHead request_;
  http::ServerStreamHandler* exchange_ = nullptr;  ///< null before `start` and once it is done
  Pending response_;
  std::optional<http::StreamEnd> end_;  ///< how the call ended; told last
  size_t request_owed_ = 0;             ///< request bytes that the cluster has not taken
  size_t response_owed_ = 0;            ///< response bytes that the handler was given and has not used
  bool was_full_ = false;               ///< the exchange waits for on_response_writable
  bool is_over_ = false;
  net::Deferred later_;
};

}  // namespace weft::proxy
