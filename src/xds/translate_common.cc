#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "xds/translation.h"

namespace weft::xds {

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

uint32_t number_or(const View& view, std::string_view field, uint32_t otherwise) {
  const auto value = view.wrapped_number(field);
  return value ? static_cast<uint32_t>(std::min<uint64_t>(*value, std::numeric_limits<uint32_t>::max())) : otherwise;
}

bool flag_or(const View& view, std::string_view field, bool otherwise) {
  return view.wrapped_flag(field).value_or(otherwise);
}

base::Duration duration_or(const View& view, std::string_view field, base::Duration otherwise) {
  return view.duration(field).value_or(otherwise);
}

void refuse_type(const View& payload, std::string_view known) {
  payload.fault("@type", fmt::format("{}: not implemented by Weft here; {}", in_quotes(payload.type()), known));
  payload.accept_all();
}

View required_payload(const View& view, std::string_view field) {
  const View payload = view.payload(field);
  if (!payload) view.absent(field, "is required");
  return payload;
}

// ---- addresses ----------------------------------------------------------------------------------------------------

std::optional<HostPort> translate_socket_address(const View& address) {
  HostPort place;
  place.host = address.text("address");
  place.port = static_cast<uint16_t>(address.number("port_value"));
  return place;  // `protocol` stays unread: only TCP, its default, is implemented
}

std::optional<net::Address> translate_address(const View& address) {
  if (!address) return std::nullopt;
  if (const View pipe = address.message("pipe")) {
    const std::string path = pipe.text("path");
    constexpr size_t kPathBytesMax = 107;  // sun_path with its terminator
    if (path.size() > kPathBytesMax) {
      pipe.fault("path", fmt::format("{}: must be at most {} bytes long", in_quotes(path), kPathBytesMax));
      return std::nullopt;
    }
    return net::Address::unix_path(path);
  }
  const View socket = address.message("socket_address");
  if (!socket) return std::nullopt;
  const auto place = translate_socket_address(socket);
  if (!place || place->host.empty()) return std::nullopt;
  auto parsed = net::Address::parse(place->host, place->port);
  if (!parsed) {
    socket.fault("address", fmt::format("{}: must be an IP address", in_quotes(place->host)));
    return std::nullopt;
  }
  return *parsed;
}

std::vector<net::AddressRange> translate_ranges(const View& parent, std::string_view field) {
  std::vector<net::AddressRange> ranges;
  for (const View& range : parent.messages(field)) {
    const std::string prefix = range.text("address_prefix");
    const uint32_t bits = number_or(range, "prefix_len", 0);
    const auto parsed = net::AddressRange::parse(prefix, bits);
    if (parsed) {
      ranges.push_back(*parsed);
    } else if (!prefix.empty()) {
      range.fault(fmt::format("\"{}/{}\": must be an IP prefix", prefix, bits));
    }
  }
  return ranges;
}

// ---- data ---------------------------------------------------------------------------------------------------------

namespace {

std::optional<Data> data_of(const View& source) {
  Data data;
  if (source.has("filename")) {
    data.source = source.text("filename");
    auto bytes = read_file(data.source);
    if (!bytes) {
      source.fault("filename", fmt::format("{}: {}", in_quotes(data.source), bytes.error().message));
      return std::nullopt;
    }
    data.bytes = std::move(*bytes);
  } else if (source.has("environment_variable")) {
    const std::string name = source.text("environment_variable");
    const char* value = std::getenv(name.c_str());
    if (!value) {
      source.fault("environment_variable", fmt::format("{}: is not set", in_quotes(name)));
      return std::nullopt;
    }
    data.source = "<environment>";
    data.bytes = value;
  } else {
    data.bytes = source.has("inline_bytes") ? source.text("inline_bytes") : source.text("inline_string");
  }
  return data;
}

}  // namespace

std::shared_ptr<const observe::Metadata> translate_metadata(const View& parent) {
  const View metadata = parent.message("metadata");
  if (!metadata) return nullptr;
  metadata.accept("typed_filter_metadata", kMetadata);
  google::protobuf::Struct namespaces;
  for (const auto& [name, keys] : metadata.map("filter_metadata")) {
    keys.accept_all();
    auto& copy = *(*namespaces.mutable_fields())[name].mutable_struct_value();
    copy.CopyFrom(*keys.raw());
  }
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(namespaces, &json).ok()) return nullptr;
  auto made = std::make_shared<const observe::Metadata>(json);
  return made->is_empty() ? nullptr : made;
}

std::optional<Data> translate_data(const View& parent, std::string_view field) {
  const View source = parent.message(field);
  return source ? data_of(source) : std::nullopt;
}

std::vector<std::string> translate_data_list(const View& parent, std::string_view field) {
  std::vector<std::string> list;
  for (const View& source : parent.messages(field)) {
    if (auto data = data_of(source)) list.push_back(std::move(data->bytes));
  }
  return list;
}

