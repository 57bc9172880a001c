#include "proxy/local_reply.h"

#include "http/grpc.h"

namespace weft::proxy {

using http::HeaderId;

namespace {

constexpr std::string_view kJson = "application/json";

/// The first mapper that agrees, or null.
const ReplyMapper* find_mapper(const LocalReplyConfig& config, const observe::RequestInfo& info, uint64_t random) {
  for (const ReplyMapper& mapper : config.mappers) {
    if (mapper.filter == nullptr || mapper.filter->is_logged(info, random)) return &mapper;
  }
  return nullptr;
}

void shape_grpc(const LocalAnswer& answer, uint16_t status, std::string_view message, bool is_head,
                http::ResponseHead& head) {
  head.status = 200;
  head.set(HeaderId::ContentType, "application/grpc");
  if (!head.has(HeaderId::GrpcStatus)) {
    const uint32_t code =
        answer.grpc_status ? *answer.grpc_status : static_cast<uint32_t>(http::grpc_status_of_http(status));
    head.set(HeaderId::GrpcStatus, std::to_string(code));
  }
  if (!message.empty() && !is_head) head.set(HeaderId::GrpcMessage, http::encode_grpc_message(message));
  head.remove(HeaderId::ContentLength);
}

}  // namespace

std::string shape_local_reply(const LocalReplyConfig& config, const LocalAnswer& answer, bool is_grpc, bool is_head,
                              http::ResponseHead& head, observe::RequestInfo& info, uint64_t random) {
  info.response_code = head.status = answer.status;
  std::string body(answer.body);
  const ReplyFormat* format = &config.format;
  bool is_mapped = false;
  if (const ReplyMapper* mapper = find_mapper(config, info, random)) {
    if (mapper->body) body = *mapper->body;
    HeaderMutations{mapper->headers, {}}.apply(head, info);
    if (mapper->status) info.response_code = head.status = *mapper->status;
    if (mapper->format) format = &*mapper->format;
    is_mapped = true;
  }
  std::string_view content_type = answer.content_type;
  if (format->format != nullptr) {
    info.local_reply_body = body;
    std::string formatted;
    format->format->append_body(formatted, info);
    body = std::move(formatted);
    content_type = format->content_type;
  } else if (is_mapped && body != answer.body) {
    content_type = "text/plain";
  }
  const bool is_changed = body != answer.body;
  info.local_reply_body = {};
  if (is_grpc) {
    // A header has no line's end; JSON formats write one.
    if (content_type == kJson && body.ends_with('\n')) body.pop_back();
    shape_grpc(answer, info.response_code, body, is_head, head);
    return {};
  }
  if (body.empty()) {
    head.remove(HeaderId::ContentLength);
    head.remove(HeaderId::ContentType);
    return {};
  }
  head.set(HeaderId::ContentLength, std::to_string(body.size()));
  if (is_changed || !head.has(HeaderId::ContentType)) head.set(HeaderId::ContentType, content_type);
  return is_head ? std::string() : body;
}

}  // namespace weft::proxy
