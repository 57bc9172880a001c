#include "proxy/refused_request.h"

#include <string>
#include <utility>

#include "http/grpc.h"
#include "proxy/local_reply.h"
#include "proxy/request_headers.h"

namespace weft::proxy {

namespace {

// Envoy sets no flag for what is merely late or has no host.
uint64_t flag_of(const http::StreamEnd& end) {
  if (end.kind == http::StreamEnd::Kind::ConnectionClosed) return observe::kDownstreamConnectionTermination;
  if (end.detail == "request_header_timeout" || end.detail == "missing_host_header") return 0;
  return observe::kDownstreamProtocolError;
}

}  // namespace

void shape_refusal(http::Refusal& answer, const http::RequestHead& request, const HcmConfig& hcm,
                   observe::RequestInfo& info, uint64_t random, std::string_view date) {
  const std::string reason = std::move(answer.body);
  const LocalAnswer local{.status = answer.head.status, .body = reason};
  const bool is_grpc = http::is_grpc_content_type(request.get(http::HeaderId::ContentType));
  answer.body =
      shape_local_reply(hcm.local_reply, local, is_grpc, request.method() == "HEAD", answer.head, info, random);
  mutate_response_headers(answer.head, request, hcm, date);
}

RefusedRequest::RefusedRequest(const ExchangeOrigin& origin, const http::RequestHead& request, http::Version version,
                               const http::StreamEnd& end, net::Loop& loop)
    : request_(&request) {
  info_.start = loop.wall_now();
  info_.random = &loop.random();
  info_.duration = base::Duration::zero();
  info_.protocol = http::to_string(version);
  info_.response_code_details = end.detail;
  info_.flags = flag_of(end);
  origin.describe(info_);
  info_.request_headers = &request_;
  info_.response_headers = &response_;
}

void RefusedRequest::set_answer(const http::Refusal& answer) {
  info_.response_code = answer.head.status;
  info_.bytes_sent = answer.body.size();
  response_.map = &answer.head;
}

}  // namespace weft::proxy