// ---- fractions and runtime ------------------------------------------------------------------------------------------

proxy::Fraction translate_fraction(const View& percent) {
  proxy::Fraction fraction;
  const std::string denominator = percent.choice("denominator");
  fraction.numerator = static_cast<uint32_t>(percent.number("numerator"));
  fraction.denominator = denominator == "MILLION" ? 1000000 : denominator == "TEN_THOUSAND" ? 10000 : 100;
  return fraction;
}

proxy::Fraction translate_runtime_fraction(const View& value) {
  value.accept("runtime_key", kNoRuntime);
  return translate_fraction(value.message("default_value"));
}

uint32_t translate_runtime_number(const View& value) {
  value.accept("runtime_key", kNoRuntime);
  return value ? static_cast<uint32_t>(value.number("default_value")) : 0;
}

double translate_runtime_real(const View& value) {
  value.accept("runtime_key", kNoRuntime);
  return value.real("default_value");
}

// ---- matchers -----------------------------------------------------------------------------------------------------

std::shared_ptr<const proxy::Regex> translate_regex(const View& matcher) {
  if (const View engine = matcher.message("google_re2"))
    engine.accept("max_program_size", "Weft's own bound on programs holds");
  const std::string pattern = matcher.text("regex");
  if (!matcher || pattern.empty()) return nullptr;
  auto regex = proxy::Regex::compile(pattern);
  if (!regex) {
    matcher.fault("regex", regex.error().message);
    return nullptr;
  }
  return *regex;
}

Substitution translate_substitution(const View& view) {
  Substitution substitution{translate_regex(view.message("pattern")), view.text("substitution")};
  if (substitution.regex) {
    const auto status = substitution.regex->check_substitution(substitution.text);
    if (!status) view.fault("substitution", status.error().message);
  }
  return substitution;
}

proxy::StringMatcher translate_string_matcher(const View& view) {
  using Kind = proxy::StringMatcher::Kind;
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"exact", Kind::Exact}, {"prefix", Kind::Prefix}, {"suffix", Kind::Suffix}, {"contains", Kind::Contains}};
  proxy::StringMatcher matcher;
  matcher.ignore_case = view.flag("ignore_case");
  for (const auto& [field, kind] : kKinds) {
    if (!view.has(field)) continue;
    matcher.kind = kind;
    matcher.value = matcher.ignore_case ? lower_case(view.text(field)) : view.text(field);
  }
  if (const View regex = view.message("safe_regex")) {
    matcher.kind = Kind::Regex;
    matcher.value = regex.text("regex");
    matcher.regex = translate_regex(regex);
    if (matcher.ignore_case) view.fault("ignore_case", "has no effect on safe_regex; use (?i) in the expression");
  }
  return matcher;
}

proxy::HeaderMatcher translate_header_matcher(const View& view) {
  using Kind = proxy::StringMatcher::Kind;
  // The deprecated spellings of string_match.
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {{"exact_match", Kind::Exact},
                                                                 {"prefix_match", Kind::Prefix},
                                                                 {"suffix_match", Kind::Suffix},
                                                                 {"contains_match", Kind::Contains}};
  proxy::HeaderMatcher matcher;
  matcher.name = lower_case(view.text("name"));
  matcher.invert = view.flag("invert_match");
  matcher.treat_missing_as_empty = view.flag("treat_missing_header_as_empty");
  for (const auto& [field, kind] : kKinds) {
    if (!view.has(field)) continue;
    matcher.kind = proxy::HeaderMatcher::Kind::String;
    matcher.string.kind = kind;
    matcher.string.value = view.text(field);
  }
  if (const View string = view.message("string_match")) {
    matcher.kind = proxy::HeaderMatcher::Kind::String;
    matcher.string = translate_string_matcher(string);
  } else if (const View regex = view.message("safe_regex_match")) {
    matcher.kind = proxy::HeaderMatcher::Kind::String;
    matcher.string.kind = Kind::Regex;
    matcher.string.value = regex.text("regex");
    matcher.string.regex = translate_regex(regex);
  } else if (const View range = view.message("range_match")) {
    matcher.kind = proxy::HeaderMatcher::Kind::Range;
    matcher.range_start = range.number("start");
    matcher.range_end = range.number("end");
  } else if (view.has("present_match")) {
    matcher.present = view.flag("present_match");
  }
  return matcher;
}

std::vector<proxy::HeaderMatcher> translate_header_matchers(const View& parent, std::string_view field) {
  std::vector<proxy::HeaderMatcher> matchers;
  for (const View& view : parent.messages(field)) matchers.push_back(translate_header_matcher(view));
  return matchers;
}

}  // namespace weft::xds
