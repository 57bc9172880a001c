// Purpose: what a configuration says of a part of itself for others to read (core.v3.Metadata), by path, for
//          %METADATA(ROUTE:namespace:key)% and its like.
// Thread:  immutable; any.   Owner: the part of the configuration; requests borrow it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace weft::observe {

/// Whose metadata an operator asks for.
enum class MetadataSource : uint8_t { Route, VirtualHost, Cluster, UpstreamHost, Listener, FilterChain };
inline constexpr size_t kMetadataSources = 6;

class Metadata {
 public:
  struct Value {
    std::string text;        ///< a string as it is, anything else as JSON with sorted keys
    bool is_string = false;  ///< else a JSON log shows it without quotes
  };

  /// `filter_metadata`: a JSON object with an object for each namespace. What is null counts as absent, as in Envoy.
  /// Memory: a value once for each object around it.
  explicit Metadata(std::string_view filter_metadata);

  /// `path`: "namespace:key:inner"; a namespace alone is the object of all its keys. Null: nothing is there. A key with
  /// a colon in it cannot be named.
  const Value* find(std::string_view path) const;
  bool is_empty() const { return values_.empty(); }

 private:
  std::map<std::string, Value, std::less<>> values_;  ///< by path
};

}  // namespace weft::observe
