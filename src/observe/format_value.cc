#include <arpa/inet.h>

#include <charconv>

#include "base/random.h"
#include "observe/format.h"
#include "observe/format_operator.h"
#include "observe/grpc_status.h"

namespace weft::observe {
namespace {

Given append_text(std::string& out, std::string_view text) {
  out += text;
  return text.empty() ? Given::Nothing : Given::Text;
}

Given append_number(std::string& out, int64_t number) {
  char buffer[24];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, static_cast<size_t>(end - buffer));
  return Given::Number;
}

Given append_count(std::string& out, uint64_t number) {
  char buffer[24];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, static_cast<size_t>(end - buffer));
  return Given::Number;
}

Given append_duration(std::string& out, std::optional<base::Duration> duration) {
  if (!duration) return Given::Nothing;
  return append_number(out, base::to_milliseconds(*duration));
}

Given append_underscored(std::string& out, std::string_view text) {
  for (char c : text) out += c == ' ' || (c >= '\t' && c <= '\r') ? '_' : c;
  return text.empty() ? Given::Nothing : Given::Text;
}

// ---- addresses ----

struct AddressView {
  std::string_view host, port;  ///< port is empty for a unix socket
  bool is_v6 = false;
};

AddressView split_address(std::string_view address) {
  size_t colon = address.rfind(':');
  bool is_ip = colon != std::string_view::npos && !address.starts_with('/') && !address.starts_with('@') &&
               address.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  if (!is_ip) return {address, {}, false};
  std::string_view host = address.substr(0, colon);
  bool is_v6 = host.starts_with('[') && host.ends_with(']');
  if (is_v6) host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1), is_v6};
}

Given append_masked(std::string& out, const AddressView& address, unsigned bits) {
  unsigned char bytes[16] = {};
  char text[INET6_ADDRSTRLEN] = {};
  int family = address.is_v6 ? AF_INET6 : AF_INET;
  unsigned size = address.is_v6 ? 16 : 4;
  if (bits > size * 8 || address.host.size() >= sizeof text) return Given::Nothing;
  address.host.copy(text, address.host.size());
  if (inet_pton(family, text, bytes) != 1) return Given::Nothing;
  for (unsigned i = 0; i < size; ++i) {
    unsigned kept = bits > i * 8 ? std::min(8u, bits - i * 8) : 0;
    bytes[i] = static_cast<unsigned char>(bytes[i] & (0xFF00u >> kept));
  }
  inet_ntop(family, bytes, text, sizeof text);
  out += text;
  out += '/';
  append_count(out, bits);
  return Given::Text;
}

Given append_address(std::string& out, std::string_view address, AddressPart part, std::optional<uint8_t> mask_bits) {
  if (address.empty()) return Given::Nothing;
  if (part == AddressPart::Whole) return append_text(out, address);
  AddressView view = split_address(address);
  if (part == AddressPart::WithoutPort) {
    if (mask_bits && !view.port.empty()) return append_masked(out, view, *mask_bits);
    return append_text(out, view.host);
  }
  out += view.port;
  return view.port.empty() ? Given::Nothing : Given::Number;
}

// ---- headers and what is made of them ----

const HeaderLookup* headers_of(const RequestInfo& info, HeaderSource source) {
  switch (source) {
    case HeaderSource::Request: return info.request_headers;
    case HeaderSource::Response: return info.response_headers;
    case HeaderSource::Trailers: return info.response_trailers;
  }
  return nullptr;
}

std::optional<std::string_view> request_header(const RequestInfo& info, std::string_view name) {
  return info.request_headers == nullptr ? std::nullopt : info.request_headers->find(name);
}

std::optional<std::string_view> original_or_current(const RequestInfo& info, OriginalChoice choice,
                                                    std::string_view original, std::string_view current) {
  std::optional<std::string_view> found;
  if (choice != OriginalChoice::Current) found = request_header(info, original);
  if (!found && choice != OriginalChoice::Original) found = request_header(info, current);
  return found;
}

