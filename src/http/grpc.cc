#include "http/grpc.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "http/path.h"

namespace weft::http {
namespace {

struct StatusRow {
  std::string_view name, upper_case, number;
  uint16_t http;
};

constexpr StatusRow kStatuses[] = {
    {"OK", "OK", "0", 200},
    {"Canceled", "CANCELLED", "1", 499},
    {"Unknown", "UNKNOWN", "2", 500},
    {"InvalidArgument", "INVALID_ARGUMENT", "3", 400},
    {"DeadlineExceeded", "DEADLINE_EXCEEDED", "4", 504},
    {"NotFound", "NOT_FOUND", "5", 404},
    {"AlreadyExists", "ALREADY_EXISTS", "6", 409},
    {"PermissionDenied", "PERMISSION_DENIED", "7", 403},
    {"ResourceExhausted", "RESOURCE_EXHAUSTED", "8", 429},
    {"FailedPrecondition", "FAILED_PRECONDITION", "9", 400},
    {"Aborted", "ABORTED", "10", 409},
    {"OutOfRange", "OUT_OF_RANGE", "11", 400},
    {"Unimplemented", "UNIMPLEMENTED", "12", 501},
    {"Internal", "INTERNAL", "13", 500},
    {"Unavailable", "UNAVAILABLE", "14", 503},
    {"DataLoss", "DATA_LOSS", "15", 500},
    {"Unauthenticated", "UNAUTHENTICATED", "16", 401},
};

const StatusRow& row(GrpcStatus status) { return kStatuses[static_cast<size_t>(status)]; }

std::optional<base::Duration> unit_of(char c) {
  switch (c) {
    case 'H': return std::chrono::hours(1);
    case 'M': return std::chrono::minutes(1);
    case 'S': return std::chrono::seconds(1);
    case 'm': return std::chrono::milliseconds(1);
    case 'u': return std::chrono::microseconds(1);
    case 'n': return std::chrono::nanoseconds(1);
    default: return std::nullopt;
  }
}

constexpr int64_t kTimeoutValueMax = 99999999;  // eight digits
constexpr size_t kTimeoutDigitsMax = 8;

}  // namespace

std::string_view to_string(GrpcStatus status) { return row(status).name; }
std::string_view upper_case_name(GrpcStatus status) { return row(status).upper_case; }
std::string_view to_number(GrpcStatus status) { return row(status).number; }
uint16_t http_status_of_grpc(GrpcStatus status) { return row(status).http; }

std::optional<GrpcStatus> parse_grpc_status(std::string_view value) {
  const auto* const found =
      std::find_if(std::begin(kStatuses), std::end(kStatuses), [&](const StatusRow& r) { return r.number == value; });
  if (found == std::end(kStatuses)) return std::nullopt;
  return static_cast<GrpcStatus>(found - std::begin(kStatuses));
}

GrpcStatus grpc_status_of_http(uint16_t http_status) {
  switch (http_status) {
    case 400: return GrpcStatus::Internal;
    case 401: return GrpcStatus::Unauthenticated;
    case 403: return GrpcStatus::PermissionDenied;
    case 404: return GrpcStatus::Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return GrpcStatus::Unavailable;
    default: return GrpcStatus::Unknown;
  }
}

bool is_grpc_content_type(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!content_type.starts_with(kType)) return false;
  return content_type.size() == kType.size() || content_type[kType.size()] == '+' || content_type[kType.size()] == ';';
}

std::optional<base::Duration> parse_grpc_timeout(std::string_view value, base::Duration at_most) {
  if (value.size() < 2 || value.size() > kTimeoutDigitsMax + 1) return std::nullopt;
  const std::optional<base::Duration> unit = unit_of(value.back());
  if (!unit) return std::nullopt;
  value.remove_suffix(1);
  int64_t number = 0;
  for (char c : value) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  if (number > base::Duration::max() / *unit) return at_most;
  return std::min(number * *unit, at_most);
}

GrpcTimeoutText format_grpc_timeout(base::Duration timeout) {
  struct Unit {
    base::Duration size;
    char name;
  };
  constexpr Unit kUnits[] = {{std::chrono::milliseconds(1), 'm'},
                             {std::chrono::seconds(1), 'S'},
                             {std::chrono::minutes(1), 'M'},
                             {std::chrono::hours(1), 'H'}};
  timeout = std::max(timeout, base::Duration::zero());
  Unit unit{std::chrono::microseconds(1), 'u'};
  if (timeout >= base::milliseconds(1) || timeout == base::Duration::zero()) {
    for (const Unit& candidate : kUnits) {
      unit = candidate;
      if (timeout / unit.size <= kTimeoutValueMax) break;
    }
  }
  const std::string digits = std::to_string(std::min<int64_t>(timeout / unit.size, kTimeoutValueMax));
  GrpcTimeoutText text{};
  std::copy(digits.begin(), digits.end(), text.text.begin());
  text.text[digits.size()] = unit.name;
  text.size = static_cast<uint8_t>(digits.size() + 1);
  return text;
}

std::string encode_grpc_message(std::string_view message) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(message.size());
  for (char c : message) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u <= 0x7e && c != '%') {
      out += c;
    } else {
      out += {'%', kHex[u >> 4], kHex[u & 15]};
    }
  }
  return out;
}

std::string decode_grpc_message(std::string_view value) { return percent_decode(value); }

void write_grpc_frame_header(const GrpcFrameHeader& header, char (&out)[kGrpcFrameHeaderBytes]) {
  out[0] = header.is_compressed ? 1 : 0;
  for (int i = 0; i < 4; ++i) out[1 + i] = static_cast<char>(header.message_bytes >> (24 - 8 * i));
}

base::Chain frame_grpc_message(base::BlockPool& pool, std::string_view message) {
  WEFT_ASSERT(message.size() <= UINT32_MAX);
  char header[kGrpcFrameHeaderBytes];
  write_grpc_frame_header({false, static_cast<uint32_t>(message.size())}, header);
  base::Block* const block = pool.allocate(sizeof(header) + message.size());
  std::memcpy(block->data(), header, sizeof(header));
  if (!message.empty()) std::memcpy(block->data() + sizeof(header), message.data(), message.size());
  return base::Chain(base::Slice::adopt(block, 0, sizeof(header) + message.size()));
}

GrpcMessageReader::Event GrpcMessageReader::next(base::Slice& in) {
  while (header_bytes_ < kGrpcFrameHeaderBytes) {
    if (in.is_empty()) return Event::NeedMore;
    raw_header_[header_bytes_++] = in.data()[0];
    in.remove_prefix(1);
    if (header_bytes_ < kGrpcFrameHeaderBytes) continue;
    header_ = {};
    for (int i = 1; i < 5; ++i)
      header_.message_bytes = header_.message_bytes << 8 | static_cast<unsigned char>(raw_header_[i]);
    if (raw_header_[0] != 0 && raw_header_[0] != 1) return Event::Invalid;
    header_.is_compressed = raw_header_[0] == 1;
    if (header_.message_bytes > message_bytes_max_) return Event::TooLarge;
  }
  const size_t missing = header_.message_bytes - message_.size();
  const size_t taken = std::min(missing, in.size());
  if (taken > 0) {
    message_.append(in.share(0, taken));
    in.remove_prefix(taken);
  }
  if (taken < missing) return Event::NeedMore;
  header_bytes_ = 0;
  return Event::Message;
}

}  // namespace weft::http
