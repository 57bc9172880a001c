#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>

#include "observe/format_operator.h"

namespace weft::observe {
namespace {

enum class Parameters : uint8_t { None, Optional, Required };

struct Row {
  std::string_view name;
  OperatorSource source;
  Parameters parameters = Parameters::None;
  bool takes_length = false;
};

constexpr Row plain(std::string_view name, OperatorKind kind, Parameters parameters = Parameters::None,
                    bool takes_length = false) {
  return {name, {.kind = kind}, parameters, takes_length};
}
constexpr Row count(std::string_view name, uint64_t RequestInfo::*member) {
  return {name, {.kind = OperatorKind::Count, .count = member}};
}
constexpr Row wire(std::string_view name, uint64_t WireBytes::*member, bool is_upstream) {
  return {name, {.kind = OperatorKind::Wire, .wire = member, .is_upstream = is_upstream}};
}
/// What nothing here sets: absent, whatever is asked for.
constexpr Row never(std::string_view name, Parameters parameters = Parameters::None) {
  return {name, {.kind = OperatorKind::Never}, parameters, parameters != Parameters::None};
}
constexpr Row view(std::string_view name, std::string_view RequestInfo::*member,
                   OperatorKind kind = OperatorKind::View) {
  return {name, {.kind = kind, .view = member}};
}
constexpr Row text(std::string_view name, std::string RequestInfo::*member, OperatorKind kind = OperatorKind::Text,
                   Parameters parameters = Parameters::None) {
  return {name, {.kind = kind, .text = member}, parameters};
}
constexpr Row duration(std::string_view name, std::optional<base::Duration> RequestInfo::*member) {
  return {name, {.kind = OperatorKind::DurationOf, .duration = member}};
}
constexpr Row downstream_tls(std::string_view name, std::string_view TlsEnd::*member) {
  return {name, {.kind = OperatorKind::Tls, .tls = member}};
}
constexpr Row upstream_tls(std::string_view name, std::string_view TlsEnd::*member) {
  return {name, {.kind = OperatorKind::Tls, .tls = member, .is_upstream = true}};
}
constexpr Row tls_time(std::string_view name, std::string_view TlsEnd::*member, bool is_upstream) {
  return {name, {.kind = OperatorKind::TlsTime, .tls = member, .is_upstream = is_upstream}, Parameters::Optional};
}
constexpr Row address(std::string_view name, std::string_view RequestInfo::*member, AddressPart part) {
  return {name,
          {.kind = OperatorKind::Address, .view = member, .part = part},
          part == AddressPart::WithoutPort ? Parameters::Optional : Parameters::None};
}
constexpr Row address(std::string_view name, std::string RequestInfo::*member, AddressPart part) {
  return {name,
          {.kind = OperatorKind::Address, .text = member, .part = part},
          part == AddressPart::WithoutPort ? Parameters::Optional : Parameters::None};
}
/// A host is a peer once there is a connection to it.
constexpr Row upstream_peer(Row row) {
  row.source.is_upstream = true;
  return row;
}
constexpr Row header(std::string_view name, HeaderSource source, bool without_query = false) {
  return {name,
          {.kind = OperatorKind::Header, .headers = source, .without_query = without_query},
          Parameters::Required,
          true};
}
constexpr Row header_bytes(std::string_view name, HeaderSource source) {
  return {name, {.kind = OperatorKind::HeaderBytes, .headers = source}};
}
constexpr Row time_of(std::string_view name, OperatorKind kind, bool is_local) {
  return {name, {.kind = kind, .is_local = is_local}, Parameters::Optional};
}
constexpr Row metadata_of(std::string_view name, MetadataSource source) {
  return {name, {.kind = OperatorKind::Metadata, .metadata = source}, Parameters::Required};
}
constexpr Row raw(Row row) {
  row.source.is_raw = true;
  return row;
}

using Info = RequestInfo;
constexpr Row kRows[] = {
    header("REQ", HeaderSource::Request),
    header("REQUEST_HEADER", HeaderSource::Request),
    header("RESP", HeaderSource::Response),
    header("RESPONSE_HEADER", HeaderSource::Response),
    header("TRAILER", HeaderSource::Trailers),
    header("RESPONSE_TRAILER", HeaderSource::Trailers),
    header("REQ_WITHOUT_QUERY", HeaderSource::Request, true),
    header_bytes("REQUEST_HEADERS_BYTES", HeaderSource::Request),
    header_bytes("RESPONSE_HEADERS_BYTES", HeaderSource::Response),
    header_bytes("RESPONSE_TRAILERS_BYTES", HeaderSource::Trailers),
    plain("PATH", OperatorKind::Path, Parameters::Optional, true),
    plain("QUERY_PARAM", OperatorKind::QueryParam, Parameters::Required, true),
    plain("QUERY_PARAMS", OperatorKind::QueryParams, Parameters::Optional, true),
    plain("COALESCE", OperatorKind::Coalesce, Parameters::Required, true),
    view("PROTOCOL", &Info::protocol),
    view("UPSTREAM_PROTOCOL", &Info::upstream_protocol),
    plain("RESPONSE_CODE", OperatorKind::ResponseCode),
    text("RESPONSE_CODE_DETAILS", &Info::response_code_details, OperatorKind::TextUnderscored, Parameters::Optional),
    text("CONNECTION_TERMINATION_DETAILS", &Info::connection_termination_details),
    plain("RESPONSE_FLAGS", OperatorKind::ResponseFlags),
    plain("RESPONSE_FLAGS_LONG", OperatorKind::ResponseFlagsLong),
    plain("GRPC_STATUS", OperatorKind::GrpcStatus, Parameters::Optional),
    plain("GRPC_STATUS_NUMBER", OperatorKind::GrpcStatus),
    plain("LOCAL_REPLY_BODY", OperatorKind::LocalReplyBody),
    view("ACCESS_LOG_TYPE", &Info::log_type),

    count("BYTES_RECEIVED", &Info::bytes_received),
    count("BYTES_SENT", &Info::bytes_sent),
    count("CONNECTION_ID", &Info::connection_id),
    count("UPSTREAM_CONNECTION_ID", &Info::upstream_connection_id),
    plain("UPSTREAM_REQUEST_ATTEMPT_COUNT", OperatorKind::AttemptCount),
    plain("UPSTREAM_HOSTS_ATTEMPTED", OperatorKind::HostsAttempted),
    raw(plain("UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", OperatorKind::HostsAttempted)),
    plain("UPSTREAM_HOST_NAMES_ATTEMPTED", OperatorKind::HostNamesAttempted),
    raw(plain("UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT", OperatorKind::HostNamesAttempted)),
    plain("UPSTREAM_CONNECTION_IDS_ATTEMPTED", OperatorKind::ConnectionIdsAttempted),
    wire("UPSTREAM_WIRE_BYTES_SENT", &WireBytes::sent, true),
    wire("UPSTREAM_WIRE_BYTES_RECEIVED", &WireBytes::received, true),
    wire("UPSTREAM_HEADER_BYTES_SENT", &WireBytes::headers_sent, true),
    wire("UPSTREAM_HEADER_BYTES_RECEIVED", &WireBytes::headers_received, true),
    wire("UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT", &WireBytes::decoded_headers_sent, true),
    wire("UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED", &WireBytes::decoded_headers_received, true),
    wire("DOWNSTREAM_WIRE_BYTES_SENT", &WireBytes::sent, false),
    wire("DOWNSTREAM_WIRE_BYTES_RECEIVED", &WireBytes::received, false),
    wire("DOWNSTREAM_HEADER_BYTES_SENT", &WireBytes::headers_sent, false),
    wire("DOWNSTREAM_HEADER_BYTES_RECEIVED", &WireBytes::headers_received, false),
    wire("DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT", &WireBytes::decoded_headers_sent, false),
    wire("DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED", &WireBytes::decoded_headers_received, false),
    plain("BYTES_RETRANSMITTED", OperatorKind::Zero),
    plain("PACKETS_RETRANSMITTED", OperatorKind::Zero),

    time_of("START_TIME", OperatorKind::StartTime, false),
    time_of("START_TIME_LOCAL", OperatorKind::StartTime, true),
    time_of("EMIT_TIME", OperatorKind::EmitTime, false),
    time_of("EMIT_TIME_LOCAL", OperatorKind::EmitTime, true),
    duration("DURATION", &Info::duration),
    duration("REQUEST_DURATION", &Info::request_received),
    duration("REQUEST_TX_DURATION", &Info::last_upstream_tx),
    duration("RESPONSE_DURATION", &Info::first_upstream_rx),
    plain("RESPONSE_TX_DURATION", OperatorKind::ResponseTx),
    duration("UPSTREAM_CONNECTION_POOL_READY_DURATION", &Info::upstream_pool_ready),
    plain("DOWNSTREAM_HANDSHAKE_DURATION", OperatorKind::Never),
    plain("ROUNDTRIP_DURATION", OperatorKind::Never),
    plain("COMMON_DURATION", OperatorKind::CommonDuration, Parameters::Required),

    address("UPSTREAM_HOST", &Info::upstream_host, AddressPart::Whole),
    plain("UPSTREAM_HOST_NAME", OperatorKind::UpstreamHostName),
    raw(plain("UPSTREAM_HOST_NAME_WITHOUT_PORT", OperatorKind::UpstreamHostName)),
    plain("UPSTREAM_CLUSTER", OperatorKind::UpstreamCluster),
    raw(plain("UPSTREAM_CLUSTER_RAW", OperatorKind::UpstreamCluster)),
    upstream_peer(address("UPSTREAM_REMOTE_ADDRESS", &Info::upstream_host, AddressPart::Whole)),
    upstream_peer(address("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", &Info::upstream_host, AddressPart::WithoutPort)),
    upstream_peer(address("UPSTREAM_REMOTE_PORT", &Info::upstream_host, AddressPart::Port)),
    address("UPSTREAM_LOCAL_ADDRESS", &Info::upstream_local_address, AddressPart::Whole),
    address("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", &Info::upstream_local_address, AddressPart::WithoutPort),
    address("UPSTREAM_LOCAL_PORT", &Info::upstream_local_address, AddressPart::Port),
    address("DOWNSTREAM_REMOTE_ADDRESS", &Info::downstream_remote_address, AddressPart::Whole),
    address("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", &Info::downstream_remote_address, AddressPart::WithoutPort),
    address("DOWNSTREAM_REMOTE_PORT", &Info::downstream_remote_address, AddressPart::Port),
    address("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", &Info::downstream_direct_remote_address, AddressPart::Whole),
    address("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", &Info::downstream_direct_remote_address,
            AddressPart::WithoutPort),
    address("DOWNSTREAM_DIRECT_REMOTE_PORT", &Info::downstream_direct_remote_address, AddressPart::Port),
    address("DOWNSTREAM_LOCAL_ADDRESS", &Info::downstream_local_address, AddressPart::Whole),
    address("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", &Info::downstream_local_address, AddressPart::WithoutPort),
    address("DOWNSTREAM_LOCAL_PORT", &Info::downstream_local_address, AddressPart::Port),
    // No listener filter changes the local address, so the direct one is the same.
    address("DOWNSTREAM_DIRECT_LOCAL_ADDRESS", &Info::downstream_local_address, AddressPart::Whole),
    address("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", &Info::downstream_local_address, AddressPart::WithoutPort),
    address("DOWNSTREAM_DIRECT_LOCAL_PORT", &Info::downstream_local_address, AddressPart::Port),

    text("UPSTREAM_TRANSPORT_FAILURE_REASON", &Info::upstream_transport_failure_reason, OperatorKind::TextUnderscored),
    view("DOWNSTREAM_TRANSPORT_FAILURE_REASON", &Info::downstream_transport_failure_reason,
         OperatorKind::TextUnderscored),
    text("ROUTE_NAME", &Info::route_name),
    text("VIRTUAL_CLUSTER_NAME", &Info::virtual_cluster_name),
    view("FILTER_CHAIN_NAME", &Info::filter_chain_name),
    plain("HOSTNAME", OperatorKind::Constant),
    plain("REQUESTED_SERVER_NAME", OperatorKind::RequestedServerName, Parameters::Optional),
    plain("STREAM_ID", OperatorKind::StreamId),
    plain("UNIQUE_ID", OperatorKind::UniqueId),
    plain("ENVIRONMENT", OperatorKind::Constant, Parameters::Required, true),

    // No filter here sets metadata, state or flags, nothing is traced, and there are no internal listeners.
    never("DYNAMIC_METADATA", Parameters::Required),
    plain("METADATA", OperatorKind::Metadata, Parameters::Required, true),
    metadata_of("CLUSTER_METADATA", MetadataSource::Cluster),
    metadata_of("UPSTREAM_METADATA", MetadataSource::UpstreamHost),
    never("FILTER_STATE", Parameters::Required),
    never("UPSTREAM_FILTER_STATE", Parameters::Required),
    never("TRACE_ID"),
    never("SPAN_ID"),
    plain("CUSTOM_FLAGS", OperatorKind::Empty),
    never("TLS_JA3_FINGERPRINT"),
    never("TLS_JA4_FINGERPRINT"),
    never("UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID"),
    never("DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID"),
    never("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID"),

    downstream_tls("DOWNSTREAM_PEER_URI_SAN", &TlsEnd::peer_uri_san),
    downstream_tls("DOWNSTREAM_PEER_DNS_SAN", &TlsEnd::peer_dns_san),
    downstream_tls("DOWNSTREAM_PEER_IP_SAN", &TlsEnd::peer_ip_san),
    downstream_tls("DOWNSTREAM_PEER_EMAIL_SAN", &TlsEnd::peer_email_san),
    downstream_tls("DOWNSTREAM_PEER_SUBJECT", &TlsEnd::peer_subject),
    downstream_tls("DOWNSTREAM_PEER_ISSUER", &TlsEnd::peer_issuer),
    downstream_tls("DOWNSTREAM_PEER_SERIAL", &TlsEnd::peer_serial),
    downstream_tls("DOWNSTREAM_PEER_FINGERPRINT_256", &TlsEnd::peer_fingerprint_256),
    downstream_tls("DOWNSTREAM_PEER_CERT", &TlsEnd::peer_certificate_url_encoded),
    downstream_tls("DOWNSTREAM_PEER_OTHERNAME_SAN", &TlsEnd::peer_other_name_san),
    downstream_tls("DOWNSTREAM_PEER_FINGERPRINT_1", &TlsEnd::peer_fingerprint_1),
    downstream_tls("DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256", &TlsEnd::peer_chain_fingerprints_256),
    downstream_tls("DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1", &TlsEnd::peer_chain_fingerprints_1),
    downstream_tls("DOWNSTREAM_PEER_CHAIN_SERIALS", &TlsEnd::peer_chain_serials),
    downstream_tls("DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256", &TlsEnd::peer_issuer_fingerprint_256),
    downstream_tls("DOWNSTREAM_PEER_ISSUER_SERIAL", &TlsEnd::peer_issuer_serial),
    downstream_tls("DOWNSTREAM_LOCAL_IP_SAN", &TlsEnd::local_ip_san),
    downstream_tls("DOWNSTREAM_LOCAL_EMAIL_SAN", &TlsEnd::local_email_san),
    downstream_tls("DOWNSTREAM_LOCAL_OTHERNAME_SAN", &TlsEnd::local_other_name_san),
    downstream_tls("DOWNSTREAM_TLS_GROUP", &TlsEnd::group),
    upstream_tls("UPSTREAM_TLS_GROUP", &TlsEnd::group),
    upstream_tls("UPSTREAM_LOCAL_IP_SAN", &TlsEnd::local_ip_san),
    downstream_tls("DOWNSTREAM_LOCAL_URI_SAN", &TlsEnd::local_uri_san),
    downstream_tls("DOWNSTREAM_LOCAL_DNS_SAN", &TlsEnd::local_dns_san),
    downstream_tls("DOWNSTREAM_LOCAL_SUBJECT", &TlsEnd::local_subject),
    downstream_tls("DOWNSTREAM_TLS_VERSION", &TlsEnd::version),
    downstream_tls("DOWNSTREAM_TLS_CIPHER", &TlsEnd::cipher),
    downstream_tls("DOWNSTREAM_TLS_SESSION_ID", &TlsEnd::session_id),
    upstream_tls("UPSTREAM_PEER_URI_SAN", &TlsEnd::peer_uri_san),
    upstream_tls("UPSTREAM_PEER_DNS_SAN", &TlsEnd::peer_dns_san),
    upstream_tls("UPSTREAM_PEER_IP_SAN", &TlsEnd::peer_ip_san),
    upstream_tls("UPSTREAM_PEER_SUBJECT", &TlsEnd::peer_subject),
    upstream_tls("UPSTREAM_PEER_ISSUER", &TlsEnd::peer_issuer),
    upstream_tls("UPSTREAM_PEER_CERT", &TlsEnd::peer_certificate_url_encoded),
    upstream_tls("UPSTREAM_LOCAL_URI_SAN", &TlsEnd::local_uri_san),
    upstream_tls("UPSTREAM_LOCAL_DNS_SAN", &TlsEnd::local_dns_san),
    upstream_tls("UPSTREAM_TLS_VERSION", &TlsEnd::version),
    upstream_tls("UPSTREAM_TLS_CIPHER", &TlsEnd::cipher),
    upstream_tls("UPSTREAM_TLS_SESSION_ID", &TlsEnd::session_id),
    upstream_tls("UPSTREAM_SERVER_NAME", &TlsEnd::server_name),
    tls_time("DOWNSTREAM_PEER_CERT_V_START", &TlsEnd::peer_not_before, false),
    tls_time("DOWNSTREAM_PEER_CERT_V_END", &TlsEnd::peer_not_after, false),
    tls_time("UPSTREAM_PEER_CERT_V_START", &TlsEnd::peer_not_before, true),
    tls_time("UPSTREAM_PEER_CERT_V_END", &TlsEnd::peer_not_after, true),
};

/// Operators of Envoy that need what is not here.
constexpr std::string_view kRefused[] = {"CEL",
                                         "TYPED_CEL",
                                         "FILE_CONTENT",
                                         "SECRET",
                                         "UPSTREAM_DETECTED_CLOSE_TYPE",
                                         "UPSTREAM_LOCAL_CLOSE_REASON",
                                         "DOWNSTREAM_DETECTED_CLOSE_TYPE",
                                         "DOWNSTREAM_LOCAL_CLOSE_REASON"};

constexpr std::string_view kTimePoints[] = {"DS_RX_BEG", "DS_RX_END", "US_TX_BEG", "US_TX_END",
                                            "US_RX_BEG", "US_RX_END", "DS_TX_BEG", "DS_TX_END",
                                            "US_CX_BEG", "US_CX_END", "US_HS_END", "US_RX_BODY_BEG"};

base::Error invalid(std::string message) { return {base::ErrorCode::InvalidArgument, std::move(message)}; }

template <typename List>
bool contains(const List& list, std::string_view name) {
  for (std::string_view item : list) {
    if (item == name) return true;
  }
  return false;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

/// Cuts at the first `separator`; the second part is absent where there is none.
std::pair<std::string_view, std::optional<std::string_view>> cut(std::string_view text, char separator) {
  size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

/// The position of `word` in `words`, or an error that lists what is allowed.
template <typename Words>
base::Result<size_t> choose(std::string_view word, const Words& words) {
  std::string allowed;
  size_t i = 0;
  for (std::string_view candidate : words) {
    if (word == candidate) return i;
    allowed += (i++ == 0 ? "" : ", ") + std::string(candidate);
  }
  return invalid("\"" + std::string(word) + "\" must be one of " + allowed);
}

base::Status parse_header_names(Operator& operation, std::string_view parameters) {
  auto [name, alternative] = cut(parameters, '?');
  if (alternative && alternative->find('?') != std::string_view::npos)
    return invalid("more than one alternative header");
  if (parameters.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return invalid("a header name must not hold a line break");
  operation.name = lower_case(name);
  if (alternative) operation.alternative = lower_case(*alternative);
  return {};
}

/// As in Envoy, any other name is one that a filter may have set.
TimePoint time_point(std::string_view name) {
  const auto found = std::find(std::begin(kTimePoints), std::end(kTimePoints), name);
  return found == std::end(kTimePoints) ? TimePoint::Never : static_cast<TimePoint>(found - std::begin(kTimePoints));
}

base::Status parse_common_duration(Operator& operation, std::string_view parameters) {
  constexpr std::string_view kUnits[] = {"ns", "us", "ms"};
  constexpr int64_t kNanoseconds[] = {1, 1000, 1'000'000};
  auto [from, rest] = cut(parameters, ':');
  if (!rest) return invalid("must be START:END:PRECISION");
  auto [to, unit] = cut(*rest, ':');
  if (!unit) return invalid("must be START:END:PRECISION");
  auto precision = choose(*unit, kUnits);
  if (!precision) return precision.error();
  operation.from = time_point(from);
  operation.to = time_point(to);
  operation.nanoseconds_per_unit = kNanoseconds[*precision];
  return {};
}

base::Status parse_path(Operator& operation, std::string_view parameters) {
  constexpr std::string_view kQuery[] = {"WQ", "NQ"};
  constexpr std::string_view kSource[] = {"ORIG", "PATH", "ORIG_OR_PATH"};
  auto [query, source] = cut(parameters, ':');
  if (!query.empty()) {
    auto choice = choose(query, kQuery);
    if (!choice) return choice.error();
    operation.flag = *choice == 1;
  }
  if (source && !source->empty()) {
    auto choice = choose(*source, kSource);
    if (!choice) return choice.error();
    operation.original = static_cast<OriginalChoice>(*choice);
  }
  return {};
}

base::Status parse_server_name(Operator& operation, std::string_view parameters) {
  constexpr std::string_view kOrder[] = {"SNI_ONLY", "SNI_FIRST", "HOST_FIRST"};
  constexpr std::string_view kSource[] = {"ORIG", "HOST", "ORIG_OR_HOST"};
  auto [order, source] = cut(parameters, ':');
  if (!order.empty()) {
    auto choice = choose(order, kOrder);
    if (!choice) return choice.error();
    operation.host = static_cast<HostChoice>(*choice);
  }
  if (source && !source->empty()) {
    auto choice = choose(*source, kSource);
    if (!choice) return choice.error();
    operation.original = static_cast<OriginalChoice>(*choice);
  }
  return {};
}

base::Status parse_mask(Operator& operation, std::string_view parameters) {
  uint8_t bits = 0;
  auto [end, error] = std::from_chars(parameters.data(), parameters.data() + parameters.size(), bits);
  if (error != std::errc() || end != parameters.data() + parameters.size() || bits > 128)
    return invalid("the prefix length must be 0..128");
  operation.mask_bits = bits;
  return {};
}

base::Status parse_flag(Operator& operation, std::string_view parameters, std::string_view off, std::string_view on) {
  if (parameters == on) operation.flag = true;
  else if (parameters != off) return invalid("\"" + std::string(parameters) + "\" must be " + std::string(on));
  return {};
}

/// "TYPE:namespace:key" of METADATA; without the type of the other two.
base::Status parse_metadata(Operator& operation, std::string_view name, std::string_view parameters) {
  operation.name = parameters;
  if (name != "METADATA") return {};
  constexpr std::string_view kTypes[] = {"ROUTE",    "VIRTUAL_HOST",          "CLUSTER", "UPSTREAM_HOST",
                                         "LISTENER", "LISTENER_FILTER_CHAIN", "DYNAMIC"};
  static_assert(kTypes[kMetadataSources] == "DYNAMIC", "the types before it are those of MetadataSource, in order");
  const size_t colon = parameters.find(':');
  auto type = choose(parameters.substr(0, colon), kTypes);
  if (!type) return type.error();
  if (*type < kMetadataSources) operation.source.metadata = static_cast<MetadataSource>(*type);
  else operation.source.kind = OperatorKind::Never;  // what only filters could set
  operation.name = colon == std::string_view::npos ? "" : parameters.substr(colon + 1);
  return {};
}

base::Status parse_parameters(Operator& operation, std::string_view name, std::string_view parameters) {
  switch (operation.source.kind) {
    case OperatorKind::Header: return parse_header_names(operation, parameters);
    case OperatorKind::CommonDuration: return parse_common_duration(operation, parameters);
    case OperatorKind::Path: return parse_path(operation, parameters);
    case OperatorKind::RequestedServerName: return parse_server_name(operation, parameters);
    case OperatorKind::Address: return parse_mask(operation, parameters);
    case OperatorKind::QueryParam: operation.name = parameters; return {};
    case OperatorKind::Never: return {};
    case OperatorKind::Metadata: return parse_metadata(operation, name, parameters);
    case OperatorKind::QueryParams:
      if (!parameters.empty()) return parse_flag(operation, parameters, "ORIG", "DECODED");
      return {};
    case OperatorKind::TextUnderscored: return parse_flag(operation, parameters, "", "ALLOW_WHITESPACES");
    case OperatorKind::Constant: {
      const char* value = std::getenv(std::string(parameters).c_str());
      if (value != nullptr) operation.name = value;
      return {};
    }
    case OperatorKind::GrpcStatus: {
      constexpr std::string_view kForms[] = {"CAMEL_STRING", "SNAKE_STRING", "NUMBER"};
      if (parameters.empty()) return {};
      auto form = choose(parameters, kForms);
      if (!form) return form.error();
      operation.grpc = static_cast<GrpcStatusForm>(*form);
      return {};
    }
    case OperatorKind::Coalesce: {
      auto alternatives = parse_coalesce(parameters);
      if (!alternatives) return alternatives.error();
      operation.alternatives = std::move(*alternatives);
      return {};
    }
    default: return invalid(std::string(name) + " takes no parameters");
  }
}

bool is_name_character(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// What follows a name: "(…)" up to the first ')' behind which the operator can end, ":Z", "%".
struct OperatorText {
  std::string_view name;
  std::optional<std::string_view> parameters;
  std::optional<size_t> length_max;
  size_t size = 0;  ///< of all of it, both '%' included
};

/// Reads "(:digits)?%" at the front; npos when it is something else.
size_t read_end(std::string_view text, std::optional<size_t>& length_max) {
  length_max.reset();
  size_t i = 0;
  if (!text.empty() && text[0] == ':') {
    size_t value = 0;
    auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), value);
    if (error != std::errc()) return std::string_view::npos;
    length_max = value;
    i = static_cast<size_t>(end - text.data());
  }
  return i < text.size() && text[i] == '%' ? i + 1 : std::string_view::npos;
}

std::optional<OperatorText> read_operator(std::string_view text) {
  OperatorText result;
  size_t i = 1;
  while (i < text.size() && is_name_character(text[i])) ++i;
  result.name = text.substr(1, i - 1);
  if (result.name.empty()) return std::nullopt;
  if (i >= text.size() || text[i] != '(') {
    size_t rest = read_end(text.substr(i), result.length_max);
    if (rest == std::string_view::npos) return std::nullopt;
    result.size = i + rest;
    return result;
  }
  for (size_t close = text.find(')', i); close != std::string_view::npos; close = text.find(')', close + 1)) {
    size_t rest = read_end(text.substr(close + 1), result.length_max);
    if (rest == std::string_view::npos) continue;
    result.parameters = text.substr(i + 1, close - i - 1);
    result.size = close + 1 + rest;
    return result;
  }
  return std::nullopt;
}

std::string system_host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, HOST_NAME_MAX) == 0 ? name : "";
}

base::Status parse_times(Operator& operation, std::string_view parameters) {
  auto time = TimeFormat::parse(parameters, operation.source.is_local);
  if (!time) return time.error();
  operation.time = std::move(*time);
  return {};
}

}  // namespace

base::Result<Operator> parse_operator(std::string_view name, std::optional<std::string_view> parameters,
                                      std::optional<size_t> length_max) {
  std::string shown = "%" + std::string(name) + "%";
  if (contains(kRefused, name)) return invalid(shown + ": is not implemented");
  const Row* row = nullptr;
  for (const Row& candidate : kRows) {
    if (candidate.name == name) row = &candidate;
  }
  if (row == nullptr) return invalid(shown + ": unknown operator");
  if (row->parameters == Parameters::Required && (!parameters || parameters->empty()))
    return invalid(shown + ": needs parameters in parentheses");
  if (row->parameters == Parameters::None && parameters && !parameters->empty())
    return invalid(shown + ": takes no parameters");
  if (length_max && !row->takes_length) return invalid(shown + ": takes no length");
  Operator operation;
  operation.source = row->source;
  operation.length_max = length_max;
  if (name == "GRPC_STATUS_NUMBER") operation.grpc = GrpcStatusForm::Number;
  if (name == "HOSTNAME") operation.name = system_host_name();
  base::Status status;
  bool is_time = row->source.kind == OperatorKind::StartTime || row->source.kind == OperatorKind::EmitTime ||
                 row->source.kind == OperatorKind::TlsTime;
  if (is_time) status = parse_times(operation, parameters.value_or(""));
  else if (parameters && !(parameters->empty() && row->parameters != Parameters::Required))
    status = parse_parameters(operation, name, *parameters);
  if (!status) return invalid(shown + ": " + status.error().message);
  return operation;
}

base::Result<Template> Template::parse(std::string_view format) {
  Template result;
  std::string literal;
  auto flush = [&] {
    if (!literal.empty()) result.pieces.push_back({std::move(literal), std::nullopt});
    literal.clear();
  };
  for (size_t i = 0; i < format.size();) {
    if (format[i] != '%') {
      literal += format[i++];
      continue;
    }
    if (format.substr(i).starts_with("%%")) {
      literal += '%';
      i += 2;
      continue;
    }
    std::string column = "column " + std::to_string(i + 1) + ": ";
    auto text = read_operator(format.substr(i));
    if (!text) return invalid(column + "\"%\" begins no operator; write %% for a percent sign");
    auto operation = parse_operator(text->name, text->parameters, text->length_max);
    if (!operation) return invalid(column + operation.error().message);
    flush();
    result.pieces.push_back({"", std::move(*operation)});
    i += text->size;
  }
  flush();
  return result;
}

}  // namespace weft::observe
