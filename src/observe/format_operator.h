// Purpose: one command operator of a format, parsed and evaluated. Private to this folder.
// Thread:  immutable; evaluated on any worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "observe/format_time.h"
#include "observe/request_info.h"

namespace weft::observe {

/// What an operator gave: nothing, a text, or a number's digits or other JSON (a JSON log shows them without quotes).
enum class Given : uint8_t { Nothing, Text, Number };

/// What an operator reads. Most are one member of RequestInfo, named by the row's pointer.
enum class OperatorKind : uint8_t {
  Constant,  ///< a text known at parse time (ENVIRONMENT, HOSTNAME); absent when empty
  Count,     ///< RequestInfo::*count
  Wire,      ///< WireBytes::*wire of one side
  Zero,      ///< numbers that only HTTP/3 has
  Never,     ///< what no request can have here: HTTP/3's times, data that only absent extensions set
  Empty,     ///< the same, where Envoy gives an empty text
  View,
  Text,
  TextUnderscored,  ///< blanks become '_'
  DurationOf,
  ResponseTx,
  CommonDuration,
  Tls,
  TlsTime,
  Address,
  Header,
  HeaderBytes,
  ResponseCode,
  ResponseFlags,
  ResponseFlagsLong,
  AttemptCount,
  HostsAttempted,
  HostNamesAttempted,
  ConnectionIdsAttempted,
  UpstreamCluster,
  UpstreamHostName,
  RequestedServerName,
  Path,
  QueryParam,
  QueryParams,
  GrpcStatus,
  StartTime,
  EmitTime,
  StreamId,
  UniqueId,
  LocalReplyBody,
  Coalesce,
  Metadata,
};

enum class HeaderSource : uint8_t { Request, Response, Trailers };
enum class AddressPart : uint8_t { Whole, WithoutPort, Port };
/// Points in time of COMMON_DURATION; their order is that of kTimePoints in format_parse.cc, Never behind it.
enum class TimePoint : uint8_t {
  Start,
  RequestEnd,
  UpstreamTxBegin,
  UpstreamTxEnd,
  UpstreamRxBegin,
  UpstreamRxEnd,
  DownstreamTxBegin,
  DownstreamTxEnd,
  UpstreamConnectBegin,
  UpstreamConnectEnd,
  UpstreamHandshakeEnd,
  UpstreamRxBodyBegin,
  Never  ///< a name that only a filter could have set
};
enum class HostChoice : uint8_t { SniOnly, SniFirst, HostFirst };
enum class OriginalChoice : uint8_t { Original, Current, OriginalOrCurrent };
enum class GrpcStatusForm : uint8_t { Camel, Snake, Number };

/// The row of an operator: where its value is.
struct OperatorSource {
  OperatorKind kind = OperatorKind::Never;
  uint64_t RequestInfo::*count = nullptr;
  uint64_t WireBytes::*wire = nullptr;
  std::string_view RequestInfo::*view = nullptr;
  std::string RequestInfo::*text = nullptr;
  std::optional<base::Duration> RequestInfo::*duration = nullptr;
  std::string_view TlsEnd::*tls = nullptr;
  HeaderSource headers = HeaderSource::Request;
  AddressPart part = AddressPart::Whole;
  MetadataSource metadata = MetadataSource::Route;
  bool is_upstream = false;    ///< Tls, Wire: of the upstream connection; Address: absent without one
  bool is_local = false;       ///< StartTime, EmitTime: local time zone
  bool without_query = false;  ///< Header: cut at '?'
  bool is_raw = false;         ///< UpstreamCluster: without alt_stat_name; UpstreamHostName, …Attempted: without port
};

struct Operator {
  OperatorSource source;
  std::optional<size_t> length_max;  ///< ":Z"
  std::string name, alternative;     ///< Header, QueryParam: lower case for headers; Constant: the text; Metadata: path
  std::optional<TimeFormat> time;    ///< StartTime, EmitTime, TlsTime
  std::optional<uint8_t> mask_bits;  ///< Address WithoutPort
  TimePoint from = TimePoint::Start, to = TimePoint::Start;
  int64_t nanoseconds_per_unit = 1'000'000;
  HostChoice host = HostChoice::SniOnly;
  OriginalChoice original = OriginalChoice::OriginalOrCurrent;
  GrpcStatusForm grpc = GrpcStatusForm::Camel;
  bool flag = false;                   ///< RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES), PATH(NQ), QUERY_PARAMS(DECODED)
  std::vector<Operator> alternatives;  ///< Coalesce

  /// Appends the raw value; what is appended is not escaped.
  Given append(std::string& out, const RequestInfo& info) const;
};

/// A text with operators in it: literals and operators in turn.
struct Template {
  struct Piece {
    std::string literal;
    std::optional<Operator> operation;
  };
  std::vector<Piece> pieces;

  /// Errors: InvalidArgument naming the operator, its column (from 1) and the rule.
  static base::Result<Template> parse(std::string_view format);
  bool is_literal() const { return pieces.empty() || (pieces.size() == 1 && !pieces[0].operation); }
  /// The only operator, when there is nothing else.
  const Operator* only_operator() const {
    return pieces.size() == 1 && pieces[0].operation ? &*pieces[0].operation : nullptr;
  }
};

/// One operator from its parts; `parameters` is what stands in parentheses, if they are there. Errors: InvalidArgument.
base::Result<Operator> parse_operator(std::string_view name, std::optional<std::string_view> parameters,
                                      std::optional<size_t> length_max);

/// The operators of %COALESCE({"operators": […]})%. In format_json.cc, which knows JSON.
base::Result<std::vector<Operator>> parse_coalesce(std::string_view json);

}  // namespace weft::observe