Given append_header(std::string& out, const Operator& operation, const RequestInfo& info) {
  const HeaderLookup* headers = headers_of(info, operation.source.headers);
  if (headers == nullptr) return Given::Nothing;
  std::optional<std::string_view> value = headers->find(operation.name);
  if (!value && !operation.alternative.empty()) value = headers->find(operation.alternative);
  if (!value) return Given::Nothing;
  if (operation.source.without_query) value = value->substr(0, value->find('?'));
  out += *value;
  return Given::Text;
}

Given append_path(std::string& out, const Operator& operation, const RequestInfo& info) {
  auto path = original_or_current(info, operation.original, "x-envoy-original-path", ":path");
  if (!path) return Given::Nothing;
  out += operation.flag ? path->substr(0, path->find('?')) : *path;
  return Given::Text;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_percent_decoded(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
}

std::optional<std::string_view> query_of(const RequestInfo& info) {
  auto path = request_header(info, ":path");
  if (!path) return std::nullopt;
  size_t mark = path->find('?');
  if (mark == std::string_view::npos) return std::nullopt;
  std::string_view query = path->substr(mark + 1);
  return query.substr(0, query.find('#'));
}

Given append_query_parameter(std::string& out, const Operator& operation, const RequestInfo& info) {
  auto query = query_of(info);
  while (query && !query->empty()) {
    size_t end = std::min(query->find('&'), query->size());
    std::string_view pair = query->substr(0, end);
    size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == operation.name) {
      append_percent_decoded(out, pair.substr(std::min(equals + 1, pair.size())));
      return Given::Text;
    }
    query->remove_prefix(std::min(end + 1, query->size()));
  }
  return Given::Nothing;
}

Given append_query(std::string& out, const Operator& operation, const RequestInfo& info) {
  auto query = query_of(info);
  if (!query) return Given::Nothing;
  if (operation.flag) append_percent_decoded(out, *query);
  else out += *query;
  return Given::Text;
}

Given append_server_name(std::string& out, const Operator& operation, const RequestInfo& info) {
  auto append_host = [&] {
    auto host = original_or_current(info, operation.original, "x-envoy-original-host", ":authority");
    return host ? append_text(out, *host) : Given::Nothing;
  };
  if (operation.host == HostChoice::HostFirst) {
    if (Given given = append_host(); given != Given::Nothing) return given;
  }
  if (!info.requested_server_name.empty()) {
    // A peer can send any bytes as SNI; what no host name holds becomes '_', as in Envoy.
    for (char c : info.requested_server_name) {
      bool is_host = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                     c == '-' || c == '_';
      out += is_host ? c : '_';
    }
    return Given::Text;
  }
  return operation.host == HostChoice::SniFirst ? append_host() : Given::Nothing;
}

// ---- the rest ----

Given append_tls(std::string& out, const Operator& operation, const RequestInfo& info) {
  const TlsEnd* end = operation.source.is_upstream ? info.upstream_tls : info.downstream_tls;
  if (end == nullptr) return Given::Nothing;
  std::string_view value = end->*operation.source.tls;
  if (value.empty()) return Given::Nothing;
  if (operation.source.kind == OperatorKind::TlsTime) operation.time->append(out, parse_rfc3339(value));
  else out += value;
  return Given::Text;
}

std::optional<base::Duration> time_point(const RequestInfo& info, TimePoint point) {
  switch (point) {
    case TimePoint::Start: return base::Duration(0);
    case TimePoint::RequestEnd: return info.request_received;
    case TimePoint::UpstreamTxBegin: return info.first_upstream_tx;
    case TimePoint::UpstreamTxEnd: return info.last_upstream_tx;
    case TimePoint::UpstreamRxBegin: return info.first_upstream_rx;
    case TimePoint::UpstreamRxEnd: return info.last_upstream_rx;
    case TimePoint::DownstreamTxBegin: return info.first_downstream_tx;
    case TimePoint::DownstreamTxEnd: return info.last_downstream_tx;
    case TimePoint::UpstreamConnectBegin: return info.upstream_connect_begin;
    case TimePoint::UpstreamConnectEnd: return info.upstream_connect_end;
    case TimePoint::UpstreamHandshakeEnd: return info.upstream_handshake_end;
    case TimePoint::UpstreamRxBodyBegin: return info.first_upstream_body_rx;
    case TimePoint::Never: break;
  }
  return std::nullopt;
}

