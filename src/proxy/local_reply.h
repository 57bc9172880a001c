// Purpose: what an answer of this proxy looks like: local_reply_config's mappers and body format, then the shape that
//          the request's kind asks for (a body, or gRPC's trailers-only).
// Thread:  any (pure functions over one response).
// Source:  Envoy's LocalReply::rewrite and Http::Utility::prepareLocalReply.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "observe/access_log_filter.h"
#include "observe/format.h"
#include "proxy/header_mutation.h"

namespace weft::proxy {

/// How a body is formed, and what it is called.
struct ReplyFormat {
  std::shared_ptr<const observe::Format> format;  ///< null: the body as it is
  std::string content_type = "text/plain";
};

/// One ResponseMapper.
struct ReplyMapper {
  std::shared_ptr<const observe::AccessLogFilter> filter;
  std::optional<uint16_t> status;
  std::optional<std::string> body;
  std::vector<HeaderAdd> headers;
  std::optional<ReplyFormat> format;
};

struct LocalReplyConfig {
  std::vector<ReplyMapper> mappers;  ///< the first whose filter agrees counts
  ReplyFormat format;
};

/// What is to be answered, before it has a shape.
struct LocalAnswer {
  uint16_t status = 0;
  std::string_view body;
  std::string_view content_type = "text/plain";
  std::string_view location = {};            ///< of a redirect; empty: none
  std::optional<uint32_t> grpc_status = {};  ///< absent: by the HTTP status
};

/// Gives `head`, which has the status and the headers that routes add, its last shape, and returns the body that goes
/// with it (empty: none). `info`: its response_code follows the mappers, its local_reply_body is set while formats read
/// it. `is_head`: the request was a HEAD.
std::string shape_local_reply(const LocalReplyConfig& config, const LocalAnswer& answer, bool is_grpc, bool is_head,
                              http::ResponseHead& head, observe::RequestInfo& info, uint64_t random);

}  // namespace weft::proxy
