// Purpose: a request's gRPC status as logs and filters see it.
// Thread:  any (functions).
// Source:  Envoy's Grpc::Common::getGrpcStatus and Grpc::Utility; gRPC over HTTP/2, "HTTP to gRPC status codes".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "observe/request_info.h"

namespace weft::observe {

/// The status of a gRPC request (by its content-type): from trailers, else headers, else inferred from the HTTP status;
/// -1 where what was sent is no number. nullopt: no gRPC request, or nothing to infer from.
std::optional<int64_t> grpc_status(const RequestInfo& info);
/// The same without asking whether the request was gRPC.
std::optional<int64_t> grpc_status_of_response(const RequestInfo& info);

/// "DeadlineExceeded" and "DEADLINE_EXCEEDED"; "" for numbers that are no gRPC status.
std::string_view grpc_status_camel_name(int64_t status);
std::string_view grpc_status_snake_name(int64_t status);

}  // namespace weft::observe