Given append_common_duration(std::string& out, const Operator& operation, const RequestInfo& info) {
  auto from = time_point(info, operation.from);
  auto to = time_point(info, operation.to);
  if (!from || !to) return Given::Nothing;
  return append_number(out, (*to - *from).count() / operation.nanoseconds_per_unit);
}

Given append_grpc_status(std::string& out, GrpcStatusForm form, const RequestInfo& info) {
  std::optional<int64_t> status = grpc_status(info);
  if (!status) return Given::Nothing;
  if (form == GrpcStatusForm::Number) return append_number(out, *status);
  std::string_view name =
      form == GrpcStatusForm::Camel ? grpc_status_camel_name(*status) : grpc_status_snake_name(*status);
  if (name.empty()) append_number(out, *status);
  else out += name;
  return Given::Text;
}

Given append_uuid(std::string& out, base::Random* random) {
  if (random == nullptr) return Given::Nothing;
  static constexpr char kHex[] = "0123456789abcdef";
  uint64_t halves[2] = {random->next(), random->next()};
  halves[0] = (halves[0] & ~0xF000ull) | 0x4000;           // version 4
  halves[1] = (halves[1] & ~(3ull << 62)) | (2ull << 62);  // RFC 9562's variant
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += kHex[(halves[i / 16] >> (60 - i % 16 * 4)) & 15];
  }
  return Given::Text;
}

std::string_view upstream_host_name(const RequestInfo& info, bool without_port) {
  std::string_view name =
      info.upstream_hostname.empty() ? std::string_view(info.upstream_host) : std::string_view(info.upstream_hostname);
  return without_port ? split_address(name).host : name;
}

/// `append_one` for each attempt, the present one last, with commas between what it appends.
template <typename AppendOne>
Given append_attempts(std::string& out, const RequestInfo& info, AppendOne append_one) {
  const size_t begin = out.size();
  auto append = [&](const EarlierAttempt& attempt) {
    const size_t before = out.size();
    if (before > begin) out += ',';
    const size_t start = out.size();
    append_one(attempt);
    if (out.size() == start) out.resize(before);
  };
  for (const EarlierAttempt& attempt : info.earlier_attempts) append(attempt);
  append({info.upstream_host, info.upstream_hostname, info.upstream_connection_id});
  return out.size() > begin ? Given::Text : Given::Nothing;
}

Given append_hosts_attempted(std::string& out, const Operator& operation, const RequestInfo& info) {
  const bool by_name = operation.source.kind == OperatorKind::HostNamesAttempted;
  return append_attempts(out, info, [&](const EarlierAttempt& attempt) {
    const std::string_view host = by_name && !attempt.hostname.empty() ? attempt.hostname : attempt.host;
    out += operation.source.is_raw ? split_address(host).host : host;
  });
}

Given append_connection_ids_attempted(std::string& out, const RequestInfo& info) {
  return append_attempts(out, info, [&](const EarlierAttempt& attempt) {
    if (attempt.connection_id != 0) append_count(out, attempt.connection_id);
  });
}

Given append_metadata(std::string& out, const Operator& operation, const RequestInfo& info) {
  const Metadata* metadata = info.metadata[static_cast<size_t>(operation.source.metadata)];
  const Metadata::Value* value = metadata != nullptr ? metadata->find(operation.name) : nullptr;
  if (value == nullptr) return Given::Nothing;
  out += value->text;
  return value->is_string ? Given::Text : Given::Number;
}

std::string_view text_of(const OperatorSource& source, const RequestInfo& info) {
  return source.text != nullptr ? std::string_view(info.*source.text) : info.*source.view;
}

