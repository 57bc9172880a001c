// Purpose: a request to the admin port and its answer as plain data, apart from HTTP.
// Thread:  the admin thread's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::admin {

inline constexpr std::string_view kPlainText = "text/plain; charset=UTF-8";
inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kHtml = "text/html; charset=UTF-8";

/// The parameters of a URL's query, percent-decoded ('+' is a plus, as in Envoy).
class Query {
 public:
  static Query parse(std::string_view text);
  /// The first value of that name; "" for a name without one.
  std::optional<std::string_view> find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

struct AdminRequest {
  std::string method, path;
  Query query;

  /// `target`: path and query.
  static AdminRequest parse(std::string_view method, std::string_view target);
};

struct AdminResponse {
  uint16_t status = 200;
  std::string_view content_type = kPlainText;
  std::string body;
  std::function<void()> afterwards;  ///< runs when the answer has been handed to the connection
};

/// Answers once; from any thread, now or later.
using Respond = std::function<void(AdminResponse)>;

}  // namespace weft::admin
