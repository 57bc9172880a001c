#include "observe/grpc_status.h"

#include <charconv>

namespace weft::observe {
namespace {

struct Names {
  std::string_view camel, snake;
};
constexpr Names kNames[] = {{"OK", "OK"},
                            {"Canceled", "CANCELLED"},
                            {"Unknown", "UNKNOWN"},
                            {"InvalidArgument", "INVALID_ARGUMENT"},
                            {"DeadlineExceeded", "DEADLINE_EXCEEDED"},
                            {"NotFound", "NOT_FOUND"},
                            {"AlreadyExists", "ALREADY_EXISTS"},
                            {"PermissionDenied", "PERMISSION_DENIED"},
                            {"ResourceExhausted", "RESOURCE_EXHAUSTED"},
                            {"FailedPrecondition", "FAILED_PRECONDITION"},
                            {"Aborted", "ABORTED"},
                            {"OutOfRange", "OUT_OF_RANGE"},
                            {"Unimplemented", "UNIMPLEMENTED"},
                            {"Internal", "INTERNAL"},
                            {"Unavailable", "UNAVAILABLE"},
                            {"DataLoss", "DATA_LOSS"},
                            {"Unauthenticated", "UNAUTHENTICATED"}};

bool is_grpc_content_type(std::string_view type) {
  constexpr std::string_view kGrpc = "application/grpc";
  return type.starts_with(kGrpc) &&
         (type.size() == kGrpc.size() || type[kGrpc.size()] == '+' || type[kGrpc.size()] == ';');
}

std::optional<int64_t> stated_status(const HeaderLookup* headers) {
  if (headers == nullptr) return std::nullopt;
  std::optional<std::string_view> text = headers->find("grpc-status");
  if (!text) return std::nullopt;
  uint32_t number = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return -1;
  return number;
}

int64_t from_http_status(uint16_t status) {
  switch (status) {
    case 400: return 13;
    case 401: return 16;
    case 403: return 7;
    case 404: return 12;
    case 429:
    case 502:
    case 503:
    case 504: return 14;
    default: return 2;
  }
}

}  // namespace

std::optional<int64_t> grpc_status_of_response(const RequestInfo& info) {
  if (auto status = stated_status(info.response_trailers)) return status;
  if (auto status = stated_status(info.response_headers)) return status;
  if (info.response_code == 0) return std::nullopt;
  return from_http_status(info.response_code);
}

std::optional<int64_t> grpc_status(const RequestInfo& info) {
  if (info.request_headers == nullptr) return std::nullopt;
  std::optional<std::string_view> type = info.request_headers->find("content-type");
  if (!type || !is_grpc_content_type(*type)) return std::nullopt;
  return grpc_status_of_response(info);
}

std::string_view grpc_status_camel_name(int64_t status) {
  return status >= 0 && static_cast<size_t>(status) < std::size(kNames) ? kNames[status].camel : std::string_view();
}

std::string_view grpc_status_snake_name(int64_t status) {
  return status >= 0 && static_cast<size_t>(status) < std::size(kNames) ? kNames[status].snake : std::string_view();
}

}  // namespace weft::observe
