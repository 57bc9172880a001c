// Purpose: requests that the codec answers by itself: the shape of the answer, and what formats and log lines are told
//          where the request never became an exchange.
// Thread:  the worker's.   Owner: whoever answers or logs it, on the stack.
#pragma once

#include "http/connection.h"
#include "http/message.h"
#include "net/loop.h"
#include "observe/request_info.h"
#include "proxy/exchange.h"
#include "proxy/header_view.h"

namespace weft::proxy {

/// Gives the codec's answer the shape of every local reply: local_reply_config, gRPC, the headers of all responses.
/// As in Envoy, whose codecs answer through the connection manager. `info` holds what is known of the request.
void shape_refusal(http::Refusal& answer, const http::RequestHead& request, const HcmConfig& hcm,
                   observe::RequestInfo& info, uint64_t random, std::string_view date);

/// The facts of a request that the codec ended by itself. The origin, `request` and the answer must outlive it.
class RefusedRequest {
 public:
  RefusedRequest(const ExchangeOrigin& origin, const http::RequestHead& request, http::Version version,
                 const http::StreamEnd& end, net::Loop& loop);
  RefusedRequest(const RefusedRequest&) = delete;
  RefusedRequest& operator=(const RefusedRequest&) = delete;

  void set_answer(const http::Refusal& answer);
  observe::RequestInfo& info() { return info_; }

 private:
  HeaderView request_, response_;
  observe::RequestInfo info_;
};

}  // namespace weft::proxy
