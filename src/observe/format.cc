#include "observe/format.h"

#include <algorithm>
#include <iterator>

#include "observe/format_operator.h"
#include "observe/json_text.h"

namespace weft::observe {
namespace {

struct FlagName {
  std::string_view name, long_name;
};
// By bit; Envoy's order of CORE_RESPONSE_FLAGS.
constexpr FlagName kFlags[] = {{"LH", "FailedLocalHealthCheck"},
                               {"UH", "NoHealthyUpstream"},
                               {"UT", "UpstreamRequestTimeout"},
                               {"LR", "LocalReset"},
                               {"UR", "UpstreamRemoteReset"},
                               {"UF", "UpstreamConnectionFailure"},
                               {"UC", "UpstreamConnectionTermination"},
                               {"UO", "UpstreamOverflow"},
                               {"NR", "NoRouteFound"},
                               {"DI", "DelayInjected"},
                               {"FI", "FaultInjected"},
                               {"RL", "RateLimited"},
                               {"UAEX", "UnauthorizedExternalService"},
                               {"RLSE", "RateLimitServiceError"},
                               {"DC", "DownstreamConnectionTermination"},
                               {"URX", "UpstreamRetryLimitExceeded"},
                               {"SI", "StreamIdleTimeout"},
                               {"IH", "InvalidEnvoyRequestHeaders"},
                               {"DPE", "DownstreamProtocolError"},
                               {"UMSDR", "UpstreamMaxStreamDurationReached"},
                               {"RFCF", "ResponseFromCacheFilter"},
                               {"NFCF", "NoFilterConfigFound"},
                               {"DT", "DurationTimeout"},
                               {"UPE", "UpstreamProtocolError"},
                               {"NC", "NoClusterFound"},
                               {"OM", "OverloadManagerTerminated"},
                               {"DF", "DnsResolutionFailed"},
                               {"DO", "DropOverload"},
                               {"DR", "DownstreamRemoteReset"},
                               {"UDO", "UnconditionalDropOverload"}};
static_assert(1ull << (std::size(kFlags) - 1) == kUnconditionalDropOverload);

// Envoy lists flags as they were set: a delay before what came after it, and that the retries are used up before how
// the last attempt failed. All others come alone, or in the order of their bits.
std::string join_flags(uint64_t flags, std::string_view FlagName::*name) {
  std::string out;
  const auto append = [&](uint64_t chosen) {
    for (size_t i = 0; i < std::size(kFlags); ++i) {
      if ((chosen >> i & 1) == 0) continue;
      if (!out.empty()) out += ',';
      out += kFlags[i].*name;
    }
  };
  const uint64_t first = flags & kDelayInjected, second = flags & kUpstreamRetryLimitExceeded;
  append(first);
  append(second);
  append(flags & ~first & ~second);
  return out.empty() ? "-" : out;
}

class LiteralFormat final : public Format {
 public:
  explicit LiteralFormat(std::string_view text) : text_(text) {}
  void append(std::string& out, const RequestInfo&) const override { out += text_; }
  void append_body(std::string& out, const RequestInfo&) const override { out += text_; }
  void append_header_value(std::string& out, const RequestInfo&) const override { out += text_; }
  bool is_literal() const override { return true; }
  std::string_view literal_text() const override { return text_; }

 private:
  std::string text_;
};

/// Rewrites what stands behind `from` without control characters. Costs a copy only where there are some.
void escape_tail(std::string& out, size_t from) {
  bool is_clean = true;
  for (size_t i = from; i < out.size(); ++i) {
    auto byte = static_cast<unsigned char>(out[i]);
    is_clean &= byte >= 0x20 && byte != 0x7F;
  }
  if (is_clean) return;
  std::string raw = out.substr(from);
  out.resize(from);
  append_without_controls(out, raw);
}

class TextFormat final : public Format {
 public:
  TextFormat(Template content, bool omit_empty_values)
      : template_(std::move(content)), absent_(omit_empty_values ? "" : "-") {}

  void append(std::string& out, const RequestInfo& info) const override {
    for (const Template::Piece& piece : template_.pieces) {
      size_t before = out.size();
      append_piece(out, piece, info, absent_);
      if (piece.operation) escape_tail(out, before);
    }
  }

  void append_body(std::string& out, const RequestInfo& info) const override {
    for (const Template::Piece& piece : template_.pieces) append_piece(out, piece, info, absent_);
  }

  void append_header_value(std::string& out, const RequestInfo& info) const override {
    size_t before = out.size();
    for (const Template::Piece& piece : template_.pieces) append_piece(out, piece, info, "");
    auto is_forbidden = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), is_forbidden), out.end());
  }

  bool is_literal() const override { return false; }
  std::string_view literal_text() const override { return {}; }

 private:
  static void append_piece(std::string& out, const Template::Piece& piece, const RequestInfo& info,
                           std::string_view absent) {
    if (!piece.operation) out += piece.literal;
    else if (piece.operation->append(out, info) == Given::Nothing) out += absent;
  }

  Template template_;
  std::string_view absent_;
};

}  // namespace

base::Result<std::shared_ptr<const Format>> Format::parse_text(std::string_view format, bool omit_empty_values) {
  auto content = Template::parse(format);
  if (!content) return content.error();
  if (content->is_literal())
    return literal(content->pieces.empty() ? "" : std::string_view(content->pieces[0].literal));
  return std::shared_ptr<const Format>(std::make_shared<TextFormat>(std::move(*content), omit_empty_values));
}

std::shared_ptr<const Format> Format::default_log_line() {
  return *parse_text(
      "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% "
      "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" "
      "\"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n");
}

std::shared_ptr<const Format> Format::literal(std::string_view text) { return std::make_shared<LiteralFormat>(text); }

std::string response_flags_text(uint64_t flags) { return join_flags(flags, &FlagName::name); }
std::string response_flags_long_text(uint64_t flags) { return join_flags(flags, &FlagName::long_name); }

uint64_t response_flag_of(std::string_view name) {
  for (size_t i = 0; i < std::size(kFlags); ++i) {
    if (kFlags[i].name == name) return 1ull << i;
  }
  return 0;
}

}  // namespace weft::observe