Given append_raw(std::string& out, const Operator& operation, const RequestInfo& info) {
  const OperatorSource& source = operation.source;
  switch (source.kind) {
    case OperatorKind::Constant: return append_text(out, operation.name);
    case OperatorKind::Count: return append_count(out, info.*source.count);
    case OperatorKind::Wire:
      return append_count(out, (source.is_upstream ? info.upstream_bytes : info.downstream_bytes).*source.wire);
    case OperatorKind::Zero: return append_count(out, 0);
    case OperatorKind::Never: return Given::Nothing;
    case OperatorKind::Empty: return Given::Text;
    case OperatorKind::View:
    case OperatorKind::Text: return append_text(out, text_of(source, info));
    case OperatorKind::TextUnderscored:
      return operation.flag ? append_text(out, text_of(source, info)) : append_underscored(out, text_of(source, info));
    case OperatorKind::DurationOf: return append_duration(out, info.*source.duration);
    case OperatorKind::ResponseTx:
      if (!info.last_downstream_tx || !info.first_upstream_rx) return Given::Nothing;
      return append_duration(out, *info.last_downstream_tx - *info.first_upstream_rx);
    case OperatorKind::CommonDuration: return append_common_duration(out, operation, info);
    case OperatorKind::Tls:
    case OperatorKind::TlsTime: return append_tls(out, operation, info);
    case OperatorKind::Address:
      if (source.is_upstream && info.upstream_connection_id == 0) return Given::Nothing;
      return append_address(out, text_of(source, info), source.part, operation.mask_bits);
    case OperatorKind::Header: return append_header(out, operation, info);
    case OperatorKind::HeaderBytes: {
      const HeaderLookup* headers = headers_of(info, source.headers);
      return append_count(out, headers == nullptr ? 0 : headers->bytes());
    }
    case OperatorKind::ResponseCode: return append_count(out, info.response_code);
    case OperatorKind::ResponseFlags: return append_text(out, response_flags_text(info.flags));
    case OperatorKind::ResponseFlagsLong: return append_text(out, response_flags_long_text(info.flags));
    case OperatorKind::AttemptCount: return append_count(out, info.attempt_count);
    case OperatorKind::HostsAttempted:
    case OperatorKind::HostNamesAttempted: return append_hosts_attempted(out, operation, info);
    case OperatorKind::ConnectionIdsAttempted: return append_connection_ids_attempted(out, info);
    case OperatorKind::UpstreamCluster:
      return append_text(out, source.is_raw || info.upstream_cluster_alt_name.empty() ? info.upstream_cluster
                                                                                      : info.upstream_cluster_alt_name);
    case OperatorKind::UpstreamHostName: return append_text(out, upstream_host_name(info, source.is_raw));
    case OperatorKind::RequestedServerName: return append_server_name(out, operation, info);
    case OperatorKind::Path: return append_path(out, operation, info);
    case OperatorKind::QueryParam: return append_query_parameter(out, operation, info);
    case OperatorKind::QueryParams: return append_query(out, operation, info);
    case OperatorKind::GrpcStatus: return append_grpc_status(out, operation.grpc, info);
    case OperatorKind::StartTime: operation.time->append(out, info.start); return Given::Text;
    // A log line is made when the request ends, so that needs no clock.
    case OperatorKind::EmitTime:
      operation.time->append(out, info.start + info.duration.value_or(base::Duration(0)));
      return Given::Text;
    case OperatorKind::StreamId:
      if (auto id = request_header(info, "x-request-id")) return append_text(out, *id);
      return info.stream_id == 0 ? Given::Nothing : append_count(out, info.stream_id);
    case OperatorKind::UniqueId: return append_uuid(out, info.random);
    case OperatorKind::LocalReplyBody: return append_text(out, info.local_reply_body);
    case OperatorKind::Coalesce:
      for (const Operator& alternative : operation.alternatives) {
        size_t before = out.size();
        Given given = alternative.append(out, info);
        if (given != Given::Nothing && out.size() > before) return given;
      }
      return Given::Nothing;
    case OperatorKind::Metadata: return append_metadata(out, operation, info);
  }
  return Given::Nothing;
}

}  // namespace

Given Operator::append(std::string& out, const RequestInfo& info) const {
  size_t before = out.size();
  Given given = append_raw(out, *this, info);
  if (!length_max || out.size() - before <= *length_max) return given;
  out.resize(before + *length_max);
  return Given::Text;  // what is left of a number or an object is none
}

}  // namespace weft::observe
